import type { Config } from '../src/config.ts';
import { withLedger } from '../src/context.ts';
import { counted } from '../src/core/counted.ts';
import type { OwedAudit } from '../src/core/owed-audit.ts';
import { utcText } from '../src/core/time.ts';
import type { Log } from '../src/log.ts';
import { audit } from './audit.ts';
import { exitCodeOf } from './audit-result.ts';
import { nextTick } from './audit-ticks.ts';
import { deliver, warnUndelivered } from './deliver.ts';
import { noProgress } from './progress.ts';
import type { Reached } from './repairing.ts';
import { makeOwedReports, sentExitCode } from './report.ts';
import type { LeaseOptions } from './run.ts';

/** For whom something that the ledger asks for is done, by the daemon or by a worker of the fleet. */
export interface Duty {
  config: Config;
  log: Log;
  /** Aborted where the process is asked to end. */
  signal: AbortSignal;
  lease?: LeaseOptions;
  reached?: Reached;
}

/** When the next audit is expected, UTC; null where none is. */
export function nextAudit(config: Config, nowMs: number): string | null {
  const tick = nextTick(config.auditCron, Math.floor(nowMs / 1000));
  return tick === null ? null : utcText(tick);
}

function whatOf(owed: OwedAudit): string {
  return owed.kind === 'all' ? 'the whole history' : `${owed.since} to ${owed.until}`;
}

/** Runs the audit that is owed, and says what it came to. */
export async function auditOwed(duty: Duty, owed: OwedAudit, lastAuditUnix: number | null): Promise<void> {
  const { config, log, signal, lease, reached } = duty;
  const nowMs = Date.now();
  const last = lastAuditUnix === null ? null : utcText(lastAuditUnix);
  log.debug({ scope: whatOf(owed), last }, 'an audit is owed');
  const request = { config, log, signal, scope: owed, nowMs, progress: noProgress, lease, reached };
  const result = await audit(request);
  const { run, state, rowsRead, after, ledger } = result;
  const made = result.plan.filter(({ outcome }) => outcome === 'done').length;
  log.info(
    {
      run,
      scope: whatOf(owed),
      state,
      exitCode: exitCodeOf(result),
      rowsRead,
      after: Object.fromEntries(
        Object.entries(after).filter(([, count]) => typeof count === 'number' && count > 0),
      ),
      repairs: made,
      held: result.held.length === 0 ? undefined : result.held.length,
      stopped: result.stopped ?? undefined,
      ledger: ledger?.seq,
      tookMs: Date.now() - nowMs,
      next: nextAudit(config, Date.now()),
    },
    'audited',
  );
}

/** Makes the reports of days that are owed, and mails them. */
export async function reportOwed(duty: Duty, days: readonly string[]): Promise<void> {
  const { config, log, signal } = duty;
  log.info({ days }, `${counted(days.length, 'report')} owed`);
  const sent = await makeOwedReports({ config, nowMs: Date.now(), log, signal });
  for (const { report, paths } of sent.made) log.info({ paths }, report.title);
  const { delivery } = sent;
  log.info({ mailed: delivery.sent, exitCode: sentExitCode(sent) }, 'reported');
  warnUndelivered(log, delivery, 'could not deliver a report');
}

/** Delivers what is queued and due. */
export async function deliverDue({ config, log, signal }: Duty): Promise<void> {
  const { channelsOf } = await import('../src/alert/channels.ts');
  const report = await withLedger(config, ({ database }) =>
    deliver(database, { channels: channelsOf(config), nowMs: Date.now(), signal }),
  );
  if (report.sent > 0) log.info({ sent: report.sent }, 'delivered');
  warnUndelivered(log, report, 'could not deliver');
}
