import type { Source } from '../src/context.ts';
import { hashOf } from '../src/core/canonical.ts';
import { decisionOfIncident, type Incident } from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import { type PlannedGroup, summarise } from '../src/core/plan.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { mayTryAgain } from '../src/core/retry.ts';
import type { Told } from '../src/ledger/append.ts';
import { incidentName } from '../src/ledger/projections.ts';
import type { GroupRequest } from '../src/source/write.ts';
import type { Written } from '../src/source/writing.ts';
import type { Run } from './run.ts';
import type { StartedBody } from './settle.ts';

/* What the ledger is told of repairs: that they begin, and how they ended. */

/** What all repairs of a run have in common. */
export interface About {
  source: Source;
  run: Run;
  fingerprint: string;
  /** What people had decided when the plan was made. */
  incidents: ReadonlyMap<string, Incident>;
}

/** What is written down of a repair before it is made. Its `hash`, that of its changes, is made as they are spelled. */
export function startedDraft(planned: PlannedGroup, { run, fingerprint, source }: About): EntryDraft {
  const { wants } = planned.group;
  const started: Omit<StartedBody, 'hash'> & { fingerprint: string } = {
    run: run.id,
    fingerprint,
    incidents: wants.map((want) => want.key),
    repairs: wants.map(summarise) as unknown as Json,
    changes: [...planned.changes],
  };
  const about = { kind: 'repair.started', source: source.name, key: wants[0].key } as const;
  return { ...about, body: started as unknown as Json, digests: { hash: 'changes' } };
}

const changesHash = ({ changes }: PlannedGroup) => hashOf(changes as unknown as Json);

/** A repair group whose `repair.started` stands in the ledger, or is about to: `seq` and `at` are its own. */
export interface Begun {
  planned: PlannedGroup;
  seq: number;
  at: string;
}

/** A begun group as the source is asked for it. */
export function requestOf({ planned, at }: Begun): GroupRequest {
  const { group, changes, rivals, untouched } = planned;
  return { wants: group.wants, changes, rivals, untouched, capturedAt: at };
}

/** How a repair ended. */
export function endDraft({ planned, seq }: Begun, written: Written, { run, source }: About): EntryDraft {
  const { wants } = planned.group;
  const incidents = wants.map((want) => want.key);
  const about = { incidents, repairs: wants.map(summarise), run: run.id, started: seq };
  const body = written.written
    ? { certain: true, ...about }
    : { ...about, hash: changesHash(planned), ...written.refusal };
  const kind = written.written ? 'repair.done' : 'repair.refused';
  return { kind, source: source.name, key: wants[0].key, body: body as unknown as Json };
}

/** What people decide about an incident, as one text to compare. */
function decided(incident: Incident | undefined): string {
  if (incident === undefined) return 'nothing';
  const { held, resolution, releases } = decisionOfIncident(incident);
  return held || resolution !== null || releases.length > 0
    ? JSON.stringify([held, resolution, releases])
    : 'nothing';
}

/** The groups about which a person decided otherwise since the plan was made; that a repair begins decides nothing. */
export function changedDecisions(
  told: Told,
  groups: readonly PlannedGroup[],
  { source, incidents }: About,
): Set<PlannedGroup> {
  const isChanged = (key: string) => {
    const stored = told.get(incidentName(source.name, key));
    const now = stored?.state as unknown as Incident | undefined;
    return now !== undefined && decided(now) !== decided(incidents.get(key));
  };
  return new Set(groups.filter(({ group }) => group.wants.some(({ key }) => isChanged(key))));
}

/** A repair that was refused for good, unchanged since, and not due to be tried again. */
export function waits(planned: PlannedGroup, { incidents, run }: About): boolean {
  const refusals = planned.group.wants.flatMap(({ key }) => incidents.get(key)?.refusal ?? []);
  return refusals.some((refusal) => !mayTryAgain(refusal, changesHash(planned), run.nowMs));
}
