import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fills, lineColors } from '../../reports/chart-look.ts';
import { type Chart, type Look, r2Chart, roundsChart } from '../../reports/charts.ts';
import type { DayPoint } from '../../reports/model.ts';
import { toPng } from '../../reports/png.ts';
import { coverageOf } from '../../src/core/coverage.ts';
import { addDays } from '../../src/core/time.ts';

type Counts = Partial<Record<'live' | 'repaired' | 'pending' | 'missing' | 'setAside' | 'lost', number>>;

const none = { expected: 0, live: 0 };
const idleDay = (day: string): DayPoint => ({
  day,
  coverage: null,
  r1: none,
  r2: none,
  missingR2: [],
  unlikely: false,
});

function playedDay(day: string, counts: Counts, more: Partial<DayPoint> = {}): DayPoint {
  const { missing = 0, ...others } = counts;
  const rows = Object.values(counts).reduce((all, one) => all + one, 0);
  const zero = coverageOf([]);
  const coverage = { ...zero, ...others, rows, open: { ...zero.open, missing } };
  return { ...idleDay(day), coverage, ...more };
}

/** Thirty days up to 2026-02-26; nothing is played on every third one, and second rounds are lost in a week. */
const isIdle = (index: number) => index % 3 === 1;
const isBad = (index: number) => index >= 18 && index < 25;
const series: DayPoint[] = Array.from({ length: 30 }, (_, index) => {
  const day = addDays('2026-01-28', index);
  if (isIdle(index)) return idleDay(day);
  const expected = 4 + (index % 5);
  const live = isBad(index) ? 0 : expected;
  return playedDay(
    day,
    { live: expected + live, repaired: isBad(index) ? 1 : 0, lost: expected - live },
    { r1: { expected, live: expected }, r2: { expected, live }, unlikely: isBad(index) },
  );
});
const quiet = series.map(({ day }) => idleDay(day));
const busy = series.map(({ day }) =>
  playedDay(
    day,
    { live: 9, repaired: 3, pending: 2, missing: 4, setAside: 1, lost: 5 },
    { r1: { expected: 12, live: 7 }, r2: { expected: 10, live: 2 }, unlikely: true },
  ),
);

const looks: Look[] = ['page', 'mail'];
const charts = [roundsChart, r2Chart];
const both = (days: readonly DayPoint[], look: Look) => charts.map((chart) => chart(days, look));
const all = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map(([, one]) => one!);
const texts = (svg: string) => all(svg, /<text[^>]*>([^<]*)<\/text>/g);

/** Where a chart draws its days, by its lowest line: the axis. */
function slotsOf({ svg }: Chart, days: number) {
  const [, left, right] = /<path d="M(\d+) [\d.]+L(\d+) /.exec(svg)!.map(Number);
  const width = (right! - left!) / days;
  return { width, indexAt: (x: number) => Math.floor((x - left!) / width) };
}

/** The days on which bars of a colour stand. */
function barDays(chart: Chart, color: string, days = 30): number[] {
  const { indexAt } = slotsOf(chart, days);
  return all(chart.svg, new RegExp(`<path d="M([\\d.]+) [^"]*" fill="${color}"/>`, 'g')).map((x) =>
    indexAt(Number(x)),
  );
}

/** The days on which signs of a colour stand. */
function signDays(chart: Chart, sign: string, days = 30): number[] {
  const { indexAt } = slotsOf(chart, days);
  return all(
    chart.svg,
    new RegExp(`transform="matrix\\([\\d.]+,0,0,[\\d.]+,([\\d.]+),[\\d.]+\\)" ${sign}`, 'g'),
  ).map((x) => indexAt(Number(x)));
}

/** Each run of joined points of the line of a colour, as days. */
function runsOf(chart: Chart, color: string): number[][] {
  const { indexAt } = slotsOf(chart, 30);
  const lines = all(chart.svg, new RegExp(`<path d="([^"]*)" fill="none" stroke="${color}"[^>]*/>`, 'g'));
  return lines
    .flatMap((line) => line.split('M').filter(Boolean))
    .map((run) => all(run, /(?:^|L)([\d.]+) [\d.]+/g).map((x) => indexAt(Number(x))))
    .filter((run) => run.length > 1);
}

const indexes = (keep: (index: number) => boolean) => [...series.keys()].filter(keep);

describe('a day without play', () => {
  test('has no bar of any state', () => {
    const chart = roundsChart(series, 'page');
    assert.deepEqual(
      barDays(chart, fills.live),
      indexes((i) => !isIdle(i)),
    );
    assert.deepEqual(
      barDays(chart, fills.lost),
      indexes((i) => !isIdle(i) && isBad(i)),
    );
    assert.deepEqual(barDays(chart, fills.pending), []);
  });

  test('has no point of R1 or R2, and no line goes through it', () => {
    const chart = r2Chart(series, 'page');
    assert.deepEqual(
      signDays(chart, `fill="none" stroke="${lineColors.r1}"`),
      indexes((i) => !isIdle(i)),
    );
    for (const color of Object.values(lineColors)) {
      const runs = runsOf(chart, color);
      assert.ok(runs.length >= 9, `${runs.length} runs`);
      for (const run of runs)
        for (const [at, day] of run.entries()) {
          assert.ok(!isIdle(day), `${color} has a point on day ${day}`);
          if (at > 0) assert.equal(day - run[at - 1]!, 1);
        }
    }
  });

  test('has a mark below the axis', () => {
    for (const chart of both(series, 'page'))
      assert.deepEqual(signDays(chart, 'fill="currentColor"'), indexes(isIdle));
  });

  test('is told apart from a day without a single live round, which has its point at zero', () => {
    const days = [
      playedDay('2026-02-15', { lost: 3 }, { r2: { expected: 3, live: 0 } }),
      idleDay('2026-02-16'),
    ];
    const chart = r2Chart(days, 'page');
    assert.deepEqual(signDays(chart, `fill="${lineColors.r2}"`, 2), [0]);
    assert.deepEqual(signDays(chart, 'fill="currentColor"', 2), [1]);
  });

  test('with nothing but pending rounds has a bar, but no point', () => {
    const days = [playedDay('2026-02-16', { pending: 2 })];
    assert.deepEqual(barDays(roundsChart(days, 'page'), fills.pending, 1), [0]);
    const chart = r2Chart(days, 'page');
    assert.deepEqual(signDays(chart, '', 1), []);
  });
});

describe('what a chart shows', () => {
  test('a day of unlikely few second rounds has a sign of its own instead of its point', () => {
    const chart = r2Chart(series, 'page');
    const marked = indexes((i) => isBad(i) && !isIdle(i));
    assert.deepEqual(signDays(chart, `fill="${fills.lost}"`), marked);
    assert.deepEqual(
      signDays(chart, `fill="${lineColors.r2}"`),
      indexes((i) => !isIdle(i) && !isBad(i)),
    );
  });

  test('days are short, apart from each other, and the last one is among them', () => {
    for (const { svg } of both(series, 'page')) {
      const days = texts(svg).filter((text) => /^\d\d-\d\d$/.test(text));
      assert.deepEqual(days, ['01-29', '02-02', '02-06', '02-10', '02-14', '02-18', '02-22', '02-26']);
    }
  });

  test('rounds are counted in whole numbers, however few, and coverage from 0 to 100 %', () => {
    const scale = (svg: string) => texts(svg).filter((text) => /^\d+(\.\d+)?( %)?$/.test(text));
    const one = [playedDay('2026-02-16', { live: 1 })];
    assert.deepEqual(scale(roundsChart(one, 'page').svg), ['0', '1', '2', '3', '4']);
    assert.deepEqual(scale(roundsChart(busy, 'page').svg), ['0', '5', '10', '15', '20', '25']);
    const many = [playedDay('2026-02-16', { live: 4321 })];
    assert.deepEqual(scale(roundsChart(many, 'page').svg), ['0', '865', '1730', '2595', '3460', '4325']);
    assert.deepEqual(scale(r2Chart(series, 'page').svg), ['0 %', '25 %', '50 %', '75 %', '100 %']);
  });

  test('the legend names every sign', () => {
    const names = (svg: string) => texts(svg).filter((text) => /[a-zR]/.test(text));
    const [rounds, r2] = both(series, 'mail');
    assert.deepEqual(names(rounds!.svg), ['live', 'repaired', 'pending', 'open', 'lost', 'no play']);
    assert.deepEqual(names(r2!.svg), ['R1', 'R2', 'R2 unlikely', 'no play']);
  });

  test('every state but live has a pattern over its colour', () => {
    const { svg } = roundsChart(busy, 'page');
    const over = all(svg, /fill="(url\(#[^)]*\)|#\w+)"\/>/g);
    for (const [state, color] of Object.entries(fills)) {
      const next = over[over.indexOf(color) + 1]!;
      assert.equal(next.startsWith('url(#rounds-'), state !== 'live', state);
    }
    assert.equal(new Set(over.filter((one) => one.startsWith('url'))).size, 4);
  });

  test('its words say the numbers, also for those who do not see it', () => {
    const [rounds, r2] = both(series, 'page');
    assert.match(rounds!.description, /from 2026-01-28 to 2026-02-26: 245 expected, of them \d+ live/);
    assert.match(rounds!.description, /Lost on 02-15 \(7\).* No rounds were played on 10 of 30 days\.$/);
    assert.match(
      r2!.description,
      /: 100 % of \d+ R1, [\d.]+ % of \d+ R2\. Unlikely few live R2 on 02-15 \(0 of 7\)/,
    );
  });

  test('rounds that people set aside are among the open ones', () => {
    const chart = roundsChart([playedDay('2026-02-16', { missing: 2, setAside: 3 })], 'page');
    assert.match(chart.description, /0 pending, 5 open, 0 lost/);
  });
});

describe('little to show', () => {
  test('a series in which nothing was played says so, in the drawing and in words', () => {
    for (const look of looks)
      for (const chart of both(quiet, look)) {
        assert.ok(texts(chart.svg).includes('No rounds were played'));
        assert.match(chart.description, /No rounds were played\.$/);
        assert.deepEqual(signDays(chart, '').length, 30);
      }
  });

  test('no days at all are a chart too', () => {
    for (const chart of both([], 'page')) assert.ok(texts(chart.svg).includes('No rounds were played'));
  });

  test('one day is a bar and two points', () => {
    const days = [
      playedDay('2026-02-16', { live: 8 }, { r1: { expected: 5, live: 5 }, r2: { expected: 4, live: 3 } }),
    ];
    assert.deepEqual(barDays(roundsChart(days, 'page'), fills.live, 1), [0]);
    const chart = r2Chart(days, 'page');
    assert.deepEqual(signDays(chart, '', 1), [0, 0]);
    assert.match(chart.description, /by day of 2026-02-16: 100 % of 5 R1, 75 % of 4 R2\.$/);
  });
});

describe('the document', () => {
  test('is the same bytes, whatever was drawn before', () => {
    for (const look of looks)
      for (const draw of charts) {
        const first = draw(series, look);
        for (const other of [...charts].reverse()) both(busy, look).push(other(quiet, 'page'));
        assert.deepEqual(draw(structuredClone(series), look), first);
      }
  });

  test('does not change the series', () => {
    const before = structuredClone(series);
    both(series, 'page');
    assert.deepEqual(series, before);
  });

  test('has no styles, scripts, handlers, or references to elsewhere', () => {
    for (const look of looks)
      for (const { svg } of [series, quiet, busy].flatMap((days) => both(days, look))) {
        const inner = svg.replace('xmlns="http://www.w3.org/2000/svg"', '');
        assert.doesNotMatch(inner, /\sstyle\s*=|<style|<script|\son\w+\s*=|javascript:|CDATA/i);
        assert.doesNotMatch(
          inner,
          /https?:|\/\/|data:|@import|<image|<foreignObject|ecmeta|class=|pointer-events/i,
        );
        for (const target of all(inner, /(?:url\(|href=")([^)"]*)/g)) assert.match(target, /^#(rounds|r2)-/);
      }
  });

  test('has ids of its own, and every reference leads to one', () => {
    const ids = both(busy, 'page').map(({ svg }) => all(svg, /\sid="([^"]*)"/g));
    assert.equal(new Set(ids.flat()).size, ids.flat().length);
    for (const [at, { svg }] of both(busy, 'page').entries())
      for (const target of all(svg, /url\(#([^)]*)\)/g)) assert.ok(ids[at]!.includes(target), target);
  });

  test('is an image with title and description first, and scales by its view box', () => {
    for (const { svg, name, title, width, height } of both(series, 'page')) {
      const [root, first, second] = svg.split('\n');
      assert.match(root!, new RegExp(`^<svg xmlns="[^"]*" viewBox="0 0 ${width} ${height}" role="img"`));
      assert.match(root!, new RegExp(`aria-labelledby="${name}-title ${name}-desc"`));
      assert.doesNotMatch(root!, / (width|height)=/);
      assert.equal(first, `<title id="${name}-title">${title}</title>`);
      assert.match(second!, new RegExp(`^<desc id="${name}-desc">[^<]+</desc>$`));
    }
  });

  test('takes the colours of the page, or brings those of a mail', () => {
    for (const { svg } of both(series, 'page')) {
      assert.match(svg, /<text[^>]* fill="currentColor"/);
      assert.doesNotMatch(svg, /fill="#ffffff"/);
    }
    for (const { svg } of both(series, 'mail')) {
      assert.doesNotMatch(svg, /currentColor/);
      assert.match(svg, /font-family="DejaVu Sans"/);
      assert.match(svg, /<rect width="720" height="360" fill="#ffffff"\/>/);
    }
  });

  test('is below 40 kB for thirty full days', () => {
    for (const look of looks)
      for (const { name, svg } of both(busy, look)) assert.ok(Buffer.byteLength(svg) < 40_000, name);
  });

  test('says nothing of a day that is none', async () => {
    const day = '"><script>alert(1)</script>&{a|b}\u0000';
    for (const look of looks)
      for (const chart of both([{ ...series[0]!, day }], look)) {
        assert.doesNotMatch(chart.svg, /script|alert|\{a/);
        assert.match(chart.description, /\?\?\?\?-\?\?-\?\?/);
        assert.ok((await toPng(chart)).length > 1_000);
      }
  });
});

describe('toPng()', () => {
  test('gives a picture of 1440 by 720 pixels, below 120 kB, and the same bytes again', async () => {
    for (const chart of [series, quiet, busy].flatMap((days) => both(days, 'mail'))) {
      const png = Buffer.from(await toPng(chart));
      assert.equal(png.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
      assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1440, 720]);
      assert.ok(png.length < 120_000, `${chart.name}: ${png.length} bytes`);
      assert.ok(png.equals(await toPng(chart)));
    }
  });

  test('draws the text with the font that comes with the program', async () => {
    for (const chart of both(series, 'mail')) {
      const png = Buffer.from(await toPng(chart));
      const mute = await toPng({ ...chart, svg: chart.svg.replace(/<text[\s\S]*?<\/text>/g, '') });
      const lessText = await toPng({ ...chart, svg: chart.svg.replace('>no play<', '><') });
      assert.ok(!png.equals(mute) && !png.equals(lessText));
    }
  });
});
