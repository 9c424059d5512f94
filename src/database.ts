import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import knex, { type Knex } from 'knex';
import { knexConfiguration } from './database-driver.ts';
import { faultCode, faultText } from './database-fault.ts';
import { keep, type Opening, takeKept } from './database-kept.ts';
import { messageOf, OperationError } from './errors.ts';
import { makeOwnDirectory } from './own-directory.ts';

export type Dialect = 'sqlite' | 'postgres';

/** A database in use: a connection of its own, or a transaction on it. First argument of every store function. */
export interface Database {
  dialect: Dialect;
  knex: Knex;
  /** What people may be shown: never a password. */
  label: string;
  /** The schema in which unqualified names are looked up, where one was asked for (PostgreSQL). */
  schema?: string;
  /** Its file (SQLite). */
  file?: DatabaseFile;
  /** Opens one more connection to it, which only reads. */
  another?: () => Promise<Database>;
  /** How it was opened, where it may be kept (PostgreSQL). */
  opening?: Opening;
  /** Inside a snapshot: a second connection that sees the same moment, where there is one (`snapshotOfTwo`). */
  twin?: Reader;
}

/** A file that is open, and which one that was: another one may take its place. */
export interface DatabaseFile {
  path: string;
  identity: string;
}

/** What answers questions. */
export interface Reader {
  dialect: Dialect;
  rows<T>(sql: string, bindings?: readonly unknown[]): Promise<T[]>;
}

/** `sqlite:path` or `postgres://...`, told apart and without the secret. */
export function describeUrl(url: string): { dialect: Dialect; label: string; path: string | null } {
  if (url.startsWith('sqlite:')) {
    const path = url.slice('sqlite:'.length);
    return { dialect: 'sqlite', label: path, path };
  }
  const parsed = new URL(url);
  const database = decodeURIComponent(parsed.pathname.slice(1)) || 'postgres';
  return {
    dialect: 'postgres',
    label: `${parsed.hostname || 'localhost'}/${parsed.port || '5432'}/${database}`,
    path: null,
  };
}

export interface OpenOptions {
  /** Create the file of an SQLite database that does not exist. Default false. */
  create?: boolean;
  /** The schema in which unqualified names are looked up (PostgreSQL). */
  schema?: string;
  /** Refuse every write on this connection (SQLite: opened so; PostgreSQL: each transaction is). */
  readOnly?: boolean;
}

function makeDirectoryOf(path: string, label: string): void {
  try {
    makeOwnDirectory(dirname(resolve(path)));
  } catch (cause) {
    throw new OperationError(`cannot open database ${label}: its directory cannot be made`, { cause });
  }
}

/** Makes the connection, which the pool keeps: the server lets us in, or throws why not; nothing is asked of it. */
async function connect({ client }: Knex): Promise<void> {
  await client.releaseConnection(await client.acquireConnection());
}

/** Which file stands at a path, in words that are another file's never. */
export function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev} ${ino}`;
}

const fileAt = (path: string): DatabaseFile => ({ path, identity: identityOf(path) });

/** Opens a database and shows that it answers; throws an OperationError that names it otherwise. */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  const { dialect, label, path } = describeUrl(url);
  const { schema, create, readOnly = false } = options;
  const as = JSON.stringify({ url, schema, readOnly });
  const kept = await takeKept(as);
  if (kept !== null) return kept;
  if (path !== null && !existsSync(path)) {
    if (!create) throw new OperationError(`cannot open database ${label}: there is no such file`);
    makeDirectoryOf(path, label);
  }
  const handle = knex(await knexConfiguration(url, path, { schema, readOnly }));
  try {
    await connect(handle);
    if (dialect === 'sqlite' && create) await handle.raw('pragma journal_mode = wal');
    if (dialect === 'sqlite') await handle.raw('pragma synchronous = full');
    // Who only reads, reads through once: 2 MB of pages do, where the driver would take 16.
    if (dialect === 'sqlite' && readOnly) await handle.raw('pragma cache_size = -2000');
  } catch (cause) {
    await handle.destroy();
    throw new OperationError(`cannot open database ${label}`, { cause: told(cause) });
  }
  handle.on('query-error', (thrown: unknown) => told(thrown, label));
  const another = () => openDatabase(url, { schema, readOnly: true });
  const opened = { dialect, knex: handle, label, schema, another };
  return path === null
    ? { ...opened, opening: { as, atMs: performance.now() } }
    : { ...opened, file: fileAt(resolve(path)) };
}

/**
 * Says in an error what the world did to the database, in place of the statement and the driver's word for it. It stays
 * the same error: whoever branches on its code still can.
 */
export function told(thrown: unknown, label?: string): unknown {
  const text = thrown instanceof Error ? faultText(thrown) : null;
  if (text === null) return thrown;
  const error = thrown as Error & { code?: string };
  error.code = faultCode(error);
  error.message = label === undefined ? text : `database ${label}: ${text}`;
  return error;
}

/** Closes it, or keeps it for whoever opens the same again; it must not be used after. */
export async function closeDatabase(database: Database): Promise<void> {
  if (!keep(database)) await database.knex.destroy();
}

/**
 * Runs `work` in one transaction and commits it. On SQLite it is IMMEDIATE, so that nobody else writes
 * between what is read and what is written; knex only offers a deferred one, which can fail half-way.
 */
export async function transact<T>(database: Database, work: (inside: Database) => Promise<T>): Promise<T> {
  if (database.dialect === 'postgres') return transactOnServer(database, work);
  await database.knex.raw('begin immediate');
  try {
    const result = await work(database);
    await database.knex.raw('commit');
    return result;
  } catch (thrown) {
    await database.knex.raw('rollback').catch(() => undefined);
    throw thrown;
  }
}

/** Where the connection is lost, knex throws that ROLLBACK cannot be sent; what was thrown before it says why. */
async function transactOnServer<T>(database: Database, work: (inside: Database) => Promise<T>): Promise<T> {
  const failures: unknown[] = [];
  try {
    return await database.knex.transaction((transaction) =>
      work({ ...database, knex: transaction }).catch((thrown) => {
        failures.push(thrown);
        throw thrown;
      }),
    );
  } catch (thrown) {
    throw failures.length > 0 ? failures[0] : thrown;
  }
}

/**
 * A transaction that waits for a lock no longer than so many seconds, and is ended by the server where its process stands
 * still in the middle of it for 30 s: others wait for its locks. SQLite waits 5 s for any lock.
 */
export async function limitTransaction(inside: Database, lockSeconds: number): Promise<void> {
  if (inside.dialect === 'sqlite') return;
  const sql = `select set_config('lock_timeout', ?, true), set_config('idle_in_transaction_session_timeout', '30s', true)`;
  await inside.knex.raw(sql, [`${lockSeconds}s`]);
}

/** Runs reads that all see the source as it is at one moment. Nothing can be written inside. */
export async function snapshot<T>(database: Database, work: (inside: Database) => Promise<T>): Promise<T> {
  if (database.dialect === 'postgres')
    return database.knex.transaction((transaction) => work({ ...database, knex: transaction }), {
      isolationLevel: 'repeatable read',
      readOnly: true,
    });
  await database.knex.raw('begin');
  try {
    return await work(database);
  } finally {
    await database.knex.raw('rollback').catch(() => undefined);
  }
}

/** All rows of a raw query, the same on both databases. Binds `?`. */
export async function rows<T>(
  database: Database,
  sql: string,
  bindings: readonly unknown[] = [],
): Promise<T[]> {
  const result = await database.knex.raw(sql, bindings as Knex.RawBinding[]);
  return (database.dialect === 'postgres' ? result.rows : result) as T[];
}

/**
 * What comes after a column that shall have one of some values, which are one binding however many they are: a statement
 * with a place for each takes longer to make and to prepare than to run.
 */
export function oneOf(
  { dialect }: Database,
  values: readonly (string | number)[],
): { condition: string; binding: unknown } {
  return dialect === 'postgres'
    ? { condition: '= any(?)', binding: values }
    : { condition: 'in (select value from json_each(?))', binding: JSON.stringify(values) };
}

/** A connection, as what answers questions. */
export const readerOf = (database: Database): Reader => ({
  dialect: database.dialect,
  rows: (sql, bindings) => rows(database, sql, bindings),
});

/** True for the errors of a lock that was not to be had in time. */
export function isLockTimeout(thrown: unknown): boolean {
  const code = (thrown as { code?: string }).code;
  return (
    code === '55P03' ||
    code === '40P01' ||
    code === 'SQLITE_BUSY' ||
    /database is locked/.test(messageOf(thrown))
  );
}

const chunkSize = 500;

/** The items in pieces that one statement can bind, or of so many each. None where there are no items. */
export function chunks<T>(items: readonly T[], size = chunkSize): T[][] {
  const pieces: T[][] = [];
  for (let from = 0; from < items.length; from += size) pieces.push(items.slice(from, from + size));
  return pieces;
}
