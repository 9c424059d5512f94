import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, rows } from '../../src/database.ts';
import { append } from '../../src/ledger/append.ts';
import { head } from '../../src/ledger/entries.ts';
import { readHead, writeHead } from '../../src/ledger/head.ts';
import { acquireLease, readLease, releaseLease } from '../../src/ledger/lease.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { at, draft, freshLedger, testFold } from './ledgers.ts';

/** Takes the lease from whoever has it, for a run of another host. */
async function takeOver(ledger: Ledger, runId: string): Promise<Ledger & { fence: { token: string } }> {
  await ledger.database.knex('leases').update({ expires_at: new Date(0).toISOString() });
  const holder = { host: `host of ${runId}`, pid: 1, runId };
  const answer = await acquireLease(ledger.database, {
    name: 'work',
    holder,
    nowMs: Date.now(),
    ttlMs: 60_000,
  });
  assert.ok(answer.ok);
  return { ...ledger, fence: { name: 'work', number: answer.fence, token: answer.token } };
}

/** How a robbery ends: where the ledger was when it was done. */
const robbing = (ledger: Ledger) =>
  takeOver(ledger, 'r2').then(
    async () => `after entry ${(await head(ledger)).seq}`,
    () => 'refused',
  );

async function someoneWaits(inside: Database): Promise<boolean> {
  // A transaction sees who is at work as it was at its first look.
  await inside.knex.raw('select pg_stat_clear_snapshot()');
  const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return (await rows(inside, sql)).length > 0;
}

const drafts = [draft('found', 'goldrush')];

forEachDatabase('a ledger with a fence', (kind) => {
  test('refuses what a run appends after another took over, and says who, since when', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const first = await takeOver(ledger, 'r1');
    await append(first, drafts, at);
    const second = await takeOver(ledger, 'r2');
    await ledger.database.knex.raw('create table notices (seq integer)');
    const before = await head(ledger);
    const since = (await readLease(ledger.database, 'work'))!.acquiredAt;
    const inside = async () => void (await ledger.database.knex('notices').insert({ seq: 1 }));
    const refused = {
      name: 'OperationError',
      message: `run r2 (process 1 on host of r2) took over at ${since}, with number 2 after this run's 1: the lease of this run had ended before it was prolonged; this run writes nothing more`,
    };
    await assert.rejects(append(first, drafts, at), refused);
    await assert.rejects(append(first, [], at, { inside }), refused);
    assert.deepEqual(await head(ledger), before);
    assert.deepEqual(await ledger.database.knex('notices').select(), []);
    await append(second, drafts, at);
    assert.equal((await head(ledger)).seq, 2);
    await releaseLease(ledger.database, { name: 'work', token: second.fence.token });
    await assert.rejects(append(first, drafts, at), /r2 .* took over/, 'also when the other is done');
  });

  test('refuses a run that gave its lease back, and one whose number another copy gave again', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const run = await takeOver(ledger, 'r1');
    await ledger.database.knex('leases').update({ token: 'of another copy' });
    await assert.rejects(append(run, drafts, at), /number 1, is not in the ledger .* any more/);
    await releaseLease(ledger.database, { name: 'work', token: 'of another copy' });
    await assert.rejects(append(run, drafts, at), /it was given back/);
    await ledger.database.knex('leases').delete();
    await assert.rejects(append(run, drafts, at), /an older ledger was put in place/);
    assert.equal((await head(ledger)).seq, 0);
  });

  test('takes what people decide at any time: they hold no lease', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await append(ledger, drafts, at);
    await takeOver(ledger, 'r1');
    await append(ledger, drafts, at);
    await takeOver(ledger, 'r2');
    await append(ledger, drafts, at);
    assert.equal((await head(ledger)).seq, 3);
  });

  test('is not taken over in the middle of an append', { skip: skipWithoutConnections(kind) }, async (t) => {
    const { ledger, place } = await freshLedger(t, kind);
    const run = await takeOver(ledger, 'r1');
    const other = await openLedger({ ...place, fold: testFold });
    try {
      // SQLite waits in the driver, and would not let this process end the append.
      if (kind === 'sqlite') await other.database.knex.raw('pragma busy_timeout = 50');
      let robber: Promise<unknown> = Promise.resolve();
      await append(run, drafts, at, {
        inside: async (inside) => {
          let ended = false;
          robber = robbing(other).finally(() => {
            ended = true;
          });
          while (kind === 'postgres' && !ended && !(await someoneWaits(inside))) await sleep(10);
          if (kind === 'sqlite') await robber;
          else assert.equal(ended, false, 'the lease was taken in the middle of an append');
        },
      });
      assert.equal(await robber, kind === 'sqlite' ? 'refused' : 'after entry 1');
    } finally {
      await closeLedger(other);
    }
  });

  test('does not put back a head file that others have carried on', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const file = ledger.headFile!;
    const further = { seq: 9, hash: 'e'.repeat(64), count: 9, at };
    // The file is written after the commit: here others have appended eight more entries in between.
    await append(ledger, drafts, at, { inside: async () => writeHead(file, further) });
    assert.deepEqual(readHead(file), further);
  });
});
