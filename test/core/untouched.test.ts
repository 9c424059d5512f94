import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildChanges } from '../../src/core/change.ts';
import type { UsableArtifact } from '../../src/core/doubles.ts';
import { incidentKey } from '../../src/core/expected.ts';
import type { Round } from '../../src/core/model.ts';
import type { ChangeFacts } from '../../src/core/row-change.ts';
import type { SourceColumns } from '../../src/core/rows.ts';
import { isSameBasis, isUntouched } from '../../src/core/untouched.ts';
import type { Want } from '../../src/core/verdict.ts';
import {
  aCapture,
  allColumns,
  anArtifact,
  aRound,
  changeFacts,
  endUnix,
  startUnix,
  storedSpawn,
} from './builders.ts';

const some = <T>(...values: T[]) => fc.constantFrom(...values);

const timing = fc.record({
  startUnix: some(null, 0, startUnix, startUnix - 7),
  endUnix: some(null, endUnix, endUnix - 1800),
  durationSeconds: some(null, 0, 77),
  endReason: some(null, '', 'SURRENDER'),
  pauseSeconds: some(null, 0, 3),
  pauseCount: some(null, 0, 1),
});
const round: fc.Arbitrary<Round> = fc
  .record({ map: some('supply', ' ^1Supply ', null), status: some('completed', null), timing })
  .map(aRound);
const without = (columns: SourceColumns, name: string): SourceColumns => {
  const left = (all: ReadonlySet<string>) => new Set([...all].filter((column) => column !== name));
  return {
    rounds: left(columns.rounds),
    captures: left(columns.captures),
    spawns: columns.spawns === null ? null : left(columns.spawns),
  };
};
const columns = some(
  allColumns,
  structuredClone(allColumns),
  without(allColumns, 'round_canonical_id'),
  without(allColumns, 'end_reason'),
  { ...allColumns, spawns: null },
);

const wantOf = (of: Round): Want => ({
  kind: 'backfill',
  round: of,
  key: incidentKey(of),
  foreignTiming: false,
  releases: [],
  deltaSeconds: 3,
  artifact: anArtifact({ startUnix }) as UsableArtifact,
});

/** What a source may hold when it is asked, mostly what was judged. */
const factsFor = (judged: Round): fc.Arbitrary<ChangeFacts> =>
  fc
    .record({
      now: fc.oneof(
        { weight: 4, arbitrary: fc.constant(structuredClone(judged)) },
        { weight: 1, arbitrary: round },
        { weight: 1, arbitrary: some({ ...judged, isBot: true }, { ...judged, session: 1 }, null) },
      ),
      columns,
      captures: fc.oneof({ weight: 4, arbitrary: some([]) }, some([aCapture({ roundId: 1 })], [aCapture()])),
      spawns: fc.oneof(
        { weight: 4, arbitrary: some([]) },
        some([storedSpawn('A1', { matchId: aCapture().matchId, roundId: null })]),
      ),
      canonicalIds: fc.oneof(
        { weight: 4, arbitrary: some({}) },
        some<Record<number, string>>({ 1: 'mine' }, { 2: 'another' }),
      ),
    })
    .map(({ now, ...rest }) => changeFacts({ ...rest, rounds: now === null ? [] : [now] }));

const judgedThenRead = round.chain((judged) =>
  fc.tuple(fc.constant(judged), factsFor(judged), factsFor(judged)),
);

test('What is untouched on one basis is changed in the same way (property)', () => {
  let untouched = 0;
  fc.assert(
    fc.property(judgedThenRead, ([judged, planned, found]) => {
      const wants = [wantOf(judged)];
      const same = isSameBasis(planned, found);
      if (!same || !isUntouched(wants, planned) || !isUntouched(wants, found)) return;
      untouched++;
      assert.deepEqual(buildChanges(wants, found), buildChanges(wants, planned));
    }),
    { numRuns: 3_000 },
  );
  assert.ok(untouched > 50, `only ${untouched} were untouched`);
});

test('isUntouched() is false as soon as anything bears on the repair', () => {
  const judged = aRound();
  const wants = [wantOf(judged)];
  const untouched = (facts: Parameters<typeof changeFacts>[0], of = wants) =>
    isUntouched(of, changeFacts(facts));
  assert.equal(untouched({}), true);
  assert.equal(untouched({ rounds: [] }), false);
  assert.equal(untouched({ rounds: [aRound({ status: 'cancelled' })] }), false);
  assert.equal(untouched({ rounds: [aRound({ timing: { endUnix } })] }), false);
  assert.equal(untouched({ rounds: [judged, aRound({ id: 2 })] }), false);
  assert.equal(untouched({ captures: [aCapture({ matchId: 'far' })] }), false);
  assert.equal(untouched({ spawns: [storedSpawn('A1', { matchId: 'far', roundId: null })] }), false);
  assert.equal(untouched({ canonicalIds: { 1: 'mine' } }), false);
  assert.equal(untouched({ canonicalIds: { 9: 'another' } }), false);
  assert.equal(untouched({}, [wantOf(judged), wantOf(judged)]), false);
  const relink = { ...wants[0]!, kind: 'relink', capture: aCapture(), artifact: null } as Want;
  assert.equal(untouched({}, [relink]), false);
});

test('isSameBasis() asks for the same columns of every table, and the same zone', () => {
  const facts = changeFacts();
  assert.equal(isSameBasis(facts, { ...facts, columns: structuredClone(facts.columns) }), true);
  assert.equal(isSameBasis(facts, { ...facts, zone: 'UTC' }), false);
  assert.equal(isSameBasis(facts, { ...facts, columns: { ...facts.columns, spawns: null } }), false);
  assert.equal(
    isSameBasis(facts, { ...facts, columns: without(facts.columns, 'round_canonical_id') }),
    false,
  );
  const renamed = { ...facts.columns, rounds: new Set([...facts.columns.rounds].map((name) => `${name}_`)) };
  assert.equal(isSameBasis(facts, { ...facts, columns: renamed }), false);
});
