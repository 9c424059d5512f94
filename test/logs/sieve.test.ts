import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { LogEvent, LogName } from '../../src/core/log-event.ts';
import { botSieve, freshBot, readBotLine } from '../../src/logs/bot-line.ts';
import { prefixEnd, prefixEnds } from '../../src/logs/bot-prefix.ts';
import { freshConsole, readConsoleLine } from '../../src/logs/console-line.ts';
import type { LineEvent } from '../../src/logs/event.ts';
import { followLog } from '../../src/logs/follow.ts';
import {
  beginning,
  holding,
  holdingBeforeSign,
  LineSplitter,
  longestLineBytes,
  tailBytes,
} from '../../src/logs/lines.ts';

const root = mkdtempSync(join(tmpdir(), 'roundwarden-sieve-'));
after(() => rmSync(root, { recursive: true, force: true }));

interface Step {
  state: object;
  event: LineEvent | null;
}

/** Every line by itself, as it was read before lines were sieved: decoded, and given to the parser. */
function plainly(bytes: Buffer, log: LogName, final: boolean) {
  const read = (log === 'bot' ? readBotLine : readConsoleLine) as (state: object, line: string) => Step;
  let state: object = log === 'bot' ? freshBot : freshConsole;
  const events: (LineEvent & { line: number })[] = [];
  let [from, lines] = [0, 0];
  const take = (end: number, next: number) => {
    lines += 1;
    const text = bytes
      .subarray(from, Math.min(end, from + longestLineBytes))
      .toString('utf8')
      .replace(/\r$/, '');
    const step = read(state, text);
    state = step.state;
    if (step.event !== null) events.push({ ...step.event, line: lines });
    from = next;
  };
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === 10) take(at, at + 1);
  if (final && from < bytes.length) take(bytes.length, bytes.length);
  const tail = bytes.subarray(Math.max(0, from - tailBytes), from);
  return { state, events, position: from, lines, tail };
}

const plainEvent = ({ quote, lineage: _, ...event }: LogEvent) => ({
  ...event,
  text: quote.text,
  line: quote.line,
});

/** The same by followLog(). */
async function followed(bytes: Buffer, log: LogName, zipped: boolean) {
  const path = join(root, zipped ? 'a.log.gz' : 'a.log');
  writeFileSync(path, zipped ? gzipSync(bytes) : bytes);
  const events: LogEvent[] = [];
  let last = null;
  for await (const chunk of followLog(path, log, [])) {
    events.push(...chunk.events);
    last = chunk.file;
  }
  return { events, last };
}

const pieces = fc.constantFrom(
  '2026-02-16 21:24:31 | INFO     | bot.webhook               | ',
  '2026-02-16 21:24:31 | INFO | b | ',
  '2026-02-16 21:24:31,123 | ERROR|b| ',
  '2026-02-16 21:24:31 | INFO | a|b | ',
  '2026-02-16 21:24:31 | INFO |  | | ',
  '2026-02-16 21:24:31 | INFO | | x | ',
  '2026-02-16 21:24:31 |INFO|\u00a0b | ',
  '2026-02-16 21:24:31 | WARNING  | bot |',
  '📥 ',
  '⚠️ ',
  'É',
  'Webhook trigger validated: a.txt',
  'STATS_READY: supply R2 (winner=2)',
  'STATS_READY dropped (full): supply R2',
  'Stored Lua round data: 2026-02-13-222730 R1 ',
  'Stored Lua spawn stats',
  'Could not store Lua team data: x',
  'Cannot store Lua teams',
  'Failed to read gametime file x.json:',
  'GAMETIME: supply R2 (a)',
  'Lua late link: map=supply R2',
  'Dead hours (',
  ' rate limited (',
  'Traceback (most recent call last):',
  '[stats_discord_webhook] ',
  'Round ended at 1771448179 (duration: 1 sec)',
  'Sending webhook for supply R2 (winner=1',
  'Server: timelimit changed to 7',
  'setl lua_modules "stats_discord_webhook.lua"',
  "Lua 5.4 API: et_RunFrame error running lua script: 'stats_discord_webhook.lua:1: x'",
  '^7',
  '|',
  ' | ',
  ' ',
  '\r',
  '\u0000',
  '\u2028',
);
const anyBytes = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: pieces.map((text) => Buffer.from(text)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)) },
      {
        weight: 1,
        arbitrary: fc.nat(70_000).map((length) => Buffer.alloc(length % 50 === 0 ? length : 9, 'x')),
      },
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts));
/** A time, three signs with something between them, and then something: most of them have a prefix, or nearly. */
const likely = fc
  .tuple(
    fc.constantFrom('2026-02-16 21:24:31', '2026-02-16 21:24:31.5', '2026-02-16  21:24:31', '|'),
    fc.constantFrom(' | INFO ', ' |INFO', ' |  |', ' | INFO     ', ' | info '),
    fc.constantFrom('| b ', '|b', '| b|c ', '| | ', '| |x ', '|  ', '| b | c ', '| a b ', '|\u00a0'),
    fc.constantFrom('| ', '|', ' | ', '| | '),
    fc.array(pieces, { maxLength: 3 }),
  )
  .map(([time, level, logger, bar, words]) => Buffer.from(`${time}${level}${logger}${bar}${words.join('')}`));
const bytesOfLine = fc.oneof(anyBytes, likely);
const log = fc
  .tuple(fc.array(bytesOfLine, { maxLength: 40 }), fc.constantFrom('\n', '\r\n', '\n\n'), fc.boolean())
  .map(([lines, end, ended]) =>
    Buffer.concat(
      lines.flatMap((line, at) => [line, Buffer.from(at < lines.length - 1 || ended ? end : '')]),
    ),
  );

describe('A log that is sieved', () => {
  for (const name of ['bot', 'console'] as const)
    for (const zipped of [false, true])
      test(`gives of the ${name}${zipped ? ', gzipped,' : ''} what every line by itself gives (property)`, async () => {
        await fc.assert(
          fc.asyncProperty(log, async (bytes) => {
            const { events, last } = await followed(bytes, name, zipped);
            const plain = plainly(bytes, name, zipped);
            assert.deepEqual(events.map(plainEvent), plain.events);
            if (last === null) return assert.equal(plain.position, 0);
            const { position, lines, state } = last;
            assert.deepEqual(
              { position, lines, state },
              { position: plain.position, lines: plain.lines, state: plain.state },
            );
            assert.equal(last.tailLength, plain.tail.length);
          }),
          { numRuns: 400, verbose: true },
        );
      });

  test('is split alike, whatever pieces it comes in (property)', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(log, sizes, (bytes, lengths) => {
        const plain = plainly(bytes, 'bot', true);
        let [given, lines] = [0, 0];
        const needle = holding('STATS_READY');
        const splitter = new LineSplitter(
          beginning,
          () => (given += 1),
          (piece, from, to) => {
            lines += 1;
            const holds = piece.subarray(from, to).includes('STATS_READY');
            assert.equal(needle(piece, from, to), holds);
            return holds;
          },
        );
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const length = lengths[turn % lengths.length]!;
          splitter.push(Buffer.from(bytes.subarray(at, at + length)));
          at += length;
        }
        splitter.finish();
        const { position, lines: counted, tail } = splitter.place;
        assert.deepEqual([position, counted], [plain.position, plain.lines]);
        assert.deepEqual(tail, Buffer.from(plain.tail));
        assert.equal(given <= counted && lines <= counted, true);
      }),
      { numRuns: 400, verbose: true },
    );
  });

  /** Prefixes of one log: the same ones again and again, and others that differ from them in a byte anywhere. */
  const prefixed = fc
    .tuple(
      fc.constantFrom('2026-02-16 21:24:31', '2026-02-17 00:00:00'),
      fc.constantFrom(' | INFO     | ', ' | INFO     |', ' | DEBUG    | '),
      fc.constantFrom(
        'bot.webhook               | ',
        'bot.webhook.store         | ',
        'bot.w|bhook               | ',
      ),
      fc.option(fc.tuple(fc.nat(70), fc.constantFrom('|', ' ', 'x', '\n')), { freq: 3 }),
      fc.constantFrom(
        'STATS_READY: supply R1',
        '📥 Received STATS_READY webhook with metadata',
        'chatter',
        '|',
      ),
    )
    .map(([time, level, logger, change, words]) => {
      const line = Buffer.from(`${time}${level}${logger}${words}`);
      if (change !== null) line.write(change[1], Math.min(change[0], line.length - 1));
      return line;
    });

  test('has prefixes where looking through each of them finds them, whatever was seen before (property)', () => {
    const lines = fc.array(prefixed, { minLength: 1, maxLength: 60, size: 'max' });
    let repeated = 0;
    fc.assert(
      fc.property(lines, fc.nat(3), (given, ahead) => {
        const remembering = prefixEnds();
        const sieve = botSieve();
        const seen = new Set<string>();
        // Words are read wherever a line begins, and lines stand next to each other.
        const bytes = Buffer.concat([Buffer.alloc(ahead, '|'), ...given]);
        let from = ahead;
        for (const { length } of given) {
          const to = from + length;
          assert.equal(remembering(bytes, from, to), prefixEnd(bytes, from, to));
          const says = sieve(freshBot, bytes, from, to);
          assert.equal(says, botSieve()(freshBot, bytes, from, to));
          const { event } = readBotLine(freshBot, bytes.toString('utf8', from, to));
          assert.equal(says || event === null, true);
          const prefix = bytes.toString('latin1', from + 19, from + prefixEnd(bytes, from, to));
          repeated += Number(seen.has(prefix));
          seen.add(prefix);
          from = to;
        }
      }),
      { numRuns: 400, verbose: true },
    );
    assert.equal(repeated > 1_000, true, String(repeated));
  });

  test('is searched for a text before a sign as for the text alone, however many signs there are (property)', () => {
    const part = fc.constantFrom(
      'rate limited (',
      'rate limited',
      '(',
      ' (',
      '((((((((((((((((',
      'x',
      '\n',
      'd (',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 80 }), fc.nat(2_000), (parts, room) => {
        const bytes = Buffer.from(parts.join('') + 'y'.repeat(room));
        const [bySign, plainly] = [holdingBeforeSign('rate limited ('), holding('rate limited (')];
        for (let from = 0, to = 0; from < bytes.length; from = to + 1) {
          const feed = bytes.indexOf(10, from);
          to = feed === -1 ? bytes.length : feed;
          assert.equal(bySign(bytes, from, to), plainly(bytes, from, to));
        }
      }),
      { numRuns: 400, verbose: true },
    );
  });

  test('of ten thousand loggers is read in a moment', async () => {
    const line = (at: number) =>
      `2026-02-16 21:24:31 | INFO     | logger${at % 10_000}.of.many         | chatter\n`;
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => line(at)).join(''));
    const before = process.cpuUsage().user;
    const { last } = await followed(bytes, 'bot', false);
    assert.equal(last?.lines, 100_000);
    assert.equal(process.cpuUsage().user - before < 1_000_000, true);
  });

  test('of nothing but 10 MB of empty lines is read in a moment', async () => {
    const before = process.cpuUsage().user;
    const { last } = await followed(Buffer.alloc(10_000_000, '\n'), 'bot', false);
    assert.deepEqual([last?.lines, last?.position], [10_000_000, 10_000_000]);
    assert.equal(process.cpuUsage().user - before < 5_000_000, true);
  });
});
