import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { acquireLease, type LeaseAnswer, releaseLease, renewLease } from '../../src/ledger/lease.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { child, freshLedger, freshPlace, testFold } from './ledgers.ts';

const nowMs = Date.parse('2026-02-14T20:00:00.000Z');
const holder = { host: 'a', pid: process.pid, runId: 'r1' };
const request = { name: 'audit', holder, nowMs, ttlMs: 60_000 };
const deadPid = spawnSync(process.execPath, ['-e', '']).pid;

function held(answer: LeaseAnswer): { token: string; fence: number } {
  assert.ok(answer.ok, 'the lease was refused');
  return answer;
}

forEachDatabase('a lease', (kind) => {
  test('is refused to the second, who is told who has it', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    assert.equal(held(await acquireLease(database, request)).fence, 1);
    const second = { ...request, holder: { ...holder, runId: 'r2' }, nowMs: nowMs + 59_999 };
    assert.deepEqual(await acquireLease(database, second), {
      ok: false,
      holder: `run r1 (process ${process.pid} on a)`,
      since: '2026-02-14T20:00:00.000Z',
      expiresAt: '2026-02-14T20:01:00.000Z',
    });
    assert.equal((await acquireLease(database, { ...second, name: 'report' })).ok, true);
  });

  test('is free once it is given back, and its fence grows by one', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    for (const fence of [1, 2, 3]) {
      const lease = held(await acquireLease(database, request));
      assert.equal(lease.fence, fence);
      assert.equal(await releaseLease(database, { name: 'audit', token: lease.token }), true);
      assert.equal(await releaseLease(database, { name: 'audit', token: lease.token }), false);
    }
  });

  test('is taken over when it expires, and the one before can neither renew nor release it', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const old = held(await acquireLease(database, request));
    const late = { ...request, holder: { ...holder, host: 'b' }, nowMs: nowMs + 60_000 };
    assert.equal(held(await acquireLease(database, late)).fence, 2);
    const stale = { name: 'audit', token: old.token };
    assert.equal(await renewLease(database, { ...stale, nowMs: nowMs + 60_001, ttlMs: 60_000 }), false);
    assert.equal(await releaseLease(database, stale), false);
    assert.equal((await acquireLease(database, request)).ok, false);
  });

  test('lasts longer when it is renewed', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const { token } = held(await acquireLease(database, request));
    const renewal = { name: 'audit', token, nowMs: nowMs + 50_000, ttlMs: 60_000 };
    assert.equal(await renewLease(database, renewal), true);
    const later = await acquireLease(database, { ...request, nowMs: nowMs + 100_000 });
    assert.deepEqual(!later.ok && [later.since, later.expiresAt], [
      '2026-02-14T20:00:00.000Z',
      '2026-02-14T20:01:50.000Z',
    ]);
  });

  test('of a process that is gone is taken over at once, but only on its own host', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await acquireLease(database, { ...request, holder: { ...holder, pid: deadPid } });
    const elsewhere = { ...request, holder: { ...holder, host: 'b' } };
    assert.equal((await acquireLease(database, elsewhere)).ok, false);
    assert.equal(held(await acquireLease(database, request)).fence, 2);
  });

  test('is given to one of eight processes', { skip: skipWithoutConnections(kind) }, async (t) => {
    const place = await freshPlace(t, kind);
    const names = Array.from({ length: 8 }, (_, index) => `r${index}`);
    const printed = await Promise.all(names.map((name) => child('lease', place, name)));
    const answers = printed.map((text) => JSON.parse(text) as LeaseAnswer);
    const winners = answers.filter(({ ok }) => ok);
    assert.equal(winners.length, 1);
    const ledger = await openLedger({ ...place, fold: testFold });
    const again = await acquireLease(ledger.database, { ...request, nowMs: 1 });
    await closeLedger(ledger);
    assert.equal(again.ok, false);
  });
});
