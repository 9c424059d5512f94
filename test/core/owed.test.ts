import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { eachDay } from '../../src/core/coverage-series.ts';
import { lastOwedDay, mostMadeUp, owedDays } from '../../src/core/owed.ts';
import { addDays, dayStart, localToInstants } from '../../src/core/time.ts';
import { days, hours, minutes, zone } from './builders.ts';

const clocks = new Map<string, Intl.DateTimeFormat>();

/** What a wall clock of a zone shows, `YYYY-MM-DD HH:MM`, by the runtime's own calendar. */
function wallClock(unix: number, timeZone: string): string {
  const known =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  clocks.set(timeZone, known);
  return known.format(unix * 1000);
}

const at = (day: string, time: string, where = zone) => localToInstants(day, time, where)!.instants[0]!;

describe('owedDays() at', () => {
  const cases: readonly [string, day: string, time: string, lastDay: string | null, owed: string[]][] = [
    ['07:10 gives yesterday', '2026-02-12', '07:10:00', '2026-02-10', ['2026-02-11']],
    ['07:09:59 does not yet', '2026-02-12', '07:09:59', '2026-02-10', []],
    ['07:10 again gives nothing', '2026-02-12', '07:10:00', '2026-02-11', []],
    ['23:59:59 gives yesterday still', '2026-02-12', '23:59:59', '2026-02-10', ['2026-02-11']],
    ['00:00 makes up for the day before yesterday', '2026-02-12', '00:00:00', '2026-02-09', ['2026-02-10']],
    [
      '07:10 makes up for what was missed, oldest first',
      '2026-03-02',
      '08:00:00',
      '2026-02-26',
      ['2026-02-27', '2026-02-28', '2026-03-01'],
    ],
    [
      '07:10 gives yesterday only where there never was a report',
      '2026-02-12',
      '07:10:00',
      null,
      ['2026-02-11'],
    ],
    [
      '07:09 gives the last whole day only where there never was a report',
      '2026-02-12',
      '07:09:00',
      null,
      ['2026-02-10'],
    ],
    ['any time gives nothing where a later day was reported', '2026-02-12', '12:00:00', '2026-02-13', []],
    ['a leap day knows it', '2028-03-01', '07:10:00', '2028-02-27', ['2028-02-28', '2028-02-29']],
  ];
  for (const [what, day, time, lastDay, owed] of cases)
    test(what, () =>
      assert.deepEqual(owedDays({ nowUnix: at(day, time), zone, reportAt: '07:10', lastDay }), owed),
    );
});

describe('after a pause, owedDays() makes up for', () => {
  for (const [off, made] of [
    [1, 1],
    [13, 13],
    [14, 14],
    [15, 14],
    [30, 14],
    [400, 14],
  ] as const)
    test(`${made} of ${off} missed days, the most recent ones`, () => {
      const last = '2026-11-09';
      const nowUnix = at('2026-11-10', '07:10:00');
      const facts = { nowUnix, zone, reportAt: '07:10', lastDay: addDays(last, -off) };
      assert.equal(mostMadeUp, 14);
      assert.deepEqual(owedDays(facts), eachDay({ since: addDays(last, 1 - made), until: last }));
      assert.deepEqual(owedDays({ ...facts, lastDay: last }), []);
    });
});

describe('on the day of a clock change the report of the day before is first owed at', () => {
  const cases: readonly [where: string, day: string, reportAt: string, utc: string][] = [
    // Spring: 02:00 becomes 03:00. Autumn: 03:00 becomes 02:00.
    ['Europe/Ljubljana', '2026-03-29', '02:30', '2026-03-29T01:00:00Z'],
    ['Europe/Ljubljana', '2026-03-29', '01:59', '2026-03-29T00:59:00Z'],
    ['Europe/Ljubljana', '2026-03-29', '03:00', '2026-03-29T01:00:00Z'],
    ['Europe/Ljubljana', '2026-10-25', '02:30', '2026-10-25T00:30:00Z'],
    ['Europe/Ljubljana', '2026-10-25', '03:00', '2026-10-25T02:00:00Z'],
    ['Europe/Ljubljana', '2026-10-25', '00:00', '2026-10-24T22:00:00Z'],
    // One day begins at 01:00; on the other the hour before midnight comes twice.
    ['America/Sao_Paulo', '2018-11-04', '00:00', '2018-11-04T03:00:00Z'],
    ['America/Sao_Paulo', '2018-11-04', '00:30', '2018-11-04T03:00:00Z'],
    ['America/Sao_Paulo', '2018-02-17', '23:30', '2018-02-18T01:30:00Z'],
    ['America/Sao_Paulo', '2018-02-18', '00:00', '2018-02-18T03:00:00Z'],
    // Half an hour.
    ['Australia/Lord_Howe', '2026-04-05', '01:45', '2026-04-04T14:45:00Z'],
    ['Australia/Lord_Howe', '2026-10-04', '02:15', '2026-10-03T15:30:00Z'],
    // A day that was left out: the one before it is owed when the one after it begins.
    ['Pacific/Apia', '2011-12-30', '07:10', '2011-12-30T10:00:00Z'],
    ['Pacific/Apia', '2011-12-31', '07:10', '2011-12-30T17:10:00Z'],
  ];
  for (const [where, day, reportAt, utc] of cases)
    test(`${utc} for ${reportAt} of ${day} in ${where}`, () => {
      const first = Date.parse(utc) / 1000;
      const before = addDays(day, -1);
      const owedAt = (nowUnix: number) => lastOwedDay({ nowUnix, zone: where, reportAt });
      assert.ok(owedAt(first) >= before, `${owedAt(first)} is owed at that moment`);
      for (const seconds of [1, 60, 1_800, 3_600, 7_200])
        assert.ok(owedAt(first - seconds) < before, `${owedAt(first - seconds)} is owed ${seconds} s before`);
    });
});

test('a day that was reported is not owed again when the repeated hour shows an earlier time', () => {
  const reportAt = '02:30';
  const first = Date.parse('2026-10-25T00:30:00Z') / 1000;
  const facts = { zone, reportAt, lastDay: '2026-10-23' };
  assert.deepEqual(owedDays({ ...facts, nowUnix: first }), ['2026-10-24']);
  for (let nowUnix = first; nowUnix < first + 3 * hours; nowUnix += minutes)
    assert.deepEqual(owedDays({ ...facts, nowUnix, lastDay: '2026-10-24' }), []);
});

interface Year {
  where: string;
  year: number;
  reportAt: string;
}

/** A process that asks at each tick, and remembers the last day that it was given. */
function aProcess({ where, reportAt }: Pick<Year, 'where' | 'reportAt'>) {
  const given: { day: string; clock: string }[] = [];
  let lastDay: string | null = null;
  return {
    given,
    ask(nowUnix: number) {
      for (const day of owedDays({ nowUnix, zone: where, reportAt, lastDay })) {
        given.push({ day, clock: wallClock(nowUnix, where) });
        lastDay = day;
      }
    },
  };
}

/** Each day once, none left out, none before the clock showed `reportAt` of the day after it, none late at the end. */
function assertOnceEach(given: ReturnType<typeof aProcess>['given'], year: Year, lastTick: number): void {
  const [first, last] = [given[0]!.day, given.at(-1)!.day];
  assert.deepEqual(
    given.map(({ day }) => day),
    eachDay({ since: first, until: last }),
  );
  for (const { day, clock } of given)
    assert.ok(clock >= `${addDays(day, 1)} ${year.reportAt}`, `${day} was given at ${clock}`);
  const end = wallClock(lastTick, year.where);
  assert.ok(end < `${addDays(last, 2)} ${year.reportAt}`, `${last} is the last one at ${end}`);
}

const changes: Record<string, { year: number; days: string[] }> = {
  UTC: { year: 2026, days: ['2026-12-31'] },
  'Europe/Ljubljana': { year: 2026, days: ['2026-03-29', '2026-10-25'] },
  'America/Sao_Paulo': { year: 2018, days: ['2018-02-18', '2018-11-04'] },
  'Australia/Lord_Howe': { year: 2026, days: ['2026-04-05', '2026-10-04'] },
  'Pacific/Apia': { year: 2011, days: ['2011-04-02', '2011-09-24', '2011-12-30'] },
};
const times = ['00:00', '01:45', '02:15', '02:30', '07:10', '23:30', '23:59'];

describe('ticking every seven minutes around a change of the clock, each day is owed once', () => {
  for (const [where, { year, days: changed }] of Object.entries(changes))
    for (const day of changed)
      test(`${day} in ${where}`, () => {
        const [from, to] = [dayStart(addDays(day, -2), where), dayStart(addDays(day, 3), where)];
        for (const reportAt of times) {
          const process = aProcess({ where, reportAt });
          let tick = from;
          for (; tick < to; tick += 7 * minutes) process.ask(tick);
          assertOnceEach(process.given, { where, year, reportAt }, tick - 7 * minutes);
        }
      });
});

/** Small whole numbers that look random, the same for the same seed. */
function randomOf(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/**
 * The moments of a year at which a process asks: every seven minutes for some hours, then a restart, a pause of up to
 * some days, or a clock that was set back by up to two days and is put right again.
 */
function* ticksOfYear({ where, year }: Year, seed: number): Generator<number> {
  const random = randomOf(seed);
  const [from, to] = [dayStart(`${year}-01-01`, where), dayStart(`${year + 1}-01-01`, where)];
  for (let tick = from; tick < to; ) {
    const stretch = tick + random(6 * hours);
    for (; tick < stretch && tick < to; tick += 7 * minutes) yield tick;
    const what = random(10);
    if (what === 0) tick += random(9 * days);
    else if (what === 1) yield tick - random(2 * days);
    else if (what < 8) tick += random(8 * hours);
  }
}

describe('over a whole year of restarts, pauses and clocks that are set back, each day is owed once', () => {
  const reportAts: Record<string, string[]> = {
    UTC: ['00:00', '23:59'],
    'Europe/Ljubljana': ['07:10', '02:30'],
    'America/Sao_Paulo': ['00:00', '23:30'],
    'Australia/Lord_Howe': ['01:45', '02:15'],
    'Pacific/Apia': ['07:10', '23:59'],
  };
  for (const [where, { year }] of Object.entries(changes))
    for (const [index, reportAt] of reportAts[where]!.entries()) {
      const seed = year + 97 * index + where.length;
      test(`${reportAt} in ${where}, seed ${seed}`, () => {
        const process = aProcess({ where, reportAt });
        let last = 0;
        for (const tick of ticksOfYear({ where, year, reportAt }, seed)) {
          process.ask(tick);
          last = Math.max(last, tick);
        }
        process.ask(last);
        assert.ok(process.given.length > 350, String(process.given.length));
        assertOnceEach(process.given, { where, year, reportAt }, last);
      });
    }
});

test('whenever it is asked, what is owed is a row of at most 14 days that ends with the last one', () => {
  const anyFacts = fc.record({
    nowUnix: fc.integer({ min: at('2026-01-01', '00:00:00'), max: at('2027-01-01', '00:00:00') }),
    zone: fc.constantFrom(...Object.keys(changes)),
    reportAt: fc.constantFrom(...times),
    lastDay: fc.option(fc.integer({ min: -40, max: 400 }).map((count) => addDays('2026-01-01', count))),
  });
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const owed = owedDays(facts);
      const last = lastOwedDay(facts);
      assert.ok(owed.length <= mostMadeUp);
      if (owed.length > 0) assert.deepEqual(owed, eachDay({ since: owed[0]!, until: last }));
      else assert.ok(facts.lastDay! >= last);
      if (facts.lastDay !== null) for (const day of owed) assert.ok(day > facts.lastDay);
      const clock = wallClock(facts.nowUnix, facts.zone);
      assert.ok(
        clock >= `${addDays(last, 1)} ${facts.reportAt}` && clock < `${addDays(last, 2)} ${facts.reportAt}`,
      );
    }),
    { numRuns: 1_000 },
  );
});
