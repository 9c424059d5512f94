import { randomBytes } from 'node:crypto';
import type { Config } from '../src/config.ts';
import { withLedger } from '../src/context.ts';
import type { Json } from '../src/core/model.ts';
import { exitCodeOfFailure, LeaseHeldError, messageOf, OperationError } from '../src/errors.ts';
import { assertFence } from '../src/ledger/fence.ts';
import { assertNotBehind } from '../src/ledger/head.ts';
import { acquireLease, releaseLease, renewLease, workLease } from '../src/ledger/lease.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { ownProcess, type ProcessName } from '../src/ledger/process.ts';
import { closeDeadRuns, finishRun, startRun } from '../src/ledger/runs.ts';
import type { Log } from '../src/log.ts';

/** What a run may ask of its lease. Each throws an OperationError where another run has taken over since. */
interface Held {
  /** The ledger, which refuses the appends of a run that has lost its lease. */
  ledger: Ledger;
  /** Prolongs the lease: asked before each repair. Throws where it cannot be prolonged, too. */
  assertLease: () => Promise<void>;
  /** Only reads, so that nobody has to be waited for: asked just before the source commits. */
  assertNotTakenOver: () => Promise<void>;
}

/** One execution of a command that may write. `nowMs` is taken once and passed down. */
export interface Run extends Held {
  id: string;
  nowMs: number;
  nowUnix: number;
  /** UTC with milliseconds: the `at` of every entry of this run. */
  at: string;
}

/** What a job came to: its exit code, and one small document for the record of runs. */
export interface JobEnd<T> {
  exitCode: number;
  summary: Json;
  result: T;
}

/** For tests, which have no five minutes, and no second host. */
export interface LeaseOptions {
  /** How long the lease lasts when nobody prolongs it. Default five minutes. */
  termMs?: number;
  /** Who holds it. Default this process. */
  process?: ProcessName;
  /** A clock that only runs forward, in milliseconds: how long a run takes is read from it. Default `performance.now`. */
  elapsedMs?: () => number;
}

const defaultTermMs = 5 * 60_000;
/** So often a lease is prolonged within its term: four times may fail. */
const renewalsPerTerm = 5;

/** A run's id: when it began, and something that no other run has. */
export function newRunId(nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${stamp}-${randomBytes(3).toString('hex')}`;
}

/** Nothing that a run does takes so long; the report, too, looks for runs no longer than this. */
export const longestJobMs = 6 * 3_600_000;

/**
 * Prolongs a lease again and again while `work` runs. What fails is said, and tried again. A run that waits for what never
 * answers loses it in the end, and the next one goes on.
 */
async function prolonging<T>(
  of: { renew: () => Promise<boolean>; everyMs: number; elapsedMs: () => number; log?: Log },
  work: () => Promise<T>,
): Promise<T> {
  const { renew, everyMs, elapsedMs, log } = of;
  let busy = false;
  const endsMs = elapsedMs() + longestJobMs;
  const renewal = setInterval(async () => {
    if (busy || elapsedMs() > endsMs) return;
    busy = true;
    try {
      if (!(await renew())) log?.warn('another run has taken over; this one stops before its next write');
    } catch (thrown) {
      log?.warn({ why: messageOf(thrown) }, 'could not prolong the lease; tried again');
    }
    busy = false;
  }, everyMs);
  renewal.unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
  }
}

/** Holds the lease while `work` runs; throws LeaseHeldError, which names the holder, where another run has it. */
async function withLease<T>(
  ledger: Ledger,
  of: Required<LeaseOptions> & { runId: string; log?: Log },
  work: (held: Held) => Promise<T>,
): Promise<T> {
  const { database } = ledger;
  const { runId, process, termMs: ttlMs, elapsedMs, log } = of;
  const name = workLease;
  const holder = { ...process, runId };
  const answer = await acquireLease(database, { name, holder, nowMs: Date.now(), ttlMs });
  if (!answer.ok)
    throw new LeaseHeldError(
      `${answer.holder} is at work since ${answer.since}; its lease ends at ${answer.expiresAt}`,
    );
  const { token, fence: number } = answer;
  const fenced: Ledger = { ...ledger, fence: { name, number, token } };
  const renew = () => renewLease(database, { name, token, nowMs: Date.now(), ttlMs });
  const held: Held = {
    ledger: fenced,
    assertLease: async () => {
      const renewed = await renew().catch((cause) => {
        throw new OperationError('cannot prolong the lease; this run stops before its next write', { cause });
      });
      if (!renewed) await assertFence(fenced, { share: false });
    },
    assertNotTakenOver: async () => {
      await assertFence(fenced, { share: false }).catch((cause) => {
        if (cause instanceof OperationError) throw cause;
        throw new OperationError(
          'cannot read the lease again; what was about to be committed to the source is rolled back',
          { cause },
        );
      });
    },
  };
  try {
    return await prolonging({ renew, everyMs: ttlMs / renewalsPerTerm, elapsedMs, log }, () => work(held));
  } finally {
    // One that cannot be given back ends by itself, and must not hide what the run came to.
    await releaseLease(database, { name, token }).catch((thrown) =>
      log?.warn({ why: messageOf(thrown) }, 'could not give the lease back; it ends by itself'),
    );
  }
}

/**
 * Runs a job that may write: the ledger opened and not behind its head, the lease held, the run recorded
 * as finished or failed, `now` taken once. Whatever fails stands in the record of runs, where that can still be
 * written, and is thrown on.
 */
export async function runJob<T>(
  config: Config,
  options: { command: string; nowMs?: number; acceptsRestore?: boolean; lease?: LeaseOptions; log?: Log },
  work: (run: Run) => Promise<JobEnd<T>>,
): Promise<JobEnd<T>> {
  const { command, nowMs = Date.now(), lease = {}, log } = options;
  const at = new Date(nowMs).toISOString();
  const id = newRunId(nowMs);
  const { process = ownProcess(), termMs = defaultTermMs } = lease;
  const { elapsedMs = () => performance.now() } = lease;
  return withLedger(config, (opened) =>
    withLease(opened, { runId: id, process, termMs, elapsedMs, log }, async (held) => {
      const { ledger } = held;
      const { database } = ledger;
      const recorded = { id, command, process, fence: ledger.fence!.number, startedAt: at };
      await startRun(database, recorded);
      await closeDeadRuns(database, recorded, at);
      try {
        if (!options.acceptsRestore) await assertNotBehind(ledger);
        const end = await work({ id, nowMs, nowUnix: Math.floor(nowMs / 1000), at, ...held });
        const { exitCode, summary } = end;
        await finishRun(database, id, { state: 'finished', exitCode, summary, at: new Date().toISOString() });
        return end;
      } catch (thrown) {
        const exitCode = exitCodeOfFailure(thrown);
        const failure = { state: 'failed', exitCode, error: messageOf(thrown) } as const;
        await finishRun(database, id, { ...failure, at: new Date().toISOString() }).catch((unrecorded) =>
          log?.warn({ why: messageOf(unrecorded) }, 'could not record how this run ended'),
        );
        throw thrown;
      }
    }),
  );
}
