import { transact } from '../database.ts';
import { type Addition, type AppendMemory, addition, keep, type Told, writeAddition } from './append.ts';
import { startAppending, threadWriter } from './append-thread.ts';
import type { EntryDraft, Head } from './chain.ts';
import { head } from './entries.ts';
import { hasFence } from './fence.ts';
import { assertNotBehind } from './head.ts';
import type { Ledger } from './ledger.ts';
import { lockLedger } from './lock.ts';

/*
 * An append that its caller does not wait for: what the entries will be is known as soon as they are linked to the head, and
 * somebody else writes them meanwhile (docs/decisions/0026).
 */

/** Who writes an addition while its maker goes on: on PostgreSQL the server, on SQLite a thread. */
export interface Writer {
  /**
   * Writes it in one transaction; the new head when that is durable. Null, and nothing is written, where the ledger has
   * another head or the lease another holder than when the addition was made.
   */
  write(addition: Addition): Promise<Head | null>;
  close(): Promise<unknown>;
}

/** Opens a writer of the ledger; null where there is none to be had, and everything has to be written in its turn. */
export async function openWriter(ledger: Ledger, start = startAppending): Promise<Writer | null> {
  if (ledger.database.dialect === 'sqlite') return threadWriter(ledger, start);
  return { write: (added) => writeOnServer(ledger, added), close: () => Promise.resolve() };
}

function writeOnServer(ledger: Ledger, added: Addition): Promise<Head | null> {
  return transact(ledger.database, async (database) => {
    const inside = { ...ledger, database };
    await lockLedger(database, 'append');
    if (!(await hasFence(inside, { share: true }))) return null;
    const { seq, hash } = await head(inside);
    if (seq !== added.before.seq || hash !== added.before.hash) return null;
    return (await writeAddition(database, added)).at(-1)!;
  });
}

/** Entries that are being stored. */
export interface Appending {
  /** The seq of the first one; the others follow. */
  firstSeq: number;
  /**
   * True when they are stored for good. False where somebody else has appended in the meantime, or taken over: nothing is
   * added then, and `append` says why or does it. Rejected where they cannot be written.
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
    const after = await writer.write(added);
    if (after !== null) keep(ledger, added, after, memory);
    return after !== null;
  };
  const stored = storing();
  // Whoever waits for it is told; nobody may be waiting yet.
  stored.catch(() => undefined);
  return { firstSeq: added.before.seq + 1, stored };
}
