import { parentPort } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import type { Beginning, Done, Opening, Part, Told } from './append-thread.ts';
import { emptyHead, type Head, linkSpelled } from './chain.ts';
import { entryColumns, valuesOfEntry } from './entry-values.ts';

/* The thread of append-thread.ts: writes one addition to the ledger after the other, each in one transaction, while it is told. */

const headSql = 'select seq, hash from entries order by seq desc limit 1';
const leaseSql = 'select token from leases where name = ?';
const entrySql = `insert into entries (${entryColumns}) values (${entryColumns.map(() => '?')})`;

/** The ledger, opened as `openDatabase` does. */
function ledgerOf({ path, patienceSeconds }: Opening) {
  const database = new Sqlite(path, { fileMustExist: true, timeout: 1000 * patienceSeconds });
  database.pragma('synchronous = full');
  const prepared = new Map<string, Sqlite.Statement<unknown[], unknown>>();
  function statement(sql: string) {
    const known = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, known);
    return known;
  }
  function insert(sql: string, rows: readonly (readonly unknown[])[]): void {
    const one = statement(sql);
    for (const row of rows) one.run(row);
  }
  return {
    /** Begins what continues a head, which it answers; null where the ledger has another one, or the lease another holder. */
    begin({ before, fence }: Beginning): Head | null {
      statement('begin immediate').run();
      const { seq, hash } = (statement(headSql).get() ?? emptyHead) as Head;
      if (seq !== before.seq || hash !== before.hash) return null;
      if (fence === null) return before;
      const lease = statement(leaseSql).get(fence.name) as { token: string } | undefined;
      return lease?.token === fence.token ? before : null;
    },
    /** The head after a part that continues `last`. */
    add(part: Part, { last, at }: { last: Head; at: string }): Head {
      if ('sql' in part) {
        insert(part.sql, part.rows);
        return last;
      }
      const entries = linkSpelled(last, part.drafts, at);
      insert(entrySql, entries.map(valuesOfEntry));
      const { seq, hash } = entries.at(-1)!;
      return { seq, hash };
    },
    commit: () => statement('commit').run(),
    /** Ends what was begun, unless SQLite has done so by itself. */
    undo: () => database.inTransaction && statement('rollback').run(),
  };
}

function attempt(work: () => Head | null): Done {
  try {
    return { head: work() };
  } catch (thrown) {
    const { message, code } = thrown as Error & { code?: string };
    return { why: message, code };
  }
}

/** Neither refused nor failed. */
const goesOn = (done: Done): done is { head: Head } => 'head' in done && done.head !== null;

function listen(opening: Opening): void {
  const ledger = ledgerOf(opening);
  let at = '';
  /** The head that the addition in hand has come to, or that it was refused, or why it failed: that remains so. */
  let done: Done = { head: null };
  function goOn(work: (last: Head) => Head | null): void {
    if (!goesOn(done)) return;
    const { head } = done;
    done = attempt(() => work(head));
    if (!goesOn(done)) ledger.undo();
  }
  parentPort!.on('message', (told: Told) => {
    if (told === 'all') {
      goOn((last) => {
        ledger.commit();
        return last;
      });
      parentPort!.postMessage(done);
      done = { head: null };
    } else if (told === 'nothing') goOn(() => null);
    else if ('before' in told) {
      at = told.at;
      done = { head: told.before };
      goOn(() => ledger.begin(told));
    } else goOn((last) => ledger.add(told, { last, at }));
  });
}

parentPort!.once('message', (opening: Opening) => {
  parentPort!.postMessage(
    attempt(() => {
      listen(opening);
      return null;
    }),
  );
});
