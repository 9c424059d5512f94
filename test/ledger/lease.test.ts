import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { Database } from '../../src/database.ts';
import {
  acquireLease,
  type LeaseAnswer,
  ledgerNow,
  readLease,
  releaseLease,
  renewLease,
} from '../../src/ledger/lease.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { child, freshLedger, freshPlace, testFold } from './ledgers.ts';

const termMs = 600_000;
const yearMs = 366 * 86_400_000;
const holder = { host: 'a', pid: process.pid, runId: 'r1' };
const elsewhere = { ...holder, host: 'b', runId: 'r2' };
const deadPid = spawnSync(process.execPath, ['-e', '']).pid;

/** What this host asks now. On PostgreSQL its clock is not asked, however wrong it is. */
const asking = (more: object = {}) => ({
  name: 'audit',
  holder,
  nowMs: Date.now(),
  ttlMs: termMs,
  ...more,
});

function held(answer: LeaseAnswer): { token: string; fence: number } {
  assert.ok(answer.ok, 'the lease was refused');
  return answer;
}

const leftMs = async (database: Database) =>
  Date.parse((await readLease(database, 'audit'))!.expiresAt) - (await ledgerNow(database, Date.now()));

/** As if the lease ended so many milliseconds from now, or had ended before. */
async function endIn(database: Database, ms: number): Promise<void> {
  const end = new Date((await ledgerNow(database, Date.now())) + ms).toISOString();
  await database.knex('leases').update({ expires_at: end });
}

forEachDatabase('a lease', (kind) => {
  test('is refused to the second, who is told who has it, since when and until when', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    assert.equal(held(await acquireLease(database, asking())).fence, 1);
    const { acquiredAt, expiresAt } = (await readLease(database, 'audit'))!;
    assert.equal(Date.parse(expiresAt) - Date.parse(acquiredAt), termMs);
    assert.deepEqual(await acquireLease(database, asking({ holder: elsewhere })), {
      ok: false,
      holder: `run r1 (process ${process.pid} on a)`,
      since: acquiredAt,
      expiresAt,
    });
    assert.equal((await acquireLease(database, asking({ name: 'report' }))).ok, true);
  });

  test('is refused without a write, so that a holder in the middle of one is named', {
    skip: skipWithoutConnections(kind),
  }, async (t) => {
    const { ledger, place } = await freshLedger(t, kind);
    await acquireLease(ledger.database, asking());
    const other = await openLedger({ ...place, fold: testFold });
    try {
      await other.database.knex.raw(kind === 'sqlite' ? 'begin immediate' : 'begin');
      await other.database.knex('leases').update({ expires_at: new Date().toISOString() });
      assert.equal((await acquireLease(ledger.database, asking({ holder: elsewhere }))).ok, false);
    } finally {
      await other.database.knex.raw('rollback');
      await closeLedger(other);
    }
  });

  test('is free once it is given back, and its fence grows by one', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    for (const fence of [1, 2, 3]) {
      const lease = held(await acquireLease(database, asking()));
      assert.equal(lease.fence, fence);
      assert.equal(await releaseLease(database, { name: 'audit', token: lease.token }), true);
      assert.equal(await releaseLease(database, { name: 'audit', token: lease.token }), false);
    }
  });

  test('is taken over when it expires, and the one before can neither renew nor release it', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const old = held(await acquireLease(database, asking()));
    await endIn(database, 0);
    assert.equal(held(await acquireLease(database, asking({ holder: elsewhere }))).fence, 2);
    const stale = { name: 'audit', token: old.token };
    assert.equal(await renewLease(database, { ...asking(), ...stale }), false);
    assert.equal(await releaseLease(database, stale), false);
    assert.equal((await acquireLease(database, asking())).ok, false);
  });

  test('lasts longer when it is renewed, also where it had ended and nobody took it', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const { token } = held(await acquireLease(database, asking()));
    const since = (await readLease(database, 'audit'))!.acquiredAt;
    for (const ms of [5_000, -5_000]) {
      await endIn(database, ms);
      assert.equal(await renewLease(database, { ...asking(), token }), true);
      assert.ok((await leftMs(database)) > 30_000);
    }
    const answer = await acquireLease(database, asking({ holder: elsewhere }));
    assert.equal(!answer.ok && answer.since, since);
  });

  test('of a process that is gone is taken over at once, but only on its own host', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await acquireLease(database, asking({ holder: { ...holder, pid: deadPid } }));
    assert.equal((await acquireLease(database, asking({ holder: elsewhere }))).ok, false);
    assert.equal(held(await acquireLease(database, asking())).fence, 2);
  });

  test('of a process that is gone waits for its end where the number is of another process table', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const here = { ...holder, table: 'boot pid:[1]' };
    await acquireLease(database, asking({ holder: { ...here, pid: deadPid, table: 'boot pid:[2]' } }));
    assert.equal((await acquireLease(database, asking({ holder: here }))).ok, false);
    await endIn(database, -1);
    assert.equal(held(await acquireLease(database, asking({ holder: here }))).fence, 2);
  });

  test('of an earlier version, which names no process table, is read', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const at = new Date(await ledgerNow(database, Date.now())).toISOString();
    const times = { acquired_at: at, expires_at: new Date(Date.parse(at) + termMs).toISOString() };
    const old = JSON.stringify({ host: 'a', pid: process.pid, runId: 'r0' });
    await database.knex('leases').insert({ name: 'audit', holder: old, token: 'x', fence: 7, ...times });
    const here = { ...holder, table: 'boot pid:[1]', started: '5' };
    assert.equal((await acquireLease(database, asking({ holder: here }))).ok, false);
    await database.knex('leases').update({ holder: old.replace(`${process.pid}`, `${deadPid}`) });
    assert.equal(held(await acquireLease(database, asking({ holder: here }))).fence, 8);
  });

  test('that ends later than a term can last, as after a clock was set back, is cut to one term', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const { token } = held(await acquireLease(database, asking()));
    await endIn(database, yearMs);
    const answer = await acquireLease(database, asking({ holder: elsewhere }));
    assert.equal(answer.ok, false, 'a holder that lives is not robbed');
    assert.ok((await leftMs(database)) <= termMs);
    assert.equal(!answer.ok && answer.expiresAt, (await readLease(database, 'audit'))!.expiresAt);
    assert.equal(await renewLease(database, { ...asking(), token }), true, 'and goes on');
    await endIn(database, -1);
    assert.equal(held(await acquireLease(database, asking({ holder: elsewhere }))).fence, 2);
  });

  test("may be taken by a host whose clock is a year ahead: on SQLite, whose clock is the host's", async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const old = held(await acquireLease(database, asking()));
    const ahead = { nowMs: Date.now() + yearMs };
    const answer = await acquireLease(database, asking({ holder: elsewhere, ...ahead }));
    assert.equal(answer.ok, kind === 'sqlite');
    const renewed = await renewLease(database, { ...asking(ahead), token: old.token });
    assert.equal(renewed, kind === 'postgres');
    assert.ok(kind === 'sqlite' || (await leftMs(database)) <= termMs, 'the clock of the server is asked');
  });

  test('is given to one of eight processes', { skip: skipWithoutConnections(kind) }, async (t) => {
    const place = await freshPlace(t, kind);
    const names = Array.from({ length: 8 }, (_, index) => `r${index}`);
    const printed = await Promise.all(names.map((name) => child('lease', place, name)));
    const answers = printed.map((text) => JSON.parse(text) as LeaseAnswer);
    const winners = answers.filter(({ ok }) => ok);
    assert.equal(winners.length, 1);
    const ledger = await openLedger({ ...place, fold: testFold });
    const again = await acquireLease(ledger.database, asking());
    await closeLedger(ledger);
    assert.equal(again.ok, false);
  });
});
