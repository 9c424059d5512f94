import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { gatherEvents, ingestLogs, type LogReading } from '../../../jobs/log-evidence.ts';
import { noProgress } from '../../../jobs/progress.ts';
import { type Config, parseConfig } from '../../../src/config.ts';
import { withLedger } from '../../../src/context.ts';
import type { LogEvent, LogName } from '../../../src/core/log-event.ts';
import { readLogLines } from '../../../src/core/log-lines.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { storedFiles } from '../../../src/ledger/log-store.ts';
import { freshBot, readBotLine } from '../../../src/logs/bot-line.ts';
import { freshConsole, readConsoleLine } from '../../../src/logs/console-line.ts';
import { longestLineBytes } from '../../../src/logs/lines.ts';
import { randomOf } from '../../random.ts';
import { makeLine, planted } from './lines.ts';
import { below, pick, type Random } from './mutate.ts';
import { logSamples } from './samples.ts';

/** What became of the lines. */
export interface LineTally {
  lines: number;
  events: number;
  unrecognised: number;
  /** Lines of gzipped parts that were damaged on purpose, which need not come in. */
  inDamaged: number;
  fromDamaged: number;
  rotations: number;
  slowestMs: number;
  slowest: string;
  heapGrewBytes: number;
}

const perBatch = 2_500;
const damagedEnding = '.9.gz';
const captureSince = '2026-01-24';
/** For the part of two logs that is new at one time. */
const mostMs = 5_000;
/** More than that is kept of something that is over. */
const mostHeapBytes = 32 * 1_048_576;

type Step = { state: object; event: { at: string | null } | null };
const parsers = {
  bot: { fresh: freshBot, read: readBotLine as (state: never, line: string) => Step },
  console: { fresh: freshConsole, read: readConsoleLine as (state: never, line: string) => Step },
};

/** The events that the lines of one file come to when they are read one after the other. */
function expectedEvents(log: LogName, lines: readonly string[]): number {
  const { fresh, read } = parsers[log];
  let [state, events] = [fresh as object, 0];
  for (const line of lines) {
    const bytes = Buffer.from(line, 'latin1').subarray(0, longestLineBytes);
    const step = read(state as never, bytes.toString('utf8').replace(/\r$/, ''));
    state = step.state;
    if (step.event !== null && (step.event.at === null || step.event.at >= captureSince)) events += 1;
  }
  return events;
}

/** One log that grows and is rotated while it is read. */
class Growing {
  readonly path: string;
  /** The lines of each file that there was; a new file knows nothing of the one before. */
  readonly files: string[][] = [[]];
  #torn = '';

  constructor(path: string) {
    this.path = path;
    writeFileSync(path, '');
  }

  /** Appends lines; the last one only in part, so that the next ones go on in it. */
  grow(lines: readonly string[], random: Random): void {
    const text = `${this.#torn}${lines.join('\n')}\n`;
    const at = Math.max(0, text.length - 1 - below(random, 30));
    appendFileSync(this.path, Buffer.from(text.slice(0, at), 'latin1'));
    this.#torn = text.slice(at);
    this.files.at(-1)!.push(...lines);
  }

  finish(): void {
    appendFileSync(this.path, Buffer.from(this.#torn, 'latin1'));
    this.#torn = '';
  }

  /** Afterwards an empty log; its older part lies beside it. */
  rotate(how: 'rename' | 'copy'): void {
    this.finish();
    this.files.push([]);
    if (how === 'rename') {
      renameSync(this.path, `${this.path}.1`);
      writeFileSync(this.path, '');
    } else {
      copyFileSync(this.path, `${this.path}.1`);
      truncateSync(this.path, 0);
    }
  }

  zip(): void {
    writeFileSync(`${this.path}.2.gz`, gzipSync(readFileSync(`${this.path}.1`)));
    rmSync(`${this.path}.1`);
  }
}

/** A gzipped part of its own that is cut off, changed or no gzip at all. */
function putDamaged(path: string, lines: readonly string[], random: Random): void {
  const zipped = gzipSync(Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
  const at = 20 + below(random, Math.max(1, zipped.length - 40));
  const how = below(random, 3);
  if (how === 1) zipped[at]! ^= 0xff;
  const bytes = how === 0 ? zipped.subarray(0, at) : how === 1 ? zipped : zipped.fill(0, 0, 2);
  writeFileSync(`${path}${damagedEnding}`, bytes);
  // A young one that is cut off may still be being written, and would be left for later.
  utimesSync(`${path}${damagedEnding}`, 1_772_000_000, 1_772_000_000);
}

/** What is kept of a line is harmless, short, and holds no secret. */
function assertHarmless({ quote, map, subject, at, kind }: LogEvent): void {
  for (const text of [quote.text, map ?? '', subject ?? '']) {
    assert.ok(text.length <= 500 && text.isWellFormed(), `${kind}: ${text.length}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    // What damage has changed is no address and no name of a secret any more.
    assert.ok(quote.file.endsWith(damagedEnding) || !text.includes(planted), `${kind}: ${text}`);
  }
  if (at !== null) assert.match(at, /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/);
}

interface Scene {
  config: Config;
  ledger: Ledger;
  logs: Record<LogName, Growing>;
  random: Random;
}

async function timedIngest(scene: Scene, tally: LineTally, at: string): Promise<LogReading> {
  const before = process.cpuUsage();
  const options = { readAt: new Date().toISOString(), progress: noProgress };
  const reading = await ingestLogs(scene.config, scene.ledger, options);
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1_000;
  if (ms > tally.slowestMs) [tally.slowestMs, tally.slowest] = [ms, at];
  return reading;
}

/** What is stored of the lines of both logs, damaged parts apart. */
async function assertAccounted(scene: Scene, tally: LineTally): Promise<void> {
  const { ledger, config, logs } = scene;
  const everything = { windows: [{ fromUnix: -1e12, toUnix: 1e13 }], fresh: false };
  const { events: dated } = await gatherEvents(config, ledger, everything);
  // Dates of every kind are turned into instants, or passed over; nothing throws.
  readLogLines(dated, config.zone);
  for (const event of dated) assertHarmless(event);
  for (const log of ['bot', 'console'] as const) {
    const files = (await storedFiles(ledger.database, config.sourceName)).filter((file) => file.log === log);
    const [bad, good] = [true, false].map((of) =>
      files.filter(({ path }) => path.endsWith(damagedEnding) === of),
    );
    const lineages = bad!.map(({ lineage }) => lineage);
    const count = async (own: boolean) => {
      const query = ledger.database.knex('log_events').count({ count: '*' }).where({ log });
      const rows = await (own ? query.whereIn('lineage', lineages) : query.whereNotIn('lineage', lineages));
      return Number(rows[0]!.count);
    };
    // A copy and what it is a copy of are remembered both; the lines of each are stored once.
    const lines = logs[log].files.flat();
    const events = await count(false);
    const expected = logs[log].files.map((file) => expectedEvents(log, file));
    assert.equal(
      events,
      expected.reduce((sum, one) => sum + one, 0),
      `${log}: events of ${lines.length} lines`,
    );
    assert.ok(good!.some((file) => file.lines > 0));
    tally.lines += lines.length;
    tally.events += events;
    tally.unrecognised += lines.length - events;
    tally.fromDamaged += await count(true);
  }
}

/** Both logs grow, are read, rotated while they are read, zipped, and read again. */
async function live(scene: Scene, tally: LineTally): Promise<void> {
  const samples = logSamples();
  const { random: own } = scene;
  const names: readonly LogName[] = ['bot', 'console'];
  const grow = (count: number) => {
    for (const log of names)
      scene.logs[log].grow(
        Array.from({ length: count }, () => makeLine(samples[log], own)),
        own,
      );
  };
  const third = Math.floor(perBatch / 6);
  grow(third);
  await timedIngest(scene, tally, 'a first part');
  grow(third);
  const reading = timedIngest(scene, tally, 'a part that was rotated meanwhile');
  await new Promise((resolve) => setImmediate(resolve));
  const how = pick(own, ['rename', 'between'] as const);
  if (how === 'rename') for (const log of names) scene.logs[log].rotate('rename');
  await reading;
  // Truncating a log that nobody has read to its end would lose lines to every reader.
  if (how === 'between') {
    for (const log of names) scene.logs[log].finish();
    await timedIngest(scene, tally, 'a part');
    for (const log of names) scene.logs[log].rotate('copy');
  }
  tally.rotations += names.length;
  await timedIngest(scene, tally, 'after a rotation');
  grow(perBatch / 2 - 2 * third);
  for (const log of names) scene.logs[log].finish();
  await timedIngest(scene, tally, 'a last part');
  for (const log of names) scene.logs[log].zip();
  await timedIngest(scene, tally, 'a zipped part');
  const damaged = Array.from({ length: 200 }, () => makeLine(samples.bot, own));
  putDamaged(scene.logs.bot.path, damaged, own);
  tally.inDamaged += damaged.length;
  const { problems } = await timedIngest(scene, tally, 'a damaged part');
  assert.ok(problems.some(({ path, why }) => path.endsWith(damagedEnding) && why !== ''));
}

const heap = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

/** Fuzzes so many lines; throws with the seed and the batch where something does not hold. */
export async function fuzzLines(
  asked: { count: number; seed: number },
  say: (at: string) => void,
): Promise<LineTally> {
  const tally: LineTally = {
    ...{ lines: 0, events: 0, unrecognised: 0, inDamaged: 0, fromDamaged: 0, rotations: 0 },
    ...{ slowestMs: 0, slowest: '', heapGrewBytes: 0 },
  };
  let heapBefore = 0;
  for (let batch = 0; tally.lines < asked.count; batch++) {
    say(`line ${tally.lines} (seed ${asked.seed}, batch ${batch})`);
    // Not before a first batch, which loads what all need.
    if (batch > 0 && tally.lines * 5 >= asked.count && heapBefore === 0) heapBefore = heap();
    const directory = mkdtempSync(join(tmpdir(), 'roundwarden-fuzz-'));
    const [bot, console] = [join(directory, 'webhook.log'), join(directory, 'etconsole.log')];
    const config = parseConfig({
      ...{ DATA_DIR: join(directory, 'data'), SOURCE_NAME: 'fuzz', GAMETIME_PATHS: 'none' },
      ...{ WEBHOOK_LOG: bot, CONSOLE_LOG: console, CAPTURE_SINCE: captureSince },
    });
    const logs = { bot: new Growing(bot), console: new Growing(console) };
    try {
      await withLedger(config, async (ledger) => {
        const scene = { config, ledger, logs, random: randomOf(asked.seed * 1_000_003 + batch) };
        await live(scene, tally);
        await assertAccounted(scene, tally);
      });
      assert.ok(tally.slowestMs < mostMs, `${tally.slowest}: ${tally.slowestMs} ms`);
    } catch (cause) {
      throw new Error(`lines, seed ${asked.seed}, batch ${batch}`, { cause });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  assert.equal(tally.events + tally.unrecognised, tally.lines);
  const heapGrewBytes = heapBefore === 0 ? 0 : heap() - heapBefore;
  assert.ok(heapGrewBytes < mostHeapBytes, `the heap grew by ${heapGrewBytes} bytes`);
  return { ...tally, heapGrewBytes };
}
