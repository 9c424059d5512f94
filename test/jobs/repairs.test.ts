import assert from 'node:assert/strict';
import { it } from 'node:test';
import { canonicalRoundId } from '../../src/core/canonical.ts';
import type { Row } from '../../src/core/model.ts';
import { forEachDatabase } from '../databases.ts';
import { captureRow, type Game, game, gametime, roundRow, spawnRow, timingOf } from './games.ts';
import { type Beginning, type Dump, inWorld, lineOf, linksOf, rowOf, verdictsOf } from './setup.ts';

const [alice, bob, carol] = ['A', 'B', 'C'].map((letter) => letter.repeat(32)) as [string, string, string];

function timingAt(dump: Dump, roundId: number): (Row[string] | undefined)[] {
  const row = rowOf(dump.rounds, roundId);
  return [row.round_start_unix, row.round_end_unix, row.actual_duration_seconds];
}

const ownTiming = (of: Game) => [of.start, of.end, of.end - of.start];

/** The six rounds of te_escape2 on 2026-02-26 (DOMAIN, section 4), by round id. */
const escapes: Record<number, Game> = {
  9982: game('te_escape2', 1, '2026-02-26 22:27:23'),
  9983: game('te_escape2', 2, '2026-02-26 22:33:15', 280),
  9985: game('te_escape2', 1, '2026-02-26 22:40:17', 350),
  9986: game('te_escape2', 2, '2026-02-26 22:44:46', 200),
  9988: game('te_escape2', 1, '2026-02-26 22:50:56', 300),
  9989: game('te_escape2', 2, '2026-02-26 22:56:41', 270),
};

const delays: Record<number, number> = { 9985: 2 };

/** Production had linked four of their captures to the playing before, whose rounds then carried their timing. */
const misplaced: Record<number, number> = { 9985: 9982, 9988: 9985, 9986: 9983, 9989: 9986 };

function escapeEvening(): Beginning {
  const rowOfRound = ([id, of]: [string, Game]) => {
    const sitting = Object.keys(misplaced).find((owner) => misplaced[Number(owner)] === Number(id));
    const foreign = sitting === undefined ? {} : timingOf(escapes[Number(sitting)]!);
    return roundRow(Number(id), of, { delay: delays[Number(id)] ?? 3, ...foreign });
  };
  return {
    rounds: Object.entries(escapes).map(rowOfRound),
    captures: Object.entries(escapes).map(([id, of]) =>
      captureRow(Number(id) - 9000, of, misplaced[Number(id)] ?? null),
    ),
  };
}

forEachDatabase('Relinking', (kind) => {
  it('puts the six captures of te_escape2 on their own rounds, each chain in one group', () =>
    inWorld(kind, escapeEvening(), async (world) => {
      const before = await world.dump();
      const result = await world.audit();
      assert.deepEqual(new Set(Object.values(verdictsOf(result))), new Set(['relinkable']));
      assert.equal(result.verdicts.length, 6);
      // Captures of R1 and of R2 stand in each other's way only among themselves.
      assert.deepEqual(
        result.plan.map(({ repairs }) => repairs.map(({ roundId }) => roundId)),
        [
          [9982, 9985, 9988],
          [9983, 9986, 9989],
        ],
      );
      assert.equal(result.after.covered, 6);
      const after = await world.dump();
      for (const [id, of] of Object.entries(escapes)) {
        assert.equal(linksOf(after)[Number(id) - 9000], Number(id));
        assert.deepEqual(timingAt(after, Number(id)), ownTiming(of));
        assert.equal(
          rowOf(after.rounds, Number(id)).round_canonical_id,
          canonicalRoundId(of.start, of.map, of.number),
        );
      }
      assert.deepEqual((await world.audit()).plan, []);
      assert.equal((await world.entries('repair.started')).length, 2);
      for (const { seq } of (await world.entries('repair.done')).reverse()) await world.revert(seq);
      assert.deepEqual(await world.dump(), before);
    }));

  const contaminated = {
    ...game('te_escape2', 1, '2026-02-24 22:49:44'),
    start: 1771969065,
    end: 1771969784,
  };
  const earlier = game('te_escape2', 1, '2026-02-24 22:32:26');
  const pair = [
    roundRow(9955, earlier, timingOf(contaminated)),
    roundRow(9958, contaminated, timingOf(contaminated)),
  ];

  it('leaves the contaminated pair of 9955 and 9958 alone where the right one has the capture', () =>
    inWorld(kind, { rounds: pair, captures: [captureRow(1, contaminated, 9958)] }, async (world) => {
      const before = await world.dump();
      const result = await world.audit();
      assert.deepEqual(verdictsOf(result), { 9955: 'lost' });
      assert.equal(lineOf(result, 9955).flags.includes('foreign_timing'), true);
      assert.deepEqual(await world.dump(), before);
    }));

  it('moves the capture of the contaminated pair to its owner, and fills the loser from its artifact with it', () =>
    inWorld(
      kind,
      { rounds: pair, captures: [captureRow(1, contaminated, 9955)], artifacts: [gametime(earlier)] },
      async (world) => {
        const before = await world.dump();
        const result = await world.audit();
        assert.deepEqual(verdictsOf(result), { 9955: 'recoverable', 9958: 'relinkable' });
        assert.equal(result.plan.length, 1);
        assert.equal(result.after.covered, 2);
        const after = await world.dump();
        assert.equal(linksOf(after)[1], 9958);
        assert.deepEqual(timingAt(after, 9955), ownTiming(earlier));
        assert.deepEqual(timingAt(after, 9958), ownTiming(contaminated));
        await world.revert();
        assert.deepEqual(await world.dump(), before);
      },
    ));

  it('clears the timing that a wrong link brought to a round which has nothing of its own', () =>
    inWorld(kind, { rounds: pair, captures: [captureRow(1, contaminated, 9955)] }, async (world) => {
      const result = await world.audit();
      assert.deepEqual(verdictsOf(result), { 9955: 'lost', 9958: 'relinkable' });
      const after = await world.dump();
      assert.deepEqual(timingAt(after, 9955), [null, null, null]);
      assert.deepEqual(timingAt(after, 9958), ownTiming(contaminated));
      assert.deepEqual((await world.audit()).plan, []);
    }));

  const first = game('supply', 1, '2026-03-01 21:00:00');
  const second = game('supply', 1, '2026-03-01 21:40:00', 500);

  it('swaps two captures that lie on each other in one group, which is one revert', () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, first, timingOf(second)), roundRow(2, second, timingOf(first))],
        captures: [captureRow(11, first, 2), captureRow(12, second, 1)],
        spawns: [spawnRow(first, alice, 2), spawnRow(second, alice, 1)],
      },
      async (world) => {
        const before = await world.dump();
        const result = await world.audit();
        assert.equal(result.plan.length, 1);
        assert.equal((await world.entries('repair.started')).length, 1);
        const after = await world.dump();
        assert.deepEqual(linksOf(after), { 11: 1, 12: 2 });
        assert.deepEqual(
          after.lua_spawn_stats.map((row) => row.round_id),
          [1, 2],
        );
        assert.deepEqual(timingAt(after, 1), ownTiming(first));
        assert.deepEqual(timingAt(after, 2), ownTiming(second));
        await world.revert();
        assert.deepEqual(await world.dump(), before);
      },
    ));

  it('links a capture whose round is gone, with its spawn rows', () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, first)],
        captures: [captureRow(11, first, 7777)],
        spawns: [spawnRow(first, alice, 7777), spawnRow(first, bob, null)],
      },
      async (world) => {
        const result = await world.audit();
        assert.equal(lineOf(result, 1).reason, 'dangling');
        const after = await world.dump();
        assert.deepEqual(linksOf(after), { 11: 1 });
        assert.deepEqual(
          after.lua_spawn_stats.map((row) => row.round_id),
          [1, 1],
        );
        assert.deepEqual(timingAt(after, 1), ownTiming(first));
      },
    ));

  const stranger = game('adlernest', 2, '2026-03-01 12:00:00');

  it('never clears a wrong holder without a target until a person releases it, and gives it back on revert', () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, first, timingOf(stranger))],
        captures: [captureRow(11, first, null), captureRow(99, stranger, 1)],
        spawns: [spawnRow(stranger, alice, 1)],
      },
      async (world) => {
        const before = await world.dump();
        for (const _ of ['first', 'second']) {
          const result = await world.audit();
          assert.deepEqual([lineOf(result, 1).verdict, lineOf(result, 1).reason], ['conflict', 'slot_taken']);
          assert.deepEqual(await world.dump(), before);
        }
        await world.decide(1, { kind: 'incident.released', captureId: 99 });
        const result = await world.audit();
        assert.deepEqual([lineOf(result, 1).verdict, lineOf(result, 1).outcome], ['relinkable', 'done']);
        const after = await world.dump();
        assert.deepEqual(linksOf(after), { 11: 1, 99: null });
        assert.equal(after.lua_spawn_stats[0]!.round_id, null);
        assert.deepEqual(timingAt(after, 1), ownTiming(first));
        await world.revert();
        assert.deepEqual(await world.dump(), before);
      },
    ));

  it('backfills over a wrong holder that a person released, and gives it back on revert', () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, first)],
        captures: [captureRow(99, stranger, 1)],
        artifacts: [gametime(first, { spawns: [alice] })],
      },
      async (world) => {
        const before = await world.dump();
        assert.equal(lineOf(await world.audit(), 1).reason, 'slot_taken');
        await world.decide(1, { kind: 'incident.released', captureId: 99 });
        const result = await world.audit();
        assert.deepEqual([lineOf(result, 1).verdict, lineOf(result, 1).outcome], ['recoverable', 'done']);
        const after = await world.dump();
        assert.equal(linksOf(after)[99], null);
        assert.equal(after.lua_round_teams.filter(({ round_id }) => round_id === 1).length, 1);
        await world.revert();
        assert.deepEqual(await world.dump(), before);
      },
    ));
});

forEachDatabase('Backfilling', (kind) => {
  const played = game('supply', 2, '2026-02-11 22:02:02');

  it('keeps the values of old spawn rows without a capture, links them, and inserts the missing ones', () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, played)],
        spawns: [spawnRow(played, alice, null), spawnRow(played, bob, 7777, { spawn_count: 3 })],
        artifacts: [gametime(played, { spawns: [alice, bob, carol] })],
      },
      async (world) => {
        const before = await world.dump();
        const result = await world.audit();
        assert.equal(lineOf(result, 1).outcome, 'done');
        const after = await world.dump();
        assert.deepEqual(
          after.lua_spawn_stats.map((row) => [row.player_guid, row.spawn_count, row.round_id]),
          [
            [alice, 11, 1],
            [bob, 3, 1],
            [carol, 23, 1],
          ],
        );
        const [started] = await world.entries('repair.started');
        const body = started!.body as unknown as { changes: { table: string; before: Row | null }[] };
        const spawns = body.changes.filter(({ table }) => table === 'lua_spawn_stats');
        assert.deepEqual(
          spawns.map((change) => change.before === null).sort(),
          [false, false, true],
          'the ledger lists linked and inserted rows',
        );
        await world.revert();
        assert.deepEqual(await world.dump(), before);
      },
    ));

  it('is a conflict where one of its spawn rows is linked to another round', () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, played), roundRow(2, game('oasis', 1, '2026-02-11 23:00:00'))],
        spawns: [spawnRow(played, alice, 2)],
        artifacts: [gametime(played, { spawns: [alice] })],
      },
      async (world) => {
        const before = await world.dump();
        const result = await world.audit();
        assert.deepEqual([lineOf(result, 1).verdict, lineOf(result, 1).reason], ['conflict', 'slot_taken']);
        assert.match(lineOf(result, 1).because, /linked to round 2/);
        assert.deepEqual(await world.dump(), before);
      },
    ));

  it('leaves the canonical id null where another round has it', () =>
    inWorld(
      kind,
      {
        rounds: [
          roundRow(1, played),
          roundRow(2, game('supply', 2, '2026-01-02 20:00:00'), {
            round_canonical_id: canonicalRoundId(played.start, played.map, played.number),
          }),
        ],
        artifacts: [gametime(played)],
      },
      async (world) => {
        const result = await world.audit();
        assert.equal(lineOf(result, 1).outcome, 'done');
        const after = await world.dump();
        assert.equal(rowOf(after.rounds, 1).round_canonical_id, null);
        assert.deepEqual(timingAt(after, 1), ownTiming(played));
      },
    ));

  it('is a conflict where a second server has stored another map under the same key', () =>
    inWorld(
      kind,
      {
        rounds: [
          roundRow(1, played),
          roundRow(2, { ...played, map: 'oasis' }, { match_id: 'second server' }),
        ],
        captures: [captureRow(11, { ...played, map: 'oasis' }, 2)],
        artifacts: [gametime(played)],
      },
      async (world) => {
        const before = await world.dump();
        const result = await world.audit();
        assert.deepEqual([lineOf(result, 1).verdict, lineOf(result, 1).reason], ['conflict', 'key_taken']);
        assert.deepEqual(await world.dump(), before);
      },
    ));

  it("is a conflict where the round carries an end of its own that is not the artifact's", () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, played, { round_end_unix: played.end + 1 })],
        artifacts: [gametime(played)],
      },
      async (world) => {
        const before = await world.dump();
        const result = await world.audit();
        assert.deepEqual(
          [lineOf(result, 1).verdict, lineOf(result, 1).reason],
          ['conflict', 'timing_in_the_way'],
        );
        assert.deepEqual(await world.dump(), before);
      },
    ));

  it('fills only what is empty on the round', () =>
    inWorld(
      kind,
      {
        rounds: [
          roundRow(1, played, {
            actual_duration_seconds: 77,
            end_reason: 'SURRENDER',
            total_pause_seconds: 9,
            pause_count: 1,
          }),
          roundRow(2, game('supply', 1, '2026-02-11 21:50:00'), {
            actual_duration_seconds: 0,
            end_reason: '',
            total_pause_seconds: null,
            pause_count: 0,
          }),
        ],
        artifacts: [
          gametime(played),
          gametime(game('supply', 1, '2026-02-11 21:50:00'), { pauseSeconds: 20 }),
        ],
      },
      async (world) => {
        assert.equal((await world.audit()).after.covered, 2);
        const after = await world.dump();
        const values = (id: number) => {
          const row = rowOf(after.rounds, id);
          return [row.actual_duration_seconds, row.end_reason, row.total_pause_seconds, row.pause_count];
        };
        assert.deepEqual(values(1), [77, 'SURRENDER', 9, 1]);
        assert.deepEqual(values(2), [400, 'OBJECTIVE', 20, 1]);
      },
    ));
});

forEachDatabase('REPAIR_COVERED', (kind) => {
  const played = game('supply', 1, '2026-03-01 21:00:00');
  const beginning: Beginning = {
    rounds: [roundRow(1, played)],
    captures: [captureRow(11, played, 1)],
    artifacts: [gametime(played, { spawns: [alice, bob] })],
  };
  const settings = { REPAIR_COVERED: 'on' };

  it('off counts what a covered round lacks and fills nothing', () =>
    inWorld(kind, beginning, async (world) => {
      const before = await world.dump();
      const result = await world.audit();
      assert.deepEqual(result.flags, { timing_not_propagated: 1, no_spawn_rows: 1 });
      assert.deepEqual(result.plan, []);
      assert.deepEqual(await world.dump(), before);
    }));

  it('on fills timing and spawn rows as a repair of its own kind, once', () =>
    inWorld(kind, { ...beginning, settings }, async (world) => {
      const before = await world.dump();
      const result = await world.audit();
      assert.deepEqual(
        result.plan.map(({ repairs, outcome }) => [repairs.map((repair) => repair.kind), outcome]),
        [[['complete'], 'done']],
      );
      const after = await world.dump();
      assert.deepEqual(timingAt(after, 1), ownTiming(played));
      assert.deepEqual(
        after.lua_spawn_stats.map((row) => [row.player_guid, row.round_id]),
        [
          [alice, 1],
          [bob, 1],
        ],
      );
      assert.deepEqual(after.lua_round_teams, before.lua_round_teams);
      const second = await world.audit();
      assert.deepEqual([second.plan, second.flags], [[], {}]);
      await world.revert();
      assert.deepEqual(await world.dump(), before);
    }));

  it('on leaves what was reverted alone until somebody reopens it', () =>
    inWorld(kind, { ...beginning, settings }, async (world) => {
      const before = await world.dump();
      await world.audit();
      const filled = await world.dump();
      await world.revert();
      for (const _ of ['first', 'second', 'third']) {
        await world.audit();
        assert.deepEqual(await world.dump(), before);
      }
      await world.decide(1, { kind: 'incident.reopened' });
      await world.audit();
      assert.deepEqual((await world.dump()).rounds, filled.rounds);
    }));
});
