import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineLogger, makeQueue } from '../../jobs/fleet-engine.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import type { Json, Row } from '../../src/core/model.ts';
import { closeDatabase, type Database, openDatabase, rows, transact } from '../../src/database.ts';
import { openPool } from '../../src/database-driver.ts';
import { openLog } from '../../src/log.ts';
import { readServers, type Server } from '../../src/servers.ts';
import { createSource, fillSource } from '../../src/source/create.ts';
import { hasRealPostgres, openTestDatabase, type TestDatabase } from '../databases.ts';
import {
  type Child,
  dumpSource,
  type Environment,
  fixture,
  incidentRows,
  ofKind,
  readLedger,
  repairsDone,
  runAudit,
  runCommand,
  type Scene,
  start,
  using,
} from '../failure/scene.ts';

const names = [
  'alpha',
  'bravo',
  'charlie',
  'delta',
  'echo',
  'foxtrot',
  'golf',
  'hotel',
  'india',
  'juliet',
  'kilo',
  'lima',
];
/** Those whose source is on PostgreSQL too; making a database takes its time. */
const onServer = ['alpha', 'bravo'];
const [killed, frozen] = onServer as [string, string];

const variants = 3;

/** One day of the incident, each variant with other rounds missing. */
function rowsOf(variant: number): { rounds: Row[]; captures: Row[]; spawns: Row[] } {
  const all = incidentRows();
  const rounds = all.rounds.filter(({ round_date: date }) => date === '2026-02-11');
  return { ...all, rounds: rounds.filter((_, index) => index % variants !== variant) };
}

async function fill(url: string, variant: number): Promise<void> {
  await using(url, async (database) => {
    await createSource(database);
    await fillSource(database, rowsOf(variant));
  });
}

const sceneOf = (directory: string, config: Config): Scene => ({
  directory,
  sourceUrl: config.sourceUrl,
  environment: {},
  config,
});

/** SQLite has no booleans. */
const alike = (line: string) =>
  line.replaceAll(/":(true|false)/g, (_, value) => `":${value === 'true' ? 1 : 0}`);

/** What an audit came to, without what depends on when and how often: source rows, incident states, repairs. */
async function outcome(scene: Scene) {
  const { entries } = await readLedger(scene);
  const config = scene.config;
  const ledger = await openDatabase(config.ledgerUrl, { schema: config.ledgerSchema });
  try {
    const incidents = await ledger.knex('incidents').select('key', 'is_open', 'state').orderBy('key');
    return {
      source: (await dumpSource(config.sourceUrl)).map(alike),
      incidents: incidents.map(({ key, is_open, state }) => {
        const { status, verdict, reason, candidate } = JSON.parse(state as string) as Record<string, Json>;
        const { sha256 = null } = (candidate ?? {}) as { sha256?: Json };
        return [key, is_open, status, verdict, reason, sha256];
      }),
      repairs: [...repairsDone(entries)].sort(),
    };
  } finally {
    await closeDatabase(ledger);
  }
}

/** The variants, each audited in this process as a single installation. */
async function singly(directory: string): Promise<Awaited<ReturnType<typeof outcome>>[]> {
  const outcomes = [];
  for (let variant = 0; variant < variants; variant++) {
    const name = `single-${variant}`;
    const url = `sqlite:${join(directory, `${name}.sqlite`)}`;
    await fill(url, variant);
    const file = join(directory, 'single.json');
    const entry = { name, SOURCE_DATABASE_URL: url, GAMETIME_PATHS: join(fixture, 'gametimes') };
    writeFileSync(file, JSON.stringify({ servers: [entry] }));
    const [server] = readServers({ SERVERS: file, DATA_DIR: join(directory, 'single') })!;
    const scene = sceneOf(directory, server!.config);
    await runAudit(scene, { nowMs: Date.now() });
    outcomes.push(await outcome(scene));
  }
  return outcomes;
}

/** How many servers have had their whole history audited. Where an audit failed, the one after it is a small one. */
async function audited(fleet: Database, servers: readonly Server[]): Promise<number> {
  let done = 0;
  for (const { config } of servers) {
    const sql = `select count(*) as count from ${config.ledgerSchema}.runs
      where command = 'audit' and state = 'finished' and summary like '%"scope":"all"%'`;
    const [found] = await rows<{ count: number }>(fleet, sql).catch(() => [{ count: 0 }]);
    if (Number(found!.count) > 0) done += 1;
  }
  return done;
}

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const givesUpAt = Date.now() + 240_000;
  while (!(await isSo())) {
    if (Date.now() > givesUpAt) throw new Error(`waited too long until ${what}`);
    await sleep(200);
  }
}

/** Waits until the crontab, which ticks on the minute, is at rest for so long: a worker that cannot tick gives up at once. */
async function untilNoTickFor(ms: number): Promise<void> {
  const tickMs = 60_000;
  await until('no tick is near', () => Date.now() % tickMs > 1_000 && Date.now() % tickMs < tickMs - ms);
}

/** Ends every other connection to a database. */
const cutOthers = (database: Database) =>
  rows(
    database,
    `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`,
  );

/** Kills whoever lives, and returns how each process ended and the end of its log. */
async function lastWords(children: readonly Child[]): Promise<string> {
  for (const child of children) child.kill();
  const ends = await Promise.all(children.map(({ ended }) => ended));
  return ends
    .map(({ code, signal, stderr }, at) => `${children[at]!.pid} ${code ?? signal}\n${stderr.slice(-4_000)}`)
    .join('\n');
}

const skip = !hasRealPostgres && 'needs several connections: set TEST_DATABASE_URL';

test('twelve servers and three workers: one killed in mid-repair, one added, one cut off, and each result is that of one process', {
  skip,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-fleet-'));
  const opened: TestDatabase[] = [];
  const children: Child[] = [];
  try {
    const database = async () => {
      const one = await openTestDatabase('postgres');
      opened.push(one);
      return one.url;
    };
    const shared = await database();
    mkdirSync(join(directory, 'sources'));
    const entries = [];
    for (const [at, name] of names.entries()) {
      const url = onServer.includes(name)
        ? await database()
        : `sqlite:${join(directory, 'sources', `${name}.sqlite`)}`;
      await fill(url, at % variants);
      entries.push({ name, SOURCE_DATABASE_URL: url, GAMETIME_PATHS: join(fixture, 'gametimes') });
    }
    const environment: Environment = {
      SERVERS: join(directory, 'servers.json'),
      DATA_DIR: join(directory, 'data'),
      LEDGER_DATABASE_URL: shared,
      AUDIT_CRON: '* * * * *',
    };
    writeFileSync(environment.SERVERS!, JSON.stringify({ servers: entries }));
    const servers = readServers(environment)!;
    const expected = await singly(directory);

    /** Starts a worker, and another one where it gave up, as a supervisor does. */
    const add = () => {
      const child = start('test/fleet/worker-child.ts', [directory, killed, frozen], {
        environment,
        cwd: directory,
      });
      child.ended.then(({ code }) => code === 1 && add()).catch(() => undefined);
      children.push(child);
    };
    for (let worker = 0; worker < 3; worker++) add();
    await until('one was killed', () => existsSync(join(directory, 'killed')));
    add();
    const frozenFile = join(directory, 'frozen');
    await until('one was cut off', () => existsSync(frozenFile) && readFileSync(frozenFile, 'utf8') !== '');
    const standing = Number(readFileSync(frozenFile, 'utf8'));

    const fleet = await openDatabase(shared);
    try {
      await until('most are audited', async () => (await audited(fleet, servers)) >= names.length / 2);
      // Every connection of every worker to the queue and to the ledgers ends at once.
      await cutOthers(fleet);
      await until('all are audited', async () => (await audited(fleet, servers)) === names.length);
    } finally {
      await closeDatabase(fleet);
    }
    process.kill(standing, 'SIGCONT');
    const late = children.find(({ pid }) => pid === standing)!;
    await sleep(1_500);

    for (const [at, { name, config }] of servers.entries()) {
      const scene = sceneOf(directory, config);
      assert.deepEqual(await outcome(scene), expected[at % variants], name);
      const { entries: written } = await readLedger(scene);
      const times = [...repairsDone(written).values()];
      assert.ok(times.length > 0 && times.every((count) => count === 1), `${name}: each round repaired once`);
    }
    const ofKilled = await readLedger(sceneOf(directory, servers[0]!.config));
    assert.equal(ofKilled.runs.filter(({ state }) => state === 'failed').length > 0, true);
    // The batch that was killed before its commit: each of its starts is closed so, and repaired afterwards.
    const notDone = ofKind(ofKilled.entries, 'repair.not_done').length;
    assert.ok(notDone > 0 && notDone <= ofKind(ofKilled.entries, 'repair.done').length, `${notDone}`);

    for (const child of children) child.terminate();
    const ends = await Promise.all(children.map(({ ended }) => ended));
    assert.equal(ends.filter(({ signal }) => signal === 'SIGKILL').length, 1);
    assert.match((await late.ended).stderr, /took over|lease/);
  } catch (thrown) {
    throw new Error(`${thrown}\nThe workers said:\n${await lastWords(children)}`, { cause: thrown });
  } finally {
    await lastWords(children);
    for (const one of opened) await one.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

test('worker: one installation alone is a fleet too; SIGTERM ends it with 0', { skip }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-worker-'));
  const shared = await openTestDatabase('postgres');
  try {
    const source = `sqlite:${join(directory, 'source.sqlite')}`;
    await fill(source, 0);
    const environment: Environment = {
      SOURCE_DATABASE_URL: source,
      SOURCE_NAME: 'only',
      GAMETIME_PATHS: join(fixture, 'gametimes'),
      DATA_DIR: join(directory, 'data'),
      LEDGER_DATABASE_URL: shared.url,
    };
    const child = start('jobs/main.ts', ['worker', '--json'], { environment, cwd: directory });
    await child.says('"servers"');
    const config = parseConfig(environment);
    await until('it is audited', async () => {
      const { runs } = await readLedger(sceneOf(directory, config)).catch(() => ({ runs: [] }));
      return runs.some(({ state, command }) => command === 'audit' && state === 'finished');
    });
    child.terminate();
    const { code, signal, stdout } = await child.ended;
    assert.deepEqual([code, signal], [0, null]);
    assert.deepEqual(JSON.parse(stdout).servers, ['only']);
    const left = await openDatabase(shared.url);
    const locked = await rows(left, 'select id from graphile_worker.jobs where locked_by is not null');
    const living = await rows(left, 'select id from roundwarden_fleet.workers');
    await closeDatabase(left);
    assert.deepEqual([locked, living], [[], []]);
  } finally {
    await shared.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

/** What a worker of one server said, of whose queue `work` had its way while it was there. */
async function besideWorker(
  work: (queue: Database, worker: Child) => Promise<unknown>,
  endsWith = 0,
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-worker-'));
  const shared = await openTestDatabase('postgres');
  const queue = await openDatabase(shared.url);
  const children: Child[] = [];
  try {
    const source = `sqlite:${join(directory, 'source.sqlite')}`;
    await fill(source, 0);
    const environment: Environment = {
      SERVERS: join(directory, 'servers.json'),
      DATA_DIR: join(directory, 'data'),
      LEDGER_DATABASE_URL: shared.url,
    };
    const entry = { name: 'only', SOURCE_DATABASE_URL: source, GAMETIME_PATHS: join(fixture, 'gametimes') };
    writeFileSync(environment.SERVERS!, JSON.stringify({ servers: [entry] }));
    const child = start('test/fleet/worker-child.ts', [directory, 'nobody', 'nobody'], {
      environment,
      cwd: directory,
    });
    children.push(child);
    const servers = readServers(environment)!;
    await until('it waits for work', async () => (await audited(queue, servers)) === 1 && isIdle(queue));
    await work(queue, child);
    child.terminate();
    const { code, signal, stderr } = await child.ended;
    assert.deepEqual([code, signal], [endsWith, null]);
    return stderr;
  } catch (thrown) {
    throw new Error(`${thrown}\nThe worker said:\n${await lastWords(children)}`, { cause: thrown });
  } finally {
    await lastWords(children);
    await closeDatabase(queue);
    await shared.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Whether nothing waits, and nobody is at work. */
async function isIdle(queue: Database): Promise<boolean> {
  const [found] = await rows<{ count: number }>(queue, 'select count(*) as count from graphile_worker.jobs');
  return Number(found!.count) === 0;
}

/** Asks for something that is done in no time, as a tick does. */
const ask = (queue: Database) =>
  rows(queue, `select graphile_worker.add_job('audit:only', queue_name => 'server:only')`);

test('workers that start at once where no worker ever ran make their queue one after the other', {
  skip,
}, async () => {
  const shared = await openTestDatabase('postgres');
  const pools = await Promise.all(Array.from({ length: 8 }, () => openPool(shared.url, 2)));
  try {
    // Connected beforehand, so that all come at the same time.
    for (const pool of pools) await pool.query('select 1');
    const logger = engineLogger(openLog('silent'));
    await Promise.all(pools.map((pgPool) => makeQueue({ pgPool, logger })));
    const made = await pools[0]!.query('select id from graphile_worker.migrations order by id');
    assert.ok(made.rows.length > 0);
  } finally {
    for (const pool of pools) await pool.end();
    await shared.close();
  }
});

test('worker: one that could not say that a job is done starts over, and the job is done again', {
  skip,
}, async () => {
  const said = await besideWorker(async (queue) => {
    for (const sql of [
      'create sequence public.told',
      `create function public.lose() returns trigger language plpgsql as $$
        begin
          if nextval('public.told') = 1 then raise 'lost' using errcode = 'admin_shutdown'; end if;
          return old;
        end $$`,
      'create trigger lose before delete on graphile_worker._private_jobs for each row execute function public.lose()',
    ])
      await rows(queue, sql);
    await ask(queue);
    await until('the job is done again', async () => {
      const [told] = await rows<{ last_value: number }>(queue, 'select last_value from public.told');
      return Number(told!.last_value) >= 2 && (await isIdle(queue));
    });
  });
  assert.match(said, /starts over/);
});

test("worker: a job that it was given while the connection was lost is anybody's again", {
  skip,
}, async () => {
  await besideWorker(async (queue) => {
    await untilNoTickFor(10_000);
    const [living] = await rows<{ id: string }>(queue, 'select id from roundwarden_fleet.workers');
    // The engine has given it away, and the answer never came.
    await transact(queue, async (inside) => {
      await ask(inside);
      for (const table of ['_private_jobs', '_private_job_queues'])
        await rows(inside, `update graphile_worker.${table} set locked_by = ?, locked_at = now()`, [
          living!.id,
        ]);
    });
    await cutOthers(queue);
    await until('the job is done', () => isIdle(queue));
  });
});

test('worker: a queue that is closed while nobody holds a job of it is opened', { skip }, async () => {
  await besideWorker(async (queue) => {
    await rows(
      queue,
      `update graphile_worker._private_job_queues set locked_by = 'a worker of before', locked_at = now()`,
    );
    await ask(queue);
    await until('the job is done', () => isIdle(queue));
  });
});

test('worker: one whose engine looks for no job any more ends, for its supervisor to start a new one', {
  skip,
}, async () => {
  const said = await besideWorker(async (queue, worker) => {
    await untilNoTickFor(40_000);
    // Where the engine waits for ever for an answer.
    await transact(queue, async (inside) => {
      await rows(inside, 'lock table graphile_worker._private_jobs in access exclusive mode');
      let hasEnded = false;
      worker.ended.finally(() => {
        hasEnded = true;
      });
      // A transaction that does nothing for half a minute is ended by the server.
      const isOver = () => rows(inside, 'select 1').then(() => hasEnded);
      await until('it ends', isOver);
    });
  }, 1);
  const { err, msg } = JSON.parse(said.trim().split('\n').at(-1)!);
  assert.equal(err.message, 'the engine has not looked for a job for 20 s');
  assert.match(msg, /this process ends, for its supervisor to start it again/);
});

test('worker: a ledger that only one host has is refused with 2', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-worker-'));
  try {
    const environment = { FLEET_DATABASE_URL: 'postgres://127.0.0.1:1/queue', LOG_LEVEL: 'silent' };
    const { code, stderr } = await runCommand({ directory, environment }, ['worker']);
    assert.equal(code, 2);
    assert.match(stderr, /LEDGER_DATABASE_URL is a file of one host/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
