import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { hashOf } from '../src/core/canonical.ts';
import type { Json } from '../src/core/model.ts';
import { type PlannedGroup, summarise } from '../src/core/plan.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { append } from '../src/ledger/append.ts';
import { type Written, writeGroup } from '../src/source/write.ts';
import type { Progress } from './progress.ts';
import type { Run } from './run.ts';
import type { StartedBody } from './settle.ts';

/** What became of each round's repair, by incident key: `done`, or `refused (why)`. */
export type Outcomes = Map<string, string>;

/** Moments at which a test may kill the process. */
export type Moment = 'started' | 'written' | 'committed';

/** What repairing needs besides the plan. */
export interface Workshop {
  config: Config;
  source: Source;
  run: Run;
  fingerprint: string;
  progress: Progress;
  reached?: (moment: Moment) => void | Promise<void>;
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
  const { incidents, repairs } = started.body as unknown as StartedBody;
  const about = { run, started: started.seq, incidents, repairs };
  const body = written.written ? { ...about, certain: true } : { ...about, ...written.refusal };
  const kind = written.written ? 'repair.done' : 'repair.refused';
  return { kind, source: started.source, key: started.key, body: body as unknown as Json };
}

/** One repair group: `repair.started`, the write, and how it ended (DESIGN, Recorded). */
async function repairGroup(planned: PlannedGroup, workshop: Workshop): Promise<Written> {
  const { run, source, config } = workshop;
  const key = planned.group.wants[0].key;
  const body = startedBody(planned, workshop) as unknown as Json;
  const draft: EntryDraft = { kind: 'repair.started', source: source.name, key, body };
  const [started] = await append(run.ledger, [draft], run.at);
  await workshop.reached?.('started');
  const written = await writeGroup(source.database, {
    wants: planned.group.wants,
    changes: planned.changes,
    capturedAt: started!.at,
    schema: source.schema,
    zone: config.zone,
    beforeCommit: () => workshop.reached?.('written'),
  });
  await workshop.reached?.('committed');
  await append(run.ledger, [endDraft({ ...draft, seq: started!.seq }, written, run.id)], run.at);
  return written;
}

/** Makes the repairs of a plan, group by group; a refusal ends one group and no other. */
export async function repairAll(planned: readonly PlannedGroup[], workshop: Workshop): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  let done = 0;
  for (const group of planned) {
    const written = await repairGroup(group, workshop);
    const outcome = written.written ? 'done' : `refused (${written.refusal.reason})`;
    for (const { key } of group.group.wants) outcomes.set(key, outcome);
    workshop.progress.step('repairing', ++done, planned.length);
  }
  return outcomes;
}
