/** Where a chart is shown: drawn in a page of two themes, or as a picture in a mail. */
export type Look = 'page' | 'mail';

/** The size in which charts are laid out; pages scale it down to a phone's width, so the text is large for it. */
export const size = { width: 720, height: 360 } as const;
const fontSize = 20;

interface Ink {
  text: string;
  /** Null where the background is the page's own. */
  back: string | null;
  font: string;
}

/** The colours of text and background, and the font. A page decides on its own colours. */
export const ink: Record<Look, Ink> = {
  page: { text: 'currentColor', back: null, font: 'system-ui, sans-serif' },
  mail: { text: '#24292f', back: '#ffffff', font: 'DejaVu Sans' },
};

/** Fills with a contrast of at least 3:1 both to white and to near-black (WCAG 2.2, 1.4.11). */
export const fills = {
  live: '#2f8f5b',
  repaired: '#3b82d6',
  pending: '#858c96',
  open: '#c27803',
  lost: '#dc3d43',
} as const;

/** The same for the two lines; not the colours of states, which they have nothing to do with. */
export const lineColors = { r1: '#8a6bd6', r2: '#0d8f93' } as const;

/** What is drawn over a fill, so that nobody has to tell states by their colour; live rounds are plain. */
const over = { color: 'rgba(255,255,255,0.75)', dashArrayX: [1, 0] };
const stripes = { ...over, symbol: 'rect', symbolSize: 1 };
const dots = { ...over, symbol: 'circle', symbolSize: 0.8 };
export const patterns = {
  live: undefined,
  repaired: { ...stripes, dashArrayY: [2, 4] },
  pending: { ...stripes, dashArrayY: [3, 3], rotation: Math.PI / 2 },
  open: {
    ...dots,
    dashArrayX: [
      [6, 6],
      [0, 6, 6, 0],
    ],
    dashArrayY: [6, 0],
  },
  lost: { ...stripes, dashArrayY: [2.5, 4.5], rotation: -Math.PI / 4 },
} satisfies Record<keyof typeof fills, object | undefined>;

const soft = (look: Look, opacity: number) => ({ color: ink[look].text, opacity, width: 1 });
const text = (look: Look) => ({ color: ink[look].text, fontSize, fontFamily: ink[look].font });

/** Days below the chart, so few of them that they stand apart, and the last one always. */
export function dayAxis(days: readonly string[], look: Look) {
  const step = Math.ceil(days.length / 8);
  const interval = (index: number) => (days.length - 1 - index) % step === 0;
  return {
    type: 'category' as const,
    data: [...days],
    axisLine: { lineStyle: soft(look, 0.6) },
    axisTick: { alignWithLabel: true, interval, length: 6, lineStyle: soft(look, 0.6) },
    axisLabel: { ...text(look), interval, margin: 14 },
  };
}

/** The scale at the left. */
export function valueAxis(look: Look, scale: { max: number; interval?: number; unit: string }) {
  const { max, interval, unit } = scale;
  return {
    type: 'value' as const,
    min: 0,
    max,
    interval,
    splitLine: { lineStyle: soft(look, 0.18) },
    axisLabel: { ...text(look), formatter: (value: number) => `${value}${unit}` },
  };
}

const idleName = 'no play';
/** Dashes, as many as fit. */
const dashes = (width: number) =>
  `path://${[0, 14, 28]
    .filter((x) => x + 8 <= width)
    .map((x) => `M${x} 0h8v2.5h-8z`)
    .join('')}`;

/** Which sign means what, above the chart; of `itemWidth` pixels each. */
export function legend(look: Look, names: readonly string[], itemWidth: number) {
  return {
    data: [...names, { name: idleName, icon: dashes(itemWidth) }],
    left: 'center',
    top: 0,
    itemGap: 26,
    itemHeight: 16,
    itemWidth,
    lineStyle: { width: 'inherit' as const },
    itemStyle: { borderWidth: 'inherit' as const },
    textStyle: { ...text(look), padding: [0, 4, 0, 2] },
    selectedMode: false as const,
  };
}

/** The room of the drawing between legend and days: thirty days of whole pixels, with sharp edges. */
export const grid = { left: 60, right: 30, top: 56, bottom: 44 };

/** Marks below the axis for the days on which nothing was played: no values, only a sign that nothing is missing. */
export function idleMarks(idle: readonly boolean[], look: Look) {
  return {
    name: idleName,
    type: 'line' as const,
    data: idle.map((one) => (one ? 0 : null)),
    symbol: 'rect',
    symbolSize: [8, 2.5],
    symbolOffset: [0, 5],
    showAllSymbol: true,
    clip: false,
    silent: true,
    lineStyle: { width: 0, opacity: 0 },
    itemStyle: { color: ink[look].text, opacity: 0.55 },
  };
}
