import { missingTotal } from '../src/core/coverage.ts';
import type { DayPoint, NamedCoverage, Report } from './model.ts';
import { moreText } from './words.ts';

/** A day on which rounds were played. */
type PlayedDay = DayPoint & Pick<NamedCoverage, 'coverage'>;

/** The days on which rounds were played, oldest first. */
export function playedDays({ series }: Report): PlayedDay[] {
  return series.flatMap(({ coverage, ...day }) => (coverage === null ? [] : [{ ...day, coverage }]));
}

/** The columns that a day has besides its counts: what the live pipeline covered, and what is missing. */
export const liveColumns = [
  'R1 live',
  'R2 live',
  'missing',
  'missing R2',
  'rounds that miss R2',
  'mark',
] as const;

const liveOf = ({ expected, live }: DayPoint['r1']) =>
  expected === 0 ? 'none played' : `${live} of ${expected}`;

function missedR2(ids: readonly number[], most: number): string {
  const named = ids.slice(0, most).join(', ');
  return ids.length <= most ? named : `${named} ${moreText(ids.length - most)}`;
}

/** The cells of those columns; at most so many rounds without a capture are named. */
export function liveCells({ coverage, r1, r2, missingR2, unlikely }: PlayedDay, most: number): string[] {
  return [
    ...[liveOf(r1), liveOf(r2), String(missingTotal(coverage)), String(missingR2.length)],
    ...[missedR2(missingR2, most), unlikely ? 'unusually few R2' : ''],
  ];
}
