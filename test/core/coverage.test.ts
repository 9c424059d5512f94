import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  addsUp,
  type Coverage,
  coverageOf,
  coverageSum,
  coveredTotal,
  exemptTotal,
  expectedTotal,
  missingTotal,
  openOrder,
  openTotal,
  type RowState,
  stateOf,
} from '../../src/core/coverage.ts';
import { exemptReasons } from '../../src/core/expected.ts';
import { openVerdicts, verdicts } from '../../src/core/verdict.ts';
import { anyRow, aRow, everyStanding } from './coverage-builders.ts';

/** The counts by one name each, without those of nothing. */
function named(coverage: Coverage): Record<string, number> {
  const { rows: _, exempt, open, ...single } = coverage;
  const all = [
    ...Object.entries(single),
    ...Object.entries(exempt).map(([name, count]) => [`exempt.${name}`, count] as const),
    ...Object.entries(open).map(([name, count]) => [`open.${name}`, count] as const),
  ];
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

const anyRows = fc.array(anyRow, { maxLength: 40 });

describe('coverageOf() counts', () => {
  for (const [name, given] of everyStanding)
    test(`${JSON.stringify(given)} as ${name}, and nowhere else`, () => {
      const coverage = coverageOf([aRow(given)]);
      assert.deepEqual(named(coverage), { [name]: 1 });
      assert.equal(coverage.rows, 1);
      assert.equal(addsUp(coverage), true);
    });
});

test('the table above shows every verdict and every exempt reason', () => {
  const shown = everyStanding.map(([, { verdict, exempt }]) => exempt ?? verdict);
  for (const name of [...verdicts, ...exemptReasons]) assert.ok(shown.includes(name), name);
  assert.deepEqual(new Set(openOrder), openVerdicts);
});

describe('stateOf()', () => {
  const cases: readonly [string, Parameters<typeof stateOf>[0], RowState | null][] = [
    [
      'asks first whether a row is exempt, whatever else stands on it',
      { exempt: 'bots', verdict: 'lost', by: 'repair', setAside: 'held' },
      'exempt',
    ],
    [
      'takes a covered round for live where nobody says who covered it',
      { exempt: null, verdict: 'covered', by: null, setAside: null },
      'live',
    ],
    [
      'counts a covered round as covered although a person held it',
      { exempt: null, verdict: 'covered', by: 'repair', setAside: 'held' },
      'repaired',
    ],
    [
      'counts a pending round as pending although a person excused it',
      { exempt: null, verdict: 'pending', by: null, setAside: 'excused' },
      'pending',
    ],
    [
      'counts a lost round as lost although a person excused it',
      { exempt: null, verdict: 'lost', by: null, setAside: 'excused' },
      'lost',
    ],
    [
      'takes no gap for repaired because a repair stands on it',
      { exempt: null, verdict: 'missing', by: 'repair', setAside: null },
      'open',
    ],
    [
      'knows no state of a row that nobody judged',
      { exempt: null, verdict: null, by: null, setAside: 'held' },
      null,
    ],
  ];
  for (const [what, row, state] of cases) test(what, () => assert.equal(stateOf(row), state));
});

test('no rows are no rows, and add up', () => {
  const coverage = coverageOf([]);
  assert.deepEqual(named(coverage), {});
  assert.deepEqual([coverage.rows, expectedTotal(coverage), addsUp(coverage)], [0, 0, true]);
});

test('a row in no state is counted among the rows only, so that the sum shows it', () => {
  const coverage = coverageOf([aRow(), aRow({ verdict: null })]);
  assert.deepEqual(named(coverage), { live: 1 });
  assert.equal(coverage.rows, 2);
  assert.equal(addsUp(coverage), false);
});

test('counting changes no earlier count', () => {
  const first = coverageOf([aRow({ verdict: 'lost' })]);
  coverageOf([aRow({ verdict: 'missing' }), aRow({ exempt: 'status', verdict: null })]);
  assert.deepEqual(named(first), { lost: 1 });
  assert.equal(coverageOf([]).open.missing, 0);
});

test('the totals are those of the states that they name', () => {
  const coverage = coverageOf(everyStanding.map(([, given]) => aRow(given)));
  const [exempt, open, setAside, lost] = [exemptReasons.length, openOrder.length, 2 * openOrder.length, 3];
  assert.deepEqual(
    {
      exempt: exemptTotal(coverage),
      open: openTotal(coverage),
      covered: coveredTotal(coverage),
      missing: missingTotal(coverage),
      expected: expectedTotal(coverage),
      rows: coverage.rows,
    },
    {
      exempt,
      open,
      covered: 2,
      missing: open + setAside + lost,
      expected: 2 + 1 + open + setAside + lost,
      rows: everyStanding.length,
    },
  );
});

test('the counts of parts together are those of the whole', () => {
  fc.assert(
    fc.property(fc.array(anyRows, { maxLength: 4 }), (parts) => {
      assert.deepEqual(coverageSum(parts.map(coverageOf)), coverageOf(parts.flat()));
    }),
  );
});

test('whatever the rows are, each is counted in exactly one state, and the sum is theirs', () => {
  fc.assert(
    fc.property(anyRows, (rows) => {
      const coverage = coverageOf(rows);
      const counted = Object.values(named(coverage)).reduce((all, one) => all + one, 0);
      assert.deepEqual([coverage.rows, counted], [rows.length, rows.length]);
      assert.equal(addsUp(coverage), true);
      const covered = rows.filter(({ exempt, verdict }) => exempt === null && verdict === 'covered');
      assert.equal(coveredTotal(coverage), covered.length);
      const expected = rows.filter(({ exempt }) => exempt === null);
      assert.equal(expectedTotal(coverage), expected.length);
      assert.equal(
        expectedTotal(coverage),
        coveredTotal(coverage) + missingTotal(coverage) + coverage.pending,
      );
    }),
    { numRuns: 1000 },
  );
});

test('the sum holds exactly where every row has a verdict or a reason to be exempt', () => {
  const anyJudged = fc.record({ row: anyRow, judged: fc.boolean() });
  fc.assert(
    fc.property(fc.array(anyJudged, { maxLength: 20 }), (all) => {
      const rows = all.map(({ row, judged }) => (judged ? row : { ...row, exempt: null, verdict: null }));
      assert.equal(
        addsUp(coverageOf(rows)),
        all.every(({ judged }) => judged),
      );
    }),
  );
});

test('the parts of any split sum up to the whole', () => {
  const split = fc.record({
    rows: anyRows,
    labels: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 40 }),
  });
  fc.assert(
    fc.property(split, ({ rows, labels }) => {
      const parts = [0, 1, 2, 3, 4].map((part) => coverageOf(rows.filter((_, at) => labels[at] === part)));
      const sums: Record<string, number> = {};
      for (const part of parts)
        for (const [name, count] of Object.entries(named(part))) sums[name] = (sums[name] ?? 0) + count;
      const whole = coverageOf(rows);
      assert.deepEqual(sums, { ...named(whole) });
      assert.equal(
        parts.reduce((all, { rows: count }) => all + count, 0),
        whole.rows,
      );
    }),
    { numRuns: 1000 },
  );
});

test('the order of the rows does not matter', () => {
  const shuffled = anyRows.chain((rows) =>
    fc.record({
      rows: fc.constant(rows),
      other: fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
    }),
  );
  fc.assert(
    fc.property(shuffled, ({ rows, other }) => {
      assert.deepEqual(coverageOf(other), coverageOf(rows));
    }),
  );
});
