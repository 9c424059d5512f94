import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Stretch, type Watch, type WatchFacts, watch } from '../../src/core/watch.ts';

const from = (fromUnix: number, toUnix: number): Stretch => ({ fromUnix, toUnix });

interface Case {
  what: string;
  ticks?: number[];
  until?: number;
  runs?: Stretch[];
  blind: number;
  longest?: Stretch;
}

/** Ticks at 0, 180, 360 and 540, asked about until 720, unless the case says otherwise. */
const cases: Case[] = [
  { what: 'nobody looked', blind: 720, longest: from(0, 720) },
  { what: 'nothing was expected', ticks: [], blind: 0 },
  { what: 'nothing was expected, and audits ran', ticks: [], runs: [from(0, 900)], blind: 0 },
  { what: 'a run began with each tick', runs: [0, 180, 360, 540].map((at) => from(at, at + 4)), blind: 0 },
  { what: 'runs took no whole second', runs: [0, 180, 360, 540].map((at) => from(at, at)), blind: 0 },
  { what: 'runs began late', runs: [100, 190, 539, 719].map((at) => from(at, at + 2)), blind: 0 },
  {
    what: 'a run began with the next tick only',
    runs: [180, 360, 540].map((at) => from(at, at + 2)),
    blind: 180,
    longest: from(0, 180),
  },
  {
    what: 'two runs belong to one tick',
    runs: [from(0, 4), from(90, 94), from(360, 364)],
    blind: 360,
    longest: from(180, 360),
  },
  { what: 'one run took several ticks', runs: [from(0, 700)], blind: 0 },
  { what: 'a run ended with a tick', runs: [from(0, 360)], blind: 180, longest: from(540, 720) },
  { what: 'a run ended just before a tick', runs: [from(0, 359)], blind: 360, longest: from(360, 720) },
  {
    what: 'a long run began before all ticks',
    runs: [from(-5_000, 200)],
    blind: 360,
    longest: from(360, 720),
  },
  { what: 'a short run ended before all ticks', runs: [from(-10, -1)], blind: 720, longest: from(0, 720) },
  {
    what: 'a short run began during a long one, and ended before it',
    runs: [from(0, 700), from(10, 20), from(185, 190)],
    blind: 0,
  },
  { what: 'runs overlap', runs: [from(0, 200), from(190, 380)], blind: 180, longest: from(540, 720) },
  {
    what: 'runs come in no order',
    runs: [from(540, 541), from(0, 1), from(360, 361)],
    blind: 180,
    longest: from(180, 360),
  },
  { what: 'the only run came after the end', runs: [from(720, 730)], blind: 720, longest: from(0, 720) },
  { what: 'blind times that touch are one', runs: [from(360, 361)], blind: 540, longest: from(0, 360) },
  {
    what: 'the first of two equally long blind times counts',
    runs: [from(180, 181), from(540, 541)],
    blind: 360,
    longest: from(0, 180),
  },
  {
    what: 'the longest blind time is not the first',
    runs: [from(180, 181)],
    blind: 540,
    longest: from(360, 720),
  },
  { what: 'the time of the last tick is not over', until: 719, blind: 540, longest: from(0, 540) },
  {
    what: 'the last audit is still at work',
    until: 545,
    runs: [from(0, 400)],
    blind: 0,
  },
  {
    what: 'the time of the last tick is longer than of the others',
    until: 900,
    blind: 900,
    longest: from(0, 900),
  },
  { what: 'ticks lie beyond the end', until: 300, blind: 180, longest: from(0, 180) },
  { what: 'every tick lies beyond the end', ticks: [500, 600], until: 300, blind: 0 },
  { what: 'one tick lies beyond the end', ticks: [500], until: 300, blind: 0 },
  { what: 'one tick lies at the end', ticks: [300], until: 300, blind: 0 },
  { what: 'there is one tick only', ticks: [100], until: 300, blind: 200, longest: from(100, 300) },
  { what: 'there is one tick, and a run', ticks: [100], until: 300, runs: [from(299, 301)], blind: 0 },
  {
    what: 'ticks are not evenly spaced',
    ticks: [0, 420, 840, 1_080],
    until: 1_320,
    runs: [from(850, 860)],
    blind: 840 + 240,
    longest: from(0, 840),
  },
  {
    what: 'audits pause at night',
    ticks: [0, 180, 36_000, 36_180],
    until: 36_360,
    runs: [from(0, 1), from(185, 190)],
    blind: 360,
    longest: from(36_000, 36_360),
  },
];

describe('watch()', () => {
  for (const { what, ticks = [0, 180, 360, 540], until = 720, runs = [], blind, longest = null } of cases)
    test(`${what}: blind for ${blind} s`, () => {
      const expected: Watch = { expected: ticks.length, blindSeconds: blind, longestBlind: longest };
      assert.deepEqual(watch({ ticks, untilUnix: until, runs }), expected);
    });
});

test('a day without the auditor is blind for as long as the day is, also where a clock changes', () => {
  for (const hours of [23, 24, 25]) {
    const ticks = Array.from({ length: hours * 20 }, (_, at) => at * 180);
    const { expected, blindSeconds, longestBlind } = watch({ ticks, untilUnix: hours * 3_600, runs: [] });
    assert.deepEqual(
      [expected, blindSeconds, longestBlind],
      [hours * 20, hours * 3_600, from(0, hours * 3_600)],
    );
  }
});

test('watch() changes nothing that it is given', () => {
  const facts: WatchFacts = { ticks: [0, 180, 360], untilUnix: 540, runs: [from(400, 410), from(0, 5)] };
  const before = structuredClone(facts);
  watch(facts);
  assert.deepEqual(facts, before);
});

/** Asked of each second: a tick's time in which no second belongs to a run, and which is over. */
function blindSecondBySecond({ ticks, untilUnix, runs }: WatchFacts): Set<number> {
  const spaces = ticks.slice(1).map((at, index) => at - ticks[index]!);
  const blind = new Set<number>();
  for (const [index, tick] of ticks.entries()) {
    const next = ticks[index + 1];
    const end = next ?? untilUnix;
    const over = next ?? (spaces.length === 0 ? untilUnix : tick + Math.min(...spaces));
    if (over > untilUnix) continue;
    const seconds = Array.from({ length: Math.max(0, end - tick) }, (_, at) => tick + at);
    const seen = seconds.some((second) =>
      runs.some(({ fromUnix, toUnix }) => second >= fromUnix && second <= toUnix),
    );
    if (!seen) for (const second of seconds) blind.add(second);
  }
  return blind;
}

/** The longest row of seconds that follow each other; the first of several. */
function longestRow(seconds: ReadonlySet<number>): Stretch | null {
  let longest: Stretch | null = null;
  for (const first of [...seconds].sort((a, b) => a - b)) {
    if (seconds.has(first - 1)) continue;
    let end = first;
    while (seconds.has(end)) end += 1;
    if (longest === null || end - first > longest.toUnix - longest.fromUnix) longest = from(first, end);
  }
  return longest;
}

const anyWatch: fc.Arbitrary<WatchFacts> = fc.record({
  ticks: fc
    .uniqueArray(fc.integer({ min: 0, max: 120 }), { maxLength: 12 })
    .map((ticks) => ticks.sort((a, b) => a - b)),
  untilUnix: fc.integer({ min: 0, max: 140 }),
  runs: fc.array(
    fc
      .record({ at: fc.integer({ min: -20, max: 150 }), takes: fc.integer({ min: 0, max: 40 }) })
      .map(({ at, takes }) => from(at, at + takes)),
    { maxLength: 6 },
  ),
});

test('the blind seconds are those that are counted one by one, and the longest blind time is theirs', () => {
  fc.assert(
    fc.property(anyWatch, (facts) => {
      const counted = blindSecondBySecond(facts);
      const { blindSeconds, longestBlind } = watch(facts);
      assert.equal(blindSeconds, counted.size);
      assert.deepEqual(longestBlind, longestRow(counted));
    }),
    { numRuns: 3_000 },
  );
});

test('another run never makes anybody blinder, and the order of the runs does not matter', () => {
  fc.assert(
    fc.property(anyWatch, fc.integer({ min: -20, max: 150 }), (facts, at) => {
      const { blindSeconds } = watch(facts);
      const more = watch({ ...facts, runs: [...facts.runs, from(at, at + 5)] });
      assert.ok(more.blindSeconds <= blindSeconds);
      assert.deepEqual(watch({ ...facts, runs: [...facts.runs].reverse() }), watch(facts));
    }),
    { numRuns: 1_000 },
  );
});
