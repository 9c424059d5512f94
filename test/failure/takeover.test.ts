import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import { LeaseHeldError, messageOf } from '../../src/errors.ts';
import { type DatabaseKind, databaseKinds, skipWithoutConnections } from '../databases.ts';
import { randomOf } from '../random.ts';
import {
  bodyOf,
  type Child,
  dumpSource,
  longAfterMs,
  ofKind,
  readLedger,
  repairsDone,
  runAudit,
  type Scene,
  start,
  withScene,
  withSettings,
} from './scene.ts';

const laterMs = longAfterMs + 180_000;
/** So short is the lease of a run that is about to be taken over. */
const termMs = 1_000;
const patienceMs = 120_000;

/** A second host, whose view of process numbers does not count for the first. */
const otherHost = { host: 'the-other-host', pid: process.pid };

function startRun(scene: Scene, task: string, argument: string, more: object = {}): Child {
  const asked = { nowMs: longAfterMs, termMs, ...more };
  const args = [task, argument, String(asked.nowMs), String(asked.termMs)];
  const { environment, directory } = scene;
  return start('test/failure/takeover-child.ts', args, { environment, cwd: directory });
}

/** An audit of another host, which takes over as soon as it can: as cron would, again and again. */
async function takeOver(scene: Scene): Promise<AuditResult> {
  for (const before = Date.now(); ; await sleep(50))
    try {
      return await runAudit(scene, { nowMs: laterMs, lease: { process: otherHost } });
    } catch (thrown) {
      if (!(thrown instanceof LeaseHeldError) || Date.now() - before > patienceMs) throw thrown;
      assert.match(
        messageOf(thrown),
        /^run \S+ \(process \d+ on \S+\) is at work since \S+Z; its lease ends at/,
      );
    }
}

/** Whether a process is stopped by a signal (proc_pid_stat(5): the state stands behind the name in brackets). */
const standsStill = (pid: number) => /\) T [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** Waits until a run stands still at its moment. What it was waiting for is there when it goes on. */
async function stopped(child: Child): Promise<{ goOn: () => Promise<string> }> {
  await child.says('ready\n');
  for (const before = Date.now(); !standsStill(child.pid); await sleep(20))
    assert.ok(Date.now() - before < patienceMs, 'it stops itself');
  child.tell('\n');
  return {
    goOn: async () => {
      process.kill(child.pid, 'SIGCONT');
      const { code, stderr } = await child.ended;
      assert.equal(code, 1, stderr);
      return stderr;
    },
  };
}

/** Runs `work` with a run that is gone when it ends, whatever becomes of the test. */
async function withRun<T>(child: Child, work: (child: Child) => Promise<T>): Promise<T> {
  try {
    return await work(child);
  } finally {
    child.kill();
    await child.ended;
  }
}

const tookOver =
  /^run \S+ \(process \d+ on the-other-host\) took over at \S+Z, with number 2 after this run's 1/;

async function assertIntact(scene: Scene): Promise<void> {
  const check = await verifyLedger(scene.config, { anchors: [], rows: true });
  assert.equal(verifyExitCode(check), 0, JSON.stringify(check));
}

/** How the start of the run that stood still was closed, by whom. */
async function closingsOf(scene: Scene, kind: string): Promise<string[]> {
  const { entries } = await readLedger(scene);
  const [started] = ofKind(entries, kind);
  return entries.filter((entry) => bodyOf(entry).started === started!.seq).map((entry) => entry.kind);
}

async function assertEachOnce(scene: Scene): Promise<void> {
  const done = repairsDone((await readLedger(scene)).entries);
  assert.equal(done.size, 10);
  assert.deepEqual([...new Set(done.values())], [1]);
  await assertIntact(scene);
}

const baselines = new Map<DatabaseKind, Promise<string[]>>();

/** What an audit that nobody disturbs makes of the source. */
function undisturbed(source: DatabaseKind): Promise<string[]> {
  const known = baselines.get(source);
  if (known !== undefined) return known;
  const made = withScene({ source }, async (scene) => {
    await runAudit(scene);
    return dumpSource(scene.sourceUrl);
  });
  baselines.set(source, made);
  return made;
}

for (const kind of databaseKinds)
  describe(`a run that stands still until another host has taken over (${kind})`, {
    skip: skipWithoutConnections(kind),
  }, () => {
    const scenes = { source: kind, ledger: kind };

    test('before repair.started appends nothing when it wakes', async () => {
      const expected = await undisturbed(kind);
      await withScene(scenes, (scene) =>
        withRun(startRun(scene, 'audit', 'planned'), async (child) => {
          const { goOn } = await stopped(child);
          assert.equal((await takeOver(scene)).after.covered, 18);
          const before = await readLedger(scene);
          assert.match(await goOn(), tookOver);
          const { entries, runs } = await readLedger(scene);
          assert.deepEqual(entries, before.entries);
          assert.deepEqual(
            runs.map(({ state, exitCode }) => [state, exitCode]),
            [
              ['finished', 0],
              ['failed', 1],
            ],
          );
          assert.match(runs[1]!.error!, tookOver);
          assert.match(before.runs[1]!.error!, /^run \S+ took over: the lease of this one ended/);
          assert.deepEqual(await dumpSource(scene.sourceUrl), expected);
          await assertEachOnce(scene);
        }),
      );
    });

    test('after repair.started, which the other closes, commits nothing to the source', async () => {
      await withScene(scenes, (scene) =>
        withRun(startRun(scene, 'audit', 'started'), async (child) => {
          const before = await dumpSource(scene.sourceUrl);
          const { goOn } = await stopped(child);
          // The other writes no repair: nothing in the source stands in the way of the one that wakes.
          await takeOver(withSettings(scene, { REPAIR: 'off' }));
          const { entries } = await readLedger(scene);
          assert.match(await goOn(), tookOver);
          assert.deepEqual(await dumpSource(scene.sourceUrl), before);
          assert.deepEqual((await readLedger(scene)).entries, entries);
          assert.deepEqual(await closingsOf(scene, 'repair.started'), ['repair.not_done']);
          await takeOver(scene);
          await assertEachOnce(scene);
        }),
      );
    });

    test('with its rows written and not committed, rolls them back; the start is closed as not done', async () => {
      const expected = await undisturbed(kind);
      await withScene(scenes, (scene) =>
        withRun(startRun(scene, 'audit', 'written'), async (child) => {
          const before = await dumpSource(scene.sourceUrl);
          const { goOn } = await stopped(child);
          await assert.rejects(takeOver(scene), /cannot find out how far the repair begun at .* came/);
          assert.match(await goOn(), tookOver);
          assert.deepEqual(await dumpSource(scene.sourceUrl), before);
          assert.deepEqual(await closingsOf(scene, 'repair.started'), []);
          assert.equal((await takeOver(scene)).after.covered, 18);
          assert.deepEqual(await closingsOf(scene, 'repair.started'), ['repair.not_done']);
          assert.deepEqual(await dumpSource(scene.sourceUrl), expected);
          await assertEachOnce(scene);
        }),
      );
    });

    test('in the middle of a revert, rolls it back; it is closed as not done', async () => {
      const expected = await undisturbed(kind);
      await withScene(scenes, async (scene) => {
        await runAudit(scene);
        const target = ofKind((await readLedger(scene)).entries, 'repair.started').at(-1)!;
        await withRun(startRun(scene, 'revert', String(target.seq)), async (child) => {
          const { goOn } = await stopped(child);
          await assert.rejects(takeOver(scene), /cannot find out how far the repair begun at .* came/);
          assert.match(await goOn(), /took over at \S+Z, with number 3 after this run's 2/);
          await takeOver(scene);
          assert.deepEqual(await closingsOf(scene, 'revert.started'), ['revert.not_done']);
          assert.deepEqual(await dumpSource(scene.sourceUrl), expected);
          await assertEachOnce(scene);
        });
      });
    });
  });

test('a run that is killed on another host is taken over when its lease ends', {
  skip: skipWithoutConnections('postgres'),
}, async () => {
  const expected = await undisturbed('postgres');
  await withScene({ source: 'postgres', ledger: 'postgres' }, (scene) =>
    withRun(startRun(scene, 'audit', 'started'), async (child) => {
      await child.says('ready\n');
      child.kill();
      assert.equal((await child.ended).signal, 'SIGKILL');
      await takeOver(scene);
      const { runs } = await readLedger(scene);
      assert.deepEqual(
        runs.map(({ state }) => state),
        ['finished', 'failed'],
      );
      assert.match(runs[1]!.error!, /took over: the lease of this one ended before it was prolonged/);
      assert.deepEqual(await closingsOf(scene, 'repair.started'), ['repair.not_done']);
      assert.deepEqual(await dumpSource(scene.sourceUrl), expected);
      await assertEachOnce(scene);
    }),
  );
});

/** How often the lease is taken in the fight below; more with FIGHT_TURNS. */
const turns = Number(process.env.FIGHT_TURNS ?? 25);

interface Fought {
  run: string;
  host: string;
  fence: number;
  step: number;
}

/** What the fighters wrote, in the order of the ledger. */
async function foughtOver(scene: Scene): Promise<Fought[]> {
  const { entries } = await readLedger(scene);
  return entries.map((entry) => bodyOf(entry) as unknown as Fought);
}

/** Stops and continues fighters in turn while any is left. */
async function disturb(fighters: readonly Child[], chance: () => number): Promise<void> {
  const alive = new Set(fighters);
  for (const fighter of fighters) void fighter.ended.then(() => alive.delete(fighter));
  const signal = (child: Child, name: NodeJS.Signals) => alive.has(child) && process.kill(child.pid, name);
  while (alive.size > 0) {
    const child = [...alive][Math.floor(chance() * alive.size)]!;
    signal(child, 'SIGSTOP');
    await sleep(chance() * 600);
    signal(child, 'SIGCONT');
    await sleep(chance() * 300);
  }
}

for (const kind of databaseKinds)
  test(`of processes that fight for the lease, some stopped and one killed, one writes at a time (${kind})`, {
    skip: skipWithoutConnections(kind),
  }, async (t) => {
    await withScene({ source: 'sqlite', ledger: kind }, async (scene) => {
      const asked = { nowMs: turns, termMs: 300 };
      const fighters = ['first', 'second', 'mortal'].map((name) => startRun(scene, 'fight', name, asked));
      try {
        await disturb(fighters, randomOf(1));
        const ends = await Promise.all(fighters.map(({ ended }) => ended));
        for (const { code, signal, stderr } of ends) assert.ok(code === 0 || signal === 'SIGKILL', stderr);
      } finally {
        for (const fighter of fighters) fighter.kill();
      }
      const all = await foughtOver(scene);
      const holders = new Map<number, Fought[]>();
      for (const [at, one] of all.entries()) {
        assert.ok(at === 0 || one.fence >= all[at - 1]!.fence, `entry ${at + 1} is of a run that was over`);
        holders.set(one.fence, [...(holders.get(one.fence) ?? []), one]);
      }
      for (const [fence, written] of holders) {
        assert.equal(new Set(written.map(({ run }) => run)).size, 1, `number ${fence} is one run's`);
        assert.deepEqual(
          written.map(({ step }) => step),
          [1, 2, 3].slice(0, written.length),
        );
      }
      const cut = [...holders.values()].filter((written) => written.length < 3).length;
      assert.ok(Math.max(...holders.keys()) >= turns);
      assert.ok(new Set(all.map(({ host }) => host)).size > 1, 'more than one had it');
      t.diagnostic(`${holders.size} holders, ${cut} of them cut short`);
      await assertIntact(scene);
    });
  });
