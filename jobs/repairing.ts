import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../src/config.ts';
import { batchesOf } from '../src/core/batches.ts';
import type { PlannedGroup } from '../src/core/plan.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { Refused } from '../src/core/refusal.ts';
import { OperationError } from '../src/errors.ts';
import { type AppendMemory, append, type Told } from '../src/ledger/append.ts';
import { type Appending, appendAhead, openWriter, type Writer } from '../src/ledger/append-ahead.ts';
import { type Writing, writeGroups } from '../src/source/write.ts';
import type { Written } from '../src/source/writing.ts';
import type { Progress } from './progress.ts';
import {
  type About,
  type Begun,
  changedDecisions,
  endDraft,
  requestOf,
  startedDraft,
  waits,
} from './repair-entries.ts';
import { mayStop } from './stopping.ts';

/** What became of each round's repair, by incident key: `done`, or `refused (why)`. */
export type Outcomes = Map<string, string>;

/**
 * Moments of each repair at which a test may stop or kill the process; those of a batch come to each together. At `written`
 * its `repair.started` is durable, and the source is about to commit.
 */
export type Moment = 'planned' | 'started' | 'written' | 'committed';
export type Reached = (moment: Moment) => void | Promise<void>;

/** What repairing needs besides the plan. */
export interface Workshop extends About {
  config: Config;
  progress: Progress;
  reached?: Reached;
  /** Aborted where the process is asked to end. */
  signal?: AbortSignal;
  /** How many repair groups are written together at most. */
  batchSize?: number;
  ahead?: Ahead;
}

/** From how many repair groups on the ledger is written while the source is; the rest is other than usual in tests alone. */
export interface Ahead {
  from: number;
  open?: typeof openWriter;
  patienceMs?: number;
}

/** Enough that what each batch costs by itself does not count; few enough that nobody waits long for their locks. */
const usualBatchSize = 500;

/** Of fewer, whoever writes the ledger meanwhile would still be starting when half of them are done. */
const usualAhead: Ahead = { from: 1_000 };

/** What a run of repairs carries from batch to batch. */
interface Course extends Workshop {
  /** What its appends pass on to each other. */
  memory: AppendMemory;
  /** Who writes the ledger while the source is written; null where each has its turn. */
  writer: Writer | null;
  /** What the source has already and the ledger has not. */
  ends: End[];
  ended: (planned: PlannedGroup, written: Written) => void;
}

/** How a repair ended. */
interface End {
  planned: PlannedGroup;
  written: Written;
  draft: EntryDraft;
}

const decisionChanged = new Refused(
  'decision_changed',
  'a person has decided otherwise since the plan was made',
);

const notStored = new OperationError('the ledger does not have the beginning of these repairs yet');

/** So long a source that is written waits for the ledger: the live pipeline may be waiting for its locks. */
const usualPatienceMs = 5_000;

/** Repair groups that are begun; `stored` says whether the ledger has that. */
interface Beginning {
  groups: Begun[];
  stored: Promise<boolean>;
}

/**
 * Appends `repair.started` of each group in one transaction, and asks whether a person has decided otherwise: a decision
 * either comes first and counts, or comes after it. A group that it concerns is left out, and ends refused.
 */
async function begin(due: readonly PlannedGroup[], course: Course): Promise<Beginning> {
  for (let left = due; left.length > 0; ) {
    let changed = new Set<PlannedGroup>();
    const check = (told: Told) => {
      changed = changedDecisions(told, left, course);
      if (changed.size > 0) throw decisionChanged;
    };
    try {
      const { firstSeq, stored } = await appendStarts(left, course, check);
      const { at } = course.run;
      return { groups: left.map((planned, nth) => ({ planned, seq: firstSeq + nth, at })), stored };
    } catch (thrown) {
      if (thrown !== decisionChanged) throw thrown;
    }
    for (const planned of changed)
      course.ended(planned, { written: false, refusal: decisionChanged.refusal });
    left = left.filter((planned) => !changed.has(planned));
  }
  return { groups: [], stored: Promise.resolve(true) };
}

/** With a writer they are still being stored, after the ends of the batch before; both are written once at most. */
async function appendStarts(
  groups: readonly PlannedGroup[],
  course: Course,
  check: (told: Told) => void,
): Promise<Appending> {
  const { run, memory, writer, ends } = course;
  const { at, ledger } = run;
  const starts = groups.map((planned) => startedDraft(planned, course));
  if (writer === null) {
    const [first] = await append(ledger, starts, at, { check, memory });
    return { firstSeq: first!.seq, stored: Promise.resolve(true) };
  }
  const due = [...ends];
  const all = [...due.map(({ draft }) => draft), ...starts];
  const appending = await appendAhead(ledger, all, { at, writer, check, memory });
  ends.length = 0;
  const stored = appending.stored.then((isStored) => {
    if (isStored) tellEnds(due, course);
    else ends.push(...due);
    return isStored;
  });
  // `repair` waits for it; that may be later.
  stored.catch(() => undefined);
  return { firstSeq: appending.firstSeq + due.length, stored };
}

function tellEnds(ends: readonly End[], { ended }: Course): void {
  for (const { planned, written } of ends) ended(planned, written);
}

/**
 * Appends how the repairs ended that the source has. Once: where that fails, nobody knows whether the ledger has it, and the
 * next run finds out.
 */
async function recordEnds(course: Course): Promise<void> {
  const { run, memory } = course;
  const due = course.ends.splice(0);
  const drafts = due.map(({ draft }) => draft);
  await append(run.ledger, drafts, run.at, { memory });
  tellEnds(due, course);
}

/** Whether the ledger has it, as far as can be said soon. */
async function isStoredSoon(stored: Promise<boolean>, patienceMs: number): Promise<boolean> {
  const late = new AbortController();
  const waiting = sleep(patienceMs, false, { signal: late.signal }).catch(() => false);
  try {
    return await Promise.race([stored, waiting]);
  } finally {
    late.abort();
  }
}

/** Writes begun groups, together or, where that does not go, one by one. No row is committed before its start is stored. */
async function writeBegun({ groups, stored }: Beginning, course: Course): Promise<void> {
  const { run, source, config, ahead } = course;
  const writing: Writing = {
    schema: source.schema,
    zone: config.zone,
    beforeCommit: async (written) => {
      if (!(await isStoredSoon(stored, ahead?.patienceMs ?? usualPatienceMs))) throw notStored;
      await reach('written', written, course);
      await run.assertNotTakenOver();
    },
  };
  const ends = await writeGroups(source.database, groups.map(requestOf), writing);
  if (!(await stored)) throw notStored;
  if (ends === null) {
    for (const one of groups) {
      await mayStop(course.signal);
      await writeBegun({ groups: [one], stored }, { ...course, writer: null });
    }
    return;
  }
  await reach('committed', groups, course);
  groups.forEach((one, at) => {
    const written = ends[at]!;
    course.ends.push({ planned: one.planned, written, draft: endDraft(one, written, course) });
  });
  if (course.writer === null) await recordEnds(course);
}

async function reach(moment: Moment, groups: readonly unknown[], { reached }: Workshop): Promise<void> {
  if (reached !== undefined) for (const _ of groups) await reached(moment);
}

/** Begins and writes groups; those of which nothing was done, because the ledger did not take their beginning. */
async function repair(due: readonly PlannedGroup[], course: Course): Promise<readonly PlannedGroup[]> {
  const beginning = await begin(due, course);
  const { groups, stored } = beginning;
  try {
    await reach('started', groups, course);
    if (groups.length > 0) await writeBegun(beginning, course);
  } catch (thrown) {
    // Nothing else is told to the ledger before that is known.
    const isStored = await stored;
    if (thrown !== notStored) throw thrown;
    if (!isStored) return groups.map(({ planned }) => planned);
    // It took too long for the locks of the source, which is written now; nothing is written ahead any more.
    course.writer = null;
    await writeBegun(beginning, course);
  }
  return [];
}

/**
 * A batch of repair groups: every `repair.started`, the writes, and how each ended (DESIGN, Recorded). Groups of a batch
 * share nothing, so that each is recorded, recovered and undone by itself.
 */
async function repairBatch(batch: readonly PlannedGroup[], course: Course): Promise<void> {
  const waiting = new Set(batch.filter((planned) => waits(planned, course)));
  for (const planned of waiting)
    course.ended(planned, { written: false, refusal: { reason: 'waiting', because: 'refused before' } });
  const due = batch.filter((planned) => !waiting.has(planned));
  if (due.length === 0) return;
  await course.run.assertLease();
  await reach('planned', due, course);
  const left = await repair(due, course);
  if (left.length === 0) return;
  await recordEnds(course);
  await repair(left, { ...course, writer: null });
}

/**
 * Makes the repairs of a plan, batch by batch; a refusal ends one group and no other. Asked to end, it throws between
 * two transactions, never within one. What the source has, the ledger is told in any case.
 */
export async function repairAll(planned: readonly PlannedGroup[], workshop: Workshop): Promise<Outcomes> {
  const { batchSize: size = usualBatchSize, ahead = usualAhead, config, run, source } = workshop;
  const outcomes: Outcomes = new Map();
  let done = 0;
  const ended: Course['ended'] = ({ group }, written) => {
    const outcome = written.written ? 'done' : `refused (${written.refusal.reason})`;
    for (const { key } of group.wants) outcomes.set(key, outcome);
    workshop.progress.step('repairing', ++done, planned.length);
  };
  const { from, open = openWriter } = ahead;
  // Of one file two connections would wait for each other.
  const isOneFile = run.ledger.database.file?.identity === (source.database.file?.identity ?? null);
  const writer = planned.length < from || isOneFile ? null : await open(run.ledger);
  const course: Course = { ...workshop, memory: { last: null }, writer, ends: [], ended };
  try {
    for (const batch of batchesOf(planned, { zone: config.zone, size })) {
      await mayStop(course.signal);
      await repairBatch(batch, course);
    }
    await recordEnds(course);
  } catch (thrown) {
    // Where the ledger cannot be told, the next run finds out.
    await recordEnds(course).catch(() => undefined);
    throw thrown;
  } finally {
    await writer?.close();
  }
  return outcomes;
}
