import { configuredChannels } from '../src/alert/channel.ts';
import { channelsOf } from '../src/alert/channels.ts';
import type { Config } from '../src/config.ts';
import { withLedger } from '../src/context.ts';
import type { Message } from '../src/core/message.ts';
import { printable } from '../src/core/printable.ts';
import { UsageError } from '../src/errors.ts';
import { head } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import {
  deadLetters,
  enqueue,
  type OutboxCounts,
  type Outgoing,
  outboxCounts,
  reviveDeadLetters,
} from '../src/ledger/outbox.ts';
import { type DeliveryReport, deliver } from './deliver.ts';
import { colours, say, table } from './print.ts';

/** What is asked of `notify`. */
export interface NotifyRequest {
  config: Config;
  nowMs: number;
  /** Try again what was given up. */
  retryDead: boolean;
  /** Send one message through every channel. */
  test: boolean;
}

/** What a delivery came to, and what is left. */
export interface NotifyResult {
  report: DeliveryReport;
  counts: OutboxCounts;
  dead: readonly Omit<Outgoing, 'message'>[];
}

const mostShown = 20;

async function testMessage({ config }: NotifyRequest, at: string, ledger: Ledger): Promise<Message> {
  return {
    key: `${config.sourceName}|test|${at}`,
    level: 'recovery',
    source: config.sourceName,
    at,
    title: `[${config.sourceName}] test: Roundwarden can reach you here`,
    text: 'Somebody ran `roundwarden notify --test`. Nothing is wrong.',
    gaps: [],
    logLines: [],
    command: null,
    ledger: await head(ledger),
  };
}

/** Delivers what is due, after what else is asked for. */
export async function notify(request: NotifyRequest): Promise<NotifyResult> {
  const { config, nowMs } = request;
  const names = configuredChannels(config);
  if (request.test && names.length === 0)
    throw new UsageError(
      'nobody can be told: set DISCORD_WEBHOOK_URL, SMTP_URL with MAIL_FROM and MAIL_TO, or ALERT_WEBHOOK_URL',
    );
  const at = new Date(nowMs).toISOString();
  return withLedger(config, async (ledger) => {
    const { database } = ledger;
    if (request.retryDead) await reviveDeadLetters(database, at);
    if (request.test) await enqueue(database, [await testMessage(request, at, ledger)], names, at);
    const report = await deliver(database, { channels: channelsOf(config), nowMs });
    const dead = (await deadLetters(database, mostShown)).map(({ message: _, ...letter }) => letter);
    return { report, counts: await outboxCounts(database), dead };
  });
}

/** 0, or 3 where something could not be delivered. */
export function notifyExitCode({ report, counts }: NotifyResult): number {
  return counts.dead > 0 || report.waiting.length > 0 ? 3 : 0;
}

/** A delivery for people. */
export function printNotified({ report, counts, dead }: NotifyResult): void {
  say(
    `${report.sent} sent now; ${counts.queued} waiting, ${counts.sent} sent in all, ${counts.dead} given up`,
  );
  for (const { channel, key, why } of report.waiting)
    say(colours.yellow(`${channel}: ${printable(why)}; ${printable(key)} is tried again`));
  if (dead.length === 0) return;
  say(colours.bold('\ngiven up (`roundwarden notify --retry-dead` tries them again)'));
  const rows = dead.map(({ channel, key, createdAt, error }) => [channel, createdAt, key, error ?? '']);
  say(
    table(
      ['channel', 'since', 'message', 'why'],
      rows.map((row) => row.map(printable)),
    ),
  );
}
