import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Timing } from '../../src/core/model.ts';
import { gainTiming, lacksTiming, noTiming, withoutTimingOf } from '../../src/core/timing.ts';
import { aTiming, captureTiming, endUnix, startUnix } from './builders.ts';

const gained = captureTiming(endUnix, { pauseSeconds: 12, pauseCount: 1 });
const empty = aTiming({ pauseSeconds: 0, pauseCount: 0 });
const foreign = captureTiming(endUnix - 1800, { endReason: 'SURRENDER', pauseSeconds: 99, pauseCount: 9 });

const gains: [what: string, own: Timing, given: Timing, proven: boolean, is: Timing | null][] = [
  ['a row that no capture has touched', empty, gained, false, gained],
  ['nulls everywhere', noTiming, gained, false, gained],
  [
    'zeros for start, end and duration',
    { ...empty, startUnix: 0, endUnix: 0, durationSeconds: 0 },
    gained,
    false,
    gained,
  ],
  ['the same values', gained, gained, false, gained],
  ['a missing end', { ...gained, endUnix: null }, gained, false, gained],
  ['an empty end reason', { ...gained, endReason: '' }, gained, false, gained],
  [
    'an end reason of its own',
    { ...gained, endReason: 'NORMAL' },
    gained,
    false,
    { ...gained, endReason: 'NORMAL' },
  ],
  [
    'a duration of its own',
    { ...empty, durationSeconds: 600 },
    gained,
    false,
    { ...gained, durationSeconds: 600, pauseSeconds: 0, pauseCount: 0 },
  ],
  ['pauses of 0 while the duration is null', { ...empty, startUnix }, gained, false, gained],
  ['pauses of 0 while the duration is 0', { ...empty, durationSeconds: 0 }, gained, false, gained],
  [
    'pauses of 0 beside a duration, which are real',
    { ...gained, pauseSeconds: 0, pauseCount: 0 },
    gained,
    false,
    { ...gained, pauseSeconds: 0, pauseCount: 0 },
  ],
  [
    'null pauses beside a duration',
    { ...gained, pauseSeconds: null, pauseCount: null },
    gained,
    false,
    gained,
  ],
  [
    'pauses of its own while the duration is empty',
    { ...empty, pauseSeconds: 5 },
    gained,
    false,
    { ...gained, pauseSeconds: 5 },
  ],
  [
    'a capture without a duration',
    empty,
    { ...gained, durationSeconds: null },
    false,
    { ...gained, durationSeconds: null },
  ],
  [
    'a capture without an end reason',
    { ...empty, endReason: '' },
    { ...gained, endReason: null },
    false,
    { ...gained, endReason: '' },
  ],
  ['another start that nothing proves wrong', { ...empty, startUnix: startUnix - 1 }, gained, false, null],
  ['another end that nothing proves wrong', { ...empty, endUnix: endUnix - 1 }, gained, false, null],
  ['foreign timing, replaced whole', foreign, gained, true, gained],
  [
    'foreign timing with an end alone, replaced whole',
    { ...empty, endUnix: 5, endReason: 'X' },
    gained,
    true,
    gained,
  ],
  [
    'foreign timing and a capture without pauses',
    foreign,
    { ...gained, pauseSeconds: null, pauseCount: null, endReason: null },
    true,
    { ...gained, pauseSeconds: 0, pauseCount: 0, endReason: null },
  ],
  [
    'timing called foreign that agrees: filled only',
    { ...gained, endReason: 'NORMAL' },
    gained,
    true,
    { ...gained, endReason: 'NORMAL' },
  ],
  ['a capture without a start', empty, { ...gained, startUnix: null }, false, null],
  ['a capture with a start of 0', empty, { ...gained, startUnix: 0 }, true, null],
  ['a capture without an end', empty, { ...gained, endUnix: null }, true, null],
];

for (const [what, own, given, proven, is] of gains)
  test(`gainTiming(): ${what}${is === null ? ' cannot be filled' : ''}`, () => {
    assert.deepEqual(gainTiming(own, given, { foreign: proven }), is);
  });

const losses: [what: string, own: Timing, leaving: Timing, is: Timing][] = [
  ['all of it came with the capture', gained, gained, empty],
  ['none of it did', foreign, gained, foreign],
  ['a row without timing', empty, gained, empty],
  [
    'only start and end did',
    { ...gained, durationSeconds: 600, endReason: 'NORMAL', pauseSeconds: 5, pauseCount: 2 },
    gained,
    { ...empty, durationSeconds: 600, endReason: 'NORMAL', pauseSeconds: 5, pauseCount: 2 },
  ],
  [
    'the start did, the end is its own',
    { ...gained, endUnix: endUnix + 9 },
    gained,
    { ...empty, endUnix: endUnix + 9 },
  ],
  [
    'an equal duration alone proves nothing',
    { ...foreign, durationSeconds: gained.durationSeconds },
    gained,
    { ...foreign, durationSeconds: gained.durationSeconds },
  ],
  [
    'zeros on both sides prove nothing',
    { ...gained, startUnix: 0, endUnix: 0 },
    { ...gained, startUnix: 0, endUnix: 0 },
    { ...gained, startUnix: 0, endUnix: 0 },
  ],
  [
    'pauses that are null stay null',
    { ...gained, pauseSeconds: null },
    { ...gained, pauseSeconds: null },
    { ...empty, pauseSeconds: null },
  ],
];

for (const [what, own, leaving, is] of losses)
  test(`withoutTimingOf(): ${what}`, () => {
    assert.deepEqual(withoutTimingOf(own, leaving), is);
  });

test('lacksTiming() asks for start and end, and takes 0 for none', () => {
  assert.equal(lacksTiming(gained), false);
  assert.equal(lacksTiming({ ...noTiming, startUnix, endUnix }), false);
  for (const given of [{ startUnix: null }, { endUnix: null }, { startUnix: 0 }, { endUnix: 0 }])
    assert.equal(lacksTiming({ ...gained, ...given }), true);
});

const anyTiming = fc.record({
  startUnix: fc.constantFrom(null, 0, startUnix, startUnix + 1),
  endUnix: fc.constantFrom(null, 0, endUnix, endUnix + 1),
  durationSeconds: fc.constantFrom(null, 0, 600, 672),
  endReason: fc.constantFrom(null, '', 'NORMAL', 'OBJECTIVE'),
  pauseSeconds: fc.constantFrom(null, 0, 5),
  pauseCount: fc.constantFrom(null, 0, 1),
});

test('gainTiming() ends with the start and end of the capture, or refuses; a second time changes nothing', () => {
  fc.assert(
    fc.property(anyTiming, anyTiming, fc.boolean(), (own, given, proven) => {
      const after = gainTiming(own, given, { foreign: proven });
      if (after === null) return;
      assert.deepEqual([after.startUnix, after.endUnix], [given.startUnix, given.endUnix]);
      assert.deepEqual(gainTiming(after, given, { foreign: false }), after);
    }),
    { numRuns: 2000 },
  );
});

test('gainTiming() without proof overwrites nothing that is there', () => {
  fc.assert(
    fc.property(anyTiming, anyTiming, (own, given) => {
      const after = gainTiming(own, given, { foreign: false });
      if (after === null) return;
      for (const field of ['startUnix', 'endUnix', 'durationSeconds'] as const)
        if (own[field] !== null && own[field] !== 0) assert.equal(after[field], own[field]);
      if (own.endReason !== null && own.endReason !== '') assert.equal(after.endReason, own.endReason);
      for (const field of ['pauseSeconds', 'pauseCount'] as const)
        if (own[field] !== null && own[field] !== 0) assert.equal(after[field], own[field]);
    }),
    { numRuns: 2000 },
  );
});

test('what a capture filled on an untouched row, its leaving clears again', () => {
  fc.assert(
    fc.property(anyTiming, (given) => {
      const after = gainTiming(empty, given, { foreign: false });
      if (after !== null) assert.deepEqual(withoutTimingOf(after, after), empty);
    }),
    { numRuns: 500 },
  );
});
