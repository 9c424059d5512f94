import assert from 'node:assert/strict';
import { it } from 'node:test';
import { daysOf } from '../../jobs/demo.ts';
import { verifyLedger } from '../../jobs/ledger.ts';
import { forEachDatabase } from '../databases.ts';
import { causesOf, comparable, fixture, inWorld, lineOf, rowOf, verdictsOf } from './setup.ts';

const { rounds, captures, artifacts, expected, settings } = fixture('incident-2026-02');
const beginning = { rounds, captures, artifacts, settings };

/** DOMAIN, section 6. */
const days = [
  {
    day: '2026-02-16',
    rounds: 12,
    missingBefore: 4,
    missing: 4,
    missingR2: 4,
    r2Ids: [9856, 9865, 9868, 9871],
  },
  {
    day: '2026-02-11',
    rounds: 16,
    missingBefore: 16,
    missing: 6,
    missingR2: 6,
    r2Ids: [9819, 9825, 9828, 9831, 9833, 9836],
  },
];

forEachDatabase('The incident of February 2026', (kind) => {
  it('gets the verdict that is expected of each round, and comes to its numbers per day', () =>
    inWorld(kind, beginning, async (world) => {
      const first = await world.audit();
      const gaps = expected.filter(({ verdict }) => verdict !== 'covered');
      assert.deepEqual(
        verdictsOf(first),
        Object.fromEntries(gaps.map(({ round_id, verdict }) => [round_id, verdict])),
      );
      assert.deepEqual(
        causesOf(first),
        Object.fromEntries(gaps.map(({ round_id, cause }) => [round_id, cause])),
      );
      assert.equal(first.counts.covered, 8);
      assert.equal(first.after.covered, 18);
      assert.equal(first.after.lost, 22);

      const second = await world.plan();
      const table = daysOf(rounds, first, second);
      assert.deepEqual(table.slice(0, 2), days);
      assert.deepEqual(
        table
          .slice(2)
          .map(({ day, rounds: played, missing, missingR2 }) => [day, played, missing, missingR2]),
        [
          ['2026-02-06', 11, 11, 8],
          ['2026-02-04', 1, 1, 1],
        ],
      );
    }));

  it('leaves nothing to do for a second audit, which writes nothing anywhere', () =>
    inWorld(kind, beginning, async (world) => {
      await world.audit();
      const [dump, entries] = [await world.dump(), await world.entries()];
      const second = await world.audit();
      assert.deepEqual(second.plan, []);
      assert.deepEqual(new Set(second.verdicts.map(({ action }) => action)), new Set(['none']));
      assert.deepEqual(await world.dump(), dump);
      assert.deepEqual(await world.entries(), entries);
    }));

  it('leaves a ledger whose chain and whose repaired rows verify', () =>
    inWorld(kind, beginning, async (world) => {
      await world.audit();
      const { chain, rows } = await verifyLedger(world.config(), { anchors: [], rows: true });
      assert.deepEqual(chain.problems, []);
      assert.equal(rows!.length >= 20, true, 'a capture and a round of each repair');
      assert.deepEqual(new Set(rows!.map(({ state }) => state)), new Set(['intact']));
    }));

  it('gives back the source exactly when every repair is reverted, the last one first', () =>
    inWorld(kind, beginning, async (world) => {
      const before = await world.dump();
      await world.audit();
      const repairs = await world.entries('repair.done');
      assert.equal(repairs.length, 10);
      for (const { seq } of repairs.reverse()) await world.revert(seq);
      assert.deepEqual(await world.dump(), before);
    }));

  it('holds a round whose repair was reverted until somebody reopens it, and then repairs it the same', () =>
    inWorld(kind, beginning, async (world) => {
      await world.audit();
      const repaired = await world.dump();
      const { incidents } = await world.revert();
      const reverted = await world.dump();
      const { round } = (await world.entries('gap.found')).find(({ key }) => key === incidents[0])!.body as {
        round: { roundId: number };
      };
      assert.equal(reverted.lua_round_teams.length, repaired.lua_round_teams.length - 1);
      assert.equal(rowOf(reverted.rounds, round.roundId).round_start_unix, null);

      for (const _ of ['next', 'the one after']) {
        const held = await world.audit();
        assert.equal(lineOf(held, round.roundId).action, 'held');
        assert.deepEqual(held.plan, []);
        assert.deepEqual(await world.dump(), reverted);
      }

      await world.decide(round.roundId, { kind: 'incident.reopened' });
      const again = await world.audit();
      assert.equal(lineOf(again, round.roundId).outcome, 'done');
      assert.deepEqual(comparable(await world.dump()), comparable(repaired));
    }));
});
