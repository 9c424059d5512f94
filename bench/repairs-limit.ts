import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { type Dialect, describeUrl } from '../src/database.ts';

/** Rows of one table; the first `keys` of their columns name the row where it is there already. */
export interface Bare {
  table: string;
  columns: readonly string[];
  /** PostgreSQL's types of the columns, where rows are updated. */
  types?: readonly string[];
  keys: number;
  write: 'insert' | 'update' | 'delete';
  rows: readonly (readonly unknown[])[];
}

/** What is written of one batch, in three transactions: no row of the source before its start is durable (DESIGN). */
export interface BareBatch {
  starts: readonly Bare[];
  source: readonly Bare[];
  ends: readonly Bare[];
}

type Connection = { write(all: readonly Bare[]): unknown; close(): unknown };

function onSqlite(url: string): Connection {
  const database = new Sqlite(describeUrl(url).path!);
  database.pragma('synchronous = full');
  const statements = new Map<string, Sqlite.Statement>();
  const prepared = (sql: string) => {
    const known = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const writeOne = ({ table, columns, keys, write, rows }: Bare) => {
    const set = (column: string) => `${column} = ?`;
    const [named, values] = [columns.slice(0, keys), columns.slice(keys)];
    const statement = prepared(
      {
        insert: `insert into ${table} (${columns.join()}) values (${columns.map(() => '?').join()})`,
        update: `update ${table} set ${values.map(set).join()} where ${named.map(set).join(' and ')}`,
        delete: `delete from ${table} where ${named.map(set).join(' and ')}`,
      }[write],
    );
    for (const row of rows)
      statement.run(...(write === 'insert' ? row : [...row.slice(keys), ...row.slice(0, keys)]));
  };
  const write = database.transaction((all: readonly Bare[]) => {
    for (const one of all) writeOne(one);
  });
  return { write: (all) => write.immediate(all), close: () => database.close() };
}

/** One statement takes so many rows; more would need more parameters than the protocol has. */
const rowsAtOnce = 500;

function postgresSql({ table, columns, types, keys, write }: Bare, count: number): string {
  const tuple = (_: unknown, row: number) =>
    `(${columns.map((_, at) => `$${row * columns.length + at + 1}${row === 0 && types ? `::${types[at]}` : ''}`).join()})`;
  const values = Array.from({ length: count }, tuple).join();
  if (write === 'insert') return `insert into ${table} (${columns.join()}) values ${values}`;
  const set = columns.slice(keys).map((column) => `${column} = v.${column}`);
  const where = columns.slice(0, keys).map((column) => `t.${column} = v.${column}`);
  if (write === 'delete')
    return `delete from ${table} t using (values ${values}) v (${columns.join()}) where ${where.join(' and ')}`;
  return `update ${table} t set ${set.join()} from (values ${values}) v (${columns.join()}) where ${where.join(' and ')}`;
}

async function onPostgres(url: string): Promise<Connection> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const writeOne = async (one: Bare) => {
    for (let from = 0; from < one.rows.length; from += rowsAtOnce) {
      const rows = one.rows.slice(from, from + rowsAtOnce);
      // Parsed once on the connection.
      const name = `${one.write} ${one.table} ${rows.length}`;
      await client.query({ name, text: postgresSql(one, rows.length), values: rows.flat() });
    }
  };
  return {
    async write(all) {
      await client.query('begin');
      for (const one of all) await writeOne(one);
      await client.query('commit');
    },
    close: () => client.end(),
  };
}

type Urls = { source: string; ledger: string };

async function writeBare(dialect: Dialect, to: Urls, batches: readonly BareBatch[]): Promise<void> {
  const open = dialect === 'sqlite' ? onSqlite : onPostgres;
  const [source, ledger] = [await open(to.source), await open(to.ledger)];
  try {
    for (const batch of batches) {
      await ledger.write(batch.starts);
      await source.write(batch.source);
      await ledger.write(batch.ends);
    }
  } finally {
    await source.close();
    await ledger.close();
  }
}

interface Told {
  dialect: Dialect;
  batches: readonly BareBatch[];
}

/**
 * Writes batches by the drivers alone, one transaction each on source and ledger, as durable as the product's. In a thread
 * of its own, which holds the rows: they would weigh on the memory in which the product is measured.
 */
export interface BareWriter {
  write(to: Urls): Promise<void>;
  close(): Promise<unknown>;
}

export async function bareWriter(told: Told): Promise<BareWriter> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: told });
  const failed = once(worker, 'error').then(([thrown]) => Promise.reject(thrown as Error));
  const answer = () => Promise.race([once(worker, 'message'), failed]);
  await answer();
  return {
    async write(to) {
      const done = answer();
      worker.postMessage(to);
      await done;
    },
    close: () => worker.terminate(),
  };
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const { dialect, batches } = workerData as Told;
  port.on('message', async (to: Urls) => {
    await writeBare(dialect, to, batches);
    port.postMessage('done');
  });
  port.postMessage('ready');
}
