import type { BarSeriesOption, GridComponentOption, LegendComponentOption, LineSeriesOption } from 'echarts';
import type { ComposeOption } from 'echarts/core';
// One file, compiled as far as it is used: some 10 MB of memory, where the parts by name take 24 to 37 MB.
import { init } from 'echarts/dist/echarts.esm.min';
import { ink, type Look, size } from './chart-look.ts';

export type Drawing = ComposeOption<
  BarSeriesOption | LineSeriesOption | GridComponentOption | LegendComponentOption
>;

export interface Words {
  name: string;
  title: string;
  description: string;
  /** Written in the middle of the drawing; empty for nothing. */
  note: string;
}

const { width, height } = size;

/** What the library draws. Not disposed, its timers would keep the process alive. */
function rawSvg(drawing: Drawing): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, ...drawing });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

const escaped = (text: string) =>
  text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`).replace(/\p{Cc}/gu, ' ');

/** `font-size:18px;fill:red;` as ` font-size="18px" fill="red"`. */
function attributesOf(style: string): string {
  return style
    .split(';')
    .filter((one) => one.includes(':'))
    .map((one) => one.split(':', 2))
    .map(([key, value]) => ` ${key!.trim()}="${value!.trim().replace(/px$/, '')}"`)
    .join('');
}

/** False for areas that only serve the mouse, and for lines without width. */
function isVisible(path: string): boolean {
  const isFilled = !/ fill="none"| fill-opacity="0"/.test(path);
  const isStroked =
    path.includes(' stroke="') && !/ stroke="none"| stroke-width="0"| stroke-opacity="0"/.test(path);
  return isFilled || isStroked;
}

/**
 * The inside of the library's document, fit for a page that allows no styles of its own (`style-src 'self'`): style
 * becomes attributes, what serves the mouse goes, and ids are named after the chart, for the library numbers them
 * through the life of the process.
 */
function cleaned(svg: string, name: string): string {
  return svg
    .replace(/^<svg[^>]*>/, '')
    .replace(/<\/svg>\s*$/, '')
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/^\s*<rect [^>]*><\/rect>/, '')
    .replace(/ style="([^"]*)"/g, (_, style: string) => attributesOf(style))
    .replace(/ (?:ecmeta_\w+|class|pointer-events|font-family|xml:space)="[^"]*"/g, '')
    .replace(/zr\d+-/g, `${name}-`)
    .replace(/xlink:href=/g, 'href=')
    .replace(/\s*><\/(?:path|rect|circle|ellipse|line|polyline|polygon|use)>/g, '/>')
    .replace(/<path [^>]*\/>/g, (path) => (isVisible(path) ? path : ''))
    .replace(/<(\w+) >/g, '<$1>')
    .replace(/\s*\n\s*/g, '\n')
    .trim();
}

/** Draws a chart as an SVG document without fixed size, styles, scripts or references to elsewhere. */
export function drawSvg(drawing: Drawing, words: Words, look: Look): string {
  const { name, title, description, note } = words;
  const { text, back, font } = ink[look];
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${name}-title ${name}-desc" font-family="${font}">`,
    `<title id="${name}-title">${escaped(title)}</title>`,
    `<desc id="${name}-desc">${escaped(description)}</desc>`,
    back && `<rect width="${width}" height="${height}" fill="${back}"/>`,
    cleaned(rawSvg(drawing), name),
    note &&
      `<text x="${width / 2}" y="${0.45 * height}" text-anchor="middle" font-size="20" fill="${text}">${escaped(note)}</text>`,
    '</svg>',
  ];
  return `${lines.filter(Boolean).join('\n')}\n`;
}
