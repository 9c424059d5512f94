import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { planAudit } from '../../jobs/audit.ts';
import { tellFailure, withHeartbeat } from '../../jobs/heartbeat.ts';
import { noProgress } from '../../jobs/progress.ts';
import { beatUrl, sendBeat } from '../../src/alert/heartbeat.ts';
import { parseConfig } from '../../src/config.ts';
import { OperationError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import { openLog } from '../../src/log.ts';
import { type Received, refusingPort, withHook } from '../alert/servers.ts';
import { readLedger, runAudit, runCommand, type Scene, withScene, withSettings } from '../failure/scene.ts';

const ok = (response: { end(text: string): unknown }) => void response.end('OK');

describe('the address of a beat', () => {
  for (const [url, start, fail] of [
    ['https://h.example/ping/u-u', 'https://h.example/ping/u-u/start', 'https://h.example/ping/u-u/fail'],
    ['https://h.example/ping/', 'https://h.example/ping/start', 'https://h.example/ping/fail'],
    ['https://h.example/p?key=k', 'https://h.example/p/start?key=k', 'https://h.example/p/fail?key=k'],
  ] as const)
    test(`of ${url} has start and fail at the end of its path`, () => {
      assert.deepEqual(
        [beatUrl(url, 'start'), beatUrl(url, 'success'), beatUrl(url, 'fail')],
        [start, url, fail],
      );
    });
});

/** An audit of a scene with a heartbeat; what the switch received, and what was logged. */
async function audited(scene: Scene, more: Parameters<typeof runAudit>[1] = {}) {
  const logged: string[] = [];
  const note = (fields: unknown, text: string) => void logged.push(`${text} ${JSON.stringify(fields)}`);
  const log = { ...openLog('silent'), warn: note, info: note } as unknown as Log;
  const outcome = await runAudit(scene, { log, ...more }).then(
    (result) => ({ result, thrown: null }),
    (thrown: Error) => ({ result: null, thrown }),
  );
  return { ...outcome, logged };
}

const pathsOf = (received: readonly Received[]) =>
  received.map(({ path }) => path.split('s3cret-token').at(-1));

describe('a heartbeat tells of', () => {
  test('an audit: that it began, and what it came to, with the head of the ledger', () =>
    withHook(ok, (url, received) =>
      withScene({ source: 'sqlite', environment: { HEARTBEAT_URL: url } }, async (scene) => {
        const { result } = await audited(scene);
        assert.deepEqual(pathsOf(received), ['/start', '']);
        assert.equal(received[0]!.body, `run ${result!.run} of scene began`);
        assert.match(received[0]!.headers['content-type'] ?? '', /^text\/plain/);
        const [first, second, third] = received[1]!.body.split('\n');
        assert.equal(first, `run ${result!.run} of scene: clean, exit code 0`);
        assert.match(second!, /^61 rows read: 18 covered, 22 lost$/);
        assert.equal(third, `ledger head: ${result!.ledger!.seq} ${result!.ledger!.hash}`);
      }),
    ));

  test('an audit that leaves something open as one that went well, with its exit code', () =>
    withHook(ok, (url, received) =>
      withScene({ source: 'sqlite', environment: { HEARTBEAT_URL: url, REPAIR: 'off' } }, async (scene) => {
        await audited(scene);
        assert.deepEqual(pathsOf(received), ['/start', '']);
        assert.match(received[1]!.body, /: open, exit code 3\n/);
      }),
    ));

  test('an audit that failed, with its words, the last head, and no secret', () =>
    withHook(ok, (url, received) =>
      withScene({ source: 'sqlite', environment: { HEARTBEAT_URL: url } }, async (scene) => {
        const before = await audited(scene);
        const token = url.split('/').at(-1)!;
        const broken = withSettings(scene, {
          SOURCE_DATABASE_URL: `sqlite:${join(scene.directory, token, 'nowhere.sqlite')}`,
        });
        received.length = 0;
        const { thrown, logged } = await audited(broken);
        assert.match(thrown!.message, /cannot open database/);
        assert.deepEqual(pathsOf(received), ['/start', '/fail']);
        const { runs } = await readLedger(scene);
        // Both runs began at the same moment of the test's clock: which is the later one, only the end says.
        const failed = runs.filter(({ state }) => state === 'failed');
        assert.equal(failed.length, 1);
        const [first, second, third] = received[1]!.body.split('\n');
        assert.equal(first, `run ${failed[0]!.id} of scene: failed, exit code 1`);
        assert.match(second!, /cannot open database .*\[masked\].* there is no such file/);
        assert.equal(third, `ledger head: ${before.result!.ledger!.seq} ${before.result!.ledger!.hash}`);
        assert.doesNotMatch(received[1]!.body + logged.join(), new RegExp(token));
      }),
    ));

  test('nothing where an audit looks at a part, only plans, was asked to end, or finds another one at work', () =>
    withHook(ok, (url, received) =>
      withScene({ source: 'sqlite', environment: { HEARTBEAT_URL: url } }, async (scene) => {
        await audited(scene, { scope: { kind: 'round', roundId: 9856 } });
        await planAudit({
          ...{ config: scene.config, log: openLog('silent'), progress: noProgress },
          ...{ scope: { kind: 'all' }, nowMs: Date.now() },
        });
        assert.deepEqual(received, []);

        const ending = new AbortController();
        ending.abort(new OperationError('stopped by SIGTERM'));
        assert.match((await audited(scene, { signal: ending.signal })).thrown!.message, /stopped by SIGTERM/);
        // It had begun.
        assert.deepEqual(pathsOf(received), ['/start']);

        received.length = 0;
        let inside: Awaited<ReturnType<typeof audited>> | null = null;
        await audited(scene, {
          scope: { kind: 'days', since: null, until: null },
          reached: async (moment) => {
            if (moment === 'planned') inside ??= await audited(scene);
          },
        });
        assert.match(inside!.thrown!.message, /is at work since/);
        assert.deepEqual(received, []);
      }),
    ));
});

describe('a heartbeat that does not get through', () => {
  const watched = (url: string) => {
    const logged: [string, { why?: string }][] = [];
    const note = (fields: { why?: string }, text: string) => void logged.push([text, fields]);
    const log = { warn: note, info: note } as unknown as Log;
    return { watched: { config: parseConfig({ HEARTBEAT_URL: url }), log }, logged };
  };

  test('changes nothing of an audit, and is said once until it gets through again', async () => {
    const port = await refusingPort();
    const { watched: asked, logged } = watched(`http://127.0.0.1:${port}/ping/s3cret-token`);
    const failure = new OperationError('no disk');
    for (const _ of [1, 2, 3])
      await assert.rejects(
        withHeartbeat(asked, async (began) => {
          began('r1');
          throw failure;
        }),
        failure,
      );
    assert.deepEqual(logged.map(([text, { why }]) => [text.slice(0, 28), why]).sort(), [
      ['could not send the heartbeat', 'no answer (ECONNREFUSED)'],
      ['could not send the heartbeat', 'no answer (ECONNREFUSED)'],
    ]);
    assert.doesNotMatch(JSON.stringify(logged), /s3cret/);

    logged.length = 0;
    await withHook(ok, async (url) => {
      const { watched: again, logged: then } = watched(url);
      for (const _ of [1, 2]) await tellFailure(again, null, failure);
      assert.deepEqual(
        then.map(([text]) => text),
        ['the heartbeat gets through again'],
      );
    });
  });

  test('is given up after its patience', () =>
    withHook(
      () => undefined,
      async (url) => {
        const delivery = await sendBeat(url, { beat: 'start', text: 'x' }, { patienceMs: 50 });
        assert.deepEqual(delivery, { state: 'temporary', why: 'no answer within 0.05 s' });
      },
    ));

  test('and is not known by the service does not say its address', () =>
    withHook(
      (response, { path }) => {
        response.statusCode = 404;
        response.end(JSON.stringify({ message: `no such check: ${path}` }));
      },
      async (url) => {
        const delivery = await sendBeat(url, { beat: 'success', text: 'x' });
        assert.deepEqual(delivery, {
          state: 'permanent',
          why: 'it answered 404: no such check: /api/[masked]/1/[masked]',
        });
      },
    ));

  test('leaves the exit code of the command and its output as they are, and no trace of its address', async () => {
    const port = await refusingPort();
    await withScene(
      { source: 'sqlite', environment: { HEARTBEAT_URL: `http://127.0.0.1:${port}/s3cret-token` } },
      async (scene) => {
        const { code, stdout, stderr } = await runCommand(scene, ['audit', '--all', '--json']);
        assert.equal(code, 0, stderr);
        assert.equal(JSON.parse(stdout).state, 'clean');
        assert.match(stderr, /could not send the heartbeat/);
        const ledger = readFileSync(join(scene.directory, 'data/ledger.sqlite'), 'latin1');
        assert.ok(existsSync(join(scene.directory, 'data/head.json')));
        assert.doesNotMatch(stdout + stderr + ledger, /s3cret-token/);
      },
    );
  });
});
