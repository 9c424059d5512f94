import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { decide } from '../jobs/incidents.ts';
import { postJson } from '../src/alert/http.ts';
import { mostPauses, mostPlayers } from '../src/artifacts/lists.ts';
import { parseArtifact } from '../src/artifacts/parse.ts';
import { mostMessages, readBuffer } from '../src/artifacts/pending.ts';
import { parseConfig, readEnvironment } from '../src/config.ts';
import { messageOf, UsageError } from '../src/errors.ts';
import { freshBot, readBotLine } from '../src/logs/bot-line.ts';
import { freshConsole, readConsoleLine } from '../src/logs/console-line.ts';
import { beginning, LineSplitter, longestLineBytes } from '../src/logs/lines.ts';
import { longestText, masked } from '../src/logs/mask.ts';
import { largestSettingFile } from '../src/setting-file.ts';
import { contentOf, damageOf, edited } from './artifacts/samples.ts';

/** The limits of docs/limits.md that no other test holds. */

async function inDirectory<T>(work: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-limits-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const listOf = (count: number, item: (at: number) => object | string) =>
  JSON.stringify(Array.from({ length: count }, (_, at) => item(at)));
const inField = (name: string, list: string) =>
  edited(
    '1.7.2/normal',
    `"${name}", "value": "`,
    `"${name}", "value": ${JSON.stringify(list).slice(0, -1)}","x": "`,
  );

describe('An artifact', () => {
  const player = (at: number) => ({ guid: `G${at}`, name: 'n' });
  const spawn = (at: number) => ({
    ...player(at),
    ...{ spawns: 1, deaths: 1, dead_seconds: 1, avg_respawn: 1, max_respawn: 1 },
  });
  const spawns = (count: number) =>
    edited('1.7.2/normal', '"spawn_stats":[', `"spawn_stats":${listOf(count, spawn)},"x":[`);

  test('may name so many players, and is damaged with one more', () => {
    assert.equal(contentOf(spawns(mostPlayers)).spawns.length, mostPlayers);
    assert.match(
      damageOf(spawns(mostPlayers + 1))!,
      /^spawn_stats has 257 items, and no round has more than 256$/,
    );
    const axis = (count: number) => inField('Axis_JSON', listOf(count, player));
    assert.equal(contentOf(axis(mostPlayers)).axisPlayers.length, mostPlayers);
    assert.match(damageOf(axis(mostPlayers + 1))!, /^Axis_JSON has 257 items/);
  });

  test('may hold so many pauses, and is damaged with one more', () => {
    const pauses = (count: number) =>
      inField(
        'Lua_Pauses_JSON',
        listOf(count, () => 'p'),
      );
    assert.equal(contentOf(pauses(mostPauses)).pauseEvents.length, mostPauses);
    assert.match(
      damageOf(pauses(mostPauses + 1))!,
      /^Lua_Pauses_JSON has 10001 items, and no round has more/,
    );
  });

  test('has 25 fields at most, as a message of Discord', () => {
    const fields = (count: number) =>
      edited('1.7.2/normal', '"fields": [', `"fields": [${'{"name": "x", "value": "y"},'.repeat(count)}`);
    assert.match(damageOf(fields(5))!, /no embed with fields/);
    assert.match(damageOf(fields(30_000))!, /no embed with fields|larger/);
    assert.equal(damageOf(fields(1)), null);
  });

  test('may nest elsewhere as deep as it likes: what nobody asks for is not looked at', () => {
    const deep = 100_000;
    const bytes = edited('1.7.2/normal', '{"meta":{', `{"meta":{"x":${'['.repeat(deep)}${']'.repeat(deep)},`);
    assert.ok('content' in parseArtifact(bytes));
  });
});

test('A retry buffer with more than 10,000 messages is none that can be read', () =>
  inDirectory(async (directory) => {
    for (let at = 0; at <= mostMessages; at++) writeFileSync(join(directory, `m${at}.json`), '');
    const { place, artifacts } = await readBuffer(directory, { nowUnix: 0 });
    assert.match(place.unreadable!, /^it holds more than 10000 messages; is it a retry buffer\?$/);
    assert.deepEqual(artifacts, []);
  }));

describe('A line of a log', () => {
  const module = '[stats_discord_webhook] ';

  test('is looked at up to so many bytes, and counted whole', () => {
    const lines: [number, number][] = [];
    const splitter = new LineSplitter(beginning, (line, text) => lines.push([line, text.length]));
    splitter.push(Buffer.from(`${'x'.repeat(10_000_000)}\nshort\n`));
    assert.deepEqual(lines, [
      [1, longestLineBytes],
      [2, 5],
    ]);
    assert.equal(splitter.place.position, 10_000_007);
  });

  test('that names the modules behind many spaces is read like any other', () => {
    const list = 'x.lua stats_discord_webhook.lua';
    const subjectOf = (line: string) => readConsoleLine(freshConsole, line).event?.subject;
    const spaces = ' '.repeat(longestLineBytes - 100);
    for (const line of [
      `set lua_modules "${list}"`,
      `"lua_modules" is:"${list}" default:""`,
      `"lua_modules" is "${list}"`,
      `lua_modules${spaces}${list}`,
    ])
      assert.equal(subjectOf(line), list, line.slice(0, 40));
    assert.equal(subjectOf(`lua_modules${spaces}other.lua`), undefined);
  });

  test('is kept up to 500 characters, and who logs in stays masked in the longest one', () => {
    const line = `${'a://'.repeat(500)}user:pw@x ${'b'.repeat(1_000)}`;
    assert.equal([...masked(line)].length, longestText);
    for (const [text, expected] of [
      ['see https://me:p@ss/w@host/x', 'see https://[masked]@host/x'],
      ['mail to me@example.org', 'mail to me@example.org'],
      [`${'s'.repeat(60)}://u:p@h`, `${'s'.repeat(60)}://[masked]@h`],
      ['a://b c://u:p@h, "d://v:q@h"', 'a://b c://[masked]@h, "d://[masked]@h"'],
    ] as const)
      assert.equal(masked(text), expected);
  });

  test('with spaces at its end says the same as without', () => {
    const map = `${module}New map detected: supply - resetting score`;
    assert.deepEqual(
      readConsoleLine(freshConsole, `${map}   \t`).event?.map,
      readConsoleLine(freshConsole, map).event?.map,
    );
    const failed = '2026-02-11 20:00:00 | ERROR | b | Could not store Lua team data';
    const { state } = readBotLine(freshBot, failed);
    const kept = Array.from({ length: 9 }).reduce<[typeof state, number]>(
      ([before, count]) => {
        const step = readBotLine(before, 'Traceback');
        return [step.state, count + (step.event === null ? 0 : 1)];
      },
      [state, 0],
    );
    assert.equal(kept[1], 5);
  });
});

describe('A file of settings', () => {
  const most = 'x'.repeat(largestSettingFile);

  test('is read up to 1 MiB, and no further', () =>
    inDirectory((directory) => {
      const file = join(directory, 'secret');
      writeFileSync(file, `${most}x`);
      assert.throws(() => parseConfig({ SMTP_CA_FILE: file }), {
        name: 'UsageError',
        message: /SMTP_CA_FILE cannot be read: .*secret is larger than 1 MiB/,
      });
      writeFileSync(join(directory, '.env'), `${most}x`);
      assert.throws(
        () => readEnvironment({}, directory),
        (thrown) => thrown instanceof UsageError && messageOf(thrown).endsWith('.env is larger than 1 MiB'),
      );
      writeFileSync(join(directory, '.env'), most.replace(/^x{9}/, 'SMTP_CA=\n'));
      assert.equal(readEnvironment({}, directory).SMTP_CA, '');
    }));

  test('and a token in it, of 1,000 characters, is as long as one may be', () => {
    assert.equal(parseConfig({ WEB_TOKEN: 't'.repeat(1_000) }).webToken?.length, 1_000);
    assert.throws(() => parseConfig({ WEB_TOKEN: 't'.repeat(1_001) }), /WEB_TOKEN: .*1000/);
    const url = { ALERT_WEBHOOK_URL: 'https://h/x' };
    assert.throws(
      () => parseConfig({ ...url, ALERT_WEBHOOK_SECRET: 't'.repeat(1_001) }),
      /ALERT_WEBHOOK_SECRET: .*1000/,
    );
  });

  test('may be a device that never ends', () =>
    assert.throws(() => parseConfig({ WEB_TOKEN_FILE: '/dev/zero' }), {
      name: 'UsageError',
      message: /WEB_TOKEN_FILE cannot be read: \/dev\/zero is larger than 1 MiB/,
    }));
});

test('A decision has a reason of 2,000 characters at most, by a name of 80', async () => {
  const config = parseConfig({ DATA_DIR: join(tmpdir(), 'roundwarden-that-is-not-there') });
  const said = { id: 1, deciding: { kind: 'incident.noted' } as const, nowMs: 0 };
  await assert.rejects(
    decide(config, { ...said, by: 'ann', reason: '😀'.repeat(2_001) }),
    new UsageError('the reason has 2001 characters; write 2000 at most'),
  );
  await assert.rejects(
    decide(config, { ...said, by: 'a'.repeat(81), reason: 'x' }),
    new UsageError('the name has 81 characters; write 80 at most'),
  );
});

test('An answer of a channel that never ends is read up to some kilobytes, and its connection is closed', async () => {
  let written = 0;
  const closed = new Promise<void>((resolve) => {
    const server = createServer((_, response) => {
      response.writeHead(400);
      const more = () => {
        written += 65_536;
        if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      response.on('close', () => server.close(() => resolve()));
      more();
    });
    server.listen(0, '127.0.0.1', async () => {
      const { port } = server.address() as AddressInfo;
      const said = await postJson(`http://127.0.0.1:${port}/`, '{}');
      assert.deepEqual(said, { state: 'permanent', why: 'it answered 400' });
    });
  });
  await closed;
  assert.ok(written > 0);
});
