import { inspectContent } from './chain.ts';
import { entryOfValues } from './entry-values.ts';
import type { Asked, Members } from './members.ts';

/** The members that are asked for of the bodies of a kind; null for all. */
export type AskedMembers = (kind: string) => Members | null;

/**
 * A row of `entries` that was looked at by itself, as a list, which another thread can hand over quickly: seq and hash as
 * they are stored, what is wrong with the row or null, and the entry without its body, and what was asked for of that; null
 * where the row is none.
 */
export type InspectedRow = [
  seq: number,
  hash: string,
  what: string | null,
  entry: [at: string, kind: string, source: string, key: string, prevHash: string] | null,
  asked: Asked | null,
];

/** Looks at a row whose values stand in the order of `entryColumns`, whatever they are. Pure. */
export function inspectRow(row: readonly unknown[], membersOf: AskedMembers): InspectedRow {
  const entry = entryOfValues(row);
  const seq = Number(row[0]);
  const hash = String(row.at(-1));
  if (entry === null)
    return [seq, hash, `entry ${seq} is damaged: a column is empty or of another type`, null, null];
  const { at, kind, source, key, prevHash } = entry;
  const { what, asked } = inspectContent(entry, membersOf(kind));
  return [seq, hash, what, [at, kind, source, key, prevHash], asked];
}
