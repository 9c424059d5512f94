import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import type { SMTPServerAuthentication } from 'smtp-server';
import { isSecret, settingNames } from '../../src/config.ts';
import { newKey } from '../../src/ledger/checkpoint-key.ts';
import { type Received, refusingPort, withHook, withSmtp } from '../alert/servers.ts';
import {
  type Ended,
  type Environment,
  runCommand,
  type Scene,
  startCommand,
  withScene,
  withSettings,
} from './scene.ts';

/** A secret that stands nowhere else, with what an address has to escape in it. */
const secretOf = (what: string) => `planted-${what}-p%40ss/w0rd`.replace('/', '%2F');

/** How a secret may be written: as it stands, decoded, and in base64 at any offset of three bytes. */
function spellings(secret: string): string[] {
  const plain = decodeURIComponent(secret);
  const encoded = [plain, secret].flatMap((text) =>
    [0, 1, 2].map((offset) => {
      const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
      // The ends depend on the neighbours.
      return bytes.toString('base64').slice(4, -4);
    }),
  );
  return [secret, plain, encodeURIComponent(plain), ...encoded];
}

const signing = newKey('planted.example');

const secrets = {
  source: secretOf('source'),
  revert: secretOf('revert'),
  read: secretOf('read'),
  fleet: secretOf('fleet'),
  ledger: secretOf('ledger'),
  discord: secretOf('discord'),
  smtp: secretOf('smtp'),
  webhook: secretOf('webhook'),
  signature: secretOf('signature'),
  token: secretOf('token'),
  heartbeat: secretOf('heartbeat'),
  passphrase: secretOf('passphrase'),
  userKey: secretOf('userKey'),
  // what follows PRIVATE+KEY+NAME+ID+: base64, which may hold a + of its own
  signingKey: signing.privateText.split('+').slice(4).join('+'),
};

/** Where a secret was found, of all that was written. */
class Written {
  readonly texts: [place: string, bytes: Buffer][] = [];

  add(place: string, text: string | Buffer): void {
    this.texts.push([place, Buffer.from(text)]);
  }

  addFiles(directory: string): void {
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      const path = join(directory, name);
      if (statSync(path).isFile()) this.add(path, readFileSync(path));
    }
  }

  found(): string[] {
    const all = Object.entries(secrets).flatMap(([name, secret]) =>
      spellings(secret).map((spelling) => ({ name, bytes: Buffer.from(spelling) })),
    );
    return this.texts.flatMap(([place, bytes]) =>
      all
        .filter((one) => bytes.includes(one.bytes))
        .map(({ name }) => `${name} in ${place}: ${excerpt(bytes, name)}`),
    );
  }
}

function excerpt(bytes: Buffer, name: string): string {
  const at = bytes.indexOf(`planted-${name}`);
  return JSON.stringify(bytes.subarray(Math.max(0, at - 80), at + 60).toString('latin1'));
}

const commands: readonly (readonly string[])[] = [
  ['audit', '--all'],
  ['audit', '--json'],
  ['plan', '--json'],
  ['explain', '9856'],
  ['incidents', 'list', '--all', '--json'],
  ['ledger', 'verify', '--json'],
  ['ledger', 'head'],
  ['ledger', 'tail'],
  ['ledger', 'export'],
  ['ledger', 'checkpoint'],
  ['ledger', 'prove', '1'],
  ['report', '--date', '2026-02-16'],
  ['report', '--send', '--date', '2026-02-15'],
  ['notify', '--test'],
  ['notify', '--retry-dead'],
  ['revert', '999999'],
  ['doctor'],
  ['doctor', '--json'],
  ['migrate'],
  ['backup', '--json'],
];

/** What fails without the one or the other database. */
const ofTheSource = commands
  .filter(([name = '']) => ['explain', 'report', 'doctor'].includes(name))
  .slice(0, 4);
const ofTheLedger: typeof commands = [['audit'], ['ledger', 'verify'], ['doctor', '--json'], ['notify']];

/** Runs commands, and keeps what it says and what `ps` shows of it. */
async function runAll(scene: Scene, written: Written, which = commands): Promise<Ended[]> {
  const ends: Ended[] = [];
  for (const args of which) {
    const child = startCommand(scene, args);
    written.add(`ps of ${args.join(' ')}`, commandLine(child.pid));
    const ended = await child.ended;
    for (const stream of ['stdout', 'stderr'] as const)
      written.add(`${stream} of ${args.join(' ')}`, ended[stream]);
    ends.push(ended);
  }
  return ends;
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** What the pages and the daemon say for a while, in which somebody fails to log in. */
async function runPrograms(scene: Scene, written: Written): Promise<void> {
  const serving = startCommand(withSettings(scene, { WEB_LISTEN: '127.0.0.1:0' }), ['serve', '--json']);
  await serving.says('"url"');
  serving.kill();
  const served = await serving.ended;
  const { url } = JSON.parse(served.stdout) as { url: string };
  assert.match(url, /^http:/);
  written.add('serve', served.stdout + served.stderr);
  const daemon = startCommand(scene, ['start', '--json']);
  await daemon.says('{');
  daemon.terminate();
  const ended = await daemon.ended;
  assert.equal(ended.code, 0, ended.stderr);
  written.add('start', ended.stdout + ended.stderr);
}

function settingsWith(hook: string, smtpPort: number): Environment {
  const path = new URL(hook).origin;
  return {
    DISCORD_WEBHOOK_URL: `${path}/api/webhooks/1/${secrets.discord}`,
    ALERT_WEBHOOK_URL: `${path}/alerts?key=${secrets.webhook}`,
    ALERT_WEBHOOK_SECRET: secrets.signature,
    HEARTBEAT_URL: `${path}/ping/${secrets.heartbeat}`,
    SMTP_URL: `smtp://ann:${secrets.smtp}@127.0.0.1:${smtpPort}`,
    MAIL_FROM: 'rw@example.org',
    MAIL_TO: 'ops@example.org',
    WEB_TOKEN: secrets.token,
    SFTP_KEY_PASSPHRASE: secrets.passphrase,
    CHECKPOINT_KEY: signing.privateText,
    LOG_LEVEL: 'trace',
  };
}

/** An answer that repeats what it was asked, as careless servers do. */
function repeats(response: ServerResponse, { path, headers, body }: Received): void {
  response.statusCode = 400;
  response.end(`cannot ${path} ${JSON.stringify(headers)} ${body.slice(0, 200)}`);
}

describe('planted secrets', () => {
  test('stand in every setting that may hold one', () => {
    const named = new Set([
      ...Object.keys(settingsWith('http://127.0.0.1', 25)).filter(isSecret),
      'SOURCE_DATABASE_URL',
      'SOURCE_REVERT_URL',
      'SOURCE_READ_URL',
      'FLEET_DATABASE_URL',
      'LEDGER_DATABASE_URL',
      // The path of a file, whose content is searched for, and public keys.
      'SFTP_KEY',
      'CHECKPOINT_VERIFIER',
    ]);
    assert.deepEqual(settingNames.filter(isSecret).sort(), [...named].sort());
  });

  test('are found where they are written', () => {
    const written = new Written();
    written.add('base64', Buffer.from(`\0ann\0${decodeURIComponent(secrets.smtp)}`).toString('base64'));
    written.add('plain', `password ${secrets.ledger}`);
    assert.deepEqual(
      new Set(written.found().map((text) => text.slice(0, text.indexOf(':')))),
      new Set(['smtp in base64', 'ledger in plain']),
    );
  });

  test('are written nowhere while all goes well', async () => {
    const written = new Written();
    await withHook(
      (response) => response.end('ok'),
      (hook, received) =>
        withSmtp(
          { authOptional: false, onAuth: (_, __, done) => done(null, { user: 'ann' }) },
          (smtpPort, mails) =>
            withScene({ source: 'sqlite', environment: settingsWith(hook, smtpPort) }, async (scene) => {
              const [first] = await runAll(scene, written);
              assert.equal(first?.code, 0, first?.stderr);
              await runPrograms(scene, written);
              written.addFiles(scene.directory);
              assert.ok(mails.length > 0 && received.length > 0, 'something was sent');
              for (const { raw } of mails) written.add('a mail', raw);
              for (const { body, headers } of received)
                written.add('a request', body + JSON.stringify(headers));
            }),
        ),
    );
    assert.deepEqual(written.found(), []);
  });

  test('are written nowhere while everything fails', async () => {
    const written = new Written();
    const refusing = await refusingPort();
    const fails = {
      onAuth: (given: SMTPServerAuthentication, _: unknown, done: (fault: Error) => void) =>
        done(Object.assign(new Error(`no login with ${given.password}`), { responseCode: 535 })),
    };
    await withHook(repeats, (hook) =>
      withSmtp({ authOptional: false, ...fails }, (smtpPort) =>
        withScene({ source: 'sqlite', environment: settingsWith(hook, smtpPort) }, async (scene) => {
          const userKey = join(scene.directory, '..', `${basename(scene.directory)}.key`);
          writeFileSync(userKey, `-----BEGIN OPENSSH PRIVATE KEY-----\n${secrets.userKey}\n`, {
            mode: 0o600,
          });
          const away = {
            GAMETIME_PATHS: `sftp://ann@127.0.0.1:${refusing}/srv/gametimes`,
            SFTP_KEY: userKey,
            SFTP_KNOWN_HOSTS: userKey,
          };
          await runAll(scene, written, ofTheSource);
          await runAll(withSettings(scene, away), written, [
            ['audit', '--all'],
            ['doctor', '--json'],
          ]);
          rmSync(userKey);
          const at = (secret: string) => `postgres://ann:${secret}@127.0.0.1:${refusing}/stats`;
          const noSource = withSettings(scene, {
            SOURCE_DATABASE_URL: at(secrets.source),
            SOURCE_REVERT_URL: at(secrets.revert),
          });
          for (const { code } of await runAll(noSource, written, ofTheSource)) assert.notEqual(code, 0);
          const aside = { SOURCE_READ_URL: at(secrets.read), FLEET_DATABASE_URL: at(secrets.fleet) };
          await runAll(withSettings(scene, aside), written, [
            ['audit', '--all'],
            ['doctor', '--json'],
            ['worker'],
          ]);
          await runAll(
            withSettings(scene, { LEDGER_DATABASE_URL: at(secrets.ledger) }),
            written,
            ofTheLedger,
          );
          const wrong = {
            SOURCE_DATABASE_URL: `mysql://ann:${secrets.source}@127.0.0.1/x`,
            SOURCE_REVERT_URL: `postgres//ann:${secrets.revert}`,
            SOURCE_READ_URL: `ftp://${secrets.read}`,
            FLEET_DATABASE_URL: `sqlite:${secrets.fleet}`,
            LEDGER_DATABASE_URL: `${secrets.ledger}`,
            DISCORD_WEBHOOK_URL: `ftp://x/${secrets.discord}`,
            SMTP_URL: `http://ann:${secrets.smtp}@x`,
            HEARTBEAT_URL: `x-${secrets.heartbeat}`,
            ALERT_WEBHOOK_URL: `//${secrets.webhook}`,
            CHECKPOINT_KEY: `PRIVATE+KEY+x+00000000+${secrets.signingKey}`,
            CHECKPOINT_VERIFIER: signing.privateText,
          };
          const misread = { directory: scene.directory, environment: { ...scene.environment, ...wrong } };
          for (const args of [['audit'], ['doctor'], ['doctor', '--json']]) {
            const ended = await runCommand(misread, args);
            assert.notEqual(ended.code, 0);
            written.add(`wrong settings, ${args.join(' ')}`, ended.stdout + ended.stderr);
          }
          written.addFiles(scene.directory);
        }),
      ),
    );
    assert.deepEqual(written.found(), []);
  });
});
