import type { Config } from '../src/config.ts';
import { type AuditHistory, lookbackDaysOf } from '../src/core/owed-audit.ts';
import type { Stretch } from '../src/core/watch.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { auditsUntil, lastFinishedAudit, type RunTime } from '../src/ledger/runs.ts';
import type { Scope } from './scope.ts';

const unix = (at: string) => Math.floor(Date.parse(at) / 1000);
/** When a run was at work. */
export const stretchOf = ({ startedAt, finishedAt }: RunTime): Stretch => ({
  fromUnix: unix(startedAt),
  toUnix: unix(finishedAt ?? startedAt),
});

/** What the ledger knows of the audits up to a moment. */
export async function auditsSoFar({ database }: Ledger, nowMs: number): Promise<AuditHistory> {
  const { lastFinished, lastFullAt, lastState } = await auditsUntil(database, new Date(nowMs).toISOString());
  return {
    last: lastFinished === null ? null : stretchOf(lastFinished),
    lastFullUnix: lastFullAt === null ? null : unix(lastFullAt),
    lastFailed: lastState !== null && lastState !== 'finished',
  };
}

/**
 * What a cycle looks at where nobody says what: the last LOOKBACK_DAYS, and where none has finished for longer, all
 * days since.
 */
export async function cycleScope(config: Config, ledger: Ledger | null, nowMs: number): Promise<Scope> {
  const at = new Date(nowMs).toISOString();
  const last = ledger === null ? null : await lastFinishedAudit(ledger.database, at);
  const { zone, lookbackDays } = config;
  const lastUnix = last === null ? null : stretchOf(last).fromUnix;
  const nowUnix = Math.floor(nowMs / 1000);
  return { kind: 'lookback', ...lookbackDaysOf({ nowUnix, zone, lookbackDays, lastUnix }) };
}
