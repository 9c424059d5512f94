import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import type { JobHelpers, Runner, TaskList } from 'graphile-worker';
import { describeUrl } from '../src/database.ts';
import { openPool } from '../src/database-driver.ts';
import { keepingConnections } from '../src/database-kept.ts';
import { failureText, LeaseHeldError, StoppedError, UsageError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import type { Server } from '../src/servers.ts';
import { auditOwed, type Duty, deliverDue, reportOwed } from './duties.ts';
import { fleetCrontab, jobSpec, type Task, taskName, tasks } from './fleet-crontab.ts';
import {
  type Engine,
  engineLogger,
  longestSilenceMs,
  makeQueue,
  runEngine,
  watchEngine,
  withinStopMs,
} from './fleet-engine.ts';
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

/**
 * Takes jobs of the fleet, one at a time, until it is asked to end: then it ends after the batch of repairs in hand, and gives
 * its job back. Throws where the engine gives up, for the supervisor to start a new one.
 */
export async function runWorker(
  servers: readonly Server[],
  worker: string,
  options: WorkerOptions,
): Promise<void> {
  await keepingConnections(() => workUntilAsked(servers, worker, options));
}

async function workUntilAsked(
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
  const watched = watchEngine(events, silenceMs);
  try {
    await makeQueue({ pgPool, logger });
    const signs = await giveSigns(url, { id: worker, termMs, log, isAtWork: watched.isAtWork });
    try {
      while (!signal.aborted) {
        await runEngine(engine, { log, signal, begin: (runner) => queueAll(runner, servers, signal) });
        watched.rest();
      }
    } finally {
      await signs.close();
    }
  } finally {
    watched.close();
    await withinStopMs(pgPool.end());
  }
}
