import { parentPort } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { Answer, Place, Question } from './database-thread.ts';

/*
 * The other end of database-thread.ts: a connection to an SQLite database that answers one question after the other.
 */

// Who waits for a lock here keeps the first connection waiting, whose moment a writer may be waiting for.
const patienceMs = 100;

/** What is answered in place of rows, which are lists of their values; `how` is whatever was asked along. */
export type Make = (rows: unknown[][], how: unknown) => unknown[];

function answerFrom(database: Sqlite.Database, { sql, bindings, how }: Question, make?: Make): Answer {
  try {
    const statement = database.prepare(sql);
    if (statement.reader && how !== undefined && make !== undefined)
      return { rows: make(statement.raw().all(...bindings) as unknown[][], how) };
    if (statement.reader) return { rows: statement.all(...bindings) };
    statement.run(...bindings);
    return { rows: [] };
  } catch (thrown) {
    return { why: (thrown as Error).message };
  }
}

/** Answers what the thread is asked. `make` is for questions that say how they are to be answered. */
export function answerQuestions(make?: Make): void {
  parentPort!.once('message', ({ path }: Place) => {
    const database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: patienceMs });
    parentPort!.on('message', (question: Question) =>
      parentPort!.postMessage(answerFrom(database, question, make)),
    );
  });
}
