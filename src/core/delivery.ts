const firstWaitMs = 30_000;
const longestWaitMs = 3_600_000;
const givesUpAfterMs = 24 * 3_600_000;

/** What is known of a message that was not delivered. */
export interface Attempted {
  /** How often it was tried, this time included. */
  attempts: number;
  createdAtMs: number;
  nowMs: number;
  /** From 0 to 1, by chance: so that what failed together is not tried again together. */
  chance: number;
  /** What the service asked for. */
  retryAfterMs?: number;
}

/**
 * When a message is tried again, in milliseconds since 1970, or `dead` 24 hours after it was written: after half
 * a minute at first, twice as long each time, at most an hour, a little more or less by chance, and never
 * earlier than the service asked for, which is believed for a day at most.
 */
export function nextAttempt(of: Attempted): number | 'dead' {
  const last = of.createdAtMs + givesUpAfterMs;
  // Also where the moment of writing cannot be read: nothing waits for ever.
  if (!(of.nowMs < last)) return 'dead';
  const doubled = firstWaitMs * 2 ** Math.min(of.attempts - 1, 20);
  const jittered = Math.min(longestWaitMs, doubled) * (0.75 + 0.5 * of.chance);
  const told = Math.min(of.retryAfterMs ?? 0, givesUpAfterMs);
  return Math.round(Math.max(of.nowMs + told, Math.min(of.nowMs + jittered, last)));
}
