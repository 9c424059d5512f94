import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import type { SMTPServerOptions } from 'smtp-server';
import { mailChannel } from '../../src/alert/mail.ts';
import { aGap, aMessage } from './messages.ts';
import { readMail, withSmtp, withTarpit } from './servers.ts';

const password = 'hunter2&more';
const at = (port: number, given: { login?: boolean; to?: string; query?: string } = {}) => ({
  url: `smtp://${given.login ? `ann:${encodeURIComponent(password)}@` : ''}127.0.0.1:${port}${given.query ?? ''}`,
  ca: null,
  from: 'Roundwarden <rw@example.org>',
  to: given.to ?? 'ops@example.org',
});

type Done = (fault?: Error | null) => void;
const fault = (responseCode: number, text = 'not now') => Object.assign(new Error(text), { responseCode });
const sent = (options: SMTPServerOptions, given: Parameters<typeof at>[1] = {}) =>
  withSmtp(options, async (port, mails) => ({
    delivery: await mailChannel(at(port, given), { patienceMs: 2_000 }).send(aMessage()),
    mails,
  }));

describe('A mail server that', () => {
  const onData = (code: number) => (stream: NodeJS.ReadableStream, _: unknown, done: Done) => {
    stream.resume();
    stream.on('end', () => done(fault(code)));
  };
  const cases: readonly (readonly [string, SMTPServerOptions, 'temporary' | 'permanent'])[] = [
    ['refuses the sender for good', { onMailFrom: (_, __, done) => done(fault(550)) }, 'permanent'],
    ['refuses the sender for now', { onMailFrom: (_, __, done) => done(fault(451)) }, 'temporary'],
    ['refuses the content for good', { onData: onData(554) }, 'permanent'],
    ['refuses the content for now', { onData: onData(452) }, 'temporary'],
    ['greets with 421', { onConnect: (_, done) => done(fault(421)) }, 'temporary'],
    ['greets with 554', { onConnect: (_, done) => done(fault(554)) }, 'permanent'],
    ['wants a login that is not set', { authOptional: false }, 'temporary'],
  ];
  for (const [what, options, state] of cases)
    test(`${what} makes it ${state}`, async () => {
      const { delivery, mails } = await sent(options);
      assert.equal(delivery.state, state, JSON.stringify(delivery));
      assert.deepEqual(mails, []);
    });

  test('refuses the login makes it temporary, also with 5xx, and no form of the password is shown', async () => {
    const plain = Buffer.from(`\u0000ann\u0000${password}`).toString('base64');
    const said = [password, encodeURIComponent(password), Buffer.from(password).toString('base64'), plain];
    const { delivery } = await sent(
      { authOptional: false, onAuth: (_, __, done) => done(fault(535, `no login with ${said.join(' ')}`)) },
      { login: true },
    );
    assert.equal(delivery.state, 'temporary');
    const { why } = delivery as { why: string };
    assert.match(why, /no login with/);
    for (const form of said) assert.equal(why.includes(form), false, why);
  });

  test('takes the login gets the mail', async () => {
    const { delivery, mails } = await sent(
      {
        authOptional: false,
        onAuth: ({ username, password: given }, _, done) =>
          given === password ? done(null, { user: username }) : done(fault(535)),
      },
      { login: true },
    );
    assert.deepEqual(delivery, { state: 'delivered' });
    assert.equal(mails.length, 1);
  });

  test('takes it for some receivers only has it once, and who is missing is said', async () => {
    for (const code of [550, 451]) {
      const { delivery, mails } = await sent(
        {
          onRcptTo: ({ address }, _, done) =>
            address === 'gone@example.org' ? done(fault(code, 'no such user')) : done(),
        },
        { to: 'ops@example.org, gone@example.org' },
      );
      assert.equal(delivery.state, 'permanent');
      assert.match((delivery as { why: string }).why, /not to gone@example\.org: .*no such user/);
      assert.equal(mails.length, 1);
    }
  });

  test('offers encryption with a certificate that nobody vouches for gets nothing', async () => {
    const { delivery, mails } = await sent({ disabledCommands: [] });
    assert.equal(delivery.state, 'temporary');
    assert.deepEqual(mails, []);
  });

  test('offers encryption gets the mail encrypted, where the operator trusts its certificate', async () => {
    const encrypted: boolean[] = [];
    const onData: SMTPServerOptions['onData'] = (stream, session, done) => {
      encrypted.push(session.secure);
      stream.on('end', done).resume();
    };
    const query = '?tls.rejectUnauthorized=false';
    const { delivery } = await sent({ disabledCommands: [], onData }, { query });
    assert.deepEqual(delivery, { state: 'delivered' });
    assert.deepEqual(encrypted, [true]);
  });

  for (const [what, text] of [
    ['closes at once', ''],
    ['speaks no SMTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['closes after its greeting', '220 here\r\n'],
  ] as const)
    test(`${what} makes it temporary`, async () => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.end(text);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const delivery = await mailChannel(at(port, { login: true }), { patienceMs: 2_000 }).send(aMessage());
      assert.equal(delivery.state, 'temporary', JSON.stringify(delivery));
      server.close();
    });
});

describe('A mail server that says one line more, again and again,', () => {
  const phases: readonly (readonly [string, RegExp | ''])[] = [
    ['of its greeting', ''],
    ['of what it can do', /^EHLO/],
    ['about the sender', /^MAIL/],
    ['about the content', /^\.$/],
  ];
  for (const [what, stuckAt] of phases)
    test(`${what} is left at the limit of one mail, and the mail is tried again`, () =>
      withTarpit(stuckAt, async (port, left) => {
        // Its silence would be waited for much longer, and it is never silent.
        const limits = { patienceMs: 300_000, limitMs: 2_000 };
        const delivery = await mailChannel(at(port), limits).send(aMessage());
        assert.deepEqual(delivery, { state: 'temporary', why: 'it was not sent within 2 s' });
        await left;
      }));
});

describe('A mail', () => {
  test('with an address that cannot be read is temporary, and shows no password', async () => {
    const mail = { ...at(25), url: 'smtp://ann:%zz-hunter2@127.0.0.1:1' };
    const delivery = await mailChannel(mail).send(aMessage());
    assert.equal(delivery.state, 'temporary');
    assert.doesNotMatch(JSON.stringify(delivery), /hunter2/);
  });

  test('has one subject, one sender and one key, whatever the title and the key hold', () =>
    withSmtp({}, async (port, mails) => {
      const title = 'a\r\nBcc: victim@example.org\r\n\r\nbody ž 🎮\u202e';
      const key = `k\r\nX-Evil: 1 ${'é'.repeat(400)}\ud800`;
      assert.deepEqual(await mailChannel(at(port)).send(aMessage({ title, key })), { state: 'delivered' });
      const [mail] = mails;
      assert.deepEqual(mail!.to, ['ops@example.org']);
      const { headers } = readMail(mail!);
      assert.deepEqual([headers.has('bcc'), headers.has('x-evil')], [false, false]);
      const told = headers.get('x-roundwarden-key')!.replaceAll(' ', '');
      assert.equal(decodeURIComponent(told), key.toWellFormed());
      assert.match(headers.get('message-id')!, /^<[0-9a-f]{32}@roundwarden>$/);
    }));

  test('has no line and no item that a table would take for a formula', () =>
    withSmtp({}, async (port, mails) => {
      const gap = aGap({ map: '=SUM(A1)', because: '=SUM(A1)', matchId: '=SUM(A1)', played: '=SUM(A1)' });
      await mailChannel(at(port)).send(aMessage({ gaps: [gap] }));
      const { text, html } = readMail(mails[0]!);
      assert.match(text, /SUM\(A1\)/);
      assert.doesNotMatch(text, /^\s*[=+@]/m);
      assert.doesNotMatch(html, /<(?:li|td|p|h1)[^>]*>(?:<[^>]*>)*\s*[=+@]/);
    }));
});
