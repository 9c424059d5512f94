import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findOrphans, findWrongLinks } from '../../src/core/orphans.ts';
import { aCapture, anArtifact, aRound, endUnix, fileUnix, situationOf } from './builders.ts';

const range = { fromUnix: endUnix - 3600, toUnix: endUnix + 3600 };

test('findOrphans() lists what fits no round and ended inside the half-open range', () => {
  const captures = [
    aCapture({ id: 1 }),
    aCapture({ id: 2, endUnix: range.fromUnix }),
    aCapture({ id: 3, endUnix: range.fromUnix - 1 }),
    aCapture({ id: 4, endUnix: range.toUnix - 1 }),
    aCapture({ id: 5, endUnix: range.toUnix }),
  ];
  const artifacts = [
    anArtifact(),
    anArtifact({ endUnix: endUnix + 900 }),
    anArtifact({ endUnix: endUnix + 1800, content: null }),
    anArtifact({ endUnix: endUnix + 1, content: null }),
  ];
  const orphans = findOrphans(situationOf({ captures, artifacts }), range);
  assert.deepEqual(orphans.captures.map(({ captureId }) => captureId).sort(), [2, 4]);
  assert.deepEqual(
    orphans.artifacts.map(({ endUnix: end, state }) => [end - endUnix, state]),
    [
      [900, 'usable'],
      [1800, 'damaged: the closing braces are missing'],
    ],
  );
});

test('findOrphans() lists the doubles of an orphan too, and nothing that an exempt row claims', () => {
  const start = endUnix + 300;
  const captures = [
    aCapture({ id: 1, startUnix: start, endUnix: endUnix + 900 }),
    aCapture({ id: 2, startUnix: start, endUnix: endUnix + 902 }),
    aCapture({ id: 3 }),
  ];
  const judged = [aRound({ status: 'cancelled' })];
  const orphans = findOrphans(situationOf({ judged, captures }), range);
  assert.deepEqual(orphans.captures.map(({ captureId }) => captureId).sort(), [1, 2]);
});

test('findWrongLinks() names the captures that are linked to a round which they do not fit', () => {
  const captures = [
    aCapture({ id: 1, roundId: 1 }),
    aCapture({ id: 2, roundId: 1, endUnix: endUnix - 1800 }),
    aCapture({ id: 3, roundId: 2, endUnix: fileUnix + 100 }),
    aCapture({ id: 4, roundId: 3, endUnix: fileUnix + 200 }),
  ];
  const judged = [aRound(), aRound({ id: 2, status: 'cancelled', fileUnix: fileUnix + 3600 })];
  const unreadable = aRound({ id: 3, time: '9:5' });
  const found = findWrongLinks(situationOf({ judged: [...judged, unreadable], captures }));
  assert.deepEqual(
    found.map(({ roundId, captureId }) => [roundId, captureId]),
    [
      [1, 2],
      [2, 3],
    ],
  );
});
