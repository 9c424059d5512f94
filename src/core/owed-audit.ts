import { addDays, localDay } from './time.ts';
import type { Stretch } from './watch.ts';

/** What the ledger knows of audits that looked at everything they should; those of a part are none. Unix seconds. */
export interface AuditHistory {
  /** The last one that finished, from its beginning to its end; null where none ever did. */
  last: Stretch | null;
  /** When the last one of the whole history that finished began; null where none ever did. */
  lastFullUnix: number | null;
  /** Whether the last one that began failed, was stopped, or was killed. */
  lastFailed: boolean;
}

/** What is known when an audit is owed. */
export interface OwedAuditFacts extends AuditHistory {
  nowUnix: number;
  zone: string;
  lookbackDays: number;
  /** The last time, up to now, at which one was expected to begin; null where there is none. */
  tickUnix: number | null;
}

/** Which rows an owed audit looks at. Days are the server's, both included. */
export type OwedAudit = { kind: 'all' } | { kind: 'lookback'; since: string; until: string };

/** When an audit stopped looking. An end in the future is of a clock that was set back since: its beginning is sure. */
function seenUntil({ fromUnix, toUnix }: Stretch, nowUnix: number): number {
  return toUnix <= nowUnix ? toUnix : fromUnix;
}

/** Imports come up to nine hours late (DOMAIN), so the day before the last audit counts as not seen. */
const lateDays = 1;

/**
 * The days that a cycle looks at: the last LOOKBACK_DAYS, and where nobody has looked for longer, all days since.
 * `lastUnix` is when the last audit that finished began.
 */
export function lookbackDaysOf(of: {
  nowUnix: number;
  zone: string;
  lookbackDays: number;
  lastUnix: number | null;
}): { since: string; until: string } {
  const { nowUnix, zone, lookbackDays, lastUnix } = of;
  const until = localDay(nowUnix, zone);
  const since = addDays(until, -lookbackDays);
  const unseen = lastUnix === null ? since : addDays(localDay(lastUnix, zone), -lateDays);
  return { since: unseen < since ? unseen : since, until };
}

/**
 * The audit that is owed at a moment, or null. It asks for no tick: late, twice, or after a week off it gives one audit
 * that looks at what was missed. The first one of each day of the server is of the whole history; where the last audit
 * failed, the next one is a small one, so that a history that cannot be audited does not keep today from being so.
 */
export function owedAudit(facts: OwedAuditFacts): OwedAudit | null {
  const { nowUnix, zone, tickUnix, last, lastFullUnix, lastFailed } = facts;
  const isSeen = last !== null && (tickUnix === null || seenUntil(last, nowUnix) >= tickUnix);
  if (isSeen) return null;
  const today = localDay(nowUnix, zone);
  const isFullOwed = lastFullUnix === null || localDay(lastFullUnix, zone) < today;
  if (isFullOwed && !lastFailed) return { kind: 'all' };
  const lastUnix = last?.fromUnix ?? null;
  return { kind: 'lookback', ...lookbackDaysOf({ ...facts, lastUnix }) };
}
