import assert from 'node:assert/strict';
import { it } from 'node:test';
import { exitCodeOf } from '../../jobs/audit-result.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import { UsageError } from '../../src/errors.ts';
import { forEachDatabase } from '../databases.ts';
import { captureRow, game, gametime, roundRow } from './games.ts';
import { type Beginning, inWorld, lineOf, linksOf, type World } from './setup.ts';

const played = game('supply', 1, '2026-03-01 21:00:00');
const before = { ...played, start: played.start - 2, end: played.end - 2 };
const after = { ...played, end: played.end + 2 };
const round = roundRow(1, played, { delay: 0 });

/** Two captures, or two artifacts, equally near on both sides of the file time. */
const ambiguous: Record<string, Beginning & { candidate: (world: World) => Promise<string>; end: number }> = {
  capture: {
    rounds: [round],
    captures: [captureRow(11, before, null), captureRow(12, after, null)],
    candidate: async () => 'capture:12',
    end: after.end,
  },
  artifact: {
    rounds: [round],
    artifacts: [gametime(before), gametime(after)],
    candidate: async (world) => {
      const seen = (await world.entries('gap.found'))[0]!.body as {
        seen: { path: string; sha256: string }[];
      };
      const chosen = seen.seen.find(({ path }) => path.includes(String(before.end)))!;
      return `artifact:${chosen.sha256.slice(0, 12)}`;
    },
    end: before.end,
  },
};

forEachDatabase('People', (kind) => {
  for (const [what, { candidate, end, ...beginning }] of Object.entries(ambiguous)) {
    it(`resolve an ambiguity by naming the ${what}; without them it stays one`, () =>
      inWorld(kind, beginning, async (world) => {
        const untouched = await world.dump();
        for (const _ of ['first', 'second']) {
          const result = await world.audit();
          assert.deepEqual(
            [lineOf(result, 1).verdict, lineOf(result, 1).reason],
            ['ambiguous', `several_${what}s`],
          );
          assert.equal(exitCodeOf(result), 3);
          assert.deepEqual(await world.dump(), untouched);
        }
        await world.decide(1, { kind: 'incident.resolved', candidate: await candidate(world) });
        const result = await world.audit();
        assert.equal(lineOf(result, 1).outcome, 'done');
        const dump = await world.dump();
        const linked = dump.lua_round_teams.filter(({ round_id }) => round_id === 1);
        assert.deepEqual(
          linked.map((row) => row.round_end_unix),
          [end],
        );
        assert.equal(dump.rounds[0]!.round_end_unix, end);
        assert.equal(result.after.covered, 1, 'and the audit that follows agrees');
        assert.deepEqual((await world.audit()).plan, []);
        await world.revert();
        assert.deepEqual(await world.dump(), untouched);
      }));
  }

  it('cannot choose what the audit did not see, and are told what it saw', () =>
    inWorld(kind, ambiguous.capture!, async (world) => {
      await world.audit();
      await assert.rejects(
        world.decide(1, { kind: 'incident.resolved', candidate: 'capture:99' }),
        (thrown: unknown) => {
          assert.equal(thrown instanceof UsageError, true);
          assert.match(String(thrown), /capture:11, capture:12/);
          return true;
        },
      );
      await assert.rejects(world.decide(1, { kind: 'incident.released', captureId: 11 }), UsageError);
      assert.deepEqual(await world.entries('incident.resolved', 'incident.released'), []);
    }));

  it('hold a round, and no audit repairs it until it is reopened', () =>
    inWorld(
      kind,
      { rounds: [round], captures: [captureRow(11, played, null)], settings: { REPAIR: 'off' } },
      async (world) => {
        await world.audit();
        await world.decide(1, { kind: 'incident.held' });
        const on = { settings: { REPAIR: 'on' } };
        const held = await world.audit(on);
        assert.deepEqual([lineOf(held, 1).action, lineOf(held, 1).outcome], ['held', null]);
        assert.equal(exitCodeOf(held), 0, 'what is held is not open');
        // A cycle does not look at that round any more, and says all the same that it is held.
        const later = await world.audit({ ...on, scope: 'cycle' });
        assert.deepEqual([later.rowsRead, later.held.map(({ roundId }) => roundId)], [0, [1]]);
        assert.deepEqual(linksOf(await world.dump()), { 11: null });
        await world.decide(1, { kind: 'incident.reopened' });
        assert.equal((await world.audit(on)).after.covered, 1);
      },
    ));

  it('excuse a round, which is silent and closed, and is still repaired by later evidence', () =>
    inWorld(kind, { rounds: [round], settings: { SETTLE_HOURS: '8000' } }, async (world) => {
      const missing = await world.audit();
      assert.deepEqual([lineOf(missing, 1).verdict, exitCodeOf(missing)], ['missing' satisfies Verdict, 3]);
      await world.decide(1, { kind: 'incident.excused' });
      assert.equal(exitCodeOf(await world.audit()), 0);
      world.putArtifact(gametime(played));
      const found = await world.audit();
      assert.deepEqual([lineOf(found, 1).outcome, found.after.covered], ['done', 1]);
    }));
});
