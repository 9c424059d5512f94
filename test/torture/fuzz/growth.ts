import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toMessage } from '../../../src/artifacts/message.ts';
import { readArtifact } from '../../../src/artifacts/read.ts';
import { parseArtifactName } from '../../../src/core/names.ts';
import { followLog } from '../../../src/logs/follow.ts';
import { artifactSamples } from './samples.ts';

/** How the time that a hostile input takes grows with its size. */
export interface GrowthTally {
  inputs: number;
  sizes: number[];
  /** The worst ratio of times between a size and the next, ten times as large; and of what. */
  worstRatio: number;
  worstOf: string;
  slowestMs: number;
  slowestOf: string;
  /** Of the largest file that is read at all. */
  slowestArtifactMs: number;
}

/** What is shorter says more of the machine than of the input. */
const measurableMs = 60;
/** Ten times the bytes may take so many times as long; what is quadratic takes a hundred times. */
const mostRatio = 40;
const mostMs = 1_000;

type Make = (base: string, bytes: number) => string;

const fill = (text: string, bytes: number) => text.repeat(Math.max(1, Math.floor(bytes / text.length)));
const inField = (name: string, text: string) => (base: string, bytes: number) =>
  base.replace(`"${name}", "value": "`, () => `"${name}", "value": "${fill(text, bytes)}`);
/** No JSON any more, so that it is read by its lines. */
const salvaged =
  (make: Make): Make =>
  (base, bytes) =>
    make(base.replace('"meta":{', '"meta":{"x":"\x01",'), bytes);

/** Texts in which each place could be the beginning of something. Characters are bytes. */
const artifacts: Readonly<Record<string, Make>> = {
  'open brackets': (_, bytes) => fill('[', bytes),
  'open objects': (_, bytes) => fill('{"a":', bytes),
  'beginnings of artifacts': (_, bytes) => fill('{"meta":', bytes),
  'beginnings of payloads': (_, bytes) => `{"meta":${fill('},"payload":', bytes)}}}`,
  'ends of fields': salvaged(inField('Map', '", "inline": true}')),
  'ends of fields and spaces': salvaged(inField('Map', `", "inline": true}${' '.repeat(100)}`)),
  quotes: salvaged(inField('Axis_JSON', '\\"')),
  backslashes: salvaged(inField('Axis_JSON', '\\\\')),
  'control characters': salvaged(inField('Axis_JSON', '\x01')),
  'bytes of Windows-1252': (_, bytes) => fill('\xe4', bytes),
  'bytes of Windows-1252 between others': (_, bytes) => fill('a\xe4', bytes),
  'beginnings of UTF-8': (_, bytes) => fill('\xf0\x9f\x98', bytes),
  'nested pauses': inField('Lua_Pauses_JSON', '['),
  'nested meta': (base, bytes) =>
    base.replace('"meta":{', () => `"meta":{"x":${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)},`),
  digits: inField('Lua_Playtime', '9'),
  decimals: inField('Lua_Timelimit', '1.'),
  'spaces in a word': inField('Lua_EndReason', ' _'),
  lines: (base, bytes) => base.replace('"fields": [\n', () => `"fields": [\n${fill('\n', bytes)}`),
  footers: (base, bytes) => base.replace('Slomix', () => fill('Slomix Lua Webhook v1.', bytes)),
  players: (base, bytes) =>
    base.replace('"spawn_stats":[', () => `"spawn_stats":[${fill('{"guid":"a","name":""},', bytes)}`),
  pauses: inField('Lua_Pauses_JSON', '[1],'),
  'keys of a pause': inField('Lua_Pauses_JSON', '[{\\"a\\":1,'),
  'byte order marks': (base, bytes) => fill('\xef\xbb\xbf', bytes) + base,
  'spaces behind it': (base, bytes) => base + ' '.repeat(bytes),
};

const module = '[stats_discord_webhook] ';
const bot = '2026-02-11 20:00:00 | INFO     | bot.webhook | ';
const long = 4_000;

/** One line of each kind, as long as lines are looked at, again and again. */
const lines: Readonly<Record<string, string>> = {
  'lua_modules and spaces': `lua_modules${' '.repeat(long)}`,
  'lua_modules again and again': fill('lua_modules ', long),
  'a map and spaces': `${module}New map detected: ${' '.repeat(long / 2)}x${' '.repeat(long / 2)}y`,
  'one long word': `${module}Gametime file written: ${'a'.repeat(long)}`,
  addresses: `${module}Gametime file written: ${fill('a://', long)}`,
  'addresses with colons': `${module}Gametime file written: ${fill('a://:', long)}@`,
  'subdomains of Discord': `${module}Webhook send failed discord ${fill('a.', long)}`,
  'file names': `${module}Writing gametime file: ${fill('gametime-', long)}`,
  tokens: `${module}Webhook send failed ${fill('token="', long)}`,
  authorizations: `${module}Webhook send failed ${fill('authorization:', long)}`,
  colours: fill('^1', long),
  'errors of the module': `et_x error running lua script: ${fill('stats_discord_webhook.lu', long)}`,
  'rounds of the bot': `${bot}STATS_READY: ${fill('R1 ', long)}`,
  'rounds and spaces': `${bot}STATS_READY: x R1${' '.repeat(long)}z`,
  dedups: `${bot}STATS_READY dropped (${fill('): R1 ', long)}`,
  artifacts: `${bot}GAMETIME: ${fill('x R1 (', long)}`,
  links: `${bot}Lua round link deferred: map=${fill(' round=1', long)}`,
  'stats files': `${bot}Webhook trigger validated: x${fill('.txt ', long)}y`,
  levels: `2026-02-11 20:00:00 | ${'A'.repeat(long)}`,
  'feeds alone': '',
};

async function cpuMs(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

async function readWhole(path: string): Promise<void> {
  for (const log of ['bot', 'console'] as const)
    for await (const { file } of followLog(path, log, [])) assert.ok(file.position >= 0);
}

/** Times hostile inputs of 10 kB, 100 kB and so on up to `most` bytes, each read from a real file. */
export async function growth(asked: { most: number }, say: (at: string) => void): Promise<GrowthTally> {
  const sizes: number[] = [];
  for (let size = 10_000; size <= asked.most; size *= 10) sizes.push(size);
  const tally: GrowthTally = {
    ...{ inputs: 0, sizes, worstRatio: 0, worstOf: '', slowestMs: 0, slowestOf: '', slowestArtifactMs: 0 },
  };
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-growth-'));
  const measure = async (what: string, work: (size: number) => Promise<number>) => {
    tally.inputs += 1;
    let before = Number.POSITIVE_INFINITY;
    for (const size of sizes) {
      say(`${what} of ${size} bytes`);
      const ms = await work(size);
      const ratio = ms / Math.max(before, measurableMs);
      if (ratio > tally.worstRatio) [tally.worstRatio, tally.worstOf] = [ratio, `${what} of ${size} bytes`];
      if (ms > tally.slowestMs) [tally.slowestMs, tally.slowestOf] = [ms, `${what} of ${size} bytes`];
      assert.ok(ratio < mostRatio, `${what} of ${size} bytes took ${ms} ms, and a tenth of it ${before} ms`);
      assert.ok(size > 100_000 || ms < mostMs, `${what} of ${size} bytes took ${ms} ms`);
      before = ms;
    }
  };
  try {
    const base = artifactSamples()
      .find(({ bytes }) => bytes.includes('v1.7.2'))!
      .bytes.toString('latin1');
    const name = parseArtifactName('gametime-etl_adlernest-R1-1771448345.json')!;
    const path = join(directory, 'gametime-etl_adlernest-R1-1771448345.json');
    for (const [what, make] of Object.entries(artifacts))
      await measure(what, async (size) => {
        const bytes = Buffer.from(make(base, size), 'latin1');
        writeFileSync(path, bytes);
        const ms = await cpuMs(async () => {
          const { damage, content } = await readArtifact({ path, name, place: directory });
          assert.equal(damage === null, content !== null);
          if (size > 2_000_000) assert.match(damage ?? '', /^larger than 1 MiB/);
        });
        if (ms > tally.slowestArtifactMs) tally.slowestArtifactMs = ms;
        assert.ok(ms < mostMs, `${what}: ${ms} ms for ${bytes.length} bytes`);
        if (bytes.length > 1_048_576) return ms;
        const read = { state: 'read', bytes, modified: new Date() } as const;
        return ms + (await cpuMs(async () => void toMessage(path, { name: 'a.json', read })));
      });
    const log = join(directory, 'webhook.log');
    for (const [what, line] of Object.entries(lines))
      await measure(what, async (size) => {
        writeFileSync(log, fill(`${line}\n`, size));
        return cpuMs(() => readWhole(log));
      });
    await measure('one line', async (size) => {
      writeFileSync(log, module + 'x'.repeat(size));
      return cpuMs(() => readWhole(log));
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return tally;
}
