import assert from 'node:assert/strict';
import { it } from 'node:test';
import { expectedTotal } from '../../src/core/coverage.ts';
import { reportOf } from '../reports/world.ts';
import { longHistory } from './history.ts';
import { inWorld, type World } from './setup.ts';

const lastDay = '2026-06-30';
const now = '2026-07-01T06:10:00.000Z';
const settings = { CAPTURE_SINCE: '1990-01-01' };
const historyOf = (years: number) => ({
  ...longHistory({ lastDay, days: years * 365, rounds: 6, missEvery: 101 }),
  settings,
});

/** Milliseconds of the processor, the least of some tries: what else is at work on the machine only makes them more. */
async function leastMs(world: World): Promise<number> {
  const tries: number[] = [];
  for (let at = 0; at < 5; at++) {
    const began = process.cpuUsage();
    await reportOf(world, { day: lastDay }, now);
    const { user, system } = process.cpuUsage(began);
    tries.push((user + system) / 1000);
  }
  return Math.min(...tries);
}

it('A report costs the same on a history of ten years as on one of a year', async () => {
  const year = await inWorld('sqlite', historyOf(1), async (world) => {
    await world.audit({ now, scope: { kind: 'days', since: '2026-05-01', until: lastDay } });
    return { report: await reportOf(world, { day: lastDay }, now), ms: await leastMs(world) };
  });
  const decade = await inWorld('sqlite', historyOf(10), async (world) => {
    await world.audit({ now, scope: { kind: 'days', since: '2026-05-01', until: lastDay } });
    return { report: await reportOf(world, { day: lastDay }, now), ms: await leastMs(world) };
  });
  for (const { report } of [year, decade]) {
    const { live, lost } = report.last30;
    assert.deepEqual([expectedTotal(report.last30), live + lost], [180, 180]);
    assert.ok(lost > 0);
    assert.deepEqual(report.discrepancies, []);
  }
  // The source has no index on its days, so the database itself has ten times the rows to pass over.
  assert.ok(decade.ms < 3 * year.ms, `${decade.ms} ms against ${year.ms} ms`);
});
