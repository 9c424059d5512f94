import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { it } from 'node:test';
import { exitCodeOf } from '../../jobs/audit-result.ts';
import type { Scope } from '../../jobs/scope.ts';
import { UsageError } from '../../src/errors.ts';
import { fillSource } from '../../src/source/create.ts';
import { forEachDatabase } from '../databases.ts';
import { captureRow, type Game, game, gametime, roundRow, unix } from './games.ts';
import { type Beginning, inWorld, lineOf, linksOf, verdictsOf, type World } from './setup.ts';

const ids = (result: { verdicts: readonly { roundId: number }[] }) =>
  result.verdicts.map(({ roundId }) => roundId).sort((a, b) => a - b);

/** What a cycle looks at on a day: the seven days before it, and every open incident. */
const lookback = (until: string, since: string): Scope => ({ kind: 'lookback', since, until });

const onDays = ['2026-03-01', '2026-03-02', '2026-03-03', '2026-03-04'].map((day, at) => ({
  id: at + 1,
  of: game('supply', 1, `${day} 21:00:00`),
}));

forEachDatabase('The window', (kind) => {
  const scopes: [string, Scope, number[]][] = [
    ['lookback', lookback('2026-03-04', '2026-03-02'), [2, 3, 4]],
    [
      '--since and --until, both included',
      { kind: 'days', since: '2026-03-02', until: '2026-03-03' },
      [2, 3],
    ],
    ['--since alone', { kind: 'days', since: '2026-03-03', until: null }, [3, 4]],
    ['--until alone', { kind: 'days', since: null, until: '2026-03-01' }, [1]],
    ['a day without rounds', { kind: 'days', since: '2026-03-09', until: '2026-03-09' }, []],
    ['--all', { kind: 'all' }, [1, 2, 3, 4]],
    ['--round', { kind: 'round', roundId: 3 }, [3]],
  ];
  for (const [name, scope, expected] of scopes) {
    it(`of ${name} judges the rows inside it and no other`, () =>
      inWorld(kind, { rounds: onDays.map(({ id, of }) => roundRow(id, of)) }, async (world) => {
        const result = await world.audit({ scope, now: '2026-03-04T21:00:00Z' });
        assert.deepEqual(ids(result), expected);
        assert.equal(result.rowsRead, expected.length);
        if (expected.length === 0) assert.deepEqual([result.state, exitCodeOf(result)], ['no_rounds', 0]);
      }));
  }

  it('of a round that does not exist is a usage error', () =>
    inWorld(kind, { rounds: [] }, async (world) => {
      await assert.rejects(world.audit({ scope: { kind: 'round', roundId: 5 } }), UsageError);
    }));

  it('repairs only inside it', () =>
    inWorld(
      kind,
      {
        rounds: onDays.map(({ id, of }) => roundRow(id, of)),
        artifacts: onDays.map(({ of }) => gametime(of)),
      },
      async (world) => {
        const result = await world.audit({ scope: { kind: 'round', roundId: 2 } });
        assert.deepEqual([result.after.covered, result.rowsRead], [1, 1]);
        assert.equal((await world.dump()).lua_round_teams.length, 1);
      },
    ));

  const [old] = onDays as [{ id: number; of: Game }];
  const next = { id: 50, of: game('oasis', 1, '2026-03-20 21:00:00') };
  const later = {
    scope: lookback('2026-03-20', '2026-03-13'),
    now: '2026-03-20T21:00:00Z',
    settings: { SETTLE_HOURS: '8000' },
  };
  const twoEvenings = { rounds: [roundRow(old.id, old.of), roundRow(next.id, next.of)] };

  it('of a cycle finds open incidents outside it again, once each, and repairs them', () =>
    inWorld(kind, twoEvenings, async (world) => {
      await world.audit({
        now: '2026-03-01T21:00:00Z',
        scope: { kind: 'days', since: '2026-03-01', until: '2026-03-01' },
      });
      const found = await world.audit(later);
      assert.deepEqual([ids(found), found.rowsRead], [[1, 50], 2]);
      world.putArtifact(gametime(old.of));
      const repaired = await world.audit(later);
      assert.deepEqual(verdictsOf(repaired), { 1: 'recoverable', 50: 'missing' });
      // The same two rows before and after, although the first is no longer open.
      assert.deepEqual([repaired.rowsRead, repaired.after.covered, repaired.after.missing], [2, 1, 1]);
      assert.deepEqual(ids(await world.audit(later)), [50], 'what is closed is not looked for any more');
    }));

  it('of a cycle closes an open incident whose row is gone, and opens it again when it returns', () =>
    inWorld(kind, twoEvenings, async (world) => {
      await world.audit({ ...later, scope: { kind: 'all' } });
      const deleted = await world.inSource(({ knex }) => knex('rounds').where({ id: 1 }).delete());
      assert.equal(deleted, 1);
      const gone = await world.audit(later);
      assert.deepEqual(ids(gone), [50]);
      const [closed] = await world.entries('gap.closed');
      assert.equal((closed!.body as { as: string }).as, 'vanished');
      await world.audit(later);
      assert.equal((await world.entries('gap.closed')).length, 1);

      // Re-imported: another id, the same round.
      await world.inSource((database) => fillSource(database, { rounds: [roundRow(300, old.of)] }));
      await world.audit({ ...later, scope: { kind: 'all' } });
      const incident = await world.incident(300);
      assert.deepEqual([incident.status, incident.openedAt !== incident.closed?.at], ['open', true]);
      assert.equal((await world.entries('gap.found')).length, 3);
    }));

  it('of days does not take a row outside it for vanished', () =>
    inWorld(kind, twoEvenings, async (world) => {
      await world.audit({ ...later, scope: { kind: 'all' } });
      await world.audit({ ...later, scope: { kind: 'days', since: '2026-03-20', until: '2026-03-20' } });
      await world.audit({ ...later, scope: { kind: 'round', roundId: 50 } });
      assert.deepEqual(await world.entries('gap.closed'), []);
    }));
});

forEachDatabase('A row whose time cannot be read', (kind) => {
  const of = onDays[0]!.of;
  const malformed: Record<number, [string | null, string | null]> = {
    1: [null, '210003'],
    2: ['2026-03-01', null],
    3: ['2026-13-45', '210003'],
    4: ['2026-02-30', '210003'],
    5: ['2026-03-01', '2561'],
    6: ['2026-03-01', '256100'],
    7: ['01.03.2026', '210003'],
    8: ['2026-03-01', '21:0003'],
    9: ['', ''],
    10: ['2026-02-29', '210003'],
  };
  const rounds = Object.entries(malformed).map(([id, [round_date, round_time]]) =>
    roundRow(Number(id), of, { match_id: `malformed ${id}`, round_date, round_time }),
  );
  const readable = roundRow(20, of, { round_time: '21:00:03' });

  for (const [name, scope] of Object.entries<Scope>({
    'the whole history': { kind: 'all' },
    'its own day': { kind: 'days', since: '2026-03-01', until: '2026-03-01' },
    'another year': { kind: 'days', since: '2025-01-01', until: '2025-01-02' },
    'a cycle': lookback('2026-07-01', '2026-06-24'),
  })) {
    it(`belongs to the window of ${name}, is unchecked, and takes nobody's capture`, () =>
      inWorld(
        kind,
        { rounds: [...rounds, readable], captures: [captureRow(11, of, null)] },
        async (world) => {
          const result = await world.audit({ scope });
          assert.deepEqual(
            ids(result).filter((id) => id < 20),
            Object.keys(malformed).map(Number),
          );
          for (const line of result.verdicts)
            if (line.roundId < 20) assert.deepEqual([line.verdict, line.reason], ['unchecked', 'bad_time']);
          assert.equal(result.rowsRead, result.counts.unchecked + result.counts.relinkable);
          assert.equal(exitCodeOf(result), 3);
          const again = await world.audit({ scope });
          assert.deepEqual(again.counts.unchecked, result.counts.unchecked);
          assert.equal((await world.entries('gap.changed', 'gap.closed')).length, 0);
        },
      ));
  }

  it('does not include an old row with colons in its time', () =>
    inWorld(kind, { rounds: [readable], captures: [captureRow(11, of, null)] }, async (world) => {
      assert.equal((await world.audit()).after.covered, 1);
    }));
});

forEachDatabase('A place of artifacts', (kind) => {
  const known = game('supply', 1, '2026-03-01 21:00:00');
  const lost = game('supply', 2, '2026-03-01 21:20:00');
  const other = game('oasis', 1, '2026-03-01 22:00:00');
  const beginning: Beginning = {
    rounds: [roundRow(1, known), roundRow(2, lost)],
    artifacts: [gametime(known), gametime(other)],
    settings: { REPAIR: 'off' },
  };
  const entriesOf = (world: World) => world.entries().then((entries) => entries.map(({ kind }) => kind));

  it('that vanishes is one entry, loses no round, says nothing per round, and is one entry when it returns', () =>
    inWorld(kind, beginning, async (world) => {
      const settings = { GAMETIME_PATHS: world.gametimes };
      const away = `${world.gametimes}-away`;
      renameSync(world.gametimes, away);
      mkdirSync(world.gametimes);
      const first = await world.audit({ settings });
      assert.deepEqual(verdictsOf(first), { 1: 'unchecked', 2: 'unchecked' });
      assert.deepEqual([first.state, exitCodeOf(first)], ['nothing_checked', 3]);
      const kinds = ['place.unreadable', 'gap.found', 'gap.found'];
      assert.deepEqual(await entriesOf(world), kinds);
      for (const now of ['2026-08-01T12:03:00Z', '2026-08-09T12:00:00Z'])
        assert.equal((await world.audit({ settings, now })).after.lost, 0);
      assert.deepEqual(await entriesOf(world), kinds);

      renameSync(away, world.gametimes);
      const back = await world.audit({ settings });
      assert.deepEqual(verdictsOf(back), { 1: 'recoverable', 2: 'lost' });
      assert.deepEqual((await entriesOf(world)).slice(kinds.length).sort(), [
        'gap.changed',
        'gap.written_off',
        'place.readable',
      ]);
    }));

  it('that vanishes later takes nothing from rounds that were seen, and never makes one lost', () =>
    inWorld(kind, beginning, async (world) => {
      await world.audit();
      const entries = await world.entries();
      const settings = { GAMETIME_PATHS: world.gametimes };
      const away = `${world.gametimes}-away`;
      renameSync(world.gametimes, away);
      const gone = await world.audit({ settings });
      assert.deepEqual(
        verdictsOf(gone),
        { 1: 'recoverable', 2: 'unchecked' },
        'the first one has a kept copy',
      );
      await world.audit({ settings });
      assert.deepEqual(await entriesOf(world), [...entries.map((entry) => entry.kind), 'place.unreadable']);
      renameSync(away, world.gametimes);
      await world.audit();
      assert.deepEqual(
        (await world.entries()).slice(entries.length).map((entry) => entry.kind),
        ['place.unreadable', 'place.readable'],
      );
    }));

  it('that the server cleaned up is made good by the copy that was kept', () =>
    inWorld(kind, beginning, async (world) => {
      const seen = await world.audit();
      world.removeArtifact(gametime(known).name);
      const planned = await world.plan({ settings: { REPAIR: 'on' } });
      assert.equal(planned.fingerprint, seen.fingerprint);
      const result = await world.audit({ settings: { REPAIR: 'on' } });
      assert.deepEqual([lineOf(result, 1).outcome, result.after.covered], ['done', 1]);
      assert.deepEqual((await world.audit()).plan, []);
    }));
});

forEachDatabase('A later audit', (kind) => {
  const of = game('supply', 1, '2026-03-01 21:00:00');

  it('turns what was written off as lost into closed when a late capture covers it', () =>
    inWorld(kind, { rounds: [roundRow(1, of)] }, async (world) => {
      const lost = await world.audit();
      assert.deepEqual([lineOf(lost, 1).action, lineOf(lost, 1).outcome], ['write_off', 'done']);
      assert.equal(exitCodeOf(lost), 0, 'what is written off is not open');
      assert.equal(lineOf(await world.audit(), 1).action, 'none');
      await world.inSource((database) =>
        fillSource(database, { rounds: [], captures: [captureRow(11, of, 1)] }),
      );
      assert.equal((await world.audit()).counts.covered, 1);
      const incident = await world.incident(1);
      assert.deepEqual(
        [incident.status, incident.closed?.as, incident.closed?.by],
        ['closed', 'covered', 'pipeline'],
      );
      const [closed] = await world.entries('gap.closed');
      const [written] = await world.entries('gap.written_off');
      assert.equal((closed!.body as { previous: number }).previous, written!.seq);
    }));

  it('repairs what was written off as lost when an artifact turns up', () =>
    inWorld(kind, { rounds: [roundRow(1, of)] }, async (world) => {
      await world.audit();
      world.putArtifact(gametime(of));
      const result = await world.audit();
      assert.deepEqual([lineOf(result, 1).verdict, lineOf(result, 1).outcome], ['recoverable', 'done']);
      assert.equal((await world.entries('gap.changed')).length, 1);
    }));

  it('closes a gap as exempt when its status changes', () =>
    inWorld(kind, { rounds: [roundRow(1, of)] }, async (world) => {
      await world.audit();
      await world.inSource(({ knex }) => knex('rounds').update({ round_status: 'cancelled' }));
      assert.equal((await world.audit()).counts.exempt.status, 1);
      assert.equal((await world.incident(1)).closed?.as, 'exempt');
    }));

  it('does not bring a written-off round back to missing because it was imported again', () =>
    inWorld(kind, { rounds: [roundRow(1, of)] }, async (world) => {
      await world.audit();
      await world.inSource(({ knex }) => knex('rounds').update({ created_at: '2026-08-01 13:50:00' }));
      assert.deepEqual(verdictsOf(await world.audit()), { 1: 'lost' });
    }));

  it('waits for the live pipeline, then looks for a day, then writes off', () =>
    inWorld(kind, { rounds: [roundRow(1, of)] }, async (world) => {
      const steps: [string, string, string[]][] = [
        ['2026-03-01T20:04:00Z', 'pending', []],
        ['2026-03-01T20:05:10Z', 'missing', ['gap.found', 'alert.raised']],
        ['2026-03-02T19:00:00Z', 'missing', ['alert.urgent']],
        ['2026-03-02T20:01:00Z', 'lost', ['gap.written_off', 'alert.recovered']],
      ];
      const owed: string[] = [];
      for (const [now, verdict, more] of steps) {
        owed.push(...more);
        assert.deepEqual(verdictsOf(await world.audit({ now })), { 1: verdict }, now);
        assert.deepEqual(
          (await world.entries()).map((entry) => entry.kind),
          owed,
          now,
        );
      }
    }));
});

forEachDatabase('The clock', (kind) => {
  it('at midnight parts neither a round from its capture nor an R2 from its R1', () => {
    const r1 = { ...game('erdenberg_t2', 1, '2026-02-20 23:58:10'), end: 1771628290 };
    const r2 = game('erdenberg_t2', 2, '2026-02-21 00:12:00');
    const across = game('supply', 1, '2026-02-20 23:59:59');
    const day = (date: string): Scope => ({ kind: 'days', since: date, until: date });
    return inWorld(
      kind,
      {
        rounds: [
          roundRow(1, r1),
          roundRow(2, r2, { match_id: '2026-02-20-235813' }),
          roundRow(3, across, { delay: 2 }),
        ],
        captures: [captureRow(11, r1, null), captureRow(13, across, null)],
        artifacts: [gametime(r2)],
      },
      async (world) => {
        assert.deepEqual(verdictsOf(await world.plan({ scope: day('2026-02-20') })), { 1: 'relinkable' });
        const result = await world.audit({ scope: day('2026-02-21') });
        assert.deepEqual(verdictsOf(result), { 2: 'recoverable', 3: 'relinkable' });
        assert.deepEqual(linksOf(await world.dump())[13], 3);
        assert.equal((await world.audit()).after.covered, 3);
      },
    );
  });

  it('that is set back gives an hour twice, and each round its own capture', () => {
    const repeated = unix('2026-10-25 02:30:00');
    const summer: Game = { map: 'supply', number: 1, start: repeated - 600, end: repeated };
    const winter: Game = { map: 'oasis', number: 2, start: repeated + 3000, end: repeated + 3600 };
    return inWorld(
      kind,
      {
        rounds: [roundRow(1, summer), roundRow(2, winter, { match_id: 'winter' })],
        captures: [captureRow(11, summer, null)],
        artifacts: [gametime(winter)],
      },
      async (world) => {
        const result = await world.audit({ now: '2026-11-01T00:00:00Z' });
        assert.deepEqual(verdictsOf(result), { 1: 'relinkable', 2: 'recoverable' });
        const { rounds, lua_round_teams: captures } = await world.dump();
        assert.deepEqual(
          rounds.map((row) => row.round_end_unix),
          [summer.end, winter.end],
        );
        assert.equal(captures.find((row) => row.round_id === 2)?.match_id, '2026-10-25-023000');
        assert.deepEqual((await world.audit({ now: '2026-11-01T00:00:00Z' })).plan, []);
      },
    );
  });

  it("that is set back and a round of which either hour has a capture is a person's to decide", () => {
    const repeated = unix('2026-10-25 02:30:00');
    const at = (end: number): Game => ({ map: 'supply', number: 1, start: end - 600, end });
    return inWorld(
      kind,
      {
        rounds: [roundRow(1, at(repeated))],
        captures: [
          captureRow(11, at(repeated), null),
          captureRow(12, at(repeated + 3600), null, { match_id: 'an hour later' }),
        ],
      },
      async (world) => {
        const result = await world.audit({ now: '2026-11-01T00:00:00Z' });
        assert.deepEqual(verdictsOf(result), { 1: 'ambiguous' });
      },
    );
  });

  it('that is set forward moves a time that does not exist, and says so', () => {
    // 02:00 to 03:00 does not exist on this night: 02:30 is read as 03:30 summer time.
    const moved: Game = { ...game('supply', 1, '2026-03-29 03:30:00') };
    return inWorld(
      kind,
      {
        rounds: [roundRow(1, moved, { round_time: '023003' })],
        captures: [captureRow(11, moved, null)],
      },
      async (world) => {
        const result = await world.audit();
        assert.equal(lineOf(result, 1).verdict, 'relinkable');
        assert.equal(lineOf(result, 1).flags.includes('time_moved'), true);
        assert.equal(result.after.covered, 1);
      },
    );
  });
});
