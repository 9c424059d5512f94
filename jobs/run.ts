import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../src/config.ts';
import { withLedger } from '../src/context.ts';
import type { Json } from '../src/core/model.ts';
import { exitCodeOfFailure, LeaseHeldError, messageOf, OperationError } from '../src/errors.ts';
import { assertNotBehind } from '../src/ledger/head.ts';
import { acquireLease, releaseLease, renewLease } from '../src/ledger/lease.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { closeDeadRuns, finishRun, startRun } from '../src/ledger/runs.ts';

/** One execution of a command that may write. `nowMs` is taken once and passed down. */
export interface Run {
  id: string;
  nowMs: number;
  nowUnix: number;
  /** UTC with milliseconds: the `at` of every entry of this run. */
  at: string;
  ledger: Ledger;
  /** Throws where another run has taken the lease since: asked before each write to the source. */
  assertLease: () => Promise<void>;
}

/** What a job came to: its exit code, and one small document for the record of runs. */
export interface JobEnd<T> {
  exitCode: number;
  summary: Json;
  result: T;
}

const leaseName = 'work';
const leaseMs = 5 * 60_000;
const renewEveryMs = 60_000;

/** A run's id: when it began, and something that no other run has. */
export function newRunId(nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${stamp}-${randomBytes(3).toString('hex')}`;
}

/** Holds the lease while `work` runs; throws LeaseHeldError, which names the holder, where another run has it. */
async function withLease<T>(
  ledger: Ledger,
  runId: string,
  work: (assertLease: Run['assertLease']) => Promise<T>,
): Promise<T> {
  const { database } = ledger;
  const holder = { host: hostname(), pid: process.pid, runId };
  const answer = await acquireLease(database, { name: leaseName, holder, nowMs: Date.now(), ttlMs: leaseMs });
  if (!answer.ok)
    throw new LeaseHeldError(
      `${answer.holder} is at work since ${answer.since}; its lease ends at ${answer.expiresAt}`,
    );
  const { token } = answer;
  const renew = () => renewLease(database, { name: leaseName, token, nowMs: Date.now(), ttlMs: leaseMs });
  const renewal = setInterval(() => void renew().catch(() => undefined), renewEveryMs);
  renewal.unref();
  const assertLease = async () => {
    if (!(await renew()))
      throw new OperationError('another run has taken the lease since; this one stops before its next write');
  };
  try {
    return await work(assertLease);
  } finally {
    clearInterval(renewal);
    await releaseLease(database, { name: leaseName, token });
  }
}

/**
 * Runs a job that may write: the ledger opened and not behind its head, the lease held, the run recorded
 * as finished or failed, `now` taken once. Whatever fails stands in the record of runs, and is thrown on.
 */
export async function runJob<T>(
  config: Config,
  options: { command: string; nowMs?: number; acceptsRestore?: boolean },
  work: (run: Run) => Promise<JobEnd<T>>,
): Promise<JobEnd<T>> {
  const nowMs = options.nowMs ?? Date.now();
  const at = new Date(nowMs).toISOString();
  const id = newRunId(nowMs);
  return withLedger(config, (ledger) =>
    withLease(ledger, id, async (assertLease) => {
      const { database } = ledger;
      const [host, pid] = [hostname(), process.pid];
      await startRun(database, { id, command: options.command, host, pid, startedAt: at });
      await closeDeadRuns(database, { host, own: [id], at });
      try {
        if (!options.acceptsRestore) await assertNotBehind(ledger);
        const end = await work({ id, nowMs, nowUnix: Math.floor(nowMs / 1000), at, ledger, assertLease });
        const { exitCode, summary } = end;
        await finishRun(database, id, { state: 'finished', exitCode, summary, at: new Date().toISOString() });
        return end;
      } catch (thrown) {
        const exitCode = exitCodeOfFailure(thrown);
        const failure = { state: 'failed', exitCode, error: messageOf(thrown) } as const;
        await finishRun(database, id, { ...failure, at: new Date().toISOString() });
        throw thrown;
      }
    }),
  );
}
