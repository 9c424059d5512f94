import { z } from 'zod';
import type { Json } from '../core/model.ts';
import type { Database } from '../database.ts';
import { isGone, type ProcessName } from './process.ts';

const runRow = z.object({
  id: z.string(),
  command: z.string(),
  host: z.string(),
  pid: z.int(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
  state: z.enum(['running', 'finished', 'failed']),
  exit_code: z.int().nullable(),
  summary: z.string().nullable(),
  error: z.string().nullable(),
});

export type RunState = z.infer<typeof runRow>['state'];

/** One execution of a command. Times are UTC, ISO 8601 with milliseconds. */
export interface Run {
  id: string;
  command: string;
  host: string;
  pid: number;
  startedAt: string;
  finishedAt: string | null;
  state: RunState;
  exitCode: number | null;
  summary: Json;
  error: string | null;
}

function runFromRow(row: unknown): Run {
  const { started_at, finished_at, exit_code, summary, ...rest } = runRow.parse(row);
  return {
    ...rest,
    startedAt: started_at,
    finishedAt: finished_at,
    exitCode: exit_code,
    summary: summary === null ? null : (JSON.parse(summary) as Json),
  };
}

export interface NewRun {
  id: string;
  command: string;
  process: ProcessName;
  /** The number of its lease. */
  fence: number;
  startedAt: string;
}

/** Records that a run began. */
export async function startRun(database: Database, run: NewRun): Promise<void> {
  const { id, command, fence, startedAt } = run;
  const { host, pid, ...marks } = run.process;
  await database.knex('runs').insert({
    id,
    command,
    host,
    pid,
    process: JSON.stringify(marks),
    fence,
    started_at: startedAt,
    state: 'running',
  });
}

export interface RunEnd {
  state: 'finished' | 'failed';
  exitCode: number;
  summary?: Json;
  error?: string | null;
  at: string;
}

/** Records how a run ended. */
export async function finishRun(database: Database, id: string, end: RunEnd): Promise<void> {
  await database
    .knex('runs')
    .where({ id })
    .update({
      state: end.state,
      exit_code: end.exitCode,
      summary: end.summary == null ? null : JSON.stringify(end.summary),
      error: end.error ?? null,
      finished_at: end.at,
    });
}

export interface RunFilter {
  command?: string;
  state?: RunState;
  limit: number;
}

/** Up to `limit` runs, the one that started last first. */
export async function lastRuns(database: Database, filter: RunFilter): Promise<Run[]> {
  const query = database.knex('runs').select(Object.keys(runRow.shape));
  if (filter.command !== undefined) query.where('command', filter.command);
  if (filter.state !== undefined) query.where('state', filter.state);
  const rows = await query
    .orderBy([
      { column: 'started_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(filter.limit);
  return rows.map(runFromRow);
}

/** When a run was at work, and how it ended; without its document. */
export type RunTime = Pick<Run, 'startedAt' | 'finishedAt' | 'state'>;

const runTime = runRow.pick({ started_at: true, finished_at: true, state: true });

/** The runs of a command that started in a time: UTC with milliseconds, half-open; in the order of their start. */
export async function runsBetween(
  database: Database,
  of: { command: string; from: string; to: string },
): Promise<RunTime[]> {
  const rows = await database
    .knex('runs')
    .select(Object.keys(runTime.shape))
    .where('command', of.command)
    .where('started_at', '>=', of.from)
    .where('started_at', '<', of.to)
    .orderBy('started_at');
  return rows.map(timeFromRow);
}

function timeFromRow(row: unknown): RunTime {
  const { started_at: startedAt, finished_at: finishedAt, state } = runTime.parse(row);
  return { startedAt, finishedAt, state };
}

/** When the first run of a command began; null where there was none. */
export async function firstRunAt(database: Database, command: string): Promise<string | null> {
  const row = await database
    .knex('runs')
    .select('started_at')
    .where({ command })
    .orderBy('started_at')
    .first();
  return row === undefined ? null : String(row.started_at);
}

const workingRow = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.int(),
  process: z
    .string()
    .nullable()
    .transform((text) => JSON.parse(text ?? '{}') as unknown)
    .pipe(z.object({ table: z.string().optional(), started: z.string().optional() })),
  fence: z.int().nullable(),
});

/**
 * Marks the runs as failed that are recorded as running and are not: those whose process has ended, and those that
 * `run` has taken over from. Returns their ids. Asked by whoever holds the lease.
 */
export async function closeDeadRuns(
  database: Database,
  run: Pick<NewRun, 'id' | 'process' | 'fence'>,
  at: string,
): Promise<string[]> {
  const rows = await database
    .knex('runs')
    .select(Object.keys(workingRow.shape))
    .where('state', 'running')
    .whereNot('id', run.id)
    .orderBy('id');
  const closed: string[] = [];
  for (const row of rows) {
    const other = workingRow.parse(row);
    const error = whyNotAtWork(other, run);
    if (error === null) continue;
    await database
      .knex('runs')
      .where({ id: other.id, state: 'running' })
      .update({ state: 'failed', finished_at: at, error });
    closed.push(other.id);
  }
  return closed;
}

function whyNotAtWork(
  other: z.infer<typeof workingRow>,
  run: Pick<NewRun, 'id' | 'process' | 'fence'>,
): string | null {
  const { host, pid, process: marks, fence } = other;
  // One process is in one run at a time: another one under its number is of an earlier process.
  const isHere = host === run.process.host && (marks.table ?? run.process.table) === run.process.table;
  const isEarlier = isHere && pid === run.process.pid;
  if (isEarlier || isGone({ host, pid, ...marks }, run.process)) return 'the process ended without finishing';
  return fence !== null && fence < run.fence
    ? `run ${run.id} took over: the lease of this one ended before it was prolonged`
    : null;
}

/** Audits that looked at everything they should, as they are recorded; those of a part have another name. */
export const wholeAudit = 'audit';
export const partAudit = `${wholeAudit} of a part`;

/** What the record of runs says of whole audits up to a moment; what a clock ran ahead for is not counted. */
export interface AuditsSoFar {
  lastFinished: RunTime | null;
  /** When the last finished one of the whole history began. */
  lastFullAt: string | null;
  lastState: RunState | null;
}

const newestAudit = (database: Database, at: string) =>
  database
    .knex('runs')
    .select(Object.keys(runTime.shape))
    .where('command', wholeAudit)
    .where('started_at', '<=', at)
    .orderBy('started_at', 'desc')
    .first();

/** The last finished whole audit that began up to `at`, UTC with milliseconds; null where there was none. */
export async function lastFinishedAudit(database: Database, at: string): Promise<RunTime | null> {
  const done = await newestAudit(database, at).where('state', 'finished');
  return done === undefined ? null : timeFromRow(done);
}

/** The last whole audits that began up to `at`, UTC with milliseconds. */
export async function auditsUntil(database: Database, at: string): Promise<AuditsSoFar> {
  const [last, lastFinished, full] = [
    await newestAudit(database, at),
    await lastFinishedAudit(database, at),
    // As JSON.stringify writes it in summaries; no text of the game's world stands in one.
    await newestAudit(database, at)
      .where('state', 'finished')
      .whereNotNull('summary')
      .where('summary', 'like', '%"scope":"all"%'),
  ];
  return {
    lastFinished,
    lastFullAt: full === undefined ? null : timeFromRow(full).startedAt,
    lastState: last === undefined ? null : timeFromRow(last).state,
  };
}

/** So many rows at most go at once: a clock that is years ahead for a moment does not take the whole record. */
const mostPruned = 100;

/**
 * Forgets runs that began before `before`, and the documents of those that began before `summariesBefore`; the oldest
 * first, at most a hundred of each.
 */
export async function pruneRuns(
  database: Database,
  of: { before: string | null; summariesBefore: string },
): Promise<{ runs: number; summaries: number }> {
  const { knex } = database;
  const oldest = async (before: string, { withSummary }: { withSummary: boolean }): Promise<string[]> => {
    const query = knex('runs').select('id').where('started_at', '<', before).whereNot('state', 'running');
    if (withSummary) query.whereNotNull('summary');
    const rows: { id: string }[] = await query.orderBy('started_at').limit(mostPruned);
    return rows.map(({ id }) => id);
  };
  const gone = of.before === null ? [] : await oldest(of.before, { withSummary: false });
  const runs = gone.length === 0 ? 0 : await knex('runs').whereIn('id', gone).delete();
  const bare = await oldest(of.summariesBefore, { withSummary: true });
  const summaries = bare.length === 0 ? 0 : await knex('runs').whereIn('id', bare).update({ summary: null });
  return { runs, summaries };
}
