import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type JobHelpers,
  Logger,
  type Runner,
  type RunnerOptions,
  run,
  runMigrations,
  type TaskList,
} from 'graphile-worker';
import { describeUrl, openPool } from '../src/database.ts';
import { failureText, LeaseHeldError, messageOf, StoppedError, UsageError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import type { Server } from '../src/servers.ts';
import { auditOwed, type Duty, deliverDue, reportOwed } from './duties.ts';
import { fleetCrontab, jobSpec, type Task, taskName, tasks } from './fleet-crontab.ts';
import { giveSigns } from './fleet-signs.ts';
import { workerTermMs } from './fleet-term.ts';
import { tellFailure } from './heartbeat.ts';
import { readOwed } from './owed.ts';
import type { Reached } from './repairing.ts';
import { type LeaseOptions, longestJobMs } from './run.ts';

export interface WorkerOptions {
  log: Log;
  /** Aborted where the process is asked to end. */
  signal: AbortSignal;
  /** A worker that gave no sign for so long counts as dead. Default one minute. */
  termMs?: number;
  /** A job that found its server's lease held is tried again after so long. Default half a minute. */
  retryMs?: number;
  lease?: LeaseOptions;
  /** The engine looks for a job each two seconds; one that has not for so long does not any more. Default two minutes. */
  silenceMs?: number;
  reached?: (server: string) => Reached;
}

/** What a worker does, as it says when it begins. */
export interface WorkerPlan {
  worker: string;
  pid: number;
  /** Where the queue is, without a password. */
  fleet: string;
  servers: string[];
}

const usualRetryMs = 30_000;

/** Where the queue of these servers is; throws a UsageError where they cannot be a fleet. */
export function fleetUrlOf(servers: readonly Server[]): string {
  const urls = new Set(servers.map(({ config }) => config.fleetUrl));
  const [url] = urls;
  if (urls.size !== 1 || url === null || url === undefined)
    throw new UsageError('set FLEET_DATABASE_URL to the PostgreSQL that shall hold the queue of the fleet');
  const alone = servers.filter(({ config }) => describeUrl(config.ledgerUrl).dialect === 'sqlite');
  if (alone.length > 0)
    throw new UsageError(
      `workers of several hosts share a ledger on PostgreSQL; LEDGER_DATABASE_URL is a file of one host for ${alone.map(({ name }) => name).join(', ')}`,
    );
  return url;
}

/** The engine's log as ours. What a job came to is ours to say. */
function engineLogger(log: Log): Logger {
  return new Logger(() => (level, message, meta) => {
    if (level === 'error' && meta?.failure !== true) log.error({ engine: true }, message);
    else if (level === 'warning') log.warn({ engine: true }, message);
    else log.debug({ engine: true }, message);
  });
}

/** When the tick was, by the clock of the host that ticked: one that is ahead of ours must find its audit owed. */
function tickedMs(payload: unknown): number {
  const { _cron: cron } = (payload ?? {}) as { _cron?: { ts?: string } };
  return cron?.ts === undefined ? 0 : Date.parse(cron.ts);
}

/** Asks the ledger of a server what is owed of one task, and does it. */
async function perform(task: Task, duty: Duty, payload: unknown): Promise<void> {
  const nowMs = Math.max(Date.now(), tickedMs(payload));
  const owed = await readOwed(duty.config, nowMs).catch(async (thrown) => {
    if (task === 'audit') await tellFailure(duty, null, thrown);
    throw thrown;
  });
  if (task === 'audit') {
    if (owed.audit !== null) await auditOwed(duty, owed.audit, owed.lastAuditUnix);
  } else if (task === 'report') {
    if (owed.reports.length > 0) await reportOwed(duty, owed.reports);
  } else if (owed.isDeliveryDue) await deliverDue(duty);
}

/** Ends the process, for its supervisor to start a new one, where a job hangs. */
function watch(what: string): NodeJS.Timeout {
  const hangs = () => {
    throw new Error(`a job hangs: ${what} has been at work for ${longestJobMs / 3_600_000} hours`);
  };
  return setTimeout(hangs, longestJobMs).unref();
}

/**
 * One job of the engine. A lease that is held, and a worker that is asked to end, are no failures: the job is queued
 * again, and this one is done. What fails is said, and the engine tries it again, later each time.
 */
function jobOf(task: Task, server: string, of: { duty: Duty; retryMs: number }) {
  const { duty, retryMs } = of;
  const { log } = duty;
  const again = async (helpers: JobHelpers, afterMs: number) => {
    const runAt = new Date(Date.now() + afterMs);
    await helpers.addJob(taskName(task, server), {}, { ...jobSpec(task, server), runAt });
  };
  return async (payload: unknown, helpers: JobHelpers): Promise<void> => {
    const watchdog = watch(taskName(task, server));
    try {
      if (duty.signal.aborted) await again(helpers, 0);
      else await perform(task, duty, payload);
    } catch (thrown) {
      if (thrown instanceof LeaseHeldError) {
        log.info({ job: task, why: thrown.message }, 'another run is at work; tried again later');
        await again(helpers, retryMs);
      } else if (thrown instanceof StoppedError) {
        log.info({ job: task, why: failureText(thrown) }, 'stopped; any worker goes on');
        await again(helpers, 0);
      } else {
        log.error({ job: task, why: failureText(thrown) }, 'failed; tried again later');
        throw thrown;
      }
    } finally {
      clearTimeout(watchdog);
    }
  };
}

function taskList(servers: readonly Server[], options: WorkerOptions): TaskList {
  const { signal, lease, reached, retryMs = usualRetryMs } = options;
  const list: TaskList = {};
  for (const { name, config } of servers) {
    const log = options.log.child({ server: name });
    const duty: Duty = { config, log, signal, lease, reached: reached?.(name) };
    for (const task of tasks) list[taskName(task, name)] = jobOf(task, name, { duty, retryMs });
  }
  return list;
}

/** A name that no other worker has, by which people can tell whose it is. */
export const newWorkerId = () => `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;

/** What will be done. */
export function workerPlan(servers: readonly Server[], worker: string): WorkerPlan {
  const fleet = describeUrl(fleetUrlOf(servers)).label;
  return { worker, pid: process.pid, fleet, servers: servers.map(({ name }) => name) };
}

/** Queues every task of every server: what was missed while nobody ran is not put off to the next tick. */
async function queueAll(runner: Runner, servers: readonly Server[], signal: AbortSignal): Promise<void> {
  for (const { name } of servers)
    for (const task of tasks)
      if (!signal.aborted) await runner.addJob(taskName(task, name), {}, jobSpec(task, name));
}

/** What the engine has of a worker. */
type Engine = RunnerOptions & { workerId: string; events: EventEmitter };

/** The engine waits for a connection that may be gone without a word; its end is not waited for longer. */
const stopMs = 10_000;

const withinStopMs = async (work: Promise<unknown>): Promise<void> => {
  await Promise.race([work.catch(() => undefined), sleep(stopMs, undefined, { ref: false })]);
};

/**
 * Runs the engine until the worker is asked to end, or until the engine takes no more jobs: it stops doing so, and lives
 * on, where it could not say what a job came to.
 */
async function runEngine(
  engine: Engine,
  servers: readonly Server[],
  { log, signal }: Pick<WorkerOptions, 'log' | 'signal'>,
): Promise<void> {
  const runner = await run(engine);
  const stop = () => void runner.stop().catch(() => undefined);
  const lost = new Promise<void>((tell) => {
    engine.events.once('worker:fatalError', ({ error }: { error: unknown }) => {
      log.warn(
        { why: messageOf(error) },
        'could not say what a job came to: starts over, and it is done again',
      );
      setImmediate(tell);
    });
  });
  try {
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await queueAll(runner, servers, signal);
    await Promise.race([runner.promise, lost]);
  } finally {
    signal.removeEventListener('abort', stop);
    engine.events.removeAllListeners('worker:fatalError');
    // Already so where it has ended.
    await withinStopMs(runner.stop());
  }
}

const longestSilenceMs = 120_000;

/** Whether the engine is doing a job; and an end of the process where it neither does one nor looks for one. */
interface Watched {
  isAtWork(): boolean;
  /** It does no job, whatever it was doing. */
  rest(): void;
  close(): void;
}

/**
 * Watches the engine, and ends the process for its supervisor to start a new one where it stands still: a connection may
 * be gone without a word, and an answer that it did not get at its beginning it never asks for again.
 */
function watchEngine(events: EventEmitter, silenceMs: number): Watched {
  let isAtWork = false;
  let lookedMs = performance.now();
  let failure: unknown = null;
  const looked = (atWork: boolean) => () => {
    isAtWork = atWork;
    lookedMs = performance.now();
  };
  events.on('job:start', looked(true));
  for (const idle of ['worker:getJob:empty', 'job:complete']) events.on(idle, looked(false));
  // A server that does not answer for an hour is asked again and again; the same failure twice is one that was kept.
  events.on('worker:getJob:error', ({ error }: { error: unknown }) => {
    if (error !== failure) looked(false)();
    failure = error;
  });
  const timer = setInterval(() => {
    if (!isAtWork && performance.now() - lookedMs > silenceMs)
      throw new Error(`the engine has not looked for a job for ${silenceMs / 1000} s`);
  }, silenceMs / 8);
  return { isAtWork: () => isAtWork, rest: looked(false), close: () => clearInterval(timer) };
}

/**
 * Takes jobs of the fleet, one at a time, until it is asked to end: then it ends after the batch of repairs in hand, and gives
 * its job back. Throws where the engine gives up, for the supervisor to start a new one.
 */
export async function runWorker(
  servers: readonly Server[],
  worker: string,
  options: WorkerOptions,
): Promise<void> {
  const { log, signal, termMs = workerTermMs, silenceMs = longestSilenceMs } = options;
  const url = fleetUrlOf(servers);
  const logger = engineLogger(log);
  const events = new EventEmitter();
  const pgPool = await openPool(url, 3);
  const engine: Engine = {
    pgPool,
    workerId: worker,
    concurrency: 1,
    noHandleSignals: true,
    logger,
    events,
    taskList: taskList(servers, options),
    parsedCronItems: fleetCrontab(servers, Math.floor(Date.now() / 1000)),
  };
  await runMigrations({ pgPool, logger });
  const watched = watchEngine(events, silenceMs);
  const signs = await giveSigns(url, { id: worker, termMs, log, isAtWork: watched.isAtWork });
  try {
    while (!signal.aborted) {
      await runEngine(engine, servers, options);
      watched.rest();
    }
  } finally {
    watched.close();
    await signs.close();
    await withinStopMs(pgPool.end());
  }
}
