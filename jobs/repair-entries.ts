import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Source } from '../src/context.ts';
import { decisionOfIncident, type Incident } from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import { type PlannedGroup, summarise } from '../src/core/plan.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { mayTryAgain } from '../src/core/retry.ts';
import { chunks } from '../src/database.ts';
import { canonicalText, canonicalTextWith } from '../src/ledger/canonical.ts';
import type { Entry } from '../src/ledger/chain.ts';
import type { Incident as StoredIncident } from '../src/ledger/ledger.ts';
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

/** With the canonical text of changes, what `hashOf` says of them, by the machine's own code. */
const sha256 = (text: string) => hash('sha256', text, 'hex');

/** A repair group with its `repair.started`. */
export interface Drafted {
  planned: PlannedGroup;
  draft: EntryDraft;
}

/** What is written down of a repair before it is made. Its changes are most of it, and spelled once for text and hash. */
function startedDraft(planned: PlannedGroup, { run, fingerprint, source }: About): EntryDraft {
  const { wants } = planned.group;
  const changes = [...planned.changes];
  const spelled = canonicalText(changes as unknown as Json);
  const started: StartedBody & { fingerprint: string } = {
    run: run.id,
    fingerprint,
    incidents: wants.map((want) => want.key),
    repairs: wants.map(summarise) as unknown as Json,
    changes,
    hash: sha256(spelled),
  };
  const body = started as unknown as { [name: string]: Json };
  const text = canonicalTextWith(body, { changes: spelled });
  return { kind: 'repair.started', source: source.name, key: wants[0].key, body, text };
}

const changesHash = ({ body }: EntryDraft) => (body as unknown as StartedBody).hash;

/** So many are drafted before others get their turn. */
const draftsAtOnce = 32;

/** Drafts a batch in pieces, which somebody else's answer may come between. */
export async function draftAll(batch: readonly PlannedGroup[], about: About): Promise<Drafted[]> {
  const drafted: Drafted[] = [];
  for (const piece of chunks(batch, draftsAtOnce)) {
    await setImmediate();
    for (const planned of piece) drafted.push({ planned, draft: startedDraft(planned, about) });
  }
  return drafted;
}

/** How a repair ended. */
export function endDraft({ planned, started }: Begun, written: Written, run: string): EntryDraft {
  const { seq, source, key, hash } = started;
  const { wants } = planned.group;
  const incidents = wants.map((want) => want.key);
  const about = { run, started: seq, incidents, repairs: wants.map(summarise) };
  const body = written.written ? { ...about, certain: true } : { ...about, hash, ...written.refusal };
  const kind = written.written ? 'repair.done' : 'repair.refused';
  return { kind, source, key, body: body as unknown as Json };
}

/** A repair group whose `repair.started` stands in the ledger; of that no more than its end speaks of. */
export interface Begun {
  planned: PlannedGroup;
  started: { seq: number; source: string; key: string; hash: string };
  request: GroupRequest;
}

/** The groups of a batch as begun, by their entries. */
export function asBegun(drafted: readonly Drafted[], entries: readonly Entry[]): Begun[] {
  return drafted.map(({ planned, draft }, at) => {
    const { seq, source, key, at: capturedAt } = entries[at]!;
    const { group, changes, rivals, untouched } = planned;
    const request = { wants: group.wants, changes, rivals, untouched, capturedAt };
    return { planned, started: { seq, source, key, hash: changesHash(draft) }, request };
  });
}

/** What people decide about an incident, as one text to compare. */
function decided(incident: Incident | undefined): string {
  if (incident === undefined) return 'nothing';
  const { held, resolution, releases } = decisionOfIncident(incident);
  return held || resolution !== null || releases.length > 0
    ? JSON.stringify([held, resolution, releases])
    : 'nothing';
}

/** The incidents about which a person decided otherwise since the plan was made; that a repair begins decides nothing. */
export function changedDecisions(
  now: ReadonlyMap<string, StoredIncident>,
  drafted: readonly Drafted[],
  { source, incidents }: About,
): Set<string> {
  const keys = drafted.flatMap(({ planned }) => planned.group.wants.map(({ key }) => key));
  return new Set(
    keys.filter((key) => {
      const stored = now.get(incidentName(source.name, key));
      return stored !== undefined && decided(asIncident(stored)) !== decided(incidents.get(key));
    }),
  );
}

const asIncident = ({ state }: StoredIncident) => state as unknown as Incident;

/** A repair that was refused for good, unchanged since, and not due to be tried again. */
export function waits({ planned, draft }: Drafted, { incidents, run }: About): boolean {
  const refusals = planned.group.wants.flatMap(({ key }) => incidents.get(key)?.refusal ?? []);
  return refusals.some((refusal) => !mayTryAgain(refusal, changesHash(draft), run.nowMs));
}
