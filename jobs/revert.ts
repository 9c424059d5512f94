import type { Config } from '../src/config.ts';
import { foldEntry, type Source, withSource } from '../src/context.ts';
import { hashOf } from '../src/core/canonical.ts';
import type { EntryKind, FoldEntry } from '../src/core/incident.ts';
import type { Json } from '../src/core/model.ts';
import type { EntryDraft } from '../src/core/record.ts';
import { invert, type RowChange, rowName } from '../src/core/row-change.ts';
import { OperationError, UsageError } from '../src/errors.ts';
import { append } from '../src/ledger/append.ts';
import { eachEntry, entryBySeq } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { writeRevert } from '../src/source/write-revert.ts';
import type { Reached } from './repairing.ts';
import { type LeaseOptions, type Run, runJob } from './run.ts';
import { type StartedBody, settleInterrupted } from './settle.ts';
import { assertSourceSet } from './source-settings.ts';

/** A repair group as the ledger tells it: how it began, and what became of it. */
interface Repair {
  started: FoldEntry;
  body: StartedBody;
  ended: FoldEntry | null;
  revertedBy: number | null;
}

const repairKinds: readonly EntryKind[] = [
  'repair.started',
  'repair.done',
  'repair.refused',
  'repair.not_done',
  'repair.superseded',
  'revert.done',
];

/** Every repair group of a source since `afterSeq`, by the seq of its `repair.started`. */
async function repairsSince(ledger: Ledger, source: string, afterSeq: number): Promise<Map<number, Repair>> {
  const repairs = new Map<number, Repair>();
  for await (const raw of eachEntry(ledger, { source, kinds: repairKinds, afterSeq })) {
    const entry = foldEntry(raw);
    const body = entry.body as unknown as StartedBody & { started?: number };
    if (entry.kind === 'repair.started')
      repairs.set(entry.seq, { started: entry, body, ended: null, revertedBy: null });
    else if (entry.kind === 'revert.done') {
      const repair = repairs.get(body.reverts!);
      if (repair !== undefined) repair.revertedBy = entry.seq;
    } else {
      const repair = repairs.get(body.started!);
      if (repair !== undefined) repair.ended = entry;
    }
  }
  return repairs;
}

/** The seq of the `repair.started` that a person means by any entry of the repair. */
async function startedSeq(ledger: Ledger, seq: number): Promise<number> {
  const raw = await entryBySeq(ledger, seq);
  if (raw === null) throw new UsageError(`there is no entry ${seq} in the ledger`);
  const entry = foldEntry(raw);
  if (entry.kind === 'repair.started') return seq;
  const started = (entry.body as { started?: number }).started;
  if (entry.kind.startsWith('repair.') && started !== undefined) return started;
  throw new UsageError(
    `entry ${seq} is ${entry.kind}, not a repair; \`roundwarden ledger tail\` names the repairs`,
  );
}

function assertRevertible(repair: Repair, force: boolean): void {
  const { started, ended, revertedBy } = repair;
  if (revertedBy !== null)
    throw new OperationError(`repair ${started.seq} was reverted already, by entry ${revertedBy}`);
  if (ended === null)
    throw new OperationError(`repair ${started.seq} has not ended; the next audit closes it`);
  if (ended.kind !== 'repair.done')
    throw new OperationError(
      `repair ${started.seq} changed nothing: it ended as ${ended.kind} (entry ${ended.seq})`,
    );
  const { certain } = ended.body as { certain?: boolean };
  if (certain === false && !force)
    throw new OperationError(
      `repair ${started.seq} was interrupted, and its rows may be somebody else's work; look at them, then use --force`,
    );
}

/** A later repair that stands on the same rows has to be reverted first. */
function assertLast(repair: Repair, later: ReadonlyMap<number, Repair>): void {
  const own = new Set(repair.body.changes.map(rowName));
  for (const other of later.values()) {
    if (
      other.started.seq <= repair.started.seq ||
      other.revertedBy !== null ||
      other.ended?.kind !== 'repair.done'
    )
      continue;
    const shared = other.body.changes.find((change) => own.has(rowName(change)));
    if (shared !== undefined)
      throw new OperationError(
        `repair ${other.started.seq} depends on repair ${repair.started.seq} (${rowName(shared)}); revert ${other.started.seq} first`,
      );
  }
}

/** What a revert came to. */
export interface Reverted {
  reverts: number;
  entry: number;
  incidents: string[];
  changes: RowChange[];
}

/** The usual cause, and its mend. */
function rightsHint(because: string): string {
  return /permission denied/.test(because)
    ? '; SOURCE_REVERT_URL names a role that may delete captures and read the tables that refer to them (README, Rights)'
    : '';
}

async function undo(of: {
  run: Run;
  source: Source;
  repair: Repair;
  by: string;
  reason: string;
  reached?: Reached;
}): Promise<Reverted> {
  const { run, source, repair, by, reason, reached } = of;
  const { incidents, repairs } = repair.body;
  const changes = invert(repair.body.changes);
  const reverts = repair.started.seq;
  const about = { run: run.id, reverts, incidents, repairs, by, reason };
  const draft = (kind: EntryKind, body: object): EntryDraft => ({
    kind,
    source: source.name,
    key: repair.started.key,
    body: { ...about, ...body } as unknown as Json,
  });
  const hash = hashOf(changes as unknown as Json);
  await run.assertLease();
  const [started] = await append(run.ledger, [draft('revert.started', { changes, hash })], run.at);
  const written = await writeRevert(source.database, {
    changes,
    at: run.at,
    schema: source.schema,
    beforeCommit: async () => {
      await reached?.('written');
      await run.assertNotTakenOver();
    },
  });
  const end = written.written
    ? draft('revert.done', { started: started!.seq })
    : draft('revert.not_done', { started: started!.seq, ...written.refusal });
  const [ended] = await append(run.ledger, [end], run.at);
  if (!written.written)
    throw new OperationError(
      `repair ${reverts} cannot be reverted, nothing was changed: ${written.refusal.because}${rightsHint(written.refusal.because)}`,
    );
  return { reverts, entry: ended!.seq, incidents, changes };
}

/** Undoes one repair group, and holds its incidents until somebody reopens them (DESIGN, Undoable). */
export async function revert(request: {
  config: Config;
  seq: number;
  force: boolean;
  by: string;
  reason: string;
  nowMs: number;
  lease?: LeaseOptions;
  reached?: Reached;
}): Promise<Reverted> {
  const { config, seq, force, by, reason, nowMs, lease, reached } = request;
  if (!config.repair)
    throw new UsageError('REPAIR is off, which never writes to the source: set REPAIR=on to revert a repair');
  assertSourceSet(config);
  const end = await runJob(config, { command: 'revert', nowMs, lease }, (run) =>
    withSource(config, { revert: true }, async (source) => {
      await settleInterrupted(run, source);
      const started = await startedSeq(run.ledger, seq);
      const repairs = await repairsSince(run.ledger, source.name, started - 1);
      const repair = repairs.get(started);
      if (repair === undefined)
        throw new OperationError(`repair ${started} was made in another source than ${source.name}`);
      assertRevertible(repair, force);
      assertLast(repair, repairs);
      const result = await undo({ run, source, repair, by, reason, reached });
      return { exitCode: 0, summary: { reverts: result.reverts, entry: result.entry }, result };
    }),
  );
  return end.result;
}
