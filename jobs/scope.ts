import type { InstantRange } from '../src/core/orphans.ts';
import { addDays, dayStart, isDay } from '../src/core/time.ts';
import type { DayRange } from '../src/source/read.ts';

/** Which rows an audit judges. Days are the server's, both included. */
export type Scope =
  /** The last days and every open incident: what a cycle looks at. */
  | { kind: 'lookback'; since: string; until: string }
  | { kind: 'days'; since: string | null; until: string | null }
  | { kind: 'all' }
  | { kind: 'round'; roundId: number };

/** Whether an audit looks at everything that a cycle should; one of a part does not know what else is open. */
export function isWhole({ kind }: Scope): boolean {
  return kind === 'lookback' || kind === 'all';
}

/** The days of the rows that are judged; null on both sides for the whole history. */
export function windowOf(scope: Scope): DayRange {
  return scope.kind === 'lookback' || scope.kind === 'days'
    ? { since: scope.since, until: scope.until }
    : { since: null, until: null };
}

/** The scope as the options that ask for it; nothing for the scope that is meant without any. */
export function asOptions(scope: Scope): string {
  if (scope.kind === 'all') return '--all';
  if (scope.kind === 'round') return `--round ${scope.roundId}`;
  if (scope.kind === 'lookback') return '';
  const since = scope.since === null ? [] : [`--since ${scope.since}`];
  return [...since, ...(scope.until === null ? [] : [`--until ${scope.until}`])].join(' ');
}

/** A range of days with `days` more on each side. */
export function widen(range: DayRange, days: number): DayRange {
  return {
    since: range.since === null ? null : addDays(range.since, -days),
    until: range.until === null ? null : addDays(range.until, days),
  };
}

/** Ranges that overlap or touch, joined; sorted by day. */
export function joinRanges(ranges: readonly DayRange[]): DayRange[] {
  const sorted = [...ranges].sort((a, b) => ((a.since ?? '') < (b.since ?? '') ? -1 : 1));
  const joined: DayRange[] = [];
  for (const range of sorted) {
    const last = joined.at(-1);
    const touches =
      last !== undefined &&
      (last.until === null || range.since === null || range.since <= addDays(last.until, 1));
    if (!touches) joined.push({ ...range });
    else if (last.until !== null && (range.until === null || range.until > last.until))
      last.until = range.until;
  }
  return joined;
}

/** What of a range of days lies before and after another one: two parts at most. */
export function outside(range: DayRange, other: DayRange): DayRange[] {
  const apart =
    (other.until !== null && range.since !== null && other.until < range.since) ||
    (other.since !== null && range.until !== null && other.since > range.until);
  if (apart) return [range];
  const before = other.since !== null && (range.since === null || range.since < other.since);
  const after = other.until !== null && (range.until === null || range.until > other.until);
  return [
    ...(before ? [{ since: range.since, until: addDays(other.since!, -1) }] : []),
    ...(after ? [{ since: addDays(other.until!, 1), until: range.until }] : []),
  ];
}

/** The single day of a date that can be read, as a range. */
export function dayRange(day: string | null): DayRange[] {
  return day !== null && isDay(day) ? [{ since: day, until: day }] : [];
}

/** The instants of a range of days, half-open. */
export function instantsOf(range: DayRange, zone: string): InstantRange {
  return {
    fromUnix: range.since === null ? Number.MIN_SAFE_INTEGER : dayStart(range.since, zone),
    toUnix: range.until === null ? Number.MAX_SAFE_INTEGER : dayStart(addDays(range.until, 1), zone),
  };
}
