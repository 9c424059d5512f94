import { type Entry, type Inspected, inspectContent, passContent } from './chain.ts';
import { entryOfValues } from './entry-values.ts';
import type { Asked, Members } from './members.ts';

/** The members that are asked for of the bodies of a kind; null for all. */
export type AskedMembers = (kind: string) => Members | null;

/** A row of `entries` that was looked at by itself. */
export interface InspectedRow {
  /** Both as they are stored, whatever they are. */
  seq: unknown;
  hash: unknown;
  /** Null where the row is none. */
  entry: Omit<Entry, 'body'> | null;
  content: Inspected;
}

/** Looks at a row whose values stand in the order of `entryColumns`, whatever they are. Pure. */
export function inspectRow(row: readonly unknown[], membersOf: AskedMembers): InspectedRow {
  const [seq, hash] = [row[0], row.at(-1)];
  const entry = entryOfValues(row);
  if (entry === null) {
    const what = `entry ${Number(seq)} is damaged: a column is empty or of another type`;
    return { seq, hash, entry, content: { what, asked: null } };
  }
  return { seq, hash, entry, content: inspectContent(entry, membersOf(entry.kind)) };
}

/** An entry that holds what was written, with what was asked for of its body: a list, which threads hand over sooner. */
export type SoundEntry = [
  seq: number,
  at: string,
  kind: string,
  source: string,
  key: string,
  prevHash: string,
  hash: string,
  asked: Asked,
];

/**
 * The rows of a page, where one pass is sure of every one of them; else null: whoever is to tell what is wrong looks at all of
 * the page himself. Pure.
 */
export function soundEntries(
  page: readonly (readonly unknown[])[],
  membersOf: AskedMembers,
): SoundEntry[] | null {
  const sound: SoundEntry[] = [];
  for (const row of page) {
    const entry = entryOfValues(row);
    const asked = entry === null ? null : passContent(entry, membersOf(entry.kind));
    if (entry === null || asked === null) return null;
    const { seq, at, kind, source, key, prevHash, hash } = entry;
    sound.push([seq, at, kind, source, key, prevHash, hash, asked]);
  }
  return sound;
}

/** What `inspectRow` says of such an entry, but for the text of its body. */
export function ofSound([seq, at, kind, source, key, prevHash, hash, asked]: SoundEntry): InspectedRow {
  return { seq, hash, entry: { seq, at, kind, source, key, prevHash, hash }, content: { what: null, asked } };
}
