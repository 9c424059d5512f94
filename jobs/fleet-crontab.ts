import { type CronItem, type ParsedCronItem, parseCronItem, parseCronItems } from 'graphile-worker';
import type { Config } from '../src/config.ts';
import { nextReport } from '../src/core/owed.ts';
import type { Server } from '../src/servers.ts';

/** What is done for each server, the most urgent first. The ledger says what is owed: a job that is early, late or twice does no harm. */
export const tasks = ['audit', 'deliver', 'report'] as const;
export type Task = (typeof tasks)[number];

/**
 * The engine's name for a task of one server, and the key and crontab identifier of its job: a worker takes the jobs of
 * those servers alone that its own SERVERS lists.
 */
export const taskName = (task: Task, server: string) => `${task}:${server}`;

/**
 * How a job of a server is queued: one after the other for each server. One that waits already is replaced, so that
 * missed ticks do not pile up.
 */
export function jobSpec(task: Task, server: string) {
  const priority = tasks.indexOf(task);
  return { queueName: `server:${server}`, jobKey: taskName(task, server), maxAttempts: 10, priority };
}

const everyMinute = '* * * * *';

/** Fields that every reader of crontabs reads alike: at most one of day and weekday is restricted. */
const plain = /^[\d*/,-]+ [\d*/,-]+ ([\d*/,-]+ [\d*/,-]+ \*|\* [\d*/,-]+ [\d*/,-]+)$/;

/** AUDIT_CRON as the engine reads it; each minute where it would read something else, as a pattern with seconds. */
export function auditMatch(pattern: string): string {
  const fields = pattern.trim().replaceAll(/\s+/g, ' ');
  if (!plain.test(fields)) return everyMinute;
  try {
    parseCronItem({ task: 'audit', match: fields });
    return fields;
  } catch {
    return everyMinute;
  }
}

const daySeconds = 86_400;
/** No zone keeps a time of its own for less than this; Morocco does for a month. */
const stepDays = 28;

/** The times of day, UTC, at which REPORT_AT of a zone comes within the year after a moment: two with summer time. */
export function reportTimes(
  { zone, reportAt }: Pick<Config, 'zone' | 'reportAt'>,
  nowUnix: number,
): Set<string> {
  const times = new Set<string>();
  for (let day = 0; day <= 366; day += stepDays) {
    const at = nextReport({ nowUnix: nowUnix + day * daySeconds, zone, reportAt });
    times.add(new Date(at * 1000).toISOString().slice(11, 16));
  }
  return times;
}

const two = (number: number) => String(number).padStart(2, '0');

/** Servers of one zone have their reports at the same times, which take a while to work out. */
function reportTimesOf(servers: readonly Server[], nowUnix: number): (config: Config) => Set<string> {
  const known = new Map<string, Set<string>>();
  const name = ({ zone, reportAt }: Config) => `${zone} ${reportAt}`;
  for (const { config } of servers)
    if (!known.has(name(config))) known.set(name(config), reportTimes(config, nowUnix));
  return (config) => known.get(name(config))!;
}

const reportMinutes = 15;

function matchOf(task: Task, config: Config, times: ReadonlySet<string>): CronItem['match'] {
  if (task === 'audit') return auditMatch(config.auditCron);
  if (task === 'deliver') return everyMinute;
  // What could not be made then is asked for again: where nothing is owed, a tick costs nothing.
  return ({ hour, min }) => times.has(`${two(hour)}:${two(min)}`) || min % reportMinutes === 0;
}

const hourMs = 3_600_000;
/** So far back the ticks are made up for that came while no worker ran. */
const fill: Record<Task, number> = { audit: 25 * hourMs, report: 25 * hourMs, deliver: hourMs / 6 };

/** The crontab of the fleet: a metronome for each server and task, in UTC. */
export function fleetCrontab(servers: readonly Server[], nowUnix: number): ParsedCronItem[] {
  const timesOf = reportTimesOf(servers, nowUnix);
  const items = servers.flatMap(({ name, config }) =>
    tasks.map((task): CronItem => {
      const options = { backfillPeriod: fill[task], ...jobSpec(task, name) };
      const identifier = taskName(task, name);
      return {
        task: identifier,
        identifier,
        match: matchOf(task, config, timesOf(config)),
        options,
        payload: {},
      };
    }),
  );
  return parseCronItems(items);
}
