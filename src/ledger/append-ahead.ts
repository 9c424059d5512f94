import { type Database, isLockTimeout, transact } from '../database.ts';
import {
  type Addition,
  type AppendMemory,
  addition,
  append,
  keep,
  type Told,
  writeAddition,
} from './append.ts';
import { patienceSeconds, startAppending, threadWriter } from './append-thread.ts';
import { type Entry, type EntryDraft, type Head, linkEntries } from './chain.ts';
import { entryBySeq, head } from './entries.ts';
import { hasFence } from './fence.ts';
import { assertNotBehind } from './head.ts';
import type { Ledger } from './ledger.ts';
import { lockLedger } from './lock.ts';

/*
 * An append that its caller does not wait for: which entries they will be is known as soon as the head is, and somebody else
 * links and writes them meanwhile (docs/decisions/0026).
 */

/** Who writes an addition while its maker goes on: on PostgreSQL the server, on SQLite a thread. */
export interface Writer {
  /**
   * Writes it in one transaction; the new head when that is durable. Null, and nothing is written, where the ledger has
   * another head or the lease another holder than when the addition was made, and where somebody has the ledger locked for
   * longer than `patienceSeconds`. Rejected where it is not known whether it was written.
   */
  write(addition: Addition): Promise<Head | null>;
  close(): Promise<unknown>;
}

/** Opens a writer of the ledger; null where there is none to be had, and everything has to be written in its turn. */
export async function openWriter(ledger: Ledger, start = startAppending): Promise<Writer | null> {
  if (ledger.database.dialect === 'sqlite') return threadWriter(ledger, start);
  return { write: (added) => writeOnServer(ledger, added), close: () => Promise.resolve() };
}

async function writeOnServer(ledger: Ledger, added: Addition): Promise<Head | null> {
  try {
    return await transact(ledger.database, async (database) => {
      const inside = { ...ledger, database };
      await lockLedger(database, 'append', { seconds: patienceSeconds });
      if (!(await hasFence(inside, { share: true }))) return null;
      const { seq, hash } = await head(inside);
      if (seq !== added.before.seq || hash !== added.before.hash) return null;
      return await writeAddition(database, added);
    });
  } catch (thrown) {
    if (isLockTimeout(thrown)) return null;
    throw thrown;
  }
}

/** Whether the ledger has an addition whose writer failed: asked when nobody can be writing it any more. */
async function writtenHead(ledger: Ledger, { before, drafts, at }: Addition): Promise<Head | null> {
  const last = linkEntries(before, drafts, at).at(-1)!;
  let found: Entry | null = null;
  const inside = async (database: Database) => {
    found = await entryBySeq({ ...ledger, database }, last.seq);
  };
  await append(ledger, [], at, { inside });
  return (found as Entry | null)?.hash === last.hash ? last : null;
}

/** Entries that are being stored. */
export interface Appending {
  /** The seq of the first one; the others follow. */
  firstSeq: number;
  /**
   * True when they are stored for good. False where they are not: somebody else has appended in the meantime, has taken over or
   * keeps the ledger locked, or the writer failed; nothing is added then, and `append` does it, or says why it cannot be done.
   * Rejected where the ledger does not say whether it has them.
   */
  stored: Promise<boolean>;
}

/**
 * Begins to add entries to the ledger, one at least, as `append` does, and answers while they are written. What comes next
 * on this ledger waits until they are stored.
 */
export async function appendAhead(
  ledger: Ledger,
  drafts: readonly EntryDraft[],
  options: { at: string; writer: Writer; check: (incidents: Told) => void; memory?: AppendMemory },
): Promise<Appending> {
  const { at, writer, memory } = options;
  await assertNotBehind(ledger);
  const added = await addition(ledger, drafts, { at, memory });
  options.check(added.incidents);
  const storing = async () => {
    const after = await writer.write(added).catch(() => writtenHead(ledger, added));
    if (after !== null) keep(ledger, added, after, memory);
    return after !== null;
  };
  return { firstSeq: added.before.seq + 1, stored: storing() };
}
