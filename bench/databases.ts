import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { closeDatabase, type Database, type Dialect, openDatabase } from '../src/database.ts';

const server = process.env.TEST_DATABASE_URL ?? '';

/** The databases that can be measured here. */
export const availableDialects: readonly Dialect[] = server === '' ? ['sqlite'] : ['sqlite', 'postgres'];

async function administer(...statements: string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    const answers: pg.QueryResult[] = [];
    for (const statement of statements) answers.push(await client.query(statement));
    return answers;
  } finally {
    await client.end();
  }
}

function urlOf(dialect: Dialect, directory: string, name: string): string {
  if (dialect === 'sqlite') return `sqlite:${join(directory, `${name}.sqlite`)}`;
  const url = new URL(server);
  url.pathname = `/rw_bench_${name}`;
  return url.href;
}

/** The URL of a new, empty database under this name (lower-case letters, digits, `_`); one that was there is dropped. */
export async function freshDatabase(
  dialect: Dialect,
  of: { directory: string; name: string },
): Promise<string> {
  const { directory, name } = of;
  mkdirSync(directory, { recursive: true });
  if (dialect === 'sqlite')
    for (const ending of ['', '-wal', '-shm'])
      rmSync(join(directory, `${name}.sqlite${ending}`), { force: true });
  else
    await administer(
      `drop database if exists rw_bench_${name} with (force)`,
      `create database rw_bench_${name} template template0`,
    );
  return urlOf(dialect, directory, name);
}

/** Drops a database of `freshDatabase`. */
export async function dropDatabase(dialect: Dialect, of: { directory: string; name: string }): Promise<void> {
  if (dialect === 'postgres')
    return void (await administer(`drop database if exists rw_bench_${of.name} with (force)`));
  for (const ending of ['', '-wal', '-shm'])
    rmSync(join(of.directory, `${of.name}.sqlite${ending}`), { force: true });
}

/**
 * The URL of a database that `fill` filled completely, now or in an earlier run. The name says everything that its
 * content depends on.
 */
export async function keptDatabase(
  dialect: Dialect,
  of: { directory: string; name: string },
  fill: (database: Database) => Promise<void>,
): Promise<string> {
  const mark = join(of.directory, `${of.name}.${dialect}.complete`);
  if (existsSync(mark) && (await isThere(dialect, of))) return urlOf(dialect, of.directory, of.name);
  const url = await freshDatabase(dialect, of);
  const database = await openDatabase(url, { create: true });
  try {
    await fill(database);
  } finally {
    await closeDatabase(database);
  }
  writeFileSync(mark, '');
  return url;
}

async function isThere(dialect: Dialect, of: { directory: string; name: string }): Promise<boolean> {
  if (dialect === 'sqlite') return existsSync(join(of.directory, `${of.name}.sqlite`));
  const [found] = await administer(
    `select 1 from pg_database where datname = 'rw_bench_${of.name}' and pg_encoding_to_char(encoding) = 'UTF8'`,
  );
  return found!.rows.length === 1;
}

/** The URL of a new database under this name that holds what another one holds. */
export async function copiedDatabase(
  dialect: Dialect,
  of: { directory: string; name: string; from: string },
): Promise<string> {
  const { directory, name, from } = of;
  if (dialect === 'sqlite') {
    await dropDatabase(dialect, of);
    copyFileSync(join(directory, `${from}.sqlite`), join(directory, `${name}.sqlite`));
  } else
    await administer(
      `drop database if exists rw_bench_${name} with (force)`,
      `create database rw_bench_${name} template rw_bench_${from}`,
    );
  return urlOf(dialect, directory, name);
}
