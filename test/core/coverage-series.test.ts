import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addsUp, coverageOf, expectedTotal } from '../../src/core/coverage.ts';
import { eachDay, r2Of, seriesDiscrepancies, seriesOf } from '../../src/core/coverage-series.ts';
import { anyRow, aRow, playedOn } from './coverage-builders.ts';

const day = '2026-02-11';
const range = { since: '2026-02-10', until: '2026-02-12' };
const oneDay = { since: day, until: day };

/** Days of history on which every second round was covered live, ten a day. */
const goodDays = (count: number) =>
  eachDay({ since: '2026-01-20', until: '2026-01-31' })
    .slice(0, count)
    .flatMap((name) => playedOn(name, { live: 10 }));

describe('eachDay()', () => {
  const cases: readonly [string, string, string, readonly string[] | number][] = [
    ['gives one day for a range of one day', day, day, [day]],
    ['gives none where the range ends before it begins', day, '2026-02-10', []],
    ['knows the leap day', '2028-02-28', '2028-03-01', ['2028-02-28', '2028-02-29', '2028-03-01']],
    ['knows that there is none', '2026-02-28', '2026-03-01', ['2026-02-28', '2026-03-01']],
    ['goes over the new year', '2026-12-31', '2027-01-01', ['2026-12-31', '2027-01-01']],
    ['leaves no day out in spring', '2026-03-28', '2026-03-30', ['2026-03-28', '2026-03-29', '2026-03-30']],
    ['gives no day twice in autumn', '2026-10-24', '2026-10-26', ['2026-10-24', '2026-10-25', '2026-10-26']],
    ['counts the days of a year', '2026-01-01', '2026-12-31', 365],
    ['counts the days of a leap year', '2028-01-01', '2028-12-31', 366],
  ];
  for (const [what, since, until, is] of cases)
    test(what, () => {
      const days = eachDay({ since, until });
      if (typeof is === 'number') assert.equal(new Set(days).size, is);
      else assert.deepEqual(days, is);
    });
});

test('every day of the range has its place, oldest first, and is null where nobody played', () => {
  const series = seriesOf(playedOn(day, { live: 2, lost: 1 }), range);
  assert.deepEqual(
    series.map((one) => [one.day, one.coverage && expectedTotal(one.coverage)]),
    [
      ['2026-02-10', null],
      ['2026-02-11', 3],
      ['2026-02-12', null],
    ],
  );
  const [first] = series;
  assert.deepEqual(
    [first!.r1, first!.r2],
    [
      { expected: 0, live: 0 },
      { expected: 0, live: 0 },
    ],
  );
  assert.deepEqual([first!.missingR2, first!.unlikely], [[], false]);
});

test('a day with exempt rows only is a day on which nobody played', () => {
  const summaries = [0, 1, 2].map((number) =>
    aRow({ round: { date: day, number }, exempt: number === 0 ? 'summary' : 'bots', verdict: null }),
  );
  assert.equal(seriesOf(summaries, oneDay)[0]!.coverage, null);
  const [played] = seriesOf([...summaries, ...playedOn(day, { pending: 1 })], oneDay);
  assert.equal(played!.coverage!.rows, 4);
  assert.equal(expectedTotal(played!.coverage!), 1);
});

test('a row whose time cannot be read is on no day, whatever stands there', () => {
  const rows = [
    aRow({ round: { date: day }, playedUnix: null, verdict: 'unchecked' }),
    aRow({ round: { date: null }, playedUnix: null, verdict: 'unchecked' }),
    aRow({ round: { date: 'nonsense' }, playedUnix: null, verdict: 'unchecked' }),
    aRow({ round: { date: '2026-02-30' }, playedUnix: null, verdict: 'unchecked' }),
  ];
  for (const { coverage, missingR2 } of seriesOf(rows, range))
    assert.deepEqual([coverage, missingR2], [null, []]);
  assert.equal(r2Of(rows, day).state, 'no_rounds');
});

test('the rounds of the hours that a clock change repeats or leaves out are on their day', () => {
  for (const changed of ['2026-03-29', '2026-10-25']) {
    const rows = ['015959', '023000', '030000', '235959'].map((time) =>
      aRow({ round: { date: changed, time }, verdict: 'lost' }),
    );
    const series = seriesOf(rows, { since: changed, until: changed });
    assert.deepEqual(
      series.map((one) => [one.day, one.coverage!.lost]),
      [[changed, 4]],
    );
  }
});

test('the shares are of first and of second rounds, live ones only, and leave out what is still pending', () => {
  const [one] = seriesOf(
    [
      ...playedOn(day, { live: 3, repaired: 1, lost: 1, pending: 2, exempt: 4 }, 1),
      ...playedOn(day, { live: 1, repaired: 2, missing: 1, excused: 1, held: 1, pending: 1, exempt: 1 }, 2),
    ],
    oneDay,
  );
  assert.deepEqual(
    [one!.r1, one!.r2],
    [
      { expected: 5, live: 3 },
      { expected: 6, live: 1 },
    ],
  );
});

test('the second rounds without a capture are named by their ids, in the order of numbers', () => {
  const gap = (id: number, given: Parameters<typeof aRow>[0]) => aRow({ ...given, round: { id, date: day } });
  const rows = [
    gap(1_000, { verdict: 'lost' }),
    gap(99, { verdict: 'damaged', setAside: 'held' }),
    gap(101, { verdict: 'missing' }),
    gap(7, { verdict: 'unchecked' }),
    gap(100, { verdict: 'lost', setAside: 'excused' }),
    gap(98, { verdict: 'pending' }),
    gap(97, {}),
    gap(96, { by: 'repair' }),
    gap(95, { exempt: 'bots', verdict: null }),
    aRow({ verdict: 'lost', round: { id: 94, number: 1, date: day } }),
  ];
  assert.deepEqual(seriesOf(rows, oneDay)[0]!.missingR2, [7, 99, 100, 101, 1_000]);
});

test('rows before the range are the history by which its days are judged', () => {
  const bad = playedOn(day, { lost: 5 });
  assert.equal(seriesOf(bad, oneDay)[0]!.unlikely, false);
  assert.equal(seriesOf([...goodDays(3), ...bad], oneDay)[0]!.unlikely, true);
  assert.deepEqual(
    seriesOf([...goodDays(3), ...bad], oneDay).map((one) => one.day),
    [day],
  );
});

test('rows after a day say nothing of it', () => {
  const rows = [...goodDays(3), ...playedOn('2026-01-19', { lost: 5 })];
  const whole = { since: '2026-01-19', until: '2026-01-22' };
  assert.deepEqual(
    seriesOf(rows, whole).map(({ unlikely }) => unlikely),
    [false, false, false, false],
  );
});

test('a day within the range is history for the days after it', () => {
  const rows = [
    ...goodDays(3),
    ...playedOn('2026-02-01', { lost: 5 }),
    ...playedOn('2026-02-02', { lost: 5 }),
  ];
  const series = seriesOf(rows, { since: '2026-01-20', until: '2026-02-02' });
  assert.deepEqual(
    series.filter(({ unlikely }) => unlikely).map((one) => one.day),
    ['2026-02-01', '2026-02-02'],
  );
});

test('a day of an incident that people excused is no history, and is judged itself', () => {
  const incident = playedOn('2026-02-01', { excused: 1, missing: 9 });
  const lost = playedOn('2026-02-01', { lostAndExcused: 1, missing: 9 });
  const rescued = playedOn('2026-02-01', { repairedAndExcused: 1, missing: 9 });
  const held = playedOn('2026-02-01', { held: 10 });
  const judged = (known: typeof incident) =>
    r2Of([...goodDays(1), ...known, ...playedOn(day, { live: 1 })], day);
  assert.deepEqual(judged(incident).history, { expected: 10, live: 10 });
  assert.deepEqual(judged(lost).history, { expected: 10, live: 10 });
  assert.deepEqual(judged(rescued).history, { expected: 10, live: 10 });
  assert.deepEqual(judged(held).history, { expected: 20, live: 10 });
  assert.equal(r2Of([...goodDays(3), ...incident], '2026-02-01').state, 'unlikely');
});

test('r2Of() says of a day without second rounds that there were none, with the history before it', () => {
  const rows = [...goodDays(3), ...playedOn(day, { live: 4 }, 1), ...playedOn('2026-02-12', { lost: 4 })];
  const expected = {
    state: 'no_rounds',
    day: { expected: 0, live: 0 },
    history: { expected: 30, live: 30 },
    probability: null,
  };
  assert.deepEqual(r2Of(rows, day), expected);
  assert.deepEqual(r2Of(rows, '2026-02-10'), expected);
  assert.deepEqual(r2Of([], day), { ...expected, history: { expected: 0, live: 0 } });
});

test('the series and r2Of() say the same of every day', () => {
  const rows = [
    ...goodDays(4),
    ...playedOn('2026-02-01', { live: 1, lost: 6 }),
    ...playedOn('2026-02-03', { live: 8, repaired: 2 }),
    ...playedOn('2026-02-05', { excused: 5 }),
  ];
  for (const { day: name, unlikely, r2 } of seriesOf(rows, { since: '2026-01-18', until: '2026-02-06' })) {
    const judged = r2Of(rows, name);
    assert.equal(judged.state === 'unlikely', unlikely, name);
    assert.deepEqual(judged.day, r2);
  }
});

test('seriesDiscrepancies() names what does not add up, and days that come to another count than all together', () => {
  const series = seriesOf([...playedOn(day, { live: 2 }), ...playedOn('2026-02-10', { live: 3 })], range);
  const coverage = coverageOf(playedOn(day, { live: 2 }));
  assert.deepEqual(seriesDiscrepancies(series, { coverage, days: 2 }), []);
  assert.deepEqual(seriesDiscrepancies([], { coverage: coverageOf([]), days: 14 }), []);
  const short = `by day: ${expectedTotal(coverage)} rounds in all, and`;
  const twice = coverageOf([...playedOn(day, { live: 2 }), ...playedOn(day, { live: 2 })]);
  assert.deepEqual(seriesDiscrepancies(series, { coverage: twice, days: 2 }), [
    `${short} ${expectedTotal(twice)} in the last 2 days`,
  ]);
  const broken = series.map((one) =>
    one.day === '2026-02-10' ? { ...one, coverage: { ...one.coverage!, rows: 99 } } : one,
  );
  assert.deepEqual(seriesDiscrepancies(broken, { coverage: { ...coverage, rows: 98 }, days: 2 }), [
    'the last 2 days: 98 rows, and another sum of their states',
    '2026-02-10: 99 rows, and another sum of their states',
  ]);
});

test('whatever the rows are, the days of a range count each row of theirs once, in any order', () => {
  const range = { since: '2026-02-11', until: '2026-03-29' };
  const shuffled = fc.array(anyRow, { maxLength: 30 }).chain((rows) =>
    fc.record({
      rows: fc.constant(rows),
      other: fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
    }),
  );
  fc.assert(
    fc.property(shuffled, ({ rows, other }) => {
      const series = seriesOf(rows, range);
      assert.deepEqual(seriesOf(other, range), series);
      assert.equal(series.length, 47);
      const dated = rows.filter(({ playedUnix }) => playedUnix !== null);
      const counted = series.reduce((all, { coverage }) => all + (coverage ? expectedTotal(coverage) : 0), 0);
      assert.equal(counted, expectedTotal(coverageOf(dated)));
      assert.deepEqual(seriesDiscrepancies(series, { coverage: coverageOf(dated), days: 47 }), []);
      for (const { coverage, r1, r2, missingR2 } of series) {
        assert.ok(coverage === null || addsUp(coverage));
        for (const { expected, live } of [r1, r2]) assert.ok(live >= 0 && live <= expected);
        assert.ok(missingR2.length <= r2.expected - r2.live);
      }
    }),
    { numRuns: 300 },
  );
});
