import assert from 'node:assert/strict';
import { verifyExitCode, verifyLedger } from '../../../jobs/ledger.ts';
import { total } from '../../../src/core/counts.ts';
import { owedAudit } from '../../../src/core/owed-audit.ts';
import { addDays, localDay } from '../../../src/core/time.ts';
import { captureRow, game, gametime, roundRow, zone } from '../../jobs/games.ts';
import { inWorld, lineOf, type World } from '../../jobs/setup.ts';
import type { Figure } from '../suite.ts';

const lost = game('supply', 2, '2026-06-10 21:12:00');
const repairable = game('supply', 1, '2026-06-10 21:00:00');
const found = game('te_escape2', 1, '2026-06-10 21:30:00');

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
/** Ten minutes after the last of these rounds. */
const nowMs = (found.end + 600) * 1000;

const beginning = {
  rounds: [roundRow(1, repairable), roundRow(2, lost), roundRow(3, found)],
  artifacts: [gametime(repairable)],
};

/** A cycle at a moment, as cron starts it. */
async function cycle(world: World, atMs: number) {
  const until = localDay(atMs / 1000, zone);
  const scope = { kind: 'lookback', since: addDays(until, -7), until } as const;
  const result = await world.audit({ now: new Date(atMs).toISOString(), scope });
  assert.equal(total(result.counts), result.rowsRead);
  assert.equal(total(result.after), result.rowsRead);
  return result;
}

async function assertIntact(world: World): Promise<void> {
  const check = await verifyLedger(world.config(), { anchors: [], rows: true });
  assert.equal(verifyExitCode(check), 0, JSON.stringify(check));
}

async function setBack(): Promise<Figure> {
  return inWorld('sqlite', beginning, async (world) => {
    const first = await cycle(world, nowMs);
    assert.deepEqual([first.after.covered, first.after.missing], [1, 2]);
    const entries = (await world.entries()).length;
    const back = await cycle(world, nowMs - hourMs);
    assert.deepEqual(back.plan, []);
    assert.deepEqual([back.after.covered, back.after.pending, back.after.lost], [1, 2, 0]);
    const again = await cycle(world, nowMs + 180_000);
    assert.deepEqual([again.after.covered, again.after.missing], [1, 2]);
    assert.equal((await world.entries('repair.done')).length, 1);
    await assertIntact(world);
    const added = (await world.entries()).length - entries;
    return {
      what: 'set back an hour between two runs',
      value: `the younger rounds are pending again, ${added} entries more, nothing is repaired twice, nothing is lost`,
    };
  });
}

async function setForward(): Promise<Figure> {
  return inWorld('sqlite', beginning, async (world) => {
    await cycle(world, nowMs);
    const ahead = await cycle(world, nowMs + yearMs);
    assert.equal(ahead.after.lost, 2, 'what is settled by that clock is written off');
    world.putArtifact(gametime(found));
    await world.inSource(({ knex }) => {
      const { id: _, axis_players, allies_players, lua_pause_events, ...row } = captureRow(0, lost, 2);
      const json = { axis_players, allies_players, lua_pause_events };
      const text = Object.entries(json).map(([column, value]) => [column, JSON.stringify(value)]);
      return knex('lua_round_teams').insert({ ...row, ...Object.fromEntries(text) });
    });
    const right = await cycle(world, nowMs + 180_000);
    assert.equal(lineOf(right, 3).outcome, 'done');
    assert.deepEqual([right.after.covered, right.after.lost], [3, 0]);
    await assertIntact(world);
    return {
      what: 'set forward a year for one run',
      value:
        'two rounds are written off early; set right again, the one that has an artifact is repaired, the one whose capture came is covered',
    };
  });
}

/** The clock of the host changes while a run is at work: what counts in it was taken once. */
async function within(shiftMs: number, what: string): Promise<Figure> {
  return inWorld('sqlite', beginning, async (world) => {
    const real = Date.now;
    try {
      const result = await world.audit({
        now: new Date(nowMs).toISOString(),
        reached: (moment) => {
          if (moment === 'planned') Date.now = () => real() + shiftMs;
        },
      });
      assert.deepEqual([result.after.covered, result.after.missing], [1, 2]);
    } finally {
      Date.now = real;
    }
    const next = await cycle(world, nowMs + 180_000);
    assert.deepEqual([next.after.covered, next.after.missing], [1, 2]);
    assert.equal((await world.entries('repair.done')).length, 1);
    await assertIntact(world);
    return { what, value: 'the run ends as if nothing had happened, and the next one may begin' };
  });
}

/** A run while the clock was ahead keeps nobody from auditing once it is right. */
function owedAfter(): Figure {
  const nowUnix = nowMs / 1000;
  const tickUnix = nowUnix - (nowUnix % 180);
  const day = { nowUnix, zone, lookbackDays: 7, tickUnix, lastFailed: false };
  const before = { fromUnix: tickUnix - 180, toUnix: tickUnix - 170 };
  const owed = owedAudit({ ...day, last: before, lastFullUnix: nowUnix - 3_600 });
  assert.deepEqual(owed, {
    kind: 'lookback',
    since: addDays(localDay(nowUnix, zone), -7),
    until: localDay(nowUnix, zone),
  });
  const longer = owedAudit({
    ...day,
    last: { fromUnix: before.fromUnix, toUnix: nowUnix + 31_536_000 },
    lastFullUnix: nowUnix,
  });
  assert.notEqual(longer, null, 'an end in the future vouches for nothing');
  return {
    what: 'an audit that ended while the clock was ahead',
    value: 'the next one is owed all the same',
  };
}

/** The clock that jumps, between runs and in the middle of one. */
export async function jumps(): Promise<Figure[]> {
  return [
    await setBack(),
    await setForward(),
    await within(-hourMs, 'set back an hour within a run'),
    await within(yearMs, 'set forward a year within a run'),
    owedAfter(),
  ];
}
