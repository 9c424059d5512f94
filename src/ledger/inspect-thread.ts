import { entryKinds } from '../core/incident.ts';
import { type Database, snapshot } from '../database.ts';
import { type Start, snapshotOfTwoThreads, type ThreadReader } from '../database-thread.ts';
import { startThread } from '../thread.ts';
import { entryColumns } from './entry-values.ts';
import { type AskedMembers, type InspectedRow, inspectRow, ofSound, type SoundEntry } from './inspect.ts';
import type { Members } from './members.ts';
import { eachPage, pageSql, pagesOf } from './pages.ts';

/*
 * Reading and inspecting a long ledger takes twice as long as telling its stories. Where it is on SQLite, which reads in the
 * thread that asks, another thread does the first while this one does the second (docs/decisions/0025).
 */

/** Which members are asked for; a kind that is not among these is asked for as a whole. */
export type MembersOfKinds = ReadonlyMap<string, Members | null>;

/** Of fewer entries the thread would still be starting when they are done. */
const enoughForTwo = 20_000;

/** A usual page has some hundred kB. The thread takes no longer one: where its memory does not suffice, the process may end. */
const mostBytes = 4_000_000;
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };

/** From how many entries on a thread helps, and what a test has started in its place. */
export interface Helped {
  start?: Start;
  from?: number;
}

export const startInspecting = () =>
  startThread(new URL('./inspect-worker', import.meta.url), { resourceLimits });

/** A snapshot of a ledger that has so many entries: with a thread to inspect them, where that is worth it and can be had. */
export function snapshotToInspect<T>(
  database: Database,
  work: (inside: Database, thread?: ThreadReader) => Promise<T>,
  {
    entries,
    helped: { from = enoughForTwo, start = startInspecting } = {},
  }: { entries: number; helped?: Helped },
): Promise<T> {
  return database.dialect === 'sqlite' && entries >= from
    ? snapshotOfTwoThreads(database, work, start)
    : snapshot(database, work);
}

/** Some pages are more work for the thread, others for this one: neither waits for the other as long as some are ready. */
const pagesAhead = 4;

// What is read stays in the processor's cache until it is looked at, and is young garbage then.
const pages = { table: 'entries', columns: entryColumns, size: 200 } as const;

/** Every entry, inspected, page by page: by the thread, or where there is none, or none any more, by this one. */
export async function* eachInspectedPage(
  database: Database,
  membersOf: AskedMembers,
  thread?: ThreadReader,
): AsyncGenerator<InspectedRow[]> {
  const own = pagesOf(database, pages);
  const inspected = (page: readonly unknown[][]) => page.map((row) => inspectRow(row, membersOf));
  if (thread === undefined) {
    for await (const page of eachPage(own)) yield inspected(page);
    return;
  }
  const sql = pageSql(pages);
  const bytes = `${entryColumns.map(byteLength).join(' + ')} as bytes`;
  const sizeSql = `select total(bytes) as bytes from (${pageSql({ ...pages, columns: [bytes], by: 'seq' })})`;
  const told: MembersOfKinds = new Map(entryKinds.map((kind) => [kind, membersOf(kind)]));
  yield* eachPage<InspectedRow>({
    size: own.size,
    async read(after) {
      const [page] = await thread.rows<{ bytes: number }>(sizeSql, [after]);
      if (page!.bytes > mostBytes) throw new Error('the page is too long to be handed over');
      return (await thread.made<SoundEntry>({ sql, bindings: [after], told })).map(ofSound);
    },
    // What the thread does not answer is read here: nothing depends on it.
    instead: async (after) => inspected(await own.read(after)),
    placeOf: ({ seq }) => seq,
    ahead: pagesAhead,
  });
}

const byteLength = (column: string) => `coalesce(octet_length(${column}), 0)`;
