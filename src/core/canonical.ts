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

/** Canonical JSON (RFC 8785) of a value. */
export function canonicalJson(value: Json): string {
  return canonicalize(value) as string;
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
