import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Channel } from '../../src/alert/channel.ts';
import { discordBody, discordChannel, limits } from '../../src/alert/discord.ts';
import { mailChannel, mailHtml, mailText } from '../../src/alert/mail.ts';
import { signature, webhookBody, webhookChannel } from '../../src/alert/webhook.ts';
import { aGap, aMessage, hostile, hostileMessage, secretAddress } from './messages.ts';
import { readMail, refusingPort, withHook, withSmtp } from './servers.ts';

interface Embed {
  title: string;
  description: string;
  fields: { name: string; value: string }[];
  footer: { text: string };
}
const embedOf = (body: object): Embed => (body as { embeds: Embed[] }).embeds[0]!;

/** What Discord refuses, as it says it. */
function discordFaults(body: string): string[] {
  const { title, description, fields, footer } = embedOf(JSON.parse(body));
  const all = [title, description, footer.text, ...fields.flatMap(({ name, value }) => [name, value])];
  const checks: [boolean, string][] = [
    [title.length > limits.title, 'title'],
    [description.length > limits.description, 'description'],
    [footer.text.length > limits.footer, 'footer'],
    [fields.length > limits.fields, 'fields'],
    [fields.some(({ name, value }) => name === '' || value === ''), 'empty field'],
    [
      fields.some(({ name, value }) => name.length > limits.fieldName || value.length > limits.fieldValue),
      'field',
    ],
    [all.reduce((sum, text) => sum + text.length, 0) > limits.message, 'message'],
  ];
  return checks.flatMap(([wrong, what]) => (wrong ? [what] : []));
}

/** Answers as Discord does: 400 where a limit is exceeded, else 204. */
const likeDiscord = (response: ServerResponse, { body }: { body: string }) => {
  const faults = discordFaults(body);
  response.writeHead(faults.length === 0 ? 204 : 400, { 'content-type': 'application/json' });
  response.end(faults.length === 0 ? undefined : JSON.stringify({ faults }));
};

const answering =
  (status: number, headers: Record<string, string> = {}, body = '') =>
  (response: ServerResponse) => {
    response.writeHead(status, headers);
    response.end(body);
  };

const json = { 'content-type': 'application/json' };
const hooks: readonly [string, (url: string, patienceMs?: number) => Channel][] = [
  ['discord', (url, patienceMs) => discordChannel(url, { patienceMs })],
  ['webhook', (url, patienceMs) => webhookChannel({ url, secret: 's' }, { patienceMs })],
];

for (const [name, channelAt] of hooks)
  describe(`The ${name} channel`, () => {
    const answers: readonly [string, (response: ServerResponse) => void, object][] = [
      ['204', answering(204), { state: 'delivered' }],
      ['200', answering(200, json, '{}'), { state: 'delivered' }],
      ['404', answering(404), { state: 'permanent', why: 'it answered 404' }],
      ['401', answering(401), { state: 'permanent', why: 'it answered 401' }],
      ['400', answering(400), { state: 'permanent', why: 'it answered 400' }],
      [
        'a redirect',
        answering(302, { location: 'http://127.0.0.1:9/' }),
        { state: 'permanent', why: 'it answered 302' },
      ],
      ['500', answering(500), { state: 'temporary', why: 'it answered 500' }],
      [
        '429 with retry_after in the body',
        answering(429, json, '{"retry_after": 1.337, "global": false}'),
        { state: 'temporary', why: 'it answered 429', retryAfterMs: 1337 },
      ],
      [
        '429 with Retry-After',
        answering(429, { 'retry-after': '65' }),
        { state: 'temporary', why: 'it answered 429', retryAfterMs: 65_000 },
      ],
      ['408', answering(408), { state: 'temporary', why: 'it answered 408' }],
    ];
    for (const [what, answer, expected] of answers)
      test(`makes of ${what}: ${JSON.stringify(expected)}`, () =>
        withHook(answer, async (url) => {
          assert.deepEqual(await channelAt(url).send(aMessage()), expected);
        }));

    test('tries again later where nobody listens, the connection is cut, or no answer comes in time', async () => {
      const nobody = await channelAt(`http://127.0.0.1:${await refusingPort()}/s3cret-token`).send(
        aMessage(),
      );
      const cut = await withHook(
        (response) => response.destroy(),
        (url) => channelAt(url).send(aMessage()),
      );
      const slow = await withHook(
        () => undefined,
        (url) => channelAt(url, 200).send(aMessage()),
      );
      for (const delivery of [nobody, cut, slow]) {
        assert.equal(delivery.state, 'temporary');
        assert.doesNotMatch(JSON.stringify(delivery), /s3cret/);
      }
    });
  });

describe('A message to Discord', () => {
  test('keeps every limit, however much there is to say', () =>
    withHook(likeDiscord, async (url, received) => {
      const many = Array.from({ length: 60 }, (_, at) =>
        aGap({ roundId: at, because: 'why '.repeat(at * 20) }),
      );
      const logLines = Array.from({ length: 30 }, (_, line) => ({
        file: 'w',
        line,
        text: 'x'.repeat(line * 30),
      }));
      const long = aMessage({ title: '*'.repeat(900), text: 'y'.repeat(9_000), gaps: many, logLines });
      assert.deepEqual(await discordChannel(url).send(long), { state: 'delivered' });
      const { fields } = embedOf(JSON.parse(received[0]!.body));
      assert.match(fields.map(({ name }) => name).join(), /and \d+ more/);
    }));

  test('keeps every limit for any text (property)', () => {
    const text = fc.string({ unit: 'binary', maxLength: 3_000 });
    fc.assert(
      fc.property(text, text, text, fc.nat(40), (one, two, three, count) => {
        const gaps = Array.from({ length: count }, () => aGap({ map: one, because: two, played: three }));
        const logLines = Array.from({ length: count }, (_, line) => ({ file: 'w', line, text: three }));
        const body = discordBody(aMessage({ title: one, text: two, command: three, gaps, logLines }));
        return discordFaults(JSON.stringify(body)).length === 0;
      }),
      { numRuns: 200 },
    );
  });

  test('names the round, and mentions nobody', () => {
    const body = discordBody(aMessage());
    assert.deepEqual((body as { allowed_mentions: object }).allowed_mentions, { parse: [] });
    const { title, fields, footer } = embedOf(body);
    assert.match(title, /etl\\_adlernest R2/);
    assert.match(fields[0]!.value, /round 9856, match 2026-02-16-212030, session 89/);
    assert.match(footer.text, /^ledger head: 52 a{64}$/);
  });
});

describe('Names of the game', () => {
  for (const name of hostile)
    test(`arrive harmless in every channel: ${JSON.stringify(name)}`, async () => {
      const message = hostileMessage(name);
      const discord = embedOf(discordBody(message));
      const texts = [discord.title, discord.description, ...discord.fields.flatMap((f) => [f.name, f.value])];
      for (const text of texts) {
        const outside = text.replace(/\\./g, '').replace(/```[\s\S]*?```|`[^`]*`/g, '');
        assert.doesNotMatch(outside, /@(everyone|here)|<@|[`*_]/, text);
        assert.equal((text.replace(/\\./g, '').match(/`/g) ?? []).length % 2, 0, text);
      }
      const html = mailHtml(message);
      assert.doesNotMatch(html, /<(b|script)>/i);
      const all = [JSON.stringify(discord), html, mailText(message), webhookBody(message)];
      for (const text of all) {
        assert.doesNotMatch(text, /secret_token/);
        assert.doesNotMatch(text, /\u202e|\\u202e/);
        assert.doesNotMatch(text, /^(Bcc:|=)/m);
      }
    });

  test('reach a mailbox as a subject of one line, and no further receiver', () =>
    withSmtp({}, async (port, mails) => {
      const mail = {
        url: `smtp://127.0.0.1:${port}`,
        ca: null,
        from: 'rw@example.org',
        to: 'ops@example.org',
      };
      for (const name of hostile)
        assert.deepEqual(await mailChannel(mail).send(hostileMessage(name)), { state: 'delivered' });
      assert.equal(mails.length, hostile.length);
      for (const one of mails) {
        assert.deepEqual(one.to, ['ops@example.org']);
        const { headers, text, html } = readMail(one);
        assert.equal(headers.has('bcc'), false);
        assert.doesNotMatch(one.raw, /secret_token/);
        assert.match(text, /roundwarden explain 9856/);
        assert.match(html, /<h1/);
      }
    }));
});

describe('A mail', () => {
  const at = (port: number, user = '') => ({
    url: `smtp://${user}127.0.0.1:${port}`,
    ca: null,
    from: 'Roundwarden <rw@example.org>',
    to: 'ops@example.org',
  });

  test('says in text and in HTML what is missing, where to look, and the head of the ledger', () =>
    withSmtp({}, async (port, mails) => {
      await mailChannel(at(port)).send(aMessage());
      const { headers, text, html } = readMail(mails[0]!);
      assert.match(headers.get('subject')!, /^\[production\] 1 round without a capture/);
      assert.equal(headers.get('auto-submitted'), 'auto-generated');
      for (const part of [text, html]) {
        assert.match(part, /etl_adlernest R2/);
        assert.match(part, /round 9856, match 2026-02-16-212030, session 89/);
        assert.match(part, /module_crashed: bad argument #9/);
        assert.match(part, /Webhook trigger validated/);
        assert.match(part, /ledger head: 52 a{64}/);
      }
    }));

  test('has the same Message-ID each time it is sent, and another message another one', () =>
    withSmtp({}, async (port, mails) => {
      for (const message of [aMessage(), aMessage(), aMessage({ key: 'other' })])
        await mailChannel(at(port)).send(message);
      const ids = mails.map((mail) => readMail(mail).headers.get('message-id'));
      assert.equal(ids[0], ids[1]);
      assert.notEqual(ids[0], ids[2]);
    }));

  const refusing = (responseCode: number) => ({
    onRcptTo: (_: unknown, __: unknown, done: (fault: Error) => void) =>
      done(Object.assign(new Error('not here'), { responseCode })),
  });
  for (const [code, state] of [
    [550, 'permanent'],
    [451, 'temporary'],
  ] as const)
    test(`refused with ${code} is ${state}`, () =>
      withSmtp(refusing(code), async (port) => {
        assert.equal((await mailChannel(at(port)).send(aMessage())).state, state);
      }));

  test('is tried again where the login is refused or nobody listens, and shows no password', async () => {
    const refused = await withSmtp(
      { authOptional: false, onAuth: (_, __, done) => done(new Error('wrong hunter2')) },
      (port) => mailChannel(at(port, 'ann:hunter2@')).send(aMessage()),
    );
    const nobody = await mailChannel(at(await refusingPort(), 'ann:hunter2@')).send(aMessage());
    for (const delivery of [refused, nobody]) {
      assert.equal(delivery.state, 'temporary');
      assert.doesNotMatch(JSON.stringify(delivery), /hunter2/);
    }
  });

  test('is tried again where the server says nothing', () =>
    withSmtp({ onConnect: () => undefined }, async (port) => {
      const delivery = await mailChannel(at(port), { patienceMs: 300 }).send(aMessage());
      assert.equal(delivery.state, 'temporary');
    }));
});

describe('A signed webhook', () => {
  test('can be checked by whoever has the secret, and carries its key', () =>
    withHook(answering(200), async (url, received) => {
      await webhookChannel({ url, secret: 'hunter2' }).send(aMessage());
      const [{ headers, body }] = received as [(typeof received)[number]];
      const timestamp = String(headers['x-roundwarden-timestamp']);
      assert.equal(headers['x-roundwarden-signature'], `sha256=${signature('hunter2', timestamp, body)}`);
      assert.notEqual(signature('hunter2', timestamp, `${body} `), signature('hunter2', timestamp, body));
      assert.equal(decodeURIComponent(String(headers['idempotency-key'])), aMessage().key);
      assert.deepEqual(JSON.parse(body), aMessage());
    }));

  test('is not signed without a secret', () =>
    withHook(answering(200), async (url, received) => {
      await webhookChannel({ url, secret: null }).send(aMessage());
      assert.equal(received[0]!.headers['x-roundwarden-signature'], undefined);
      assert.equal(secretAddress.startsWith('https://'), true);
    }));
});
