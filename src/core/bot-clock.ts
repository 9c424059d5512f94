import type { LogEvent } from './log-event.ts';
import { parseStatsFile } from './stats-file.ts';
import { addDays, isDay, localToInstants } from './time.ts';

/** What the clock of the bot's host shows: the server's own time, or a fixed distance from UTC. */
export type BotClock = { kind: 'server' } | { kind: 'fixed'; offsetSeconds: number };

/** The trigger comes with the file, or a few seconds later; one that comes with a late import proves nothing. */
const earliestSeconds = -5;
const latestSeconds = 300;
const quarterHour = 900;
const mostSeconds = 15 * 3600;

const isLag = (seconds: number) => seconds >= earliestSeconds && seconds <= latestSeconds;

/** A local text `YYYY-MM-DD HH:MM:SS` as if it were UTC; null where it is no time. */
function asUtc(at: string): number | null {
  const milliseconds = Date.parse(`${at.replace(' ', 'T')}Z`);
  return Number.isNaN(milliseconds) ? null : milliseconds / 1000;
}

/** What is logged so close together came in one import, and speaks once. */
const burstSeconds = 120;

interface Vote {
  loggedUnix: number;
  server: boolean;
  offsetSeconds: number | null;
}

/** Which clocks one trigger line speaks for: its file name carries the server's local time. */
function voteOf(trigger: LogEvent, zone: string): Vote | null {
  const file = parseStatsFile(trigger.subject ?? '');
  const written = file === null ? null : localToInstants(file.date, file.time, zone);
  const logged = trigger.at === null ? null : asUtc(trigger.at);
  if (written === null || logged === null) return null;
  const shown = botInstants(trigger.at!, { kind: 'server' }, zone);
  const server = shown.some((at) => written.instants.some((file) => isLag(at - file)));
  const apart = logged - written.instants[0]!;
  // A trigger is never early, so an offset is found from what it is late beyond whole quarters of an hour.
  const offset = Math.floor((apart - earliestSeconds) / quarterHour) * quarterHour;
  const fits = isLag(apart - offset) && Math.abs(offset) <= mostSeconds;
  return { loggedUnix: logged, server, offsetSeconds: fits ? offset : null };
}

/** How many bursts of lines speak for each offset. */
function burstsByOffset(votes: readonly Vote[]): [offsetSeconds: number, bursts: number][] {
  const byOffset = new Map<number, { bursts: number; lastUnix: number }>();
  for (const { offsetSeconds, loggedUnix } of [...votes].sort((a, b) => a.loggedUnix - b.loggedUnix)) {
    if (offsetSeconds === null) continue;
    const known = byOffset.get(offsetSeconds);
    const same = known !== undefined && loggedUnix - known.lastUnix < burstSeconds;
    byOffset.set(offsetSeconds, { bursts: (known?.bursts ?? 0) + (same ? 0 : 1), lastUnix: loggedUnix });
  }
  return [...byOffset].map(([offsetSeconds, { bursts }]) => [offsetSeconds, bursts]);
}

/**
 * Finds the clock of the bot's host from its trigger lines, or null where they do not tell. The server's own
 * zone is believed where most lines speak for it; any other clock needs lines of two imports, because one
 * that came hours late looks like one (DOMAIN, section 5).
 */
export function botClock(triggers: readonly LogEvent[], zone: string): BotClock | null {
  const votes = triggers.flatMap((trigger) => voteOf(trigger, zone) ?? []);
  const server = votes.filter((vote) => vote.server).length;
  const [best, second] = burstsByOffset(votes).sort((a, b) => b[1] - a[1] || Math.abs(a[0]) - Math.abs(b[0]));
  if (server > 0 && server >= (best?.[1] ?? 0)) return { kind: 'server' };
  if (best === undefined || best[1] < 2 || best[1] === second?.[1]) return null;
  return { kind: 'fixed', offsetSeconds: best[0] };
}

/** The instants, unix seconds, of a local text of the bot's log; none where it is no time. */
export function botInstants(at: string, clock: BotClock, zone: string): readonly number[] {
  if (clock.kind === 'server') return localToInstants(at.slice(0, 10), at.slice(11), zone)?.instants ?? [];
  const logged = asUtc(at);
  return logged === null ? [] : [logged - clock.offsetSeconds];
}

/** So far around a line its clock is looked for: hosts move, and clocks with them. */
const reachesDays = [1, 7, 31];

/** The clock of each day of a bot's log, found from the triggers nearest to it. Null where none tells. */
export function clockOfDays(events: readonly LogEvent[], zone: string): (day: string) => BotClock | null {
  const triggers = events.filter(({ kind, at }) => kind === 'trigger' && at !== null);
  const known = new Map<string, BotClock | null>();
  const find = (day: string): BotClock | null => {
    // A torn line may begin with any digits.
    if (!isDay(day)) return null;
    for (const days of reachesDays) {
      const [from, to] = [addDays(day, -days), addDays(day, days)];
      const near = triggers.filter(({ at }) => at!.slice(0, 10) >= from && at!.slice(0, 10) <= to);
      const clock = botClock(near, zone);
      if (clock !== null) return clock;
    }
    return null;
  };
  return (day) => {
    if (!known.has(day)) known.set(day, find(day));
    return known.get(day)!;
  };
}
