import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Database, transact } from '../../src/database.ts';
import { migrate } from '../../src/ledger/migrations.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import {
  claimMessage,
  deadLetters,
  dueMessages,
  enqueue,
  type Outgoing,
  outboxCounts,
  reviveDeadLetters,
  settleMessage,
} from '../../src/ledger/outbox.ts';
import { aMessage } from '../alert/messages.ts';
import { forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { freshLedger, testFold } from './ledgers.ts';

const began = Date.parse('2026-06-10T19:00:00Z');
const minute = 60_000;
const at = (nowMs: number) => new Date(nowMs).toISOString();
const named = (...keys: string[]) => keys.map((key) => aMessage({ key }));
const keysOf = (outgoing: readonly Outgoing[]) => outgoing.map(({ key }) => key);

forEachDatabase('The outbox', (kind) => {
  it('has nothing at first, and takes nothing', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await enqueue(database, [], ['mail'], at(began));
    await enqueue(database, named('a'), [], at(began));
    assert.deepEqual(await dueMessages(database, began, 10), []);
    assert.deepEqual(await outboxCounts(database), { queued: 0, sent: 0, dead: 0, oldestQueuedAt: null });
  });

  it('takes a message once for each channel, however often it is queued, also when it was sent', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    for (const after of [0, 1, 2]) {
      await enqueue(database, named('a', 'b', 'a'), ['mail', 'discord'], at(began + after * minute));
      for (const { id, attempts } of (await dueMessages(database, began, 10)).filter(
        ({ key }) => key === 'a',
      ))
        await settleMessage(database, { id, attempts }, { state: 'sent', at: at(began) });
    }
    const { oldestQueuedAt, ...counts } = await outboxCounts(database);
    assert.deepEqual(counts, { queued: 2, sent: 2, dead: 0 });
    assert.equal(oldestQueuedAt, at(began));
  });

  it('takes more messages than one statement holds', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const keys = Array.from({ length: 600 }, (_, number) => `message ${number}`);
    await enqueue(database, named(...keys), ['mail', 'webhook'], at(began));
    assert.equal((await outboxCounts(database)).queued, 1_200);
    assert.equal((await dueMessages(database, began, 100)).length, 100);
  });

  it('gives a message back as it was, whatever it holds', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const message = aMessage({ key: `it's "a" | 100 % ž 🎮`, title: 'a\nb\\c' });
    await enqueue(database, [message], ['mail'], at(began));
    const [outgoing] = await dueMessages(database, began, 10);
    assert.deepEqual(JSON.parse(outgoing!.message), message);
    assert.equal(outgoing!.id, `${message.key}|mail`);
  });

  it('has what is queued inside a transaction exactly when that is committed', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const attempt = (fails: boolean) =>
      transact(database, async (inside) => {
        await enqueue(inside, named('a'), ['mail'], at(began));
        if (fails) throw new Error('decided otherwise');
      });
    await assert.rejects(attempt(true), /decided otherwise/);
    assert.equal((await outboxCounts(database)).queued, 0);
    await attempt(false);
    assert.equal((await outboxCounts(database)).queued, 1);
  });

  it('gives first what waits longest, and nothing before its time', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    for (const [key, after] of [
      ['late', 2],
      ['early', 0],
      ['middle', 1],
    ] as const)
      await enqueue(database, named(key), ['mail'], at(began + after * minute));
    assert.deepEqual(keysOf(await dueMessages(database, began - 1, 10)), []);
    assert.deepEqual(keysOf(await dueMessages(database, began, 10)), ['early']);
    assert.deepEqual(keysOf(await dueMessages(database, began + 2 * minute, 10)), [
      'early',
      'middle',
      'late',
    ]);
    const [early] = await dueMessages(database, began, 1);
    const nextAt = at(began + 90_000);
    await settleMessage(database, early!, { state: 'queued', nextAt, error: 'down' });
    const due = await dueMessages(database, began + 2 * minute, 10);
    assert.deepEqual(keysOf(due), ['middle', 'early', 'late']);
    assert.equal(due[1]!.error, 'down');
  });

  it('leaves what is claimed alone for minutes, and gives it again after a crash', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await enqueue(database, named('a'), ['mail'], at(began));
    const [seen] = await dueMessages(database, began, 10);
    assert.equal(await claimMessage(database, seen!, began), true);
    assert.equal(await claimMessage(database, seen!, began), false);
    assert.deepEqual(await dueMessages(database, began + 4 * minute, 10), []);
    const [again] = await dueMessages(database, began + 5 * minute, 10);
    assert.deepEqual([again!.key, again!.attempts], ['a', 1]);
    assert.equal(await claimMessage(database, again!, began + 5 * minute), true);
  });

  it('does not queue again what somebody else has sent or claimed meanwhile', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await enqueue(database, named('a'), ['mail'], at(began));
    const [seen] = await dueMessages(database, began, 10);
    await claimMessage(database, seen!, began);
    const [again] = await dueMessages(database, began + 5 * minute, 10);
    await claimMessage(database, again!, began + 5 * minute);
    const slow = { id: seen!.id, attempts: 1 };
    const later = { state: 'queued', nextAt: at(began), error: 'no answer' } as const;
    await settleMessage(database, slow, later);
    await settleMessage(database, slow, { state: 'dead', error: 'no answer' });
    assert.deepEqual(await dueMessages(database, began + 5 * minute, 10), []);
    await settleMessage(database, { id: seen!.id, attempts: 2 }, { state: 'sent', at: at(began) });
    await settleMessage(database, { id: seen!.id, attempts: 2 }, later);
    assert.deepEqual(await outboxCounts(database), { queued: 0, sent: 1, dead: 0, oldestQueuedAt: null });
  });

  it('keeps why a message was given up, and puts it on its way again for another day', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await enqueue(database, named('a', 'b', 'c'), ['mail'], at(began));
    for (const outgoing of (await dueMessages(database, began, 10)).slice(0, 2))
      await settleMessage(database, outgoing, { state: 'dead', error: `no ${'!'.repeat(2_000)}` });
    const dead = await deadLetters(database, 10);
    assert.deepEqual(keysOf(dead), ['b', 'a']);
    assert.equal(dead[0]!.error!.length <= 500, true);
    assert.equal((await deadLetters(database, 1)).length, 1);
    const later = began + 48 * 60 * minute;
    assert.equal(await reviveDeadLetters(database, at(later)), 2);
    assert.equal(await reviveDeadLetters(database, at(later)), 0);
    const revived = (await dueMessages(database, later, 10)).filter(({ key }) => key !== 'c');
    assert.deepEqual(
      revived.map(({ key, attempts, createdAt }) => [key, attempts, createdAt]),
      [
        ['a', 0, at(later)],
        ['b', 0, at(later)],
      ],
    );
  });

  it('gives each of many messages to exactly one of two processes that claim at once', {
    skip: skipWithoutConnections(kind),
  }, async (t) => {
    const { ledger, place } = await freshLedger(t, kind);
    const other = await openLedger({ ...place, fold: testFold });
    try {
      const keys = Array.from({ length: 100 }, (_, number) => `message ${number}`);
      await enqueue(ledger.database, named(...keys), ['mail'], at(began));
      const claimAll = async (database: Database) => {
        const claimed: string[] = [];
        for (const outgoing of await dueMessages(database, began, 100))
          if (await claimMessage(database, outgoing, began)) claimed.push(outgoing.key);
        return claimed;
      };
      const [one, two] = await Promise.all([claimAll(ledger.database), claimAll(other.database)]);
      assert.deepEqual([...one, ...two].sort(), [...keys].sort());
    } finally {
      await closeLedger(other);
    }
  });

  it('is there in a ledger that is migrated again', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await enqueue(database, named('a'), ['mail'], at(began));
    await migrate(database);
    assert.equal((await outboxCounts(database)).queued, 1);
  });
});
