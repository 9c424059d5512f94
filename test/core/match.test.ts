import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Candidate,
  distance,
  type Matching,
  match,
  type Rival,
  reachAfterSeconds,
  reachBeforeSeconds,
} from '../../src/core/match.ts';
import { aCandidate, aRival, hours } from './builders.ts';

const t = 1_770_843_725;
const pairsOf = ({ pairs }: Matching) =>
  Object.fromEntries([...pairs.values()].map(({ rivalId, candidateId }) => [rivalId, candidateId]));
const reachOf = ({ reach }: Matching) =>
  Object.fromEntries([...reach].map(([id, fits]) => [id, fits.map(({ candidateId }) => candidateId).sort()]));

/** A rival whose file was written `seconds` after t, and a candidate that ended `seconds` after it. */
const rival = (id: number, seconds: number, given: Partial<Rival> = {}) =>
  aRival(t + seconds, { id, ...given });
const ended = (id: string, seconds: number, given: Partial<Candidate> = {}) =>
  aCandidate(t + seconds, { id, ...given });

interface Accident {
  what: string;
  rivals: Rival[];
  candidates: Candidate[];
  pairs: Record<number, string>;
  /** What is possible without being certain, and what is certain. */
  reach?: Record<number, string[]>;
}

const accidents: Accident[] = [
  { what: 'a true pair', rivals: [rival(1, 0)], candidates: [ended('a', -3)], pairs: { 1: 'a' } },
  {
    what: 'another map',
    rivals: [rival(1, 0, { map: 'goldrush' })],
    candidates: [ended('a', -3)],
    pairs: {},
  },
  { what: 'the other number', rivals: [rival(1, 0, { number: 1 })], candidates: [ended('a', -3)], pairs: {} },
  {
    what: 'an equal trusted start beats a nearer end',
    rivals: [rival(1, 0, { startUnix: t - 600 })],
    candidates: [ended('far', -25, { startUnix: t - 600 }), ended('near', -1)],
    pairs: { 1: 'far' },
    reach: { 1: ['far'] },
  },
  {
    what: 'different trusted starts never match, however near',
    rivals: [rival(1, 0, { startUnix: t - 600 })],
    candidates: [ended('a', 0, { startUnix: t - 601 })],
    pairs: {},
    reach: {},
  },
  {
    what: 'a start on one side only does not stand in the way',
    rivals: [rival(1, 0, { startUnix: t - 600 })],
    candidates: [ended('a', -2)],
    pairs: { 1: 'a' },
  },
  {
    what: 'an equal start out of reach is no match',
    rivals: [rival(1, 0, { startUnix: t - 600 })],
    candidates: [ended('a', -31, { startUnix: t - 600 })],
    pairs: {},
    reach: {},
  },
  {
    what: 'an equal start with the other number matches',
    rivals: [rival(1, 0, { startUnix: t - 600 })],
    candidates: [ended('a', -3, { number: 1, startUnix: t - 600 })],
    pairs: { 1: 'a' },
  },
  {
    what: 'an equal start with the own number comes before one with the other number',
    rivals: [rival(1, 0, { startUnix: t - 600 })],
    candidates: [
      ended('other', -1, { number: 1, startUnix: t - 600 }),
      ended('own', -9, { startUnix: t - 600 }),
    ],
    pairs: { 1: 'own' },
  },
  {
    what: 'a differing number needs an equal start: an unknown one is not enough',
    rivals: [rival(1, 0, { startUnix: t - 600 })],
    candidates: [ended('a', -3, { number: 1 })],
    pairs: {},
  },
  {
    what: 'two candidates equally near',
    rivals: [rival(1, 0)],
    candidates: [ended('a', -2), ended('b', -2)],
    pairs: {},
    reach: { 1: ['a', 'b'] },
  },
  {
    what: 'equally near before and after: the absolute value counts',
    rivals: [rival(1, 0)],
    candidates: [ended('before', -4), ended('after', 4)],
    pairs: {},
    reach: { 1: ['after', 'before'] },
  },
  {
    what: 'a nearer end after the file beats a farther one before it',
    rivals: [rival(1, 0)],
    candidates: [ended('before', -3), ended('after', 2)],
    pairs: { 1: 'after' },
  },
  {
    what: 'two rounds equally near to one candidate',
    rivals: [rival(1, 0), rival(2, 4)],
    candidates: [ended('a', 2)],
    pairs: {},
    reach: { 1: ['a'], 2: ['a'] },
  },
  {
    what: 'each takes its own: both sides agree',
    rivals: [rival(1, 0), rival(2, 20)],
    candidates: [ended('a', -2), ended('b', 18)],
    pairs: { 1: 'a', 2: 'b' },
    reach: { 1: ['a'], 2: ['a', 'b'] },
  },
  {
    what: 'the best of one that prefers another is left over, with that in reach',
    rivals: [rival(1, 0), rival(2, 10)],
    candidates: [ended('a', 0)],
    pairs: { 1: 'a' },
    reach: { 1: ['a'], 2: ['a'] },
  },
  {
    what: 'one pass only: what a pair leaves over is not tried again',
    rivals: [rival(1, 0), rival(2, 6)],
    candidates: [ended('a', 1), ended('b', -20)],
    pairs: { 1: 'a' },
    reach: { 1: ['a', 'b'], 2: ['a', 'b'] },
  },
  {
    what: 'a match by start takes both out of the pass by distance',
    rivals: [rival(1, 0, { startUnix: t - 600 }), rival(2, 3)],
    candidates: [ended('a', -3, { startUnix: t - 600 }), ended('b', -20)],
    pairs: { 1: 'a', 2: 'b' },
    reach: { 1: ['a'], 2: ['b'] },
  },
  {
    what: 'both numbers with one start each take their own',
    rivals: [rival(1, 0, { number: 1, startUnix: t - 600 }), rival(2, 4, { startUnix: t - 600 })],
    candidates: [ended('a', -1, { number: 1, startUnix: t - 600 }), ended('b', 3, { startUnix: t - 600 })],
    pairs: { 1: 'a', 2: 'b' },
  },
  {
    what: 'one candidate whose start two rounds of different numbers carry belongs to its own number',
    rivals: [rival(1, 0, { number: 1, startUnix: t - 600 }), rival(2, 4, { startUnix: t - 600 })],
    candidates: [ended('b', 3, { startUnix: t - 600 })],
    pairs: { 2: 'b' },
    reach: { 2: ['b'] },
  },
  { what: 'the far limit, 30 s', rivals: [rival(1, 0)], candidates: [ended('a', -30)], pairs: { 1: 'a' } },
  { what: 'one beyond, 31 s', rivals: [rival(1, 0)], candidates: [ended('a', -31)], pairs: {}, reach: {} },
  { what: 'the near limit, -5 s', rivals: [rival(1, 0)], candidates: [ended('a', 5)], pairs: { 1: 'a' } },
  { what: 'one beyond, -6 s', rivals: [rival(1, 0)], candidates: [ended('a', 6)], pairs: {}, reach: {} },
  {
    what: 'the second of two file times on the repeated hour',
    rivals: [aRival([t - hours, t])],
    candidates: [ended('a', -3)],
    pairs: { 1: 'a' },
  },
  {
    what: 'the repeated hour with a candidate near each of its file times: the nearer one',
    rivals: [aRival([t - hours, t])],
    candidates: [ended('first', -hours - 1), ended('second', -3)],
    pairs: { 1: 'first' },
    reach: { 1: ['first', 'second'] },
  },
  { what: 'nothing at all', rivals: [], candidates: [], pairs: {}, reach: {} },
];

for (const { what, rivals, candidates, pairs, reach } of accidents)
  test(`match(): ${what}`, () => {
    const found = match(rivals, candidates);
    assert.deepEqual(pairsOf(found), pairs);
    if (reach !== undefined) assert.deepEqual(reachOf(found), reach);
  });

test('match() says by what a pair holds, how far it is, and whether the number differs', () => {
  const rivals = [rival(1, 0, { startUnix: t - 600 }), rival(2, 900)];
  const candidates = [ended('a', -3, { number: 1, startUnix: t - 600 }), ended('b', 899)];
  const { pairs } = match(rivals, candidates);
  assert.deepEqual(
    [pairs.get(1), pairs.get(2)],
    [
      { rivalId: 1, candidateId: 'a', deltaSeconds: 3, by: 'start', numberDiffers: true },
      { rivalId: 2, candidateId: 'b', deltaSeconds: 1, by: 'distance', numberDiffers: false },
    ],
  );
});

test('distance() is null beyond -5 and +30 s, and the nearer one of two file times', () => {
  for (const [fileTimes, is] of [
    [[t], 0],
    [[t + 30], 30],
    [[t + 31], null],
    [[t - 5], -5],
    [[t - 6], null],
    [[t - 2, t + 3], -2],
    [[t + 3, t - 2], -2],
    [[t - 4, t + 3], 3],
    [[t + 31, t + 3600], null],
    [[], null],
  ] as [number[], number | null][])
    assert.equal(distance(fileTimes, t), is);
});

/** Crowded on purpose: two maps, a few minutes, starts that collide. */
const anyStart = fc.option(fc.constantFrom(t - 600, t - 599, t - 300), { nil: null });
const anyNumber = fc.constantFrom<1 | 2>(1, 2);
const anyMap = fc.constantFrom('supply', 'goldrush');
const anyRivals = fc
  .array(
    fc.record({
      map: anyMap,
      number: anyNumber,
      startUnix: anyStart,
      fileTimes: fc.oneof(
        fc.integer({ min: t - 60, max: t + 60 }).map((at) => [at]),
        fc.integer({ min: t - 60, max: t + 60 }).map((at) => [at, at + hours]),
      ),
    }),
    { maxLength: 9 },
  )
  .map((items) => items.map((item, at): Rival => ({ ...item, id: at + 1 })));
const anyCandidates = fc
  .array(
    fc.record({
      map: anyMap,
      number: anyNumber,
      startUnix: anyStart,
      endUnix: fc.oneof(
        { arbitrary: fc.integer({ min: t - 60, max: t + 60 }), weight: 4 },
        { arbitrary: fc.integer({ min: t + hours - 60, max: t + hours + 60 }), weight: 1 },
      ),
    }),
    { maxLength: 9 },
  )
  .map((items) => items.map((item, at): Candidate => ({ ...item, id: `c${at + 1}` })));
const runs = { numRuns: 2000 };

/** A matching without the order of its lists. */
function asSets({ pairs, reach, reachOf: reachOfCandidates }: Matching) {
  const texts = (fits: Iterable<unknown>) => [...fits].map((fit) => JSON.stringify(fit)).sort();
  return {
    pairs: texts(pairs.values()),
    reach: texts([...reach.values()].flat()),
    reachOf: texts([...reachOfCandidates.values()].flat()),
  };
}

test('match() does not depend on the order of its inputs', () => {
  const shuffled = fc
    .tuple(anyRivals, anyCandidates)
    .chain(([rivals, candidates]) =>
      fc.tuple(
        fc.constant({ rivals, candidates }),
        fc.shuffledSubarray(rivals, { minLength: rivals.length }),
        fc.shuffledSubarray(candidates, { minLength: candidates.length }),
      ),
    );
  fc.assert(
    fc.property(shuffled, ([{ rivals, candidates }, otherRivals, otherCandidates]) => {
      assert.deepEqual(asSets(match(otherRivals, otherCandidates)), asSets(match(rivals, candidates)));
    }),
    runs,
  );
});

test('match() gives the same when every time is shifted by the same amount', () => {
  const moved = (at: number | null, by: number) => (at === null ? null : at + by);
  fc.assert(
    fc.property(
      anyRivals,
      anyCandidates,
      fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
      (rivals, candidates, by) => {
        const shifted = match(
          rivals.map((one) => ({
            ...one,
            fileTimes: one.fileTimes.map((at) => at + by),
            startUnix: moved(one.startUnix, by),
          })),
          candidates.map((one) => ({
            ...one,
            endUnix: one.endUnix + by,
            startUnix: moved(one.startUnix, by),
          })),
        );
        assert.deepEqual(asSets(shifted), asSets(match(rivals, candidates)));
      },
    ),
    runs,
  );
});

test('match() uses no candidate twice, and knows every pair on both sides', () => {
  fc.assert(
    fc.property(anyRivals, anyCandidates, (rivals, candidates) => {
      const { pairs, reach, reachOf: ofCandidate } = match(rivals, candidates);
      const used = [...pairs.values()].map(({ candidateId }) => candidateId);
      assert.equal(new Set(used).size, used.length);
      for (const [id, fit] of pairs) {
        assert.equal(fit.rivalId, id);
        assert.ok(reach.get(id)!.includes(fit));
        assert.ok(ofCandidate.get(fit.candidateId)!.includes(fit));
      }
    }),
    runs,
  );
});

test('match() has nothing in reach that is not the same map, -5 to +30 s away, and without contrary starts', () => {
  fc.assert(
    fc.property(anyRivals, anyCandidates, (rivals, candidates) => {
      for (const fit of [...match(rivals, candidates).reach.values()].flat()) {
        const one = rivals.find(({ id }) => id === fit.rivalId)!;
        const other = candidates.find(({ id }) => id === fit.candidateId)!;
        assert.equal(one.map, other.map);
        assert.ok(fit.deltaSeconds >= -reachBeforeSeconds && fit.deltaSeconds <= reachAfterSeconds);
        assert.equal(fit.deltaSeconds, distance(one.fileTimes, other.endUnix));
        if (one.startUnix !== null && other.startUnix !== null) assert.equal(one.startUnix, other.startUnix);
        assert.equal(fit.numberDiffers, one.number !== other.number);
        if (fit.numberDiffers) assert.ok(fit.by === 'start' && one.startUnix === other.startUnix);
      }
    }),
    runs,
  );
});

test("match() by distance pairs only what is each other's single best", () => {
  fc.assert(
    fc.property(anyRivals, anyCandidates, (rivals, candidates) => {
      const { pairs, reach, reachOf: ofCandidate } = match(rivals, candidates);
      for (const fit of pairs.values()) {
        if (fit.by !== 'distance') continue;
        const others = [...reach.get(fit.rivalId)!, ...ofCandidate.get(fit.candidateId)!];
        for (const other of others)
          if (other !== fit) assert.ok(Math.abs(other.deltaSeconds) > Math.abs(fit.deltaSeconds));
      }
    }),
    runs,
  );
});

test("match() leaves no two unpaired that are each other's single best", () => {
  fc.assert(
    fc.property(anyRivals, anyCandidates, (rivals, candidates) => {
      const { pairs, reach, reachOf: ofCandidate } = match(rivals, candidates);
      const used = new Set([...pairs.values()].map(({ candidateId }) => candidateId));
      for (const fit of [...reach.values()].flat()) {
        if (pairs.has(fit.rivalId) || used.has(fit.candidateId)) continue;
        const others = [...reach.get(fit.rivalId)!, ...ofCandidate.get(fit.candidateId)!].filter(
          (other) => other !== fit,
        );
        assert.ok(others.some((other) => Math.abs(other.deltaSeconds) <= Math.abs(fit.deltaSeconds)));
      }
    }),
    runs,
  );
});
