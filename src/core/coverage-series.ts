import {
  type Coverage,
  type CoverageRow,
  coverageOf,
  expectedTotal,
  stateOf,
  unevenSums,
} from './coverage.ts';
import { judgeDays, type R2Day, type R2Judgement, type Share, shareOf } from './r2-history.ts';
import { addDays, isDay } from './time.ts';

/** One day of the server. */
export interface SeriesDay {
  day: string;
  /** Null where no round was played that should have a capture. */
  coverage: Coverage | null;
  r1: Share;
  r2: Share;
  /** The ids of second rounds without a capture. */
  missingR2: number[];
  /** So few live second rounds are unlikely, by the days before. */
  unlikely: boolean;
}

/** Days of the server, both included. */
export interface Days {
  since: string;
  until: string;
}

/** Every day from the first to the last. */
export function eachDay({ since, until }: Days): string[] {
  const days: string[] = [];
  for (let day = since; day <= until; day = addDays(day, 1)) days.push(day);
  return days;
}

/** The rows of each day of the server; a row whose time cannot be read is on none. */
function byDay(rows: readonly CoverageRow[]): Map<string, CoverageRow[]> {
  const days = new Map<string, CoverageRow[]>();
  for (const row of rows) {
    const { date } = row.round;
    if (date === null || row.playedUnix === null || !isDay(date)) continue;
    const known = days.get(date);
    if (known) known.push(row);
    else days.set(date, [row]);
  }
  return days;
}

const isMissing = (row: CoverageRow) => ['open', 'setAside', 'lost'].includes(stateOf(row) ?? '');

/** A day of which people have said that they know what went wrong. */
const isKnown = (rows: readonly CoverageRow[]) => rows.some(({ wasExcused }) => wasExcused);

function judgements(rows: ReadonlyMap<string, CoverageRow[]>): Map<string, R2Judgement> {
  const days = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return judgeDays(
    days.map(([day, own]): R2Day => ({ day, r2: shareOf(own, 2), knownIncident: isKnown(own) })),
  );
}

function seriesDay(day: string, rows: readonly CoverageRow[], judged: R2Judgement | undefined): SeriesDay {
  const coverage = coverageOf(rows);
  const missing = rows.filter((row) => row.round.number === 2 && isMissing(row));
  return {
    day,
    coverage: expectedTotal(coverage) === 0 ? null : coverage,
    r1: shareOf(rows, 1),
    r2: shareOf(rows, 2),
    missingR2: missing.map(({ round }) => round.id).sort((a, b) => a - b),
    unlikely: judged?.state === 'unlikely',
  };
}

/**
 * The days of a range, oldest first, days without play too. Rows before the range are the history by which its
 * second rounds are judged.
 */
export function seriesOf(rows: readonly CoverageRow[], range: Days): SeriesDay[] {
  const days = byDay(rows);
  const judged = judgements(days);
  return eachDay(range).map((day) => seriesDay(day, days.get(day) ?? [], judged.get(day)));
}

/** The counts of the days on which rounds were played, each with its day. */
export function countsOfDays(
  series: readonly Pick<SeriesDay, 'day' | 'coverage'>[],
): [day: string, coverage: Coverage][] {
  return series.flatMap(({ day, coverage }) => (coverage === null ? [] : [[day, coverage]]));
}

/**
 * What does not add up of a series, and of its last `days` days, which were also counted together; in sentences (DESIGN,
 * "What must always add up").
 */
export function seriesDiscrepancies(
  series: readonly SeriesDay[],
  together: { coverage: Coverage; days: number },
): string[] {
  const name = `the last ${together.days} days`;
  const whole = expectedTotal(together.coverage);
  const last = countsOfDays(series.slice(-together.days));
  const byDay = last.reduce((sum, [, of]) => sum + expectedTotal(of), 0);
  return [
    ...unevenSums([[name, together.coverage], ...countsOfDays(series)]),
    ...(byDay === whole ? [] : [`by day: ${byDay} rounds in all, and ${whole} in ${name}`]),
  ];
}

/** The second rounds of one day against those of the days before, as far as `rows` reach. */
export function r2Of(rows: readonly CoverageRow[], day: string): R2Judgement {
  const none: Share = { expected: 0, live: 0 };
  const days = byDay(rows.filter(({ round }) => (round.date ?? '') <= day));
  if (!days.has(day)) days.set(day, []);
  return judgements(days).get(day) ?? { state: 'no_rounds', day: none, history: none, probability: null };
}
