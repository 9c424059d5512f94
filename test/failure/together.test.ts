import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import type { FailureDocument } from '../../jobs/program.ts';
import { advisoryLockKey } from '../../src/core/canonical.ts';
import type { Database } from '../../src/database.ts';
import { type DatabaseKind, databaseKinds, skipWithoutConnections } from '../databases.ts';
import {
  dumpSource,
  type Ended,
  longAfterMs,
  neighbour,
  ofKind,
  readLedger,
  repairsDone,
  runAudit,
  runCommand,
  type Scene,
  start,
  using,
  withScene,
} from './scene.ts';

const kinds = databaseKinds.map((kind) => ({ kind, skip: skipWithoutConnections(kind) }));

async function undisturbed(source: DatabaseKind): Promise<string[]> {
  return withScene({ source }, async (scene) => {
    await runAudit(scene);
    return dumpSource(scene.sourceUrl);
  });
}

async function assertIntact(scene: Scene): Promise<void> {
  const check = await verifyLedger(scene.config, { anchors: [], rows: true });
  assert.equal(verifyExitCode(check), 0, JSON.stringify(check));
}

function assertOneAtATime(all: readonly Ended[]): void {
  for (const { code, stdout, stderr } of all) {
    assert.ok(code === 0 || code === 4, `exit ${code}: ${stderr}`);
    if (code === 0) assert.equal((JSON.parse(stdout) as AuditResult).after.covered, 18);
    else {
      const { message, exitCode } = (JSON.parse(stdout) as FailureDocument).error;
      assert.equal(exitCode, 4);
      assert.match(message, /^run \S+ \(process \d+ on \S+\) is at work since \S+; its lease ends at/);
      assert.equal(stderr, `roundwarden: ${message}\n`);
    }
  }
  assert.ok(all.some(({ code }) => code === 0));
}

describe('audits at once with one ledger', () => {
  const cases = kinds.flatMap(({ kind, skip }) => [2, 8].map((count) => ({ kind, skip, count })));
  for (const { kind, skip, count } of cases)
    test(`work one at a time (${count} of them, ${kind})`, { skip }, async () => {
      const expected = await undisturbed(kind);
      await withScene({ source: kind, ledger: kind }, async (scene) => {
        const all = await Promise.all(
          Array.from({ length: count }, () => runCommand(scene, ['audit', '--all', '--json'])),
        );
        assertOneAtATime(all);
        const { entries, runs } = await readLedger(scene);
        const done = repairsDone(entries);
        assert.equal(done.size, 10);
        assert.deepEqual([...new Set(done.values())], [1]);
        assert.equal(ofKind(entries, 'repair.refused').length, 0);
        assert.equal(runs.length, all.filter(({ code }) => code === 0).length);
        assert.deepEqual(await dumpSource(scene.sourceUrl), expected);
        await assertIntact(scene);
      });
    });
});

/** An audit in a process of its own that waits, with its plan made, before its first write. */
async function poisedAudit(scene: Scene) {
  const { environment, directory } = scene;
  const args = ['wait', 'started', '1', String(longAfterMs)];
  const child = start('test/failure/audit-child.ts', args, { environment, cwd: directory });
  await child.says('ready\n');
  return {
    goOn: async (): Promise<AuditResult> => {
      child.tell('\n');
      const { code, stdout, stderr } = await child.ended;
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout.slice(stdout.indexOf('{'))) as AuditResult;
    },
  };
}

/** What became of each backfill in each of several audits, by round. */
function outcomesOf(results: readonly AuditResult[]): Map<number, string[]> {
  const outcomes = new Map<number, string[]>();
  for (const { verdicts } of results)
    for (const { roundId, action, outcome } of verdicts)
      if (action === 'backfill') outcomes.set(roundId, [...(outcomes.get(roundId) ?? []), outcome!]);
  return outcomes;
}

describe('audits at once with separate ledgers', () => {
  for (const { kind, skip } of kinds)
    test(`write each repair once, and the other is refused (${kind})`, { skip }, async () => {
      const expected = await undisturbed(kind);
      await withScene({ source: kind }, async (scene) => {
        const other = neighbour(scene, 'other');
        const poised = await Promise.all([poisedAudit(scene), poisedAudit(other)]);
        const results = await Promise.all(poised.map(({ goOn }) => goOn()));

        const outcomes = outcomesOf(results);
        assert.equal(outcomes.size, 10);
        for (const pair of outcomes.values())
          assert.deepEqual(pair.sort(), ['done', 'refused (capture_exists)']);

        for (const result of results) assert.equal(result.after.covered, 18);
        assert.deepEqual(await dumpSource(scene.sourceUrl), expected);
        for (const one of [scene, other]) {
          await assertIntact(one);
          const { entries } = await readLedger(one);
          assert.equal(ofKind(entries, 'repair.started').length, 10);
          const { plan } = await runAudit(one, { nowMs: longAfterMs + 60_000 });
          assert.deepEqual(plan, []);
        }
      });
    });
});

/** supply R2 of 11 February: its artifact's start is the pipeline's lock key. */
const busyRound = { id: 9822, map: 'supply', number: 2, startUnix: 1_770_843_050 };

interface Hold {
  name: string;
  sql: string;
}

const postgresHolds: readonly Hold[] = [
  {
    name: "the pipeline's advisory lock",
    sql: `select pg_advisory_xact_lock(${advisoryLockKey(busyRound.map, busyRound.number, busyRound.startUnix)})`,
  },
  { name: 'the row of the round', sql: `select 1 from rounds where id = ${busyRound.id} for update` },
  {
    name: 'an update of the round',
    sql: `update rounds set winner_team = winner_team where id = ${busyRound.id}`,
  },
];

async function holding<T>(url: string, sql: readonly string[], work: () => Promise<T>): Promise<T> {
  return using(url, async ({ knex }: Database) => {
    for (const statement of sql) await knex.raw(statement);
    try {
      return await work();
    } finally {
      await knex.raw('rollback');
    }
  });
}

describe('a repair whose lock another session holds', () => {
  for (const { name, sql } of postgresHolds)
    test(`is refused as busy, alone, and made by the next run (${name})`, {
      skip: skipWithoutConnections('postgres'),
    }, async () => {
      await withScene({ source: 'postgres' }, async (scene) => {
        const first = await holding(scene.sourceUrl, ['begin', sql], () =>
          runCommand(scene, ['audit', '--all', '--json']),
        );
        assert.equal(first.code, 3, first.stderr);
        const result = JSON.parse(first.stdout) as AuditResult;
        const repairs = result.verdicts.filter(({ action }) => action === 'backfill');
        const busy = repairs.filter(({ outcome }) => outcome !== 'done');
        assert.deepEqual(
          busy.map(({ roundId, outcome }) => [roundId, outcome]),
          [[busyRound.id, 'refused (busy)']],
        );
        assert.equal(repairs.length, 10);
        assert.deepEqual([result.after.covered, result.after.recoverable], [17, 1]);

        const second = await runCommand(scene, ['audit', '--all', '--json']);
        assert.equal(second.code, 0, second.stderr);
        assert.equal((JSON.parse(second.stdout) as AuditResult).after.covered, 18);
        await assertIntact(scene);
      });
    });

  test('is refused as busy, and made by the next run (an SQLite source in use)', async () => {
    await withScene({ source: 'sqlite' }, async (scene) => {
      const args = ['audit', '--round', String(busyRound.id), '--json'];
      const first = await holding(scene.sourceUrl, ['begin immediate'], () => runCommand(scene, args));
      assert.equal(first.code, 3, first.stderr);
      const [line] = (JSON.parse(first.stdout) as AuditResult).verdicts;
      assert.equal(line?.outcome, 'refused (busy)');
      const second = await runCommand(scene, args);
      assert.equal(second.code, 0, second.stderr);
      await assertIntact(scene);
    });
  });
});

describe('an interrupted repair whose lock another session holds', () => {
  const cases: readonly { kind: DatabaseKind; statements: readonly string[] }[] = [
    { kind: 'sqlite', statements: ['begin immediate'] },
    { kind: 'postgres', statements: ['begin', postgresHolds[0]!.sql] },
    {
      kind: 'postgres',
      statements: [
        'begin',
        "select 1 from lua_round_teams where match_id = '2026-02-11-220202' and round_number = 2 for update",
      ],
    },
  ];
  for (const { kind, statements } of cases)
    test(`stops the run after a while, and is closed by the next (${statements.at(-1)}, ${kind})`, {
      skip: skipWithoutConnections(kind),
    }, async () => {
      await withScene({ source: kind }, async (scene) => {
        const { environment, directory } = scene;
        const plan = JSON.parse((await runCommand(scene, ['plan', '--all', '--json'])).stdout) as AuditResult;
        const nth = plan.plan.findIndex(({ repairs }) => repairs[0]!.roundId === busyRound.id) + 1;
        const args = ['kill', 'committed', String(nth), String(longAfterMs)];
        const killed = await start('test/failure/audit-child.ts', args, { environment, cwd: directory })
          .ended;
        assert.equal(killed.signal, 'SIGKILL');

        const began = Date.now();
        const first = await holding(scene.sourceUrl, statements, () => runCommand(scene, ['audit', '--all']));
        assert.ok(Date.now() - began < 60_000, 'it does not wait for ever');
        assert.equal(first.code, 1, first.stderr);
        assert.match(first.stderr, /^roundwarden: .*somebody else holds a lock/);
        const { runs, entries } = await readLedger(scene);
        assert.equal(runs[0]?.state, 'failed');
        // Of the batch that was killed, those before the locked one are closed; an SQLite source in use closes none.
        assert.equal(ofKind(entries, 'repair.done').length, kind === 'sqlite' ? 0 : nth - 1);

        const second = await runCommand(scene, ['audit', '--all', '--json']);
        assert.equal(second.code, 0, second.stderr);
        assert.equal((JSON.parse(second.stdout) as AuditResult).after.covered, 18);
        assert.deepEqual([...new Set(repairsDone((await readLedger(scene)).entries).values())], [1]);
        await assertIntact(scene);
      });
    });
});
