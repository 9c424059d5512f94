import { parentPort } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { Done, Opening, Task } from './append-thread.ts';
import { emptyHead } from './chain.ts';

/* The thread of append-thread.ts: writes one addition to the ledger after the other, each in one transaction. */

const headSql = 'select seq, hash from entries order by seq desc limit 1';
const leaseSql = 'select token from leases where name = ?';

/** Opens the ledger as `openDatabase` does. What writes a task: false where the ledger is not as it was when it was made. */
function writerOf(path: string): (task: Task) => boolean {
  const database = new Sqlite(path, { fileMustExist: true });
  database.pragma('synchronous = full');
  const headNow = database.prepare<[], { seq: number; hash: string }>(headSql);
  const leaseNow = database.prepare<[string], { token: string }>(leaseSql);
  const statements = new Map<string, Sqlite.Statement>();
  const prepared = (sql: string) => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return database.transaction(({ before, fence, writes }: Task) => {
    const { seq, hash } = headNow.get() ?? emptyHead;
    if (seq !== before.seq || hash !== before.hash) return false;
    if (fence !== null && leaseNow.get(fence.name)?.token !== fence.token) return false;
    for (const { sql, rows } of writes) {
      const statement = prepared(sql);
      for (const row of rows) statement.run(row);
    }
    return true;
  }).immediate;
}

function answer(work: () => boolean): void {
  let done: Done;
  try {
    done = { isWritten: work() };
  } catch (thrown) {
    const { message, code } = thrown as Error & { code?: string };
    done = { why: message, code };
  }
  parentPort!.postMessage(done);
}

parentPort!.once('message', ({ path }: Opening) => {
  let write: (task: Task) => boolean = () => false;
  answer(() => {
    write = writerOf(path);
    return true;
  });
  parentPort!.on('message', (task: Task) => answer(() => write(task)));
});
