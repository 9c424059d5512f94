import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { closeDatabase, type Database, openDatabase, rows } from '../src/database.ts';
import { createSource } from '../src/source/create.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { dropDatabase, freshDatabase, keptDatabase } from './databases.ts';
import { byTurns, type Finding, ratioFinding } from './measure.ts';

/** One game server: all rounds have their capture, but for each hundredth, which is lost. Seeded by its number. */
async function fill(database: Database, of: { rounds: number; server: number }): Promise<void> {
  await createSource(database);
  const first = 1_767_225_600 + of.server;
  const played = `from generate_series(1, ${of.rounds}) i, lateral (select ${first} + i * 600 as ended) e`;
  const local = (format: string, back = 0) =>
    `to_char(to_timestamp(ended - ${back}) at time zone 'UTC', '${format}')`;
  const matchId = local('YYYY-MM-DD-HH24MISS', 400);
  await database.knex.raw(`insert into rounds (match_id, round_number, round_date, round_time, map_name, round_status,
      round_start_unix, round_end_unix, actual_duration_seconds, end_reason)
    select ${matchId}, 1 + i % 2, ${local('YYYY-MM-DD')}, ${local('HH24MISS')}, 'supply', 'completed',
      ended - 400, ended, 400, 'NORMAL' ${played}`);
  await database.knex.raw(`insert into lua_round_teams (match_id, round_number, map_name, round_start_unix, round_end_unix,
      actual_duration_seconds, end_reason, lua_version, round_id)
    select ${matchId}, 1 + i % 2, 'supply', ended - 400, ended, 400, 'NORMAL', '1.6.0', i ${played} where i % 100 <> 0`);
  await database.knex.raw('analyze');
}

/** Of each server. */
const roundsOf = { full: 5_000, small: 1_000 };

interface Fleet {
  servers: string[];
  environment: Record<string, string>;
  ledger: Database;
}

const program = fileURLToPath(new URL('../jobs/main.js', import.meta.url));

function start(args: readonly string[], { environment }: Fleet): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ROUNDWARDEN_BENCH: '', ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // A bench that is ended takes its workers along: they would go on, and weigh on the next one.
  const end = () => void child.kill();
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

/** One process audits them all. */
async function singly(fleet: Fleet): Promise<void> {
  const [code] = await once(start(['audit', '--all'], fleet), 'close');
  if (code !== 0) throw new Error(`audit ended with ${code}`);
}

const schemaOf = (server: string) => `roundwarden_${server}`;

/** True once each server has an audit that finished. */
async function isDone({ ledger, servers }: Fleet): Promise<boolean> {
  const [made] = await rows<{ count: number }>(
    ledger,
    `select count(*) as count from pg_catalog.pg_tables where schemaname ~ '^roundwarden_s' and tablename = 'runs'`,
  );
  if (Number(made!.count) < servers.length) return false;
  const each = servers.map((server) => `select state from ${schemaOf(server)}.runs where command = 'audit'`);
  const [found] = await rows<{ count: number }>(
    ledger,
    `select count(*) as count from (${each.join(' union all ')}) runs where state = 'finished'`,
  );
  return Number(found!.count) >= servers.length;
}

/** How many jobs of the queue are at work, or could be. */
async function jobsLeft({ ledger }: Fleet): Promise<number> {
  const [left] = await rows<{ count: number }>(
    ledger,
    'select count(*) as count from graphile_worker.jobs where run_at <= now()',
  );
  return Number(left!.count);
}

/** Starts workers, and waits until they have done what is owed at first and stand idle. */
async function startWorkers(fleet: Fleet, workers: number): Promise<ChildProcess[]> {
  const children = Array.from({ length: workers }, () => start(['worker'], fleet));
  while (!(await isDone(fleet)) || (await jobsLeft(fleet)) > 0) await alive(children);
  return children;
}

async function alive(children: readonly ChildProcess[]): Promise<void> {
  if (children.some(({ exitCode }) => exitCode !== null)) throw new Error('a worker ended');
  await sleep(20);
}

/** Queues an audit of each server, and waits until all are done. */
async function together(fleet: Fleet, children: readonly ChildProcess[]): Promise<void> {
  for (const server of fleet.servers)
    await rows(fleet.ledger, `select graphile_worker.add_job(?, '{}', ?)`, [
      `audit:${server}`,
      `server:${server}`,
    ]);
  while (!(await isDone(fleet))) await alive(children);
}

async function end(children: readonly ChildProcess[]): Promise<void> {
  const closed = children.map((child) => once(child, 'close'));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(closed);
}

/** No ledger, and no files: the servers are as if nobody had looked at them. */
async function forget({ ledger, environment, servers }: Fleet): Promise<void> {
  for (const server of servers) await ledger.knex.raw('drop schema if exists ?? cascade', [schemaOf(server)]);
  rmSync(environment.DATA_DIR!, { recursive: true, force: true });
}

async function prepare(options: BenchOptions): Promise<Fleet> {
  const count = options.sizeOf({ full: 12, small: 4 });
  const { directory, seed, scale } = options;
  const roundsEach = roundsOf[scale];
  const servers = Array.from({ length: count }, (_, at) => `s${at + 1}`);
  const entries: Record<string, string>[] = [];
  for (const [at, name] of servers.entries()) {
    const server = seed * 100 + at;
    options.say(`${name}: ${roundsEach} rounds`);
    const url = await keptDatabase(
      'postgres',
      { directory, name: `fleet_${server}_${roundsEach}` },
      (database) => fill(database, { rounds: roundsEach, server }),
    );
    entries.push({ name, SOURCE_DATABASE_URL: url, GAMETIME_PATHS: 'none' });
  }
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'servers.json');
  writeFileSync(file, JSON.stringify({ servers: entries }));
  const ledgerUrl = await freshDatabase('postgres', { directory, name: 'fleet_ledger' });
  const environment = {
    SERVERS: file,
    DATA_DIR: join(directory, 'data'),
    LEDGER_DATABASE_URL: ledgerUrl,
    SERVER_TIMEZONE: 'UTC',
    CAPTURE_SINCE: '2026-01-01',
    // Only what is queued here shall run.
    AUDIT_CRON: '0 0 1 1 *',
    LOG_LEVEL: 'silent',
  };
  return { servers, environment, ledger: await openDatabase(ledgerUrl) };
}

async function measure(options: BenchOptions, fleet: Fleet, workers: number): Promise<Finding> {
  await forget(fleet);
  const children = await startWorkers(fleet, workers);
  const samples = await byTurns(Math.min(options.times, 3), {
    product: () => together(fleet, children),
    limit: () => singly(fleet),
    prepare: () => forget(fleet),
  });
  await end(children);
  const who = workers === 1 ? '1 worker' : `${workers} workers`;
  const rounds = roundsOf[options.scale];
  return ratioFinding(
    {
      measure: `first audits of several servers, ${who} (postgres)`,
      size: `${fleet.servers.length} servers, ${rounds.toLocaleString('en')} rounds each`,
      limit: 'one process audits them all',
    },
    { samples, atMost: workers === 1 ? 1.5 : 1 },
  );
}

/** Servers by workers that are at work already: until each server's whole history is audited for the first time. */
export const bench: Bench = {
  id: 'fleet',
  about: 'several servers by 1, 2 and 3 workers against one process',
  async run(options) {
    if (!options.dialects.includes('postgres')) return [];
    const isFull = options.scale === 'full';
    const fleet = await prepare(options);
    try {
      const findings: Finding[] = [];
      for (const workers of isFull ? [1, 2, 3] : [2]) {
        options.say(`${workers} workers`);
        findings.push(await measure(options, fleet, workers));
      }
      return findings;
    } finally {
      await closeDatabase(fleet.ledger);
      await dropDatabase('postgres', { directory: options.directory, name: 'fleet_ledger' });
    }
  },
};
