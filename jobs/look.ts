import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { withCauses } from '../src/core/cause.ts';
import { assertAddsUp, type Counts, count, withCounted } from '../src/core/counts.ts';
import type { LogLines } from '../src/core/log-lines.ts';
import { type Situation, withNeighbours } from '../src/core/situation.ts';
import { linkedOf, zoneFault } from '../src/core/zone-check.ts';
import { snapshot } from '../src/database.ts';
import { snapshotOfTwo } from '../src/database-twin.ts';
import { UsageError } from '../src/errors.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import type { Log } from '../src/log.ts';
import type { LogProblem } from '../src/logs/places.ts';
import { isLong } from '../src/source/settled-passes.ts';
import { logLinesFor, neighboursOf } from './causes.ts';
import type { LogReading } from './log-evidence.ts';
import { type Observation, observe, visitFor } from './observe.ts';
import { letsSqlSettle } from './observing.ts';
import { makePlan, type Plan } from './planning.ts';
import type { Progress } from './progress.ts';
import type { Ahead, Reached } from './repairing.ts';
import type { LeaseOptions } from './run.ts';
import type { Scope } from './scope.ts';

/** How one audit is asked for. */
export interface AuditRequest {
  config: Config;
  log: Log;
  scope: Scope;
  /** The fingerprint that the plan must have; anything else writes nothing. */
  expect?: string;
  nowMs: number;
  /** Judge every row of a whole history, and let SQL settle none. */
  judgesAll?: boolean;
  /** How many ids of a whole history SQL looks at in one pass; the default suits everybody but tests. */
  pass?: number;
  progress: Progress;
  lease?: LeaseOptions;
  reached?: Reached;
  /** How many repair groups are written together at most; the default suits everybody but tests. */
  batchSize?: number;
  ahead?: Ahead;
  /** Aborted where the process is asked to end: the audit stops before its next repair or step, and fails. */
  signal?: AbortSignal;
}

/** One look at the world with the plan that follows from it. */
export interface Look {
  observation: Observation;
  /** The situation with every round that a line of the logs could be of. */
  stories: Situation;
  plan: Plan;
  counts: Counts;
  /** The lines of both logs that causes rest on. */
  lines: LogLines;
  /** Logs that could not be read, or not to their end. */
  unreadLogs: readonly LogProblem[];
}

/** A wrong zone makes gaps of rounds that have their captures, and would write them off. */
function assertZone({ config, scope }: AuditRequest, situation: Situation, settledCovered: number): void {
  if (scope.kind === 'round') return;
  const { facts, playedById, linkedTo } = situation;
  const linked = linkedOf(facts.judged, {
    playedOf: ({ id }) => playedById.get(id) ?? null,
    linkedTo,
  });
  const fault = zoneFault(linked, config.zone, settledCovered);
  if (fault !== null) throw new UsageError(`${fault}; correct SERVER_TIMEZONE: no round was judged`);
}

/** Looks at the source as it is at one moment, and plans; fails where the numbers do not add up. */
export async function look(
  request: AuditRequest,
  of: {
    source: Source;
    ledger: Ledger | null;
    when: string;
    openKeys?: readonly string[];
    /** What this run has read of the logs and stored; null where it may not. */
    reading: LogReading | null;
    /** What an earlier look of the same run found in the logs. */
    logs?: Pick<Look, 'lines' | 'unreadLogs'>;
    /** What an earlier look of the same run found on other hosts and in retry buffers. */
    visit?: Observation['visit'];
  },
): Promise<Look> {
  const { config, scope, nowMs, progress, judgesAll, pass } = request;
  const nowUnix = Math.floor(nowMs / 1000);
  const { ledger, openKeys } = of;
  const asked = { config, source: of.source, ledger, scope, openKeys, nowUnix, progress, judgesAll, pass };
  const visit = of.visit ?? (await visitFor(asked, { keep: of.reading !== null }));
  const ofTwo = letsSqlSettle(asked) && (await isLong(of.source.database, pass));
  return (ofTwo ? snapshotOfTwo : snapshot)(of.source.database, async (database) => {
    const source = { ...of.source, database };
    const observation = await observe({ ...asked, source, visit });
    const { situation, settled } = observation;
    assertZone(request, situation, settled?.covered ?? 0);
    const bare = await makePlan(situation, source, { isWhole: scope.kind === 'all' });
    const from = { config, ledger, scope, reading: of.reading };
    const logs = of.logs ?? (await logLinesFor(from, bare.assessments));
    const stories =
      settled === null
        ? situation
        : withNeighbours(situation, await neighboursOf(source, bare.assessments, logs.lines));
    const plan = { ...bare, assessments: withCauses(stories, bare.assessments, logs.lines) };
    const judged = count(plan.assessments);
    const counts = settled === null ? judged : withCounted(judged, settled);
    // Each row once: a row that was read twice would be counted twice, and must not look like two.
    const rowsRead = settled?.rows ?? new Set(situation.facts.judged.map(({ id }) => id)).size;
    assertAddsUp(rowsRead, counts, of.when);
    const { lines, unreadLogs } = logs;
    return { observation, stories, plan, counts, lines, unreadLogs };
  });
}
