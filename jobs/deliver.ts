import type { Channel, Delivery } from '../src/alert/channel.ts';
import { nextAttempt } from '../src/core/delivery.ts';
import type { Message } from '../src/core/message.ts';
import type { Database } from '../src/database.ts';
import { messageOf } from '../src/errors.ts';
import { claimMessage, dueMessages, type Outgoing, settleMessage } from '../src/ledger/outbox.ts';
import { storedMessage } from '../src/ledger/stored-message.ts';
import type { Log } from '../src/log.ts';

/** A message that was not delivered, and why. */
export interface Undelivered {
  channel: string;
  key: string;
  why: string;
}

/** What one delivery came to. */
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
  /** Aborted where the process is asked to end: what is left waits. */
  signal?: AbortSignal;
}

const batch = 100;

/** A channel that failed so often in a row is left alone for this time: a dead server costs time. */
const failuresInARow = 3;

function parseMessage(text: string): Message | null {
  try {
    return storedMessage.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

type Failure = Exclude<Delivery, { state: 'delivered' }>;

async function attempt(outgoing: Outgoing, channel: Channel | undefined): Promise<Delivery> {
  if (channel === undefined)
    return { state: 'temporary', why: `the channel ${outgoing.channel} is not set up any more` };
  const message = parseMessage(outgoing.message);
  if (message === null) return { state: 'permanent', why: 'what is stored is no message' };
  return await sendBy(channel, message);
}

/** Sends one message. A channel that throws, although it should not, has failed for this time. */
export async function sendBy(channel: Channel, message: Message): Promise<Delivery> {
  try {
    return await channel.send(message);
  } catch (thrown) {
    return { state: 'temporary', why: messageOf(thrown) };
  }
}

/** A delivery on its way. */
interface Tour extends Delivering {
  database: Database;
  report: DeliveryReport;
  /** How often a channel failed in a row. */
  inARow: Map<string, number>;
  /** Channels that are left alone for this time, and why. */
  resting: Map<string, Failure>;
  beganMs: number;
}

/** Whoever asks for patience is not asked again at once: Discord shuts out who does. */
function restAfter({ inARow, resting }: Tour, channel: string, delivery: Delivery): void {
  const failures = delivery.state === 'temporary' ? (inARow.get(channel) ?? 0) + 1 : 0;
  inARow.set(channel, failures);
  if (delivery.state !== 'temporary') return;
  if (delivery.retryAfterMs !== undefined || failures >= failuresInARow) resting.set(channel, delivery);
}

function nextOf(outgoing: Outgoing, failure: Failure, { nowMs, chance = Math.random }: Tour) {
  if (failure.state === 'permanent') return 'dead';
  const { retryAfterMs } = failure;
  const createdAtMs = Date.parse(outgoing.createdAt);
  const attempts = Math.max(1, outgoing.attempts);
  return nextAttempt({ attempts, createdAtMs, nowMs, chance: chance(), retryAfterMs });
}

/** Notes a failure; a passing one is given up after a day. */
async function fail(tour: Tour, outgoing: Outgoing, failure: Failure): Promise<void> {
  const { database, report } = tour;
  const { why } = failure;
  const next = nextOf(outgoing, failure, tour);
  const settled =
    next === 'dead'
      ? ({ state: 'dead', error: why } as const)
      : ({ state: 'queued', nextAt: new Date(next).toISOString(), error: why } as const);
  await settleMessage(database, outgoing, settled);
  report[next === 'dead' ? 'dead' : 'waiting'].push({ channel: outgoing.channel, key: outgoing.key, why });
}

/** Claims from the moment of claiming: where there is much to send, what is claimed must not be due again at once. */
const claimedAtMs = ({ nowMs, beganMs }: Tour) => nowMs + Math.round(performance.now() - beganMs);

async function send(tour: Tour, seen: Outgoing): Promise<void> {
  const { database, channels, nowMs, report } = tour;
  if (!(await claimMessage(database, seen, claimedAtMs(tour)))) return;
  const outgoing = { ...seen, attempts: seen.attempts + 1 };
  const channel = channels.find(({ name }) => name === outgoing.channel);
  const delivery = await attempt(outgoing, channel);
  restAfter(tour, outgoing.channel, delivery);
  if (delivery.state !== 'delivered') return await fail(tour, outgoing, delivery);
  await settleMessage(database, outgoing, { state: 'sent', at: new Date(nowMs).toISOString() });
  report.sent += 1;
}

/**
 * Sends everything that is due, at least once: a message is claimed before it is sent, and is due again where a
 * process died in between. One that fails stops no other. A channel that asks for patience or fails three times
 * in a row rests for this time, and what is left for it waits untried. Does not throw for what a channel does.
 */
export async function deliver(database: Database, delivering: Delivering): Promise<DeliveryReport> {
  const report: DeliveryReport = { sent: 0, waiting: [], dead: [] };
  const state = { inARow: new Map(), resting: new Map(), beganMs: performance.now() };
  const tour: Tour = { ...delivering, ...state, database, report };
  for (;;) {
    const due = await dueMessages(database, delivering.nowMs, batch);
    for (const outgoing of due) {
      if (delivering.signal?.aborted) return report;
      const rest = tour.resting.get(outgoing.channel);
      if (rest === undefined) await send(tour, outgoing);
      else await fail(tour, outgoing, rest);
    }
    if (due.length < batch) return report;
  }
}

/** Says in the log what did not get through, and why. */
export function warnUndelivered(log: Log, { waiting, dead }: DeliveryReport, text: string): void {
  for (const { channel, why } of [...waiting, ...dead]) log.warn({ channel, why }, text);
}
