import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAddsUp, count, expectedCount, noCounts, total } from '../../src/core/counts.ts';
import type { Assessment, Verdict } from '../../src/core/verdict.ts';
import { openVerdicts, verdicts } from '../../src/core/verdict.ts';
import { aCapture, anArtifact, aRound, fileUnix, judge } from './builders.ts';

const some = () => [
  ...judge({
    judged: [
      aRound(),
      aRound({ id: 2, fileUnix: fileUnix + 1800 }),
      aRound({ id: 3, fileUnix: fileUnix + 3600 }),
      aRound({ id: 4, number: 0 }),
      aRound({ id: 5, isBot: true }),
      aRound({ id: 6, time: 'x' }),
    ],
    captures: [aCapture({ roundId: 1 })],
    artifacts: [anArtifact({ endUnix: fileUnix + 1800 })],
  }).values(),
];

test('count() counts every row once, under its verdict or the reason of its exemption', () => {
  const none = noCounts();
  assert.deepEqual(count(some()), {
    ...none,
    covered: 1,
    recoverable: 1,
    lost: 1,
    unchecked: 1,
    exempt: { ...none.exempt, summary: 1, bots: 1 },
  });
  assert.equal(total(count(some())), 6);
  assert.equal(expectedCount(count(some())), 4);
});

test('assertAddsUp() is silent where the numbers add up, and throws where a row is missing or counted twice', () => {
  const counts = count(some());
  assertAddsUp(6, counts, 'before the run');
  assertAddsUp(0, noCounts(), 'before the run');
  for (const read of [5, 7, 0])
    assert.throws(() => assertAddsUp(read, counts, 'after the run'), {
      message: new RegExp(`^the counts after the run do not add up: ${read} rows read, 6 counted`),
    });
});

test('a row that is neither exempt nor judged is missed by the sum', () => {
  const [first, ...others] = some();
  const unjudged: Assessment = { ...first!, verdict: null };
  assert.throws(
    () => assertAddsUp(6, count([unjudged, ...others]), 'before the run'),
    /6 rows read, 5 counted/,
  );
});

test('pending, covered and lost are not open; everything else is', () => {
  const closed: Verdict[] = ['covered', 'pending', 'lost'];
  assert.deepEqual(
    verdicts.filter((verdict) => !openVerdicts.has(verdict)),
    closed,
  );
});
