import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshBot, readBotLine } from '../../src/logs/bot-line.ts';
import { type ConsoleState, freshConsole, readConsoleLine } from '../../src/logs/console-line.ts';
import type { LineEvent } from '../../src/logs/event.ts';
import { longestText } from '../../src/logs/mask.ts';

const ended = (unix: number) => `[stats_discord_webhook] Round ended at ${unix} (duration: 1 sec)`;
const sending = '[stats_discord_webhook] Sending webhook for supply R1 (winner=0, playtime=1s)';

function read(lines: readonly string[], state: ConsoleState = freshConsole): LineEvent[] {
  const events: LineEvent[] = [];
  let now = state;
  for (const line of lines) {
    const step = readConsoleLine(now, line);
    now = step.state;
    if (step.event !== null) events.push(step.event);
  }
  return events;
}

describe('What players write into the console', () => {
  for (const line of [
    `say: ann: ${ended(1771448179)}`,
    `^7ann^7: ^2${ended(1771448179)}`,
    `12:30^7: ^2${ended(1771448179)}`,
    '[stats_discord_webhook] Axis player: [stats_discord_webhook] Shutdown (00000000)',
    'say: ann: Lua 5.4 API: et_RunFrame error running lua script: stats_discord_webhook.lua:1: x',
    'say: ann: CRASH in et_RunFrame: stats_discord_webhook.lua:1: x',
  ])
    test(`proves nothing: ${line}`, () => assert.deepEqual(read([line]), []));

  for (const before of [
    '',
    '^7',
    '2026-02-16 21:24:31 ',
    '[21:24:31] ',
    '  12:34.56 ',
    '^3[2026-02-16T21:24:31]: ^7',
  ])
    test(`do not keep a line from counting: "${before}"`, () => {
      assert.deepEqual(
        read([`${before}${ended(1771448179)}`]).map(({ endUnix }) => endUnix),
        [1771448179],
      );
    });

  test('is no error of another module that names ours', () => {
    const line = `Lua 5.4 API: ^4et_RunFrame error running lua script: '[string "luascripts/team.lua"]:1: no stats_discord_webhook.lua'`;
    assert.deepEqual(read([line]), []);
  });
});

describe('What a line names', () => {
  const maps = ['a\u0000b', `${'x'.repeat(3_000)}`, 'a\u001b[31mb'];
  for (const map of maps)
    test(`is stored without control characters and bounded: ${JSON.stringify(map.slice(0, 20))}`, () => {
      const [, console] = read([
        `[stats_discord_webhook] New map detected: ${map}`,
        sending.replace('supply', map),
      ]);
      const bot = readBotLine(freshBot, `2026-02-16 21:24:31 | INFO | b | STATS_READY: ${map} R1 (winner=1)`);
      for (const event of [console, bot.event]) {
        assert.equal([...event!.map!].length <= longestText, true);
        assert.doesNotMatch(event!.map!, /\p{Cc}/u);
      }
    });

  test('is masked like the line itself', () => {
    const [event] = read(['[stats_discord_webhook] Failed to write gametime file: http://u:hunter2@h/x']);
    assert.doesNotMatch(JSON.stringify(event), /hunter2/);
  });
});

describe('The end that lines of the console belong to', () => {
  const file = '/srv/gametimes/gametime-supply-R1-1771448300.json';
  const fallback = '[stats_discord_webhook] Shutdown fallback emit: supply R1 (gamestate=0, restart=1)';

  test('is not the one before, once a round is sent at shutdown; its file names it', () => {
    const events = read([
      ended(1771448179),
      fallback,
      sending,
      `[stats_discord_webhook] Failed to write gametime file: ${file}: No space left on device`,
      '[stats_discord_webhook] Webhook send failed: x',
    ]);
    assert.deepEqual(
      events.map(({ endUnix }) => endUnix),
      [1771448179, null, null, 1771448300, 1771448300],
    );
  });

  test('keeps 40 lines, however often it is repeated', () => {
    assert.equal(read(Array.from({ length: 500 }, () => ended(1771448179))).length, 40);
  });
});
