import { type Database, transact } from '../database.ts';
import { type Entry, type EntryDraft, linkDrafts } from './chain.ts';
import { entryTarget, entryToRow, head } from './entries.ts';
import { assertFence } from './fence.ts';
import { assertNotBehind, readHead, writeHead } from './head.ts';
import { insertRows } from './insert.ts';
import type { Ledger } from './ledger.ts';
import { lockLedger } from './lock.ts';
import { storeProjections } from './projections.ts';

export interface AppendOptions {
  /** More to write in the same transaction: it is there exactly when the entries are. */
  inside?: (inside: Database, entries: readonly Entry[]) => Promise<void>;
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
  const entries = await transact(ledger.database, async (database) => {
    const inside = { ...ledger, database };
    await lockLedger(database, 'append');
    await assertFence(inside, { share: true });
    await assertNotBehind(inside);
    const linked = linkDrafts(await head(inside), drafts, at);
    const added = linked.map(({ entry }) => entry);
    await insertRows(database, entryTarget, added.map(entryToRow));
    await storeProjections(
      inside,
      linked.map(({ folded }) => folded),
    );
    await options.inside?.(database, added);
    return added;
  });
  keepHead(ledger, entries.at(-1));
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
