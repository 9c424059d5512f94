import type { Json } from '../core/model.ts';
import { canonicalText, isExact, isPlainText } from './canonical.ts';

/** What somebody does with the members of a body; others he never asks for. */
export interface Members {
  /** Looks at their values. */
  reads: ReadonlySet<string>;
  /** Hands them on as they are, into a member of what he makes of them, or not at all. */
  passes: ReadonlySet<string>;
}

/**
 * A value that is only handed on, as it is spelled: it is neither parsed nor spelled again. The text has a character
 * for each byte of its UTF-8.
 */
class HandedOn {
  readonly bytes: string;

  constructor(bytes: string) {
    this.bytes = bytes;
  }
}

/** The text of an object in canonical JSON, a character for each byte, and where its members stand in it. */
export interface Outlined {
  bytes: string;
  /** Three numbers for each member: where its name begins, its value begins, and its value ends. */
  outline: readonly number[];
}

/** The members of an object that somebody asks for. What he only hands on is for spellHandedOn() alone. */
export function readMembers({ bytes, outline }: Outlined, { reads, passes }: Members): Json {
  let read = '';
  const handedOn: [string, HandedOn][] = [];
  for (let at = 0; at < outline.length; at += 3) {
    const [from, value, to] = [outline[at]!, outline[at + 1]!, outline[at + 2]!];
    const name = bytes.slice(from, value - 2);
    if (reads.has(name)) read += `${read === '' ? '' : ','}${bytes.slice(from - 1, to)}`;
    else if (passes.has(name)) handedOn.push([name, new HandedOn(bytes.slice(value, to))]);
  }
  const object = JSON.parse(fromBytes(`{${read}}`)) as { [name: string]: unknown };
  for (const [name, value] of handedOn) object[name] = value;
  return object as Json;
}

/**
 * The canonical JSON of a value that may hold what was handed on; a character for each byte. Throws where canonicalText()
 * does, and where something was handed on into what it has to be asked for.
 */
export function spellHandedOn(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string' && isPlainText(value)) return `"${value}"`;
  if (typeof value === 'number' && isExact(value)) return String(value);
  if (value instanceof HandedOn) return value.bytes;
  if (Array.isArray(value)) return spellList(value);
  const isObject = typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;
  const spelled = isObject ? spellInOrder(value as { [name: string]: unknown }) : null;
  return spelled ?? toBytes(canonicalText(value as Json));
}

function spellList(list: readonly unknown[]): string {
  let text = '';
  for (let at = 0; at < list.length; at++) text += `${at === 0 ? '' : ','}${spellHandedOn(list[at])}`;
  return `[${text}]`;
}

/** Null where the names are not plain and in order. */
function spellInOrder(object: { readonly [name: string]: unknown }): string | null {
  let text = '';
  let before: string | null = null;
  for (const name of Object.keys(object)) {
    if ((before !== null && before >= name) || !isPlainText(name)) return null;
    text += `${before === null ? '' : ','}"${name}":${spellHandedOn(object[name])}`;
    before = name;
  }
  return `{${text}}`;
}

const isAscii = (text: string) => !/[^\0-\x7f]/.test(text);

const encoder = new TextEncoder();

/** Where texts become bytes, one at a time. */
const room = Buffer.alloc(2 ** 16);

/** A text with a character for each byte of its UTF-8. */
export function toBytes(text: string): string {
  if (text.length * 3 > room.length) return Buffer.from(text).toString('latin1');
  const length = encoder.encodeInto(text, room).written;
  return length === text.length ? text : room.toString('latin1', 0, length);
}

const fromBytes = (bytes: string) => (isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString());
