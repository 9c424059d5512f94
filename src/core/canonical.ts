import { blake2b } from '@noble/hashes/blake2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import type { Json } from './model.ts';
import { normaliseMap } from './names.ts';

/** Hex SHA-256 of a value's canonical JSON (RFC 8785): the one spelling under which values are compared. */
export function hashOf(value: Json): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value))));
}

/** Canonical JSON (RFC 8785) of a value. Throws on what JSON cannot hold: NaN, infinity, lone surrogates. */
export function canonicalJson(value: Json): string {
  return spell(value).text;
}

/** A text, and the value that it spells with the names of its objects in order, which is spelled again at less cost. */
export interface Spelled<T extends Json> {
  text: string;
  ordered: T;
}

/** Canonical JSON (RFC 8785) of a value, and the same value in its order. What is unusual the library judges. */
export function spell<T extends Json>(value: T): Spelled<T> {
  return spellUsual(value, Number.isFinite) ?? { text: canonicalize(value) as string, ordered: value };
}

/**
 * The same, for values without anything unusual, all numbers in which are allowed; else null. What is sorted the engine
 * spells by itself, many times faster than the library.
 */
export function spellUsual<T extends Json>(value: T, allows: (number: number) => boolean): Spelled<T> | null {
  const text = isInOrder(value, allows) ? JSON.stringify(value) : null;
  if (text !== null && !mayHoldLoneSurrogate(text)) return { text, ordered: value };
  const sorted = sortedCopy(value, allows);
  return sorted === unusual ? null : { text: JSON.stringify(sorted), ordered: sorted as T };
}

/** The engine escapes them, RFC 8785 refuses them; an escaped backslash before `ud` looks the same, and is looked at. */
export const mayHoldLoneSurrogate = (text: string) => text.includes('\\ud');

/** Whether the engine spells a value canonically as it is: all names are in order, and nothing is unusual. */
export function isInOrder(value: unknown, allows: (number: number) => boolean): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return allows(value);
  if (Array.isArray(value)) return isListInOrder(value, allows);
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return false;
  const object = value as Record<string, unknown>;
  let before: string | null = null;
  for (const name of Object.keys(object)) {
    if ((before !== null && before >= name) || !isInOrder(object[name], allows)) return false;
    before = name;
  }
  return true;
}

function isListInOrder(list: readonly unknown[], allows: (number: number) => boolean): boolean {
  // By their places: what a list leaves out is no value.
  for (let at = 0; at < list.length; at++) if (!isInOrder(list[at], allows)) return false;
  return true;
}

const unusual = Symbol('unusual');

/** The value with the names of its objects in order, or `unusual` where that would not be spelled canonically. */
function sortedCopy(value: unknown, allows: (number: number) => boolean): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : unusual;
  if (typeof value === 'number') return allows(value) ? value : unusual;
  if (value === null || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return sortedList(value, allows);
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return unusual;
  return sortedObject(value as Record<string, unknown>, allows);
}

function sortedList(list: readonly unknown[], allows: (number: number) => boolean): unknown {
  const copy: unknown[] = [];
  // By their places: what a list leaves out is no value, and unusual.
  for (let at = 0; at < list.length; at++) {
    const sorted = sortedCopy(list[at], allows);
    if (sorted === unusual) return unusual;
    copy.push(sorted);
  }
  return copy;
}

/** False for a number, which the engine puts before all other names, and for two that have a meaning of their own. */
function isUsualName(name: string): boolean {
  const first = name.charCodeAt(0);
  const isDigit = first >= 48 && first <= 57;
  return !isDigit && name !== '__proto__' && name !== 'toJSON' && name.isWellFormed();
}

function sortedObject(object: Record<string, unknown>, allows: (number: number) => boolean): unknown {
  const copy: Record<string, unknown> = {};
  for (const name of inPlace(Object.keys(object))) {
    const sorted = isUsualName(name) ? sortedCopy(object[name], allows) : unusual;
    if (sorted === unusual) return unusual;
    copy[name] = sorted;
  }
  return copy;
}

/** Sorts names by their UTF-16 units. Those of rows are few and nearly in order: each is put where it belongs. */
function inPlace(names: string[]): string[] {
  if (names.length > 40) return names.sort();
  for (let at = 1; at < names.length; at++) {
    const name = names[at]!;
    let to = at;
    for (; to > 0 && names[to - 1]! > name; to--) names[to] = names[to - 1]!;
    names[to] = name;
  }
  return names;
}

/** Whether two values have the same canonical JSON, without spelling either. */
export function sameJson(one: Json, other: Json): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other))
    return Array.isArray(one) && Array.isArray(other) && sameLists(one, other);
  return sameObjects(one, other);
}

const sameLists = (one: readonly Json[], other: readonly Json[]) =>
  one.length === other.length && one.every((item, at) => sameJson(item, other[at]!));

function sameObjects(one: { [key: string]: Json }, other: { [key: string]: Json }): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && sameJson(one[name]!, other[name]!))
  );
}

/** `round_canonical_id` as the pipeline makes it: 16 hex digits over `<start>:<map>:<number>` (DOMAIN, section 3). */
export function canonicalRoundId(startUnix: number, map: string | null, number: number): string {
  return bytesToHex(sha256(utf8ToBytes(`${startUnix}:${normaliseMap(map)}:${number}`))).slice(0, 16);
}

/**
 * The key of the pipeline's transaction lock on one capture: the signed big-endian 64-bit BLAKE2b digest
 * of `map NUL number NUL start`, map trimmed and lower-cased (DOMAIN, section 4).
 */
export function advisoryLockKey(map: string | null, number: number, startUnix: number): bigint {
  const personalization = new Uint8Array(16);
  personalization.set(utf8ToBytes('slomix-lua'));
  const text = `${(map ?? '').trim().toLowerCase()}\0${number}\0${startUnix}`;
  const digest = blake2b(utf8ToBytes(text), { dkLen: 8, personalization });
  return new DataView(digest.buffer, digest.byteOffset, 8).getBigInt64(0, false);
}
