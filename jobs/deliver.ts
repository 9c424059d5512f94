import { z } from 'zod';
import type { Channel, Delivery } from '../src/alert/channel.ts';
import { nextAttempt } from '../src/core/delivery.ts';
import type { Message } from '../src/core/message.ts';
import type { Database } from '../src/database.ts';
import { messageOf } from '../src/errors.ts';
import { claimMessage, dueMessages, type Outgoing, settleMessage } from '../src/ledger/outbox.ts';

/** A message that was not delivered, and why. */
export interface Undelivered {
  channel: string;
  key: string;
  why: string;
}

/** What one round of delivering came to. */
export interface DeliveryReport {
  sent: number;
  /** Tried again later. */
  waiting: Undelivered[];
  /** Given up. */
  dead: Undelivered[];
}

/** By which channels, and when. */
export interface Delivering {
  channels: readonly Channel[];
  nowMs: number;
  /** From 0 to 1. */
  chance?: () => number;
}

const batch = 100;

/** A stored message as far as sending needs it; what an older version stored may lack more. */
const storedMessage = z.looseObject({ key: z.string(), title: z.string(), gaps: z.array(z.unknown()) });

function parseMessage(text: string): Message | null {
  try {
    return storedMessage.parse(JSON.parse(text)) as unknown as Message;
  } catch {
    return null;
  }
}

async function attempt(outgoing: Outgoing, channels: readonly Channel[]): Promise<Delivery> {
  const channel = channels.find(({ name }) => name === outgoing.channel);
  if (channel === undefined)
    return { state: 'temporary', why: `the channel ${outgoing.channel} is not set up any more` };
  const message = parseMessage(outgoing.message);
  if (message === null) return { state: 'permanent', why: 'what is stored is no message' };
  return channel.send(message).catch((thrown): Delivery => ({ state: 'temporary', why: messageOf(thrown) }));
}

/** Notes what became of an attempt; a passing fault is given up after a day. */
async function settle(
  database: Database,
  of: { outgoing: Outgoing; delivery: Delivery; delivering: Delivering },
): Promise<'sent' | 'waiting' | 'dead'> {
  const { outgoing, delivery, delivering } = of;
  const { nowMs, chance = Math.random } = delivering;
  const { id } = outgoing;
  if (delivery.state === 'delivered') {
    await settleMessage(database, id, { state: 'sent', at: new Date(nowMs).toISOString() });
    return 'sent';
  }
  const attempts = outgoing.attempts + 1;
  const createdAtMs = Date.parse(outgoing.createdAt);
  const { retryAfterMs } = delivery.state === 'temporary' ? delivery : {};
  const next =
    delivery.state === 'permanent'
      ? 'dead'
      : nextAttempt({ attempts, createdAtMs, nowMs, chance: chance(), retryAfterMs });
  const error = delivery.why;
  if (next === 'dead') await settleMessage(database, id, { state: 'dead', error });
  else await settleMessage(database, id, { state: 'queued', nextAt: new Date(next).toISOString(), error });
  return next === 'dead' ? 'dead' : 'waiting';
}

/**
 * Sends everything that is due, at least once: a message is claimed before it is sent, and is due again where a
 * process died in between. One that fails stops no other. Does not throw for what a channel does.
 */
export async function deliver(database: Database, delivering: Delivering): Promise<DeliveryReport> {
  const report: DeliveryReport = { sent: 0, waiting: [], dead: [] };
  for (;;) {
    const due = await dueMessages(database, delivering.nowMs, batch);
    for (const outgoing of due) {
      if (!(await claimMessage(database, outgoing, delivering.nowMs))) continue;
      const delivery = await attempt(outgoing, delivering.channels);
      const end = await settle(database, { outgoing, delivery, delivering });
      if (end === 'sent') report.sent += 1;
      else if (delivery.state !== 'delivered')
        report[end].push({ channel: outgoing.channel, key: outgoing.key, why: delivery.why });
    }
    if (due.length < batch) return report;
  }
}
