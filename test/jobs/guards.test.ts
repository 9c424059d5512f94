import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { exitCodeOf } from '../../jobs/audit-result.ts';
import { OperationError } from '../../src/errors.ts';
import { fillSource } from '../../src/source/create.ts';
import { databaseKinds, forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { captureRow, type Game, game, gametime, roundRow, timingOf } from './games.ts';
import { inWorld, lineOf, linksOf } from './setup.ts';

const [first, second, third] = [
  game('supply', 1, '2026-03-01 21:00:00'),
  game('supply', 2, '2026-03-01 21:15:00'),
  game('oasis', 1, '2026-03-01 21:30:00'),
] as [Game, Game, Game];
const three = {
  rounds: [roundRow(1, first), roundRow(2, second), roundRow(3, third)],
  artifacts: [gametime(first), gametime(second), gametime(third)],
};

forEachDatabase('A guarded audit', (kind) => {
  it('with REPAIR=off says what it would repair and never writes to the source', () =>
    inWorld(kind, { ...three, settings: { REPAIR: 'off' } }, async (world) => {
      const before = await world.dump();
      for (const _ of ['first', 'second']) {
        const result = await world.audit();
        assert.deepEqual(
          result.verdicts.map(({ verdict, action, outcome }) => [verdict, action, outcome]),
          Array(3).fill(['recoverable', 'backfill', 'refused (repair_off)']),
        );
        assert.equal(exitCodeOf(result), 3);
        assert.deepEqual(await world.dump(), before);
      }
      assert.deepEqual(await world.entries('repair.started', 'plan.stopped'), []);
      assert.equal((await world.entries('gap.found')).length, 3);
    }));

  it('over MAX_REPAIRS writes nothing, says so once, and goes on with the expected fingerprint', () =>
    inWorld(kind, { ...three, settings: { MAX_REPAIRS: '2' } }, async (world) => {
      const before = await world.dump();
      let fingerprint = '';
      for (const now of ['2026-08-01T12:00:00Z', '2026-08-01T12:03:00Z', '2026-08-02T12:00:00Z']) {
        const result = await world.audit({ now });
        assert.equal(exitCodeOf(result), 3);
        assert.equal(lineOf(result, 1).outcome, 'refused (max_repairs)');
        assert.equal(
          fingerprint === '' || fingerprint === result.fingerprint,
          true,
          'time does not change it',
        );
        fingerprint = result.fingerprint;
      }
      assert.deepEqual(await world.dump(), before);
      assert.equal((await world.entries('plan.stopped')).length, 1);

      const result = await world.audit({ expect: fingerprint });
      assert.deepEqual([exitCodeOf(result), result.after.covered], [0, 3]);
    }));

  it('at MAX_REPAIRS, or without a limit, repairs', async () => {
    for (const limit of ['3', '0'])
      await inWorld(kind, { ...three, settings: { MAX_REPAIRS: limit } }, async (world) => {
        assert.equal((await world.audit()).after.covered, 3);
      });
  });

  it('that expects another plan throws and writes nothing at all, not even to the ledger', () =>
    inWorld(kind, three, async (world) => {
      const before = await world.dump();
      const wrong = { expect: '0'.repeat(64) };
      await assert.rejects(world.audit(wrong), (thrown: unknown) => {
        assert.equal(thrown instanceof OperationError, true);
        assert.match(String(thrown), /nothing was written/);
        return true;
      });
      await assert.rejects(world.plan(wrong), OperationError);
      assert.deepEqual(await world.dump(), before);
      assert.deepEqual(await world.entries(), []);
      assert.equal(existsSync(`${world.dataDir}/artifacts`), false);
    }));

  it('in a dry run writes nothing anywhere, and plans what the audit then does', () =>
    inWorld(kind, three, async (world) => {
      const before = await world.dump();
      const planned = await world.plan();
      assert.deepEqual(
        planned.verdicts.map(({ outcome }) => outcome),
        ['planned', 'planned', 'planned'],
      );
      assert.equal(planned.ledger, null);
      assert.equal(existsSync(world.dataDir), false);
      assert.deepEqual(await world.dump(), before);

      const done = await world.audit({ expect: planned.fingerprint });
      assert.equal(done.fingerprint, planned.fingerprint);
      assert.deepEqual(
        done.plan.map(({ changes }) => changes),
        planned.plan.map(({ changes }) => changes),
      );
    }));
});

for (const kind of databaseKinds) {
  const skip = skipWithoutConnections(kind);

  it(`A capture that the live pipeline stores between plan and write wins (${kind})`, { skip }, () =>
    inWorld(kind, { rounds: [roundRow(1, first)], artifacts: [gametime(first)] }, async (world) => {
      const result = await world.audit({
        reached: async (moment) => {
          if (moment !== 'started') return;
          const live = captureRow(77, first, 1, { time_limit_minutes: 0 });
          await world.inSource((database) => fillSource(database, { rounds: [], captures: [live] }));
        },
      });
      assert.equal(lineOf(result, 1).outcome, 'refused (capture_exists)');
      assert.deepEqual([result.counts.recoverable, result.after.covered], [1, 1]);
      assert.deepEqual(linksOf(await world.dump()), { 77: 1 });
      const ends = await world.entries('repair.refused', 'gap.closed');
      assert.deepEqual(
        ends.map((entry) => entry.kind),
        ['repair.refused', 'gap.closed'],
      );
      assert.equal((await world.incident(1)).status, 'closed');
    }),
  );

  it(`A round whose status changes between plan and write is left alone (${kind})`, { skip }, () =>
    inWorld(kind, { rounds: [roundRow(1, first)], artifacts: [gametime(first)] }, async (world) => {
      const result = await world.audit({
        reached: async (moment) => {
          if (moment !== 'started') return;
          await world.inSource(({ knex }) =>
            knex('rounds').where({ id: 1 }).update({ round_status: 'cancelled' }),
          );
        },
      });
      assert.equal(lineOf(result, 1).outcome, 'refused (round_changed)');
      assert.equal(result.after.exempt.status, 1);
      assert.deepEqual((await world.dump()).lua_round_teams, []);
      const { closed } = await world.incident(1);
      assert.equal(closed?.as, 'exempt');
    }),
  );

  it(`A link that the live pipeline sets between plan and write wins (${kind})`, { skip }, () =>
    inWorld(
      kind,
      { rounds: [roundRow(1, first)], captures: [captureRow(11, first, null)] },
      async (world) => {
        const result = await world.audit({
          reached: async (moment) => {
            if (moment !== 'started') return;
            await world.inSource(async ({ knex }) => {
              await knex('lua_round_teams').where({ id: 11 }).update({ round_id: 1 });
              await knex('rounds').where({ id: 1 }).update(timingOf(first));
            });
          },
        });
        assert.equal(lineOf(result, 1).outcome, 'refused (link_changed)');
        assert.equal(result.after.covered, 1);
      },
    ),
  );

  it(`One refused repair ends no other (${kind})`, { skip }, () =>
    inWorld(kind, three, async (world) => {
      let started = 0;
      const result = await world.audit({
        reached: async (moment) => {
          if (moment !== 'started' || ++started !== 2) return;
          await world.inSource(({ knex }) => knex('rounds').where({ id: 2 }).delete());
        },
      });
      assert.deepEqual(
        result.verdicts.map(({ outcome }) => outcome),
        ['done', 'refused (round_gone)', 'done'],
      );
      assert.equal(result.after.covered, 2);
      assert.equal((await world.entries('gap.closed')).length, 1);
    }),
  );
}
