import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { batchesOf } from '../../src/core/batches.ts';
import type { Row } from '../../src/core/model.ts';
import type { PlannedGroup } from '../../src/core/plan.ts';
import type { Want } from '../../src/core/verdict.ts';

const zone = 'Europe/Ljubljana';

/** A relink of one capture to one round, as far as batches ask for it. */
function relink(of: {
  round: number;
  capture: number;
  start: number;
  end: number;
  leaves?: number;
}): PlannedGroup {
  const { round, capture, start, end, leaves = null } = of;
  const timing = { startUnix: start, endUnix: end };
  const want = {
    kind: 'relink',
    key: `key ${round}`,
    round: { id: round },
    releases: [],
    capture: { id: capture, matchId: `match ${capture}`, roundId: leaves, timing },
  } as unknown as Want;
  const row = (roundId: number | null): Row => ({
    round_id: roundId,
    round_start_unix: start,
    round_end_unix: end,
  });
  const key = { match_id: `match ${capture}`, round_number: 1 };
  return {
    group: { wants: [want] },
    changes: [{ table: 'lua_round_teams', key, before: row(leaves), after: row(round) }],
    rivals: [],
  };
}

const far = (nth: number) => ({ start: 1_770_000_000 + nth * 1000, end: 1_770_000_500 + nth * 1000 });
const sizes = (planned: readonly PlannedGroup[], size = 10) =>
  batchesOf(planned, { zone, size }).map(({ length }) => length);

describe('batchesOf()', () => {
  test('fills each batch up to its size, in the order of the plan', () => {
    const planned = [1, 2, 3, 4, 5].map((nth) => relink({ round: nth, capture: nth, ...far(nth) }));
    assert.deepEqual(sizes(planned, 2), [2, 2, 1]);
    assert.deepEqual(sizes(planned, 1), [1, 1, 1, 1, 1]);
    assert.deepEqual(batchesOf(planned, { zone, size: 2 }).flat(), planned);
    assert.deepEqual(batchesOf([], { zone, size: 2 }), []);
  });

  const one = relink({ round: 1, capture: 11, ...far(1) });
  for (const [what, other] of [
    ['the same round', relink({ round: 1, capture: 12, ...far(2) })],
    ['a round that the other leaves', relink({ round: 2, capture: 12, ...far(2), leaves: 1 })],
    ['the same capture', relink({ round: 2, capture: 11, ...far(2) })],
    ['the same start', relink({ round: 2, capture: 12, start: far(1).start, end: far(2).end })],
    ['the same end', relink({ round: 2, capture: 12, start: far(2).start, end: far(1).end })],
    ['an end in its reach', relink({ round: 2, capture: 12, start: far(2).start, end: far(1).end + 30 })],
  ] as const)
    test(`begins another batch at ${what}`, () => assert.deepEqual(sizes([one, other]), [1, 1]));

  test('joins what only meets a batch before', () => {
    const again = relink({ round: 1, capture: 12, ...far(2) });
    const third = relink({ round: 3, capture: 11, ...far(3) });
    assert.deepEqual(sizes([one, again, third]), [1, 2]);
  });

  test('never puts two repairs of one round, capture, start or end into one batch, and loses none', () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ round: fc.nat(9), capture: fc.nat(9), at: fc.nat(9), leaves: fc.nat(9) })),
        fc.integer({ min: 1, max: 6 }),
        (all, size) => {
          const planned = all.map(({ at, ...rest }) => relink({ ...rest, ...far(at) }));
          const batches = batchesOf(planned, { zone, size });
          assert.deepEqual(batches.flat(), planned);
          for (const batch of batches) {
            assert.ok(batch.length <= size);
            const wants = batch.map((group) => all[planned.indexOf(group)]!);
            const rounds = wants.flatMap(({ round, leaves }) => [...new Set([round, leaves])]);
            assert.equal(new Set(rounds).size, rounds.length);
            assert.equal(new Set(wants.map(({ capture }) => capture)).size, wants.length);
            assert.equal(new Set(wants.map(({ at }) => at)).size, wants.length);
          }
        },
      ),
    ));

  test('leaves no name of a spawn row out that is none of the row before (property)', () => {
    const small = fc.constantFrom(null, 1, 2, 31, 61, 4000);
    const row: fc.Arbitrary<Row | null> = fc.option(
      fc.record({
        round_id: small,
        round_start_unix: small,
        round_end_unix: small,
        round_canonical_id: small,
      }),
      { freq: 3 },
    );
    const spawn = fc.record({ match: fc.nat(2), before: row, after: row });
    const group = fc.record({ at: fc.nat(30), spawns: fc.array(spawn, { minLength: 1, maxLength: 4 }) });
    const plainNames = ({ changes }: PlannedGroup) =>
      changes.flatMap(({ key, before, after }) => [
        `match ${key.match_id}`,
        ...[before, after].flatMap((one) => (one === null ? [] : namesOf(one))),
      ]);
    const namesOf = ({ round_id, round_start_unix: start, round_end_unix: end }: Row) => {
      const span = Math.floor(((end as number) ?? 0) / 30);
      const ends = end === null ? [] : [`end ${span}`, `end ${span + 1}`];
      return [
        ...(round_id === null ? [] : [`round ${round_id}`]),
        ...(start ? [`start ${start}`] : []),
        ...ends,
      ];
    };
    fc.assert(
      fc.property(fc.array(group, { maxLength: 8 }), (all) => {
        const planned = all.map(({ at, spawns }, nth): PlannedGroup => {
          const away = relink({ round: 100 + nth, capture: 100 + nth, ...far(100 + nth) });
          const changes = spawns.map(({ match, before, after }, player) => ({
            ...{ table: 'lua_spawn_stats' as const, before, after },
            key: { match_id: `match ${match + at}`, round_number: 1, player_guid: `${player}` },
          }));
          return { ...away, changes };
        });
        const expected: number[] = [];
        let taken = new Set<string>();
        for (const one of planned) {
          const names = plainNames(one);
          if (expected.length > 0 && names.every((name) => !taken.has(name)))
            expected.push(expected.pop()! + 1);
          else {
            expected.push(1);
            taken = new Set();
          }
          for (const name of names) taken.add(name);
        }
        assert.deepEqual(sizes(planned), expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
