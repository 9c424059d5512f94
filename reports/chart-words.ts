import { expectedTotal } from '../src/core/coverage.ts';
import {
  countOf,
  dayText,
  idleDays,
  isUnlikely,
  livePercent,
  played,
  type Series,
  type Share,
  shortDay,
  states,
} from './chart-numbers.ts';
import type { DayPoint } from './model.ts';

/** What the charts show, for those who do not see them. */

const total = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
const sentences = (...all: string[]) => all.filter((one) => one !== '').join(' ');

/** `from 2026-01-28 to 2026-02-26`. */
function span(series: Series): string {
  const [first, last] = [series.at(0), series.at(-1)];
  if (!first || !last) return 'of no days';
  return series.length === 1 ? `of ${dayText(first)}` : `from ${dayText(first)} to ${dayText(last)}`;
}

/** On how many days nobody played; empty where on none. */
export function idleText(series: Series): string {
  const idle = idleDays(series).filter(Boolean).length;
  if (idle === series.length) return 'No rounds were played.';
  return idle === 0 ? '' : `No rounds were played on ${idle} of ${series.length} days.`;
}

/** `02-16 (4), 02-18 (1)`: the latest five of the days for which there is something to say. */
function named(series: Series, of: (day: DayPoint) => string | number): string {
  const all = series.filter((day) => of(day)).map((day) => `${shortDay(day)} (${of(day)})`);
  const earlier = all.length - 5;
  const latest = all.slice(-5).join(', ');
  if (earlier <= 0) return latest;
  return `${latest} and ${earlier === 1 ? 'one earlier day' : `${earlier} earlier days`}`;
}

/** The chart of rounds in words. */
export function roundsText(series: Series): string {
  const days = played(series);
  if (days.length === 0) return sentences(`Rounds by day ${span(series)}.`, idleText(series));
  const expected = total(days.map(expectedTotal));
  const counts = states.map((state) => `${total(days.map((day) => countOf(day, state)))} ${state}`);
  const lost = named(series, ({ coverage }) => coverage?.lost ?? 0);
  return sentences(
    `Rounds by day ${span(series)}: ${expected} expected, of them ${counts.join(', ')} (open includes set aside).`,
    lost && `Lost on ${lost}.`,
    idleText(series),
  );
}

function shareText(name: string, shares: readonly Share[]): string {
  const expected = total(shares.map((share) => share.expected));
  const percent = livePercent({ expected, live: total(shares.map(({ live }) => live)) });
  return percent === null ? `no ${name}` : `${percent} % of ${expected} ${name}`;
}

/** The chart of live coverage in words. */
export function r2Text(series: Series): string {
  const what = `Live coverage of first rounds (R1) and second rounds (R2) by day ${span(series)}`;
  if (played(series).length === 0) return sentences(`${what}.`, idleText(series));
  const r1 = series.map((day) => day.r1);
  const r2 = series.map((day) => day.r2);
  const unlikely = named(series, (day) => (isUnlikely(day) ? `${day.r2.live} of ${day.r2.expected}` : ''));
  return sentences(
    `${what}: ${shareText('R1', r1)}, ${shareText('R2', r2)}.`,
    unlikely && `Unlikely few live R2 on ${unlikely}.`,
    idleText(series),
  );
}
