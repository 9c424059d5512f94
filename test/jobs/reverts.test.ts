import assert from 'node:assert/strict';
import { it } from 'node:test';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import type { Database } from '../../src/database.ts';
import { OperationError, UsageError } from '../../src/errors.ts';
import { fillSource } from '../../src/source/create.ts';
import { forEachDatabase } from '../databases.ts';
import { captureRow, game, gametime, roundRow, spawnRow, timingOf } from './games.ts';
import { type Beginning, inWorld, lineOf, linksOf, type World } from './setup.ts';

const alice = 'A'.repeat(32);
const first = game('supply', 1, '2026-03-01 21:00:00');
const second = game('supply', 1, '2026-03-01 21:40:00', 500);

const backfill: Beginning = {
  rounds: [roundRow(1, first)],
  artifacts: [gametime(first, { spawns: [alice] })],
};
/** The capture of round 2 lies on round 1, with its timing. */
const relink: Beginning = {
  rounds: [roundRow(1, first, timingOf(second)), roundRow(2, second)],
  captures: [captureRow(12, second, 1)],
  spawns: [spawnRow(second, alice, 1)],
};

/** What somebody does after the repair, and what the refusal of its revert names. */
interface Meddling {
  name: string;
  beginning: Beginning;
  meddle: (database: Database, world: World) => Promise<unknown>;
  refusal: RegExp;
}

const capture = (database: Database) => database.knex('lua_round_teams').where({ round_id: 1 });
const addCapture = (database: Database, row: ReturnType<typeof captureRow>) =>
  fillSource(database, { rounds: [], captures: [row] });

const meddlings: Meddling[] = [
  {
    name: 'the capture has changed since',
    beginning: backfill,
    meddle: (database) => capture(database).update({ winner_team: 1 }),
    refusal: /lua_round_teams .*2026-03-01-210000.* has changed since the repair/,
  },
  {
    name: 'the capture is gone',
    beginning: backfill,
    meddle: (database) => capture(database).delete(),
    refusal: /lua_round_teams .*2026-03-01-210000.* is gone since the repair/,
  },
  {
    name: 'the round has changed since',
    beginning: backfill,
    meddle: (database) => database.knex('rounds').where({ id: 1 }).update({ end_reason: 'SURRENDER' }),
    refusal: /rounds .*"id":1.* has changed since the repair/,
  },
  {
    name: 'a spawn row has changed since',
    beginning: backfill,
    meddle: (database) => database.knex('lua_spawn_stats').update({ death_count: 0 }),
    refusal: /lua_spawn_stats .*A{32}.* has changed since the repair/,
  },
  {
    name: 'another capture has taken the slot',
    beginning: relink,
    meddle: (database) => addCapture(database, captureRow(99, game('oasis', 2, '2026-03-01 10:00:00'), 1)),
    refusal: /capture 99 \(2026-03-01-100000 R2\) is linked to round 1 by now/,
  },
  {
    name: 'another table refers to the capture',
    beginning: backfill,
    async meddle(database) {
      await database.knex.raw(
        'create table round_correlations (id integer, lua_id integer references lua_round_teams(id))',
      );
      const { id } = await capture(database).first();
      await database.knex('round_correlations').insert({ id: 1, lua_id: id });
    },
    refusal: /round_correlations\.lua_id refers to capture 2026-03-01-210000 R1/,
  },
];

forEachDatabase('revert', (kind) => {
  for (const { name, beginning, meddle, refusal } of meddlings) {
    it(`refuses with names, and changes nothing, where ${name}`, () =>
      inWorld(kind, beginning, async (world) => {
        await world.audit();
        await world.inSource((database) => meddle(database, world));
        const before = await world.dump();
        const { seq } = (await world.entries('repair.started')).at(-1)!;
        await assert.rejects(world.revert(seq), (thrown: unknown) => {
          assert.equal(thrown instanceof OperationError, true);
          assert.match(String(thrown), refusal);
          return true;
        });
        assert.deepEqual(await world.dump(), before);
        assert.equal((await world.entries('revert.not_done')).length, 1);
        assert.deepEqual(await world.entries('revert.done'), []);
      }));
  }

  it('refuses while a later repair stands on the same rows, and works in the other order', () =>
    inWorld(kind, relink, async (world) => {
      const before = await world.dump();
      await world.audit();
      const between = await world.dump();
      world.putArtifact(gametime(first));
      await world.audit();
      const repairs = (await world.entries('repair.started')).map(({ seq }) => seq);
      assert.equal(repairs.length, 2, 'the second repair fills the round that the first one emptied');
      await assert.rejects(world.revert(repairs[0]), (thrown: unknown) => {
        assert.match(String(thrown), new RegExp(`repair ${repairs[1]} depends on repair ${repairs[0]}`));
        return true;
      });
      await world.revert(repairs[1]);
      assert.deepEqual(await world.dump(), between);
      await world.revert(repairs[0]);
      assert.deepEqual(await world.dump(), before);
    }));

  it('refuses what is no repair, what changed nothing, and what was reverted already', () =>
    inWorld(kind, backfill, async (world) => {
      await world.audit();
      const [found] = await world.entries('gap.found');
      await assert.rejects(world.revert(found!.seq), UsageError);
      await assert.rejects(world.revert(9999), UsageError);
      const done = (await world.entries('repair.done'))[0]!;
      await world.revert(done.seq);
      await assert.rejects(world.revert(done.seq), /was reverted already, by entry/);
    }));

  it('ends its hold when the live pipeline covers the round itself', () =>
    inWorld(kind, backfill, async (world) => {
      await world.audit();
      await world.revert();
      assert.equal(lineOf(await world.audit(), 1).action, 'held');
      await world.inSource((database) => addCapture(database, captureRow(77, first, 1)));
      assert.equal((await world.audit()).counts.covered, 1);
      const incident = await world.incident(1);
      assert.deepEqual([incident.status, incident.held], ['closed', null]);
      assert.deepEqual(linksOf(await world.dump()), { 77: 1 });
    }));
});

/** What happens to a repaired row afterwards, and what `ledger verify` calls it. */
const fates: Record<
  string,
  { happens: (database: Database) => Promise<unknown>; states: string[]; exitCode: number }
> = {
  nothing: { happens: async () => undefined, states: [], exitCode: 0 },
  'somebody changes a value': {
    happens: (database) => capture(database).update({ winner_team: 1 }),
    states: ['lua_round_teams changed'],
    exitCode: 3,
  },
  'somebody deletes it': {
    happens: (database) => capture(database).delete(),
    states: ['lua_round_teams deleted'],
    exitCode: 3,
  },
  'somebody changes the round': {
    happens: (database) => database.knex('rounds').where({ id: 1 }).update({ round_start_unix: null }),
    states: ['rounds changed'],
    exitCode: 3,
  },
  'the live pipeline stores it again': {
    happens: (database) =>
      capture(database).update({ time_limit_minutes: 0, captured_at: '2026-09-01T00:00:00.000Z' }),
    states: ['lua_round_teams overwritten'],
    exitCode: 0,
  },
  'somebody changes a value and the start, with a newer time': {
    happens: (database) =>
      capture(database).update({ round_start_unix: 1, captured_at: '2026-09-01T00:00:00.000Z' }),
    states: ['lua_round_teams changed'],
    exitCode: 3,
  },
};

forEachDatabase('ledger verify', (kind) => {
  for (const [name, { happens, states, exitCode }] of Object.entries(fates)) {
    it(`says "${states[0] ?? 'intact'}" after this: ${name}`, () =>
      inWorld(kind, backfill, async (world) => {
        await world.audit();
        await world.inSource(happens);
        const check = await verifyLedger(world.config(), { anchors: [], rows: true });
        assert.deepEqual(check.chain.problems, []);
        assert.equal(check.rows!.length, 3, 'capture, spawn row and round');
        assert.deepEqual(
          check
            .rows!.filter(({ state }) => state !== 'intact')
            .map(({ table, state }) => `${table} ${state}`),
          states,
        );
        assert.equal(verifyExitCode(check), exitCode);
      }));
  }

  it('asks nothing of rows whose repair was reverted, and of the repair before where there was one', () =>
    inWorld(kind, relink, async (world) => {
      await world.audit();
      world.putArtifact(gametime(first));
      await world.audit();
      await world.revert();
      const state = async () => {
        const { rows } = await verifyLedger(world.config(), { anchors: [], rows: true });
        return rows!.map(({ state }) => state);
      };
      assert.deepEqual(await state(), ['intact', 'intact', 'intact', 'intact']);
      const [started] = await world.entries('repair.started');
      await world.revert(started!.seq);
      assert.deepEqual(await state(), []);
    }));
});
