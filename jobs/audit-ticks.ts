import { Cron } from 'croner';
import type { Stretch } from '../src/core/watch.ts';

/**
 * When audits are expected: AUDIT_CRON, in UTC. The daemon and the report read it by the same rules, so that what is
 * done is what is expected; what ticks in the daemon knows only minutes and seconds.
 */
const cronOf = (pattern: string) => new Cron(pattern, { timezone: 'UTC' });

const unix = (at: Date) => Math.floor(at.getTime() / 1000);

/** The last expected time up to and including a moment; null where there is none. Unix seconds. */
export function lastTick(pattern: string, nowUnix: number): number | null {
  // It gives those before a moment, without the moment itself.
  const [last] = cronOf(pattern).previousRuns(1, new Date((nowUnix + 1) * 1000));
  return last === undefined ? null : unix(last);
}

/** The first expected time after a moment; null where there is none. Unix seconds. */
export function nextTick(pattern: string, nowUnix: number): number | null {
  const next = cronOf(pattern).nextRun(new Date(nowUnix * 1000));
  return next === null ? null : unix(next);
}

/** Every expected time in a stretch. Unix seconds, half-open. */
export function ticksBetween(pattern: string, { fromUnix, toUnix }: Stretch): number[] {
  const cron = cronOf(pattern);
  const ticks: number[] = [];
  for (let at = new Date(fromUnix * 1000 - 1); ; ) {
    const next = cron.nextRun(at);
    if (next === null || next.getTime() >= toUnix * 1000) return ticks;
    ticks.push(unix(next));
    at = next;
  }
}

/** Whether a pattern has a field for seconds: the first of six. */
export function hasSeconds(pattern: string): boolean {
  return pattern.trim().split(/\s+/).length === 6;
}
