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
