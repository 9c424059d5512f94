import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { delaysOf, rescuedOf } from '../../src/core/delays.ts';
import { fileUnix } from './builders.ts';
import { aRow, standing } from './coverage-builders.ts';

/** A gap that was found and repaired so many seconds after its round. */
const gap = (detected: number | null, repaired: number | null = null) =>
  aRow({
    ...standing.repaired,
    detectedUnix: detected === null ? null : fileUnix + detected,
    repairedUnix: repaired === null ? null : fileUnix + repaired,
  });
const saved = (durationSeconds: number | null) =>
  aRow({ ...standing.repaired, round: { timing: { durationSeconds } } });

describe('delaysOf() gives for the delays', () => {
  const cases: readonly [seconds: readonly number[], median: number, longest: number][] = [
    [[60], 60, 60],
    [[60, 90], 75, 90],
    [[60, 91], 75.5, 91],
    [[300, 60, 90], 90, 300],
    [[1_000, 9, 100, 90], 95, 1_000],
    [[5, 5, 5, 5], 5, 5],
    [[0, 0, 86_400], 0, 86_400],
    [[-10, 20], 10, 20],
    [[-10], 0, 0],
  ];
  for (const [seconds, medianSeconds, longestSeconds] of cases)
    test(`${seconds.join(', ')} the median ${medianSeconds} and the longest ${longestSeconds}`, () => {
      const delay = { rounds: seconds.length, medianSeconds, longestSeconds };
      assert.deepEqual(delaysOf(seconds.map((one) => gap(one))), { detection: delay, repair: null });
      assert.deepEqual(delaysOf(seconds.map((one) => gap(null, one))), { detection: null, repair: delay });
    });
});

test('there is no delay where there is no gap', () => {
  assert.deepEqual(delaysOf([]), { detection: null, repair: null });
  assert.deepEqual(delaysOf([aRow(), gap(null)]), { detection: null, repair: null });
});

test('there is no delay of a round whose time cannot be read', () => {
  const row = { ...gap(60, 90), playedUnix: null };
  assert.deepEqual(delaysOf([row]), { detection: null, repair: null });
  assert.equal(delaysOf([row, gap(60, 90)]).detection!.rounds, 1);
});

test('a gap without a repair counts among the detected ones only', () => {
  const { detection, repair } = delaysOf([gap(60, 120), gap(30)]);
  assert.deepEqual([detection!.rounds, repair!.rounds], [2, 1]);
});

test('no delay is negative, the median is between the extremes, and the order does not matter', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -100, max: 100_000 }), { minLength: 1 }), (seconds) => {
      const { detection } = delaysOf(seconds.map((one) => gap(one)));
      assert.deepEqual(delaysOf([...seconds].reverse().map((one) => gap(one))).detection, detection);
      const { medianSeconds, longestSeconds, rounds } = detection!;
      assert.ok(medianSeconds >= 0 && medianSeconds <= longestSeconds);
      assert.equal(longestSeconds, Math.max(0, ...seconds));
      const [shorter, longer] = [
        seconds.filter((one) => Math.max(0, one) < medianSeconds),
        seconds.filter((one) => Math.max(0, one) > medianSeconds),
      ];
      assert.ok(shorter.length <= rounds / 2 && longer.length <= rounds / 2);
    }),
  );
});

describe('rescuedOf()', () => {
  const cases: readonly [string, Parameters<typeof rescuedOf>[0], { rounds: number; minutes: number }][] = [
    ['gives nothing for no rows', [], { rounds: 0, minutes: 0 }],
    ['adds up the minutes of play of repaired rounds', [saved(600), saved(90)], { rounds: 2, minutes: 11.5 }],
    ['gives minutes with one digit', [saved(441)], { rounds: 1, minutes: 7.4 }],
    ['counts a round without a duration', [saved(null), saved(60)], { rounds: 2, minutes: 1 }],
    [
      'leaves out what the pipeline covered, and every gap',
      [
        aRow({ round: { timing: { durationSeconds: 600 } } }),
        aRow({ ...standing.lost, round: { timing: { durationSeconds: 600 } } }),
        aRow({ ...standing.missing, by: 'repair', round: { timing: { durationSeconds: 600 } } }),
      ],
      { rounds: 0, minutes: 0 },
    ],
  ];
  for (const [what, rows, is] of cases) test(what, () => assert.deepEqual(rescuedOf(rows), is));
});
