import { type Channel, configuredChannels, type Delivery } from '../src/alert/channel.ts';
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
  type OutboxCounts,
  type Outgoing,
  outboxCounts,
  reviveDeadLetters,
} from '../src/ledger/outbox.ts';
import { type DeliveryReport, deliver, sendBy } from './deliver.ts';
import { colours, say, table } from './print.ts';

/** What is asked of `notify`. */
export interface NotifyRequest {
  config: Config;
  nowMs: number;
  /** Try again what was given up. */
  retryDead: boolean;
  /** Send one message through every channel, now or never. */
  test: boolean;
}

/** What became of a test message. */
export type Tested = { channel: Channel['name'] } & Delivery;

/** What a delivery came to, and what is left. */
export interface NotifyResult {
  /** One for each channel where a test was asked for. */
  tested: readonly Tested[];
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

/**
 * Sends a test past the outbox: one that fails is told to who asked for it, and reaches nobody days later, when nobody
 * knows of it any more.
 */
async function sendTests(channels: readonly Channel[], message: Message): Promise<Tested[]> {
  const tested: Tested[] = [];
  for (const channel of channels) tested.push({ channel: channel.name, ...(await sendBy(channel, message)) });
  return tested;
}

/** Delivers what is due, after what else is asked for. */
export async function notify(request: NotifyRequest): Promise<NotifyResult> {
  const { config, nowMs } = request;
  if (request.test && configuredChannels(config).length === 0)
    throw new UsageError(
      'nobody can be told: set DISCORD_WEBHOOK_URL, SMTP_URL with MAIL_FROM and MAIL_TO, or ALERT_WEBHOOK_URL',
    );
  const at = new Date(nowMs).toISOString();
  return withLedger(config, async (ledger) => {
    const { database } = ledger;
    if (request.retryDead) await reviveDeadLetters(database, at);
    const channels = channelsOf(config);
    const tested = request.test ? await sendTests(channels, await testMessage(request, at, ledger)) : [];
    const report = await deliver(database, { channels, nowMs });
    const dead = (await deadLetters(database, mostShown)).map(({ message: _, ...letter }) => letter);
    return { tested, report, counts: await outboxCounts(database), dead };
  });
}

/** 0, or 3 where something could not be delivered. */
export function notifyExitCode({ tested, report, counts }: NotifyResult): number {
  const failed = tested.some(({ state }) => state !== 'delivered');
  return failed || counts.dead > 0 || report.waiting.length > 0 ? 3 : 0;
}

function sayTested(tested: Tested): void {
  if (tested.state === 'delivered') say(`${tested.channel}: the test was delivered`);
  else
    say(
      colours.yellow(
        `${tested.channel}: the test was not delivered, and is not sent again: ${printable(tested.why)}`,
      ),
    );
}

/** A delivery for people. */
export function printNotified({ tested, report, counts, dead }: NotifyResult): void {
  for (const one of tested) sayTested(one);
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
