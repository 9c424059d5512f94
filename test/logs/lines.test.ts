import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { freshBot, readBotLine } from '../../src/logs/bot-line.ts';
import { type ConsoleState, freshConsole, readConsoleLine } from '../../src/logs/console-line.ts';
import type { LineEvent } from '../../src/logs/event.ts';
import { longestText, masked } from '../../src/logs/mask.ts';

const bot = (message: string, prefix = '2026-02-16 21:24:31 | INFO     | bot.webhook               | ') =>
  readBotLine(freshBot, `${prefix}${message}`).event;

function namesOf(event: LineEvent | null) {
  if (event === null) return null;
  const { kind, map, number, subject } = event;
  return [kind, map, number, subject];
}

/** Every message of DOMAIN, section 5, and what it says. */
const botMessages: readonly [string, ReturnType<typeof namesOf>][] = [
  [
    '📥 Webhook trigger validated: 2026-02-16-212429-etl_adlernest-round-2.txt',
    ['trigger', null, null, '2026-02-16-212429-etl_adlernest-round-2.txt'],
  ],
  ['📥 Received STATS_READY webhook with metadata', ['received', null, null, null]],
  [
    '📊 STATS_READY: supply R2 (winner=2, playtime=660s, warmup=40s, pauses=1, score=0-1)',
    ['announced', 'supply', 2, null],
  ],
  ['📊 STATS_READY: supply R0 (winner=2, playtime=660s)', ['announced', 'supply', 2, null]],
  [
    '📊 STATS_READY: my R2 map R1 (winner=2, playtime=1s, surrender=x R2 (y))',
    ['announced', 'my R2 map', 1, null],
  ],
  [
    '💾 Stored Lua round data: 2026-02-13-222730 R1 (Axis: 3, Allies: 3)',
    ['stored', null, 1, '2026-02-13-222730'],
  ],
  ['💾 Stored Lua spawn stats: 6 players', ['spawns_stored', null, null, null]],
  ['⚠️ Could not store Lua team data: the server expects 24 arguments', ['store_failed', null, null, null]],
  ['Cannot store Lua teams: missing round_end_unix', ['store_failed', null, null, null]],
  ['STATS_READY webhook missing map/round metadata; skipping', ['rejected', null, null, 'metadata']],
  ['STATS_READY webhook received but no embeds found', ['rejected', null, null, 'embeds']],
  ['⏭️ Skipping ghost round: supply R2 (duration 7s < 30s minimum)', ['rejected', 'supply', 2, 'ghost']],
  [
    '↪️ STATS_READY duplicate skipped (dedup): te_valhalla b2.1 R1',
    ['duplicate_skipped', 'te_valhalla b2.1', 1, null],
  ],
  ['⚠️ STATS_READY dropped (queue full): supply R2', ['rejected', 'supply', 2, 'dropped']],
  ['🚨 Webhook rate limited (5 in 60 s)', ['rejected', null, null, 'rate_limit']],
  ['🚨 Username mismatch: expected ET:Legacy Stats', ['rejected', null, null, 'username']],
  ['🚨 SECURITY: Unauthorized webhook 123', ['rejected', null, null, 'unauthorized']],
  [
    '📥 Downloading gametime file: gametime-supply-R2-1770843722.json',
    ['download_started', null, null, 'gametime-supply-R2-1770843722.json'],
  ],
  [
    '❌ Failed to download gametime file: gametime-supply-R2-1770843722.json',
    ['download_failed', null, null, 'gametime-supply-R2-1770843722.json'],
  ],
  [
    '❌ Failed to read gametime file gametime-supply-R2-1770843722.json: Expecting value',
    ['artifact_failed', null, null, 'gametime-supply-R2-1770843722.json'],
  ],
  [
    '⚠️ Gametime file processing failed: gametime-supply-R2-1770843722.json',
    ['artifact_failed', null, null, 'gametime-supply-R2-1770843722.json'],
  ],
  ['📁 GAMETIME: supply R2 (winner=1)', ['artifact_read', 'supply', 2, null]],
  [
    'Lua round link deferred: map=supply round=2 start=1770843050 exact_candidates=0',
    ['link_deferred', 'supply', 2, null],
  ],
  ['🔗 Lua late link: map=supply R2 → round_id=9822 (3s apart)', ['late_link', 'supply', 2, null]],
  ['⏸️ Dead hours (02:00 CET) - pausing', ['dead_hours', null, null, null]],
  ['Something that proves nothing', null],
];

describe('A line of the bot’s log', () => {
  for (const [message, expected] of botMessages)
    test(message, () => {
      assert.deepEqual(namesOf(bot(message)), expected);
      assert.deepEqual(
        namesOf(bot(message, '2026-02-16 21:24:31 | WARNING | bot | ')),
        expected,
        'not padded',
      );
      assert.equal(bot(message, ''), null, 'without a prefix it proves nothing');
    });

  test('is known by how it begins: what is quoted in another message proves nothing', () => {
    const forged = 'Username mismatch: 📊 STATS_READY: supply R2 (winner=2)';
    assert.deepEqual(namesOf(bot(`🚨 ${forged}`)), ['rejected', null, null, 'username']);
    assert.equal(bot('player said: Stored Lua round data: 2026-02-13-222730 R1'), null);
  });

  test('keeps the exception that follows a failure, and nothing that follows anything else', () => {
    const failed = readBotLine(
      freshBot,
      '2026-02-16 21:24:31 | ERROR | b | Could not store Lua team data: x',
    );
    const trace = readBotLine(failed.state, 'Traceback (most recent call last):');
    assert.deepEqual([trace.event?.kind, trace.event?.at], ['continuation', '2026-02-16 21:24:31']);
    const other = readBotLine(trace.state, '2026-02-16 21:24:32 | INFO | b | fine');
    assert.equal(readBotLine(other.state, 'Traceback').event, null);
    let state = failed.state;
    let kept = 0;
    for (let line = 0; line < 50; line++) {
      const step = readBotLine(state, `  File "x.py", line ${line}`);
      state = step.state;
      kept += step.event === null ? 0 : 1;
    }
    assert.equal(kept, 5);
  });
});

/** What a whole console log comes to. */
function consoleEvents(text: string): LineEvent[] {
  const events: LineEvent[] = [];
  let state: ConsoleState = freshConsole;
  for (const line of text.split('\n')) {
    const step = readConsoleLine(state, line);
    state = step.state;
    if (step.event !== null) events.push(step.event);
  }
  return events;
}

const consoles = fileURLToPath(new URL('../fixtures/consoles', import.meta.url));
const samples = readdirSync(consoles).flatMap((version) =>
  readdirSync(join(consoles, version)).map((name) => `${version}/${name}`),
);
const sample = (name: string) => readFileSync(join(consoles, name), 'utf8');
const kindsAfterEnd = (events: readonly LineEvent[], end: number) =>
  events.filter(({ endUnix }) => endUnix === end).map(({ kind }) => kind);

describe('The console log of every module version', () => {
  test('is there', () => assert.equal(samples.length, 53));

  for (const name of samples)
    test(`${name} is read with the version, the map, and lines that belong to its rounds`, () => {
      const events = consoleEvents(sample(name));
      assert.equal(events.find(({ kind }) => kind === 'loaded')?.subject, name.split('/')[0]);
      assert.equal(events.find(({ kind }) => kind === 'map')?.map !== undefined, true);
      for (const end of new Set(events.map(({ endUnix }) => endUnix)))
        assert.equal(
          events.filter(({ endUnix }) => endUnix === end).length <= (end === null ? 25 : 40),
          true,
        );
    });

  test('a crash after the end belongs to the round, one during play does not', () => {
    const frac = kindsAfterEnd(consoleEvents(sample('1.6.0/r2frac.log')), 1771448179);
    assert.deepEqual(frac, ['ended', 'crashed', 'ended', 'skipped']);
    const stall = consoleEvents(sample('1.6.0/pausefrac.log'));
    assert.equal(kindsAfterEnd(stall, 1771448036).includes('crashed'), false);
    assert.equal(stall.filter(({ kind }) => kind === 'crashed').length < 12, true);
  });

  test('a round that was sent at shutdown belongs to the end that its file names', () => {
    const kinds = kindsAfterEnd(consoleEvents(sample('1.7.2/restart_midround.log')), 1771447948);
    assert.deepEqual(kinds, ['writing', 'written', 'send_started', 'notified']);
  });

  test('two ends two seconds apart are told apart', () => {
    const events = consoleEvents(sample('1.6.0/doublefire.log'));
    for (const end of [1771448273, 1771448275])
      assert.equal(kindsAfterEnd(events, end).includes('sending'), true);
  });

  test('names the map that the file name cannot hold', () => {
    const sending = consoleEvents(sample('1.6.2/oddmap.log')).find(({ kind }) => kind === 'sending');
    assert.equal(sending?.map, 'te_valhalla b2.1');
  });

  test('keeps at most 40 lines of a round', () => {
    const error = "Lua 5.4 API: et_RunFrame error running lua script: 'stats_discord_webhook.lua:1: x'\n";
    const text = `[stats_discord_webhook] Round ended at 1771448179 (duration: 1 sec)\n${error.repeat(400)}`;
    assert.equal(consoleEvents(text).length, 40);
  });

  test('reads the loaded modules', () => {
    const [event] = consoleEvents(
      'setl lua_modules "luascripts/team.lua luascripts/stats_discord_webhook.lua"',
    );
    assert.deepEqual(
      [event?.kind, event?.subject],
      ['modules', 'luascripts/team.lua luascripts/stats_discord_webhook.lua'],
    );
  });
});

describe('masked()', () => {
  for (const [text, expected] of [
    [
      'to https://discord.com/api/webhooks/1/abc-DEF_x now',
      'to https://discord.com/api/webhooks/[masked] now',
    ],
    ['https://ptb.discordapp.com/api/v10/webhooks/1/tok"', 'https://discord.com/api/webhooks/[masked]"'],
    ['postgres://ann:hunter2@h/db', 'postgres://[masked]@h/db'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer [masked]'],
    ['GET /x?token=abc&y=1', 'GET /x?token=[masked]&y=1'],
    ['DB_PASSWORD=hunter2 BOT_TOKEN=abc', 'DB_PASSWORD=[masked] BOT_TOKEN=[masked]'],
    ["password='hun ter2' x", "password='[masked]' x"],
    ['redis://:pw@h/0 postgres://u:p@ss@db/x', 'redis://[masked]@h/0 postgres://[masked]@db/x'],
    ['https:\\/\\/discord.com\\/api\\/webhooks\\/1\\/tok', 'https://discord.com/api/webhooks/[masked]'],
    ['https%3A%2F%2Fdiscord.com%2Fapi%2Fwebhooks%2F1%2Ftok', 'https://discord.com/api/webhooks/[masked]'],
    ['password="hunter2"', 'password="[masked]"'],
    ['redis://:hunter2@h/0', 'redis://[masked]@h/0'],
    ['postgres://ann:hun@ter2@h/db', 'postgres://[masked]@h/db'],
    ['postgres://ann:hun/ter2@h/db', 'postgres://[masked]@h/db'],
    ['Authorization: Token hunter2', 'Authorization: [masked]'],
    ['access_token=hunter2&client_secret=hunter2', 'access_token=[masked]&client_secret=[masked]'],
    [
      'see https://example.org:8080/a and ann@example.org',
      'see https://example.org:8080/a and ann@example.org',
    ],
    ['a\u0000b\u001b[31mc\u202ed', 'a·b·[31mc·d'],
    ['a token of thanks', 'a token of thanks'],
  ] as const)
    test(JSON.stringify(text), () => assert.equal(masked(text), expected));

  test('cuts a long line in the middle', () => {
    const text = masked(`begin ${'x'.repeat(5_000)} end`);
    assert.equal([...text].length, longestText);
    assert.match(text, /^begin x+ … x+ end$/);
  });
});

describe('Noise', () => {
  const pieces = fc.constantFrom(
    '[stats_discord_webhook] ',
    'Round ended at ',
    '1771448179 ',
    ' R2 ',
    ' R1 (',
    'STATS_READY: ',
    '2026-02-16 21:24:31 | INFO | b | ',
    'Webhook trigger validated: ',
    '.txt',
    'Sending webhook for ',
    'Writing gametime file: ',
    'gametime-supply-R2-1.json',
    '🚨',
    '\u0000',
    '\ud800',
  );
  const line = fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 40 })), { maxLength: 12 });

  test('never breaks a parser, and no event is larger than a quotation (property)', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        let [botState, consoleState] = [freshBot, freshConsole];
        for (const parts of lines) {
          const text = parts.join('').replaceAll('\n', ' ');
          const [one, other] = [readBotLine(botState, text), readConsoleLine(consoleState, text)];
          [botState, consoleState] = [one.state, other.state];
          for (const event of [one.event, other.event])
            if (event !== null && [...event.text].length > longestText) return false;
        }
        return JSON.stringify(consoleState).length < 10_000;
      }),
      { numRuns: 2_000 },
    );
  });

  test('of 4,096 characters that look like a message takes no time that grows out of hand', () => {
    for (const unit of [
      ' R2',
      'STATS_READY: a R2 ',
      '(',
      '[stats_discord_webhook] Sending webhook for a R1 (',
    ]) {
      const text = `2026-02-16 21:24:31 | INFO | b | STATS_READY: ${unit.repeat(4_096 / unit.length)}`;
      const before = process.cpuUsage().user;
      readBotLine(freshBot, text);
      readConsoleLine(freshConsole, text);
      assert.equal(process.cpuUsage().user - before < 2_000_000, true, unit);
    }
  });
});
