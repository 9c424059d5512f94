import { Temporal } from 'temporal-polyfill';

/** A local wall-clock time as instants. Everything outside this file speaks of unix seconds in UTC. */
export interface LocalTime {
  /** One instant, or two on the hour that is repeated in autumn; unix seconds, ascending. */
  instants: readonly number[];
  /** True where the local time does not exist (spring) and was moved as the zone says. */
  moved: boolean;
}

const dayPattern = /^\d{4}-\d{2}-\d{2}$/;
const secondsPerDay = 86_400;

const knownDays = new Set<string>();

/**
 * True for a day of the calendar written `YYYY-MM-DD`; years that no round can have been played in are none.
 * Remembered: rows share days.
 */
export function isDay(text: string): boolean {
  if (knownDays.has(text)) return true;
  // Days are few; what is none may be anything, and is not remembered.
  if (!isCalendarDay(text)) return false;
  knownDays.add(text);
  return true;
}

function isCalendarDay(text: string): boolean {
  if (!dayPattern.test(text) || text < '1971' || text > '9000') return false;
  const midnight = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(text);
}

/** True for a zone that this runtime knows. */
export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}

const clockPattern = /^\d{2}(:?)\d{2}\1\d{2}$/;
const zero = '0'.charCodeAt(0);

/** The number that two digits of a text are; every row of a history is read so, and makes no texts. */
const twoDigits = (text: string, at: number) =>
  10 * (text.charCodeAt(at) - zero) + (text.charCodeAt(at + 1) - zero);

/** Seconds of the day of `HHMMSS` or `HH:MM:SS` (older rows), or null. */
export function parseClock(time: string): number | null {
  if (!clockPattern.test(time)) return null;
  const step = time.includes(':') ? 3 : 2;
  const hours = twoDigits(time, 0);
  const minutes = twoDigits(time, step);
  const seconds = twoDigits(time, 2 * step);
  return hours < 24 && minutes < 60 && seconds < 60 ? hours * 3600 + minutes * 60 + seconds : null;
}

const uniformOffsets = new Map<string, number | null>();

/** The offset in seconds of a day in a zone, or null on a day that changes it. Remembered: rows share days. */
function uniformOffset(day: string, zone: string): number | null {
  const key = `${zone} ${day}`;
  const known = uniformOffsets.get(key);
  if (known !== undefined) return known;
  // To the next midnight: where the last hour is repeated, its first pass ends the day with the offset it began with.
  const midnight = Temporal.PlainDateTime.from(`${day}T00:00:00`);
  const [first, next] = [midnight.toZonedDateTime(zone), midnight.add({ days: 1 }).toZonedDateTime(zone)];
  const span = next.epochMilliseconds - first.epochMilliseconds;
  const same = first.offsetNanoseconds === next.offsetNanoseconds && span === secondsPerDay * 1000;
  const offset = same ? first.offsetNanoseconds / 1e9 : null;
  uniformOffsets.set(key, offset);
  return offset;
}

/** A change of a zone's clock: from which instant on (unix seconds) which offset counts, and which counted before. */
interface ClockChange {
  atUnix: number;
  beforeSeconds: number;
  afterSeconds: number;
}

const clockChanges = new Map<string, ClockChange | null>();

/** The single change of a day on which the clock changes; null where there are several. Remembered: rows share days. */
function clockChange(day: string, zone: string): ClockChange | null {
  const key = `${zone} ${day}`;
  const known = clockChanges.get(key);
  if (known !== undefined) return known;
  // A local time of the day lies within a day of it in UTC, whatever the zone.
  const around = Temporal.PlainDate.from(day).toZonedDateTime('UTC').subtract({ days: 1 });
  const from = around.withTimeZone(zone);
  const first = from.getTimeZoneTransition('next');
  const until = around.epochMilliseconds + 3 * secondsPerDay * 1000;
  const second = first?.getTimeZoneTransition('next') ?? null;
  const isSingle =
    first !== null &&
    first.epochMilliseconds < until &&
    (second === null || second.epochMilliseconds >= until);
  const change = isSingle
    ? {
        atUnix: first.epochMilliseconds / 1000,
        beforeSeconds: from.offsetNanoseconds / 1e9,
        afterSeconds: first.offsetNanoseconds / 1e9,
      }
    : null;
  clockChanges.set(key, change);
  return change;
}

/** A local time of a day on which the clock changes once: it is there once, twice, or not at all. */
function aroundChange(localSeconds: number, change: ClockChange): LocalTime {
  const before = localSeconds - change.beforeSeconds;
  const after = localSeconds - change.afterSeconds;
  const instants = [...(before < change.atUnix ? [before] : []), ...(after >= change.atUnix ? [after] : [])];
  // One that does not exist is moved by as much as the clock was.
  return instants.length > 0 ? { instants, moved: false } : { instants: [before], moved: true };
}

/** A local day and clock time in a zone as instants; null where either cannot be read. */
export function localToInstants(day: string, time: string, zone: string): LocalTime | null {
  const clock = parseClock(time);
  if (clock === null || !isDay(day)) return null;
  const localSeconds = Date.parse(`${day}T00:00:00Z`) / 1000 + clock;
  const offset = uniformOffset(day, zone);
  if (offset !== null) return { instants: [localSeconds - offset], moved: false };
  const change = clockChange(day, zone);
  return change === null ? byTheRules({ day, clock, zone }) : aroundChange(localSeconds, change);
}

/** The same on a day on which the clock changes more than once. */
function byTheRules({ day, clock, zone }: { day: string; clock: number; zone: string }): LocalTime {
  const plain = Temporal.PlainDateTime.from(`${day}T00:00:00`).add({ seconds: clock });
  const pick = (disambiguation: 'earlier' | 'later') =>
    plain.toZonedDateTime(zone, { disambiguation }).epochMilliseconds / 1000;
  const [earlier, later] = [pick('earlier'), pick('later')];
  if (earlier === later) return { instants: [earlier], moved: false };
  const exists = Temporal.Instant.fromEpochMilliseconds(earlier * 1000)
    .toZonedDateTimeISO(zone)
    .toPlainDateTime()
    .equals(plain);
  return exists ? { instants: [earlier, later], moved: false } : { instants: [later], moved: true };
}

/**
 * The time of a `created_at`: local text or a zone-less timestamp of the server, with or without
 * fractions and a `T`; a text that names its offset is taken at its word. Null where it cannot be read.
 */
export function createdAtInstants(text: string, zone: string): readonly number[] | null {
  const found = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}(?::?\d{2})?)?$/.exec(
    text.trim(),
  );
  if (!found) return null;
  if (found[3] === undefined) return localToInstants(found[1]!, found[2]!, zone)?.instants ?? null;
  const parsed = Date.parse(`${found[1]}T${found[2]}${found[3].length === 3 ? `${found[3]}:00` : found[3]}`);
  return Number.isNaN(parsed) ? null : [parsed / 1000];
}

const steadyOffsets = new Map<string, Map<number, number | null>>();

/**
 * The offset in seconds that holds throughout a day of UTC and the local days around it, or null where it changes or
 * where years are not written with four digits. Remembered: instants share days.
 */
function steadyOffset(unix: number, zone: string): number | null {
  const day = Math.floor(unix / secondsPerDay);
  const ofZone = steadyOffsets.get(zone) ?? new Map<number, number | null>();
  steadyOffsets.set(zone, ofZone);
  const known = ofZone.get(day);
  if (known !== undefined) return known;
  const days = [day - 1, day, day + 1].map((one) => one * secondsPerDay * 1000);
  const readable = Number.isSafeInteger(unix) && day > 400 && day < 2_500_000;
  const offsets = readable
    ? days.map((ms) => uniformOffset(new Date(ms).toISOString().slice(0, 10), zone))
    : [null];
  const offset = offsets.every((one) => one === offsets[0]) ? offsets[0]! : null;
  if (readable) ofZone.set(day, offset);
  return offset;
}

/** An instant as local text of the server, `YYYY-MM-DD-HHMMSS`: the form of a capture's `match_id`. */
export function localStamp(unix: number, zone: string): string {
  const offset = steadyOffset(unix, zone);
  const text =
    offset === null
      ? Temporal.Instant.fromEpochMilliseconds(unix * 1000)
          .toZonedDateTimeISO(zone)
          .toPlainDateTime()
          .toString({ smallestUnit: 'second' })
      : new Date((unix + offset) * 1000).toISOString();
  return `${text.slice(0, 10)}-${text.slice(11, 13)}${text.slice(14, 16)}${text.slice(17, 19)}`;
}

/** The server's day, `YYYY-MM-DD`, of an instant. */
export function localDay(unix: number, zone: string): string {
  return localStamp(unix, zone).slice(0, 10);
}

/** A local time for people, `YYYY-MM-DD HH:MM:SS`, of an instant. */
export function localText(unix: number, zone: string): string {
  const stamp = localStamp(unix, zone);
  return `${stamp.slice(0, 10)} ${stamp.slice(11, 13)}:${stamp.slice(13, 15)}:${stamp.slice(15)}`;
}

/** The day `count` days later (earlier where negative). */
export function addDays(day: string, count: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * secondsPerDay * 1000).toISOString().slice(0, 10);
}

/** The first instant of a day of the server. */
export function dayStart(day: string, zone: string): number {
  return Temporal.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds / 1000;
}

/** An instant as UTC text with seconds, `YYYY-MM-DDTHH:MM:SSZ`. */
export function utcText(unix: number): string {
  return new Date(unix * 1000).toISOString().replace('.000Z', 'Z');
}

/**
 * The days from `since` to `until`, both included, on which no clock of the zone changes, with their first instants:
 * from one change to the next, so that years cost little.
 */
export function uniformDays(
  since: string,
  until: string,
  zone: string,
): { day: string; startUnix: number }[] {
  const found: { day: string; startUnix: number }[] = [];
  let stretch = Temporal.PlainDate.from(since).toZonedDateTime(zone);
  for (let day = since; day <= until; ) {
    const next = stretch.getTimeZoneTransition('next');
    const endUnix = next === null ? Number.POSITIVE_INFINITY : next.epochMilliseconds / 1000;
    const offset = stretch.offsetNanoseconds / 1e9;
    for (; day <= until; day = addDays(day, 1)) {
      const startUnix = Date.parse(`${day}T00:00:00Z`) / 1000 - offset;
      if (startUnix >= endUnix) break;
      if (startUnix >= stretch.epochMilliseconds / 1000 && startUnix + secondsPerDay < endUnix)
        found.push({ day, startUnix });
    }
    if (next === null) break;
    stretch = next;
  }
  return found;
}

/** Seconds of a day of the server, from one up to another, in which every time of the clock is there once. */
export interface ClearSpan {
  day: string;
  fromSecond: number;
  /** The first second that is not in it any more. */
  toSecond: number;
  /** The instant, unix seconds, of second 0 of the day by the clock of this span. */
  startUnix: number;
}

/**
 * Of the days from `since` to `until`, both included, that are none of `uniformDays`: the seconds of the clock, from one up
 * to another, at which it stands once, with the instant that their second 0 would have. A day on which the clock changes
 * several times has none.
 */
export function clearSpans(since: string, until: string, zone: string): ClearSpan[] {
  const uniform = new Set(uniformDays(since, until, zone).map(({ day }) => day));
  const found: ClearSpan[] = [];
  for (let day = since; day <= until; day = addDays(day, 1)) {
    const change = uniform.has(day) ? null : clockChange(day, zone);
    if (change === null) continue;
    const midnight = Date.parse(`${day}T00:00:00Z`) / 1000;
    const [before, after] = [midnight - change.beforeSeconds, midnight - change.afterSeconds];
    const second = (unix: number) => Math.min(Math.max(unix, 0), secondsPerDay);
    // Between these two the clock stands twice, or never.
    const [first, last] = [change.atUnix - before, change.atUnix - after].sort((a, b) => a - b);
    const spans = [
      { day, fromSecond: 0, toSecond: second(first!), startUnix: before },
      { day, fromSecond: second(last!), toSecond: secondsPerDay, startUnix: after },
    ];
    found.push(...spans.filter(({ fromSecond, toSecond }) => fromSecond < toSecond));
  }
  return found;
}
