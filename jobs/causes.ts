import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { isMissed } from '../src/core/cause.ts';
import { type LogLines, readLogLines } from '../src/core/log-lines.ts';
import type { Round } from '../src/core/model.ts';
import { addDays, utcText } from '../src/core/time.ts';
import type { Assessment } from '../src/core/verdict.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import type { LogProblem } from '../src/logs/places.ts';
import { readRivals } from '../src/source/read.ts';
import { gatherEvents, type LogReading } from './log-evidence.ts';
import { dayRange, instantsOf, joinRanges, type Scope, widen, windowOf } from './scope.ts';

/** Where the lines of the logs come from: the ledger's store, and what is new in the files where a run may not store it. */
export interface LogSource {
  config: Config;
  ledger: Ledger | null;
  scope: Scope;
  /** What this run has read and stored; null where it may not. */
  reading: LogReading | null;
}

const wholeHistory = { fromUnix: Number.MIN_SAFE_INTEGER, toUnix: Number.MAX_SAFE_INTEGER };

/** The instants in which lines bear on the window and on the missed rounds outside it: their days, and one more. */
function windowsOf(scope: Scope, assessments: readonly Assessment[], zone: string) {
  if (scope.kind === 'all') return [wholeHistory];
  const missed = assessments.filter(isMissed).flatMap(({ round }) => dayRange(round.date));
  const own = scope.kind === 'round' ? [] : [windowOf(scope)];
  return joinRanges([...own, ...missed].map((range) => widen(range, 1))).map((range) =>
    instantsOf(range, zone),
  );
}

/** The lines of both logs that bear on what was judged, and what could not be read. */
export async function logLinesFor(
  from: LogSource,
  assessments: readonly Assessment[],
): Promise<{ lines: LogLines; unreadLogs: readonly LogProblem[] }> {
  const { config, ledger, scope, reading } = from;
  const windows = windowsOf(scope, assessments, config.zone);
  const { events, problems } = await gatherEvents(config, ledger, { windows, fresh: reading === null });
  return { lines: readLogLines(events, config.zone), unreadLogs: reading?.problems ?? problems };
}

const hourSeconds = 3_600;
/** A line of the bot's log is of a round that ended within an hour of it, or a day before it. */
const storyDays = 2;

/** The rounds around those that were missed, on days of which the bot's log tells something. */
export async function neighboursOf(
  { database, schema }: Source,
  assessments: readonly Assessment[],
  { bot }: LogLines,
): Promise<Round[]> {
  const hours = new Set(bot.map(({ unix }) => Math.floor(unix / hourSeconds)));
  const days = [...hours].map((hour) => utcText(hour * hourSeconds).slice(0, 10));
  const told = new Set(days.flatMap((day) => daysAround(day, storyDays)));
  const missed = assessments
    .filter(isMissed)
    .flatMap(({ round }) => dayRange(round.date))
    .filter(({ since }) => told.has(since!));
  return readRivals(database, schema, joinRanges(missed.map((day) => widen(day, storyDays))));
}

const daysAround = (day: string, count: number) =>
  Array.from({ length: 2 * count + 1 }, (_, at) => addDays(day, at - count));
