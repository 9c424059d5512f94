import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { assertAddsUp, type Counts, count } from '../src/core/counts.ts';
import { snapshot } from '../src/database.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import type { Log } from '../src/log.ts';
import { type Observation, observe } from './observe.ts';
import { makePlan, type Plan } from './planning.ts';
import type { Progress } from './progress.ts';
import type { Moment } from './repairing.ts';
import type { Scope } from './scope.ts';

/** How one audit is asked for. */
export interface AuditRequest {
  config: Config;
  log: Log;
  scope: Scope;
  /** The fingerprint that the plan must have; anything else writes nothing. */
  expect?: string;
  nowMs: number;
  progress: Progress;
  reached?: (moment: Moment) => void | Promise<void>;
}

/** One look at the world with the plan that follows from it. */
export interface Look {
  observation: Observation;
  plan: Plan;
  counts: Counts;
}

/** Looks at the source as it is at one moment, and plans; fails where the numbers do not add up. */
export async function look(
  request: AuditRequest,
  of: { source: Source; ledger: Ledger | null; when: string; openKeys?: readonly string[] },
): Promise<Look> {
  const { config, scope, nowMs, progress } = request;
  const nowUnix = Math.floor(nowMs / 1000);
  return snapshot(of.source.database, async (database) => {
    const source = { ...of.source, database };
    const { ledger, openKeys } = of;
    const observation = await observe({ config, source, ledger, scope, openKeys, nowUnix, progress });
    const plan = await makePlan(observation.situation, source);
    const counts = count(plan.assessments);
    // Each row once: a row that was read twice would be counted twice, and must not look like two.
    const rowsRead = new Set(observation.situation.facts.judged.map(({ id }) => id)).size;
    assertAddsUp(rowsRead, counts, of.when);
    return { observation, plan, counts };
  });
}
