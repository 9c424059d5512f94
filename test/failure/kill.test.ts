import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import type { Moment } from '../../jobs/repairing.ts';
import { revert } from '../../jobs/revert.ts';
import type { FoldEntry } from '../../src/core/incident.ts';
import type { Json } from '../../src/core/model.ts';
import type { RowChange } from '../../src/core/row-change.ts';
import { type DatabaseKind, databaseKinds, skipWithoutConnections } from '../databases.ts';
import {
  bodyOf,
  dumpSource,
  incidentRows,
  longAfterMs,
  ofKind,
  readLedger,
  repairsDone,
  runAudit,
  type Scene,
  type SceneOptions,
  start,
  startCommand,
  using,
  withScene,
} from './scene.ts';

const laterMs = longAfterMs + 180_000;

/** Runs an audit that kills itself when it reaches a moment for the nth time. */
async function killedAudit(scene: Scene, moment: Moment, nth = 1, size?: number): Promise<void> {
  const { environment, directory } = scene;
  const args = ['kill', moment, String(nth), String(longAfterMs), ...(size === undefined ? [] : [`${size}`])];
  const ended = await start('test/failure/audit-child.ts', args, { environment, cwd: directory }).ended;
  assert.equal(ended.signal, 'SIGKILL', ended.stderr);
  const [run] = (await readLedger(scene)).runs;
  assert.equal(run?.state, 'running');
}

/** The entry that the killed run left open, and the one that closes it. */
function interrupted(entries: readonly FoldEntry[], nth = 1): { started: FoldEntry; closing: FoldEntry } {
  const started = ofKind(entries, 'repair.started')[nth - 1]!;
  const closings = entries.filter((entry) => bodyOf(entry).started === started.seq);
  assert.equal(closings.length, 1, 'a start is closed once');
  return { started, closing: closings[0]! };
}

async function assertLedgerIntact(scene: Scene): Promise<void> {
  const check = await verifyLedger(scene.config, { anchors: [], rows: true });
  assert.deepEqual(check.chain.problems, []);
  assert.equal(verifyExitCode(check), 0, JSON.stringify(check.rows));
}

async function assertSettled(scene: Scene): Promise<void> {
  const before = await readLedger(scene);
  const again = await runAudit(scene, { nowMs: laterMs + 180_000 });
  assert.deepEqual(again.plan, []);
  assert.equal((await readLedger(scene)).entries.length, before.entries.length);
}

const baselines = new Map<DatabaseKind, Promise<{ dump: string[]; result: AuditResult }>>();

/** What an audit that nobody disturbs comes to. */
function undisturbed(source: DatabaseKind) {
  const known = baselines.get(source);
  if (known !== undefined) return known;
  const made = withScene({ source }, async (scene) => {
    const result = await runAudit(scene);
    return { result, dump: await dumpSource(scene.sourceUrl) };
  });
  baselines.set(source, made);
  return made;
}

const combinations: readonly { source: DatabaseKind; ledger: DatabaseKind }[] = [
  { source: 'sqlite', ledger: 'sqlite' },
  { source: 'postgres', ledger: 'sqlite' },
  { source: 'postgres', ledger: 'postgres' },
];

const deaths: readonly { moment: Moment; nth: number; closing: string; size?: number }[] = [
  { moment: 'started', nth: 1, closing: 'repair.not_done' },
  { moment: 'written', nth: 1, closing: 'repair.not_done' },
  { moment: 'committed', nth: 1, closing: 'repair.done' },
  { moment: 'committed', nth: 10, closing: 'repair.done' },
  // The ledger is written while the source is: with the starts of each batch the ends of the one before.
  { moment: 'written', nth: 1, closing: 'repair.not_done', size: 4 },
  { moment: 'written', nth: 6, closing: 'repair.not_done', size: 4 },
  { moment: 'committed', nth: 6, closing: 'repair.done', size: 4 },
  { moment: 'committed', nth: 10, closing: 'repair.done', size: 4 },
];

for (const { source, ledger } of combinations)
  describe(`an audit that is killed (source ${source}, ledger ${ledger})`, {
    skip: ledger === 'postgres' && skipWithoutConnections('postgres'),
  }, () => {
    for (const { moment, nth, closing, size } of deaths)
      test(`at ${moment} of repair ${nth}${size === undefined ? '' : `, in batches of ${size}`}, leaves a start that the next run closes as ${closing}`, async () => {
        const baseline = await undisturbed(source);
        await withScene({ source, ledger }, async (scene) => {
          await killedAudit(scene, moment, nth, size);
          const result = await runAudit(scene, { nowMs: laterMs });

          const { entries, runs } = await readLedger(scene);
          const found = interrupted(entries, nth);
          assert.equal(found.closing.kind, closing);
          assert.equal(bodyOf(found.closing).certain, true);
          assert.deepEqual(
            runs.map(({ state, error }) => [state, error]),
            [
              ['finished', null],
              ['failed', 'the process ended without finishing'],
            ],
          );

          const done = repairsDone(entries);
          assert.equal(done.size, 10);
          assert.deepEqual([...new Set(done.values())], [1], 'each repair is written once');
          assert.deepEqual(await dumpSource(scene.sourceUrl), baseline.dump);
          assert.deepEqual(result.after, baseline.result.after);
          await assertLedgerIntact(scene);
          await assertSettled(scene);
        });
      });
  });

/** What the live pipeline does to the capture of an interrupted repair before anybody looks again. */
const interventions: readonly { name: string; sql: string; closing: string; again: boolean }[] = [
  {
    name: 'stores the same values itself',
    sql: 'update lua_round_teams set captured_at = ? where match_id = ? and round_number = ?',
    closing: 'repair.superseded',
    again: false,
  },
  {
    name: 'stores it without the time limit, as it does for fractions',
    sql: 'update lua_round_teams set captured_at = ?, time_limit_minutes = 0 where match_id = ? and round_number = ?',
    closing: 'repair.superseded',
    again: false,
  },
  {
    name: 'removes it',
    sql: 'delete from lua_round_teams where ? is not null and match_id = ? and round_number = ?',
    // There is no row under the key: the repair counts as not done, and is made again.
    closing: 'repair.not_done',
    again: true,
  },
];

const forSource = (suite: (source: DatabaseKind) => void) => {
  for (const source of databaseKinds) describe(`a killed audit (source ${source})`, () => suite(source));
};

forSource((source) => {
  for (const { name, sql, closing: expected, again } of interventions)
    test(`whose capture the live pipeline touches (${name}) is closed as ${expected} and never reverted`, async () => {
      await withScene({ source }, async (scene) => {
        await killedAudit(scene, 'committed');
        const killed = ofKind((await readLedger(scene)).entries, 'repair.started')[0]!;
        const changes = bodyOf(killed).changes as unknown as RowChange[];
        const { key } = changes.find(({ table }) => table === 'lua_round_teams')!;
        const liveAt = new Date(longAfterMs + 60_000).toISOString();
        await using(scene.sourceUrl, async ({ knex, dialect }) => {
          const moment = dialect === 'postgres' ? sql.replace('?', '?::timestamptz') : sql;
          const bindings = [liveAt, key.match_id, key.round_number] as string[];
          await knex.raw(moment, bindings);
        });

        const result = await runAudit(scene, { nowMs: laterMs });
        const { entries } = await readLedger(scene);
        const { started, closing } = interrupted(entries);
        assert.equal(closing.kind, expected);
        const [incident] = bodyOf(started).incidents as string[];
        const about = entries.filter(
          (entry) =>
            entry.key === incident && ['gap.closed', 'repair.done', 'repair.started'].includes(entry.kind),
        );
        assert.deepEqual(
          about.map(({ kind }) => kind),
          again ? ['repair.started', 'repair.started', 'repair.done'] : ['repair.started', 'gap.closed'],
        );
        assert.equal(result.after.covered, 18);
        for (const force of [false, true])
          await assert.rejects(
            revert({ config: scene.config, seq: started.seq, force, by: 'ann', reason: '', nowMs: laterMs }),
            new RegExp(`changed nothing: it ended as ${expected}`),
          );
        await assertLedgerIntact(scene);
        await assertSettled(scene);
      });
    });
});

/** Captures 6 and 7 on each other's round and capture 2 on a round that does not exist; no artifacts. */
function wrongLinks(source: DatabaseKind): SceneOptions {
  const rows = incidentRows();
  const links: Record<number, number> = { 2: 424_242, 6: 9867, 7: 9864 };
  for (const capture of rows.captures) capture.round_id = links[capture.id as number] ?? capture.round_id!;
  return { source, rows, environment: { GAMETIME_PATHS: 'none' } };
}

forSource((source) => {
  test('while relinking is closed as done without certainty, and reverted only by force', async () => {
    await withScene(wrongLinks(source), async (scene) => {
      const before = await dumpSource(scene.sourceUrl);
      await killedAudit(scene, 'committed', 2);
      const result = await runAudit(scene, { nowMs: laterMs });
      assert.equal(result.after.covered, 8);
      const { entries } = await readLedger(scene);
      const { started, closing } = interrupted(entries, 2);
      assert.equal(closing.kind, 'repair.done');
      assert.equal(bodyOf(closing).certain, false);
      // Both groups were written together.
      const others = ofKind(entries, 'repair.done').filter(({ seq }) => seq !== closing.seq);
      assert.deepEqual(
        others.map((entry) => bodyOf(entry).certain),
        [false],
      );
      const asked = { config: scene.config, by: 'ann', reason: 'looked at it', nowMs: laterMs };
      await assert.rejects(revert({ ...asked, seq: started.seq, force: false }), /--force/);
      await revert({ ...asked, seq: started.seq, force: true });
      await revert({ ...asked, seq: bodyOf(others[0]).started as number, force: true });
      assert.deepEqual(await dumpSource(scene.sourceUrl), before);

      const held = await runAudit(scene, { nowMs: laterMs + 60_000 });
      assert.deepEqual(held.plan, []);
      assert.equal(held.verdicts.filter(({ action }) => action === 'held').length, 3);
      assert.deepEqual(await dumpSource(scene.sourceUrl), before);
      await assertLedgerIntact(scene);
    });
  });

  test('while relinking, whose links somebody moves on, is superseded', async () => {
    await withScene(wrongLinks(source), async (scene) => {
      await killedAudit(scene, 'committed', 1);
      const killed = ofKind((await readLedger(scene)).entries, 'repair.started')[0]!;
      const changes = bodyOf(killed).changes as unknown as RowChange[];
      const { key } = changes.find(({ table }) => table === 'lua_round_teams')!;
      await using(scene.sourceUrl, async ({ knex }) => {
        await knex('lua_round_teams')
          .where(key as Record<string, string>)
          .update({ round_id: null });
      });
      const result = await runAudit(scene, { nowMs: laterMs });
      assert.equal(interrupted((await readLedger(scene)).entries).closing.kind, 'repair.superseded');
      assert.equal(result.after.covered, 8);
      await assertSettled(scene);
    });
  });
});

/** Waits until something is there; two seconds are all that a waiting repair has. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const before = Date.now(); Date.now() - before < 20_000; await sleep(20)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('what the test waits for did not happen');
}

/** Holds the source so that nobody else writes it, until `release` is called. */
async function holdSource(scene: Scene, roundId: number): Promise<{ release(): Promise<void> }> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let held = () => {};
  const holding = new Promise<void>((resolve) => {
    held = resolve;
  });
  const done = using(scene.sourceUrl, async ({ knex, dialect }) => {
    await knex.raw(dialect === 'postgres' ? 'begin' : 'begin immediate');
    if (dialect === 'postgres') await knex('rounds').where({ id: roundId }).forUpdate();
    held();
    await released;
    await knex.raw('rollback');
  });
  await holding;
  return {
    release: async () => {
      release();
      await done;
    },
  };
}

describe('a revert that is killed', () => {
  for (const source of databaseKinds)
    test(`before it writes is closed as not done (source ${source})`, {
      skip: skipWithoutConnections(source),
    }, async () => {
      await withScene({ source }, async (scene) => {
        await runAudit(scene);
        const repaired = await dumpSource(scene.sourceUrl);
        const target = ofKind((await readLedger(scene)).entries, 'repair.started').at(-1)!;
        const roundId = ((bodyOf(target).repairs as Json[])[0] as { roundId: number }).roundId;
        const hold = await holdSource(scene, roundId);
        const child = startCommand(scene, ['revert', String(target.seq), '--reason', 'a test']);
        const started = await until(async () =>
          ofKind((await readLedger(scene)).entries, 'revert.started').at(0),
        );
        child.kill();
        assert.equal((await child.ended).signal, 'SIGKILL');
        await hold.release();

        const result = await runAudit(scene, { nowMs: laterMs });
        const { entries, runs } = await readLedger(scene);
        const closings = entries.filter((entry) => bodyOf(entry).started === started.seq);
        assert.deepEqual(
          closings.map(({ kind }) => kind),
          ['revert.not_done'],
        );
        assert.equal(runs.find(({ command }) => command === 'revert')?.state, 'failed');
        assert.equal(result.after.covered, 18);
        assert.deepEqual(await dumpSource(scene.sourceUrl), repaired);
        await assertLedgerIntact(scene);
        await assertSettled(scene);
      });
    });

  for (const source of databaseKinds)
    test(`after it wrote is closed as done, and its incident is held (source ${source})`, {
      skip: skipWithoutConnections(source),
    }, async () => {
      await withScene({ source }, async (scene) => {
        await runAudit(scene);
        const repaired = await dumpSource(scene.sourceUrl);
        const target = ofKind((await readLedger(scene)).entries, 'repair.started').at(-1)!;
        const roundId = ((bodyOf(target).repairs as Json[])[0] as { roundId: number }).roundId;
        const hold = await holdSource(scene, roundId);
        const child = startCommand(scene, ['revert', String(target.seq), '--by', 'ann', '--reason', 'wrong']);
        const started = await until(async () =>
          ofKind((await readLedger(scene)).entries, 'revert.started').at(0),
        );
        // Nobody can append to the ledger while the source is written.
        await using(scene.config.ledgerUrl, async ({ knex }) => {
          await knex.raw('begin immediate');
          await hold.release();
          await until(async () => {
            const now = await dumpSource(scene.sourceUrl);
            return now.length < repaired.length ? now : undefined;
          });
          child.kill();
          assert.equal((await child.ended).signal, 'SIGKILL');
          await knex.raw('rollback');
        });

        const result = await runAudit(scene, { nowMs: laterMs });
        const { entries } = await readLedger(scene);
        const closings = entries.filter((entry) => bodyOf(entry).started === started.seq);
        assert.deepEqual(
          closings.map((entry) => [entry.kind, bodyOf(entry).reverts, bodyOf(entry).by]),
          [['revert.done', target.seq, 'ann']],
        );
        assert.equal(result.after.covered, 17);
        const round = result.verdicts.find((line) => line.roundId === roundId);
        assert.deepEqual([round?.verdict, round?.action], ['recoverable', 'held']);
        await assertLedgerIntact(scene);
        await assertSettled(scene);
      });
    });
});
