import type { Worker } from 'node:worker_threads';
import { identityOf, told } from '../database.ts';
import { type Conversation, converse, startThread } from '../thread.ts';
import type { Addition } from './append.ts';
import type { Writer } from './append-ahead.ts';
import type { Head } from './chain.ts';
import type { Fence, Ledger } from './ledger.ts';
import { allValues } from './table-writes.ts';

/*
 * SQLite works in the thread that asks it. Here another one writes to the ledger, by a connection of its own, while the first
 * one writes to the source (docs/decisions/0026).
 */

/** An addition as the thread is told: one statement for each row of a write. */
export interface Task {
  before: Head;
  fence: Fence | null;
  writes: readonly { sql: string; rows: readonly unknown[][] }[];
}

/** What the thread is told first: the file of the ledger. It answers whether it could open that. */
export type Opening = { path: string };

/** Whether it was written: see `Writer`. Or why it could not be, with SQLite's code. */
export type Done = { isWritten: boolean } | { why: string; code: string | undefined };

export const startAppending = (): Worker => startThread(new URL('./append-worker', import.meta.url));

/** Null where no thread can be started, where it cannot open the ledger, and where another file has taken its place. */
export async function threadWriter({ database, fence }: Ledger, start: () => Worker): Promise<Writer | null> {
  const { path, identity } = database.file!;
  let thread: Conversation<Opening | Task, Done> | undefined;
  try {
    thread = converse<Opening | Task, Done>(start(), 'the thread that writes the ledger');
    const opened = await thread.ask({ path });
    if ('isWritten' in opened && identityOf(path) === identity) {
      const { ask, close } = thread;
      return {
        write: async (added) => isWritten(await ask(taskOf(added, fence ?? null)), database.label),
        close,
      };
    }
  } catch {
    // It saves time, and nothing depends on it.
  }
  await thread?.close();
  return null;
}

const taskOf = ({ before, writes }: Addition, fence: Fence | null): Task => ({
  before,
  fence,
  writes: writes.map((write) => ({ sql: write.sql(1), rows: allValues(write) })),
});

function isWritten(done: Done, label: string): boolean {
  if ('isWritten' in done) return done.isWritten;
  throw told(Object.assign(new Error(done.why), { code: done.code }), label);
}
