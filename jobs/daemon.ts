import cron from 'node-cron';
import { configuredChannels } from '../src/alert/channel.ts';
import type { Config } from '../src/config.ts';
import { nextReport } from '../src/core/owed.ts';
import { utcText } from '../src/core/time.ts';
import { describeUrl } from '../src/database.ts';
import { keepingConnections } from '../src/database-kept.ts';
import { failureText, LeaseHeldError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import { hasSeconds } from './audit-ticks.ts';
import { auditOwed, type Duty, deliverDue, nextAudit, reportOwed } from './duties.ts';
import { tellFailure } from './heartbeat.ts';
import { readOwed } from './owed.ts';
import { longestJobMs } from './run.ts';

/** What the daemon does, as it says when it begins. Times are UTC. */
export interface DaemonPlan {
  source: string;
  /** Without a password. */
  ledger: string;
  pid: number;
  auditCron: string;
  nextAudit: string | null;
  reportAt: string;
  nextReport: string;
  zone: string;
  repair: boolean;
  /** By what ways people are told. */
  channels: string[];
  heartbeat: boolean;
}

export interface DaemonOptions {
  log: Log;
  /** Aborted where the process is asked to end. */
  signal: AbortSignal;
}

interface Daemon extends Duty {
  /** After a report that could not be made, the next try waits; by `performance.now()`. */
  reportRest: { failures: number; untilMs: number };
}

/** What will be done, and when. */
export function daemonPlan(config: Config, nowMs: number): DaemonPlan {
  const { sourceName, ledgerUrl, auditCron, reportAt, zone, repair, heartbeatUrl } = config;
  return {
    source: sourceName,
    ledger: describeUrl(ledgerUrl).label,
    pid: process.pid,
    auditCron,
    nextAudit: nextAudit(config, nowMs),
    reportAt,
    nextReport: utcText(nextReport({ nowUnix: Math.floor(nowMs / 1000), zone, reportAt })),
    zone,
    repair,
    channels: configuredChannels(config),
    heartbeat: heartbeatUrl !== null,
  };
}

/**
 * Runs a job that the ledger asks for. Whatever becomes of it, the daemon goes on: the job is asked for again at the
 * next tick. Answers what it came to, or null where it did not come to its end.
 */
async function attempt<T>(
  { log, signal }: Daemon,
  what: string,
  work: () => Promise<T>,
): Promise<{ result: T } | null> {
  try {
    return { result: await work() };
  } catch (thrown) {
    if (signal.aborted) log.info({ job: what, why: failureText(signal.reason) }, 'stopped');
    else if (thrown instanceof LeaseHeldError)
      log.info({ job: what, why: thrown.message }, 'another run is at work; asked again at the next tick');
    else log.error({ job: what, why: failureText(thrown) }, 'failed; tried again at the next tick');
    return null;
  }
}

const minuteMs = 60_000;
const longestRestMinutes = 15;

/** A report that cannot be made takes work each time: after 1, 2, 4 and 8 minutes, then each quarter of an hour. */
function restOf(failures: number): number {
  return Math.min(longestRestMinutes, 2 ** Math.min(failures - 1, 10)) * minuteMs;
}

async function runReports(daemon: Daemon, days: readonly string[]): Promise<void> {
  const { reportRest } = daemon;
  if (performance.now() < reportRest.untilMs) return;
  const made = await attempt(daemon, 'report', () => reportOwed(daemon, days));
  if (made !== null) daemon.reportRest = { failures: 0, untilMs: 0 };
  else {
    const failures = reportRest.failures + 1;
    daemon.reportRest = { failures, untilMs: performance.now() + restOf(failures) };
  }
}

/** What is owed to each server in turn. Does not throw. */
async function beatAll(daemons: readonly Daemon[]): Promise<void> {
  for (const daemon of daemons) if (!daemon.signal.aborted) await beat(daemon);
}

/** Asks what is owed, and does it. Does not throw. */
async function beat(daemon: Daemon): Promise<void> {
  const { config, signal } = daemon;
  const owed = await attempt(daemon, 'asking the ledger', () =>
    readOwed(config, Date.now()).catch(async (thrown) => {
      await tellFailure(daemon, null, thrown);
      throw thrown;
    }),
  );
  if (owed === null) return;
  const { audit: owedAudit, lastAuditUnix, reports, isDeliveryDue } = owed.result;
  if (owedAudit !== null && !signal.aborted)
    await attempt(daemon, 'audit', () => auditOwed(daemon, owedAudit, lastAuditUnix));
  if (reports.length > 0 && !signal.aborted) await runReports(daemon, reports);
  if (isDeliveryDue && !signal.aborted) await attempt(daemon, 'delivery', () => deliverDue(daemon));
}

/** node-cron ticks, and knows nothing else: a minute is a minute in UTC (decision 0012). */
const metronomes = {
  minutes: { pattern: '* * * * *', everyMs: minuteMs },
  seconds: { pattern: '* * * * * *', everyMs: 1_000 },
};

/** So many times in a row the watchdog may find that nothing ticked: more, and the metronome stands still. */
const mostSilent = 5;
/**
 * Counts, at each interval, whether something ticked since: not by the clock, which a suspended or blocked process
 * finds far ahead. Throws, out of every promise, so that the process ends and its supervisor starts a new one.
 */
function openWatchdog(everyMs: number, job: () => { sinceMs: number } | null) {
  let [ticked, silent] = [true, 0];
  const timer = setInterval(() => {
    silent = ticked ? 0 : silent + 1;
    ticked = false;
    if (silent >= mostSilent)
      throw new Error(`the metronome stands still: no tick for ${(silent * everyMs) / 1000} s`);
    const at = job();
    if (at !== null && performance.now() - at.sinceMs > longestJobMs)
      throw new Error(`a job hangs: it has been at work for ${longestJobMs / 3_600_000} hours`);
  }, everyMs);
  return {
    sign: () => {
      ticked = true;
    },
    close: () => clearInterval(timer),
  };
}

/**
 * Ticks until it is asked to end, and waits for what is at work then. Several installations have their turns at each
 * tick, and each is logged with its source.
 */
export async function runDaemon(configs: readonly Config[], options: DaemonOptions): Promise<void> {
  await keepingConnections(() => tickUntilAsked(configs, options));
}

async function tickUntilAsked(configs: readonly Config[], options: DaemonOptions): Promise<void> {
  const { log, signal } = options;
  const daemons = configs.map((config): Daemon => {
    const own = configs.length === 1 ? log : log.child({ source: config.sourceName });
    return { config, signal, log: own, reportRest: { failures: 0, untilMs: 0 } };
  });
  const isQuick = configs.some(({ auditCron }) => hasSeconds(auditCron));
  const { pattern, everyMs } = isQuick ? metronomes.seconds : metronomes.minutes;
  let job: { sinceMs: number; done: Promise<void> } | null = null;
  const watchdog = openWatchdog(everyMs, () => job);
  const tick = async () => {
    watchdog.sign();
    if (job !== null || signal.aborted) return;
    job = { sinceMs: performance.now(), done: beatAll(daemons) };
    try {
      await job.done;
    } finally {
      // Also where not even the log can be written: the next tick begins anew.
      job = null;
    }
  };
  const quiet = (text: string | Error) => log.debug(String(text));
  const task = cron.schedule(pattern, tick, {
    timezone: 'UTC',
    noOverlap: true,
    suppressMissedWarning: true,
    logger: { info: quiet, debug: quiet, warn: quiet, error: (text) => log.error(String(text)) },
  });
  // A process that was blocked or suspended comes late to a tick; what is owed is owed all the same.
  task.on('execution:missed', tick);
  task.on('execution:overlap', () => watchdog.sign());
  const asked = new Promise<void>((end) => {
    if (signal.aborted) end();
    signal.addEventListener('abort', () => end(), { once: true });
  });
  // What was missed while nothing ran is not put off to the next minute.
  void tick();
  await asked;
  await task.destroy();
  watchdog.close();
  await (job as { done: Promise<void> } | null)?.done;
}
