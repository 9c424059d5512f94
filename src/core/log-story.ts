import type { LogEvent, LogQuote } from './log-event.ts';
import { type BotLine, byPlace, handlingSeconds, type LogLines, type Named, sameName } from './log-lines.ts';
import { distance } from './match.ts';
import type { Round } from './model.ts';
import { normaliseMap, parseArtifactName, safeMap } from './names.ts';
import type { Situation } from './situation.ts';
import { parseStatsFile } from './stats-file.ts';
import { localToInstants } from './time.ts';

/** The same with an index by hour, so that a round is not looked for in the lines of years. */
export interface LogIndex {
  lines: LogLines;
  botOfHour: ReadonlyMap<number, readonly BotLine[]>;
  consoleOfHour: ReadonlyMap<number, readonly LogEvent[]>;
  roundsOfHour: ReadonlyMap<number, readonly Identity[]>;
}

/** What the logs say of one round. */
export interface LogStory {
  bot: readonly BotLine[];
  consoleLines: readonly LogEvent[];
  /** The console has lines from after this round in the same file: nothing more will be said of it. */
  consoleWentOn: boolean;
  /** Rounds ended before and after this one in every console log that was written then. */
  consoleCovers: boolean;
  /**
   * Messages of its map and number that came within a day after it, too late for any playing: a retry buffer
   * delivers hours later, and whose they are cannot be told.
   */
  strays: readonly BotLine[];
}

/** So late after a file a message may come and still be told apart from the next playing's. */
const lateSeconds = 300;
const earlySeconds = 35;

/** What identifies a round in the logs. */
export interface Identity {
  id: number;
  name: Named;
  fileTimes: readonly number[];
  date: string;
  time: string;
}

function identityOf(situation: Situation, round: Round): Identity | null {
  const played = situation.playedById.get(round.id);
  if (played === undefined || (round.number !== 1 && round.number !== 2)) return null;
  const name: Named = { map: normaliseMap(round.map), number: round.number };
  const time = (round.time ?? '').replaceAll(':', '');
  return { id: round.id, name, fileTimes: played.instants, date: round.date ?? '', time };
}

/** Seconds from the nearest file time to an instant; negative where the instant is earlier. */
function after(fileTimes: readonly number[], unix: number): number {
  return fileTimes
    .map((file) => unix - file)
    .reduce((best, one) => (Math.abs(one) < Math.abs(best) ? one : best));
}

const inReach = (seconds: number) => seconds >= -earlySeconds && seconds <= lateSeconds;

/** What one line of the bot's log has to do with a round: certainly its own, by name and time, or by time alone. */
function belongs(line: BotLine, own: Identity, others: readonly Identity[]): boolean {
  const { event, unix, about } = line;
  // A file that was imported hours late does not show that the bot listened when it was written.
  if (event.kind === 'trigger') return isOwnFile(event.subject, own) && inReach(after(own.fileTimes, unix));
  const artifact = event.subject === null ? null : parseArtifactName(event.subject.split('/').at(-1)!);
  if (artifact !== null)
    return (
      artifact.safeMap === safeMap(own.name.map) &&
      artifact.number === own.name.number &&
      distance(own.fileTimes, artifact.endUnix) !== null
    );
  const seconds = after(own.fileTimes, unix);
  if (!inReach(seconds)) return false;
  const nearer = (one: Identity) => Math.abs(after(one.fileTimes, unix)) < Math.abs(seconds);
  if (about !== null)
    return sameName(about, own.name) && !others.some((one) => sameName(one.name, own.name) && nearer(one));
  // A refusal that names no round is this one's only at once, and where no other round ended near it.
  const refused = event.kind === 'rejected' && event.subject !== 'unauthorized';
  return refused && seconds <= handlingSeconds && !others.some((one) => inReach(after(one.fileTimes, unix)));
}

function isOwnFile(subject: string | null, own: Identity): boolean {
  const file = parseStatsFile(subject ?? '');
  return (
    file !== null &&
    file.date === own.date &&
    file.time === own.time &&
    file.number === own.name.number &&
    file.safeMap === safeMap(own.name.map)
  );
}

/** A capture's match_id is this round's end in server time; the line is the round's where it agrees. */
function isOwnCapture({ event, about }: BotLine, own: Identity, zone: string): boolean {
  const found = /^(\d{4}-\d{2}-\d{2})-(\d{6})$/.exec(event.subject ?? '');
  if (found === null || event.number !== own.name.number) return false;
  if (about !== null && about.map !== own.name.map) return false;
  const ends = localToInstants(found[1]!, found[2]!, zone)?.instants ?? [];
  return ends.some((end) => distance(own.fileTimes, end) !== null);
}

const isOwnMap = (map: string, own: Identity) => safeMap(normaliseMap(map)) === safeMap(own.name.map);

function isOwnConsole(event: LogEvent, own: Identity): boolean {
  if (event.endUnix === null || distance(own.fileTimes, event.endUnix) === null) return false;
  return (
    (event.map === null || isOwnMap(event.map, own)) &&
    (event.number === null || event.number === own.name.number)
  );
}

const placeOf = ({ lineage, endUnix }: LogEvent) => `${lineage} ${endUnix}`;

/** The lines after the end of this round; none of a part where the same end is another map's. */
function ownConsole(near: readonly LogEvent[], own: Identity): LogEvent[] {
  const foreign = new Set(near.filter(({ map }) => map !== null && !isOwnMap(map, own)).map(placeOf));
  return near.filter((event) => isOwnConsole(event, own) && !foreign.has(placeOf(event))).sort(byPlace);
}

/** `etconsole.log.2.gz` is an older part of `etconsole.log`. */
const streamOf = ({ quote }: LogEvent) => quote.file.replace(/(\.\d+)?(\.gz)?$/, '');

/** Whether rounds ended before and after this one in one part of each console log that has lines near it. */
function covers(consoleLines: readonly LogEvent[], own: Identity): boolean {
  const parts = new Map<string, Map<string, { before: boolean; after: boolean }>>();
  for (const event of consoleLines) {
    if (event.kind !== 'ended' || event.endUnix === null) continue;
    const stream = parts.get(streamOf(event)) ?? new Map();
    const part = stream.get(event.lineage) ?? { before: false, after: false };
    const seconds = after(own.fileTimes, event.endUnix);
    if (seconds < -earlySeconds) part.before = true;
    if (seconds > earlySeconds) part.after = true;
    stream.set(event.lineage, part);
    parts.set(streamOf(event), stream);
  }
  const whole = (stream: Map<string, { before: boolean; after: boolean }>) =>
    [...stream.values()].some((part) => part.before && part.after);
  return parts.size > 0 && [...parts.values()].every(whole);
}

const hourSeconds = 3_600;
const hourOf = (unix: number) => Math.floor(unix / hourSeconds);

function byHour<T>(items: readonly T[], timesOf: (item: T) => readonly number[]): Map<number, T[]> {
  const hours = new Map<number, T[]>();
  for (const item of items)
    for (const hour of new Set(timesOf(item).map(hourOf))) {
      const known = hours.get(hour);
      if (known) known.push(item);
      else hours.set(hour, [item]);
    }
  return hours;
}

/** The instants that a line of the bot's log speaks of: its own, and that of the file or capture it names. */
function timesOf({ event, unix }: BotLine, zone: string): number[] {
  const name = event.subject?.split('/').at(-1) ?? '';
  const artifact = parseArtifactName(name);
  const stamp = /^(\d{4}-\d{2}-\d{2})-(\d{6})/.exec(name);
  const named = stamp === null ? [] : (localToInstants(stamp[1]!, stamp[2]!, zone)?.instants ?? []);
  return [unix, ...named, ...(artifact === null ? [] : [artifact.endUnix])];
}

const isEmpty = ({ bot, consoleLines }: LogLines) => bot.length === 0 && consoleLines.length === 0;

/** Indexes the lines of both logs, and the rounds that they may be of. */
export function indexLogLines(situation: Situation, lines: LogLines): LogIndex {
  const known = isEmpty(lines) ? [] : [...situation.roundById.values()];
  const rounds = known.flatMap((round) => identityOf(situation, round) ?? []);
  return {
    lines,
    botOfHour: byHour(lines.bot, (line) => timesOf(line, situation.rules.zone)),
    consoleOfHour: byHour(lines.consoleLines, ({ endUnix }) => (endUnix === null ? [] : [endUnix])),
    roundsOfHour: byHour(rounds, ({ fileTimes }) => fileTimes),
  };
}

/** What lies within so many hours of a round, each once. */
function around<T>(hours: ReadonlyMap<number, readonly T[]>, own: Identity, reachHours: number): T[] {
  const found = new Set<T>();
  for (const fileTime of own.fileTimes)
    for (let hour = hourOf(fileTime) - reachHours; hour <= hourOf(fileTime) + reachHours; hour++)
      for (const item of hours.get(hour) ?? []) found.add(item);
  return [...found];
}

/** The last lines of the bot's log, in order, that are of any of these rounds. */
export function lastBotLines(
  situation: Situation,
  rounds: readonly Round[],
  of: { index: LogIndex; most: number },
): LogQuote[] {
  const lines = rounds.flatMap((round) => logStory(situation, round, of.index)?.bot ?? []);
  const inOrder = [...new Set(lines)].sort((a, b) => a.unix - b.unix || byPlace(a.event, b.event));
  return inOrder.slice(-of.most).map(({ event }) => event.quote);
}

const dayHours = 24;

/** A message that is of a round's map and number, and came in time for no round that is known. */
function isStray({ event, unix, about }: BotLine, own: Identity, index: LogIndex): boolean {
  if (event.kind !== 'announced' || about === null || !sameName(about, own.name)) return false;
  if (after(own.fileTimes, unix) <= lateSeconds) return false;
  const then = [-1, 0, 1].flatMap((hours) => index.roundsOfHour.get(hourOf(unix) + hours) ?? []);
  return !then.some((one) => sameName(one.name, about) && inReach(after(one.fileTimes, unix)));
}

/** What logs without a line say of every round. */
export const noStory: LogStory = {
  bot: [],
  consoleLines: [],
  consoleWentOn: false,
  consoleCovers: false,
  strays: [],
};

/** What the logs say of one round; null where the round's own time or number cannot be read. */
export function logStory(situation: Situation, round: Round, index: LogIndex): LogStory | null {
  if (isEmpty(index.lines)) return noStory;
  const own = identityOf(situation, round);
  if (own === null) return null;
  const { zone } = situation.rules;
  const others = around(index.roundsOfHour, own, 1).filter(({ id }) => id !== round.id);
  const bot = around(index.botOfHour, own, 1).filter(
    (line) => belongs(line, own, others) || isOwnCapture(line, own, zone),
  );
  const near = around(index.consoleOfHour, own, dayHours);
  const consoleLines = ownConsole(near, own);
  return {
    bot: bot.sort((a, b) => byPlace(a.event, b.event)),
    consoleLines,
    consoleWentOn: consoleLines.some((line) => line.kind === 'shutdown' || isFollowed(line, near)),
    consoleCovers: covers(near, own),
    strays: around(index.botOfHour, own, dayHours).filter((line) => isStray(line, own, index)),
  };
}

/** A later round ended in the same file. */
function isFollowed(line: LogEvent, near: readonly LogEvent[]): boolean {
  return near.some(
    (other) =>
      other.lineage === line.lineage &&
      other.kind === 'ended' &&
      other.endUnix! > line.endUnix! &&
      other.quote.line > line.quote.line,
  );
}
