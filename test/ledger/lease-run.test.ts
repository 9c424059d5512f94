import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { type LeaseOptions, longestJobMs, type Run, runJob } from '../../jobs/run.ts';
import { append } from '../../src/ledger/append.ts';
import { head } from '../../src/ledger/entries.ts';
import { acquireLease, readLease, workLease } from '../../src/ledger/lease.ts';
import { type DatabaseKind, forEachDatabase } from '../databases.ts';
import { withScene } from '../failure/scene.ts';
import { at, draft } from './ledgers.ts';

/** A run with a short lease, with what it said to its log. */
async function running(
  kind: DatabaseKind,
  lease: number | LeaseOptions,
  work: (run: Run, said: readonly string[]) => Promise<void>,
): Promise<string[]> {
  const said: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) });
  await withScene({ source: 'sqlite', ledger: kind }, async ({ config }) => {
    const given = typeof lease === 'number' ? { termMs: lease } : lease;
    const end = await runJob(config, { command: 'test', lease: given, log }, async (run) => {
      await work(run, said);
      return { exitCode: 0, summary: null, result: 'done' };
    });
    assert.equal(end.result, 'done');
  });
  return said;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const before = Date.now(); !(await holds()); await sleep(10))
    if (Date.now() - before > 60_000) throw new Error('what the test waits for did not happen');
}

const has = (said: readonly string[], text: string) => said.some((line) => line.includes(text));

forEachDatabase('a run', (kind) => {
  test('prolongs its lease while it works', async () => {
    await running(kind, 1_000, async ({ ledger }) => {
      const ends = async () => (await readLease(ledger.database, workLease))!.expiresAt;
      const first = await ends();
      await until(async () => (await ends()) > first);
    });
  });

  test('that waits for what never answers loses its lease after six hours, and the next one goes on', async () => {
    let elapsed = 5_000;
    const lease = { termMs: 500, elapsedMs: () => elapsed };
    await running(kind, lease, async ({ ledger, assertNotTakenOver }) => {
      const { database } = ledger;
      const ends = async () => (await readLease(database, workLease))!.expiresAt;
      const isProlonged = async () => {
        const first = await ends();
        await until(async () => (await ends()) > first);
      };
      await isProlonged();
      elapsed += longestJobMs;
      await isProlonged();
      elapsed += 1;
      const holder = { host: 'b', pid: 1, runId: 'r2' };
      // Asks as another host does: only the end of the lease frees it.
      const next = { name: workLease, holder, ttlMs: 600_000 };
      const seen = new Set<string>();
      await until(async () => {
        seen.add(await ends());
        // One that was on its way may come to its end; a second one is none of those.
        assert.ok(seen.size <= 2, 'it is prolonged all the same');
        return (await acquireLease(database, { ...next, nowMs: Date.now() })).ok;
      });
      await assert.rejects(assertNotTakenOver(), /run r2 \(process 1 on b\) took over/);
      await assert.rejects(append(ledger, [draft('note', '')], at), /took over/);
    });
  });

  test('that cannot prolong its lease says so, stops before its next write, and goes on once it can', async () => {
    await running(kind, 50, async ({ ledger, assertLease, assertNotTakenOver }, said) => {
      const { knex } = ledger.database;
      await knex.raw('alter table leases rename to aside');
      await until(() => has(said, 'could not prolong the lease; tried again'));
      await assert.rejects(assertLease(), {
        name: 'OperationError',
        message: 'cannot prolong the lease; this run stops before its next write',
      });
      await assert.rejects(assertNotTakenOver(), {
        name: 'OperationError',
        message: 'cannot read the lease again; what was about to be committed to the source is rolled back',
      });
      await assert.rejects(append(ledger, [draft('note', '')], at), /leases/);
      assert.equal((await head(ledger)).seq, 0);
      await knex.raw('alter table aside rename to leases');
      await assertLease();
      await assertNotTakenOver();
    });
  });

  test('that cannot give its lease back ends as it would have', async () => {
    const said = await running(kind, 600_000, async ({ ledger }) => {
      await ledger.database.knex.raw('alter table leases rename to aside');
    });
    assert.ok(has(said, 'could not give the lease back; it ends by itself'));
  });

  test('that was robbed of its lease is told so, by its log and before its next write', async () => {
    await running(kind, 50, async ({ ledger, assertLease, assertNotTakenOver }, said) => {
      const holder = JSON.stringify({ host: 'b', pid: 1, runId: 'r2' });
      await ledger.database.knex('leases').update({ token: 'of another', fence: 9, holder });
      await until(() => has(said, 'another run has taken over'));
      const tookOver = /^run r2 \(process 1 on b\) took over at \S+Z, with number 9 after this run's 1/;
      for (const asked of [assertLease, assertNotTakenOver])
        await assert.rejects(asked(), ({ message }: Error) => tookOver.test(message));
    });
  });
});
