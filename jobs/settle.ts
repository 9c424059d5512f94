import type { Source } from '../src/context.ts';
import { foldEntry } from '../src/context.ts';
import type { EntryKind, FoldEntry } from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import type { EntryDraft } from '../src/core/record.ts';
import type { RowChange } from '../src/core/row-change.ts';
import { OperationError } from '../src/errors.ts';
import { append } from '../src/ledger/append.ts';
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

/** Only a start can be open: what says otherwise was not written by this program. */
function assertStart({ seq, kind }: FoldEntry): void {
  if (kind === 'repair.started' || kind === 'revert.started') return;
  throw new OperationError(
    `cannot close the repair ${seq}, which is stored as open: entry ${seq} is none (${kind}), so somebody changed the ledger; run \`roundwarden ledger verify\`; nothing was written`,
  );
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
    assertStart(started);
    const { changes } = started.body as unknown as StartedBody;
    const stamped = columns.captures.has('captured_at');
    const found = await inspectInterrupted(source.database, { changes, at: started.at, stamped });
    const draft = closing(started, found, run.id);
    await append(run.ledger, [draft], run.at);
    closed.push(draft);
  }
  return closed;
}
