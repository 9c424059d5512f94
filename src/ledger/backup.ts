import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, closeSync, createReadStream, fsyncSync, openSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import Sqlite from 'better-sqlite3';
import { closeDatabase, type Database, openDatabase } from '../database.ts';
import { codeOf, messageOf, OperationError, UsageError } from '../errors.ts';
import type { Head } from './chain.ts';
import type { HeadFile } from './head.ts';
import type { Fold } from './ledger.ts';
import { appliedMigrations, pendingMigrations } from './migrations.ts';
import { verifyChain } from './verify.ts';

/** Reports how many of how many pages are copied. */
export type Step = (done: number, total: number) => void;

const pagesAtOnce = 500;

/**
 * Copies an SQLite ledger while others write to it: the copy is the ledger of one moment, in one file. What is
 * there at `to` is replaced. Throws the driver's errors, and leaves an unfinished copy to its caller.
 */
export async function copySqlite(from: string, to: string, step: Step = () => undefined): Promise<void> {
  const live = new Sqlite(from, { readonly: true, fileMustExist: true });
  try {
    // A snapshot is held open: without one, every write of another process would begin the copy anew.
    live.exec('begin');
    live.prepare('select count(*) from sqlite_master').get();
    await live.backup(to, {
      progress({ totalPages, remainingPages }) {
        step(totalPages - remainingPages, totalPages);
        return pagesAtOnce;
      },
    });
  } finally {
    live.close();
  }
  chmodSync(to, 0o600);
  // One file that can be read where nothing can be written, not three.
  const copy = new Sqlite(to);
  try {
    copy.pragma('journal_mode = delete');
  } finally {
    copy.close();
  }
  syncFile(to);
}

/** Waits until a file's bytes are on the disk. */
export function syncFile(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What a copy was found to hold. */
export interface Copied {
  head: Head;
  /** How many entries it has: the head's number, without holes. */
  count: number;
  /** The newest migration that it has seen. */
  schema: string | null;
}

/**
 * Reads the whole copy: its pages, its chain, its incidents, and that it holds the head that was `seen` before
 * it was made. A copy of an older schema may be checked; nothing is changed. Throws an OperationError otherwise.
 */
export async function checkCopy(
  path: string,
  options: { fold: Fold; seen: HeadFile | null },
): Promise<Copied> {
  const database = await openDatabase(`sqlite:${path}`, { readOnly: true });
  try {
    const [first] = (await database.knex.raw('pragma quick_check(1)')) as { quick_check: string }[];
    if (first?.quick_check !== 'ok') throw new OperationError(`its pages are damaged: ${first?.quick_check}`);
    return await checkLedger(database, options);
  } finally {
    await closeDatabase(database);
  }
}

async function checkLedger(
  database: Database,
  { fold, seen }: { fold: Fold; seen: HeadFile | null },
): Promise<Copied> {
  const applied = await appliedMigrations(database);
  if (applied === null) throw new OperationError('it is no ledger');
  pendingMigrations(database, applied);
  const anchors = seen === null || seen.seq === 0 ? [] : [{ seq: seen.seq, hash: seen.hash }];
  const found = await verifyChain({ database, headFile: null, fold }, { anchors });
  const [problem] = found.problems;
  if (problem !== undefined) throw new OperationError(`its chain is not whole: ${problem.what}`);
  const gone = found.anchors.find(({ ok }) => !ok);
  if (gone !== undefined) throw new OperationError(`it does not hold the head of head.json: ${gone.why}`);
  return { head: found.head, count: found.count, schema: applied.at(-1) ?? null };
}

/** The SHA-256 and the size of a file, read in pieces. */
export async function sumOf(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** Where a ledger on PostgreSQL is. */
export interface LedgerPlace {
  url: string;
  schema: string;
}

/** Checks the ledger of a PostgreSQL server as it is now. Throws as `checkCopy`. */
export async function checkPostgres(
  { url, schema }: LedgerPlace,
  options: { fold: Fold; seen: HeadFile | null },
): Promise<Copied> {
  const database = await openDatabase(url, { schema, readOnly: true });
  try {
    return await checkLedger(database, options);
  } finally {
    await closeDatabase(database);
  }
}

/**
 * Dumps the ledger's schema with `pg_dump`, which sees one moment too, and reads the dump back: it must hold at
 * least the entries and the head that `atLeast` names. The password goes by the environment, never as an argument.
 */
export async function dumpPostgres({ url, schema }: LedgerPlace, to: string, atLeast: Copied): Promise<void> {
  const { address, environment } = withoutPassword(url);
  const plain = ['--format=custom', '--no-owner', '--no-privileges', `--schema=${schema}`];
  await collect(start('pg_dump', [...plain, `--file=${to}`, `--dbname=${address}`], environment), () => true);
  chmodSync(to, 0o600);
  const read = start('pg_restore', ['--data-only', '--table=entries', '--file=-', to], environment);
  let entries = 0;
  let hasHead = atLeast.head.seq === 0;
  await collect(read, (line) => {
    // The data of COPY: one line per entry, its columns apart by tabs, each line break in them escaped.
    if (!/^\d+\t/.test(line)) return;
    entries += 1;
    hasHead ||= line.startsWith(`${atLeast.head.seq}\t`) && line.endsWith(`\t${atLeast.head.hash}`);
  });
  if (entries < atLeast.count || !hasHead)
    throw new OperationError(
      `the dump holds ${entries} entries${hasHead ? '' : ' without the head'}, the ledger had ${atLeast.count}`,
    );
  syncFile(to);
}

function withoutPassword(url: string): { address: string; environment: Record<string, string> } {
  const address = new URL(url);
  const environment: Record<string, string> = {};
  if (address.password !== '') environment.PGPASSWORD = decodeURIComponent(address.password);
  address.password = '';
  return { address: address.href, environment };
}

function start(program: string, args: readonly string[], environment: Record<string, string>): ChildProcess {
  return spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Gives each line of a program's output to `take`; throws with what it said where it ends otherwise than well. */
async function collect(child: ChildProcess, take: (line: string) => void): Promise<void> {
  const program = child.spawnfile;
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-2_000);
  });
  createInterface({ input: child.stdout!, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take);
  let code: number | null;
  try {
    [code] = (await once(child, 'close')) as [number | null];
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
    throw new UsageError(
      `${program} is not installed, and a PostgreSQL ledger is backed up with it: install the client programs of the server's version (Debian: postgresql-client), or let the server's own backup take the schema of the ledger (LEDGER_SCHEMA)`,
    );
  }
  if (code !== 0) throw new OperationError(`${program} ended with ${code}: ${said.trim()}`);
}

/** Removes an unfinished copy with what SQLite may have laid beside it. Does not throw. */
export function removeCopy(path: string): void {
  for (const end of ['', '-journal', '-wal', '-shm'])
    try {
      rmSync(`${path}${end}`, { force: true });
    } catch (thrown) {
      // Where the directory is none, nothing was laid.
      if (codeOf(thrown) === 'ENOTDIR') return;
      // The failure before this one is what people must read.
      process.emitWarning(`cannot remove ${path}${end}: ${messageOf(thrown)}`);
    }
}
