import { fills, ink, lineColors } from '../reports/chart-look.ts';
import { drawSvg } from '../reports/chart-svg.ts';

/** How long something took at several sizes of what grows. */
export interface CurveLine {
  name: string;
  /** Milliseconds by size, both above 0, the smallest size first. */
  points: readonly { size: number; ms: number }[];
  /** True for what the product is held against; it is drawn in dashes, in the colour of its product. */
  isLimit: boolean;
}

export interface CurveWords {
  name: string;
  title: string;
  /** What grows, in the plural. */
  unit: string;
}

const colors = [lineColors.r1, lineColors.r2, fills.open, fills.repaired];
const symbols = ['circle', 'diamond', 'rect', 'triangle'];
const text = { color: ink.mail.text, fontFamily: ink.mail.font, fontSize: 16 };
const faint = { color: ink.mail.text, opacity: 0.18, width: 1 };

/** A number as people say it: `62.5k`, `1M`. */
export function short(value: number): string {
  if (value >= 1e9) return `${value / 1e9}G`;
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1e3 ? `${value / 1e3}k` : String(value);
}

const timeText = (ms: number) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`);

const powerBelow = (value: number) => 10 ** Math.floor(Math.log10(value));
const powerAbove = (value: number) => 10 ** Math.ceil(Math.log10(value));

/** The sizes of one product and its limit share a colour and a sign. */
function series(lines: readonly CurveLine[]) {
  const products = lines.filter(({ isLimit }) => !isLimit).length;
  let [product, limit] = [0, 0];
  return lines.map(({ name, points, isLimit }) => {
    const at = (isLimit ? limit++ : product++) % Math.min(products, colors.length);
    const color = colors[at]!;
    return {
      name,
      type: 'line' as const,
      data: points.map(({ size, ms }) => [size, ms]),
      symbol: symbols[at]!,
      symbolSize: isLimit ? 6 : 10,
      lineStyle: { color, width: isLimit ? 1.5 : 3, type: isLimit ? [5, 5] : ('solid' as const) },
      itemStyle: { color },
      silent: true,
    };
  });
}

/** What the curve shows, for those who do not see it. */
function description(lines: readonly CurveLine[], unit: string): string {
  return lines
    .map(({ name, points }) => {
      const said = points.map(({ size, ms }) => `${short(size)} in ${Math.round(ms)} ms`);
      return `${name}: ${said.join(', ')}`;
    })
    .join('; ')
    .concat(` (${unit})`);
}

/**
 * Time against size, both by powers, so that what grows in step with its size is a straight line, and what each is held
 * against in dashes: an SVG document.
 */
export function curveSvg(lines: readonly CurveLine[], { name, title, unit }: CurveWords): string {
  const products = lines.filter(({ isLimit }) => !isLimit);
  const points = lines.flatMap((line) => line.points);
  const sizes = points.map(({ size }) => size);
  const times = points.map(({ ms }) => ms);
  const ticks = [...new Set(sizes)].sort((a, b) => a - b);
  const axis = { type: 'log' as const, logBase: 10, splitLine: { lineStyle: faint } };
  return drawSvg(
    {
      grid: { left: 84, right: 40, top: 24 + 26 * products.length, bottom: 62 },
      // One below the other: the library cannot measure a text here, and sets it too close to its neighbour.
      legend: {
        data: products.map((line) => line.name),
        left: 84,
        top: 4,
        itemWidth: 34,
        orient: 'vertical',
        textStyle: text,
        selectedMode: false,
      },
      xAxis: {
        ...axis,
        name: unit,
        nameLocation: 'middle',
        nameGap: 36,
        nameTextStyle: text,
        min: ticks[0]! / 1.15,
        max: ticks.at(-1)! * 1.15,
        axisLine: { lineStyle: { color: ink.mail.text, opacity: 0.6 } },
        axisTick: { customValues: ticks },
        axisLabel: { ...text, customValues: ticks, formatter: (value: number) => short(value) },
        splitLine: { show: false },
      },
      yAxis: {
        ...axis,
        min: powerBelow(Math.min(...times)),
        max: powerAbove(Math.max(...times)),
        axisLabel: { ...text, formatter: timeText },
      },
      series: series(lines),
    },
    { name, title, description: description(lines, unit), note: '' },
    'mail',
  );
}
