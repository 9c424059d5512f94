import { parentPort } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { Beginning, Done, Opening, Part, Told } from './append-thread.ts';
import { emptyHead, type Head, linkSpelled } from './chain.ts';
import { entryColumns, valuesOfEntry } from './entry-values.ts';

/* The thread of append-thread.ts: writes one addition to the ledger after the other, each in one transaction. */

const headSql = 'select seq, hash from entries order by seq desc limit 1';
const leaseSql = 'select token from leases where name = ?';
const entrySql = `insert into entries (${entryColumns}) values (${entryColumns.map(() => '?')})`;

/** An addition, as far as it has been told. */
type Task = Beginning & { parts: Part[] };

/** Opens the ledger as `openDatabase` does. What writes a task: see `Writer`. */
function writerOf({ path, patienceSeconds }: Opening): (task: Task) => Head | null {
  const database = new Sqlite(path, { fileMustExist: true, timeout: 1000 * patienceSeconds });
  database.pragma('synchronous = full');
  const headNow = database.prepare<[], Head>(headSql);
  const leaseNow = database.prepare<[string], { token: string }>(leaseSql);
  const prepared = new Map<string, Sqlite.Statement>();
  function run(sql: string, rows: readonly unknown[][]): void {
    const statement = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, statement);
    for (const row of rows) statement.run(row);
  }
  return database.transaction(({ before, at, fence, parts }: Task): Head | null => {
    const { seq, hash } = headNow.get() ?? emptyHead;
    if (seq !== before.seq || hash !== before.hash) return null;
    if (fence !== null && leaseNow.get(fence.name)?.token !== fence.token) return null;
    let last = before;
    for (const part of parts)
      if ('sql' in part) run(part.sql, part.rows);
      else {
        const entries = linkSpelled(last, part.drafts, at);
        run(entrySql, entries.map(valuesOfEntry));
        last = entries.at(-1)!;
      }
    return { seq: last.seq, hash: last.hash };
  }).immediate;
}

function answer(work: () => Head | null): void {
  let done: Done;
  try {
    done = { head: work() };
  } catch (thrown) {
    const { message, code } = thrown as Error & { code?: string };
    done = { why: message, code };
  }
  parentPort!.postMessage(done);
}

parentPort!.once('message', (opening: Opening) => {
  let write: (task: Task) => Head | null = () => null;
  answer(() => {
    write = writerOf(opening);
    return null;
  });
  let task: Task;
  parentPort!.on('message', (told: Told) => {
    if (told === 'all') answer(() => write(task));
    else if ('before' in told) task = { ...told, parts: [] };
    else task.parts.push(told);
  });
});
