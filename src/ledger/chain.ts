import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Json } from '../core/model.ts';
import { messageOf } from '../errors.ts';

/** What somebody wants to write into the ledger. `source` and `key` are '' for what concerns the ledger itself. */
export interface EntryDraft {
  kind: string;
  source: string;
  key: string;
  body: Json;
}

/** One entry, as it is stored. */
export interface Entry {
  /** 1, 2, 3 and so on, without holes. */
  seq: number;
  /** UTC, ISO 8601 with milliseconds. */
  at: string;
  kind: string;
  source: string;
  key: string;
  /** Canonical JSON text. */
  body: string;
  prevHash: string;
  hash: string;
}

/** The end of a chain: its last entry's number and hash. */
export interface Head {
  seq: number;
  hash: string;
}

/** The head of a ledger without entries. */
export const emptyHead: Head = { seq: 0, hash: '0'.repeat(64) };

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * The one spelling of a JSON value (RFC 8785). Throws on what JSON cannot hold exactly: NaN, infinity,
 * undefined, objects with a class, lone surrogates, and integers beyond 2^53, which must be text already.
 */
export function canonicalText(value: Json): string {
  refuseInexact(value, 'value');
  return canonicalize(value)!;
}

function refuseInexact(value: unknown, path: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return;
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseInexact(item, `${path}[${index}]`);
    return;
  } else if (isPlainObject(value)) {
    for (const [name, item] of Object.entries(value)) refuseInexact(item, `${path}.${name}`);
    return;
  }
  throw new TypeError(`cannot write ${path} as canonical JSON: ${String(value)} (${typeof value})`);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The hash of an entry: hex SHA-256 of `prevHash` followed by the canonical JSON of
 * `{seq, at, kind, source, key, body}`, where `body` is the value that the stored text spells,
 * so that what is hashed is one canonical JSON document. Throws where the body is not JSON.
 */
export function entryHash(entry: Omit<Entry, 'hash'>): string {
  const { seq, at, kind, source, key } = entry;
  const document = canonicalText({ seq, at, kind, source, key, body: JSON.parse(entry.body) as Json });
  return createHash('sha256').update(entry.prevHash).update(document, 'utf8').digest('hex');
}

/** The drafts as entries that continue the chain after `head`, all written at `at` (UTC, ISO 8601 with milliseconds). */
export function linkEntries(head: Head, drafts: readonly EntryDraft[], at: string): Entry[] {
  if (!instant.test(at))
    throw new TypeError(`cannot date ledger entries: "${at}" is not UTC with milliseconds`);
  let previous = head;
  return drafts.map((draft) => {
    const entry = linkEntry(previous, draft, at);
    previous = entry;
    return entry;
  });
}

function linkEntry(previous: Head, draft: EntryDraft, at: string): Entry {
  const unhashed = {
    seq: previous.seq + 1,
    at,
    kind: draft.kind,
    source: draft.source,
    key: draft.key,
    body: canonicalText(draft.body),
    prevHash: previous.hash,
  };
  return { ...unhashed, hash: entryHash(unhashed) };
}

/** What is wrong with `entry` as the next one after `previous`, or null. Never throws. */
export function checkLink(previous: Head, entry: Entry): string | null {
  const problems = [checkPlace(previous, entry), checkContent(entry)].filter((problem) => problem !== null);
  return problems.length === 0 ? null : problems.join('; ');
}

function checkPlace(previous: Head, { seq, prevHash }: Entry): string | null {
  if (seq !== previous.seq + 1) return `entry ${seq} follows entry ${previous.seq}: there is a hole`;
  if (prevHash !== previous.hash) return `entry ${seq} does not continue entry ${previous.seq}`;
  return null;
}

function checkContent(entry: Entry): string | null {
  const { seq, at, body } = entry;
  try {
    if (!instant.test(at)) return `entry ${seq} has a time that is not UTC with milliseconds`;
    if (canonicalText(JSON.parse(body) as Json) !== body)
      return `the body of entry ${seq} is not canonical JSON`;
    return entryHash(entry) === entry.hash ? null : `entry ${seq} was changed: its hash is another`;
  } catch (thrown) {
    return `entry ${seq} cannot be hashed: ${messageOf(thrown)}`;
  }
}
