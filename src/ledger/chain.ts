import { hash } from 'node:crypto';
import type { FoldEntry } from '../core/incident.ts';
import type { Json } from '../core/model.ts';
import { messageOf } from '../errors.ts';
import { canonicalText, isCanonical } from './canonical.ts';
import { type Digests, spellUnhashed, type Unhashed, withHashes } from './digests.ts';
import { type Frame, passOver } from './document.ts';
import type { Asked, Members } from './members.ts';

/** What somebody wants to write into the ledger. `source` and `key` are '' for what concerns the ledger itself. */
export interface EntryDraft {
  kind: string;
  source: string;
  key: string;
  body: Json;
  digests?: Digests;
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

/** An entry as the fold reads it; `body` is the value that its text spells. */
export function withBody({ seq, at, kind, source, key }: Entry, body: Json): FoldEntry {
  return { seq, at, kind, source, key, body };
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
 * The hash of an entry: hex SHA-256 of `prevHash` followed by the canonical JSON of
 * `{seq, at, kind, source, key, body}`, where `body` is the value that the stored text spells,
 * so that what is hashed is one canonical JSON document. Throws where the body is not JSON.
 */
export function entryHash(entry: Omit<Entry, 'hash'>): string {
  return hashOfCanonical({ ...entry, body: canonicalText(JSON.parse(entry.body) as Json) });
}

/** The same where the body is canonical: it stands in the document as it is. */
function hashOfCanonical(entry: Omit<Entry, 'hash'>): string {
  const { before, after } = frameOf(entry);
  return hash('sha256', before + entry.body + after, 'hex');
}

/** What is hashed besides the body, with the names in order. */
function frameOf({ seq, at, kind, source, key, prevHash }: Omit<Entry, 'hash'>): Frame {
  return {
    before: `${prevHash}{"at":${canonicalText(at)},"body":`,
    after: `,"key":${canonicalText(key)},"kind":${canonicalText(kind)},"seq":${canonicalText(seq)},"source":${canonicalText(source)}}`,
  };
}

/** A draft whose body is spelled. */
export type SpelledDraft = Pick<Entry, 'kind' | 'source' | 'key'> & Unhashed;

/** Throws where the body cannot be spelled: see spellUnhashed(). */
export function spelled({ kind, source, key, body, digests }: EntryDraft): SpelledDraft {
  const { text, holes } = spellUnhashed(body, digests);
  return { kind, source, key, text, holes };
}

/** The drafts as entries that continue the chain after `head`, all written at `at` (UTC, ISO 8601 with milliseconds). */
export function linkEntries(head: Head, drafts: readonly EntryDraft[], at: string): Entry[] {
  return linkSpelled(head, drafts.map(spelled), at);
}

/** The same of drafts that are spelled. */
export function linkSpelled(head: Head, drafts: readonly SpelledDraft[], at: string): Entry[] {
  if (!instant.test(at))
    throw new TypeError(`cannot date ledger entries: "${at}" is not UTC with milliseconds`);
  let previous = head;
  return drafts.map((draft) => {
    const entry = linkEntry(previous, draft, at);
    previous = entry;
    return entry;
  });
}

function linkEntry(previous: Head, draft: SpelledDraft, at: string): Entry {
  const { kind, source, key } = draft;
  const body = withHashes(draft);
  const unhashed = { seq: previous.seq + 1, at, kind, source, key, body, prevHash: previous.hash };
  return { hash: hashOfCanonical(unhashed), ...unhashed };
}

/** What is wrong with `entry` as the next one after `previous`, or null. Never throws. */
export function checkLink(previous: Head, entry: Entry): string | null {
  return joined(checkPlace(previous, entry), inspectContent(entry).what);
}

/** What is wrong with the place of an entry and with what it holds, as one text, or null. */
export const joined = (place: string | null, content: string | null): string | null =>
  place === null || content === null ? (place ?? content) : `${place}; ${content}`;

/** What is wrong with the place of an entry after `previous`, or null. */
export function checkPlace(
  previous: Head,
  { seq, prevHash }: Pick<Entry, 'seq' | 'prevHash'>,
): string | null {
  if (seq !== previous.seq + 1) return `entry ${seq} follows entry ${previous.seq}: there is a hole`;
  if (prevHash !== previous.hash) return `entry ${seq} does not continue entry ${previous.seq}`;
  return null;
}

/** An entry that was looked at by itself: what is wrong with it; or, of its body, what somebody asks for. */
export type Inspected = { what: string; asked: null } | { what: null; asked: Asked };

/**
 * What is asked for of the body of an entry that holds what was written, as far as one pass over it is sure; else null, which
 * says nothing. Wherever the entry stands: time, body and hash are looked at.
 */
export function passContent(entry: Entry, members: Members | null): Asked | null {
  if (!instant.test(entry.at) || !isSpellable(entry)) return null;
  const passed = passOver(entry, frameOf(entry));
  return passed?.hash === entry.hash ? passed.ask(members) : null;
}

/**
 * Looks at what an entry holds, wherever it stands: time, body and hash. Of its body those members are told that somebody
 * asks for, or all. Never throws. What one pass over it is not sure of is parsed and spelled again.
 */
export function inspectContent(entry: Entry, members: Members | null = null): Inspected {
  const { seq, at } = entry;
  try {
    const asked = passContent(entry, members);
    if (asked !== null) return { what: null, asked };
    if (!instant.test(at)) return wrong(`entry ${seq} has a time that is not UTC with milliseconds`);
    return inspectSpelling(entry);
  } catch (thrown) {
    return wrong(`entry ${seq} cannot be hashed: ${messageOf(thrown)}`);
  }
}

const isSpellable = ({ kind, source, key }: Entry) =>
  kind.isWellFormed() && source.isWellFormed() && key.isWellFormed();

function inspectSpelling(entry: Entry): Inspected {
  const body = JSON.parse(entry.body) as Json;
  if (!isCanonical(entry.body, body)) return wrong(`the body of entry ${entry.seq} is not canonical JSON`);
  if (hashOfCanonical(entry) !== entry.hash) return changed(entry);
  return { what: null, asked: { text: entry.body, handedOn: [] } };
}

const wrong = (what: string): Inspected => ({ what, asked: null });

const changed = ({ seq }: Entry) => wrong(`entry ${seq} was changed: its hash is another`);
