import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { it } from 'node:test';
import { deliver } from '../../jobs/deliver.ts';
import { discordChannel } from '../../src/alert/discord.ts';
import { mailChannel } from '../../src/alert/mail.ts';
import { webhookChannel } from '../../src/alert/webhook.ts';
import { withLedger } from '../../src/context.ts';
import type { Message } from '../../src/core/message.ts';
import type { Database } from '../../src/database.ts';
import { deadLetters, enqueue, outboxCounts } from '../../src/ledger/outbox.ts';
import { aMessage } from '../alert/messages.ts';
import { withHook, withSmtp, withTarpit } from '../alert/servers.ts';
import { forEachDatabase } from '../databases.ts';
import { inWorld } from './setup.ts';

const began = Date.parse('2026-06-10T19:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const at = (nowMs: number) => new Date(nowMs).toISOString();
const numbered = (count: number) => Array.from({ length: count }, (_, number) => `message ${number}`);

const queue = (database: Database, keys: readonly string[], channel: string, nowMs = began) =>
  enqueue(
    database,
    keys.map((key) => aMessage({ key, title: key })),
    [channel],
    at(nowMs),
  );

/** Which message a request to a plain hook carries. */
const keyOf = (body: string) => (JSON.parse(body) as Message).key;
const ok = (response: ServerResponse) => response.writeHead(204).end();

forEachDatabase('Delivering to a service that is in trouble', (kind) => {
  const inOutbox = <T>(work: (database: Database) => Promise<T>) =>
    inWorld(kind, {}, (world) => withLedger(world.config(), ({ database }) => work(database)));

  it('asks nothing more of Discord in a run in which it asked for patience, and waits as told', () =>
    inOutbox(async (database) => {
      let requests = 0;
      const limiting = (response: ServerResponse) => {
        requests += 1;
        if (requests !== 3) return ok(response);
        return response
          .writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' })
          .end('{"retry_after":600.5,"global":false}');
      };
      await queue(database, numbered(150), 'discord');
      await withHook(limiting, async (url) => {
        const run = (nowMs: number) =>
          deliver(database, { channels: [discordChannel(url)], nowMs, chance: () => 0 });
        const first = await run(began);
        assert.deepEqual([first.sent, first.waiting.length, first.dead.length], [2, 148, 0]);
        assert.equal(requests, 3);
        for (const after of [1, 5, 9, 10]) await run(began + after * minute);
        assert.equal(requests, 3);
        assert.equal((await run(began + 11 * minute)).sent, 148);
        assert.equal(requests, 151);
      });
      assert.equal((await outboxCounts(database)).queued, 0);
    }));

  it('leaves a channel that fails three times in a row alone, and serves the others', () =>
    inOutbox(async (database) => {
      await queue(database, numbered(120), 'discord');
      await queue(database, numbered(120), 'webhook');
      await withHook(
        (response) => response.writeHead(503).end(),
        (down, asked) =>
          withHook(ok, async (up, received) => {
            const channels = [discordChannel(down), webhookChannel({ url: up, secret: null })];
            const report = await deliver(database, { channels, nowMs: began });
            assert.deepEqual([report.sent, report.waiting.length], [120, 120]);
            assert.deepEqual([asked.length, received.length], [3, 120]);
          }),
      );
    }));

  it('sends what can be sent, though older messages fail again and again, at every distance of runs', async () => {
    for (const distance of [3 * minute, hour])
      await inOutbox(async (database) => {
        const poisoned = numbered(6);
        await queue(database, poisoned, 'webhook');
        const picky = (response: ServerResponse, { body }: { body: string }) =>
          response.writeHead(poisoned.includes(keyOf(body)) ? 500 : 204).end();
        await withHook(picky, async (url, received) => {
          const channels = [webhookChannel({ url, secret: null })];
          const fine: string[] = [];
          for (let nowMs = began; nowMs < began + 12 * hour; nowMs += distance) {
            if ((nowMs - began) % hour === 0) {
              fine.push(`fine at ${at(nowMs)}`);
              await queue(database, fine.slice(-1), 'webhook', nowMs);
            }
            await deliver(database, { channels, nowMs, chance: () => 0.5 });
          }
          await deliver(database, { channels, nowMs: began + 13 * hour, chance: () => 0.5 });
          const sent = received.map(({ body }) => keyOf(body)).filter((key) => !poisoned.includes(key));
          assert.deepEqual(sent.sort(), fine.sort());
        });
      });
  });

  it('leaves a mail server that never comes to an end, and sends the mail later', () =>
    inOutbox(async (database) => {
      await queue(database, ['a'], 'mail');
      const by = (port: number) => [
        mailChannel(
          { url: `smtp://127.0.0.1:${port}`, ca: null, from: 'rw@example.org', to: 'ops@example.org' },
          { patienceMs: 300_000, limitMs: 2_000 },
        ),
      ];
      await withTarpit(/^DATA/, async (port, left) => {
        const report = await deliver(database, { channels: by(port), nowMs: began });
        assert.deepEqual(report.waiting, [{ channel: 'mail', key: 'a', why: 'it was not sent within 2 s' }]);
        await left;
      });
      await withSmtp({}, async (port, mails) => {
        assert.equal((await deliver(database, { channels: by(port), nowMs: began + hour })).sent, 1);
        assert.equal(mails.length, 1);
      });
    }));

  it('gives up after a day also what it never came to try', () =>
    inOutbox(async (database) => {
      await queue(database, numbered(10), 'webhook');
      await withHook(
        (response) => response.writeHead(503).end(),
        async (url, received) => {
          const channels = [webhookChannel({ url, secret: null })];
          const report = await deliver(database, { channels, nowMs: began + 24 * hour });
          assert.deepEqual([report.dead.length, report.waiting.length], [10, 0]);
          assert.equal(received.length, 3);
        },
      );
      assert.equal(
        (await deadLetters(database, 100)).every(({ error }) => error === 'it answered 503'),
        true,
      );
    }));

  it('survives a service that asks for patience until the end of time', () =>
    inOutbox(async (database) => {
      await queue(database, ['a'], 'webhook');
      const answers = ['{"retry_after":1e300}', '{"retry_after":99999999999}'];
      await withHook(
        (response) => response.writeHead(429, { 'content-type': 'application/json' }).end(answers.shift()),
        async (url) => {
          const channels = [webhookChannel({ url, secret: null })];
          assert.equal((await deliver(database, { channels, nowMs: began })).waiting.length, 1);
          assert.equal((await deliver(database, { channels, nowMs: began + 23 * hour })).waiting.length, 0);
          assert.equal((await deliver(database, { channels, nowMs: began + 24 * hour })).dead.length, 1);
        },
      );
    }));

  it('gives up rows that cannot be read, one by one, and sends the rest', () =>
    inOutbox(async (database) => {
      const whole = aMessage();
      const { logLines: _, ...older } = whole;
      const damaged: Record<string, string> = {
        'no JSON': '{"key":',
        'no object': 'null',
        'an older version': JSON.stringify(older),
        'a gap without a number': JSON.stringify({ ...whole, gaps: [{ roundId: '1' }] }),
        'no moment': JSON.stringify({ ...whole, at: 'yesterday' }),
      };
      await queue(database, [...Object.keys(damaged), 'no creation', 'fine'], 'discord');
      for (const [key, message] of Object.entries(damaged))
        await database.knex('outbox').where({ message_key: key }).update({ message });
      await database.knex('outbox').where({ message_key: 'no creation' }).update({ created_at: 'once' });
      let requests = 0;
      const answer = (response: ServerResponse, { body }: { body: string }) => {
        requests += 1;
        response.writeHead(/no creation/.test(body) ? 500 : 204).end();
      };
      await withHook(answer, async (url) => {
        const report = await deliver(database, { channels: [discordChannel(url)], nowMs: began });
        assert.equal(report.sent, 1);
        const dead = report.dead.map(({ key }) => key).sort();
        assert.deepEqual(dead, [...Object.keys(damaged), 'no creation'].sort());
        assert.equal(requests, 2);
      });
    }));
});
