import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { exitCodeOf } from '../../jobs/audit-result.ts';
import { decide, listAll } from '../../jobs/incidents.ts';
import type { Moment } from '../../jobs/repairing.ts';
import { type Database, isLockTimeout } from '../../src/database.ts';
import { OperationError } from '../../src/errors.ts';
import { fillSource } from '../../src/source/create.ts';
import { databaseKinds, forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { captureRow, type Game, game, gametime, roundRow, timingOf } from './games.ts';
import {
  type Beginning,
  inWorld,
  lineOf,
  linksOf,
  longAfter,
  rowOf,
  verdictsOf,
  type World,
} from './setup.ts';

const [alice, bob] = ['A'.repeat(32), 'B'.repeat(32)] as [string, string];
const [first, second, third] = [
  game('supply', 1, '2026-03-01 21:00:00'),
  game('supply', 2, '2026-03-01 21:15:00'),
  game('oasis', 1, '2026-03-01 21:30:00'),
] as [Game, Game, Game];
const three = {
  rounds: [roundRow(1, first), roundRow(2, second), roundRow(3, third)],
  artifacts: [gametime(first), gametime(second), gametime(third)],
};
const one = { rounds: [roundRow(1, first)], artifacts: [gametime(first)] };

/** Holds a round by what the ledger says alone: PGlite has no second connection while an audit is at work. */
async function hold(world: World, roundId: number): Promise<void> {
  const found = (await listAll(world.config(), 'all')).find(({ round }) => round?.roundId === roundId);
  const said = { by: 'a person', reason: 'looking into it', nowMs: Date.parse(longAfter) };
  await decide(world.config(), { id: found!.id, deciding: { kind: 'incident.held' }, ...said });
}

/** Does something the first time that a run comes to a moment. */
function once(moment: Moment, work: () => Promise<unknown>): (reached: Moment) => Promise<void> {
  let done = false;
  return async (reached) => {
    if (reached !== moment || done) return;
    done = true;
    await work();
  };
}

const minutesAfter = (minutes: number) => new Date(Date.parse(longAfter) + minutes * 60_000).toISOString();

async function kindsOf(world: World): Promise<string[]> {
  return (await world.entries()).map(({ kind }) => kind);
}

async function startedRounds(world: World): Promise<number[]> {
  const started = await world.entries('repair.started');
  return started.flatMap(({ body }) =>
    (body as unknown as { repairs: { roundId: number }[] }).repairs.map(({ roundId }) => roundId),
  );
}

function ruling(result: AuditResult, roundId: number): string {
  const { verdict, reason } = lineOf(result, roundId);
  return `${verdict} (${reason})`;
}

forEachDatabase('A hold made while an audit is at work', (kind) => {
  it('survives the repair that had started before it', () =>
    inWorld(kind, one, async (world) => {
      const result = await world.audit({ reached: once('started', () => hold(world, 1)) });
      assert.deepEqual([lineOf(result, 1).outcome, result.after.covered], ['done', 1]);
      assert.deepEqual(
        (await kindsOf(world)).filter((entry) => !entry.startsWith('gap.')),
        ['repair.started', 'incident.held', 'repair.done'],
      );
      for (const _ of ['after its repair', 'after the next audit']) {
        const { held, status } = await world.incident(1);
        assert.deepEqual([held?.by, status], ['a person', 'closed']);
        await world.audit();
      }
    }));

  for (const [batchSize, moment] of [
    [undefined, 'planned'],
    [1, 'committed'],
  ] as const)
    it(`before its own repair has started is respected, though the plan did not know of it (${batchSize === 1 ? 'one by one' : 'together'})`, () =>
      inWorld(kind, three, async (world) => {
        const result = await world.audit({ batchSize, reached: once(moment, () => hold(world, 2)) });
        assert.deepEqual(
          result.verdicts.map(({ outcome }) => outcome),
          ['done', 'refused (decision_changed)', 'done'],
        );
        assert.equal(result.after.covered, 2);
        assert.deepEqual(await startedRounds(world), [1, 3]);
        assert.deepEqual(await world.entries('repair.refused'), []);
        const { lua_round_teams, rounds } = await world.dump();
        assert.deepEqual(lua_round_teams.map(({ round_id }) => round_id).sort(), [1, 3]);
        assert.equal(rowOf(rounds, 2).round_end_unix, null);

        const next = await world.audit();
        assert.deepEqual([lineOf(next, 2).action, lineOf(next, 2).outcome], ['held', null]);
        assert.equal(exitCodeOf(next), 0, 'what is held is not open');
      }));
});

for (const kind of databaseKinds) {
  const skip = skipWithoutConnections(kind);

  for (const [where, delay, settled] of [
    ['nearer', 1, { 2: 'done' }],
    ['farther', 20, { 1: 'done' }],
  ] as const)
    test(
      `A round imported between plan and write, ${where} to the same artifact, refuses the repair (${kind})`,
      {
        skip,
      },
      () =>
        inWorld(kind, one, async (world) => {
          const late = roundRow(2, first, { delay });
          const result = await world.audit({
            reached: once('started', () =>
              world.inSource((database) => fillSource(database, { rounds: [late] })),
            ),
          });
          assert.equal(lineOf(result, 1).outcome, 'refused (rival_appeared)');
          assert.equal(exitCodeOf(result), 3);
          assert.deepEqual((await world.dump()).lua_round_teams, []);
          assert.equal((await world.entries('repair.refused')).length, 1);

          const next = await world.audit({ now: minutesAfter(15) });
          const done = next.verdicts.filter(({ outcome }) => outcome === 'done');
          assert.deepEqual(
            Object.fromEntries(done.map(({ roundId, outcome }) => [roundId, outcome])),
            settled,
          );
          const { lua_round_teams } = await world.dump();
          assert.deepEqual(
            lua_round_teams.map(({ round_id }) => String(round_id)),
            Object.keys(settled),
          );
        }),
    );
}

/** From now on the source takes no capture of supply. */
const refuseSupply = ({ knex, dialect }: Database) =>
  knex.raw(
    dialect === 'postgres'
      ? `alter table lua_round_teams add constraint no_supply check (map_name <> 'supply')`
      : `create trigger no_supply before insert on lua_round_teams when new.map_name = 'supply'
         begin select raise(abort, 'no supply'); end`,
  );

const allowSupply = ({ knex, dialect }: Database) =>
  knex.raw(
    dialect === 'postgres'
      ? 'alter table lua_round_teams drop constraint no_supply'
      : 'drop trigger no_supply',
  );

forEachDatabase('A repair that the source never takes', (kind) => {
  it('is written down once, waits 15 minutes, then twice as long, and stays open', () =>
    inWorld(kind, one, async (world) => {
      await world.inSource(refuseSupply);
      const outcomes: Record<number, string | null> = {};
      const entriesAfter: Record<number, number> = {};
      for (const minutes of [0, 3, 14, 15, 18, 44, 45]) {
        if (minutes === 45) await world.inSource(allowSupply);
        const result = await world.audit({ now: minutesAfter(minutes) });
        outcomes[minutes] = lineOf(result, 1).outcome;
        entriesAfter[minutes] = (await world.entries()).length;
        assert.deepEqual([exitCodeOf(result), result.open], minutes === 45 ? [0, false] : [3, true]);
      }
      const [waiting, rejected] = ['refused (waiting)', 'refused (rejected)'];
      assert.deepEqual(outcomes, {
        0: rejected,
        3: waiting,
        14: waiting,
        15: rejected,
        18: waiting,
        44: waiting,
        45: 'done',
      });
      assert.deepEqual(entriesAfter, { 0: 3, 3: 3, 14: 3, 15: 5, 18: 5, 44: 5, 45: 7 });
      assert.equal((await world.incident(1)).refusal, null);
    }));

  it('keeps no other repair waiting', () =>
    inWorld(kind, three, async (world) => {
      await world.inSource(refuseSupply);
      const outcomes = async (minutes: number) =>
        (await world.audit({ now: minutesAfter(minutes) })).verdicts.map(({ roundId, outcome }) => [
          roundId,
          outcome,
        ]);
      assert.deepEqual(await outcomes(0), [
        [1, 'refused (rejected)'],
        [2, 'refused (rejected)'],
        [3, 'done'],
      ]);
      assert.deepEqual(await outcomes(3), [
        [1, 'refused (waiting)'],
        [2, 'refused (waiting)'],
      ]);
    }));

  it('is tried at once where its rows have changed, or a person reopens its incident', () =>
    inWorld(kind, one, async (world) => {
      await world.inSource(refuseSupply);
      await world.audit();
      await world.inSource(({ knex }) => knex('rounds').where({ id: 1 }).update({ end_reason: 'SURRENDER' }));
      assert.equal(lineOf(await world.audit({ now: minutesAfter(1) }), 1).outcome, 'refused (rejected)');
      assert.equal(lineOf(await world.audit({ now: minutesAfter(2) }), 1).outcome, 'refused (waiting)');
      await world.decide(1, { kind: 'incident.reopened' });
      assert.equal(lineOf(await world.audit({ now: minutesAfter(3) }), 1).outcome, 'refused (rejected)');
    }));
});

forEachDatabase('REPAIR_COVERED=on', (kind) => {
  const settings = { REPAIR_COVERED: 'on' };
  const kindsPlanned = ({ plan }: AuditResult) =>
    plan.map(({ repairs, outcome }) => [...repairs.map((repair) => repair.kind), outcome]);

  it('leaves the run open where MAX_REPAIRS stops a plan of completions only', () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, first), roundRow(2, second)],
        captures: [captureRow(11, first, 1), captureRow(12, second, 2)],
        settings: { ...settings, MAX_REPAIRS: '1' },
      },
      async (world) => {
        const before = await world.dump();
        const result = await world.audit();
        assert.deepEqual(kindsPlanned(result), [
          ['complete', 'refused (max_repairs)'],
          ['complete', 'refused (max_repairs)'],
        ]);
        assert.deepEqual([result.open, result.stopped, result.state], [true, 'max_repairs', 'open']);
        assert.deepEqual([exitCodeOf(result), result.after.covered], [3, 2]);
        assert.deepEqual(await world.dump(), before);
        assert.deepEqual(await kindsOf(world), ['plan.stopped']);

        const wanted = await world.audit({ expect: result.fingerprint });
        assert.deepEqual([wanted.open, wanted.stopped, exitCodeOf(wanted)], [false, null, 0]);
      },
    ));

  it('brings the spawn rows of the artifact in the same run as the relink', () =>
    inWorld(
      kind,
      {
        rounds: [roundRow(1, first)],
        captures: [captureRow(11, first, null)],
        artifacts: [gametime(first, { spawns: [alice, bob] })],
        settings,
      },
      async (world) => {
        const before = await world.dump();
        assert.deepEqual(kindsPlanned(await world.audit()), [['relink', 'done']]);
        const after = await world.dump();
        assert.deepEqual(
          after.lua_spawn_stats.map(({ player_guid, round_id }) => [player_guid, round_id]),
          [
            [alice, 1],
            [bob, 1],
          ],
        );
        const again = await world.audit();
        assert.deepEqual([again.plan, again.flags], [[], {}]);
        await world.revert();
        assert.deepEqual(await world.dump(), before);
      },
    ));

  for (const [what, timing, planned] of [
    ['plans nothing where the timing is there', timingOf(first), []],
    ['plans the timing once', {}, [['complete', 'done']]],
  ] as const)
    it(`${what}, in a source without lua_spawn_stats`, () =>
      inWorld(
        kind,
        {
          rounds: [roundRow(1, first, timing)],
          captures: [captureRow(11, first, 1)],
          artifacts: [gametime(first, { spawns: [alice] })],
          settings,
        },
        async (world) => {
          await world.inSource(({ knex }) => knex.schema.dropTable('lua_spawn_stats'));
          assert.deepEqual(kindsPlanned(await world.audit()), planned);
          const again = await world.audit();
          assert.deepEqual([again.plan, again.flags, exitCodeOf(again)], [[], {}, 0]);
          assert.equal((await world.entries('repair.started')).length, planned.length);
        },
      ));
});

forEachDatabase('An insane double', (kind) => {
  for (const [what, end] of [
    ['an end before its start', first.start - 10],
    ['the end 0', 0],
  ] as const)
    it(`with ${what} does not hide the good capture that is linked`, () =>
      inWorld(
        kind,
        {
          rounds: [roundRow(1, first, timingOf(first))],
          captures: [
            captureRow(11, first, 1),
            captureRow(12, first, null, { match_id: '2026-03-01-205250', round_end_unix: end }),
          ],
        },
        async (world) => {
          const result = await world.audit();
          assert.deepEqual([result.counts.covered, result.plan, exitCodeOf(result)], [1, [], 0]);
          assert.deepEqual(await world.entries(), []);
          assert.deepEqual(linksOf(await world.dump()), { 11: 1, 12: null });
        },
      ));
});

describe('Without a unique round_id', () => {
  const skip = skipWithoutConnections('postgres');

  it('nobody else links a capture while a repair is in its transaction (postgres)', { skip }, () =>
    inWorld(
      'postgres',
      {
        version: 'february',
        rounds: [roundRow(1, first)],
        captures: [captureRow(11, first, null), captureRow(12, third, null)],
      },
      async (world) => {
        const linkAnother = () =>
          world.inSource(async ({ knex }) => {
            await knex.raw(`set lock_timeout = '500ms'`);
            await knex('lua_round_teams').where({ id: 12 }).update({ round_id: 1 });
          });
        let waited = false;
        const result = await world.audit({
          reached: once('written', async () => {
            await assert.rejects(linkAnother(), isLockTimeout);
            waited = true;
          }),
        });
        assert.deepEqual([waited, lineOf(result, 1).outcome], [true, 'done']);
        assert.deepEqual(linksOf(await world.dump()), { 11: 1, 12: null });
        await linkAnother();
      },
    ),
  );
});

forEachDatabase('A damaged artifact that was touched a second ago', (kind) => {
  for (const [ended, age, verdict] of [
    ['a week ago', 7 * 86_400, 'damaged (not_whole)'],
    ['an hour ago', 3_600, 'unchecked (artifact_unreadable)'],
  ] as const)
    it(`is ${verdict} where its round ended ${ended}`, () => {
      const { name, bytes } = gametime(first);
      const nowUnix = first.end + age;
      const cut = { name, bytes: bytes.slice(0, 300), modifiedUnix: nowUnix - 1 };
      return inWorld(kind, { rounds: [roundRow(1, first)], artifacts: [cut] }, async (world) => {
        const result = await world.audit({ now: new Date(nowUnix * 1000).toISOString() });
        assert.equal(ruling(result, 1), verdict);
        assert.equal(exitCodeOf(result), 3);
      });
    });
});

forEachDatabase("A person's choice", (kind) => {
  const later = (of: Game, seconds: number): Game => ({ ...of, end: of.end + seconds });

  it('stays in force after its repair, where nothing else would decide', () => {
    // Round 1 has X 2 s before its file and Y 5 s after it; X lies as near to round 2. The start of Y stands
    // on round 3 as well, so that the start which the repair brings to round 1 proves nothing.
    const x = first;
    const y = { ...later(first, 7), start: first.start + 1 };
    const other = game('supply', 1, '2026-03-01 21:40:00');
    const sharesStart = { ...timingOf(other), round_start_unix: y.start };
    return inWorld(
      kind,
      {
        rounds: [
          roundRow(1, first, { delay: 2 }),
          roundRow(2, first, { delay: -2 }),
          roundRow(3, other, sharesStart),
        ],
        captures: [captureRow(11, x, null), captureRow(12, y, null)],
      },
      async (world) => {
        const undecided = await world.audit();
        assert.equal(ruling(undecided, 1), 'ambiguous (several_captures)');
        assert.equal(ruling(undecided, 2), 'ambiguous (capture_fits_several)');
        await world.decide(1, { kind: 'incident.resolved', candidate: 'capture:12' });
        const result = await world.audit();
        assert.deepEqual([lineOf(result, 1).outcome, result.after.covered], ['done', 1]);
        const [dump, entries] = [await world.dump(), await world.entries()];
        assert.deepEqual(linksOf(dump), { 11: null, 12: 1 });

        for (const _ of ['first', 'second']) {
          const next = await world.audit();
          assert.deepEqual([next.counts.covered, next.plan], [1, []]);
          assert.equal(1 in verdictsOf(next), false);
          assert.deepEqual(await world.dump(), dump);
          assert.deepEqual(await world.entries(), entries);
        }
        const { resolution, status } = await world.incident(1);
        assert.deepEqual([resolution, status], [{ kind: 'capture', captureId: 12 }, 'closed']);
      },
    );
  });

  const near = { ...later(first, -2), start: first.start - 2 };
  const far = later(first, 2);
  const joining = { ...later(first, -4), start: first.start - 4 };
  const round = roundRow(1, first, { delay: 0 });
  const joined: Record<string, Beginning & { join: (world: World) => Promise<unknown>; named: string }> = {
    capture: {
      rounds: [round],
      captures: [captureRow(11, near, null), captureRow(12, far, null)],
      join: (world) =>
        world.inSource((database) =>
          fillSource(database, { rounds: [], captures: [captureRow(13, joining, null)] }),
        ),
      named: 'capture:13',
    },
    artifact: {
      rounds: [round],
      artifacts: [gametime(near), gametime(far)],
      join: async (world) => world.putArtifact(gametime(joining)),
      named: gametime(joining).name,
    },
  };

  for (const [what, { join, named, ...beginning }] of Object.entries(joined))
    it(`can be a third ${what} that joined an ambiguous round, which is recorded once`, () =>
      inWorld(kind, beginning, async (world) => {
        const reason = `ambiguous (several_${what}s)`;
        assert.equal(ruling(await world.audit(), 1), reason);
        await join(world);
        for (const _ of ['first', 'second']) assert.equal(ruling(await world.audit(), 1), reason);
        assert.deepEqual(await kindsOf(world), ['gap.found', 'gap.changed']);

        const candidate = what === 'artifact' ? `${world.gametimes}/${named}` : named;
        await world.decide(1, { kind: 'incident.resolved', candidate });
        assert.equal(lineOf(await world.audit(), 1).outcome, 'done');
        const linked = (await world.dump()).lua_round_teams.filter(({ round_id }) => round_id === 1);
        assert.deepEqual(
          linked.map(({ round_end_unix }) => round_end_unix),
          [joining.end],
        );
      }));
});

forEachDatabase('An audit that expects another plan', (kind) => {
  it('closes no interrupted repair either, and with the right one closes it and goes on', () =>
    inWorld(kind, one, async (world) => {
      const { fingerprint } = await world.plan();
      const crash = async () => {
        throw new Error('the power went out');
      };
      await assert.rejects(world.audit({ reached: once('started', crash) }), /the power went out/);
      const [before, source] = [await world.entries(), await world.dump()];
      assert.equal(before.at(-1)!.kind, 'repair.started');

      await assert.rejects(world.audit({ expect: '0'.repeat(64) }), OperationError);
      assert.deepEqual(await world.entries(), before);
      assert.deepEqual(await world.dump(), source);

      const result = await world.audit({ expect: fingerprint });
      assert.deepEqual([lineOf(result, 1).outcome, exitCodeOf(result)], ['done', 0]);
      assert.deepEqual((await kindsOf(world)).slice(before.length), [
        'repair.not_done',
        'repair.started',
        'repair.done',
      ]);
    }));
});
