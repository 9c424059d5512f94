import { reachAfterSeconds, reachBeforeSeconds } from './match.ts';
import type { Round } from './model.ts';
import { normaliseMap } from './names.ts';
import { createdAtInstants, isDay, type LocalTime, localToInstants, parseClock } from './time.ts';

/** Why a row of `rounds` is not expected to have a capture, in the order in which they are asked (DESIGN). */
export const exemptReasons = ['summary', 'invalid', 'status', 'bots', 'before_capture'] as const;
export type ExemptReason = (typeof exemptReasons)[number];

const playedStatuses = new Set(['completed', 'substitution']);

const isReadable = ({ date, time }: Round) =>
  date !== null && time !== null && isDay(date) && parseClock(time) !== null;

/** The first reason that exempts a row, or null for an expected round. `captureSince` is a day of the server. */
export function exemptReason(round: Round, captureSince: string): ExemptReason | null {
  if (round.number !== 1 && round.number !== 2) return 'summary';
  if (round.isValid === false) return 'invalid';
  if (round.status !== null && !playedStatuses.has(round.status)) return 'status';
  if (round.isBot === true) return 'bots';
  if (isReadable(round) && round.date! < captureSince) return 'before_capture';
  return null;
}

/** A round's own time, or null where its date or time cannot be read. */
export function fileTime(round: Pick<Round, 'date' | 'time'>, zone: string): LocalTime | null {
  if (round.date === null || round.time === null) return null;
  return localToInstants(round.date, round.time, zone);
}

/**
 * What makes a round the same round across re-imports: map, number and file time (DESIGN, The ledger).
 * Where the time cannot be read, its text as it stands.
 */
export function incidentKey(round: Pick<Round, 'map' | 'number' | 'date' | 'time'>): string {
  const clock =
    round.time !== null && parseClock(round.time) !== null ? round.time.replaceAll(':', '') : round.time;
  return `${normaliseMap(round.map)}|${round.number ?? ''}|${round.date ?? ''} ${clock ?? ''}`;
}

/**
 * From when on a round's age counts: the later of file time and import, unix seconds. `created_at` counts where it
 * lies between file time and now: imports come up to nine hours late (DESIGN, Age).
 */
export function agesFrom(
  round: Round,
  played: LocalTime,
  options: { zone: string; nowUnix: number },
): number {
  const latest = Math.max(...played.instants);
  const created = round.createdAt === null ? null : createdAtInstants(round.createdAt, options.zone);
  const counted = (created ?? []).filter((at) => at >= latest && at <= options.nowUnix);
  return Math.max(latest, ...counted);
}

/** A round's age in seconds, for the grace and settle times only. */
export const ageSeconds: typeof agesFrom = (round, played, options) =>
  options.nowUnix - agesFrom(round, played, options);

/** What may be said of the start that stands on a row of `rounds`. */
export type StartTrust = 'absent' | 'trusted' | 'shared' | 'foreign';

/** A value of 0 is what an empty column holds on some rows. */
export const present = (value: number | null): value is number => value !== null && value !== 0;

/**
 * Whether the timing on a row can be its own, by itself (DESIGN, Matching 3). `foreign` is proven:
 * the start is after the file time, or the end does not lie -5 to +30 s before it.
 */
export function ownTiming(round: Round, played: LocalTime): 'absent' | 'plausible' | 'foreign' {
  const { startUnix, endUnix } = round.timing;
  if (!present(startUnix) && !present(endUnix)) return 'absent';
  const fits = played.instants.some((instant) => {
    if (present(startUnix) && startUnix > instant) return false;
    if (!present(endUnix)) return true;
    return instant - endUnix >= -reachBeforeSeconds && instant - endUnix <= reachAfterSeconds;
  });
  return fits ? 'plausible' : 'foreign';
}

/** The trust in every round's start: `shared` where another plausible row has the same map, number and start. */
export function startTrust(
  rounds: readonly Round[],
  playedOf: (round: Round) => LocalTime | null,
): Map<number, StartTrust> {
  const trust = new Map<number, StartTrust>();
  const sharers = new Map<string, number[]>();
  for (const round of rounds) {
    const played = playedOf(round);
    const own = played === null ? 'absent' : ownTiming(round, played);
    if (own === 'foreign') trust.set(round.id, 'foreign');
    else if (own === 'absent' || !present(round.timing.startUnix)) trust.set(round.id, 'absent');
    else {
      trust.set(round.id, 'trusted');
      const key = `${round.number} ${round.timing.startUnix} ${normaliseMap(round.map)}`;
      sharers.set(key, [...(sharers.get(key) ?? []), round.id]);
    }
  }
  for (const ids of sharers.values()) if (ids.length > 1) for (const id of ids) trust.set(id, 'shared');
  return trust;
}
