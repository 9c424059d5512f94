import { hash } from 'node:crypto';
import type { Json } from '../core/model.ts';
import { canonicalText } from './canonical.ts';

/*
 * Members of a body that are hashes of other members. To spell a body and to hash what was spelled are two steps: who does
 * the first may leave the second one to another thread.
 */

/** Members that a body gets when it is spelled: each is the SHA-256 of the canonical text of the member that is named. */
export type Digests = Readonly<Record<string, string>>;

/** Canonical JSON in which hashes are still missing. */
export interface Unhashed {
  text: string;
  holes: readonly Hole[];
}

/** Where a hash is to stand, and from where to where the text stands that is hashed; in UTF-16 units. */
interface Hole {
  at: number;
  from: number;
  to: number;
}

const emptyHole = '0'.repeat(64);

/** Throws where the body cannot be spelled (see canonicalText), and where it has no member that is to be hashed. */
export function spellUnhashed(body: Json, digests: Digests = {}): Unhashed {
  const hashed = Object.entries(digests);
  if (hashed.length === 0) return { text: canonicalText(body), holes: [] };
  const members = body as { readonly [name: string]: Json };
  const spans = new Map<string, { from: number; to: number }>();
  let text = '';
  for (const name of Object.keys({ ...members, ...digests }).sort()) {
    text += `${text === '' ? '{' : ','}${canonicalText(name)}:`;
    const from = text.length;
    text += Object.hasOwn(digests, name) ? `"${emptyHole}"` : canonicalText(members[name]!);
    spans.set(name, { from, to: text.length });
  }
  const holes = hashed.map(([name, of]) => {
    const { from, to } = spans.get(of)!;
    return { at: spans.get(name)!.from + 1, from, to };
  });
  return { text: `${text}}`, holes };
}

/** The whole text, with its hashes. */
export function withHashes({ text, holes }: Unhashed): string {
  let whole = text;
  for (const { at, from, to } of holes) {
    const digest = hash('sha256', text.slice(from, to), 'hex');
    whole = `${whole.slice(0, at)}${digest}${whole.slice(at + emptyHole.length)}`;
  }
  return whole;
}
