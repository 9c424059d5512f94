import assert from 'node:assert/strict';
import { type AddressInfo, createServer, connect as tcpConnect } from 'node:net';
import { describe, it } from 'node:test';
import type { SMTPServerOptions } from 'smtp-server';
import { mailChannel, mustEncrypt } from '../../src/alert/mail.ts';
import { type Certificates, skipWithoutOpenssl, withCertificates } from '../certificates.ts';
import { aMessage } from './messages.ts';
import { withSmtp } from './servers.ts';

const password = 'hunter2-on-the-wire';

/** Everything that passes between a client and a port, as text. */
async function overheard<T>(
  port: number,
  work: (port: number, heard: () => string) => Promise<T>,
): Promise<T> {
  let heard = '';
  const server = createServer((client) => {
    const upstream = tcpConnect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (data) => {
        heard += data.toString('latin1');
        to.write(data);
      });
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await work((server.address() as AddressInfo).port, () => heard);
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

const encrypting = ({ key, cert }: Certificates): SMTPServerOptions => ({
  key,
  cert,
  disabledCommands: [],
  authOptional: false,
  onAuth: (given, _, done) => done(null, given.password === password ? { user: 'ann' } : undefined),
});

const settings = (port: number, ca: string | null, query = '', protocol = 'smtp') => ({
  url: `${protocol}://ann:${password}@127.0.0.1:${port}${query}`,
  ca,
  from: 'rw@example.org',
  to: 'ops@example.org',
});

const send = (mail: ReturnType<typeof settings>) => mailChannel(mail, { patienceMs: 5_000 }).send(aMessage());

describe('Mail must be encrypted', () => {
  for (const [url, must] of [
    ['smtp://ann:secret@mail.example.org:587', true],
    ['smtp://ann:secret@127.0.0.1:25', false],
    ['smtp://mail.example.org', false],
    ['smtp://mail.example.org?requireTLS=true', true],
    ['smtp://ann:secret@10.0.0.1?requireTLS=false', false],
  ] as const)
    it(`${must ? '' : 'not '}with ${url}`, () => assert.equal(mustEncrypt(url), must));
});

describe('A mail server with a certificate', { skip: skipWithoutOpenssl }, () => {
  for (const protocol of ['smtp', 'smtps'] as const)
    it(`that SMTP_CA vouches for gets the mail, and no password is overheard (${protocol})`, async () => {
      await withCertificates((certificates) =>
        withSmtp({ ...encrypting(certificates), secure: protocol === 'smtps' }, (port, mails) =>
          overheard(port, async (listened, heard) => {
            const query = protocol === 'smtp' ? '?requireTLS=true' : '';
            const delivery = await send(settings(listened, certificates.ca, query, protocol));
            assert.deepEqual(delivery, { state: 'delivered' });
            assert.equal(mails.length, 1);
            assert.doesNotMatch(heard(), /hunter2|AUTH PLAIN|MAIL FROM:/);
          }),
        ),
      );
    });

  it('that nobody vouches for gets neither the mail nor the password', async () => {
    await withCertificates((certificates) =>
      withSmtp(encrypting(certificates), (port, mails) =>
        overheard(port, async (listened, heard) => {
          const delivery = await send(settings(listened, null, '?requireTLS=true'));
          assert.equal(delivery.state, 'temporary', JSON.stringify(delivery));
          assert.match((delivery as { why: string }).why, /certificate/);
          assert.deepEqual(mails, []);
          assert.doesNotMatch(heard(), /hunter2|AUTH PLAIN/);
        }),
      ),
    );
  });

  it('that offers no encryption where it is wanted gets neither the mail nor the password', async () => {
    await withSmtp(
      { authOptional: false, onAuth: (_, __, done) => done(null, { user: 'ann' }) },
      (port, mails) =>
        overheard(port, async (listened, heard) => {
          const delivery = await send(settings(listened, null, '?requireTLS=true'));
          assert.equal(delivery.state, 'temporary', JSON.stringify(delivery));
          assert.match((delivery as { why: string }).why, /STARTTLS/);
          assert.deepEqual(mails, []);
          assert.match(heard(), /EHLO/);
          assert.doesNotMatch(
            heard(),
            new RegExp(`hunter2|${Buffer.from(`\0ann\0${password}`).toString('base64')}`),
          );
        }),
    );
  });
});
