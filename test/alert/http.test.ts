import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import type { Channel } from '../../src/alert/channel.ts';
import { configuredChannels } from '../../src/alert/channel.ts';
import { channelsOf } from '../../src/alert/channels.ts';
import { discordChannel } from '../../src/alert/discord.ts';
import { webhookChannel } from '../../src/alert/webhook.ts';
import { parseConfig } from '../../src/config.ts';
import { aMessage } from './messages.ts';
import { withHook } from './servers.ts';

/** What comes of a message where a service answers so. */
const answered = (status: number, headers: Record<string, string> = {}, body = '') =>
  withHook(
    (response) => response.writeHead(status, headers).end(body),
    (url) => discordChannel(url).send(aMessage()),
  );

const json = { 'content-type': 'application/json' };

describe('How long a service asks for patience', () => {
  const cases: readonly (readonly [string, Record<string, string>, string, number | undefined])[] = [
    ['a fraction of a second in the body', json, '{"retry_after":0.3}', 300],
    ['the body before the header', { ...json, 'retry-after': '9' }, '{"retry_after":2}', 2_000],
    ['Retry-After', { 'retry-after': '65' }, '', 65_000],
    ['X-RateLimit-Reset-After', { 'x-ratelimit-reset-after': '1.25' }, '', 1_250],
    [
      'Retry-After before X-RateLimit-Reset-After',
      { 'retry-after': '3', 'x-ratelimit-reset-after': '1' },
      '',
      3_000,
    ],
    ['a moment that is over', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, '', 0],
    ['nothing', {}, '', undefined],
    ['an empty header', { 'retry-after': '' }, '', undefined],
    ['a word', { 'retry-after': 'later' }, '{"retry_after":"later"}', undefined],
    ['less than nothing', json, '{"retry_after":-5}', undefined],
    ['a body that is no JSON', json, '{"retry_after":', undefined],
    ['a body that is no object', json, 'null', undefined],
  ];
  for (const [what, headers, body, retryAfterMs] of cases)
    test(`is read of ${what}`, async () => {
      const expected = { state: 'temporary', why: 'it answered 429' };
      assert.deepEqual(
        await answered(429, headers, body),
        retryAfterMs === undefined ? expected : { ...expected, retryAfterMs },
      );
    });

  test('is read of a moment that is to come', async () => {
    const moment = new Date(Date.now() + 3_600_000).toUTCString();
    const delivery = await answered(429, { 'retry-after': moment });
    assert.equal(delivery.state, 'temporary');
    const { retryAfterMs = 0 } = delivery as { retryAfterMs?: number };
    assert.equal(retryAfterMs > 0 && retryAfterMs <= 3_600_000, true, String(retryAfterMs));
  });
});

describe('A refusal', () => {
  test('is said with what the service says of it', async () => {
    assert.deepEqual(await answered(404, json, '{"message":"Unknown Webhook","code":10015}'), {
      state: 'permanent',
      why: 'it answered 404: Unknown Webhook',
    });
  });

  test('shows no token, no query and no password, though the service quotes them', () =>
    withHook(
      (response, { path }) =>
        response
          .writeHead(404, json)
          .end(JSON.stringify({ message: `no ${path} ${decodeURIComponent(path)}` })),
      async (url) => {
        const address = `${url}/a%20token?key=hunter2key`;
        for (const channel of [discordChannel(address), webhookChannel({ url: address, secret: null })])
          assert.doesNotMatch(
            JSON.stringify(await channel.send(aMessage())),
            /s3cret|a%20token|a token|hunter2/,
          );
      },
    ));

  for (const [status, state] of [
    [404, 'permanent'],
    [503, 'temporary'],
  ] as const)
    test(`with ${status} whose text has no end is not read to its end`, () =>
      withHook(
        (response) => {
          const more = () => {
            while (!response.destroyed && response.write('x'.repeat(65_536)));
          };
          response.writeHead(status, json).on('drain', more);
          more();
        },
        async (url) => {
          const delivery = await discordChannel(url, { patienceMs: 60_000 }).send(aMessage());
          assert.deepEqual(delivery, { state, why: `it answered ${status}` });
        },
      ));
});

describe('An answer that comes byte by byte, without an end,', () => {
  /** Writes `head` at once and then one byte more again and again, until its client goes. */
  async function dribbled(head: string, patienceMs: number) {
    const server = createServer((socket) => {
      const more = setInterval(() => socket.write('x'), 20);
      socket.on('error', () => undefined).on('close', () => clearInterval(more));
      socket.write(head);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const delivery = await discordChannel(`http://127.0.0.1:${port}/`, { patienceMs }).send(aMessage());
    server.close();
    await once(server, 'close');
    return delivery;
  }

  const headers = 'Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n';
  const cases: readonly (readonly [string, string, object])[] = [
    ['in its head', 'HTTP/1.1 200 OK\r\nX-Long: ', { state: 'temporary', why: 'no answer within 2 s' }],
    [
      'in the text of a fault',
      `HTTP/1.1 503 Busy\r\n${headers}`,
      { state: 'temporary', why: 'it answered 503' },
    ],
    [
      'in the text of a refusal',
      `HTTP/1.1 404 Gone\r\n${headers}`,
      { state: 'permanent', why: 'it answered 404' },
    ],
    ['in the text of a success', `HTTP/1.1 200 OK\r\n${headers}`, { state: 'delivered' }],
  ];
  for (const [where, head, expected] of cases)
    test(`${where}, is left when its time is over`, async () => {
      assert.deepEqual(await dribbled(head, 2_000), expected);
    });
});

describe('A fault of the network is temporary and shows nothing of the address', () => {
  const addresses = (port: number) => [
    `http://127.0.0.1:${port}/api/webhooks/1/s3cret-token`,
    `http://127.0.0.1:${port}/?token=s3cret-token`,
    `http://ann:s3cret-token@127.0.0.1:${port}/`,
    'http://127.0.0.1:9/s3cret-token',
    'http://nobody.invalid/s3cret-token',
    `http://ann:%zz-s3cret-token@127.0.0.1:${port}/`,
  ];
  const channelsAt = (url: string): Channel[] => [
    discordChannel(url, { patienceMs: 5_000 }),
    webhookChannel({ url, secret: 's3cret-key' }, { patienceMs: 5_000 }),
  ];
  const wrong: readonly (readonly [string, (socket: import('node:net').Socket) => void])[] = [
    ['closes at once', (socket) => socket.destroy()],
    ['speaks no HTTP', (socket) => socket.end('220 mail.example.org ESMTP\r\n')],
    ['closes in the middle of the head', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
  ];
  for (const [what, serve] of wrong)
    test(`where the server ${what}`, async () => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        serve(socket);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      for (const url of addresses(port))
        for (const channel of channelsAt(url)) {
          const delivery = await channel.send(aMessage());
          assert.equal(delivery.state, 'temporary', JSON.stringify(delivery));
          assert.doesNotMatch(JSON.stringify(delivery), /s3cret/);
        }
      server.close();
    });
});

describe('A request', () => {
  const ok = (response: ServerResponse) => response.writeHead(204).end();

  test('to Discord waits until the message is kept, and keeps the thread that it is for', () =>
    withHook(ok, async (url, received) => {
      await discordChannel(`${url}?thread_id=7`).send(aMessage());
      assert.equal(received[0]!.path, '/api/webhooks/1/s3cret-token?thread_id=7&wait=true');
    }));

  test('carries the user of an address as its login, not in its address', () =>
    withHook(ok, async (url, received) => {
      const address = url.replace('http://', 'http://ann:p%40ss@');
      const delivery = await webhookChannel({ url: address, secret: null }).send(aMessage());
      assert.deepEqual(delivery, { state: 'delivered' });
      const login = Buffer.from('ann:p@ss').toString('base64');
      assert.equal(received[0]!.headers.authorization, `Basic ${login}`);
    }));

  test('is sent for any key', () =>
    withHook(ok, async (url, received) => {
      for (const key of ['a\r\nX-Evil: 1', 'a\ud800', 'žvižg 🎮', '100 %'])
        assert.deepEqual(await webhookChannel({ url, secret: null }).send(aMessage({ key })), {
          state: 'delivered',
        });
      assert.equal(
        received.some(({ headers }) => 'x-evil' in headers),
        false,
      );
    }));

  test('that is redirected goes nowhere else', () =>
    withHook(ok, (elsewhere, there) =>
      withHook(
        (response) => response.writeHead(307, { location: elsewhere }).end(),
        async (url) => {
          assert.equal((await discordChannel(url).send(aMessage())).state, 'permanent');
          assert.deepEqual(there, []);
        },
      ),
    ));
});

test('channelsOf() makes the channels that configuredChannels() names, none where nothing is set', () => {
  const all = {
    DISCORD_WEBHOOK_URL: 'https://discord.com/api/webhooks/1/t',
    SMTP_URL: 'smtp://127.0.0.1',
    MAIL_FROM: 'rw@example.org',
    MAIL_TO: 'ops@example.org',
    ALERT_WEBHOOK_URL: 'https://example.org/',
  };
  const { SMTP_URL: _, MAIL_FROM: __, MAIL_TO: ___, ...hooks } = all;
  for (const [settings, names] of [
    [all, ['discord', 'mail', 'webhook']],
    [hooks, ['discord', 'webhook']],
    [{}, []],
  ] as const) {
    const config = parseConfig(settings);
    assert.deepEqual(
      channelsOf(config).map(({ name }) => name),
      names,
    );
    assert.deepEqual(configuredChannels(config), names);
  }
});
