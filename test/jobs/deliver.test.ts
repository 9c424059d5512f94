import assert from 'node:assert/strict';
import { it } from 'node:test';
import { deliver } from '../../jobs/deliver.ts';
import type { Channel, Delivery } from '../../src/alert/channel.ts';
import { mailChannel } from '../../src/alert/mail.ts';
import { withLedger } from '../../src/context.ts';
import type { Message } from '../../src/core/message.ts';
import type { Database } from '../../src/database.ts';
import {
  claimMessage,
  dueMessages,
  enqueue,
  outboxCounts,
  reviveDeadLetters,
} from '../../src/ledger/outbox.ts';
import { aMessage } from '../alert/messages.ts';
import { readMail, refusingPort, withSmtp } from '../alert/servers.ts';
import { forEachDatabase } from '../databases.ts';
import { inWorld } from './setup.ts';

const began = Date.parse('2026-06-10T19:00:00Z');
const minutes = 60_000;
const at = (nowMs: number) => new Date(nowMs).toISOString();

/** A channel that answers each message as `answer` says, and remembers what it sent. */
function aChannel(
  answer: (message: Message, times: number) => Delivery,
): Channel & { sent: string[]; tried: string[] } {
  const [sent, tried]: [string[], string[]] = [[], []];
  return {
    name: 'webhook',
    sent,
    tried,
    async send(message) {
      tried.push(message.key);
      const delivery = answer(message, tried.filter((key) => key === message.key).length);
      if (delivery.state === 'delivered') sent.push(message.key);
      return delivery;
    },
  };
}

const keys = (count: number) => Array.from({ length: count }, (_, at) => `message ${at}`);
const queue = (database: Database, of: readonly string[], channel = 'webhook', nowMs = began) =>
  enqueue(
    database,
    of.map((key) => aMessage({ key })),
    [channel],
    at(nowMs),
  );

forEachDatabase('Delivering', (kind) => {
  const inOutbox = <T>(work: (database: Database) => Promise<T>) =>
    inWorld(kind, {}, (world) => withLedger(world.config(), ({ database }) => work(database)));

  it('loses nothing and sends nothing twice while the mail server is down for two simulated hours', () =>
    inOutbox(async (database) => {
      const port = await refusingPort();
      const mail = {
        url: `smtp://127.0.0.1:${port}`,
        ca: null,
        from: 'rw@example.org',
        to: 'ops@example.org',
      };
      const channels = [mailChannel(mail)];
      const run = (nowMs: number) => deliver(database, { channels, nowMs, chance: () => 0.5 });
      const end = began + 120 * minutes;
      for (let nowMs = began; nowMs < end; nowMs += 3 * minutes) {
        if ((nowMs - began) % (30 * minutes) === 0) await queue(database, [`at ${at(nowMs)}`], 'mail', nowMs);
        assert.equal((await run(nowMs)).sent, 0);
      }
      assert.deepEqual(
        { ...(await outboxCounts(database)), oldestQueuedAt: null },
        { queued: 4, sent: 0, dead: 0, oldestQueuedAt: null },
      );
      await withSmtp({ port }, async (_, mails) => {
        for (let nowMs = end; nowMs < end + 180 * minutes; nowMs += 3 * minutes) await run(nowMs);
        const subjects = mails.map((one) => readMail(one).headers.get('x-roundwarden-key'));
        assert.equal(mails.length, 4);
        assert.equal(new Set(subjects).size, 4);
      });
      assert.deepEqual(await outboxCounts(database), { queued: 0, sent: 4, dead: 0, oldestQueuedAt: null });
    }));

  it('gives up after a day, says so, and tries again where somebody asks for it', () =>
    inOutbox(async (database) => {
      await queue(database, ['a']);
      const down = aChannel(() => ({ state: 'temporary', why: 'down' }));
      let dead = 0;
      for (let nowMs = began; nowMs <= began + 25 * 60 * minutes; nowMs += 3 * minutes)
        dead += (await deliver(database, { channels: [down], nowMs, chance: () => 0 })).dead.length;
      assert.equal(dead, 1);
      assert.equal((await outboxCounts(database)).dead, 1);
      assert.equal(down.tried.length < 60, true, `${down.tried.length} attempts`);
      const later = began + 26 * 60 * minutes;
      assert.equal(await reviveDeadLetters(database, at(later)), 1);
      const up = aChannel(() => ({ state: 'delivered' }));
      await deliver(database, { channels: [up], nowMs: later });
      assert.deepEqual(up.sent, ['a']);
    }));

  it('waits as long as a service tells it to', () =>
    inOutbox(async (database) => {
      await queue(database, ['a']);
      const busy = aChannel((_, times) =>
        times === 1 ? { state: 'temporary', why: '429', retryAfterMs: 10 * minutes } : { state: 'delivered' },
      );
      const run = (nowMs: number) => deliver(database, { channels: [busy], nowMs, chance: () => 0 });
      for (const after of [0, 3, 6, 9]) await run(began + after * minutes);
      assert.equal(busy.tried.length, 1);
      await run(began + 10 * minutes);
      assert.deepEqual(busy.sent, ['a']);
    }));

  it('gives up at once what is refused for good, and sends the others', () =>
    inOutbox(async (database) => {
      await queue(database, keys(250));
      const picky = aChannel(({ key }) =>
        key === 'message 7' ? { state: 'permanent', why: '404' } : { state: 'delivered' },
      );
      const report = await deliver(database, { channels: [picky], nowMs: began });
      assert.deepEqual(report.dead, [{ channel: 'webhook', key: 'message 7', why: '404' }]);
      assert.equal(report.sent, 249);
      assert.equal((await deliver(database, { channels: [picky], nowMs: began + minutes })).sent, 0);
    }));

  it('is not stopped by a row that is no message, a channel that throws, or one that is not set up any more', () =>
    inOutbox(async (database) => {
      await queue(database, ['broken', 'throws', 'fine']);
      await queue(database, ['old'], 'discord');
      await database.knex('outbox').where({ message_key: 'broken' }).update({ message: '{"x":' });
      const channel = aChannel(({ key }) => {
        if (key === 'throws') throw new Error('a defect');
        return { state: 'delivered' };
      });
      const report = await deliver(database, { channels: [channel], nowMs: began });
      assert.deepEqual(channel.sent, ['fine']);
      assert.deepEqual(
        report.dead.map(({ key }) => key),
        ['broken'],
      );
      assert.deepEqual(report.waiting.map(({ key }) => key).sort(), ['old', 'throws']);
    }));

  it('tries again what a process was sending when it died, and not before it is clear that it died', () =>
    inOutbox(async (database) => {
      await queue(database, ['a']);
      const [outgoing] = await dueMessages(database, began, 10);
      assert.equal(await claimMessage(database, outgoing!, began), true);
      const channel = aChannel(() => ({ state: 'delivered' }));
      await deliver(database, { channels: [channel], nowMs: began + minutes });
      assert.deepEqual(channel.sent, []);
      await deliver(database, { channels: [channel], nowMs: began + 6 * minutes });
      assert.deepEqual(channel.sent, ['a']);
    }));

  it('lets only one of two that saw the same message send it', () =>
    inOutbox(async (database) => {
      await queue(database, ['a']);
      const [seen] = await dueMessages(database, began, 10);
      const claims = [await claimMessage(database, seen!, began), await claimMessage(database, seen!, began)];
      assert.deepEqual(claims, [true, false]);
    }));

  it('queues the same message once for ever', () =>
    inOutbox(async (database) => {
      const channel = aChannel(() => ({ state: 'delivered' }));
      for (const _ of [1, 2, 3]) {
        await queue(database, ['a', 'a']);
        await deliver(database, { channels: [channel], nowMs: began });
      }
      assert.deepEqual(channel.sent, ['a']);
    }));
});
