import { type Database, transact } from '../database.ts';
import { type Entry, type EntryDraft, type Head, linkEntries, withBody } from './chain.ts';
import { entryTarget, entryToRow, head } from './entries.ts';
import { assertFence } from './fence.ts';
import { assertNotBehind, readHead, writeHead } from './head.ts';
import { insertRows } from './insert.ts';
import type { Incident, Ledger } from './ledger.ts';
import { lockLedger } from './lock.ts';
import { storeProjections } from './projections.ts';

export interface AppendOptions {
  /** More to write in the same transaction: it is there exactly when the entries are. By name, what they made of incidents. */
  inside?: (
    inside: Database,
    entries: readonly Entry[],
    incidents: ReadonlyMap<string, Incident>,
  ) => Promise<void>;
  /** What the appends of one process pass on from each to the next. */
  memory?: AppendMemory;
}

/**
 * The incidents that the last append folded, and where it left the ledger. As long as the ledger ends there nobody has
 * told more of them, and the next append need not read them again.
 */
export interface AppendMemory {
  last: { head: Head; incidents: ReadonlyMap<string, Incident> } | null;
}

function remembered({ memory }: AppendOptions, head: Head): ReadonlyMap<string, Incident> {
  const last = memory?.last ?? null;
  return last !== null && last.head.seq === head.seq && last.head.hash === head.hash
    ? last.incidents
    : new Map();
}

/**
 * Adds entries to the ledger, folds them into the projections in the same transaction, and keeps the new head.
 * `at` is UTC with milliseconds. Throws an OperationError, and adds nothing, where another run has taken over from
 * the one that this ledger was opened for, and where the ledger is behind its head file. One after the other within
 * a process: SQLite has one transaction at a time on a connection.
 */
export async function append(
  ledger: Ledger,
  drafts: readonly EntryDraft[],
  at: string,
  options: AppendOptions = {},
): Promise<Entry[]> {
  if (drafts.length === 0 && !options.inside) return [];
  const { entries, incidents } = await transact(ledger.database, async (database) => {
    const inside = { ...ledger, database };
    await lockLedger(database, 'append');
    await assertFence(inside, { share: true });
    await assertNotBehind(inside);
    const before = await head(inside);
    const linked = linkEntries(before, drafts, at);
    await insertRows(database, entryTarget, { items: linked, rowOf: entryToRow });
    const folded = linked.map((entry, nth) => withBody(entry, drafts[nth]!.body));
    const after = await storeProjections(inside, folded, remembered(options, before));
    await options.inside?.(database, linked, after);
    return { entries: linked, incidents: after };
  });
  const last = entries.at(-1);
  if (options.memory !== undefined)
    options.memory.last = last === undefined ? null : { head: { seq: last.seq, hash: last.hash }, incidents };
  keepHead(ledger, last);
  return entries;
}

/**
 * A crash before this line leaves an older head, which the grown ledger still contains. Whoever stood still before
 * it must not put back the head of those who went on.
 */
function keepHead(ledger: Ledger, last: Entry | undefined): void {
  if (ledger.headFile === null || last === undefined) return;
  if (isFurther(ledger.headFile, last.seq)) return;
  writeHead(ledger.headFile, { seq: last.seq, hash: last.hash, count: last.seq, at: last.at });
}

/** A file that cannot be read is written, which says why where it cannot be. */
function isFurther(file: string, seq: number): boolean {
  try {
    return (readHead(file)?.seq ?? 0) > seq;
  } catch {
    return false;
  }
}
