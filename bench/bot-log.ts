import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ingestLogs } from '../jobs/log-evidence.ts';
import type { Config } from '../src/config.ts';
import { incidentFold } from '../src/context.ts';
import { closeLedger, openLedger } from '../src/ledger/open.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { dropDatabase, freshDatabase } from './databases.ts';
import { byTurns, type Finding, ratioFinding } from './measure.ts';

/** What a bot writes all day, and proves nothing. */
const chatter = [
  'INFO     | bot.core                  | 🔄 Synced 14 slash commands with guild 1130000000000000000',
  'DEBUG    | discord.gateway           | For Shard ID None: WebSocket Event: {"t":"PRESENCE_UPDATE","s":8123,"op":0}',
  'INFO     | bot.automation.ssh        | 🔍 Checking the remote directory for new stats files (42 known, 0 new)',
  'DEBUG    | discord.client            | Dispatching event socket_event_type',
  'INFO     | bot.cogs.stats            | !last_session by user 204911111111111111 in #stats took 412 ms',
  'WARNING  | discord.http              | A rate limit bucket has been exhausted. Pre-emptively rate limiting...',
  'INFO     | bot.database              | Pool: size=10 idle=9 in_use=1, queries=812 slow=0',
  'INFO     | bot.voice                 | Voice channel gaming: 6 members, session active',
];
const trace = [
  'ERROR    | bot.cogs.stats            | Command raised an exception',
  'Traceback (most recent call last):',
  '  File "/srv/bot/cogs/stats_cog.py", line 412, in last_session',
  '    rows = await self.bot.db.fetch(query, session_id)',
  'TimeoutError: the database did not answer within 30 s',
];

/** The lines of one round that prove something: what the file leg, the message and the artifact leave in the log. */
function roundLines(at: number): string[] {
  const map = ['supply', 'etl_adlernest', 'te_escape2', 'sw_goldrush_te'][at % 4]!;
  const number = (at % 2) + 1;
  const artifact = `gametime-${map}-R${number}-${1_770_000_000 + at * 700}.json`;
  const head = (level: string) => `${level.padEnd(8)} | bot.webhook               | `;
  return [
    `${head('INFO')}📥 Webhook trigger validated: 2026-02-16-212429-${map}-round-${number}.txt`,
    `${head('INFO')}📥 Received STATS_READY webhook with metadata`,
    `${head('INFO')}📊 STATS_READY: ${map} R${number} (winner=2, playtime=431s, warmup=40s, pauses=0, score=0-1)`,
    at % 9 === 0
      ? `${head('WARNING')}⚠️ Could not store Lua team data: the server expects 24 arguments for this query`
      : `${head('INFO')}💾 Stored Lua round data: 2026-02-16-212426 R${number} (Axis: 3, Allies: 3)`,
    `${head('INFO')}📥 Downloading gametime file: ${artifact}`,
    `${head('INFO')}📁 GAMETIME: ${map} R${number} (winner=2)`,
  ];
}

/** A round ends so often, day and night: three times as many as on the days of DOMAIN, section 6; seven lines in a thousand. */
const minutesPerRound = 30;

/** What a bot writes. */
function* logLines(): Generator<string> {
  for (let minute = 0; ; minute++) {
    const at = new Date(Date.UTC(2026, 1, 1) + (minute % 500_000) * 60_000)
      .toISOString()
      .slice(0, 16)
      .replace('T', ' ');
    const lines = [
      ...Array.from({ length: 30 }, (_, line) => chatter[(line * 7 + minute) % chatter.length]!),
    ];
    if (minute % minutesPerRound === 0) lines.push(...roundLines(minute / minutesPerRound));
    if (minute % 17 === 0) lines.push(...trace);
    for (const [second, line] of lines.entries())
      yield /^[A-Z]+ +\|/.test(line)
        ? `${at}:${String(second % 60).padStart(2, '0')} | ${line}\n`
        : `${line}\n`;
  }
}

/** A log of so many bytes, made once. */
async function makeLog(directory: string, bytes: number): Promise<string> {
  const path = join(directory, `webhook-${minutesPerRound}-${bytes}.log`);
  if (existsSync(path)) return path;
  const file = createWriteStream(`${path}.part`);
  let [text, written] = ['', 0];
  for (const line of logLines()) {
    text += line;
    if (text.length < 1 << 20) continue;
    written += Buffer.byteLength(text);
    if (!file.write(text)) await once(file, 'drain');
    text = '';
    if (written >= bytes) break;
  }
  file.end(text);
  await once(file, 'finish');
  renameSync(`${path}.part`, path);
  return path;
}

/** The bare line reader: a stream, the next line feed, the line as text; it counts what it read. */
export async function readLines(path: string): Promise<number> {
  let lines = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of createReadStream(path, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let from = 0;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      if (bytes.toString('utf8', from, at).length >= 0) lines += 1;
      from = at + 1;
    }
    rest = bytes.subarray(from);
  }
  return lines;
}

/** What runs in a process of its own, so that its memory is its own. */
export type LogTask = { path: string; url: string };

const program = fileURLToPath(new URL('./bot-log-peak.js', import.meta.url));

/** The most memory that a process of its own takes to read the log, in megabytes. */
function readingPeak(task: LogTask): Promise<number> {
  return new Promise((done, failed) => {
    const child = fork(program, [task.path, task.url]);
    let peak: number | null = null;
    child.on('message', (message) => (peak = message as number));
    child.on('error', failed);
    child.on('exit', () => (peak === null ? failed(new Error('reading a log failed')) : done(peak)));
  });
}

/** Reads a log as an audit does, into the ledger at a URL. */
export async function ingest({ path, url }: LogTask): Promise<void> {
  const config = {
    sourceName: 'bench',
    isNamed: true,
    botLogPaths: [path],
    consoleLogPaths: [],
    captureSince: '2026-01-24',
  };
  const ledger = await openLedger({ url, dataDir: null, fold: incidentFold });
  const progress = { step: () => undefined } as never;
  const reading = await ingestLogs(config as unknown as Config, ledger, {
    readAt: '2026-02-14T20:00:00.000Z',
    progress,
  });
  await closeLedger(ledger);
  if (reading.problems.length > 0) throw new Error(reading.problems[0]!.why);
}

async function run(options: BenchOptions): Promise<Finding[]> {
  const { directory, dialects, times, say } = options;
  const bytes = options.sizeOf({ full: 500_000_000, small: 20_000_000 });
  say(`a log of ${bytes.toLocaleString('en')} bytes`);
  const path = await makeLog(directory, bytes);
  const twice = await makeLog(directory, bytes * 2);
  const findings: Finding[] = [];
  for (const dialect of dialects) {
    const fresh = async () => {
      const url = await freshDatabase(dialect, { directory, name: 'bot_log' });
      await closeLedger(await openLedger({ url, dataDir: null, fold: incidentFold }));
      return url;
    };
    let url = '';
    const samples = await byTurns(times, {
      prepare: async () => {
        url = await fresh();
      },
      limit: () => readLines(path),
      product: () => ingest({ path, url }),
    });
    const peak = await readingPeak({ path, url: await fresh() });
    // In the first hundreds of megabytes V8 and SQLite take the memory that they keep for what is short-lived.
    const peakOfTwice = await readingPeak({ path: twice, url: await fresh() });
    await dropDatabase(dialect, { directory, name: 'bot_log' });
    const about = {
      measure: `reading the bot's log, ${dialect}`,
      size: `${Math.round(statSync(path).size / 1e6)} MB`,
      limit: 'a stream split into lines of text',
    };
    findings.push(
      ratioFinding(about, {
        samples,
        atMost: 1.5,
        goals: [
          { of: 'memory', is: peak, unit: 'MB', atMost: 150 },
          { of: 'memory, twice the log', is: peakOfTwice / peak, unit: 'times', atMost: 1.25 },
        ],
      }),
    );
  }
  return findings;
}

/** The bot's log: read, and what is evidence stored. */
export const bench: Bench = {
  id: 'bot-log',
  about: 'reading a 500 MB log of the bot against a bare line reader',
  run,
};
