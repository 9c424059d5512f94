import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { listAll } from '../../jobs/incidents.ts';
import type { Report } from '../../reports/model.ts';
import { coveredTotal, exemptTotal, expectedTotal, openOrder } from '../../src/core/coverage.ts';
import type { Incident } from '../../src/core/incident.ts';
import type { Row } from '../../src/core/model.ts';
import { addDays, isDay, localDay } from '../../src/core/time.ts';
import { forEachDatabase } from '../databases.ts';
import { reportOf } from '../reports/world.ts';
import { zone } from './games.ts';
import { dealtScenario } from './scenarios.ts';
import { type Asked, inWorld, type World } from './setup.ts';

/** What a report must say of a day, by the plan of that day at the same moment and by what people decided. */
function wanted(plan: AuditResult, incidents: ReadonlyMap<number, Incident>) {
  const states = plan.verdicts.map(({ verdict, incident }) => {
    if (verdict === 'pending' || verdict === 'lost') return verdict;
    const known = incident === null ? undefined : incidents.get(incident);
    return known?.held || known?.excused ? 'setAside' : verdict;
  });
  const of = (state: string) => states.filter((one) => one === state).length;
  return {
    rows: plan.rowsRead,
    exempt: plan.counts.exempt,
    covered: plan.counts.covered,
    pending: of('pending'),
    lost: of('lost'),
    setAside: of('setAside'),
    open: Object.fromEntries(openOrder.map((verdict) => [verdict, of(verdict)])),
  };
}

function said({ coverage }: Report): ReturnType<typeof wanted> {
  const { rows, exempt, pending, lost, setAside, open } = coverage;
  return { rows, exempt, covered: coveredTotal(coverage), pending, lost, setAside, open };
}

/** Every day on which a row is dated, the one before and the one after; none that has not begun. */
function daysOf(rounds: readonly Row[], now: string): string[] {
  const today = localDay(Date.parse(now) / 1000, zone);
  const days = rounds.map(({ round_date }) => String(round_date)).filter(isDay);
  const around = days.flatMap((day) => [addDays(day, -1), day, addDays(day, 1)]);
  return [...new Set(around)].filter((day) => day <= today).sort();
}

/** Each day's report against the plan of the day; and what is lost against the ledger. */
async function assertAgrees(world: World, asked: Asked, what: string): Promise<void> {
  const all = await listAll(world.config(), 'all');
  const incidents = new Map(all.map((incident) => [incident.id, incident]));
  const writtenOff = new Set(all.filter(({ status }) => status === 'written_off').map(({ id }) => id));
  for (const day of daysOf((await world.dump()).rounds, asked.now!)) {
    const plan = await world.plan({ ...asked, scope: { kind: 'days', since: day, until: day } });
    const report = await reportOf(world, { day }, asked.now);
    assert.deepEqual(report.discrepancies, [], `${what}, ${day}`);
    assert.deepEqual(said(report), wanted(plan, incidents), `${what}, ${day}`);
    assert.equal(report.coverage.rows, exemptTotal(report.coverage) + expectedTotal(report.coverage));
    for (const { verdict, incident } of report.exceptions)
      if (verdict === 'lost') assert.ok(writtenOff.has(incident!), `${what}, ${day}: lost by no entry`);
    const lines = report.sessions.flatMap(({ rounds }) => rounds);
    assert.equal(lines.length, expectedTotal(report.coverage));
  }
}

/** Audits until nothing more changes: where rounds end within seconds, one repair can settle what another waits for. */
async function settle(world: World, asked: Asked): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    const before = (await world.entries()).length;
    await world.audit(asked);
    if ((await world.entries()).length === before) return;
  }
}

/** What people and the pipeline may do to a world between two audits; each is tried, and may be refused. */
const turns: Record<string, (world: World, roundId: number, now: string) => Promise<unknown>> = {
  hold: (world, roundId, now) => world.decide(roundId, { kind: 'incident.held' }, now),
  excuse: (world, roundId, now) => world.decide(roundId, { kind: 'incident.excused' }, now),
  reopen: (world, roundId, now) => world.decide(roundId, { kind: 'incident.reopened' }, now),
  revert: (world, _, now) => world.revert(undefined, now),
  cancel: (world, roundId) =>
    world.inSource(({ knex }) => knex('rounds').where({ id: roundId }).update({ round_status: 'cancelled' })),
  vanish: (world, roundId) => world.inSource(({ knex }) => knex('rounds').where({ id: roundId }).delete()),
  reimport: (world, roundId) =>
    world.inSource(({ knex }) =>
      knex('rounds')
        .where({ id: roundId })
        .update({ id: roundId + 5_000 }),
    ),
  loseCapture: (world, roundId) =>
    world.inSource(({ knex }) => knex('lua_round_teams').where({ round_id: roundId }).delete()),
};

forEachDatabase('The report agrees with the audit', (kind) => {
  const from = Number(process.env.DIFFERENTIAL_SEED ?? 1);
  const count = Number(process.env.DIFFERENTIAL_RUNS ?? 24);
  for (let seed = from; seed < from + count; seed++)
    it(`on every day around the evening of seed ${seed}`, async () => {
      const { beginning, asked } = dealtScenario(seed, { crowded: seed % 5 === 0 });
      await inWorld(kind, beginning, async (world) => {
        await settle(world, asked);
        await assertAgrees(world, asked, 'after the audit');
        const names = Object.keys(turns);
        const ids = (beginning.rounds ?? []).map(({ id }) => Number(id));
        for (let at = 0; at < 3; at++) {
          const turn = names[(seed * 3 + at * 5) % names.length]!;
          const roundId = ids[(seed * 7 + at * 3) % ids.length]!;
          await turns[turn]!(world, roundId, asked.now!).catch(() => undefined);
        }
        await settle(world, asked);
        await assertAgrees(world, asked, 'after people and the pipeline had their turn');
      });
    });
});
