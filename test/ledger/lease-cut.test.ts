import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { append } from '../../src/ledger/append.ts';
import { head } from '../../src/ledger/entries.ts';
import { acquireLease, type LeaseAnswer, readLease, releaseLease } from '../../src/ledger/lease.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { skipWithoutConnections } from '../databases.ts';
import { type Line, openLine } from '../torture/faults/cut.ts';
import { at, child, draft, freshPlace, type Place, testFold } from './ledgers.ts';

const name = 'audit';
const holder = { host: 'a', pid: process.pid, runId: 'r1' };
const acquire = ({ database }: Ledger) =>
  acquireLease(database, { name, holder, nowMs: Date.now(), ttlMs: 600_000 });

/** A ledger that is reached through a line which can be cut. */
async function behindLine(
  t: TestContext,
  work: (of: { ledger: Ledger; line: Line; place: Place }) => Promise<void>,
): Promise<void> {
  const place = await freshPlace(t, 'postgres');
  const line = await openLine(Number(new URL(place.url).port || 5432));
  const ledger = await openLedger({ ...place, url: line.through(place.url), fold: testFold });
  try {
    await work({ ledger, line, place });
  } finally {
    line.mend();
    await closeLedger(ledger);
    await line.close();
  }
}

/** The run that was granted this lease. */
function runOf(ledger: Ledger, answer: LeaseAnswer): Ledger & { fence: { token: string } } {
  assert.ok(answer.ok, 'the lease was refused');
  return { ...ledger, fence: { name, number: answer.fence, token: answer.token } };
}

const mayAppend = (run: Ledger) => append(run, [draft('found', 'goldrush')], at);

describe('a lease whose connection breaks', { skip: skipWithoutConnections('postgres') }, () => {
  test('after the commit, before its answer, is known by its token and held', (t) =>
    behindLine(t, async ({ ledger, line }) => {
      for (const fence of [1, 2]) {
        line.cutAtCommit('before its answer');
        const run = runOf(ledger, await acquire(ledger));
        const { token, ...lease } = (await readLease(ledger.database, name))!;
        assert.deepEqual([lease.fence, token], [fence, run.fence.token]);
        await mayAppend(run);
        assert.equal(await releaseLease(ledger.database, { name, token }), true);
      }
      assert.equal((await head(ledger)).seq, 2);
    }));

  test('before the commit is not held, and is there for the next who asks', (t) =>
    behindLine(t, async ({ ledger, line }) => {
      line.cutAtCommit('before the server has it');
      await assert.rejects(acquire(ledger), /the connection was lost/);
      assert.equal(await readLease(ledger.database, name), null);
      assert.equal(runOf(ledger, await acquire(ledger)).fence.number, 1);
    }));

  test('for longer is refused to every other process, and this one takes it anew when the server is back', (t) =>
    behindLine(t, async ({ ledger, line, place }) => {
      line.cutAtCommit('before its answer', { stays: true });
      await assert.rejects(acquire(ledger), /the connection was lost/);
      assert.equal((JSON.parse(await child('lease', place, 'r2')) as LeaseAnswer).ok, false);
      line.mend();
      const run = runOf(ledger, await acquire(ledger));
      assert.equal(run.fence.number, 2);
      await mayAppend(run);
      assert.equal((await acquire(ledger)).ok, false, 'what is held is not left behind');
    }));

  test('as it is given back is taken anew by this process, and the run before may write nothing more', (t) =>
    behindLine(t, async ({ ledger, line, place }) => {
      const before = runOf(ledger, await acquire(ledger));
      line.cut({ stays: true });
      await assert.rejects(releaseLease(ledger.database, { name, token: before.fence.token }));
      assert.equal((JSON.parse(await child('lease', place, 'r2')) as LeaseAnswer).ok, false);
      line.mend();
      const run = runOf(ledger, await acquire(ledger));
      assert.equal(run.fence.number, 2);
      await assert.rejects(mayAppend(before), /run r1 .* took over .* with number 2 after this run's 1/);
      await mayAppend(run);
    }));
});
