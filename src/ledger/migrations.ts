import { type Database, rows, transact } from '../database.ts';
import { OperationError } from '../errors.ts';
import { lockLedger } from './lock.ts';

/** Where the tables of a PostgreSQL ledger live where LEDGER_SCHEMA says nothing else: a ledger is opened with it as search path. */
export const ledgerSchema = 'roundwarden';

interface Migration {
  name: string;
  up(database: Database): Promise<void>;
}

/** What leads from an empty database to this version's, in order. Only ever added to. */
export const migrations: readonly Migration[] = [
  { name: '001-entries', up: createEntries },
  { name: '002-projections', up: createProjections },
  { name: '003-runs-and-leases', up: createRunsAndLeases },
  { name: '004-logs', up: createLogs },
  { name: '005-alerts', up: createAlerts },
  { name: '006-fences', up: addFences },
  { name: '007-history-indexes', up: indexHistory },
  { name: '008-artifact-index', up: createArtifactIndex },
  { name: '009-held-index', up: indexHeld },
];

/**
 * Brings the ledger to this version, in one transaction that only one process is in, and answers with the
 * names that it applied: none where another process was first. Where nothing is missing it asks for what was applied
 * already, and for nothing where it is told. Throws an OperationError where a newer version made the ledger.
 */
export async function migrate(database: Database, known?: Applied): Promise<string[]> {
  const applied = known === undefined ? await appliedMigrations(database) : known;
  if (pendingMigrations(database, applied).length === 0) return [];
  return transact(database, async (inside) => {
    await lockLedger(inside, 'migrate');
    await createMigrationsTable(inside);
    const pending = missing(inside, await appliedMigrations(inside));
    for (const { name, up } of pending) {
      await up(inside);
      await inside.knex('migrations').insert({ name, applied_at: inside.knex.raw('current_timestamp') });
    }
    return pending.map(({ name }) => name);
  });
}

/** What migrate() would apply, in order. Throws an OperationError where a newer version made the ledger. */
export function pendingMigrations(ledger: Pick<Database, 'label'>, applied: Applied): string[] {
  return missing(ledger, applied).map(({ name }) => name);
}

/** Throws an OperationError where the ledger is not exactly this version's: for those who may not change it. */
export function assertMigrated(ledger: Pick<Database, 'label'>, applied: Applied): void {
  if (missing(ledger, applied).length > 0)
    throw new OperationError(
      `cannot read the ledger ${ledger.label}: an older Roundwarden made it, and it was opened for reading only; run \`roundwarden migrate\` once`,
    );
}

/** The names of the migrations that a database has seen, in their order; null where it is no ledger. */
export type Applied = readonly string[] | null;

/** Asks the database which migrations it has seen. */
export async function appliedMigrations(database: Database): Promise<Applied> {
  try {
    const applied = await rows<{ name: string }>(database, 'select name from migrations order by name');
    return applied.map(({ name }) => name);
  } catch (thrown) {
    if (isMissingTable(thrown)) return null;
    throw thrown;
  }
}

function isMissingTable(thrown: unknown): boolean {
  const { code, message } = thrown as { code?: string; message?: string };
  return code === '42P01' || (code === 'SQLITE_ERROR' && /no such table/.test(message ?? ''));
}

function missing({ label }: Pick<Database, 'label'>, applied: Applied): readonly Migration[] {
  const unknown = applied?.filter((name) => !migrations.some((migration) => migration.name === name)) ?? [];
  if (unknown.length > 0)
    throw new OperationError(
      `cannot use the ledger ${label}: it was made by a newer Roundwarden (it has ${unknown.join(', ')}); nothing was changed`,
    );
  return migrations.filter(({ name }) => !applied?.includes(name));
}

async function createMigrationsTable(database: Database): Promise<void> {
  if (database.dialect === 'postgres')
    await database.knex.raw('create schema if not exists ??', [database.schema ?? ledgerSchema]);
  await database.knex.raw(
    'create table if not exists migrations (name text primary key, applied_at text not null)',
  );
}

async function createEntries(database: Database): Promise<void> {
  await run(
    database,
    `create table entries (
      seq bigint primary key, at text not null, kind text not null, source text not null, key text not null,
      body text not null, prev_hash text not null, hash text not null unique)`,
    'create index entries_of_key on entries (source, key, seq)',
    'create index entries_of_kind on entries (kind, seq)',
    ...(database.dialect === 'postgres' ? postgresGuards : sqliteGuards),
  );
}

const postgresGuards = [
  `create function refuse_change() returns trigger language plpgsql as
    $$ begin raise exception 'the ledger only grows'; end $$`,
  `create trigger entries_only_grow before update or delete on entries
    for each row execute function refuse_change()`,
  `create trigger entries_stay before truncate on entries
    for each statement execute function refuse_change()`,
];

/** The third refuses `insert or replace`, for which SQLite fires no delete trigger. */
const sqliteGuards = [
  `create trigger entries_stay_equal before update on entries
    begin select raise(abort, 'the ledger only grows'); end`,
  `create trigger entries_stay before delete on entries
    begin select raise(abort, 'the ledger only grows'); end`,
  `create trigger entries_are_new before insert on entries
    when exists (select 1 from entries where seq = new.seq or hash = new.hash)
    begin select raise(abort, 'the ledger only grows: that entry is there'); end`,
];

async function createProjections(database: Database): Promise<void> {
  await run(
    database,
    `create table incidents (
      source text not null, key text not null, id bigint not null unique, is_open integer not null,
      last_seq bigint not null, state text not null, primary key (source, key))`,
    'create index open_incidents on incidents (is_open, id)',
    'create table open_repairs (seq bigint primary key, source text not null)',
  );
}

async function createRunsAndLeases(database: Database): Promise<void> {
  await run(
    database,
    `create table runs (
      id text primary key, command text not null, host text not null, pid integer not null,
      started_at text not null, finished_at text,
      state text not null check (state in ('running', 'finished', 'failed')),
      exit_code integer, summary text, error text)`,
    'create index runs_by_start on runs (started_at)',
    `create table leases (
      name text primary key, holder text not null, token text not null, fence bigint not null,
      acquired_at text not null, expires_at text not null)`,
  );
}

/** What was read of the logs, and the lines that matter. A line has one place in its file's lineage. */
async function createLogs(database: Database): Promise<void> {
  await run(
    database,
    `create table log_files (
      lineage text primary key, source text not null, log text not null, path text not null, inode text not null,
      size bigint not null, position bigint not null, lines bigint not null, tail_length integer not null,
      tail_hash text not null,
      state text not null, read_at text not null)`,
    `create table log_events (
      lineage text not null, line bigint not null, source text not null, log text not null, kind text not null, file text not null,
      at text, end_unix bigint, map text, number integer, subject text, text text not null,
      primary key (lineage, line))`,
    'create index log_events_by_time on log_events (source, log, at)',
    'create index log_events_by_end on log_events (source, log, end_unix)',
  );
}

/** Which alerts people were sent, and what is on its way to them. */
async function createAlerts(database: Database): Promise<void> {
  await run(
    database,
    `create table alert_groups (
      source text not null, key text not null, is_open integer not null, state text not null,
      primary key (source, key))`,
    `create table outbox (
      id text primary key, message_key text not null, channel text not null, message text not null,
      state text not null check (state in ('queued', 'sent', 'dead')), attempts integer not null,
      created_at text not null, next_at text not null, sent_at text, error text)`,
    'create index outbox_by_state on outbox (state, next_at)',
  );
}

/** Under which acquisition of the lease a run worked, and in which process: null for runs of earlier versions. */
async function addFences(database: Database): Promise<void> {
  await run(database, 'alter table runs add column fence bigint', 'alter table runs add column process text');
}

/**
 * What each report or audit asks of the whole history, so that it costs the same after ten years: how many messages
 * wait (without reading them), the runs that still have a document, and the last word on each place. The latter two
 * hold few rows, and cost an append nothing.
 */
async function indexHistory(database: Database): Promise<void> {
  await run(
    database,
    'create index outbox_by_age on outbox (state, created_at, id)',
    'create index runs_with_summary on runs (started_at) where summary is not null',
    `create index entries_of_places on entries (source, key, seq, kind)
      where kind in ('place.unreadable', 'place.readable')`,
  );
}

/** What artifacts said when they were last read; see artifact-index.ts. By end, because that is how they are asked for. */
async function createArtifactIndex(database: Database): Promise<void> {
  await run(
    database,
    `create table artifact_index (
      source text not null, directory text not null, end_unix bigint not null, name text not null,
      stamp text not null, artifact text not null, primary key (source, directory, end_unix, name))`,
  );
}

/**
 * Which incidents somebody holds; every audit asks for them. In canonical JSON every quote within a text is escaped, so
 * nothing that somebody wrote looks like this. A condition on an index is known again where it is spelled the same.
 */
export const isHeld = `state not like '%"held":null%'`;

async function indexHeld(database: Database): Promise<void> {
  await run(database, `create index held_incidents on incidents (source, id) where ${isHeld}`);
}

/** SQLite knows an automatic row number by the exact words "integer primary key"; PostgreSQL's integer is too short. */
async function run(database: Database, ...statements: string[]): Promise<void> {
  for (const statement of statements)
    await database.knex.raw(
      database.dialect === 'sqlite' ? statement.replaceAll('bigint', 'integer') : statement,
    );
}
