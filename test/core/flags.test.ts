import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flag } from '../../src/core/verdict.ts';
import {
  aCapture,
  anArtifact,
  aRound,
  captureTiming,
  endUnix,
  fileUnix,
  judge,
  spoken,
  startUnix,
} from './builders.ts';

type Given = Parameters<typeof judge>[0];

const own = { startUnix, endUnix };
const covered = (given: Parameters<typeof aCapture>[0] = {}) => aCapture({ roundId: 1, startUnix, ...given });
const timed = (given: Parameters<typeof aRound>[0] = {}) => aRound({ timing: own, ...given });

const cases: [what: string, given: Given, verdict: string, flags: Flag[]][] = [
  [
    'a round that is covered and complete',
    { judged: [timed()], captures: [covered()] },
    'covered (linked)',
    [],
  ],
  [
    'a covered round without start and end',
    { judged: [aRound()], captures: [covered()] },
    'covered (linked)',
    ['timing_not_propagated'],
  ],
  [
    'a covered round without an end',
    { judged: [aRound({ timing: { startUnix } })], captures: [covered()] },
    'covered (linked)',
    ['timing_not_propagated'],
  ],
  [
    'a covered round without spawn rows, although an artifact has them',
    {
      judged: [timed()],
      captures: [covered()],
      artifacts: [anArtifact({ startUnix })],
      spawnKeys: new Set(),
    },
    'covered (linked)',
    ['no_spawn_rows'],
  ],
  [
    'a covered round without spawn rows, whose artifact has none either',
    {
      judged: [timed()],
      captures: [covered()],
      artifacts: [anArtifact({ startUnix, content: { spawns: [] } })],
      spawnKeys: new Set(),
    },
    'covered (linked)',
    [],
  ],
  [
    'a covered round without spawn rows and without an artifact',
    { judged: [timed()], captures: [covered()], spawnKeys: new Set() },
    'covered (linked)',
    [],
  ],
  [
    'a covered round with the timing of an earlier playing',
    { judged: [aRound({ timing: captureTiming(endUnix - 1800) })], captures: [covered()] },
    'covered (linked)',
    ['foreign_timing'],
  ],
  [
    'a covered round whose number differs from its capture',
    { judged: [timed()], captures: [covered({ number: 1 })] },
    'covered (linked)',
    ['number_differs'],
  ],
  ['3 s between end and file', { judged: [timed()], captures: [covered()] }, 'covered (linked)', []],
  [
    '4 s between end and file',
    { judged: [aRound()], captures: [covered({ startUnix: startUnix - 1, endUnix: fileUnix - 4 })] },
    'covered (linked)',
    ['timing_not_propagated', 'weak_distance'],
  ],
  [
    'an end at the file time',
    { judged: [aRound()], captures: [aCapture({ endUnix: fileUnix })] },
    'relinkable (unlinked)',
    [],
  ],
  [
    'an end one second after the file',
    { judged: [aRound()], captures: [aCapture({ endUnix: fileUnix + 1 })] },
    'relinkable (unlinked)',
    ['weak_distance'],
  ],
  [
    'an artifact with a weak distance',
    { judged: [aRound()], artifacts: [anArtifact({ endUnix: fileUnix - 20 })] },
    'recoverable (artifact)',
    ['weak_distance'],
  ],
  [
    'a duration that does not add up, in a capture',
    { judged: [timed()], captures: [covered({ timing: { durationSeconds: 600 } })] },
    'covered (linked)',
    ['duration_differs'],
  ],
  [
    'a duration that does not add up, in an artifact',
    { judged: [aRound()], artifacts: [anArtifact({ content: { timing: { durationSeconds: 600 } } })] },
    'recoverable (artifact)',
    ['duration_differs'],
  ],
  ['a lost round', { judged: [aRound()] }, 'lost (nothing_fits)', []],
  [
    'a lost round with foreign timing',
    { judged: [aRound({ timing: captureTiming(endUnix + 1800) })] },
    'lost (nothing_fits)',
    ['foreign_timing'],
  ],
  [
    'a lost round whose time does not exist',
    { judged: [aRound({ date: '2026-03-29', time: '023000', fileUnix })] },
    'lost (nothing_fits)',
    ['time_moved'],
  ],
];

for (const [what, given, verdict, flags] of cases)
  test(`flags of ${what}: ${flags.join(', ') || 'none'}`, () => {
    const assessment = judge(given, { nowUnix: Date.parse('2026-05-01T00:00:00Z') / 1000 }).get(1);
    assert.equal(spoken(assessment), verdict);
    assert.deepEqual([...assessment!.flags].sort(), [...flags].sort());
  });

test('two plausible rows with one start are both flagged, and the start counts for neither', () => {
  const twin = aRound({ id: 2, fileUnix: fileUnix + 20, timing: own });
  const judged = judge({ judged: [timed(), twin] });
  for (const id of [1, 2]) assert.deepEqual(judged.get(id)!.flags, ['foreign_timing']);
});
