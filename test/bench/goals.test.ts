import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Goal, hasRoom, isMet } from '../../bench/measure.ts';
import { tableOf } from '../../bench/table.ts';

const ratio = (is: number): Goal => ({ of: 'ratio', is, unit: 'times', atMost: 2.5 });
/** 5,000 a second, beside a ratio of 2.5: a limit of 12,500 has room for it. */
const rate = (is: number, limitIs?: number): Goal => {
  const goal: Goal = { of: 'repairs', is, unit: 'per second', atLeast: 5_000 };
  return limitIs === undefined ? goal : { ...goal, limitIs, besides: 2.5 };
};
/** 350 ms, beside a ratio of 1.75: a limit of 200 ms has room for it. */
const more = (is: number, limitIs: number): Goal => ({
  ...{ of: 'more', is, unit: 'ms', atMost: 350 },
  ...{ limitIs, besides: 1.75 },
});

describe('a goal of the bench', () => {
  test('is asked where the limit reaches it even at the ratio that is asked besides', () => {
    assert.deepEqual(
      [hasRoom(rate(0, 12_500)), hasRoom(rate(0, 12_499)), hasRoom(rate(0))],
      [true, false, true],
    );
    assert.deepEqual([hasRoom(more(0, 200)), hasRoom(more(0, 201)), hasRoom(ratio(9))], [true, false, true]);
  });

  const cases: readonly [what: string, goal: Goal, full: boolean, small: boolean][] = [
    ['a ratio that is reached', ratio(2.5), true, true],
    ['a ratio that is missed by little', ratio(2.51), false, true],
    ['a ratio that is missed twice', ratio(5.01), false, false],
    ['a rate that is reached, room or not', rate(5_000, 6_000), true, true],
    ['a rate that is missed where there is room', rate(4_999, 12_500), false, true],
    ['a rate that is missed where there is none', rate(1_621, 2_851), true, true],
    ['a rate without a limit beside it', rate(4_999), false, true],
    ['milliseconds that are missed where there is room', more(351, 200), false, true],
    ['milliseconds that are missed where there is none', more(439, 224), true, true],
  ];
  for (const [what, goal, full, small] of cases)
    test(`${what}: ${full ? 'met' : 'missed'}, in the small version ${small ? 'met' : 'missed'}`, () => {
      assert.deepEqual([isMet(goal, true), isMet(goal, false)], [full, small]);
    });

  test('is shown with what came of it', () => {
    const finding = { measure: 'backfilling', size: '20,000', limit: 'bare', productMs: 2, limitMs: 1 };
    const outcomes = (goals: Goal[], strict = true) =>
      [
        ...tableOf([{ ...finding, goals }], strict).matchAll(
          /(ok|ratio|near|MISSED) +(?:repairs|ratio|more) /g,
        ),
      ].map(([, outcome]) => outcome);
    assert.deepEqual(outcomes([ratio(2), rate(1_621, 2_851)]), ['ok', 'ratio']);
    assert.deepEqual(outcomes([ratio(3), rate(4_999, 12_500), more(300, 500)]), ['MISSED', 'MISSED', 'ok']);
    assert.deepEqual(outcomes([ratio(3), rate(4_999, 12_500)], false), ['near', 'near']);
    assert.match(tableOf([{ ...finding, goals: [rate(1_621, 2_851)] }], true), /the ratio alone decides/);
    assert.doesNotMatch(tableOf([{ ...finding, goals: [rate(1_621)] }], true), /the ratio alone decides/);
  });
});
