import assert from 'node:assert/strict';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import { localText, utcText } from '../../src/core/time.ts';
import { acquireLease, releaseLease, workLease } from '../../src/ledger/lease.ts';
import { refusingPort, withHook } from '../alert/servers.ts';
import {
  bodyOf,
  dumpSource,
  type Environment,
  ofKind,
  readLedger,
  runAudit,
  runCommand,
  type Scene,
  using,
  withScene,
} from '../failure/scene.ts';
import { type LogLine, type Watched, withCommand } from './daemon-process.ts';

const everySecond: Environment = { AUDIT_CRON: '* * * * * *' };
const said = (text: string) => (line: LogLine) => line.msg.includes(text);

/** Waits until something is there; the deadline is for a machine that is very busy. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const before = Date.now(); Date.now() - before < 60_000; await sleep(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('what the test waits for did not happen');
}

/** Something that a process does besides. */
const preloaded = (script: string): Environment => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}`,
});

const runsOf = async (scene: Scene, command: string, state: string) =>
  (await readLedger(scene)).runs.filter((run) => run.command === command && run.state === state);

/** Resolves once so many audits have finished. */
const audits = (scene: Scene, count: number) =>
  until(async () => {
    const finished = await runsOf(scene, 'audit', 'finished');
    return finished.length >= count ? finished.reverse() : undefined;
  });

/**
 * At midnight and at REPORT_AT of the server more becomes owed. A test that counts what is done begins behind them where
 * they are near.
 */
async function behindTurns(scene: Scene): Promise<void> {
  const { zone, reportAt } = scene.config;
  const seconds = (clock: string) => {
    const [hours, minutes, rest = 0] = clock.split(':').map(Number) as [number, number, number?];
    return 3600 * hours + 60 * minutes + rest;
  };
  const now = seconds(localText(Math.floor(Date.now() / 1000), zone).slice(11));
  for (const turn of [seconds(reportAt), 86_400]) {
    const left = turn - now;
    if (left >= 0 && left < 45) await sleep((left + 1) * 1000);
  }
}

async function end(daemon: Watched, signal: NodeJS.Signals = 'SIGTERM') {
  daemon.send(signal);
  const ended = await daemon.ended;
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
  assert.equal(daemon.log.at(-1)?.msg, 'ended');
  return ended;
}

describe('the daemon', () => {
  test('audits the whole history once a day and the last days at each tick, and makes the report', () =>
    withScene({ source: 'sqlite', environment: everySecond }, async (scene) => {
      await behindTurns(scene);
      await withCommand(scene, { args: ['start', '--json'] }, async (daemon) => {
        const finished = await audits(scene, 3);
        const scopes = finished.map(({ summary }) => (summary as { scope: string }).scope);
        assert.deepEqual(scopes.slice(0, 3), ['all', 'lookback', 'lookback']);
        const report = await daemon.logs(said('no rounds were played'));
        for (const path of report.paths as string[]) assert.ok(existsSync(path), path);
        const { stdout, stderr } = await end(daemon);

        const plan = JSON.parse(stdout);
        assert.deepEqual(
          [plan.source, plan.auditCron, plan.reportAt, plan.zone, plan.channels, plan.heartbeat],
          ['scene', '* * * * * *', '07:10', 'Europe/Ljubljana', [], false],
        );
        const lines = stderr.trimEnd().split('\n');
        assert.equal(lines.length, daemon.log.length, 'every line is JSON');
        assert.equal(daemon.log[0]?.msg, 'started');
        assert.deepEqual(
          daemon.log.filter(({ level }) => level > 30),
          [],
        );
      });
      const { entries, runs } = await readLedger(scene);
      const made = ofKind(entries, 'report.made');
      assert.deepEqual(
        made.map((entry) => [bodyOf(entry).mailed, bodyOf(entry).byHand]),
        [[false, false]],
      );
      assert.equal(runs.filter(({ command }) => command === 'report').length, 1);
      assert.equal(verifyExitCode(await verifyLedger(scene.config, { anchors: [], rows: true })), 0);
    }));

  test('takes no lease and records no run where nothing is owed', () =>
    withScene({ source: 'sqlite', environment: everySecond }, async (scene) => {
      await behindTurns(scene);
      const now = utcText(Math.floor(Date.now() / 1000));
      // Next expected in a year.
      const rarely = {
        AUDIT_CRON: `0 ${now.slice(14, 16)} ${now.slice(11, 13)} ${now.slice(8, 10)} ${now.slice(5, 7)} *`,
      };
      await withCommand(scene, { args: ['start'], environment: rarely }, async (daemon) => {
        await daemon.logs(said('reported'));
        // It asks each second, at `debug`; another process sees what it does.
        const before = await readLedger(scene);
        await sleep(2_500);
        const after = await readLedger(scene);
        assert.deepEqual(
          after.runs.map(({ command, state }) => [command, state]),
          before.runs.map(({ command, state }) => [command, state]),
        );
        assert.equal(before.runs.filter(({ command }) => command === 'audit').length, 1);
        await end(daemon, 'SIGINT');
      });
    }));

  test('waits while another run holds the lease, says so at info, and works once it is free', () =>
    withScene({ source: 'sqlite', environment: everySecond }, async (scene) => {
      await runAudit(scene, { nowMs: Date.now() - 60_000 });
      const holder = { host: 'elsewhere', pid: 1, runId: 'r-elsewhere' };
      const asked = { name: workLease, holder, nowMs: Date.now(), ttlMs: 600_000 };
      const held = await using(scene.config.ledgerUrl, (ledger) => acquireLease(ledger, asked));
      assert.ok(held.ok);
      await withCommand(scene, { args: ['start'] }, async (daemon) => {
        const line = await daemon.logs(said('another run is at work'));
        assert.equal(line.level, 30);
        assert.match(String(line.why), /r-elsewhere .* is at work since/);
        assert.equal((await runsOf(scene, 'audit', 'finished')).length, 1);
        await using(scene.config.ledgerUrl, (ledger) =>
          releaseLease(ledger, { name: workLease, token: held.token }),
        );
        await audits(scene, 2);
        assert.deepEqual(
          daemon.log.filter(({ level }) => level > 30),
          [],
        );
        await end(daemon);
      });
    }));

  test('outlives a source that is away, tells the heartbeat, and audits when it is back', () =>
    withHook(
      (response) => response.end('OK'),
      (url, received) =>
        withScene(
          { source: 'sqlite', environment: { ...everySecond, HEARTBEAT_URL: url } },
          async (scene) => {
            const path = scene.sourceUrl.slice('sqlite:'.length);
            renameSync(path, `${path}.away`);
            const ends = (text: string) => received.some((one) => one.path.endsWith(text));
            await withCommand(scene, { args: ['start'] }, async (daemon) => {
              const line = await daemon.logs(({ job, level }) => job === 'audit' && level === 50);
              assert.match(String(line.why), /^cannot open database .*there is no such file$/);
              await until(async () => (ends('/start') && ends('/fail') ? true : undefined));
              assert.ok((await runsOf(scene, 'audit', 'failed')).length > 0);
              renameSync(`${path}.away`, path);
              const [first] = await audits(scene, 1);
              assert.equal(first!.exitCode, 0);
              await until(async () => (ends('/s3cret-token') ? true : undefined));
              const { stderr } = await end(daemon);
              assert.doesNotMatch(stderr, /s3cret-token/);
            });
          },
        ),
    ));

  test('outlives a ledger that cannot be asked, and tells the heartbeat', () =>
    withHook(
      (response) => response.end('OK'),
      async (url, received) => {
        const away = `postgres://nobody:hunter22@127.0.0.1:${await refusingPort()}/ledger`;
        const environment = { ...everySecond, HEARTBEAT_URL: url, LEDGER_DATABASE_URL: away };
        await withScene({ source: 'sqlite', environment }, async (scene) => {
          await withCommand(scene, { args: ['start'] }, async (daemon) => {
            await daemon.logs(({ job, level }) => job === 'asking the ledger' && level === 50);
            await until(async () => (received.length > 1 ? true : undefined));
            assert.match(received[0]!.path, /\/fail$/);
            assert.match(received[0]!.body, /^an audit of scene: failed, exit code 1\n.*ECONNREFUSED/);
            const { stderr } = await end(daemon);
            assert.doesNotMatch(stderr + received.map(({ body }) => body).join(), /hunter22/);
          });
        });
      },
    ));
});

/** Keeps everybody else from writing to the source while `work` runs. */
async function holdingSource<T>(
  scene: Scene,
  work: (release: () => Promise<unknown>) => Promise<T>,
): Promise<T> {
  return using(scene.sourceUrl, async ({ knex }) => {
    await knex.raw('begin immediate');
    let isHeld = true;
    const release = async () => {
      if (isHeld) await knex.raw('rollback');
      isHeld = false;
    };
    try {
      return await work(release);
    } finally {
      await release();
    }
  });
}

/** A batch of repairs is in hand, and cannot go on. */
const startedRepair = (scene: Scene) =>
  until(async () => ofKind((await readLedger(scene)).entries, 'repair.started').at(0));

/** Every repair that was begun is closed, the run ended there, and the next audit finds what is true. */
async function assertStoppedAfter(scene: Scene): Promise<void> {
  const { entries, runs } = await readLedger(scene);
  const started = ofKind(entries, 'repair.started');
  const closed = entries.filter((entry) => bodyOf(entry).started !== undefined);
  assert.deepEqual(
    closed.map((entry) => bodyOf(entry).started),
    started.map(({ seq }) => seq),
  );
  assert.ok(started.length > 0);
  const [run] = runs;
  assert.deepEqual([run?.state, run?.exitCode], ['failed', 1]);
  assert.match(run?.error ?? '', /^stopped by SIG(TERM|INT) before the end; what was done stands/);

  const result = await runAudit(scene, { nowMs: Date.now() });
  assert.deepEqual([result.after.covered, result.after.lost], [18, 22]);
}

describe('a signal in the middle of a repairing audit', () => {
  test('lets the daemon finish the batch of repairs in hand, begin nothing else, and end with 0', () =>
    withScene({ source: 'sqlite', environment: everySecond }, async (scene) => {
      await holdingSource(scene, async (release) => {
        await withCommand(scene, { args: ['start'] }, async (daemon) => {
          await startedRepair(scene);
          daemon.send('SIGTERM');
          await release();
          await end(daemon);
          assert.equal(daemon.log.find(({ job }) => job === 'audit')?.msg, 'stopped');
        });
      });
      await assertStoppedAfter(scene);
      const repaired = await dumpSource(scene.sourceUrl);
      await withScene({ source: 'sqlite' }, async (other) => {
        await runAudit(other);
        assert.deepEqual(repaired, await dumpSource(other.sourceUrl));
      });
    }));

  test('lets `audit` do the same, and end with 1', () =>
    withScene({ source: 'sqlite' }, async (scene) => {
      await holdingSource(scene, async (release) => {
        await withCommand(scene, { args: ['audit', '--all'] }, async (command) => {
          await startedRepair(scene);
          command.send('SIGINT');
          await release();
          const { code, signal, stderr } = await command.ended;
          assert.deepEqual([code, signal], [1, null], stderr);
          assert.match(stderr, /\nroundwarden: stopped by SIGINT before the end/);
        });
      });
      await assertStoppedAfter(scene);
    }));

  test('is not waited for where a second one comes', () =>
    withScene({ source: 'sqlite', environment: everySecond }, async (scene) => {
      // Something keeps the process from ending.
      const environment = preloaded('setInterval(() => 0, 1000)');
      await withCommand(scene, { args: ['start'], environment }, async (daemon) => {
        await daemon.logs(said('audited'));
        daemon.send('SIGTERM');
        await daemon.logs(said('ended'));
        daemon.send('SIGTERM');
        const { code, signal } = await daemon.ended;
        assert.deepEqual([code, signal], [null, 'SIGTERM']);
      });
    }));
});

describe('the daemon ends with 1, and says why, after', () => {
  const cron = import.meta.resolve('node-cron');
  const faults: readonly [string, code: string, why: RegExp][] = [
    ['a rejection that nobody handled', 'Promise.reject(new Error("planted"))', /planted/],
    [
      'its metronome has stood still for a while',
      `import("${cron}").then(({getTasks})=>{for(const task of getTasks().values())task.stop()})`,
      /the metronome stands still: no tick for 5 s/,
    ],
  ];
  for (const [what, code, why] of faults)
    test(what, () =>
      withScene({ source: 'sqlite', environment: everySecond }, async (scene) => {
        const environment = preloaded(`process.on("SIGUSR2", () => { ${code} })`);
        await withCommand(scene, { args: ['start'], environment }, async (daemon) => {
          await daemon.logs(said('audited'));
          daemon.send('SIGUSR2');
          const ended = await daemon.ended;
          assert.deepEqual([ended.code, ended.signal], [1, null], ended.stderr);
          const last = daemon.log.at(-1)!;
          assert.equal(last.level, 60);
          assert.match(JSON.stringify(last.err), why);
        });
      }),
    );
});

test('what is wrong with the settings ends `start` with 2 before it begins', () =>
  withScene({ source: 'sqlite' }, async (scene) => {
    const environment = { ...scene.environment, AUDIT_CRON: 'often', HEARTBEAT_URL: 'ftp://s3cret' };
    const { code, stdout, stderr } = await runCommand({ ...scene, environment }, ['start']);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /AUDIT_CRON is "often": expected a cron pattern of five fields/);
    assert.match(stderr, /HEARTBEAT_URL: expected https:\/\/HOST\/PATH/);
    assert.doesNotMatch(stderr, /s3cret/);
    assert.ok(!existsSync(join(scene.directory, 'data')));
  }));
