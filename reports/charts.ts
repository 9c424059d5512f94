import { expectedTotal } from '../src/core/coverage.ts';
import {
  dayAxis,
  fills,
  grid,
  idleMarks,
  type Look,
  legend,
  lineColors,
  patterns,
  size,
  valueAxis,
} from './chart-look.ts';
import {
  countOf,
  idleDays,
  isUnlikely,
  livePercent,
  played,
  type Series,
  type State,
  shortDay,
  states,
} from './chart-numbers.ts';
import { type Drawing, drawSvg } from './chart-svg.ts';
import { r2Text, roundsText } from './chart-words.ts';
import type { DayPoint } from './model.ts';

export type { Look };

/** A chart: what it shows in words, and as an SVG document. */
export interface Chart {
  name: 'rounds' | 'r2';
  title: string;
  description: string;
  svg: string;
  /** The size in which it is laid out, in pixels; the document itself has only a view box, so that it scales. */
  width: number;
  height: number;
}

function chart(words: Omit<Chart, 'svg' | keyof typeof size>, series: Series, of: Drawing & { look: Look }) {
  const { look, ...drawing } = of;
  const note = played(series).length === 0 ? 'No rounds were played' : '';
  const shown = note === '' ? drawing : { ...drawing, legend: undefined };
  return { ...words, ...size, svg: drawSvg(shown, { ...words, note }, look) };
}

/** The top of the scale: the fullest day, rounded up to at most five steps of whole rounds. */
function roundsScale(series: Series) {
  const most = Math.max(4, ...played(series).map(expectedTotal));
  const interval =
    [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => step * 5 >= most) ?? Math.ceil(most / 5);
  return { max: interval * Math.ceil(most / interval), interval, unit: '' };
}

function bars(series: Series, state: State) {
  return {
    name: state,
    type: 'bar' as const,
    stack: 'rounds',
    barWidth: `${(100 * 2) / 3}%`,
    barMaxWidth: 48,
    // A bar of no rounds is no bar.
    data: series.map(({ coverage }) => (coverage && countOf(coverage, state)) || null),
    itemStyle: { color: fills[state], decal: patterns[state] },
    clip: false,
    silent: true,
  };
}

/** Rounds by day as stacked bars: live, repaired, pending, open (with set aside), lost. No bar on days without play. */
export function roundsChart(series: readonly DayPoint[], look: Look): Chart {
  return chart({ name: 'rounds', title: 'Rounds by day', description: roundsText(series) }, series, {
    look,
    grid,
    legend: legend(look, states, 22),
    xAxis: dayAxis(series.map(shortDay), look),
    yAxis: valueAxis(look, roundsScale(series)),
    series: [...states.map((state) => bars(series, state)), idleMarks(idleDays(series), look)],
  });
}

interface Sign {
  name: string;
  symbol: string;
  symbolSize: number;
  lineStyle: { color?: string; width: number; opacity?: number; type?: number[] };
  itemStyle: { color: string; borderColor?: string; borderWidth: number };
}

/** R1 is drawn as rings on a wide line, R2 as diamonds on a dashed one, so that both are seen where they are equal. */
const signs = {
  r1: {
    name: 'R1',
    symbol: 'circle',
    symbolSize: 14,
    lineStyle: { color: lineColors.r1, width: 4 },
    itemStyle: { color: 'transparent', borderColor: lineColors.r1, borderWidth: 3 },
  },
  r2: {
    name: 'R2',
    symbol: 'diamond',
    symbolSize: 11,
    lineStyle: { color: lineColors.r2, width: 2.5, type: [6, 4] },
    itemStyle: { color: lineColors.r2, borderWidth: 0 },
  },
  unlikely: {
    name: 'R2 unlikely',
    symbol: 'triangle',
    symbolSize: 18,
    lineStyle: { width: 0, opacity: 0 },
    itemStyle: { color: fills.lost, borderWidth: 0 },
  },
} satisfies Record<string, Sign>;

type Point = number | null | { value: number | null; symbol: 'none' };

function line(sign: Sign, series: Series, pointOf: (day: DayPoint) => Point) {
  const joined = { type: 'line' as const, connectNulls: false, showAllSymbol: true, clip: false };
  return { ...sign, ...joined, silent: true, data: series.map(pointOf) };
}

/** On an unlikely day the point has the other sign. */
function r2Point(day: DayPoint): Point {
  const value = livePercent(day.r2);
  return isUnlikely(day) ? { value, symbol: 'none' } : value;
}

/**
 * The share of first and of second rounds that the live pipeline covered, in percent by day: points, joined from day
 * to day, with a gap where nothing was played. Days with unlikely few live second rounds have a sign of their own.
 */
export function r2Chart(series: readonly DayPoint[], look: Look): Chart {
  const title = 'Live coverage of R1 and R2 by day';
  const names = Object.values(signs).map(({ name }) => name);
  return chart({ name: 'r2', title, description: r2Text(series) }, series, {
    look,
    grid: { ...grid, left: 90 },
    legend: legend(look, names, 36),
    xAxis: dayAxis(series.map(shortDay), look),
    yAxis: valueAxis(look, { max: 100, interval: 25, unit: ' %' }),
    series: [
      line(signs.r1, series, ({ r1 }) => livePercent(r1)),
      line(signs.r2, series, r2Point),
      line(signs.unlikely, series, (day) => (isUnlikely(day) ? livePercent(day.r2) : null)),
      idleMarks(idleDays(series), look),
    ],
  });
}
