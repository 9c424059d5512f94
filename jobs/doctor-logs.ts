import { stat } from 'node:fs/promises';
import { type BotClock, botInstants, clockOfDays } from '../src/core/bot-clock.ts';
import { counted } from '../src/core/counted.ts';
import type { LogEvent, LogName } from '../src/core/log-event.ts';
import { localText } from '../src/core/time.ts';
import { plainError } from '../src/errors.ts';
import { findLogs } from '../src/logs/places.ts';
import { type Check, checksOf, type Examination } from './doctor-check.ts';
import { gatherEvents } from './log-evidence.ts';
import { botTimes, readTail } from './log-sample.ts';

const { ok, problem, warning } = checksOf('logs');

const settings: Record<LogName, { setting: string; what: string }> = {
  bot: { setting: 'WEBHOOK_LOG', what: "the bot's webhook.log" },
  console: { setting: 'CONSOLE_LOG', what: "the game server's etconsole.log" },
};

/** What can be seen of one log without reading it whole. */
interface LogLook {
  log: LogName;
  files: readonly { path: string; bytes: number; modifiedUnix: number }[];
  problems: readonly Check[];
  /** Local text of the newest line of the bot's log that carries a time. */
  newestAt: string | null;
}

const latest = (one: string | null, other: string | null) => ((other ?? '') > (one ?? '') ? other : one);

/** Finds the files of a log, and sees that each can be read. Does not throw for a file. */
async function lookAt(asked: Examination, log: LogName): Promise<LogLook> {
  const paths = log === 'bot' ? asked.config.botLogPaths : asked.config.consoleLogPaths;
  const found = await findLogs(paths);
  const { setting } = settings[log];
  const mend = `correct ${setting}, or give the user of Roundwarden the right to read it`;
  const problems = found.problems.map(({ path, why }) => problem(setting, `${path}: ${why}`, mend));
  const files: LogLook['files'][number][] = [];
  let newestAt: string | null = null;
  for (const path of found.files)
    try {
      const [{ size, mtimeMs }, { text }] = [await stat(path), await readTail(path)];
      files.push({ path, bytes: size, modifiedUnix: Math.floor(mtimeMs / 1000) });
      if (log === 'bot' && !path.endsWith('.gz')) newestAt = latest(newestAt, botTimes(text).at(-1) ?? null);
    } catch (thrown) {
      problems.push(problem(setting, `${path}: ${plainError(thrown)}`, mend));
    }
  return { log, files, problems, newestAt };
}

/** What the logs hold of the last month, and around their newest line: enough to tell the bot's clock. */
const clockDays = 31;
const daySeconds = 86_400;

/** The lines that matter for the checks: those that are stored, and those that are new in the files. */
async function recentEvents(asked: Examination, newestAt: string | null): Promise<LogEvent[]> {
  const { config, ledger, nowMs } = asked;
  const nowUnix = Math.floor(nowMs / 1000);
  const around = (unix: number) => ({ fromUnix: unix - clockDays * daySeconds, toUnix: unix + daySeconds });
  const written = newestAt === null ? Number.NaN : Date.parse(`${newestAt.replace(' ', 'T')}Z`) / 1000;
  const windows = [around(nowUnix), ...(Number.isNaN(written) ? [] : [around(written)])];
  return (await gatherEvents(config, ledger, { windows, fresh: true })).events;
}

/** So long after a round a log may be silent. */
const silentSeconds = 30 * 60;
/** Where the clock of the bot's host is not known, it may be off by an hour or two. */
const unknownClockSeconds = 3 * 3600;
/** Where it is not known whether rounds were played, only a week without any line is strange. */
const weekSeconds = 7 * daySeconds;

/** The latest moment at which rounds are known to have been played, and by what. */
function lastPlay({ source, playedUnix, places, nowMs }: Examination): { unix: number; by: string } | null {
  if (source !== null) return playedUnix === null ? null : { unix: playedUnix, by: 'the newest round is of' };
  const ends = places.flatMap(({ newestUnix }) => (newestUnix === null ? [] : [newestUnix]));
  const past = ends.filter((unix) => unix <= nowMs / 1000);
  if (past.length > 0) return { unix: Math.max(...past), by: 'the newest artifact is of' };
  return { unix: Math.floor(nowMs / 1000) - weekSeconds, by: 'nothing since' };
}

interface Newest {
  unix: number;
  /** How wrong it may be. */
  slackSeconds: number;
}

function newestLine(look: LogLook, clock: BotClock | null, zone: string): Newest | null {
  if (look.log === 'console') {
    const times = look.files.filter(({ bytes }) => bytes > 0).map(({ modifiedUnix }) => modifiedUnix);
    return times.length === 0 ? null : { unix: Math.max(...times), slackSeconds: 0 };
  }
  if (look.newestAt === null) return null;
  const [unix] = botInstants(look.newestAt, clock ?? { kind: 'server' }, zone);
  return unix === undefined ? null : { unix, slackSeconds: clock === null ? unknownClockSeconds : 0 };
}

/** A log that says nothing although rounds were played since. */
function checkNewest(asked: Examination, look: LogLook, clock: BotClock | null): Check {
  const { zone } = asked.config;
  const { setting, what } = settings[look.log];
  const mend = `see that ${setting} names ${what} that is being written, and that what writes it runs`;
  const newest = newestLine(look, clock, zone);
  const files = counted(look.files.length, 'file');
  if (newest === null) return problem(setting, `${files}, and not one line with a time`, mend);
  const play = lastPlay(asked);
  const written = look.log === 'bot' ? 'the newest line is of' : 'last written';
  const last = `${written} ${localText(newest.unix, zone)}`;
  if (play !== null && play.unix - newest.unix > silentSeconds + newest.slackSeconds)
    return problem(setting, `stale: ${last}, ${play.by} ${localText(play.unix, zone)}`, mend);
  return ok(setting, `${files}, ${last}`);
}

function clockText(clock: BotClock): string {
  if (clock.kind === 'server') return "it shows the game server's time";
  const hours = clock.offsetSeconds / 3600;
  return hours === 0 ? 'it shows UTC' : `it shows UTC${hours < 0 ? '' : '+'}${hours}`;
}

function checkClockOfBot(clock: BotClock | null): Check {
  const name = 'clock of the bot';
  if (clock !== null) return ok(name, clockText(clock));
  return warning(
    name,
    'its offset was not found: no line names a stats file near its own time',
    'nothing to do if no round was imported lately; otherwise see that WEBHOOK_LOG is the log with "Webhook trigger validated"',
  );
}

const notSet = ({ setting, what }: { setting: string; what: string }) =>
  warning(setting, 'not set: why a round was missed is known less often', `set ${setting} to ${what}`);

/** What the logs came to, and what other checks read in them. */
export interface LogsExamined {
  checks: Check[];
  events: readonly LogEvent[];
  /** The files of the console, the oldest first. */
  consoleFiles: readonly string[];
  /** False where there is no bot log that can be read. */
  botRead: boolean;
}

function checkLog(asked: Examination, look: LogLook, clock: BotClock | null): Check[] {
  const configured = look.log === 'bot' ? asked.config.botLogPaths : asked.config.consoleLogPaths;
  if (configured.length === 0) return [notSet(settings[look.log])];
  if (look.files.length === 0) return [...look.problems];
  const ofBot = look.log === 'bot' ? [checkClockOfBot(clock)] : [];
  const newest = checkNewest(asked, look, clock);
  // A log without a line has no clock either: one line for it is enough.
  return [...look.problems, newest, ...(newest.state === 'ok' ? ofBot : [])];
}

/** Both logs: readable, newest line, and the offset of the bot's clock. */
export async function checkLogs(asked: Examination): Promise<LogsExamined> {
  const [bot, consoleLog] = [await lookAt(asked, 'bot'), await lookAt(asked, 'console')];
  const events = await recentEvents(asked, bot.newestAt);
  const clockOf = clockOfDays(
    events.filter(({ log }) => log === 'bot'),
    asked.config.zone,
  );
  const clock = bot.newestAt === null ? null : clockOf(bot.newestAt.slice(0, 10));
  return {
    checks: [...checkLog(asked, bot, clock), ...checkLog(asked, consoleLog, null)],
    events,
    consoleFiles: consoleLog.files.map(({ path }) => path),
    botRead: bot.files.length > 0,
  };
}
