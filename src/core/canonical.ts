import { blake2b } from '@noble/hashes/blake2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import type { Json } from './model.ts';
import { normaliseMap } from './names.ts';
import { spellUsual } from './spelling.ts';

/** Hex SHA-256 of a value's canonical JSON (RFC 8785): the one spelling under which values are compared. */
export function hashOf(value: Json): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value))));
}

/**
 * Canonical JSON (RFC 8785) of a value. Throws on what JSON cannot hold: NaN, infinity, lone surrogates. What is unusual
 * the library judges, which takes several times as long.
 */
export function canonicalJson(value: Json): string {
  return spellUsual(value, Number.isFinite) ?? (canonicalize(value) as string);
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
