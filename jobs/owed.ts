import { configuredChannels } from '../src/alert/channel.ts';
import type { Config } from '../src/config.ts';
import { withLedger } from '../src/context.ts';
import { type OwedAudit, owedAudit } from '../src/core/owed-audit.ts';
import { dueMessages } from '../src/ledger/outbox.ts';
import { lastTick } from './audit-ticks.ts';
import { auditsSoFar } from './audits-so-far.ts';
import { daysOwed } from './report.ts';

/** What is to be done at a moment, as the ledger says. */
export interface Owed {
  audit: OwedAudit | null;
  /** When the last audit that finished began; unix seconds, null where none ever did. */
  lastAuditUnix: number | null;
  /** Days whose reports are owed, oldest first. */
  reports: string[];
  /** Whether something waits to be delivered, and its time has come. */
  isDeliveryDue: boolean;
}

/** Asks the ledger what is owed; takes no lease. The ledger is made, or brought to this version, where need be. */
export async function readOwed(config: Config, nowMs: number): Promise<Owed> {
  return withLedger(config, async (ledger) => {
    const nowUnix = Math.floor(nowMs / 1000);
    const history = await auditsSoFar(ledger, nowMs);
    const { zone, lookbackDays, auditCron } = config;
    const tickUnix = lastTick(auditCron, nowUnix);
    const isTold = configuredChannels(config).length > 0;
    return {
      audit: owedAudit({ ...history, nowUnix, zone, lookbackDays, tickUnix }),
      lastAuditUnix: history.last?.fromUnix ?? null,
      reports: await daysOwed(ledger, { config, nowMs }),
      isDeliveryDue: isTold && (await dueMessages(ledger.database, nowMs, 1)).length > 0,
    };
  });
}
