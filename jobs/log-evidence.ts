import type { Config } from '../src/config.ts';
import type { LogEvent, LogName, RememberedFile } from '../src/core/log-event.ts';
import { plainError } from '../src/errors.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { type LogWindow, saveLogChunk, storedEvents, storedFiles } from '../src/ledger/log-store.ts';
import { followLog, type LogChunk } from '../src/logs/follow.ts';
import { findLogs, type LogProblem } from '../src/logs/places.ts';
import type { Progress } from './progress.ts';

/** What was read of the logs. */
export interface LogReading {
  files: readonly { log: LogName; path: string; lineage: string }[];
  /** What could not be read, or not to its end. */
  problems: readonly LogProblem[];
}

/** Instants, unix seconds, both included. */
export interface InstantWindow {
  fromUnix: number;
  toUnix: number;
}

const logNames: readonly LogName[] = ['bot', 'console'];
const pathsOf = (config: Config, log: LogName) =>
  log === 'bot' ? config.botLogPaths : config.consoleLogPaths;

/** Lines of the bot from before there were captures prove nothing. */
function sinceCaptures(config: Config): (event: LogEvent) => boolean {
  return ({ at }) => at === null || at >= config.captureSince;
}

/** A chunk, or why there is none. */
type NextChunk = IteratorResult<LogChunk, void> | { failed: string };

/**
 * Gives the chunks of a file to `take`, one by one and in their order; the next one is read while one is taken. Answers
 * with why the file could not be read to its end, or null. Throws what `take` throws.
 */
async function eachChunk(
  chunks: AsyncGenerator<LogChunk>,
  take: (chunk: LogChunk) => Promise<void>,
): Promise<string | null> {
  const ahead = (): Promise<NextChunk> =>
    chunks.next().catch((thrown: unknown) => ({ failed: plainError(thrown) }));
  for (let reading = ahead(); ; ) {
    const next = await reading;
    if ('failed' in next) return next.failed;
    if (next.done === true) return null;
    reading = ahead();
    try {
      await take(next.value);
    } catch (thrown) {
      // What cannot be stored ends the run, and not with the file open.
      await chunks.return(undefined);
      throw thrown;
    }
  }
}

/**
 * Reads what is new in every file of one log, of the files of both that are remembered, and hands it on chunk by chunk.
 * Does not throw for a file.
 */
async function readNew(
  config: Config,
  of: { log: LogName; remembered: readonly RememberedFile[] },
  take: (chunk: LogChunk) => Promise<void>,
): Promise<LogReading> {
  const { log } = of;
  const remembered = of.remembered.filter((file) => file.log === log);
  const { files: paths, problems } = await findLogs(pathsOf(config, log));
  const byLineage = new Map(remembered.map((file) => [file.lineage, file]));
  const files: { log: LogName; path: string; lineage: string }[] = [];
  const since = sinceCaptures(config);
  for (const path of paths) {
    const why = await eachChunk(followLog(path, log, [...byLineage.values()]), async (chunk) => {
      const { file } = chunk;
      await take({ ...chunk, events: chunk.events.filter(since) });
      byLineage.set(file.lineage, file);
      if (!files.some(({ lineage }) => lineage === file.lineage))
        files.push({ log, path, lineage: file.lineage });
    });
    if (why !== null) problems.push({ path, why });
  }
  return { files, problems };
}

function joined(readings: readonly LogReading[]): LogReading {
  return {
    files: readings.flatMap(({ files }) => files),
    problems: readings.flatMap(({ problems }) => problems),
  };
}

/** Reads everything that is new in both logs, and stores the lines that matter (DOMAIN, section 5). */
export async function ingestLogs(
  config: Config,
  ledger: Ledger,
  options: { readAt: string; progress: Progress },
): Promise<LogReading> {
  const { database } = ledger;
  const source = config.sourceName;
  const remembered = await storedFiles(database, source);
  const readings: LogReading[] = [];
  for (const log of logNames) {
    readings.push(
      await readNew(config, { log, remembered }, async (chunk) => {
        await saveLogChunk(database, chunk, { source, readAt: options.readAt });
        options.progress.step(`reading ${chunk.file.path}`, chunk.bytes, chunk.total);
      }),
    );
  }
  return joined(readings);
}

/** A host's clock shows at most so much more or less than UTC. */
const clockSeconds = 15 * 3600;
const earliestUnix = 0;
const latestUnix = 253_402_300_799;

function asText(unix: number): string {
  const bounded = Math.min(Math.max(unix, earliestUnix), latestUnix);
  return new Date(bounded * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

/** The windows of one log that hold every line of some instants, whatever the clock of the bot's host shows. */
function windowOf(log: LogName, { fromUnix, toUnix }: InstantWindow): LogWindow {
  if (log === 'console') return { log, fromUnix, toUnix };
  return { log, fromText: asText(fromUnix - clockSeconds), toText: asText(toUnix + clockSeconds) };
}

function isInside({ at, endUnix }: LogEvent, window: LogWindow): boolean {
  if (window.log === 'bot') return at !== null && at >= window.fromText && at <= window.toText;
  return endUnix !== null && endUnix >= window.fromUnix && endUnix <= window.toUnix;
}

/** The lines that were stored, each once. */
async function stored(
  ledger: Ledger | null,
  source: string,
  windows: readonly LogWindow[],
): Promise<Map<string, LogEvent>> {
  const events = new Map<string, LogEvent>();
  if (ledger === null) return events;
  for (const window of windows)
    for (const event of await storedEvents(ledger.database, source, window))
      events.set(`${event.lineage}:${event.quote.line}`, event);
  return events;
}

/**
 * The lines of both logs within some windows: those that are stored, and with `fresh` also those that are new in
 * the files, which a run that may not write cannot store. Writes nothing.
 */
export async function gatherEvents(
  config: Config,
  ledger: Ledger | null,
  asked: { windows: readonly InstantWindow[]; fresh: boolean },
): Promise<{ events: LogEvent[]; problems: readonly LogProblem[] }> {
  const source = config.sourceName;
  const events: LogEvent[] = [];
  const problems: LogProblem[] = [];
  const remembered = ledger === null || !asked.fresh ? [] : await storedFiles(ledger.database, source);
  for (const log of logNames) {
    const windows = asked.windows.map((window) => windowOf(log, window));
    events.push(...(await stored(ledger, source, windows)).values());
    if (!asked.fresh) continue;
    const reading = await readNew(config, { log, remembered }, async (chunk) => {
      events.push(...chunk.events.filter((event) => windows.some((window) => isInside(event, window))));
    });
    problems.push(...reading.problems);
  }
  return { events, problems };
}
