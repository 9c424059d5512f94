import { createHmac } from 'node:crypto';
import { forHeader, oneLine } from '../core/harmless.ts';
import type { Message } from '../core/message.ts';
import type { Json } from '../core/model.ts';
import type { Channel } from './channel.ts';
import { postJson } from './http.ts';

/** Every text of a message on one line, without control characters and addresses that are keys. */
function cleaned(value: Json): Json {
  if (typeof value === 'string') return oneLine(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, cleaned(part)]));
}

/** The JSON that is sent: a Message, its texts made harmless. */
export function webhookBody(message: Message): string {
  return JSON.stringify(cleaned(message as unknown as Json));
}

/** Hex HMAC-SHA256 of `<timestamp>.<body>`, the timestamp in unix seconds: an old body cannot be sent again as new. */
export function signature(secret: string, timestamp: string, body: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
}

/**
 * Posts a message as JSON. With a secret it is signed: `X-Roundwarden-Signature: sha256=<hex>` over
 * `<X-Roundwarden-Timestamp>.<body>`. `Idempotency-Key` is the message's key: the same key is the same message.
 */
export function webhookChannel(
  of: { url: string; secret: string | null },
  options: { patienceMs?: number } = {},
): Channel {
  return {
    name: 'webhook',
    async send(message) {
      const body = webhookBody(message);
      const timestamp = String(Math.floor(Date.now() / 1000));
      const headers: Record<string, string> = {
        'idempotency-key': forHeader(message.key),
        'x-roundwarden-timestamp': timestamp,
        ...(of.secret === null
          ? {}
          : { 'x-roundwarden-signature': `sha256=${signature(of.secret, timestamp, body)}` }),
      };
      return postJson(of.url, body, { headers, ...options });
    },
  };
}
