import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupRepairs, summarise } from '../../src/core/plan.ts';
import {
  aCapture,
  anArtifact,
  aRound,
  endUnix,
  fileUnix,
  planOf,
  situationOf,
  startUnix,
  storedSpawn,
} from './builders.ts';

/** A chain of two relinks, one lone relink and one backfill; ids as an installation would give them. */
function evening(ids: { rounds: number; captures: number } = { rounds: 0, captures: 0 }) {
  const round = (id: number, minutes: number, map = 'supply') =>
    aRound({ id: ids.rounds + id, fileUnix: fileUnix + minutes * 60, map });
  const capture = (id: number, minutes: number, roundId: number | null, map = 'supply') =>
    aCapture({
      id: ids.captures + id,
      endUnix: endUnix + minutes * 60,
      roundId: roundId === null ? null : ids.rounds + roundId,
      map,
    });
  return {
    judged: [round(1, 0), round(2, 30), round(3, 60, 'goldrush'), round(4, 90)],
    captures: [capture(10, 0, null), capture(20, 30, 1), capture(30, 60, 999, 'goldrush')],
    artifacts: [anArtifact({ endUnix: endUnix + 90 * 60, startUnix: startUnix + 90 * 60 })],
  };
}

const idsOf = (plan: ReturnType<typeof planOf>) =>
  plan.planned.map(({ group }) => group.wants.map(({ round }) => round.id));

test('groupRepairs() joins what frees a slot with what needs it, and leaves the rest alone', () => {
  assert.deepEqual(idsOf(planOf(evening())), [[1, 2], [3], [4]]);
});

test('groupRepairs() joins a backfill with the relink that frees its slot', () => {
  const plan = planOf({
    judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix - 1800 })],
    captures: [aCapture({ id: 200, endUnix: endUnix - 1800, roundId: 1 })],
    artifacts: [anArtifact()],
  });
  assert.deepEqual(idsOf(plan), [[2, 1]]);
});

test('groupRepairs() makes one group of a cycle', () => {
  const judged = [0, 1, 2].map((index) => aRound({ id: index + 1, fileUnix: fileUnix + index * 1800 }));
  const captures = [2, 3, 1].map((roundId, index) =>
    aCapture({ id: index + 1, endUnix: endUnix + index * 1800, roundId }),
  );
  assert.deepEqual(idsOf(planOf({ judged, captures })), [[1, 2, 3]]);
});

test('groupRepairs() does not depend on the order of its input', () => {
  const given = evening();
  const { wants } = planOf(given);
  const { linkedTo } = situationOf(given);
  fc.assert(
    fc.property(fc.shuffledSubarray(wants, { minLength: wants.length }), (shuffled) => {
      assert.deepEqual(groupRepairs(shuffled, linkedTo), groupRepairs(wants, linkedTo));
    }),
    { numRuns: 100 },
  );
});

test('the fingerprint is that of the values: ids, order, moment and session do not change it', () => {
  const { fingerprint } = planOf(evening());
  assert.match(fingerprint, /^[0-9a-f]{64}$/);
  assert.equal(planOf(evening({ rounds: 5000, captures: 70 })).fingerprint, fingerprint);
  const given = evening();
  const reversed = {
    judged: [...given.judged].reverse(),
    captures: [...given.captures].reverse(),
    artifacts: given.artifacts,
  };
  assert.equal(planOf(reversed).fingerprint, fingerprint);
  const reimported = given.judged.map((round) => ({
    ...round,
    session: 9,
    createdAt: '2026-02-12 06:00:00',
  }));
  assert.equal(planOf({ ...given, judged: reimported }).fingerprint, fingerprint);
  const moved = given.artifacts.map((artifact) => ({
    ...artifact,
    path: '/elsewhere.json',
    modifiedUnix: 5,
  }));
  assert.equal(planOf({ ...given, artifacts: moved }).fingerprint, fingerprint);
});

test('the fingerprint changes with every value that would be written, and with what is there', () => {
  const given = evening();
  const prints = [
    planOf(given),
    planOf({ ...given, artifacts: [] }),
    planOf({ ...given, captures: given.captures.slice(1) }),
    planOf({ ...given, artifacts: given.artifacts.map((artifact) => ({ ...artifact, sha256: 'x' })) }),
    planOf({
      ...given,
      artifacts: [
        anArtifact({
          endUnix: endUnix + 90 * 60,
          startUnix: startUnix + 90 * 60,
          content: { axisScore: 5 },
        }),
      ],
    }),
    planOf({
      ...given,
      judged: given.judged.map((round) => ({ ...round, timing: { ...round.timing, endReason: 'NORMAL' } })),
    }),
    planOf({
      ...given,
      captures: given.captures.map((capture) => ({
        ...capture,
        timing: { ...capture.timing, endReason: 'NORMAL' },
      })),
    }),
    planOf(given, {
      spawns: [storedSpawn('A1', { matchId: given.captures[0]!.matchId, roundId: null })],
    }),
    planOf(given, { canonicalIds: { 1: 'ffff000011112222' } }),
  ].map(({ fingerprint }) => fingerprint);
  assert.equal(new Set(prints).size, prints.length);
});

test('the fingerprint of nothing is that of an empty list, whatever lies around', () => {
  const { fingerprint } = planOf({ judged: [] });
  assert.equal(fingerprint, '4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945');
  assert.equal(planOf({ judged: [aRound()] }).fingerprint, fingerprint);
});

test('summarise() names a repair for the ledger', () => {
  const { wants } = planOf(evening());
  assert.deepEqual(
    wants.map(summarise).map(({ kind, roundId, captureId, path, sha256, deltaSeconds }) => ({
      kind,
      roundId,
      captureId,
      artifact: path !== null && sha256 !== null,
      deltaSeconds,
    })),
    [
      { kind: 'relink', roundId: 1, captureId: 10, artifact: false, deltaSeconds: 3 },
      { kind: 'relink', roundId: 2, captureId: 20, artifact: false, deltaSeconds: 3 },
      { kind: 'relink', roundId: 3, captureId: 30, artifact: false, deltaSeconds: 3 },
      { kind: 'backfill', roundId: 4, captureId: null, artifact: true, deltaSeconds: 3 },
    ],
  );
});
