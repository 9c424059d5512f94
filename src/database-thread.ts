import { type Database, type Reader, rows, snapshot } from './database.ts';
import { startThread } from './thread.ts';

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
}

/** What was found, or why it could not be. */
export type Answer = { rows: unknown[] } | { why: string };

/** Statements of a pass answer with a few texts of a megabyte. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

interface Waiting {
  resolve(rows: unknown[]): void;
  reject(thrown: Error): void;
}

/** Opens the database in a thread. Where that fails, or the thread ends, every question is rejected. */
function openInThread(place: Place): { reader: Reader; close(): Promise<unknown> } {
  const worker = startThread(new URL('./database-worker', import.meta.url), { resourceLimits });
  worker.postMessage(place);
  // Answers come in the order of the questions.
  const waiting: Waiting[] = [];
  let failed: Error | null = null;
  const fail = (thrown: Error) => {
    failed ??= thrown;
    for (const { reject } of waiting.splice(0)) reject(failed);
  };
  worker.on('error', fail).on('messageerror', fail);
  worker.on('exit', () => fail(new Error('the thread of the second connection has ended')));
  worker.on('message', (answer: Answer) => {
    const asked = waiting.shift();
    if ('why' in answer) asked?.reject(new Error(answer.why));
    else asked?.resolve(answer.rows);
  });
  const ask = (sql: string, bindings: readonly unknown[] = []) =>
    new Promise<unknown[]>((resolve, reject) => {
      if (failed !== null) return reject(failed);
      waiting.push({ resolve, reject });
      worker.postMessage({ sql, bindings } satisfies Question);
    });
  const reader: Reader = {
    dialect: 'sqlite',
    rows: <T>(sql: string, bindings?: readonly unknown[]) => ask(sql, bindings) as Promise<T[]>,
  };
  return { reader, close: () => worker.terminate() };
}

/** Another one as soon as anybody else has committed something. */
async function versionOf(reader: Reader): Promise<number> {
  const [found] = await reader.rows<{ data_version: number }>('pragma data_version');
  return found!.data_version;
}

/** What is read first takes the moment. */
const beginReading = 'select 1 from sqlite_master';

/** Begins on the second connection; true where nothing was committed since it had that version. */
async function beginsWith(reader: Reader, version: number | null): Promise<boolean> {
  if (version === null) return false;
  await reader.rows('begin');
  await reader.rows(beginReading);
  return (await versionOf(reader)) === version;
}

/**
 * A snapshot with a twin that answers in a thread of its own; without one where something was committed between the two
 * beginnings, and where there is no such thread.
 */
export async function snapshotOfTwoThreads<T>(
  database: Database,
  work: (inside: Database) => Promise<T>,
): Promise<T> {
  const { reader, close } = openInThread({ path: database.path! });
  try {
    const version = await versionOf(reader).catch(() => null);
    return await snapshot(database, async (inside) => {
      await rows(inside, beginReading);
      const isOneMoment = await beginsWith(reader, version).catch(() => false);
      return await work(isOneMoment ? { ...inside, twin: reader } : inside);
    });
  } finally {
    await close();
  }
}
