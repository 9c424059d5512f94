import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodeOf } from '../../jobs/audit-result.ts';
import type { Moment } from '../../jobs/repairing.ts';
import { withLedger } from '../../src/context.ts';
import { openWriter, type Writer } from '../../src/ledger/append-ahead.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { type Game, game, gametime, roundRow } from './games.ts';
import { type Asked, type Beginning, inWorld, type World } from './setup.ts';

/* Repairs whose ledger is written while their source is: with the starts of each batch the ends of the one before. */

const evening: readonly Game[] = Array.from({ length: 6 }, (_, at) =>
  game(
    at % 2 === 0 ? 'supply' : 'oasis',
    (at % 2) + 1,
    `2026-03-01 2${Math.floor(at / 3)}:${10 + (at % 3) * 15}:00`,
  ),
);
const six: Beginning = {
  rounds: evening.map((of, at) => roundRow(at + 1, of)),
  artifacts: evening.map((of) => gametime(of, { spawns: ['A'.repeat(32)] })),
};

/** Two batches: of four repairs, and of two. */
const twoBatches = { batchSize: 4, ahead: { from: 0 } } as const;

/** Two batches, where something happens in place of the nth write of the ledger. */
const inPlaceOf = (
  nth: number,
  write: (real: () => ReturnType<Writer['write']>) => ReturnType<Writer['write']>,
): Asked => ({
  batchSize: 4,
  ahead: {
    ...{ from: 0, patienceMs: 50 },
    async open(ledger) {
      const writer = (await openWriter(ledger))!;
      let writes = 0;
      return {
        close: () => writer.close(),
        write: (addition) =>
          ++writes === nth ? write(() => writer.write(addition)) : writer.write(addition),
      };
    },
  },
});

/** Two batches, where something happens to the ledger before the nth of its writes. */
const before = (nth: number, happens: () => Promise<unknown>): Asked =>
  inPlaceOf(nth, async (real) => {
    await happens();
    return real();
  });

const short: Record<string, string> = { 'repair.started': 'S', 'repair.done': 'D', 'repair.not_done': 'N' };

/** The ledger in letters: started, done, not done; other kinds by name, but for what an audit says of gaps. */
async function letters(world: World): Promise<string> {
  const kinds = (await world.entries()).map(({ kind }) => kind).filter((kind) => !kind.startsWith('gap.'));
  return kinds.map((kind) => short[kind] ?? ` ${kind} `).join('');
}

async function assertIntact(world: World): Promise<void> {
  assert.deepEqual((await withLedger(world.config(), verifyChain)).problems, []);
}

/** The next audit closes what was left open, and every round has its capture, once. */
async function assertMended(world: World): Promise<void> {
  assert.equal((await world.audit()).after.covered, 6);
  assert.equal((await world.dump()).lua_round_teams.length, 6);
  const [starts, ends] = [
    await world.entries('repair.started'),
    await world.entries('repair.done', 'repair.not_done', 'repair.refused'),
  ];
  const closed = ends.map(({ body }) => (body as { started: number }).started);
  assert.deepEqual(
    closed.sort((a, b) => a - b),
    starts.map(({ seq }) => seq),
    'each start is closed once',
  );
  await assertIntact(world);
}

const power = 'the power went out';

/** Throws when a moment is reached for the nth time. */
const failingAt = (moment: Moment, nth: number) => {
  let times = 0;
  return async (now: Moment) => {
    if (now === moment && ++times === nth) throw new Error(power);
  };
};

forEachDatabase('A ledger that is written while the source is', (kind) => {
  // Who decides looks at the source, which is in use.
  const skip = skipWithoutConnections(kind);

  test('tells the same in the same order as one that is written in its turn', () =>
    inWorld(kind, six, async (world) => {
      const result = await world.audit(twoBatches);
      assert.deepEqual([result.after.covered, exitCodeOf(result)], [6, 0]);
      assert.equal(await letters(world), 'SSSSDDDDSSDD');
      await assertMended(world);
    }));

  for (const [moment, nth, told] of [
    ['started', 1, 'SSSS'],
    ['written', 4, 'SSSS'],
    ['committed', 4, 'SSSS'],
    ['planned', 5, 'SSSSDDDD'],
    ['started', 5, 'SSSSDDDDSS'],
    ['written', 5, 'SSSSDDDDSS'],
    ['committed', 5, 'SSSSDDDDSS'],
  ] as const)
    test(`has told what the source holds when the run fails at ${moment} of repair ${nth}`, () =>
      inWorld(kind, six, async (world) => {
        const reached = failingAt(moment, nth);
        await assert.rejects(world.audit({ ...twoBatches, reached }), new RegExp(power));
        assert.equal(await letters(world), told);
        await assertMended(world);
      }));

  test('has told what the source holds when the run is asked to end', () =>
    inWorld(kind, six, async (world) => {
      const stop = new AbortController();
      const reached = async (moment: Moment) => {
        if (moment === 'committed') stop.abort(new Error('asked to end'));
      };
      await assert.rejects(world.audit({ ...twoBatches, reached, signal: stop.signal }), /asked to end/);
      assert.equal(await letters(world), 'SSSSDDDD');
      await assertMended(world);
    }));

  test('takes a decision that comes in between: the batch is begun again, without that round', { skip }, () =>
    inWorld(kind, six, async (world) => {
      const result = await world.audit(before(2, () => world.decide(5, { kind: 'incident.held' })));
      assert.deepEqual(
        result.verdicts.map(({ outcome }) => outcome),
        ['done', 'done', 'done', 'done', 'refused (decision_changed)', 'done'],
      );
      assert.equal(await letters(world), 'SSSS incident.held DDDDSD');
      assert.equal((await world.dump()).lua_round_teams.length, 5);
      await assertIntact(world);
    }),
  );

  test('takes a note that comes in between: nothing is lost by it', { skip }, () =>
    inWorld(kind, six, async (world) => {
      const noting = () => world.decide(1, { kind: 'incident.noted' });
      assert.equal((await world.audit(before(1, noting))).after.covered, 6);
      assert.equal(await letters(world), ' incident.noted SSSSDDDDSSDD');
      await assertMended(world);
    }),
  );

  test(
    'tells of no end before its beginning is stored, also where the source refuses all of a batch',
    {
      skip,
    },
    () =>
      inWorld(kind, six, async (world) => {
        let planned = 0;
        const reached = async (moment: Moment) => {
          if (moment === 'planned' && ++planned === 5)
            await world.inSource(({ knex }) =>
              knex('rounds').where('id', '>', 4).update({ round_status: 'cancelled' }),
            );
        };
        const noting = () => world.decide(1, { kind: 'incident.noted' });
        await world.audit({ ...before(2, noting), reached });
        assert.equal(await letters(world), 'SSSS incident.noted DDDDSS repair.refused  repair.refused ');
        const seqs = (await world.entries('repair.started')).map(({ seq }) => seq);
        const refused = await world.entries('repair.refused');
        assert.deepEqual(
          refused.map(({ body }) => (body as { started: number }).started),
          seqs.slice(4),
        );
        await assertIntact(world);
      }),
  );

  test('commits nothing to the source where another run has taken over', () =>
    inWorld(kind, six, async (world) => {
      const takingOver = () =>
        withLedger(world.config(), ({ database }) =>
          database.knex('leases').update({ token: 'theirs', fence: 99 }),
        );
      await assert.rejects(world.audit(before(2, takingOver)), /took over/);
      assert.equal(await letters(world), 'SSSS');
      assert.equal((await world.dump()).lua_round_teams.length, 4);
      await withLedger(world.config(), ({ database }) => database.knex('leases').delete());
      await assertMended(world);
    }));

  for (const [how, write] of [
    ['fails', () => Promise.reject(new Error('the disk is full'))],
    [
      'ends before it answers',
      (real) => real().then(() => Promise.reject(new Error('the thread has ended'))),
    ],
    ['takes longer than anybody should keep the source locked', (real) => sleep(300).then(real)],
  ] as const satisfies [string, Parameters<typeof inPlaceOf>[1]][])
    for (const nth of [1, 2])
      test(`tells the same in the same order where write ${nth} ${how}`, () =>
        inWorld(kind, six, async (world) => {
          assert.equal((await world.audit(inPlaceOf(nth, write))).after.covered, 6);
          assert.equal(await letters(world), 'SSSSDDDDSSDD');
          await assertMended(world);
        }));

  test('leaves out what it left out, where it has to begin again', { skip }, () =>
    inWorld(kind, six, async (world) => {
      let planned = 0;
      const reached = async (moment: Moment) => {
        if (moment === 'planned' && ++planned === 5) await world.decide(5, { kind: 'incident.held' });
      };
      const reopening = () => world.decide(5, { kind: 'incident.reopened' });
      const result = await world.audit({ ...before(2, reopening), reached });
      assert.equal(result.verdicts[4]!.outcome, 'refused (decision_changed)');
      assert.equal(await letters(world), 'SSSS incident.held  incident.reopened DDDDSD');
      await assertMended(world);
    }),
  );

  test('is written in its turn where nobody is there to write it', () =>
    inWorld(kind, six, async (world) => {
      const nobody: Asked = { batchSize: 4, ahead: { from: 0, open: async () => null } };
      assert.equal((await world.audit(nobody)).after.covered, 6);
      assert.equal(await letters(world), 'SSSSDDDDSSDD');
      await assertMended(world);
    }));
});
