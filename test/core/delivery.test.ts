import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { nextAttempt } from '../../src/core/delivery.ts';

const seconds = 1_000;
const hour = 3_600 * seconds;
const written = Date.parse('2026-06-10T19:00:00Z');
const at = (attempts: number, given: { afterMs?: number; chance?: number; retryAfterMs?: number } = {}) => {
  const { afterMs = 0, chance = 0.5, retryAfterMs } = given;
  const nowMs = written + afterMs;
  const next = nextAttempt({ attempts, createdAtMs: written, nowMs, chance, retryAfterMs });
  return next === 'dead' ? next : next - nowMs;
};

describe('nextAttempt()', () => {
  test('waits half a minute, then twice as long each time, at most an hour', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 30].map((attempts) => Number(at(attempts)) / seconds);
    assert.deepEqual(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  test('waits a quarter less or more by chance', () => {
    assert.deepEqual([at(1, { chance: 0 }), at(1, { chance: 1 })], [22_500, 37_500]);
  });

  test('waits as long as it is told, and longer where its own wait is longer', () => {
    assert.equal(at(1, { retryAfterMs: 65 * seconds }), 65 * seconds);
    assert.equal(at(8, { retryAfterMs: 65 * seconds }), hour);
  });

  test('tries a last time after 24 hours, and then gives up', () => {
    assert.equal(at(20, { afterMs: 23.5 * hour }), 0.5 * hour);
    assert.equal(at(21, { afterMs: 24 * hour }), 'dead');
    assert.equal(at(1, { afterMs: 400 * hour }), 'dead');
  });

  test('is never in the past (property)', () => {
    const given = fc.record({
      attempts: fc.integer({ min: 1, max: 1_000 }),
      afterMs: fc.integer({ min: 0, max: 23 * hour }),
      chance: fc.double({ min: 0, max: 1, noNaN: true }),
      retryAfterMs: fc.option(fc.nat(2 * hour), { nil: undefined }),
    });
    fc.assert(
      fc.property(given, ({ attempts, ...rest }) => {
        const wait = at(attempts, rest);
        return wait !== 'dead' && wait > 0 && wait >= (rest.retryAfterMs ?? 0);
      }),
    );
  });
});
