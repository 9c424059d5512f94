import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { closeDatabase, type Database, type Reader, readerOf, rows, snapshot } from './database.ts';
import { startThread } from './start-thread.ts';

/*
 * Two connections that see one moment, so that two processors can look through a long history. PostgreSQL exports the
 * moment of a transaction to others. SQLite works in the thread that asks it, so that its second connection needs a thread of
 * its own; that it sees the same moment is known where nobody has committed since before either of them began to look.
 */

/** A twin before its first question. */
interface Unborn {
  /** The twin of a connection that is asked nothing before; null where there is none. Where it throws, that one is lost too. */
  begin(of: Database): Promise<Reader | null>;
  close(): Promise<unknown>;
}

const noTwin: Unborn = { begin: async () => null, close: async () => undefined };

/** What is asked of the other thread: to fix its moment, or for rows. */
export type TwinQuestion = { sql: string; bindings: readonly unknown[] } | 'begin';
/** Its answer: whether it sees the moment that it saw when it was started; rows; or why there are none. */
export type TwinAnswer = { same: boolean } | { rows: unknown[] } | { failed: string };

/** A thread that answers one question after the other. Where it ends, whoever waits is told, and whoever asks later. */
function asking(worker: Worker): (question: TwinQuestion | null) => Promise<TwinAnswer> {
  const waiting: { done: (answer: TwinAnswer) => void; failed: (why: unknown) => void }[] = [];
  let ended: unknown = null;
  const end = (why: unknown) => {
    ended ??= why;
    for (const { failed } of waiting.splice(0)) failed(ended);
  };
  worker.on('message', (answer: TwinAnswer) => waiting.shift()?.done(answer));
  worker.on('error', end).on('messageerror', end);
  worker.on('exit', () => end(new Error('the thread of the second connection has ended')));
  return (question) =>
    new Promise((done, failed) => {
      if (ended !== null) return failed(ended);
      waiting.push({ done, failed });
      if (question !== null) worker.postMessage(question);
    });
}

const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

/** Starts the thread, and waits until it has looked at the database for the first time. */
async function onSqlite(database: Database): Promise<Unborn> {
  const workerData = { path: resolve(database.label) };
  const worker = startThread('./database-twin-worker', { url: import.meta.url, workerData, resourceLimits });
  const ask = asking(worker);
  const close = () => worker.terminate();
  const first = await ask(null).catch(() => null);
  if (first === null) {
    await close();
    return noTwin;
  }
  const answered = async (sql: string, bindings: readonly unknown[] = []) => {
    const answer = await ask({ sql, bindings });
    if ('rows' in answer) return answer.rows;
    throw new Error('failed' in answer ? answer.failed : 'the second connection gave another answer');
  };
  return {
    async begin(of) {
      // A transaction of SQLite sees the moment of its first question.
      await rows(of, 'select 1 from sqlite_master limit 1');
      const answer = await ask('begin');
      if (!('same' in answer) || !answer.same) return null;
      return {
        dialect: 'sqlite',
        rows: async <T>(sql: string, bindings?: readonly unknown[]) => (await answered(sql, bindings)) as T[],
      };
    },
    close,
  };
}

/** The second connection exports its moment, and the first one takes it over: that can be done over without it. */
async function onPostgres(database: Database): Promise<Unborn> {
  const second = await database.another!();
  const close = () => closeDatabase(second);
  try {
    await rows(second, 'begin transaction isolation level repeatable read read only');
    const [exported] = await rows<{ moment: string }>(second, 'select pg_export_snapshot() as moment');
    const { moment } = exported!;
    // No place for a value is taken there: what it is has to be plain.
    if (!/^[\dA-F-]+$/.test(moment)) throw new Error(`a moment named ${moment} cannot be taken over`);
    return {
      async begin(of) {
        await rows(of, `set transaction snapshot '${moment}'`);
        return readerOf(second);
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function unbornOf(database: Database): Promise<Unborn> {
  if (database.another === undefined) return noTwin;
  const made = database.dialect === 'sqlite' ? onSqlite(database) : onPostgres(database);
  return made.catch(() => noTwin);
}

/**
 * A snapshot with a twin: `inside.twin` sees what `inside` sees, and answers at the same time. Without one where the
 * server takes no second connection, or somebody has written since: a twin saves time, and nothing depends on it. Whoever asks
 * it has to be ready for its failing.
 */
export async function snapshotOfTwo<T>(
  database: Database,
  work: (inside: Database) => Promise<T>,
): Promise<T> {
  const unborn = await unbornOf(database);
  let isStillborn = false;
  try {
    return await snapshot(database, async (inside) => {
      const twin = await unborn.begin(inside).catch((thrown) => {
        isStillborn = true;
        throw thrown;
      });
      return await work(twin === null ? inside : { ...inside, twin });
    });
  } catch (thrown) {
    if (!isStillborn) throw thrown;
    return await snapshot(database, work);
  } finally {
    await unborn.close();
  }
}

/**
 * Has work done by both connections of a snapshot, or by the one that there is: whichever has time takes the next piece. A
 * piece that the twin does not finish is done once more by the first connection.
 */
export async function shareOut(
  database: Database,
  work: readonly ((reader: Reader) => Promise<void>)[],
): Promise<void> {
  const left = new Set(work);
  const untaken = work.values();
  const take = async (reader: Reader, pieces: Iterable<(reader: Reader) => Promise<void>>) => {
    for (const piece of pieces) {
      await piece(reader);
      left.delete(piece);
      // Others get their turn: SQLite has kept this thread at work.
      await setImmediate();
    }
  };
  const { twin } = database;
  // It has its next piece when it has finished one: this thread may be at work then.
  const helping = twin === undefined ? [] : [take(twin, untaken), take(twin, untaken)];
  const helped = Promise.allSettled(helping);
  const own = readerOf(database);
  await take(own, untaken);
  await helped;
  await take(own, left);
}
