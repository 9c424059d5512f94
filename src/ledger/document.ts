import { hash } from 'node:crypto';
import { isSurelyCanonical } from './canonical-scan.ts';
import type { Entry } from './chain.ts';
import { type Asked, askedOf, type Members } from './members.ts';

const encoder = new TextEncoder();

/** The bytes of one document, which is used up before the next one is put here. */
const room = Buffer.alloc(2 ** 20);

const replacement = Buffer.from('\ufffd');

const isHash = /^[0-9a-f]{64}$/;

/** What stands around the body: what is hashed of an entry is `before`, its body, and `after`. */
export interface Frame {
  before: string;
  after: string;
}

/** What one pass over an entry told: its hash; its body is read before the next pass. */
export interface Passed {
  hash: string;
  /** The body; of an object only the members that are named. */
  ask(members: Members | null): Asked;
}

/**
 * Proves in one pass over the bytes that are hashed that the body of an entry is canonical JSON, and hashes them. Null
 * where that is not sure, which says nothing.
 */
export function passOver({ body, prevHash }: Entry, { before, after }: Frame): Passed | null {
  const text = before + body + after;
  if (text.length * 3 > room.length) return null;
  const length = encoder.encodeInto(text, room).written;
  const isAscii = length === text.length;
  if (!isAscii && !isHash.test(prevHash)) return null;
  // Half of a pair was written as this character, which may stand there by itself.
  if (!isAscii && room.subarray(0, length).includes(replacement) && !body.isWellFormed()) return null;
  const to = length - (isAscii ? after.length : Buffer.byteLength(after));
  const from = before.length;
  const outline: number[] = [];
  if (!isSurelyCanonical(room, { from, to, outline })) return null;
  return {
    hash: hash('sha256', room.subarray(0, length), 'hex'),
    ask(members) {
      if (members === null || outline.length === 0) return { text: body, handedOn: [] };
      const bytes = isAscii ? text : room.toString('latin1', 0, to);
      return askedOf({ bytes, isAscii, outline }, members);
    },
  };
}
