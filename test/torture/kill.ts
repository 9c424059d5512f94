import assert from 'node:assert/strict';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import type { FoldEntry } from '../../src/core/incident.ts';
import type { Head } from '../../src/ledger/chain.ts';
import { type DatabaseKind, hasRealPostgres } from '../databases.ts';
import { bodyOf, ofKind, readLedger, runAudit } from '../failure/scene.ts';
import { randomOf } from '../random.ts';
import {
  endOf,
  type Ground,
  type Installation,
  type Outcome,
  outcomeOf,
  repairGroups,
  withGround,
  withInstallation,
} from './installation.ts';
import {
  chooseKill,
  killText,
  lifeOf,
  pipelineStores,
  runAndKill,
  type Stage,
  stages,
  whatIsLeft,
} from './killing.ts';
import type { Effort, Figure, Suite } from './suite.ts';

/** The evening after the incident: some rounds are lost, some still missing, and people are told of those. */
const beganMs = Date.parse('2026-02-17T00:00:00.000Z');
/** Longer than a message that is being sent is left alone. */
const betweenRunsMs = 600_000;

/** What an undisturbed run comes to, and how long one lives. */
interface Undisturbed {
  outcome: Outcome;
  end: string;
  /** Follows the load of the machine: shorter after a kill that came too late, a little longer after the others. */
  lifeMs: number;
}

/** Everything that is counted about the kills on one kind of database. */
interface Tally {
  kills: number;
  scenes: number;
  late: number;
  longest: number;
  stages: Map<Stage, number>;
  closings: Map<string, number>;
  sentTwice: number;
}

const closingKinds = ['repair.done', 'repair.not_done', 'repair.superseded'];

const add = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1);

async function undisturbed(ground: Ground, kind: DatabaseKind): Promise<Undisturbed> {
  return withInstallation(ground, kind, async (installation) => {
    // The first process of a program takes longer than those after it.
    const lifeMs = 0.8 * (await lifeOf(installation, beganMs));
    // The second run changes nothing, and tells what it all came to.
    const end = endOf(await runAudit(installation, { nowMs: beganMs + betweenRunsMs }));
    return { outcome: await outcomeOf(installation), end, lifeMs };
  });
}

/** Often one kill, up to four in a row. */
function killsInARow(chance: () => number): number {
  const one = chance();
  return 1 + [0.45, 0.75, 0.9].filter((limit) => one > limit).length;
}

/** Every start is closed once; each closing by how it ended. */
function closingsOf(entries: readonly FoldEntry[]): FoldEntry[] {
  const closings = entries.filter(({ kind }) => closingKinds.includes(kind));
  const started = ofKind(entries, 'repair.started').map(({ seq }) => seq);
  assert.deepEqual(
    closings.map((entry) => bodyOf(entry).started).sort((a, b) => Number(a) - Number(b)),
    started,
    'every start is closed once',
  );
  return closings;
}

/** Each group of rounds came to its captures once: by our repair, or by the pipeline that was faster. */
function assertOnceEach(closings: readonly FoldEntry[]): void {
  const ended = closings.filter(({ kind }) => kind !== 'repair.not_done');
  const groups = ended.map((entry) => JSON.stringify(bodyOf(entry).incidents));
  assert.equal(groups.length, repairGroups, 'as many repairs as in an undisturbed run');
  assert.equal(new Set(groups).size, repairGroups, 'no repair twice');
}

/** Lets one run finish, and holds everything against the undisturbed one. */
async function assertRecovered(
  installation: Installation,
  of: { ground: Ground; baseline: Undisturbed; nowMs: number; heads: readonly Head[]; tally: Tally },
): Promise<void> {
  const { ground, baseline, nowMs, heads, tally } = of;
  const result = await runAudit(installation, { nowMs });
  const { entries, runs } = await readLedger(installation);
  const closings = closingsOf(entries);
  assertOnceEach(closings);
  for (const { kind } of closings) add(tally.closings, kind);
  assert.equal(endOf(result), baseline.end, 'the same counts');
  assert.deepEqual(
    await outcomeOf(installation),
    baseline.outcome,
    'the same rows, writes, incidents, messages',
  );
  assert.equal(runs.filter(({ state }) => state === 'running').length, 0, 'no run counts as running');
  const check = await verifyLedger(installation.config, { anchors: heads, rows: true });
  assert.equal(verifyExitCode(check), 0, JSON.stringify(check));

  const received = ground.receivedBy(installation.path);
  assert.ok(received.length > 0, 'the alert came in');
  assert.equal(new Set(received).size, 1, 'one message');
  tally.sentTwice += received.length - 1;

  const again = await runAudit(installation, { nowMs: nowMs + betweenRunsMs });
  assert.deepEqual(again.plan, [], 'the next run plans nothing');
  assert.equal((await readLedger(installation)).entries.length, entries.length, 'and writes nothing down');
}

/** One installation: killed, once or several times in a row, until one run is let through. */
async function killScene(
  of: { ground: Ground; kind: DatabaseKind; baseline: Undisturbed; tally: Tally },
  chance: () => number,
): Promise<void> {
  const { baseline, tally } = of;
  const story: string[] = [];
  try {
    await withInstallation(of.ground, of.kind, async (installation) => {
      const heads: Head[] = [];
      const kills = killsInARow(chance);
      let [nowMs, runs, inARow, repairs] = [beganMs, 0, 0, repairGroups];
      for (; inARow < kills; nowMs += betweenRunsMs) {
        const kill = chooseKill(chance, { lifeMs: baseline.lifeMs, repairs });
        const ended = await runAndKill(installation, kill, nowMs);
        story.push(`${killText(kill)} (${ended.signal ?? `ended with ${ended.code} before`})`);
        if (ended.signal === null) {
          assert.equal(ended.code, 0, ended.stderr);
          tally.late += 1;
          if ('afterMs' in kill) baseline.lifeMs *= 0.88;
          break;
        }
        if ('afterMs' in kill) baseline.lifeMs *= 1.01;
        const left = await whatIsLeft(installation, runs);
        ({ runs, repairs } = left);
        if (left.head !== null && left.head.seq > 0) heads.push(left.head);
        tally.kills += 1;
        inARow += 1;
        add(tally.stages, left.stage);
        story.push(left.stage);
        if (left.open.length > 0 && chance() < 0.3) {
          const at = new Date(nowMs + betweenRunsMs / 2).toISOString();
          const stored = await pipelineStores(installation, left.open, at);
          story.push(`the pipeline stored ${stored}`);
        }
      }
      tally.scenes += 1;
      tally.longest = Math.max(tally.longest, inARow);
      await assertRecovered(installation, { ...of, nowMs: nowMs + betweenRunsMs, heads });
    });
  } catch (cause) {
    throw new Error(`after these kills (${of.kind}): ${story.join(', ')}`, { cause });
  }
}

const figures = (kind: DatabaseKind, tally: Tally): Figure[] => {
  const of = (what: string, value: string) => ({ what: `${kind}: ${what}`, value });
  const list = <K extends string>(keys: readonly K[], counts: ReadonlyMap<K, number>) =>
    keys.map((key) => `${counts.get(key) ?? 0} ${key}`).join(', ');
  return [
    of(
      'kills',
      `${tally.kills} on ${tally.scenes} installations, up to ${tally.longest} in a row; ${tally.late} more came after the end`,
    ),
    of('a run was killed', list(stages, tally.stages)),
    of('starts, each closed once', list(closingKinds, tally.closings)),
    of(
      'lost or double writes, lost incidents, lost or double messages, ledgers that do not verify',
      `0 (${tally.sentTwice} messages were sent again, with the same key, because the kill fell between sending and noting it)`,
    ),
  ];
};

/** Two at once where there are many: a run waits for its disk as long as it computes. */
async function killOn(kind: DatabaseKind, count: number, effort: Effort): Promise<Figure[]> {
  const tally: Tally = {
    ...{ kills: 0, scenes: 0, late: 0, longest: 0, sentTwice: 0 },
    stages: new Map(),
    closings: new Map(),
  };
  const seed = effort.seed * 2 + (kind === 'postgres' ? 1 : 0);
  await withGround(async (ground) => {
    const baseline = await undisturbed(ground, kind);
    let next = 0;
    const worker = async () => {
      while (tally.kills < count) {
        const scene = next++;
        if (tally.late > 3 * count + 10) throw new Error('most kills come after the end of the run');
        await killScene({ ground, kind, baseline, tally }, randomOf(seed * 1_000_003 + scene)).catch(
          (cause) => {
            throw new Error(`installation ${scene} of seed ${effort.seed} did not recover`, { cause });
          },
        );
        effort.progress(`${tally.kills} of ${count} kills on ${kind}`);
      }
    };
    await Promise.all(Array.from({ length: count >= 20 ? 2 : 1 }, worker));
  });
  return figures(kind, tally);
}

/** SIGKILL at any moment of a repairing audit, and of the runs that recover from it. */
export const kill: Suite = {
  name: 'kill',
  about: 'a repairing audit is killed at any moment, and the next runs recover: nothing lost, nothing twice',
  counts: { 'kill-sqlite': { full: 1_000, fast: 6 }, 'kill-postgres': { full: 200, fast: 2 } },
  async run(effort) {
    const all: Figure[] = [];
    const { 'kill-sqlite': sqlite = 0, 'kill-postgres': postgres = 0 } = effort.counts;
    if (sqlite > 0) all.push(...(await killOn('sqlite', sqlite, effort)));
    if (postgres > 0 && hasRealPostgres) all.push(...(await killOn('postgres', postgres, effort)));
    else if (postgres > 0)
      all.push({ what: 'postgres', value: 'not run: needs a server, set TEST_DATABASE_URL' });
    return all;
  },
};
