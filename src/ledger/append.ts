import { chunks, type Database, transact } from '../database.ts';
import { type Entry, type EntryDraft, type Head, linkEntries } from './chain.ts';
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

/** Drafts that will continue the ledger after its head, and what they come to. Nothing of it is written yet. */
export interface Addition {
  before: Head;
  at: string;
  drafts: readonly EntryDraft[];
  incidents: Told;
  /** The rows that are written besides the entries. */
  writes: readonly TableWrite[];
}

/** Folds what drafts will be at the end of the ledger; reads, and writes nothing. */
export async function addition(
  ledger: Ledger,
  drafts: readonly EntryDraft[],
  { at, memory }: { at: string; memory?: AppendMemory },
): Promise<Addition> {
  const before = await head(ledger);
  const folded = drafts.map(({ kind, source, key, body }, nth) => {
    const seq = before.seq + 1 + nth;
    return { seq, at, kind, source, key, body };
  });
  const { incidents, writes } = await foldNew(ledger, folded, remembered(memory, before));
  return { before, at, drafts, incidents, writes };
}

/** So many entries are linked and written at once: of more, most would outlive several collections of garbage. */
const entriesAtOnce = 100;

/** Writes an addition, in the transaction of `database`; `written` is told its entries piece by piece. The new head. */
export async function writeAddition(
  database: Database,
  { before, at, drafts, writes }: Addition,
  written: (entries: readonly Entry[]) => void = () => undefined,
): Promise<Head> {
  let last = before;
  for (const some of chunks(drafts, entriesAtOnce)) {
    const entries = linkEntries(last, some, at);
    await writeRows(database, inserting(entryTarget, { items: entries, rowOf: entryToRow }));
    written(entries);
    last = entries.at(-1)!;
  }
  for (const write of writes) await writeRows(database, write);
  return last;
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
  const { memory } = options;
  const { added, entries } = await transact(ledger.database, async (database) => {
    const inside = { ...ledger, database };
    await lockLedger(database, 'append');
    await assertFence(inside, { share: true });
    await assertNotBehind(inside);
    const made = await addition(inside, drafts, { at, memory });
    options.check?.(made.incidents);
    const written: Entry[] = [];
    await writeAddition(database, made, (some) => written.push(...some));
    await options.inside?.(database, written);
    return { added: made, entries: written };
  });
  const last = entries.at(-1);
  if (last !== undefined) keep(ledger, added, last, memory);
  return entries;
}

/** Keeps the new head of a ledger beside it, and in memory what the addition that led to it told of incidents. */
export function keep(
  ledger: Ledger,
  { at, incidents }: Addition,
  { seq, hash }: Head,
  memory?: AppendMemory,
): void {
  if (memory !== undefined) memory.last = { head: { seq, hash }, incidents };
  keepHead(ledger, { seq, hash, at });
}

/**
 * A crash before this line leaves an older head, which the grown ledger still contains. Whoever stood still before
 * it must not put back the head of those who went on.
 */
function keepHead({ headFile }: Ledger, { seq, hash, at }: Head & { at: string }): void {
  if (headFile === null || isFurther(headFile, seq)) return;
  writeHead(headFile, { seq, hash, count: seq, at });
}

/** A file that cannot be read is written, which says why where it cannot be. */
function isFurther(file: string, seq: number): boolean {
  try {
    return (readHead(file)?.seq ?? 0) > seq;
  } catch {
    return false;
  }
}
