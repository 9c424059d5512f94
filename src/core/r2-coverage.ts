import { addDays } from './time.ts';
import type { Assessment } from './verdict.ts';

/** The second rounds of some days of the server, both included, and how many of them have a capture. */
export interface R2Window {
  since: string;
  until: string;
  expected: number;
  covered: number;
}

/** How the newer days compare with the older ones. */
export type R2Trend = 'improving' | 'same' | 'worse' | 'nothing_to_compare';

export interface R2Coverage {
  last: R2Window;
  before: R2Window;
  trend: R2Trend;
}

const windowDays = 14;

/** The first day that the comparison looks at. */
export function r2Since(today: string): string {
  return addDays(today, 1 - 2 * windowDays);
}

/** A round that is younger than the grace time says nothing yet, and one without a verdict is not expected. */
function countR2(assessments: readonly Assessment[], since: string, until: string): R2Window {
  const counted = assessments.filter(
    ({ round, verdict }) =>
      round.number === 2 &&
      verdict !== null &&
      verdict !== 'pending' &&
      round.date !== null &&
      round.date >= since &&
      round.date <= until,
  );
  const covered = counted.filter(({ verdict }) => verdict === 'covered').length;
  return { since, until, expected: counted.length, covered };
}

function trendOf(last: R2Window, before: R2Window): R2Trend {
  if (last.expected === 0 || before.expected === 0) return 'nothing_to_compare';
  const difference = last.covered * before.expected - before.covered * last.expected;
  if (difference === 0) return 'same';
  return difference > 0 ? 'improving' : 'worse';
}

/** The second rounds of the last 14 days against those of the 14 before; `today` is a day of the server. */
export function r2Coverage(assessments: readonly Assessment[], today: string): R2Coverage {
  const last = countR2(assessments, addDays(today, 1 - windowDays), today);
  const before = countR2(assessments, r2Since(today), addDays(today, -windowDays));
  return { last, before, trend: trendOf(last, before) };
}

/** Nothing is missed: there is nothing left that could improve. */
export function isFull({ expected, covered }: R2Window): boolean {
  return expected > 0 && covered === expected;
}

/** `12 of 14 (85.7 %)`, or that there was none. */
export function r2Text({ expected, covered }: R2Window): string {
  if (expected === 0) return 'none was played';
  return `${covered} of ${expected} (${((100 * covered) / expected).toFixed(1)} %)`;
}
