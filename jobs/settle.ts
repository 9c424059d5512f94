import type { Source } from '../src/context.ts';
import { foldEntry } from '../src/context.ts';
import type { EntryKind, FoldEntry } from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import type { EntryDraft } from '../src/core/record.ts';
import type { RowChange } from '../src/core/row-change.ts';
import { OperationError } from '../src/errors.ts';
import { append } from '../src/ledger/append.ts';
import { lastEntryOf } from '../src/ledger/entries.ts';
import { openRepairs } from '../src/ledger/incidents.ts';
import { type FoundState, inspectInterrupted } from '../src/source/recover.ts';
import type { Run } from './run.ts';

/** What `repair.started` and `revert.started` hold. */
export interface StartedBody {
  run: string;
  incidents: string[];
  repairs: Json;
  changes: RowChange[];
  hash: string;
  /** Of a revert: the `repair.started` that it undoes, and who wanted it. */
  reverts?: number;
  by?: string;
  reason?: string;
}

function ending(kind: string, found: FoundState): { kind: EntryKind; because: string } {
  const revert = kind === 'revert.started';
  if (found.state === 'after')
    return {
      kind: revert ? 'revert.done' : 'repair.done',
      because: 'the run was interrupted after it had written',
    };
  if (found.state === 'before')
    return {
      kind: revert ? 'revert.not_done' : 'repair.not_done',
      because: 'the run was interrupted before it wrote',
    };
  return {
    kind: revert ? 'revert.not_done' : 'repair.superseded',
    because: 'the run was interrupted, and somebody else has written these rows since',
  };
}

function closing(started: FoldEntry, found: FoundState, run: string): EntryDraft {
  const body = started.body as unknown as StartedBody;
  const { kind, because } = ending(started.kind, found);
  const { incidents, repairs, reverts, by, reason } = body;
  const certain = found.certain || found.state !== 'after';
  const about = { run, started: started.seq, incidents, repairs, because, certain };
  const said = reverts === undefined ? {} : { reverts, by: by ?? '', reason: reason ?? '' };
  return { kind, source: started.source, key: started.key, body: { ...about, ...said } as unknown as Json };
}

const closings: Readonly<Record<string, readonly EntryKind[]>> = {
  'repair.started': ['repair.done', 'repair.not_done', 'repair.superseded', 'repair.refused'],
  'revert.started': ['revert.done', 'revert.not_done'],
};

/** Only a start that nothing closed can be open: what says otherwise was not written by this program. */
async function assertOpen({ ledger }: Run, { seq, kind, source, key }: FoldEntry): Promise<void> {
  const wrong = (why: string) =>
    new OperationError(
      `cannot close the repair ${seq}, which is stored as open: ${why}, so somebody changed the ledger; run \`roundwarden ledger verify\`; nothing was written`,
    );
  const kinds = closings[kind];
  if (kinds === undefined) throw wrong(`entry ${seq} is none (${kind})`);
  // One incident has one repair at a time: a later one begins after this one was closed.
  const last = await lastEntryOf(ledger, source, key, kinds);
  if (last === null) return;
  const { started } = foldEntry(last).body as { started?: number };
  if (started !== undefined && started >= seq) throw wrong(`entry ${last.seq} closed it (${last.kind})`);
}

/**
 * Closes every repair and revert that an earlier run started and did not end: done, not done, or
 * superseded by somebody else's row (DESIGN, Recorded). Returns what it wrote. Throws an OperationError where
 * something is stored as open that never was begun.
 */
export async function settleInterrupted(run: Run, source: Source): Promise<EntryDraft[]> {
  const { columns } = source.schema;
  const closed: EntryDraft[] = [];
  for (const entry of await openRepairs(run.ledger, source.name)) {
    const started = foldEntry(entry);
    await assertOpen(run, started);
    const { changes } = started.body as unknown as StartedBody;
    const stamped = columns.captures.has('captured_at');
    const found = await inspectInterrupted(source.database, { changes, at: started.at, stamped });
    const draft = closing(started, found, run.id);
    await append(run.ledger, [draft], run.at);
    closed.push(draft);
  }
  return closed;
}
