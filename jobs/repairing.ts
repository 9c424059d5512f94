import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { batchesOf } from '../src/core/batches.ts';
import { decisionOfIncident, type Incident } from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import { type PlannedGroup, summarise } from '../src/core/plan.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { Refused } from '../src/core/refusal.ts';
import { mayTryAgain } from '../src/core/retry.ts';
import { chunks } from '../src/database.ts';
import { type AppendMemory, type AppendOptions, append } from '../src/ledger/append.ts';
import { canonicalText, canonicalTextWith } from '../src/ledger/canonical.ts';
import type { Incident as StoredIncident } from '../src/ledger/ledger.ts';
import { incidentName } from '../src/ledger/projections.ts';
import { type GroupRequest, type Writing, writeGroups } from '../src/source/write.ts';
import type { Written } from '../src/source/writing.ts';
import type { Progress } from './progress.ts';
import type { Run } from './run.ts';
import type { StartedBody } from './settle.ts';
import { mayStop } from './stopping.ts';

/** What became of each round's repair, by incident key: `done`, or `refused (why)`. */
export type Outcomes = Map<string, string>;

/** Moments of each repair at which a test may stop or kill the process; those of a batch come to each together. */
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
  /** How many repair groups are written together at most. */
  batchSize?: number;
  /** What the appends of this run pass on to each other. */
  memory?: AppendMemory;
}

/** Enough that what each batch costs by itself does not count; few enough that nobody waits long for their locks. */
const usualBatchSize = 500;

/** With the canonical text of changes, what `hashOf` says of them, by the machine's own code. */
const sha256 = (text: string) => hash('sha256', text, 'hex');

/** A repair group with its `repair.started`. */
interface Drafted {
  planned: PlannedGroup;
  draft: EntryDraft;
}

/** What is written down of a repair before it is made. Its changes are most of it, and spelled once for text and hash. */
function startedDraft(planned: PlannedGroup, { run, fingerprint, source }: Workshop): EntryDraft {
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
async function draftAll(batch: readonly PlannedGroup[], workshop: Workshop): Promise<Drafted[]> {
  const drafted: Drafted[] = [];
  for (const piece of chunks(batch, draftsAtOnce)) {
    await setImmediate();
    for (const planned of piece) drafted.push({ planned, draft: startedDraft(planned, workshop) });
  }
  return drafted;
}

function endDraft({ planned, started }: Begun, written: Written, run: string): EntryDraft {
  const { seq, source, key, hash } = started;
  const { wants } = planned.group;
  const incidents = wants.map((want) => want.key);
  const about = { run, started: seq, incidents, repairs: wants.map(summarise) };
  const body = written.written ? { ...about, certain: true } : { ...about, hash, ...written.refusal };
  const kind = written.written ? 'repair.done' : 'repair.refused';
  return { kind, source, key, body: body as unknown as Json };
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
function changedDecisions(
  now: ReadonlyMap<string, StoredIncident>,
  groups: readonly PlannedGroup[],
  { source, incidents }: Workshop,
): Set<string> {
  const keys = groups.flatMap(({ group }) => group.wants.map(({ key }) => key));
  return new Set(
    keys.filter((key) => {
      const stored = now.get(incidentName(source.name, key));
      return stored !== undefined && decided(asIncident(stored)) !== decided(incidents.get(key));
    }),
  );
}

const asIncident = ({ state }: StoredIncident) => state as unknown as Incident;

/** A repair that was refused for good, unchanged since, and not due to be tried again. */
function waits({ planned, draft }: Drafted, { incidents, run }: Workshop): boolean {
  const refusals = planned.group.wants.flatMap(({ key }) => incidents.get(key)?.refusal ?? []);
  return refusals.some((refusal) => !mayTryAgain(refusal, changesHash(draft), run.nowMs));
}

/** A repair group whose `repair.started` stands in the ledger; of that no more than its end speaks of. */
interface Begun {
  planned: PlannedGroup;
  started: { seq: number; source: string; key: string; hash: string };
  request: GroupRequest;
}

/**
 * Appends `repair.started` of each group in one transaction, in which it is asked whether a person has decided otherwise:
 * a decision either comes first and counts, or comes after it. A group that it concerns is left out, and ends refused.
 */
async function begin(
  drafted: readonly Drafted[],
  workshop: Workshop,
  ended: (planned: PlannedGroup, written: Written) => void,
): Promise<Begun[]> {
  const { run, memory } = workshop;
  for (let left = drafted; left.length > 0; ) {
    const groups = left.map(({ planned }) => planned);
    let changed = new Set<string>();
    const inside: AppendOptions['inside'] = async (_, __, now) => {
      changed = changedDecisions(now, groups, workshop);
      if (changed.size > 0) throw decisionChanged;
    };
    try {
      const drafts = left.map(({ draft }) => draft);
      const entries = await append(run.ledger, drafts, run.at, { inside, memory });
      return left.map(({ planned, draft }, at) => {
        const { seq, source, key, at: capturedAt } = entries[at]!;
        const { group, changes, rivals, untouched } = planned;
        const request = { wants: group.wants, changes, rivals, untouched, capturedAt };
        return { planned, started: { seq, source, key, hash: changesHash(draft) }, request };
      });
    } catch (thrown) {
      if (thrown !== decisionChanged) throw thrown;
    }
    const isChanged = ({ planned }: Drafted) => planned.group.wants.some(({ key }) => changed.has(key));
    for (const { planned } of left.filter(isChanged))
      ended(planned, { written: false, refusal: decisionChanged.refusal });
    left = left.filter((one) => !isChanged(one));
  }
  return [];
}

const decisionChanged = new Refused(
  'decision_changed',
  'a person has decided otherwise since the plan was made',
);

/** Writes begun groups, together or, where that does not go, one by one; appends how each ended. */
async function writeBegun(
  begun: readonly Begun[],
  workshop: Workshop,
  ended: (planned: PlannedGroup, written: Written) => void,
): Promise<void> {
  const { run, source, config, memory } = workshop;
  const writing: Writing = {
    schema: source.schema,
    zone: config.zone,
    beforeCommit: async (written) => {
      await reach('written', written, workshop);
      await run.assertNotTakenOver();
    },
  };
  const requests = begun.map(({ request }) => request);
  const ends = await writeGroups(source.database, requests, writing);
  if (ends === null) {
    for (const one of begun) {
      await mayStop(workshop.signal);
      await writeBegun([one], workshop, ended);
    }
    return;
  }
  await reach('committed', begun, workshop);
  const drafts = begun.map((one, at) => endDraft(one, ends[at]!, run.id));
  await append(run.ledger, drafts, run.at, { memory });
  for (const [at, { planned }] of begun.entries()) ended(planned, ends[at]!);
}

async function reach(moment: Moment, groups: readonly unknown[], { reached }: Workshop): Promise<void> {
  if (reached !== undefined) for (const _ of groups) await reached(moment);
}

/**
 * A batch of repair groups: every `repair.started`, the writes, and how each ended (DESIGN, Recorded). Groups of a batch
 * share nothing, so that each is recorded, recovered and undone by itself.
 */
async function repairBatch(
  batch: readonly Drafted[],
  workshop: Workshop,
  ended: (planned: PlannedGroup, written: Written) => void,
): Promise<void> {
  const waiting = new Set(batch.filter((one) => waits(one, workshop)));
  for (const { planned } of waiting)
    ended(planned, { written: false, refusal: { reason: 'waiting', because: 'refused before' } });
  const due = batch.filter((one) => !waiting.has(one));
  if (due.length === 0) return;
  await workshop.run.assertLease();
  await reach('planned', due, workshop);
  const begun = await begin(due, workshop, ended);
  await reach('started', begun, workshop);
  if (begun.length > 0) await writeBegun(begun, workshop, ended);
}

/** While a server is at work on a batch this process has time for the next one; SQLite works in this process. */
const draftsAhead = ({ source, run }: Workshop) =>
  source.database.dialect === 'postgres' || run.ledger.database.dialect === 'postgres';

/**
 * Makes the repairs of a plan, batch by batch; a refusal ends one group and no other. Asked to end, it throws between
 * two transactions, never within one.
 */
export async function repairAll(planned: readonly PlannedGroup[], given: Workshop): Promise<Outcomes> {
  const workshop: Workshop = { ...given, memory: { last: null } };
  const { batchSize: size = usualBatchSize, config, progress, signal } = workshop;
  const outcomes: Outcomes = new Map();
  let done = 0;
  const ended = ({ group }: PlannedGroup, written: Written) => {
    const outcome = written.written ? 'done' : `refused (${written.refusal.reason})`;
    for (const { key } of group.wants) outcomes.set(key, outcome);
    progress.step('repairing', ++done, planned.length);
  };
  const batches = batchesOf(planned, { zone: config.zone, size });
  let next: Promise<Drafted[]> | null = null;
  for (const [at, batch] of batches.entries()) {
    const drafted: Drafted[] = await (next ?? draftAll(batch, workshop));
    next = draftsAhead(workshop) ? draftAll(batches[at + 1] ?? [], workshop) : null;
    // Where this batch fails, nobody asks for the next one.
    next?.catch(() => undefined);
    await mayStop(signal);
    await repairBatch(drafted, workshop, ended);
  }
  return outcomes;
}
