import { chunks, rows } from '../database.ts';
import { OperationError } from '../errors.ts';
import { type Entry, emptyHead, type Head } from './chain.ts';
import { entryColumns, entryOfValues } from './entry-values.ts';
import type { Ledger } from './ledger.ts';
import type { Target } from './table-writes.ts';

/** Where entries are inserted. One that is there is an error: the ledger only grows. */
export const entryTarget: Target = { table: 'entries', columns: entryColumns };

/** The entry in a row of `entries`, or null where a column is missing or of another type. */
export function parseEntry(row: unknown): Entry | null {
  return entryOfValues(entryColumns.map((column) => (row as Record<string, unknown>)[column]));
}

/** The entry in a row of `entries`; throws an OperationError where the row is damaged. */
export function entryFromRow(row: unknown): Entry {
  const entry = parseEntry(row);
  if (entry) return entry;
  const seq = (row as { seq?: unknown }).seq;
  throw new OperationError(
    `cannot read entry ${seq} of the ledger: it is damaged; run \`roundwarden ledger verify\``,
  );
}

/** The row of `entries` that holds the entry. */
export function entryToRow({ seq, at, kind, source, key, body, prevHash, hash }: Entry) {
  return { seq, at, kind, source, key, body, prev_hash: prevHash, hash };
}

/** The last entry's number and hash; seq 0 where the ledger is empty. */
export async function head(ledger: Ledger): Promise<Head> {
  const row = await ledger.database.knex('entries').select('seq', 'hash').orderBy('seq', 'desc').first();
  return row ? { seq: row.seq, hash: row.hash } : emptyHead;
}

export interface EntryFilter {
  source?: string;
  key?: string;
  kinds?: readonly string[];
}

export interface EntryPage extends EntryFilter {
  /** Only entries with a greater seq. Default 0: from the first. */
  afterSeq?: number;
  limit: number;
}

/** Up to `limit` entries that the filter admits, by seq. */
export async function readEntries(ledger: Ledger, page: EntryPage): Promise<Entry[]> {
  const rows = await matching(ledger, page)
    .where('seq', '>', page.afterSeq ?? 0)
    .orderBy('seq')
    .limit(page.limit);
  return rows.map(entryFromRow);
}

/** Every entry that the filter admits, by seq, read in pages of 1,000. */
export async function* eachEntry(
  ledger: Ledger,
  filter: EntryFilter & { afterSeq?: number } = {},
): AsyncGenerator<Entry> {
  let afterSeq = filter.afterSeq ?? 0;
  for (;;) {
    const page = await readEntries(ledger, { ...filter, afterSeq, limit: 1000 });
    yield* page;
    if (page.length < 1000) return;
    afterSeq = page.at(-1)!.seq;
  }
}

/** Up to `limit` entries that the filter admits, the newest first; only those with a smaller seq than `before`. */
export async function newestEntries(
  ledger: Ledger,
  page: EntryFilter & { before?: number | null; limit: number },
): Promise<Entry[]> {
  const query = matching(ledger, page);
  if (page.before != null) query.where('seq', '<', page.before);
  const rows = await query.orderBy('seq', 'desc').limit(page.limit);
  return rows.map(entryFromRow);
}

/** The entry with that number, or null. */
export async function entryBySeq(ledger: Ledger, seq: number): Promise<Entry | null> {
  const row = await matching(ledger, {}).where({ seq }).first();
  return row ? entryFromRow(row) : null;
}

/** The entries with these numbers, by seq; a number that does not exist is simply not among them. */
export async function entriesBySeq(ledger: Ledger, seqs: readonly number[]): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const chunk of chunks([...new Set(seqs)].sort((a, b) => a - b)))
    found.push(...(await matching(ledger, {}).whereIn('seq', chunk).orderBy('seq')).map(entryFromRow));
  return found;
}

/** The entries of some kinds that were written in a time: UTC with milliseconds, half-open; by seq. */
export async function entriesBetween(
  ledger: Ledger,
  filter: { source: string; kinds: readonly string[]; from: string; to: string },
): Promise<Entry[]> {
  const { source, kinds, from, to } = filter;
  const rows = await matching(ledger, { source, kinds })
    .where('at', '>=', from)
    .where('at', '<', to)
    .orderBy('seq');
  return rows.map(entryFromRow);
}

/** The latest entry of one incident key that is of one of these kinds, or null. */
export async function lastEntryOf(
  ledger: Ledger,
  source: string,
  key: string,
  kinds: readonly string[],
): Promise<Entry | null> {
  const row = await matching(ledger, { source, key, kinds }).orderBy('seq', 'desc').first();
  return row ? entryFromRow(row) : null;
}

/**
 * The latest entry on each place of a source, in the order in which the places were first spoken of. The kinds stand in
 * the statement itself: bound, they would keep SQLite from the index that has no others (`entries_of_places`).
 */
export async function lastPlaceEntries(ledger: Ledger, source: string): Promise<Entry[]> {
  const places = await rows<{ last: number }>(
    ledger.database,
    `select min(seq) as first, max(seq) as last from entries
     where source = ? and kind in ('place.unreadable', 'place.readable') group by key order by first`,
    [source],
  );
  const latest = await entriesBySeq(
    ledger,
    places.map(({ last }) => last),
  );
  const bySeq = new Map(latest.map((entry) => [entry.seq, entry]));
  return places.map(({ last }) => bySeq.get(last)!);
}

function matching(ledger: Ledger, filter: EntryFilter) {
  const query = ledger.database.knex('entries').select(...entryColumns);
  if (filter.source !== undefined) query.where('source', filter.source);
  if (filter.key !== undefined) query.where('key', filter.key);
  if (filter.kinds !== undefined) query.whereIn('kind', filter.kinds);
  return query;
}
