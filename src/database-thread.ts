import type { Worker } from 'node:worker_threads';
import { type Database, type DatabaseFile, identityOf, type Reader, rows, snapshot } from './database.ts';
import { converse, startThread } from './thread.ts';

/*
 * A connection to an SQLite database in a thread of its own: SQLite works in the thread that asks it
 * (docs/decisions/0022).
 */

/** Where the database is. */
export interface Place {
  path: string;
}

export interface Question {
  sql: string;
  bindings: readonly unknown[];
  /** What the thread's own program has to know, which makes something of the rows; without it they are answered as they are. */
  told?: unknown;
}

/** What was found, or why it could not be. */
export type Answer = { rows: unknown[] } | { why: string };

/** Statements of a pass answer with one row of a few texts of a megabyte; only such may be asked. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** What answers questions in a thread, also with what the thread's program makes of the rows. */
export interface ThreadReader extends Reader {
  made<T>(question: Required<Question>): Promise<T[]>;
}

/** A connection in a thread. */
interface Threaded {
  reader: ThreadReader;
  close(): Promise<unknown>;
}

/** What a test may have started in place of the thread. */
export type Start = () => Worker;

const startWorker: Start = () =>
  startThread(new URL('./database-worker', import.meta.url), { resourceLimits });

/** Opens the database in a thread. Where that fails, or the thread ends, every question is rejected. */
function openInThread(place: Place, start: Start): Threaded {
  const worker = start();
  worker.postMessage(place);
  const { ask, close } = converse<Question, Answer>(worker, 'the thread of the second connection');
  async function answered<T>(question: Question): Promise<T[]> {
    const answer = await ask(question);
    if ('why' in answer) throw new Error(answer.why);
    return answer.rows as T[];
  }
  const reader: ThreadReader = {
    dialect: 'sqlite',
    rows: (sql, bindings = []) => answered({ sql, bindings }),
    made: answered,
  };
  return { reader, close };
}

/** Another one as soon as anybody else has committed something. */
async function versionOf(reader: Reader): Promise<number> {
  const [found] = await reader.rows<{ data_version: number }>('pragma data_version');
  return found!.data_version;
}

/** A second connection to the same file that has begun nothing, and the version that it has seen. */
interface Second extends Threaded {
  version: number;
}

/** Null where no thread can be started, where it cannot read the database, and where another file has taken its place. */
async function openSecond({ path, identity }: DatabaseFile, start: Start): Promise<Second | null> {
  let threaded: Threaded | undefined;
  try {
    threaded = openInThread({ path }, start);
    const version = await versionOf(threaded.reader);
    if (identityOf(path) === identity) return { ...threaded, version };
  } catch {
    // A twin saves time, and nothing depends on it.
  }
  await threaded?.close();
  return null;
}

/** What is read first takes the moment. */
const beginReading = 'select 1 from sqlite_master';

/** Begins on the second connection; whether nothing was committed since it had its version. */
async function beginsAsOne({ reader, version }: Second): Promise<boolean> {
  await reader.rows('begin');
  await reader.rows(beginReading);
  return (await versionOf(reader)) === version;
}

/**
 * A snapshot with a twin that answers in a thread of its own, which `work` is given too; without one where something was
 * committed between the two beginnings, and where there is no such thread.
 */
export async function snapshotOfTwoThreads<T>(
  database: Database,
  work: (inside: Database, thread?: ThreadReader) => Promise<T>,
  start: Start = startWorker,
): Promise<T> {
  const second = await openSecond(database.file!, start);
  if (second === null) return snapshot(database, work);
  try {
    return await snapshot(database, async (inside) => {
      await rows(inside, beginReading);
      const isOneMoment = await beginsAsOne(second).catch(() => false);
      if (isOneMoment) return await work({ ...inside, twin: second.reader }, second.reader);
      await second.close();
      return await work(inside);
    });
  } finally {
    await second.close();
  }
}
