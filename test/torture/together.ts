import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import type { FailureDocument } from '../../jobs/program.ts';
import type { FoldEntry } from '../../src/core/incident.ts';
import { type DatabaseKind, hasRealPostgres } from '../databases.ts';
import {
  bodyOf,
  type Ended,
  neighbour,
  ofKind,
  readLedger,
  repairsDone,
  runAudit,
  type Scene,
} from '../failure/scene.ts';
import { randomOf } from '../random.ts';
import { bundled, startBundled } from './bundle.ts';
import {
  type Ground,
  type Installation,
  type Outcome,
  outcomeOf,
  repairedRounds,
  repairGroups,
  withGround,
  withInstallation,
} from './installation.ts';
import type { Effort, Figure, Suite } from './suite.ts';

/** What became of the audits that were started at once on one ledger. */
interface Tally {
  times: number;
  repaired: number;
  cameAfter: number;
  turnedAway: number;
}

/** What became of two audits with a ledger each. */
interface Neighbours {
  times: number;
  done: number;
  refused: number;
}

interface Place {
  ground: Ground;
  kind: DatabaseKind;
  /** What one audit comes to that nobody disturbs. */
  baseline: Outcome;
}

/** Sometimes all at the same moment, sometimes within the time that a run takes, sometimes further apart. */
function apart(chance: () => number): () => number {
  const mostMs = [0, 1_000, 8_000][Math.floor(chance() * 3)]!;
  return () => Math.floor(chance() * mostMs);
}

async function commandLine(scene: Scene, afterMs: number): Promise<Ended> {
  const file = await bundled('jobs/main.ts');
  await sleep(afterMs);
  return startBundled(file, ['audit', '--all', '--json'], scene).ended;
}

const holder = /^roundwarden: run (\S+) \(process \d+ on \S+\) is at work since \S+; its lease ends at \S+/;

/** The entries of one run lie together: nobody wrote between them. */
function assertOneAtATime(entries: readonly FoldEntry[]): void {
  const runs = entries.map((entry) => String(bodyOf(entry).run));
  const blocks = runs.filter((run, at) => run !== runs[at - 1]);
  assert.equal(new Set(blocks).size, blocks.length, `runs wrote in turns: ${blocks.join(', ')}`);
}

async function assertIntact(scene: Scene): Promise<void> {
  const check = await verifyLedger(scene.config, { anchors: [], rows: true });
  assert.equal(verifyExitCode(check), 0, JSON.stringify(check));
}

async function assertSettled(scene: Scene): Promise<void> {
  const before = (await readLedger(scene)).entries.length;
  assert.deepEqual((await runAudit(scene, { nowMs: Date.now() })).plan, [], 'the next run plans nothing');
  assert.equal((await readLedger(scene)).entries.length, before, 'and writes nothing down');
}

/** So many audits at once on one installation: one at a time, each repair once, whoever came meanwhile says who works. */
async function together(of: Place & { size: number; tally: Tally }, chance: () => number): Promise<void> {
  const { ground, kind, baseline, size, tally } = of;
  await withInstallation(ground, kind, async (installation) => {
    const delay = apart(chance);
    const all = await Promise.all(Array.from({ length: size }, () => commandLine(installation, delay())));
    const { entries, runs } = await readLedger(installation);
    assertOneAtATime(entries);

    const known = new Set(runs.map(({ id }) => id));
    for (const { code, stdout, stderr } of all)
      if (code === 0)
        tally[(JSON.parse(stdout) as AuditResult).plan.length > 0 ? 'repaired' : 'cameAfter'] += 1;
      else {
        assert.equal(code, 4, stderr);
        assert.equal((JSON.parse(stdout) as FailureDocument).error.exitCode, 4);
        const [, named = 'nobody'] = holder.exec(stderr) ?? [];
        assert.ok(known.has(named), `it names a run that worked: ${stderr}`);
        tally.turnedAway += 1;
      }
    assert.equal(all.filter(({ code }) => code === 0).length, runs.length, 'who ends with 0 was a run');

    assert.equal(ofKind(entries, 'repair.started').length, repairGroups, 'each repair is begun once');
    const done = repairsDone(entries);
    assert.deepEqual([done.size, new Set(done.values())], [repairedRounds, new Set([1])], 'and done once');
    assert.deepEqual(await outcomeOf(installation), baseline, 'the same as by one audit');
    await assertIntact(installation);
    await assertSettled(installation);
    tally.times += 1;
  });
}

/** An audit that waits with its plan made, before its first write. */
async function poised(scene: Scene): Promise<{ goOn(): Promise<Ended> }> {
  const file = await bundled('test/failure/audit-child.ts');
  const child = startBundled(file, ['wait', 'planned', '1', String(Date.now())], scene);
  await child.says('ready\n');
  return {
    goOn: () => {
      child.tell('\n');
      return child.ended;
    },
  };
}

/** Both with the same plan before either writes, or simply started at once. */
async function bothOf(pair: readonly Scene[], chance: () => number): Promise<Ended[]> {
  if (chance() < 0.5) {
    const delay = apart(chance);
    return Promise.all(pair.map((scene) => commandLine(scene, delay())));
  }
  const waiting = await Promise.all(pair.map(poised));
  return Promise.all(waiting.map(({ goOn }) => goOn()));
}

/** Two installations on one source, whose ledgers know nothing of each other: the source alone keeps them apart. */
async function neighbours(of: Place & { tally: Neighbours }, chance: () => number): Promise<void> {
  const { ground, kind, baseline, tally } = of;
  await withInstallation(ground, kind, async (installation: Installation) => {
    const pair: Scene[] = [installation, neighbour(installation, 'other')];
    for (const { code, stderr } of await bothOf(pair, chance))
      assert.ok(code === 0 || code === 3, `exit ${code}: ${stderr}`);
    // What one found busy, it makes or finds made now.
    for (const scene of pair) await runAudit(scene, { nowMs: Date.now() });

    const groups: string[] = [];
    for (const scene of pair) {
      const { entries } = await readLedger(scene);
      const done = ofKind(entries, 'repair.done');
      groups.push(...done.map((entry) => JSON.stringify(bodyOf(entry).incidents)));
      tally.done += done.length;
      tally.refused += ofKind(entries, 'repair.refused').length;
      await assertIntact(scene);
      await assertSettled(scene);
    }
    assert.equal(groups.length, repairGroups, 'as many repairs as one audit makes');
    assert.equal(new Set(groups).size, repairGroups, 'each by one of them');
    const { rows, writes } = await outcomeOf(installation);
    assert.deepEqual({ rows, writes }, { rows: baseline.rows, writes: baseline.writes });
    tally.times += 1;
  });
}

const textOf = (size: number, { times, repaired, cameAfter, turnedAway }: Tally) =>
  `${times} times ${size} audits: ${repaired} repaired, ${turnedAway} exited 4 and named the holder, ${cameAfter} came after and had nothing to do`;

async function onKind(
  kind: DatabaseKind,
  counts: { two: number; eight: number; neighbours: number },
  effort: Effort,
): Promise<Figure[]> {
  const seed = effort.seed * 2 + (kind === 'postgres' ? 1 : 0);
  const repeat = async (name: string, count: number, once: (chance: () => number) => Promise<void>) => {
    for (let time = 0; time < count; time++) {
      effort.progress(`${name} on ${kind}: ${time} of ${count}`);
      await once(randomOf(seed * 1_000_003 + time)).catch((cause) => {
        throw new Error(`${name} on ${kind}, time ${time} of seed ${effort.seed}`, { cause });
      });
    }
  };
  return withGround(async (ground) => {
    const baseline = await withInstallation(ground, kind, async (installation) => {
      await runAudit(installation, { nowMs: Date.now() });
      return outcomeOf(installation);
    });
    const place = { ground, kind, baseline };
    const figures: Figure[] = [];
    for (const [size, count] of [
      [2, counts.two],
      [8, counts.eight],
    ] as const) {
      const tally: Tally = { times: 0, repaired: 0, cameAfter: 0, turnedAway: 0 };
      await repeat(`${size} at once`, count, (chance) => together({ ...place, size, tally }, chance));
      if (count > 0) figures.push({ what: `${kind}: one ledger`, value: textOf(size, tally) });
    }
    const tally: Neighbours = { times: 0, done: 0, refused: 0 };
    await repeat('two ledgers', counts.neighbours, (chance) => neighbours({ ...place, tally }, chance));
    if (counts.neighbours > 0)
      figures.push({
        what: `${kind}: two ledgers on one source`,
        value: `${tally.times} times 2 audits: ${tally.done} repairs done, ${tally.refused} refused in the source because the other was faster`,
      });
    return figures;
  });
}

/** Half of them on each kind of database, where there is a server. */
function shares(count: number): { sqlite: number; postgres: number } {
  const postgres = hasRealPostgres ? Math.floor(count / 2) : 0;
  return { sqlite: count - postgres, postgres };
}

/** Several audits at once, on one ledger and on several. */
export const atOnce: Suite = {
  name: 'together',
  about: 'audits that are started at once: one works at a time, and each repair is written once',
  counts: {
    'together-2': { full: 200, fast: 1 },
    'together-8': { full: 200, fast: 1 },
    'together-neighbours': { full: 100, fast: 1 },
  },
  async run(effort) {
    const [two, eight, beside] = Object.keys(atOnce.counts).map((name) => shares(effort.counts[name] ?? 0));
    const of = (kind: DatabaseKind) => ({ two: two![kind], eight: eight![kind], neighbours: beside![kind] });
    const figures = await onKind('sqlite', of('sqlite'), effort);
    if (hasRealPostgres) return [...figures, ...(await onKind('postgres', of('postgres'), effort))];
    return [...figures, { what: 'postgres', value: 'not run: needs a server, set TEST_DATABASE_URL' }];
  },
};
