import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { type Serving, serve, tokenFor } from '../../jobs/serve.ts';
import { parseConfig } from '../../src/config.ts';
import { withLedger } from '../../src/context.ts';
import { type Database, rows, transact } from '../../src/database.ts';
import { OperationError, UsageError } from '../../src/errors.ts';
import { openLog } from '../../src/log.ts';
import { skipWithoutConnections } from '../databases.ts';
import { using, withScene } from '../failure/scene.ts';
import { fixture, inWorld, longAfter, type World } from './setup.ts';

const { rounds, captures, artifacts, settings } = fixture('incident-2026-02');
const february = { rounds, captures, artifacts, settings };

const token = 'a-token-that-is-long-enough';
const listening = { WEB_LISTEN: '127.0.0.1:0', WEB_TOKEN: token };
const options = { log: openLog('silent'), nowMs: () => Date.parse(longAfter), isTerminal: false };

/** Serves a world's pages while `work` asks for them. */
async function whileServed(
  world: World,
  work: (url: string, serving: Serving) => Promise<void>,
  more: { settings?: Record<string, string>; log?: typeof options.log } = {},
): Promise<void> {
  const config = world.config({ ...listening, ...more.settings });
  const serving = await serve(config, { ...options, log: more.log ?? options.log });
  try {
    await work(serving.url, serving);
  } finally {
    await serving.close();
  }
}

const authorized = { headers: { authorization: `Bearer ${token}` } };

describe('The token of the review pages', () => {
  const config = (listen: string, webToken?: string) =>
    parseConfig({ WEB_LISTEN: listen, ...(webToken === undefined ? {} : { WEB_TOKEN: webToken }) });

  it('is the one that is set, wherever they listen', () => {
    for (const listen of ['0.0.0.0:8787', '[::]:8787', '127.0.0.1:8787'])
      assert.deepEqual(tokenFor(config(listen, token), false), { token, isMade: false });
  });

  for (const listen of ['0.0.0.0:8787', '[::]:80', '10.0.0.5:8787', 'stats.example.org:8787'])
    for (const isTerminal of [true, false])
      it(`is missing where ${listen} is reached from elsewhere, ${isTerminal ? 'also' : 'and not'} on a terminal`, () => {
        assert.throws(
          () => tokenFor(config(listen), isTerminal),
          (thrown) => {
            assert.ok(thrown instanceof UsageError);
            assert.ok(thrown.message.includes(`WEB_LISTEN is ${listen}`), thrown.message);
            assert.match(thrown.message, /WEB_TOKEN.*openssl rand -hex 24/);
            return true;
          },
        );
      });

  it('is made for one process on a terminal, another one each time', () => {
    const [one, other] = [1, 2].map(() => tokenFor(config('127.0.0.1:8787'), true));
    assert.match(one!.token, /^[0-9a-f]{48}$/);
    assert.deepEqual([one!.isMade, other!.isMade], [true, true]);
    assert.notEqual(one!.token, other!.token);
  });

  it('is not made where a log would keep it', () => {
    assert.throws(
      () => tokenFor(config('[::1]:8787'), false),
      (thrown) => thrown instanceof UsageError && /no terminal.*openssl rand -hex 24/.test(thrown.message),
    );
  });
});

describe('The review pages, served', () => {
  it('answer over HTTP from the audited world, to those who have the token', () =>
    inWorld('sqlite', february, async (world) => {
      await world.audit();
      const { id } = await world.incident(9856);
      await whileServed(world, async (url) => {
        const page = async (path: string) => {
          const answer = await fetch(`${url}${path}`, authorized);
          return [answer.status, await answer.text()] as const;
        };
        assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
        assert.equal((await fetch(`${url}/healthz`)).status, 200);
        const stranger = await fetch(`${url}/incidents`, { redirect: 'manual' });
        assert.ok([302, 303, 401].includes(stranger.status), String(stranger.status));
        const [status, shown] = await page(`/incidents/${id}`);
        assert.equal(status, 200);
        assert.match(shown, /module_crashed/);
        const [exported, lines] = await page('/ledger/export');
        assert.equal(exported, 200);
        assert.equal(lines.trimEnd().split('\n').length, (await world.entries()).length);
        for (const path of ['/', '/incidents', '/ledger', '/ledger/verify', '/reports', '/metrics'])
          assert.equal((await page(path))[0], 200, path);
      });
    }));

  it('write down what failed, and never a token', () =>
    inWorld('sqlite', february, async (world) => {
      await world.audit();
      const stream = new PassThrough();
      const path = join(world.dataDir, 'no-ledger.sqlite');
      writeFileSync(path, 'this is no database');
      const broken = { LEDGER_DATABASE_URL: `sqlite:${path}` };
      const work = async (url: string) => {
        const answer = await fetch(`${url}/?token=${token}`, authorized);
        assert.equal(answer.status, 503);
        assert.equal((await fetch(`${url}/no-such-page`, authorized)).status, 404);
      };
      await whileServed(world, work, { settings: broken, log: pino(stream) });
      stream.end();
      const lines = (await text(stream)).trim().split('\n');
      assert.equal(lines.length, 1);
      const line = JSON.parse(lines[0]!);
      assert.deepEqual([line.level, line.msg], [50, 'GET / failed']);
      assert.match(line.err.message, /no-ledger\.sqlite|not a database/);
      assert.equal(lines[0]!.includes(token), false);
    }));

  it('are not served twice at one address, and the message says what to do', () =>
    inWorld('sqlite', {}, (world) =>
      whileServed(world, async (url) => {
        const { port } = new URL(url);
        const again = world.config({ ...listening, WEB_LISTEN: `127.0.0.1:${port}` });
        await assert.rejects(serve(again, options), (thrown) => {
          assert.ok(thrown instanceof OperationError);
          assert.match(
            thrown.message,
            new RegExp(`on 127\\.0\\.0\\.1:${port}: another program listens there`),
          );
          assert.match(thrown.message, /WEB_LISTEN/);
          return true;
        });
      }),
    ));

  it('are not served at an address that this host does not have', () =>
    inWorld('sqlite', {}, async (world) => {
      const elsewhere = world.config({ ...listening, WEB_LISTEN: '192.0.2.1:8787' });
      await assert.rejects(
        serve(elsewhere, options),
        (thrown) =>
          thrown instanceof OperationError && /192\.0\.2\.1:8787: .*WEB_LISTEN/.test(thrown.message),
      );
    }));

  it('accept nothing more once they are closed, and end connections that stay open', () =>
    inWorld('sqlite', {}, async (world) => {
      const serving = await serve(world.config(listening), options);
      const port = Number(new URL(serving.url).port);
      // One that never finishes its request, and one that is kept alive after its answer.
      const hanging = connect(port, '127.0.0.1');
      hanging.on('error', () => undefined);
      await once(hanging, 'connect');
      hanging.write('GET / HTTP/1.1\r\n');
      const kept = get({ port, host: '127.0.0.1', path: '/healthz', headers: { connection: 'keep-alive' } });
      const [answer] = await once(kept, 'response');
      answer.resume();
      const ended = once(hanging, 'close');
      await serving.close();
      await ended;
      await assert.rejects(fetch(`${serving.url}/healthz`));
    }));
});

const program = fileURLToPath(new URL('./serve-child.ts', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The command as a process of its own; ended when `work` is over, however. */
async function inChild(
  of: { environment: Record<string, string>; given?: string[] },
  work: (child: ChildProcess, output: { stdout: string; stderr: string }) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'roundwarden-serve-'));
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...(of.given ?? [])], {
    cwd: root,
    env: { PATH, HOME, DATA_DIR: dataDir, ...of.environment },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    output.stderr += chunk;
  });
  try {
    await work(child, output);
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function urlOf(child: ChildProcess, output: { stdout: string; stderr: string }): Promise<string> {
  for (;;) {
    const found = /http:\/\/[\d.]+:\d+/.exec(output.stdout);
    if (found) return found[0];
    if (child.exitCode !== null) throw new Error(`it ended: ${output.stderr}`);
    await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
  }
}

/** Resolves once somebody waits for a lock of this database. A transaction would see one moment again and again. */
async function untilSomeoneWaits(database: Database): Promise<void> {
  const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  for (const before = Date.now(); (await rows(database, sql)).length === 0; await sleep(20))
    if (Date.now() - before > 60_000) throw new Error('nobody waits for the lock');
}

const ended = async (child: ChildProcess) =>
  child.exitCode === null ? once(child, 'exit') : [child.exitCode];

describe('The command `serve`', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`says where it listens, and ends with 0 at ${signal}`, () =>
      inChild({ environment: listening }, async (child, output) => {
        const url = await urlOf(child, output);
        assert.match(output.stdout, /^the review pages are at http:\/\/127\.0\.0\.1:\d+\n$/);
        // Nothing was audited here, which its health says.
        assert.ok((await fetch(`${url}/healthz`)).status >= 200);
        child.kill(signal);
        const [code, by] = await ended(child);
        assert.deepEqual([code, by], [0, null], output.stderr);
        assert.equal((output.stdout + output.stderr).includes(token), false);
        await assert.rejects(fetch(`${url}/healthz`));
      }));

  it('ends at SIGTERM though one client keeps its connection and another never finishes its request', () =>
    inChild({ environment: listening }, async (child, output) => {
      const url = await urlOf(child, output);
      const agent = new Agent({ keepAlive: true });
      const [answer] = await once(get(`${url}/healthz`, { agent }), 'response');
      answer.resume();
      const slow = connect(Number(new URL(url).port), '127.0.0.1');
      slow.on('error', () => undefined);
      await once(slow, 'connect');
      slow.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
      const drip = setInterval(() => slow.write('x'), 100);
      try {
        child.kill('SIGTERM');
        assert.deepEqual(await ended(child), [0, null], output.stderr);
      } finally {
        clearInterval(drip);
        slow.destroy();
        agent.destroy();
      }
    }));

  it(
    'ends at SIGTERM though a page waits for a database that never answers',
    {
      skip: skipWithoutConnections('postgres'),
    },
    () =>
      withScene({ source: 'sqlite', ledger: 'postgres' }, async ({ config }) => {
        const { ledgerUrl } = config;
        await withLedger(config, async () => undefined);
        await using(ledgerUrl, (blocker) =>
          transact(blocker, async (inside) => {
            await inside.knex.raw('lock table roundwarden.entries in access exclusive mode');
            const environment = { ...listening, LEDGER_DATABASE_URL: ledgerUrl };
            await inChild({ environment }, async (child, output) => {
              const url = await urlOf(child, output);
              const asked = fetch(`${url}/ledger`, authorized).catch((thrown: Error) => thrown);
              await using(ledgerUrl, untilSomeoneWaits);
              child.kill('SIGTERM');
              assert.deepEqual(await ended(child), [0, null], output.stderr);
              assert.ok((await asked) instanceof Error, 'the page never came');
            });
          }),
        );
      }),
  );

  it('says it in one document where a program asks', () =>
    inChild({ environment: listening, given: ['--json'] }, async (child, output) => {
      const url = await urlOf(child, output);
      child.kill('SIGTERM');
      assert.equal((await ended(child))[0], 0);
      assert.deepEqual(JSON.parse(output.stdout), { url, token: null });
    }));

  for (const [what, environment] of [
    ['without a token where its output is no terminal', { WEB_LISTEN: '127.0.0.1:0' }],
    ['open to other hosts without a token', { WEB_LISTEN: '0.0.0.0:0' }],
  ] as const)
    it(`ends with 2 ${what}`, () =>
      inChild({ environment }, async (child, output) => {
        assert.equal((await ended(child))[0], 2);
        assert.equal(output.stdout, '');
        assert.match(output.stderr, /WEB_TOKEN/);
      }));

  it('ends with 1 where the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((ready) => other.listen(0, '127.0.0.1', ready));
    const { port } = other.address() as AddressInfo;
    try {
      await inChild(
        { environment: { ...listening, WEB_LISTEN: `127.0.0.1:${port}` } },
        async (child, output) => {
          assert.equal((await ended(child))[0], 1);
          assert.match(output.stderr, /another program listens there/);
        },
      );
    } finally {
      other.close();
    }
  });
});
