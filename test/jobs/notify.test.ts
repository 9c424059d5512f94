import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import type { NotifyResult } from '../../jobs/notify.ts';
import { withLedger } from '../../src/context.ts';
import { enqueue } from '../../src/ledger/outbox.ts';
import { aMessage } from '../alert/messages.ts';
import { readMail, refusingPort, withHook, withSmtp } from '../alert/servers.ts';
import { type Ended, runCommand, type Scene, withScene, withSettings } from '../failure/scene.ts';

const secret = 'a-secret-to-sign-with';
const mailTo = (port: number) => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  MAIL_FROM: 'Roundwarden <rw@example.org>',
  MAIL_TO: 'ops@example.org',
});

const inScene = (work: (scene: Scene) => Promise<void>) => withScene({ source: 'sqlite' }, work);
const notify = (scene: Scene, settings: Record<string, string>, ...options: string[]) =>
  runCommand(withSettings(scene, settings), ['notify', ...options]);

/** An alert on its way, as an audit leaves it. */
const queue = (scene: Scene, channel: string) =>
  withLedger(scene.config, ({ database }) =>
    enqueue(database, [aMessage()], [channel], new Date().toISOString()),
  );

function resultOf({ stdout, stderr }: Ended): NotifyResult {
  assert.equal(stderr, '');
  return JSON.parse(stdout) as NotifyResult;
}

describe('roundwarden notify', () => {
  test('--test sends one message through every channel, signed, and exits 0', () =>
    inScene((scene) =>
      withSmtp({}, (port, mails) =>
        withHook(
          (response) => response.writeHead(200).end('{}'),
          async (url, received) => {
            const settings = {
              ...mailTo(port),
              DISCORD_WEBHOOK_URL: url,
              ALERT_WEBHOOK_URL: `${url}/plain`,
              ALERT_WEBHOOK_SECRET: secret,
            };
            const ended = await notify(scene, settings, '--test');
            assert.equal(ended.code, 0, ended.stderr);
            assert.equal(
              ended.stdout,
              `${['discord', 'mail', 'webhook'].map((name) => `${name}: the test was delivered\n`).join('')}0 sent now; 0 waiting, 0 sent in all, 0 given up\n`,
            );
            assert.equal(mails.length, 1);
            assert.match(readMail(mails[0]!).headers.get('subject')!, /test/);
            assert.equal(received.length, 2);
            const plain = received.find(({ path }) => path.endsWith('/plain'))!;
            const signed = `${plain.headers['x-roundwarden-timestamp']}.${plain.body}`;
            const expected = createHmac('sha256', secret).update(signed).digest('hex');
            assert.equal(plain.headers['x-roundwarden-signature'], `sha256=${expected}`);
          },
        ),
      ),
    ));

  test('--test exits 2 where no channel is set up, and says what to set', () =>
    inScene(async (scene) => {
      const ended = await notify(scene, {}, '--test');
      assert.equal(ended.code, 2);
      assert.match(ended.stderr, /DISCORD_WEBHOOK_URL/);
    }));

  test('exits 0 where there is nothing to say, with and without a channel', () =>
    inScene(async (scene) => {
      assert.equal((await notify(scene, {})).code, 0);
      const ended = await notify(scene, { ALERT_WEBHOOK_URL: 'http://127.0.0.1:9/' }, '--json');
      assert.equal(ended.code, 0);
      const { counts } = resultOf(ended);
      assert.deepEqual(counts, { queued: 0, sent: 0, dead: 0, oldestQueuedAt: null });
    }));

  test('--test that fails says so, exits 3, and is not sent later by surprise', () =>
    inScene(async (scene) => {
      for (const [status, state] of [
        [503, 'temporary'],
        [404, 'permanent'],
      ] as const)
        await withHook(
          (response) => response.writeHead(status).end(),
          async (url, received) => {
            const settings = { DISCORD_WEBHOOK_URL: url };
            const told = await notify(scene, settings, '--test');
            assert.equal(told.code, 3);
            const why = `it answered ${status}`;
            assert.match(
              told.stdout,
              new RegExp(`^discord: the test was not delivered, and is not sent again: ${why}$`, 'm'),
            );
            const ended = await notify(scene, settings, '--test', '--json');
            assert.equal(ended.code, 3);
            const { tested, counts } = resultOf(ended);
            assert.deepEqual(tested, [{ channel: 'discord', state, why }]);
            assert.deepEqual([counts.queued, counts.sent, counts.dead], [0, 0, 0]);
            assert.equal((await notify(scene, settings, '--retry-dead')).code, 0);
            assert.equal(received.length, 2);
          },
        );
    }));

  test('--test of one channel that fails does not keep the others from theirs, nor what is queued', () =>
    inScene((scene) =>
      withHook(
        (response, { path }) => response.writeHead(path.endsWith('/plain') ? 204 : 404).end(),
        async (url) => {
          await queue(scene, 'webhook');
          const settings = { DISCORD_WEBHOOK_URL: url, ALERT_WEBHOOK_URL: `${url}/plain` };
          const ended = await notify(scene, settings, '--test', '--json');
          assert.equal(ended.code, 3);
          const { tested, report } = resultOf(ended);
          assert.deepEqual(
            tested.map(({ channel, state }) => [channel, state]),
            [
              ['discord', 'permanent'],
              ['webhook', 'delivered'],
            ],
          );
          assert.equal(report.sent, 1);
        },
      ),
    ));

  test('exits 3 where a channel cannot be reached, and shows no address', () =>
    inScene(async (scene) => {
      const settings = { DISCORD_WEBHOOK_URL: `http://127.0.0.1:${await refusingPort()}/s3cret-token` };
      await queue(scene, 'discord');
      const ended = await notify(scene, settings, '--json');
      assert.equal(ended.code, 3);
      const { report, counts } = resultOf(ended);
      assert.equal(report.waiting[0]!.why, 'no answer (ECONNREFUSED)');
      assert.deepEqual([counts.queued, counts.dead], [1, 0]);
      assert.doesNotMatch(ended.stdout, /s3cret/);
    }));

  test('exits 3 as long as something is given up, and --retry-dead sends it once the service is back', () =>
    inScene(async (scene) => {
      let status = 404;
      await withHook(
        (response) => response.writeHead(status).end(),
        async (url, received) => {
          const settings = { DISCORD_WEBHOOK_URL: url };
          await queue(scene, 'discord');
          const refused = await notify(scene, settings);
          assert.equal(refused.code, 3);
          assert.match(refused.stdout, /given up \(`roundwarden notify --retry-dead`/);
          assert.match(refused.stdout, /it answered 404/);
          assert.equal((await notify(scene, settings)).code, 3);
          assert.equal(received.length, 1);
          status = 204;
          const retried = await notify(scene, settings, '--retry-dead', '--json');
          assert.equal(retried.code, 0);
          assert.deepEqual(resultOf(retried).dead, []);
          assert.equal(received.length, 2);
          assert.equal(received[0]!.body, received[1]!.body);
          assert.doesNotMatch(refused.stdout + refused.stderr, /s3cret/);
        },
      );
    }));
});
