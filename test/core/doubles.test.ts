import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { artifactGroups, captureGroups, type UsableArtifact } from '../../src/core/doubles.ts';
import { aCapture, anArtifact, endUnix, startUnix } from './builders.ts';

const membersOf = (groups: { members: readonly { id: number }[] }[]) =>
  groups.map(({ members }) => members.map(({ id }) => id)).sort();

test('captureGroups() joins the same map, number and start; the earliest end counts', () => {
  const later = aCapture({ id: 1, startUnix, endUnix: endUnix + 2 });
  const earlier = aCapture({ id: 2, startUnix, endUnix });
  const [group, ...others] = captureGroups([later, earlier]);
  assert.equal(others.length, 0);
  assert.equal(group!.endUnix, endUnix);
  assert.equal(group!.id, 'capture:2');
  assert.deepEqual(membersOf([group!]), [[2, 1]]);
});

test('captureGroups() joins what differs in the spelling of the map or in 0 for 2', () => {
  const groups = captureGroups([
    aCapture({ id: 1, startUnix, map: '^1Supply ' }),
    aCapture({ id: 2, startUnix, number: 0 }),
  ]);
  assert.deepEqual(membersOf(groups), [[1, 2]]);
  assert.equal(groups[0]!.number, 2);
});

for (const [what, given] of [
  ['another map', { map: 'goldrush' }],
  ['the other number', { number: 1 }],
  ['another start', { startUnix: startUnix + 1 }],
] as const)
  test(`captureGroups() keeps ${what} apart`, () => {
    const groups = captureGroups([aCapture({ id: 1, startUnix }), aCapture({ id: 2, startUnix, ...given })]);
    assert.deepEqual(membersOf(groups), [[1], [2]]);
  });

test('captureGroups() joins nothing without a start, and takes 0 for none', () => {
  const none = captureGroups([aCapture({ id: 1, startUnix: null }), aCapture({ id: 2, startUnix: null })]);
  assert.deepEqual(membersOf(none), [[1], [2]]);
  const zero = captureGroups([aCapture({ id: 1, startUnix: 0 }), aCapture({ id: 2, startUnix: 0 })]);
  assert.deepEqual(membersOf(zero), [[1], [2]]);
  assert.equal(zero[0]!.startUnix, null);
});

for (const [what, end] of [
  ['an end before its start', startUnix - 1],
  ['an end years before its start', 1],
  ['an end four hours and a second after its start', startUnix + 14_401],
] as const)
  test(`captureGroups() joins no good capture with a double that has ${what}`, () => {
    const good = aCapture({ id: 1, startUnix });
    const groups = captureGroups([good, aCapture({ id: 2, startUnix, endUnix: end })]);
    assert.deepEqual(membersOf(groups).sort(), [[1], [2]]);
    assert.deepEqual(
      groups.map((group) => [group.endUnix, group.startUnix]).sort(),
      [
        [endUnix, startUnix],
        [end, null],
      ].sort(),
    );
  });

test('captureGroups() takes a capture without an end, a map or a known number for no candidate', () => {
  const useless = [{ endUnix: null }, { map: null }, { map: ' ^1 ' }, { number: 3 }, { number: -1 }];
  assert.deepEqual(captureGroups(useless.map((given) => aCapture(given))), []);
});

test('captureGroups() decides between equal ends by id, as a number', () => {
  const groups = captureGroups([aCapture({ id: 10, startUnix }), aCapture({ id: 9, startUnix })]);
  assert.deepEqual(membersOf(groups), [[9, 10]]);
});

test('artifactGroups() joins a double fire: the first is right, by path where the ends are equal', () => {
  const usable = (given: Parameters<typeof anArtifact>[0]) =>
    anArtifact({ startUnix, ...given }) as UsableArtifact;
  const [first, second, copy] = [
    usable({ endUnix }),
    usable({ endUnix: endUnix + 2 }),
    usable({ endUnix, path: '/copies/gametime-supply.json' }),
  ];
  const [group, ...others] = artifactGroups([second, first, copy]);
  assert.equal(others.length, 0);
  assert.deepEqual(
    group!.members.map(({ path }) => path),
    [copy.path, first.path, second.path],
  );
  assert.equal(group!.endUnix, endUnix);
});

test('captureGroups() gives the same groups for every order', () => {
  const anyCaptures = fc
    .array(
      fc.record({
        startUnix: fc.constantFrom(startUnix, startUnix + 1, null),
        endUnix: fc.constantFrom(endUnix, endUnix + 1, endUnix + 2),
        number: fc.constantFrom(0, 1, 2),
      }),
      { maxLength: 8 },
    )
    .map((items) => items.map((item, at) => aCapture({ ...item, id: at + 1 })))
    .chain((captures) =>
      fc.tuple(fc.constant(captures), fc.shuffledSubarray(captures, { minLength: captures.length })),
    );
  fc.assert(
    fc.property(anyCaptures, ([captures, shuffled]) => {
      const texts = (list: typeof captures) =>
        captureGroups(list)
          .map((group) => JSON.stringify(group))
          .sort();
      assert.deepEqual(texts(shuffled), texts(captures));
    }),
    { numRuns: 1000 },
  );
});
