import { parentPort } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { Answer, Place, Question } from './database-thread.ts';

/*
 * The other end of database-thread.ts: a connection to an SQLite database that answers one question after the other.
 */

// Who waits for a lock here keeps the first connection waiting, whose moment a writer may be waiting for.
const patienceMs = 100;

/** What is answered in place of rows, which are lists of their values, by what was told along with the question. */
export type Make<Told> = (rows: unknown[][], told: Told) => unknown[];

function answerFrom<Told>(
  database: Sqlite.Database,
  { sql, bindings, told }: Question,
  make?: Make<Told>,
): Answer {
  try {
    const statement = database.prepare(sql);
    if (told !== undefined && make !== undefined)
      return { rows: make(statement.raw().all(...bindings) as unknown[][], told as Told) };
    if (statement.reader) return { rows: statement.all(...bindings) };
    statement.run(...bindings);
    return { rows: [] };
  } catch (thrown) {
    return { why: (thrown as Error).message };
  }
}

/** Answers what the thread is asked; with `make` where something is told along. */
export function answerQuestions<Told>(make?: Make<Told>): void {
  parentPort!.once('message', ({ path }: Place) => {
    const database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: patienceMs });
    parentPort!.on('message', (question: Question) =>
      parentPort!.postMessage(answerFrom(database, question, make)),
    );
  });
}
