import { type Coverage, openTotal } from '../src/core/coverage.ts';
import type { DayPoint } from './model.ts';

/** What the charts show of a day: numbers only, no drawing. */

export type Series = readonly DayPoint[];
export type Share = DayPoint['r1'];

/** The parts of a bar, from below: each expected round is in one of them. */
export const states = ['live', 'repaired', 'pending', 'open', 'lost'] as const;
export type State = (typeof states)[number];

/** Rounds of a state; `open` includes what people set aside. */
export function countOf(coverage: Coverage, state: State): number {
  return state === 'open' ? openTotal(coverage) + coverage.setAside : coverage[state];
}

/** The counts of the days on which rounds were played. */
export const played = (series: Series) => series.flatMap(({ coverage }) => coverage ?? []);

/** For each day: was nothing played? */
export const idleDays = (series: Series) => series.map(({ coverage }) => coverage === null);

/** The live share in percent, with one decimal; null where no round counts. */
export function livePercent({ expected, live }: Share): number | null {
  return expected === 0 ? null : Math.round((1000 * live) / expected) / 10;
}

/** A day of unlikely few live second rounds that has a place in the chart. */
export const isUnlikely = ({ unlikely, r2 }: DayPoint) => unlikely && r2.expected > 0;

/** A day as it is known everywhere, `2026-02-16`. Nothing else from outside is written into a chart. */
export const dayText = ({ day }: DayPoint) => (/^\d{4}-\d{2}-\d{2}$/.test(day) ? day : '????-??-??');
/** The same without the year, `02-16`. */
export const shortDay = (day: DayPoint) => dayText(day).slice(5);
