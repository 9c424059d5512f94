import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFull, r2Coverage, r2Since, r2Text } from '../../src/core/r2-coverage.ts';
import type { Assessment, Verdict } from '../../src/core/verdict.ts';
import { aRound } from './builders.ts';

const today = '2026-03-01';

const played = (date: string, verdict: Verdict | null, number = 2) =>
  ({ round: { ...aRound(), date, number }, verdict }) as Assessment;

/** So many second rounds of a day, the first of them covered. */
function day(date: string, expected: number, covered: number): Assessment[] {
  return Array.from({ length: expected }, (_, at) => played(date, at < covered ? 'covered' : 'lost'));
}

describe('the trend is', () => {
  const cases: readonly [string, [number, number], [number, number], string][] = [
    ['improving where a greater share is covered', [3, 3], [4, 2], 'improving'],
    ['improving by shares, not by counts', [2, 2], [10, 9], 'improving'],
    ['the same where the shares are equal', [4, 2], [2, 1], 'same'],
    ['the same where all is covered, before and after', [5, 5], [1, 1], 'same'],
    ['worse where a smaller share is covered', [60, 59], [60, 60], 'worse'],
    ['unknown where nothing was played lately', [0, 0], [5, 5], 'nothing_to_compare'],
    ['unknown where nothing was played before', [5, 5], [0, 0], 'nothing_to_compare'],
  ];
  for (const [name, last, before, trend] of cases)
    test(name, () => {
      const coverage = r2Coverage([...day('2026-02-20', ...last), ...day('2026-02-10', ...before)], today);
      assert.equal(coverage.trend, trend);
      assert.deepEqual([coverage.last.expected, coverage.last.covered], last);
      assert.deepEqual([coverage.before.expected, coverage.before.covered], before);
    });
});

test('both windows have 14 days, and today is the last one', () => {
  const days = ['2026-02-01', '2026-02-02', '2026-02-15', '2026-02-16', '2026-03-01', '2026-03-02'];
  const { last, before } = r2Coverage(
    days.map((date) => played(date, 'covered')),
    today,
  );
  assert.deepEqual([before.since, before.until, before.expected], ['2026-02-02', '2026-02-15', 2]);
  assert.deepEqual([last.since, last.until, last.expected], ['2026-02-16', '2026-03-01', 2]);
  assert.equal(r2Since(today), before.since);
});

test('first rounds, rows that are not expected, and what is still pending do not count', () => {
  const { last } = r2Coverage(
    [played(today, 'lost', 1), played(today, null), played(today, 'pending'), played(today, 'unchecked')],
    today,
  );
  assert.deepEqual([last.expected, last.covered], [1, 0]);
  assert.equal(isFull(last), false);
});

test('the figures are spelled out', () => {
  const { last, before } = r2Coverage(day(today, 3, 2), today);
  assert.equal(r2Text(last), '2 of 3 (66.7 %)');
  assert.equal(r2Text(before), 'none was played');
});
