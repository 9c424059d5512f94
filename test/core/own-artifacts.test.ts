import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Artifact } from '../../src/core/model.ts';
import { type CoveredRound, ownArtifacts } from '../../src/core/own-artifacts.ts';
import { anArtifact, endUnix, startUnix } from './builders.ts';

const nowUnix = endUnix + 86_400;
const round: CoveredRound = {
  roundId: 1,
  map: '^1Supply ',
  number: 2,
  startUnix,
  endUnix,
  hasSpawnRows: true,
};

/** Whether the first of these artifacts is the round's own. */
function isOwn(
  artifacts: readonly Artifact[],
  given: Partial<CoveredRound> & { staying?: readonly Artifact[] } = {},
): boolean {
  const { staying = [], ...more } = given;
  const covered = [{ ...round, ...more }];
  const own = ownArtifacts(artifacts, { covered, staying, nowUnix });
  assert.ok([...own.values()].every((artifact) => artifact === artifacts[0]));
  return own.size === 1;
}

test('ownArtifacts() finds the one that has the start, the end, the map and the number of a covered round', () => {
  assert.ok(isOwn([anArtifact()]));
  assert.ok(!isOwn([anArtifact({ startUnix: startUnix + 1 })]));
  assert.ok(!isOwn([anArtifact({ endUnix: endUnix + 1, startUnix })]));
  assert.ok(!isOwn([anArtifact({ map: 'radar' })]));
  assert.ok(!isOwn([anArtifact({ number: 1 })]));
});

test('ownArtifacts() finds none that is not whole and sane, or that spawn rows could be filled from', () => {
  assert.ok(!isOwn([anArtifact({ content: null })]));
  assert.ok(!isOwn([anArtifact({ finished: false })]));
  assert.ok(!isOwn([anArtifact({ content: { warmupSeconds: 9_000 } })]));
  assert.ok(!isOwn([anArtifact()], { hasSpawnRows: false }));
  assert.ok(isOwn([anArtifact({ content: { spawns: [] } })], { hasSpawnRows: false }));
});

test('ownArtifacts() finds none whose start another artifact has, wherever that one was found', () => {
  const double = anArtifact({ path: '/other/double.json', startUnix, endUnix: endUnix + 600 });
  assert.ok(!isOwn([anArtifact(), double]));
  assert.ok(!isOwn([anArtifact()], { staying: [double] }));
});

test("ownArtifacts() leaves a round that is in reach of an artifact which is nobody's own", () => {
  const near = (seconds: number) => anArtifact({ endUnix: endUnix + seconds, content: null });
  for (const seconds of [-30, 0, 2, 8]) assert.ok(!isOwn([anArtifact(), near(seconds)]), `${seconds} s`);
  for (const seconds of [-31, 9]) assert.ok(isOwn([anArtifact(), near(seconds)]), `${seconds} s`);
  assert.ok(!isOwn([anArtifact()], { staying: [near(2)] }));
});
