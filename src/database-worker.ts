import { parentPort } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { Answer, Place, Question } from './database-thread.ts';

/* The other end of database-thread.ts: a connection to an SQLite database that answers one question after the other. */

// Who waits for a lock here keeps the first connection waiting, whose moment a writer may be waiting for.
const patienceMs = 100;

function answerFrom(database: Sqlite.Database, { sql, bindings }: Question): Answer {
  try {
    const statement = database.prepare(sql);
    if (statement.reader) return { rows: statement.all(...bindings) };
    statement.run(...bindings);
    return { rows: [] };
  } catch (thrown) {
    return { why: (thrown as Error).message };
  }
}

parentPort!.once('message', ({ path }: Place) => {
  const database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: patienceMs });
  parentPort!.on('message', (question: Question) => parentPort!.postMessage(answerFrom(database, question)));
});
