import { type Database, transact } from '../database.ts';
import { type Entry, type EntryDraft, type Head, linkEntries, withBody } from './chain.ts';
import { entryTarget, entryToRow, head } from './entries.ts';
import { assertFence } from './fence.ts';
import { assertNotBehind, readHead, writeHead } from './head.ts';
import type { Incident, Ledger } from './ledger.ts';
import { lockLedger } from './lock.ts';
import { foldNew } from './projections.ts';
import { inserting, type TableWrite, writeRows } from './table-writes.ts';

/** What entries made of the incidents that they tell of, by `incidentName`. */
export type Told = ReadonlyMap<string, Incident>;

export interface AppendOptions {
  /** Asked before anything is written: what it throws, `append` throws, and nothing is added. */
  check?: (incidents: Told) => void;
  /** More to write in the same transaction: it is there exactly when the entries are. */
  inside?: (inside: Database, entries: readonly Entry[]) => Promise<void>;
  /** What the appends of one process pass on from each to the next. */
  memory?: AppendMemory;
}

/**
 * The incidents that the last append folded, and where it left the ledger. As long as the ledger ends there nobody has
 * told more of them, and the next append need not read them again.
 */
export interface AppendMemory {
  last: { head: Head; incidents: Told } | null;
}

function remembered(memory: AppendMemory | undefined, head: Head): Told {
  const last = memory?.last ?? null;
  return last !== null && last.head.seq === head.seq && last.head.hash === head.hash
    ? last.incidents
    : new Map();
}

/** Entries that continue the ledger after its head, and every row that they come to. Nothing of it is written yet. */
export interface Addition {
  before: Head;
  entries: readonly Entry[];
  incidents: Told;
  writes: readonly TableWrite[];
}

/** Links drafts to the head of the ledger and folds them; reads, and writes nothing. */
export async function addition(
  ledger: Ledger,
  drafts: readonly EntryDraft[],
  { at, memory }: { at: string; memory?: AppendMemory },
): Promise<Addition> {
  const before = await head(ledger);
  const entries = linkEntries(before, drafts, at);
  const folded = entries.map((entry, nth) => withBody(entry, drafts[nth]!.body));
  const { incidents, writes } = await foldNew(ledger, folded, remembered(memory, before));
  const own = inserting(entryTarget, { items: entries, rowOf: entryToRow });
  return { before, entries, incidents, writes: [own, ...writes] };
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
): Promise<readonly Entry[]> {
  if (drafts.length === 0 && !options.inside) return [];
  const { memory } = options;
  const added = await transact(ledger.database, async (database) => {
    const inside = { ...ledger, database };
    await lockLedger(database, 'append');
    await assertFence(inside, { share: true });
    await assertNotBehind(inside);
    const made = await addition(inside, drafts, { at, memory });
    options.check?.(made.incidents);
    for (const write of made.writes) await writeRows(database, write);
    await options.inside?.(database, made.entries);
    return made;
  });
  keep(ledger, added, memory);
  return added.entries;
}

/** Keeps the head of an addition that is stored beside the ledger, and what it told of incidents in memory. */
export function keep(ledger: Ledger, { entries, incidents }: Addition, memory?: AppendMemory): void {
  const last = entries.at(-1);
  if (memory !== undefined)
    memory.last = last === undefined ? null : { head: { seq: last.seq, hash: last.hash }, incidents };
  keepHead(ledger, last);
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
