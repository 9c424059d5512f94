import { hash } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import type { Dialect } from '../src/database.ts';
import { describeUrl } from '../src/database.ts';
import { ledgerSchema } from '../src/ledger/migrations.ts';

export type Value = string | number;

/** The rows that one batch of entries comes to, and the documents whose SHA-256 they hold. */
export interface BatchRows {
  entries: Value[][];
  incidents: Value[][];
  opened: Value[][];
  closed: number[];
  documents: string[];
}

/** What the ledger is held against: bare statements on the same tables, by the drivers alone. */
export interface Limit {
  append(batch: BatchRows): Promise<void>;
  /** Reads every entry and what is projected from them in pages, and hashes what is hashed. Answers with the bytes. */
  readAll(): Promise<number>;
  close(): Promise<void>;
}

const entryNames = 'seq, at, kind, source, key, body, prev_hash, hash';
const incidentNames = 'source, key, id, is_open, last_seq, state';
const renewed =
  'on conflict (source, key) do update set is_open = excluded.is_open, last_seq = excluded.last_seq, state = excluded.state';
const pageSize = 1000;

const hashAll = (documents: readonly string[]) => {
  for (const document of documents) hash('sha256', document, 'hex');
};

interface EntryRow {
  seq: number;
  at: string;
  kind: string;
  source: string;
  key: string;
  body: string;
  prev_hash: string;
}

/** The bytes that were hashed, put together as plainly as can be. */
function hashRow({ seq, at, kind, source, key, body, prev_hash }: EntryRow): number {
  const text = `${prev_hash}{"at":"${at}","body":${body},"key":"${key}","kind":"${kind}","seq":${seq},"source":"${source}"}`;
  hash('sha256', text, 'hex');
  return text.length;
}

function sqliteLimit(path: string): Limit {
  const database = new Sqlite(path);
  database.pragma('synchronous = full');
  const put = (table: string, names: string, conflict = '') =>
    database.prepare(`insert into ${table} (${names}) values (${names.replace(/\w+/g, '?')}) ${conflict}`);
  const entry = put('entries', entryNames);
  const incident = put('incidents', incidentNames, renewed);
  const open = put('open_repairs', 'seq, source');
  const close = database.prepare('delete from open_repairs where seq = ?');
  const write = database.transaction((batch: BatchRows) => {
    for (const row of batch.entries) entry.run(row);
    for (const row of batch.incidents) incident.run(row);
    for (const row of batch.opened) open.run(row);
    for (const seq of batch.closed) close.run(seq);
  });
  const page = (names: string, table: string, by: string) =>
    database.prepare(`select ${names} from ${table} where ${by} > ? order by ${by} limit ${pageSize}`);
  const entries = page(entryNames, 'entries', 'seq');
  const incidents = page(incidentNames, 'incidents', 'id');
  return {
    async append(batch) {
      hashAll(batch.documents);
      write.immediate(batch);
    },
    async readAll() {
      let bytes = 0;
      for (let after = 0; ; ) {
        const rows = entries.all(after) as EntryRow[];
        for (const row of rows) bytes += hashRow(row);
        if (rows.length < pageSize) break;
        after = rows.at(-1)!.seq;
      }
      for (let after = 0; ; ) {
        const rows = incidents.all(after) as { id: number }[];
        if (rows.length < pageSize) return bytes;
        after = rows.at(-1)!.id;
      }
    },
    close: async () => void database.close(),
  };
}

async function postgresLimit(url: string): Promise<Limit> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`set search_path to ${ledgerSchema}`);
  const put = async (table: string, names: string, of: { rows: Value[][]; conflict?: string }) => {
    const { rows, conflict = '' } = of;
    const width = names.split(', ').length;
    for (let from = 0; from < rows.length; from += 500) {
      const some = rows.slice(from, from + 500);
      const places = some.map(
        (_, row) => `(${some[0]!.map((__, column) => `$${row * width + column + 1}`)})`,
      );
      await client.query({
        name: `${table} ${some.length}`,
        text: `insert into ${table} (${names}) values ${places} ${conflict}`,
        values: some.flat(),
      });
    }
  };
  const page = (names: string, table: string, by: string) => (after: number) =>
    client.query({
      name: `page of ${table}`,
      text: `select ${names} from ${table} where ${by} > $1 order by ${by} limit ${pageSize}`,
      values: [after],
    });
  const entries = page(entryNames, 'entries', 'seq');
  const incidents = page(incidentNames, 'incidents', 'id');
  return {
    async append(batch) {
      hashAll(batch.documents);
      await client.query('begin');
      await put('entries', entryNames, { rows: batch.entries });
      await put('incidents', incidentNames, { rows: batch.incidents, conflict: renewed });
      await put('open_repairs', 'seq, source', { rows: batch.opened });
      if (batch.closed.length > 0)
        await client.query('delete from open_repairs where seq = any($1)', [batch.closed]);
      await client.query('commit');
    },
    async readAll() {
      let bytes = 0;
      for (let after = 0; ; ) {
        const { rows } = await entries(after);
        for (const row of rows) bytes += hashRow(row);
        if (rows.length < pageSize) break;
        after = Number(rows.at(-1)!.seq);
      }
      for (let after = 0; ; ) {
        const { rows } = await incidents(after);
        if (rows.length < pageSize) return bytes;
        after = Number(rows.at(-1)!.id);
      }
    },
    close: () => client.end(),
  };
}

/** Opens the database of a ledger for bare work. */
export async function openLimit(dialect: Dialect, url: string): Promise<Limit> {
  return dialect === 'sqlite' ? sqliteLimit(describeUrl(url).path!) : await postgresLimit(url);
}
