import type { Worker } from 'node:worker_threads';
import { chunks, identityOf, isLockTimeout } from '../database.ts';
import { type Conversation, converse, startThread } from '../thread.ts';
import type { Addition } from './append.ts';
import type { Writer } from './append-ahead.ts';
import { type Head, type SpelledDraft, spelled } from './chain.ts';
import type { Fence, Ledger } from './ledger.ts';
import { rowsInParts } from './table-writes.ts';

/*
 * SQLite works in the thread that asks it. Here another one writes to the ledger, by a connection of its own, while the first
 * one writes to the source (docs/decisions/0026).
 */

/** Whoever waits for the writer may have the source locked: a lock of the ledger is not waited for any longer. */
export const patienceSeconds = 1;

/** What an addition continues. */
export interface Beginning extends Pick<Addition, 'before' | 'at'> {
  fence: Fence | null;
}

/** Rows of an addition: entries, or what one statement writes row by row. */
export type Part =
  /** Spelled: a text is handed over as it is, and what it spells would have to be copied twice, part by part. */
  { drafts: readonly SpelledDraft[] } | { sql: string; rows: readonly unknown[][] };

/**
 * What the thread is told of an addition: how it begins, its parts, which it writes as they come, and that these were all,
 * which it answers when they are stored; or that there is no end to come, and nothing of it is to be.
 */
export type Told = Beginning | Part | 'all' | 'nothing';

/** What the thread is told first: the file of the ledger, and how long a lock is waited for. It answers, with no head, when it is open. */
export type Opening = { path: string; patienceSeconds: number };

/** What `Writer` says of it; or why it could not be written, with SQLite's code. */
export type Done = { head: Head | null } | { why: string; code: string | undefined };

export const startAppending = (): Worker => startThread(new URL('./append-worker', import.meta.url));

/** Null where no thread can be started, where it cannot open the ledger, and where another file has taken its place. */
export async function threadWriter({ database, fence }: Ledger, start: () => Worker): Promise<Writer | null> {
  const { path, identity } = database.file!;
  let thread: Conversation<Opening | Told, Done> | undefined;
  try {
    // Before it is opened, too: the log of the one file must not get into the other.
    if (identityOf(path) !== identity) return null;
    thread = converse<Opening | Told, Done>(start(), 'the thread that writes the ledger');
    const opened = await thread.ask({ path, patienceSeconds });
    if ('head' in opened && identityOf(path) === identity) {
      const { tell, ask, close } = thread;
      const write = async ({ before, at, ...rest }: Addition) => {
        tell({ before, at, fence: fence ?? null });
        try {
          for (const part of partsOf(rest)) tell(part);
        } catch (thrown) {
          tell('nothing');
          throw thrown;
        }
        return headOf(await ask('all'));
      };
      return { write, close };
    }
  } catch {
    // It saves time, and nothing depends on it.
  }
  await thread?.close();
  return null;
}

/** So many rows are a part: what is made of them is gone before anybody looks for garbage. */
const rowsOfPart = 50;

function* partsOf({ drafts, writes }: Pick<Addition, 'drafts' | 'writes'>): Generator<Part> {
  for (const some of chunks(drafts, rowsOfPart)) yield { drafts: some.map(spelled) };
  for (const write of writes)
    for (const rows of rowsInParts(write, rowsOfPart)) yield { sql: write.sql(1), rows };
}

function headOf(done: Done): Head | null {
  if ('head' in done) return done.head;
  const fault = Object.assign(new Error(done.why), { code: done.code });
  if (isLockTimeout(fault)) return null;
  throw fault;
}
