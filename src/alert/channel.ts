import type { Config } from '../config.ts';
import type { Message } from '../core/message.ts';

/** What became of one attempt. `temporary` is tried again, not before `retryAfterMs` where it is given. */
export type Delivery =
  | { state: 'delivered' }
  | { state: 'temporary'; why: string; retryAfterMs?: number }
  | { state: 'permanent'; why: string };

/** A way to tell people. It decides nothing: what is said, and when, is decided in `src/core`. */
export interface Channel {
  name: 'discord' | 'mail' | 'webhook';
  /** Sends one message and says what became of it; does not throw for what the world does. */
  send(message: Message): Promise<Delivery>;
}

/** The channels that are set up, without loading what sends by them. */
export function configuredChannels(config: Config): Channel['name'][] {
  const { discordWebhookUrl, mail, alertWebhook } = config;
  return [
    ...(discordWebhookUrl === null ? [] : ['discord' as const]),
    ...(mail === null ? [] : ['mail' as const]),
    ...(alertWebhook === null ? [] : ['webhook' as const]),
  ];
}
