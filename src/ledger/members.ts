import type { Json } from '../core/model.ts';
import { isPlainText, type Shape, shapeOf } from '../core/spelling.ts';
import { canonicalText, isExact } from './canonical.ts';

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
  /** No character takes more than one byte, so that `bytes` is the text as it is. */
  isAscii: boolean;
  /** Three numbers for each member: where its name begins, its value begins, and its value ends. */
  outline: readonly number[];
}

/** Of a body what somebody asks for, as texts: so it can come from another thread. */
export interface Asked {
  /** JSON of what he looks at. */
  text: string;
  /** By turns the names and the values of what he only hands on, a character for each byte. */
  handedOn: readonly string[];
}

/** The members of an object that somebody asks for. */
export function askedOf({ bytes, isAscii, outline }: Outlined, { reads, passes }: Members): Asked {
  let read = '';
  const handedOn: string[] = [];
  for (let at = 0; at < outline.length; at += 3) {
    const [from, value, to] = [outline[at]!, outline[at + 1]!, outline[at + 2]!];
    const name = bytes.slice(from, value - 2);
    if (reads.has(name)) read += `${read === '' ? '' : ','}${bytes.slice(from - 1, to)}`;
    else if (passes.has(name)) handedOn.push(name, bytes.slice(value, to));
  }
  const text = `{${read}}`;
  return { text: isAscii ? text : fromBytes(text), handedOn };
}

/** The value of what was asked for. What is only handed on is for isSpellingOf() alone. */
export function bodyAsked({ text, handedOn }: Asked): Json {
  const value = JSON.parse(text) as Json;
  for (let at = 0; at < handedOn.length; at += 2)
    (value as { [name: string]: unknown })[handedOn[at]!] = new HandedOn(handedOn[at + 1]!);
  return value;
}

/**
 * Whether a text, with a character for each byte, is the canonical JSON of a value that may hold what was handed on: told in
 * place, without spelling the value. False or thrown where canonicalText() throws, and where something was handed on into
 * what it has to be asked for.
 */
export const isSpellingOf = (bytes: string, value: unknown): boolean =>
  endOf(bytes, value, 0) === bytes.length;

const elsewhere = -1;

/** Where the canonical JSON of a value ends that begins at this place of the text; `elsewhere` where it does not. */
function endOf(bytes: string, value: unknown, at: number): number {
  if (value === null) return endOfText(bytes, 'null', at);
  if (typeof value === 'string' && isPlainText(value)) return endOfQuoted(bytes, value, at);
  if (typeof value === 'number' && isExact(value)) return endOfText(bytes, String(value), at);
  if (value instanceof HandedOn) return endOfText(bytes, value.bytes, at);
  if (Array.isArray(value)) return endOfList(bytes, value, at);
  const isObject = typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;
  const shape = isObject ? shapeOf(Object.keys(value)) : null;
  if (shape?.isPlain) return endOfObject(bytes, value as { [name: string]: unknown }, { shape, at });
  return endOfText(bytes, toBytes(canonicalText(value as Json)), at);
}

/** By a slice, which is compared as a whole: startsWith() goes from character to character, and takes ten times as long. */
function endOfText(bytes: string, text: string, at: number): number {
  const to = at + text.length;
  return bytes.slice(at, to) === text ? to : elsewhere;
}

function endOfQuoted(bytes: string, text: string, at: number): number {
  const to = at + 1 + text.length;
  const isQuoted = bytes[at] === '"' && bytes[to] === '"';
  return isQuoted && endOfText(bytes, text, at + 1) === to ? to + 1 : elsewhere;
}

function endOfList(bytes: string, list: readonly unknown[], from: number): number {
  if (bytes[from] !== '[') return elsewhere;
  let at = from + 1;
  for (let item = 0; item < list.length; item++) {
    if (item > 0 && bytes[at++] !== ',') return elsewhere;
    at = endOf(bytes, list[item], at);
    if (at === elsewhere) return elsewhere;
  }
  return bytes[at] === ']' ? at + 1 : elsewhere;
}

function endOfObject(
  bytes: string,
  object: { readonly [name: string]: unknown },
  { shape: { sorted, before }, at: from }: { shape: Shape; at: number },
): number {
  if (bytes[from] !== '{') return elsewhere;
  let at = from + 1;
  for (let name = 0; name < sorted.length; name++) {
    at = endOfText(bytes, before[name]!, at);
    if (at === elsewhere) return elsewhere;
    at = endOf(bytes, object[sorted[name]!], at);
    if (at === elsewhere) return elsewhere;
  }
  return bytes[at] === '}' ? at + 1 : elsewhere;
}

const encoder = new TextEncoder();

/** Where texts become bytes, one at a time. */
const room = Buffer.alloc(2 ** 16);

/** A text with a character for each byte of its UTF-8. */
export function toBytes(text: string): string {
  if (text.length * 3 > room.length) return Buffer.from(text).toString('latin1');
  const length = encoder.encodeInto(text, room).written;
  return length === text.length ? text : room.toString('latin1', 0, length);
}

const fromBytes = (bytes: string) =>
  /[^\0-\x7f]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString() : bytes;
