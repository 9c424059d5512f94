import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { hashOf } from '../src/core/canonical.ts';
import { decisionOfIncident, type Incident } from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import { type PlannedGroup, summarise } from '../src/core/plan.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { Refused, refuse } from '../src/core/refusal.ts';
import { mayTryAgain } from '../src/core/retry.ts';
import type { Database } from '../src/database.ts';
import { append } from '../src/ledger/append.ts';
import { incidentsByKeys } from '../src/ledger/incidents.ts';
import { writeGroup } from '../src/source/write.ts';
import type { Written } from '../src/source/writing.ts';
import type { Progress } from './progress.ts';
import type { Run } from './run.ts';
import type { StartedBody } from './settle.ts';
import { mayStop } from './stopping.ts';

/** What became of each round's repair, by incident key: `done`, or `refused (why)`. */
export type Outcomes = Map<string, string>;

/** Moments at which a test may stop or kill the process. */
export type Moment = 'planned' | 'started' | 'written' | 'committed';
export type Reached = (moment: Moment) => void | Promise<void>;

/** What repairing needs besides the plan. */
export interface Workshop {
  config: Config;
  source: Source;
  run: Run;
  fingerprint: string;
  /** What people had decided when the plan was made. */
  incidents: ReadonlyMap<string, Incident>;
  progress: Progress;
  reached?: Reached;
  /** Aborted where the process is asked to end. */
  signal?: AbortSignal;
}

function startedBody(planned: PlannedGroup, workshop: Workshop): StartedBody & { fingerprint: string } {
  const { wants } = planned.group;
  const changes = [...planned.changes];
  return {
    run: workshop.run.id,
    fingerprint: workshop.fingerprint,
    incidents: wants.map((want) => want.key),
    repairs: wants.map(summarise) as unknown as Json,
    changes,
    hash: hashOf(changes as unknown as Json),
  };
}

function endDraft(started: EntryDraft & { seq: number }, written: Written, run: string): EntryDraft {
  const { incidents, repairs, hash } = started.body as unknown as StartedBody;
  const about = { run, started: started.seq, incidents, repairs };
  const body = written.written ? { ...about, certain: true } : { ...about, hash, ...written.refusal };
  const kind = written.written ? 'repair.done' : 'repair.refused';
  return { kind, source: started.source, key: started.key, body: body as unknown as Json };
}

/** What people decide about an incident, as one text to compare. */
function decided(incident: Incident | undefined): string {
  if (incident === undefined) return 'nothing';
  const { held, resolution, releases } = decisionOfIncident(incident);
  return held || resolution !== null || releases.length > 0
    ? JSON.stringify([held, resolution, releases])
    : 'nothing';
}

/**
 * Refuses to start where a person decided otherwise since the plan was made. Asked in the transaction that
 * appends `repair.started`, so that a decision either comes first and counts, or comes after it.
 */
function assertSameDecisions(planned: PlannedGroup, workshop: Workshop) {
  return async (inside: Database): Promise<void> => {
    const keys = planned.group.wants.map((want) => want.key);
    const { run, source, incidents } = workshop;
    const now = await incidentsByKeys({ ...run.ledger, database: inside }, source.name, keys);
    for (const { key, state } of now)
      if (decided(state as unknown as Incident) !== decided(incidents.get(key)))
        refuse('decision_changed', 'a person has decided otherwise since the plan was made');
  };
}

/** A repair that was refused for good, unchanged since, and not due to be tried again. */
function waits(planned: PlannedGroup, workshop: Workshop): boolean {
  const hash = hashOf([...planned.changes] as unknown as Json);
  return planned.group.wants.some(
    ({ key }) => !mayTryAgain(workshop.incidents.get(key)?.refusal ?? null, hash, workshop.run.nowMs),
  );
}

/** One repair group: `repair.started`, the write, and how it ended (DESIGN, Recorded). */
async function repairGroup(planned: PlannedGroup, workshop: Workshop): Promise<Written> {
  const { run, source, config } = workshop;
  const { wants } = planned.group;
  if (waits(planned, workshop))
    return { written: false, refusal: { reason: 'waiting', because: 'refused before' } };
  await run.assertLease();
  const body = startedBody(planned, workshop) as unknown as Json;
  const draft: EntryDraft = { kind: 'repair.started', source: source.name, key: wants[0].key, body };
  const inside = assertSameDecisions(planned, workshop);
  await workshop.reached?.('planned');
  const [started] = await append(run.ledger, [draft], run.at, { inside });
  await workshop.reached?.('started');
  const written = await writeGroup(source.database, {
    wants,
    changes: planned.changes,
    rivals: planned.rivals,
    capturedAt: started!.at,
    schema: source.schema,
    zone: config.zone,
    beforeCommit: async () => {
      await workshop.reached?.('written');
      await run.assertNotTakenOver();
    },
  });
  await workshop.reached?.('committed');
  await append(run.ledger, [endDraft({ ...draft, seq: started!.seq }, written, run.id)], run.at);
  return written;
}

/** A refusal before anything was recorded is an outcome like any other. */
async function repairOrRefuse(planned: PlannedGroup, workshop: Workshop): Promise<Written> {
  try {
    return await repairGroup(planned, workshop);
  } catch (thrown) {
    if (thrown instanceof Refused) return { written: false, refusal: thrown.refusal };
    throw thrown;
  }
}

/**
 * Makes the repairs of a plan, group by group; a refusal ends one group and no other. Asked to end, it throws between
 * two groups, never within one.
 */
export async function repairAll(planned: readonly PlannedGroup[], workshop: Workshop): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  let done = 0;
  for (const group of planned) {
    await mayStop(workshop.signal);
    const written = await repairOrRefuse(group, workshop);
    const outcome = written.written ? 'done' : `refused (${written.refusal.reason})`;
    for (const { key } of group.group.wants) outcomes.set(key, outcome);
    workshop.progress.step('repairing', ++done, planned.length);
  }
  return outcomes;
}
