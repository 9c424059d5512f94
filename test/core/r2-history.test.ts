import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  binomialAtMost,
  judgeDays,
  judgeR2,
  leastHistory,
  type R2Day,
  type Share,
  shareOf,
} from '../../src/core/r2-history.ts';
import { playedOn } from './coverage-builders.ts';

const share = (live: number, expected: number): Share => ({ expected, live });
const aDay = (day: string, live: number, expected: number, knownIncident = false): R2Day => ({
  ...{ day, r2: share(live, expected) },
  knownIncident,
});
/** So many days in their order, each with these second rounds. */
const daysOf = (count: number, live: number, expected: number, from = 0): R2Day[] =>
  Array.from({ length: count }, (_, at) => aDay(String(from + at).padStart(4, '0'), live, expected));

/** The number nearest to a fraction of whole numbers, however large they are. */
function quotient(above: bigint, below: bigint): number {
  if (above === 0n) return 0;
  const shift = below.toString(2).length - above.toString(2).length + 64;
  return Number((above << BigInt(shift)) / below) * 2 ** -shift;
}

/** The chance of at most `most` successes in `trials`, each with `a / b`, in whole numbers. */
function exactly(most: number, trials: number, [a, b]: readonly [number, number]): number {
  const [success, failure] = [BigInt(a), BigInt(b - a)];
  let ways = 1n;
  let sum = 0n;
  for (let k = 0; k <= most; k++) {
    sum += ways * success ** BigInt(k) * failure ** BigInt(trials - k);
    ways = (ways * BigInt(trials - k)) / BigInt(k + 1);
  }
  return quotient(sum, BigInt(b) ** BigInt(trials));
}

const near = (actual: number, expected: number, what = '') =>
  assert.ok(Math.abs(actual - expected) <= 1e-9 * expected + 1e-290, `${what} ${actual} is not ${expected}`);

describe('binomialAtMost() is', () => {
  const cases: readonly [most: number, trials: number, chance: number, is: number][] = [
    [0, 0, 0.5, 1],
    [0, 1, 0.25, 0.75],
    [0, 3, 0.5, 1 / 8],
    [1, 3, 0.5, 4 / 8],
    [2, 3, 0.5, 7 / 8],
    [3, 3, 0.5, 1],
    [5, 10, 0.5, 638 / 1024],
    [1, 2, 0.9, 0.19],
    [-1, 5, 0.5, 0],
    [7, 5, 0.5, 1],
    [0, 5, 0, 1],
    [-1, 5, 0, 0],
    [4, 5, 1, 0],
    [5, 5, 1, 1],
  ];
  for (const [most, trials, chance, is] of cases)
    test(`${is} for at most ${most} of ${trials} with ${chance}`, () =>
      near(binomialAtMost(most, trials, chance), is));

  test('1 for all of 200, and nearly nothing for none, also where a success is all but certain', () => {
    assert.equal(binomialAtMost(200, 200, 1_001 / 1_002), 1);
    near(binomialAtMost(199, 200, 1_001 / 1_002), exactly(199, 200, [1_001, 1_002]));
    near(binomialAtMost(190, 200, 1_001 / 1_002), exactly(190, 200, [1_001, 1_002]));
    assert.ok(binomialAtMost(0, 200, 1_001 / 1_002) < 1e-300);
  });
});

test('binomialAtMost() agrees with whole numbers of any length, up to 200 trials', () => {
  const anyCase = fc
    .record({
      trials: fc.integer({ min: 0, max: 200 }),
      below: fc.constantFrom(2, 3, 22, 102, 1_002, 100_000),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      chance: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ trials, below, part, chance }) => ({
      trials,
      most: Math.floor(part * trials),
      fraction: [Math.min(below - 1, 1 + Math.floor(chance * (below - 1))), below] as const,
    }));
  fc.assert(
    fc.property(anyCase, ({ trials, most, fraction }) => {
      near(
        binomialAtMost(most, trials, fraction[0] / fraction[1]),
        exactly(most, trials, fraction),
        `at most ${most} of ${trials} with ${fraction.join('/')}`,
      );
    }),
    { numRuns: 1_000 },
  );
});

test('binomialAtMost() is a chance, grows with what is allowed, and falls with the chance of each', () => {
  const anyChance = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom(0, 1, Number.MIN_VALUE, 1e-300, 1e-16, 1 - 2 ** -53, 1 - 1e-12),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), anyChance, anyChance, (trials, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      let before = 0;
      for (let most = -1; most <= trials; most++) {
        const chance = binomialAtMost(most, trials, low);
        assert.ok(
          chance >= before && chance <= 1,
          `${most} of ${trials} with ${low}: ${chance} after ${before}`,
        );
        assert.ok(
          binomialAtMost(most, trials, high) <= chance + 1e-9,
          `${most} of ${trials}: ${low}, ${high}`,
        );
        before = chance;
      }
      assert.equal(before, 1);
    }),
    { numRuns: 300 },
  );
});

test('at most some successes and at least one more are all that can be', () => {
  const anyCase = fc.record({
    trials: fc.integer({ min: 1, max: 200 }),
    most: fc.integer({ min: 0, max: 199 }),
    chance: fc.double({ min: 0.001, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(anyCase, ({ trials, most, chance }) => {
      fc.pre(most < trials);
      // At least `most + 1` successes are at most `trials - most - 1` failures.
      const sum =
        binomialAtMost(most, trials, chance) + binomialAtMost(trials - most - 1, trials, 1 - chance);
      assert.ok(Math.abs(sum - 1) < 1e-9, String(sum));
    }),
  );
});

describe('judgeR2() says', () => {
  const cases: readonly [string, day: Share, history: Share, state: string][] = [
    ['that none was played, also without a history', share(0, 0), share(0, 0), 'no_rounds'],
    ['that none was played, whatever the history', share(0, 0), share(100, 100), 'no_rounds'],
    ['that there is too little history at 19 rounds', share(0, 9), share(19, 19), 'too_little_history'],
    ['that it is unlikely at 20 rounds', share(0, 9), share(20, 20), 'unlikely'],
    ['that it is usual where all is covered', share(9, 9), share(20, 20), 'usual'],
    ['that it is usual where all is covered after a bad history', share(9, 9), share(0, 20), 'usual'],
    ['that nothing is unlikely after a history of nothing', share(0, 30), share(0, 40), 'usual'],
    ['that half is unlikely where nearly all was covered', share(5, 10), share(58, 60), 'unlikely'],
    ['that half is usual where half was covered', share(5, 10), share(30, 60), 'usual'],
    // (1/22)^n: 0.045 and 0.002.
    ['that a miss of one is usual after 20 good ones', share(0, 1), share(20, 20), 'usual'],
    ['that two misses of two are not', share(0, 2), share(20, 20), 'unlikely'],
    // (1/100)^1 is 0.01 and not below it; (1/101)^1 is.
    ['that exactly one in a hundred is usual', share(0, 1), share(98, 98), 'usual'],
    ['that less than one in a hundred is unlikely', share(0, 1), share(99, 99), 'unlikely'],
    // The chance of each is 1/2: (1/2)^6 is 0.016, (1/2)^7 is 0.008.
    ['that six of six misses are usual where half is covered', share(0, 6), share(10, 20), 'usual'],
    ['that seven of seven are not', share(0, 7), share(10, 20), 'unlikely'],
  ];
  for (const [what, day, history, state] of cases)
    test(what, () => {
      const judged = judgeR2(day, history);
      assert.equal(judged.state, state);
      assert.deepEqual([judged.day, judged.history], [day, history]);
      const asked = state === 'usual' || state === 'unlikely';
      assert.equal(judged.probability !== null, asked);
      if (asked)
        near(judged.probability!, exactly(day.live, day.expected, [history.live + 1, history.expected + 2]));
    });
});

test('a perfect history makes a single miss unlikely only where it is a hundred times as long as what was played', () => {
  for (let history = leastHistory; history <= 197; history++)
    for (let played = 2; played <= 40; played++)
      assert.equal(judgeR2(share(played - 1, played), share(history, history)).state, 'usual');
  // One miss in `played` is less than one in a hundred only beyond about a hundred times as many good rounds.
  for (let played = 1; played <= 20; played++) {
    assert.equal(judgeR2(share(played - 1, played), share(99 * played - 1, 99 * played - 1)).state, 'usual');
    assert.equal(judgeR2(share(played - 1, played), share(101 * played, 101 * played)).state, 'unlikely');
  }
});

test('a perfect history makes nothing impossible', () => {
  const { probability } = judgeR2(share(0, 15), share(5_000, 5_000));
  assert.ok(probability! > 0 && probability! < 1e-50);
});

test('what is judged is never a number that is none, and lies between 0 and 1', () => {
  const anyShare = fc
    .record({
      expected: fc.integer({ min: 0, max: 3_000 }),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ expected, part }) => share(Math.round(part * expected), expected));
  fc.assert(
    fc.property(anyShare, anyShare, (day, history) => {
      const { state, probability } = judgeR2(day, history);
      if (probability === null) assert.ok(state === 'no_rounds' || state === 'too_little_history');
      else {
        assert.ok(probability >= 0 && probability <= 1, String(probability));
        assert.equal(state, probability < 0.01 ? 'unlikely' : 'usual');
        if (day.live === day.expected) assert.equal(probability, 1);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('fewer live rounds on a day are never more likely', () => {
  for (const history of [share(20, 20), share(10, 40), share(399, 400)])
    for (let live = 1; live <= 30; live++)
      assert.ok(
        judgeR2(share(live - 1, 30), history).probability! <= judgeR2(share(live, 30), history).probability!,
      );
});

describe('judgeDays()', () => {
  test('judges no day by itself or by a later one', () => {
    const judged = judgeDays([...daysOf(2, 10, 10), aDay('0002', 0, 5)]);
    assert.deepEqual(
      [...judged.values()].map(({ history, state }) => [history.expected, state]),
      [
        [0, 'too_little_history'],
        [10, 'too_little_history'],
        [20, 'unlikely'],
      ],
    );
  });

  test('leaves unlikely days out of the history', () => {
    const judged = judgeDays([
      ...daysOf(3, 10, 10),
      aDay('0003', 0, 5),
      aDay('0004', 4, 5),
      aDay('0005', 5, 5),
    ]);
    assert.deepEqual(judged.get('0004')!.history, share(30, 30));
    assert.deepEqual(judged.get('0005')!.history, share(34, 35));
  });

  test('leaves days of known incidents out of the history, and judges them', () => {
    const judged = judgeDays([
      ...daysOf(3, 10, 10),
      aDay('0003', 9, 10, true),
      aDay('0004', 0, 9, true),
      aDay('0005', 5, 5),
    ]);
    assert.deepEqual([judged.get('0003')!.state, judged.get('0004')!.state], ['usual', 'unlikely']);
    assert.deepEqual(judged.get('0005')!.history, share(30, 30));
  });

  test('keeps the measure through a long bad time', () => {
    const judged = judgeDays([...daysOf(10, 8, 8), ...daysOf(60, 1, 8, 10), ...daysOf(1, 8, 8, 70)]);
    for (const { day } of daysOf(60, 1, 8, 10)) assert.equal(judged.get(day)!.state, 'unlikely', day);
    assert.deepEqual(judged.get('0070')!.history, share(80, 80));
  });

  test('takes a day with too little history before it into the history, however bad', () => {
    const judged = judgeDays([aDay('0000', 0, 20), aDay('0001', 0, 20)]);
    assert.deepEqual([judged.get('0001')!.state, judged.get('0001')!.history], ['usual', share(0, 20)]);
  });

  test('takes days without second rounds as if they were not there', () => {
    const judged = judgeDays([...daysOf(2, 10, 10), ...daysOf(5, 0, 0, 2), aDay('0007', 0, 5)]);
    assert.equal(judged.get('0004')!.state, 'no_rounds');
    assert.deepEqual([judged.get('0007')!.state, judged.get('0007')!.history], ['unlikely', share(20, 20)]);
  });

  test('says nothing of no days', () => assert.equal(judgeDays([]).size, 0));
});

describe('shareOf()', () => {
  const cases: readonly [string, Parameters<typeof playedOn>[1], Share][] = [
    ['counts live rounds', { live: 3 }, share(3, 3)],
    ['counts a repaired round as one that was not live', { live: 1, repaired: 2 }, share(1, 3)],
    ['counts gaps, excused and held ones too', { missing: 1, excused: 1, held: 1, lost: 1 }, share(0, 4)],
    ['leaves out what is still pending, and what is exempt', { live: 1, pending: 3, exempt: 5 }, share(1, 1)],
  ];
  for (const [what, counts, is] of cases)
    test(what, () => {
      const rows = [...playedOn('2026-02-11', counts, 2), ...playedOn('2026-02-11', { lost: 9, live: 9 }, 1)];
      assert.deepEqual(shareOf(rows, 2), is);
      assert.deepEqual(shareOf(rows, 1), share(9, 18));
    });

  test('leaves out rows in no state', () => {
    const [row] = playedOn('2026-02-11', { live: 1 });
    assert.deepEqual(shareOf([{ ...row!, verdict: null }], 2), share(0, 0));
  });
});
