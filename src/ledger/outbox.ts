import { z } from 'zod';
import { cutMiddle } from '../core/harmless.ts';
import type { Message } from '../core/message.ts';
import { chunks, type Database } from '../database.ts';

const outboxRow = z.object({
  id: z.string(),
  message_key: z.string(),
  channel: z.string(),
  message: z.string(),
  state: z.enum(['queued', 'sent', 'dead']),
  attempts: z.int(),
  created_at: z.string(),
  next_at: z.string(),
  sent_at: z.string().nullable(),
  error: z.string().nullable(),
});

/** A message on its way through one channel. Times are UTC, ISO 8601 with milliseconds. */
export interface Outgoing {
  id: string;
  key: string;
  channel: string;
  /** JSON text of a Message. */
  message: string;
  state: 'queued' | 'sent' | 'dead';
  attempts: number;
  createdAt: string;
  nextAt: string;
  sentAt: string | null;
  error: string | null;
}

function outgoingFromRow(row: unknown): Outgoing {
  const parsed = outboxRow.parse(row);
  const { id, channel, message, state, attempts, error } = parsed;
  const times = { createdAt: parsed.created_at, nextAt: parsed.next_at, sentAt: parsed.sent_at };
  return { id, key: parsed.message_key, channel, message, state, attempts, error, ...times };
}

const select = (database: Database) => database.knex('outbox').select(Object.keys(outboxRow.shape));

/** Puts messages on their way through channels, inside the transaction that decided them; each once for ever. */
export async function enqueue(
  inside: Database,
  messages: readonly Message[],
  channels: readonly string[],
  at: string,
): Promise<void> {
  const rows = messages.flatMap((message) =>
    channels.map((channel) => ({
      id: `${message.key}|${channel}`,
      message_key: message.key,
      channel,
      message: JSON.stringify(message),
      state: 'queued',
      attempts: 0,
      created_at: at,
      next_at: at,
    })),
  );
  for (const chunk of chunks(rows)) await inside.knex('outbox').insert(chunk).onConflict('id').ignore();
}

/**
 * Up to `limit` messages that are due, the one that waits longest first: what fails again and again is due later
 * each time, and stands in nobody's way.
 */
export async function dueMessages(database: Database, nowMs: number, limit: number): Promise<Outgoing[]> {
  const rows = await select(database)
    .where('state', 'queued')
    .where('next_at', '<=', new Date(nowMs).toISOString())
    .orderBy(['next_at', 'created_at', 'id'])
    .limit(limit);
  return rows.map(outgoingFromRow);
}

/** So long a message that is being sent is left alone; after a crash it is due again. */
const claimMs = 5 * 60_000;

/** Takes a message for sending; false where another process has taken it since it was read. */
export async function claimMessage(database: Database, of: Outgoing, nowMs: number): Promise<boolean> {
  const taken = await database
    .knex('outbox')
    .where({ id: of.id, state: 'queued', attempts: of.attempts, next_at: of.nextAt })
    .update({ attempts: of.attempts + 1, next_at: new Date(nowMs + claimMs).toISOString() });
  return taken === 1;
}

/** What became of a message. */
export type Settled =
  | { state: 'sent'; at: string }
  | { state: 'queued'; nextAt: string; error: string }
  | { state: 'dead'; error: string };

/** So much of a reason is kept. */
const longestError = 500;

/**
 * Notes what became of a message. That it was sent stands for ever; that it was not, is noted only while nobody
 * else has taken it since `of` was seen or claimed.
 */
export async function settleMessage(
  database: Database,
  of: { id: string; attempts: number },
  settled: Settled,
): Promise<void> {
  const row = database.knex('outbox').where({ id: of.id });
  if (settled.state === 'sent') {
    await row.update({ state: 'sent', sent_at: settled.at, error: null });
    return;
  }
  const next = settled.state === 'queued' ? { next_at: settled.nextAt } : {};
  await row
    .where({ state: 'queued', attempts: of.attempts })
    .update({ state: settled.state, error: cutMiddle(settled.error, longestError), ...next });
}

/** How many messages wait, were sent, and were given up; and since when the oldest waits. */
export interface OutboxCounts {
  queued: number;
  sent: number;
  dead: number;
  oldestQueuedAt: string | null;
}

/** What is in the outbox. */
export async function outboxCounts(database: Database): Promise<OutboxCounts> {
  const rows: { state: 'queued' | 'sent' | 'dead'; count: number; oldest: string }[] = await database
    .knex('outbox')
    .select('state')
    .count({ count: '*' })
    .min({ oldest: 'created_at' })
    .groupBy('state');
  const of = (state: string) => Number(rows.find((row) => row.state === state)?.count ?? 0);
  const oldestQueuedAt = rows.find(({ state }) => state === 'queued')?.oldest ?? null;
  return { queued: of('queued'), sent: of('sent'), dead: of('dead'), oldestQueuedAt };
}

/** Messages that were given up, the last one first. */
export async function deadLetters(database: Database, limit: number): Promise<Outgoing[]> {
  const rows = await select(database)
    .where('state', 'dead')
    .orderBy([
      { column: 'created_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit);
  return rows.map(outgoingFromRow);
}

/** Puts every message that was given up on its way again; returns how many. They are tried for another day. */
export async function reviveDeadLetters(database: Database, at: string): Promise<number> {
  return database
    .knex('outbox')
    .where('state', 'dead')
    .update({ state: 'queued', attempts: 0, created_at: at, next_at: at });
}
