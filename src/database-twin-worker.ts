import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { TwinAnswer, TwinQuestion } from './database-twin.ts';
import { messageOf } from './errors.ts';

/* The other end of database-twin.ts: a connection to an SQLite database in a thread of its own, which only reads. */

const database = new Sqlite(workerData.path, { readonly: true, fileMustExist: true });
// Who looks through a history reads each page once: 2 MB do.
database.pragma('cache_size = -2000');

/** Changes when somebody else commits; inside a transaction it is that of the moment which the transaction sees. */
const version = () => database.pragma('data_version', { simple: true });
const atFirst = version();

function answerTo(question: TwinQuestion): TwinAnswer {
  if (question === 'begin') {
    database.exec('begin');
    database.prepare('select 1 from sqlite_master limit 1').all();
    return { same: version() === atFirst };
  }
  const statement = database.prepare(question.sql);
  if (statement.reader) return { rows: statement.all(...question.bindings) };
  statement.run(...question.bindings);
  return { rows: [] };
}

parentPort!.on('message', (question: TwinQuestion) => {
  try {
    parentPort!.postMessage(answerTo(question));
  } catch (thrown) {
    parentPort!.postMessage({ failed: messageOf(thrown) } satisfies TwinAnswer);
  }
});
parentPort!.postMessage({ same: true } satisfies TwinAnswer);
