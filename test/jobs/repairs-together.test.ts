import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { exitCodeOf } from '../../jobs/audit-result.ts';
import { look } from '../../jobs/look.ts';
import { noProgress } from '../../jobs/progress.ts';
import { repairAll } from '../../jobs/repairing.ts';
import { runJob } from '../../jobs/run.ts';
import { withLedger, withSource } from '../../src/context.ts';
import { hashOf } from '../../src/core/canonical.ts';
import type { FoldEntry } from '../../src/core/incident.ts';
import type { Json, Row } from '../../src/core/model.ts';
import type { Database } from '../../src/database.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { openLog } from '../../src/log.ts';
import { fillSource } from '../../src/source/create.ts';
import { type DatabaseKind, databaseKinds, forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { captureRow, type Game, game, gametime, roundRow, spawnRow, timingOf, unix } from './games.ts';
import { dealtScenario } from './scenarios.ts';
import { type Asked, type Beginning, comparable, inWorld, longAfter, type World } from './setup.ts';

/** What happens to the source, or is decided, after the plan was made and before its first repair begins. */
interface Disturbance {
  what: keyof typeof disturbances;
  /** Which of the rounds, or captures, that there are. */
  which: number;
}

type Disturb = (
  world: World,
  of: { rounds: readonly Row[]; captures: readonly Row[]; at: number },
) => Promise<unknown>;

const pick = (rows: readonly Row[], at: number): Row | undefined => rows[at % Math.max(1, rows.length)];

const gameOf = (row: Row): Game => {
  const time = String(row.round_time).replaceAll(/[^\d]/g, '').padEnd(6, '0');
  // Some rounds have a time that is none.
  const [minute, second] = [time.slice(2, 4), time.slice(4, 6)].map((part) =>
    `${+part % 60}`.padStart(2, '0'),
  );
  const end = unix(`2026-03-01 20:${minute}:${second}`);
  return { map: String(row.map_name), number: row.round_number as number, start: end - 100, end };
};

const updating = (table: string, id: Row[string] | undefined, values: object) => (world: World) =>
  world.inSource(({ knex }) =>
    knex(table)
      .where({ id: (id ?? 0) as number })
      .update(values),
  );

/** A constraint that is there from now on. */
const refusing = (table: string, condition: string, name: string) => (world: World) =>
  world.inSource(({ knex, dialect }) =>
    knex.raw(
      dialect === 'postgres'
        ? `alter table ${table} add constraint ${name} check (not (${condition})) not valid`
        : `create trigger ${name} before insert on ${table}
           when ${condition.replaceAll(/(\w+) =/g, 'new.$1 =')} begin select raise(abort, '${name}'); end`,
    ),
  );

const disturbances = {
  roundGone: (world, { rounds, at }) =>
    world.inSource(({ knex }) =>
      knex('rounds')
        .where({ id: (pick(rounds, at)?.id ?? 0) as number })
        .delete(),
    ),
  statusChanged: (world, { rounds, at }) =>
    updating('rounds', pick(rounds, at)?.id, { round_status: 'cancelled' })(world),
  timingCame: (world, { rounds, at }) =>
    updating('rounds', pick(rounds, at)?.id, { round_end_unix: unix('2026-03-01 21:00:00') })(world),
  durationCame: (world, { rounds, at }) =>
    updating('rounds', pick(rounds, at)?.id, { actual_duration_seconds: 77 })(world),
  captureGone: (world, { captures, at }) =>
    world.inSource(({ knex }) =>
      knex('lua_round_teams')
        .where({ id: (pick(captures, at)?.id ?? 0) as number })
        .delete(),
    ),
  captureChanged: (world, { captures, at }) =>
    updating('lua_round_teams', pick(captures, at)?.id, { end_reason: 'SURRENDER' })(world),
  linkCleared: (world, { captures, at }) =>
    updating('lua_round_teams', pick(captures, at)?.id, { round_id: null })(world),
  slotTaken: (world, { rounds, at }) =>
    world.inSource(async (database) => {
      const round = pick(rounds, at);
      if (round === undefined) return;
      const row = captureRow(900 + at, game('stranger', 1, '2026-01-30 20:00:00'), round.id as number);
      const taken = await database.knex('lua_round_teams').where({ round_id: round.id as number });
      if (taken.length === 0)
        await fillSource(database, { rounds: [], captures: [{ ...row, match_id: `stranger ${at}` }] });
    }),
  rivalAppeared: (world, { rounds, at }) =>
    world.inSource((database) => {
      const round = pick(rounds, at);
      const late = { ...round, id: 3000 + at, match_id: `late ${at}`, round_canonical_id: null };
      return round === undefined ? Promise.resolve() : fillSource(database, { rounds: [late] });
    }),
  spawnCame: (world, { captures, rounds, at }) =>
    world.inSource(async (database) => {
      const [capture, round] = [pick(captures, at), pick(rounds, at + 1)];
      if (capture === undefined || round === undefined) return;
      const row = spawnRow(gameOf(round), `${at % 10}`.repeat(32), round.id as number);
      await fillSource(database, {
        rounds: [],
        spawns: [{ ...row, match_id: capture.match_id!, map_name: capture.map_name! }],
      });
    }),
  held: async (world, { rounds, at }) => {
    const round = pick(rounds, at);
    if (round === undefined) return;
    await world.decide(round.id as number, { kind: 'incident.held' }).catch(() => undefined);
  },
  released: async (world, { rounds, captures, at }) => {
    const [round, capture] = [pick(rounds, at), pick(captures, at)];
    if (round === undefined || capture === undefined) return;
    const deciding = { kind: 'incident.released', captureId: capture.id as number } as const;
    await world.decide(round.id as number, deciding).catch(() => undefined);
  },
  mapRefused: (world, { rounds, at }) =>
    refusing(
      'lua_round_teams',
      `map_name = '${pick(rounds, at)?.map_name ?? 'none'}'`,
      `no_map_${at}`,
    )(world),
  playerRefused: (world, { at }) =>
    refusing('lua_spawn_stats', `player_guid = '${'ABC'[at % 3]!.repeat(32)}'`, `no_player_${at}`)(world),
} satisfies Record<string, Disturb>;

/** One disturbance may refuse what another one would do. */
function orRefused(thrown: unknown): void {
  if (!/^(23514|SQLITE_CONSTRAINT_TRIGGER)$/.test(String((thrown as { code?: string }).code))) throw thrown;
}

/** Does something when a run first comes to the moment before its repairs begin. */
function beforeRepairs(work: () => Promise<unknown>): Asked['reached'] {
  let done = false;
  return async (moment) => {
    if (moment !== 'planned' || done) return;
    done = true;
    await work();
  };
}

/** The entries as they tell it, incident by incident: what names another entry names its place in that story. */
function storiesOf(entries: readonly FoldEntry[], world: World): Record<string, Json[]> {
  const stories: Record<string, Json[]> = {};
  const names = new Map<Json, string>();
  for (const { seq, kind, source, key, body, at } of entries) {
    stories[key] ??= [];
    const story = stories[key];
    names.set(seq, `${key} ${story.length}`);
    // Packets tell of their own run.
    const { run: _, packet: __, started, previous, ...rest } = body as Record<string, Json>;
    const named = {
      started: names.get(started ?? null) ?? null,
      previous: names.get(previous ?? null) ?? null,
    };
    const text = JSON.stringify({ kind, source, at, ...named, ...rest });
    story.push(JSON.parse(text.replaceAll(world.gametimes, '').replaceAll(world.dataDir, '')));
  }
  return stories;
}

interface Given {
  beginning: Beginning;
  asked: Asked;
  disturbed: readonly Disturbance[];
}

async function outcomeOf(kind: DatabaseKind, given: Given, batches: Pick<Asked, 'batchSize' | 'ahead'>) {
  const { beginning, asked, disturbed } = given;
  return inWorld(kind, beginning, async (world) => {
    const rounds = (beginning.rounds ?? []).filter(({ round_number }) => round_number !== 0);
    const captures = beginning.captures ?? [];
    const reached = beforeRepairs(async () => {
      for (const [nth, { what, which }] of disturbed.entries())
        await (disturbances[what] as Disturb)(world, { rounds, captures, at: which + 20 * nth }).catch(
          orRefused,
        );
    });
    const result = await world.audit({ ...asked, ...batches, reached });
    const entries = await world.entries();
    for (const { body } of entries.filter(({ kind: what }) => what === 'repair.started')) {
      const { changes, hash } = body as Record<string, Json>;
      assert.equal(hash, hashOf(changes!));
    }
    // Every body is canonical, every hash that of its entry, and every incident what its entries tell.
    const { count, problems } = await withLedger(world.config(), verifyChain);
    assert.deepEqual({ count, problems }, { count: entries.length, problems: [] });
    return {
      outcomes: result.verdicts.map(({ roundId, verdict, action, outcome }) => [
        roundId,
        verdict,
        action,
        outcome,
      ]),
      after: result.after,
      fingerprint: result.fingerprint,
      dump: comparable(await world.dump()),
      stories: storiesOf(entries, world),
    };
  });
}

const disturbance: fc.Arbitrary<Disturbance> = fc.record({
  what: fc.constantFrom(...(Object.keys(disturbances) as Disturbance['what'][])),
  which: fc.nat(19),
});

const runs: Record<DatabaseKind, number> = { sqlite: 25, postgres: 5 };

for (const kind of databaseKinds)
  test(
    `Repairs made together come to what they come to one by one, whatever happens meanwhile (${kind})`,
    {
      skip: skipWithoutConnections(kind),
    },
    () =>
      fc.assert(
        fc.asyncProperty(
          fc.nat(1_000_000),
          fc.boolean(),
          fc.array(disturbance, { maxLength: 3 }),
          fc.constantFrom(undefined, 2, 3),
          fc.constantFrom(undefined, { from: 0 }),
          async (seed, crowded, disturbed, batchSize, ahead) => {
            const { beginning, asked } = dealtScenario(seed, { crowded });
            const given = { beginning, asked, disturbed };
            const oneByOne = await outcomeOf(kind, given, { batchSize: 1 });
            assert.deepEqual(await outcomeOf(kind, given, { batchSize, ahead }), oneByOne);
          },
        ),
        // TOGETHER_RUNS=1000 deals more evenings; TOGETHER_SEED the same ones again.
        {
          numRuns: Number(process.env.TOGETHER_RUNS ?? runs[kind]),
          ...(process.env.TOGETHER_SEED ? { seed: Number(process.env.TOGETHER_SEED) } : {}),
          endOnFailure: true,
        },
      ),
  );

const evening = Array.from({ length: 6 }, (_, at) =>
  game(
    at % 2 === 0 ? 'supply' : 'oasis',
    (at % 2) + 1,
    `2026-03-01 2${Math.floor(at / 3)}:${10 + (at % 3) * 15}:00`,
  ),
);
const guids = ['A', 'B'].map((letter) => letter.repeat(32));
const six: Beginning = {
  rounds: evening.map((of, at) => roundRow(at + 1, of)),
  artifacts: evening.map((of) => gametime(of, { spawns: guids })),
};

async function kindsOf(world: World): Promise<string[]> {
  return (await world.entries()).map(({ kind }) => kind).filter((kind) => !kind.startsWith('gap.'));
}

const times = (count: number, kind: string) => Array.from({ length: count }, () => kind);

/** From now on the source takes no spawn rows of this round. */
const refuseSpawns = (of: Game) => refusing('lua_spawn_stats', `round_end_unix = ${of.end}`, 'no_spawns');

forEachDatabase('A batch of repairs', (kind) => {
  test('is begun together, written together and ended together, each with entries of its own', () =>
    inWorld(kind, six, async (world) => {
      const result = await world.audit();
      assert.equal(result.after.covered, 6);
      assert.deepEqual(await kindsOf(world), [...times(6, 'repair.started'), ...times(6, 'repair.done')]);
      const entries = await world.entries('repair.started', 'repair.done');
      const started = entries.slice(0, 6).map(({ seq, key }) => [seq, key]);
      const ended = entries.slice(6).map(({ key, body }) => [(body as { started: number }).started, key]);
      assert.deepEqual(ended, started);
    }));

  test('loses nothing but the one repair that the database refuses', () =>
    inWorld(kind, six, async (world) => {
      await refuseSpawns(evening[2]!)(world);
      const result = await world.audit();
      assert.deepEqual(
        result.verdicts.map(({ outcome }) => outcome),
        ['done', 'done', 'refused (rejected)', 'done', 'done', 'done'],
      );
      const { lua_round_teams, lua_spawn_stats, rounds } = await world.dump();
      assert.deepEqual(lua_round_teams.map(({ round_id }) => round_id).sort(), [1, 2, 4, 5, 6]);
      assert.equal(lua_spawn_stats.length, 10);
      assert.equal(rounds.find(({ id }) => id === 3)!.round_end_unix, null);
      assert.deepEqual(
        (await world.entries('repair.refused')).map(({ body }) => (body as { reason: string }).reason),
        ['rejected'],
      );
      assert.equal(exitCodeOf(result), 3);
    }));

  test('can be undone one repair at a time', () =>
    inWorld(kind, six, async (world) => {
      const before = await world.dump();
      await world.audit();
      const after = await world.dump();
      const started = await world.entries('repair.started');
      await world.revert(started[3]!.seq);
      const { rounds, lua_round_teams, lua_spawn_stats } = await world.dump();
      const others = ({ round_id }: Row) => round_id !== 4;
      assert.deepEqual(lua_round_teams, after.lua_round_teams.filter(others));
      assert.deepEqual(lua_spawn_stats, after.lua_spawn_stats.filter(others));
      assert.deepEqual(rounds[3], before.rounds[3]);
      for (const at of [0, 5, 2, 1, 4]) await world.revert(started[at]!.seq);
      assert.deepEqual(await world.dump(), before);
    }));

  for (const [moment, closing, again] of [
    ['started', 'repair.not_done', true],
    ['written', 'repair.not_done', true],
    ['committed', 'repair.done', false],
  ] as const)
    test(`that ends at ${moment} is closed by the next run, each repair of it as ${closing}`, () =>
      inWorld(kind, six, async (world) => {
        let reached = 0;
        const crash = async (now: string) => {
          if (now === moment && ++reached === 4) throw new Error('the power went out');
        };
        await assert.rejects(world.audit({ reached: crash }), /the power went out/);
        assert.deepEqual(await kindsOf(world), times(6, 'repair.started'));
        assert.equal((await world.audit()).after.covered, 6);
        const more = [...times(6, 'repair.started'), ...times(6, 'repair.done')];
        assert.deepEqual((await kindsOf(world)).slice(6), [...times(6, closing), ...(again ? more : [])]);
        const ends = await world.entries(closing);
        assert.ok(ends.slice(0, 6).every(({ body }) => (body as { certain: boolean }).certain));
      }));

  test('is not begun where the run was asked to end', () =>
    inWorld(kind, six, async (world) => {
      const { signal, abort } = stopper();
      const reached = async (moment: string) => {
        if (moment === 'committed') abort();
      };
      await assert.rejects(world.audit({ batchSize: 4, reached, signal }), /asked to end/);
      assert.deepEqual(await kindsOf(world), [...times(4, 'repair.started'), ...times(4, 'repair.done')]);
    }));

  for (const [what, failing] of [
    ['is whole where the next one cannot be drafted', undefined],
    ['and the next one may both fail', new Error('the lease is gone')],
  ] as const)
    test(what, () =>
      inWorld(kind, six, async (world) => {
        const config = world.config();
        const nowMs = Date.parse(longAfter);
        const asked = {
          config,
          log: openLog('silent'),
          scope: { kind: 'all' } as const,
          nowMs,
          progress: noProgress,
        };
        await world.audit({ settings: { REPAIR: 'off' } });
        const repairing = runJob(config, { command: 'audit', nowMs }, (run) =>
          withSource(config, {}, async (source) => {
            const { plan, observation } = await look(asked, {
              source,
              ledger: run.ledger,
              when: '',
              reading: null,
            });
            const { fingerprint, planned } = plan;
            // What no ledger can hold.
            const [change, ...more] = planned[4]!.changes;
            const unwritable = { ...change!, after: { ...change!.after, winner_team: Number.NaN } };
            const groups = planned.with(4, { ...planned[4]!, changes: [unwritable, ...more] });
            const reached = async (moment: string) => {
              await sleep(20);
              if (moment === 'written' && failing !== undefined) throw failing;
            };
            const { incidents } = observation;
            const shop = {
              config,
              source,
              run,
              fingerprint,
              incidents,
              progress: noProgress,
              batchSize: 4,
              reached,
            };
            return { exitCode: 0, summary: null, result: await repairAll(groups, shop) };
          }),
        );
        await assert.rejects(repairing, failing ?? /NaN/);
        const ends = failing === undefined ? times(4, 'repair.done') : [];
        assert.deepEqual(await kindsOf(world), [...times(4, 'repair.started'), ...ends]);
      }),
    );

  test('of relinks that a crash follows is closed without certainty, as one alone is', () =>
    inWorld(
      kind,
      {
        rounds: evening.map((of, at) => roundRow(at + 1, of)),
        captures: evening.map((of, at) => captureRow(at + 11, of, null)),
      },
      async (world) => {
        const crash = async (now: string) => {
          if (now === 'committed') throw new Error('the power went out');
        };
        await assert.rejects(world.audit({ reached: crash }), /the power went out/);
        await world.audit();
        const ends = await world.entries('repair.done');
        assert.deepEqual(
          ends.map(({ body }) => (body as { certain: boolean }).certain),
          evening.map(() => false),
        );
        const { rounds } = await world.dump();
        assert.deepEqual(
          rounds.map(({ round_start_unix }) => round_start_unix),
          evening.map((of) => timingOf(of).round_start_unix),
        );
      },
    ));
});

function stopper(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('asked to end')) };
}

for (const [how, batches] of [
  ['in its turn', {}],
  ['ahead', { batchSize: 4, ahead: { from: 0 } }],
] as const)
  test(
    `Of a batch only the repair whose row somebody keeps locked is refused as busy (postgres, ${how})`,
    {
      skip: skipWithoutConnections('postgres'),
    },
    () =>
      inWorld('postgres', six, async (world) => {
        const held = await holdRound(world, 5);
        const result = await world.audit(batches);
        await held.release();
        assert.deepEqual(
          result.verdicts.map(({ outcome }) => outcome),
          ['done', 'done', 'done', 'done', 'refused (busy)', 'done'],
        );
        assert.equal((await world.dump()).lua_round_teams.length, 5);
        assert.equal((await world.audit()).after.covered, 6);
      }),
  );

/** Keeps a round locked for writing until `release` is called. */
async function holdRound(world: World, id: number): Promise<{ release(): Promise<void> }> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let done: Promise<void> = Promise.resolve();
  await new Promise<void>((holding) => {
    done = world.inSource(async ({ knex }: Database) => {
      await knex.raw('begin');
      await knex('rounds').where({ id }).forUpdate();
      holding();
      await released;
      await knex.raw('rollback');
    });
  });
  return {
    release: async () => {
      release();
      await done;
    },
  };
}
