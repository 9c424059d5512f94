import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { incidentKey } from '../../src/core/expected.ts';
import type { Capture } from '../../src/core/model.ts';
import { backfillKey, findObstacles, holdersInTheWay, isSameCapture } from '../../src/core/slots.ts';
import type { Want } from '../../src/core/verdict.ts';
import {
  aCapture,
  anArtifact,
  aRound,
  captureTiming,
  endUnix,
  fileUnix,
  judge,
  startUnix,
  zone,
} from './builders.ts';

const wantsOf = (given: Parameters<typeof judge>[0]) =>
  [...judge(given).values()].flatMap(({ want }) => (want === null ? [] : [want]));

test('isSameCapture() asks for map, number, and start or end', () => {
  const one = aCapture({ startUnix });
  for (const [given, same] of [
    [{ startUnix }, true],
    [{ startUnix, endUnix: endUnix + 99 }, true],
    [{ startUnix: startUnix + 1 }, true],
    [{ startUnix, number: 0 }, true],
    [{ startUnix, map: ' ^1SUPPLY' }, true],
    [{ startUnix: startUnix + 1, endUnix: endUnix + 1 }, false],
    [{ startUnix, number: 1 }, false],
    [{ startUnix, map: 'goldrush' }, false],
  ] as [Parameters<typeof aCapture>[0], boolean][])
    assert.equal(isSameCapture(one, aCapture(given)), same, JSON.stringify(given));
});

test('isSameCapture() takes no null and no 0 for equal', () => {
  const empty = { startUnix: 0, timing: { endUnix: null } };
  assert.equal(isSameCapture(aCapture(empty), aCapture(empty)), false);
});

test('backfillKey() is the end in server time, across midnight and with 2 for 0', () => {
  const [want] = wantsOf({
    judged: [aRound({ date: '2026-02-21', time: '000001' })],
    artifacts: [anArtifact({ endUnix: Date.parse('2026-02-20T22:59:59Z') / 1000 })],
  });
  assert.ok(want?.kind === 'backfill');
  assert.deepEqual(backfillKey(want, zone), { matchId: '2026-02-20-235959', number: 2 });
});

test('holdersInTheWay() are the other captures of the round; a completion needs no slot', () => {
  const own = aCapture({ roundId: 1 });
  const other = aCapture({ id: 200, roundId: 1, endUnix: endUnix - 1800 });
  const linkedTo = new Map([[1, [own, other]]]);
  const round = aRound();
  const base = { round, key: incidentKey(round), foreignTiming: false, releases: [], deltaSeconds: 3 };
  assert.deepEqual(holdersInTheWay({ ...base, kind: 'relink', artifact: null, capture: own }, linkedTo), [
    other,
  ]);
  assert.deepEqual(
    holdersInTheWay({ ...base, kind: 'complete', capture: own, artifact: null }, linkedTo),
    [],
  );
  assert.deepEqual(holdersInTheWay({ ...base, kind: 'relink', artifact: null, capture: own }, new Map()), []);
});

/** Rounds half an hour apart, whose captures are linked in any way at all. */
const anyLinks = fc
  .integer({ min: 2, max: 6 })
  .chain((count) =>
    fc.array(fc.option(fc.integer({ min: 1, max: count })), { minLength: count, maxLength: count }),
  );

function linkedEvening(links: readonly (number | null)[]) {
  const judged = links.map((_, index) => aRound({ id: index + 1, fileUnix: fileUnix + index * 1800 }));
  const captures = links.map((roundId, index) =>
    aCapture({ id: index + 1, endUnix: endUnix + index * 1800, roundId }),
  );
  return { judged, captures };
}

test('what findObstacles() lets pass ends with every capture on its own round, one per slot', () => {
  fc.assert(
    fc.property(anyLinks, (links) => {
      const evening = linkedEvening(links);
      const held = new Map(evening.captures.map((capture) => [capture.id, capture.roundId]));
      for (const want of wantsOf(evening))
        if (want.kind === 'relink') held.set(want.capture.id, want.round.id);
      for (const want of wantsOf(evening)) {
        const inSlot = [...held].filter(([, roundId]) => roundId === want.round.id);
        assert.deepEqual(inSlot, [[want.round.id, want.round.id]]);
      }
    }),
    { numRuns: 1000 },
  );
});

test('findObstacles() gives the same obstacles for every order, and only the necessary ones', () => {
  const shuffled = anyLinks.chain((links) => {
    const indices = links.map((_, index) => index);
    return fc.tuple(fc.constant(links), fc.shuffledSubarray(indices, { minLength: indices.length }));
  });
  fc.assert(
    fc.property(shuffled, ([links, order]) => {
      const { judged, captures } = linkedEvening(links);
      const wants = judged.map((round, index): Want => {
        const capture = captures[index]!;
        return {
          round,
          key: incidentKey(round),
          foreignTiming: false,
          releases: [],
          deltaSeconds: 3,
          kind: 'relink',
          artifact: null,
          capture,
        };
      });
      const linkedTo = new Map<number, Capture[]>();
      for (const capture of captures)
        if (capture.roundId !== null)
          linkedTo.set(capture.roundId, [...(linkedTo.get(capture.roundId) ?? []), capture]);
      const stuck = (list: readonly Want[]) =>
        [...findObstacles(list, { linkedTo, captures, zone }).keys()].map(({ round }) => round.id).sort();
      const all = stuck(wants);
      assert.deepEqual(stuck(order.map((index) => wants[index]!)), all);
      // Everybody has a target here, so nobody is stuck.
      assert.deepEqual(all, []);
      const without = wants.slice(1);
      const left = new Set(stuck(without));
      for (const { round, capture } of without as Extract<Want, { kind: 'relink' }>[]) {
        const others = (linkedTo.get(round.id) ?? []).filter(({ id }) => id !== capture.id);
        const blocked = others.some(({ id }) => id === 1 || left.has(id));
        assert.equal(left.has(round.id), blocked);
      }
    }),
    { numRuns: 1000 },
  );
});

test('a backfill into a slot whose holder leaves is no obstacle', () => {
  const judged = [aRound(), aRound({ id: 2, fileUnix: fileUnix - 1800 })];
  const holder = aCapture({ id: 200, endUnix: endUnix - 1800, roundId: 1 });
  const wants = wantsOf({ judged, captures: [holder], artifacts: [anArtifact()] });
  assert.deepEqual(wants.map(({ kind, round }) => `${kind} ${round.id}`).sort(), ['backfill 1', 'relink 2']);
});

test('timing that the holder brought leaves with it, other timing does not', () => {
  const round = (timing: object) => [aRound({ timing }), aRound({ id: 2, fileUnix: fileUnix - 1800 })];
  const holder = aCapture({ id: 200, endUnix: endUnix - 1800, roundId: 1 });
  const given = { captures: [aCapture(), holder] };
  assert.equal(wantsOf({ judged: round(holder.timing), ...given }).length, 2);
  assert.equal(wantsOf({ judged: round({ endUnix: endUnix - 1 }), ...given }).length, 1);
  assert.equal(wantsOf({ judged: round(captureTiming(endUnix - 5400)), ...given }).length, 2);
});
