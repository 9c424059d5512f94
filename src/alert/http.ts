import { messageOf } from '../errors.ts';
import type { Delivery } from './channel.ts';

/** So long an answer may take. */
export const patienceMs = 10_000;

/** Statuses that another try may change, besides those of a server's own faults. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** How long a service asks to be left alone: `retry_after` of the body (Discord), or `Retry-After`, in seconds. */
async function retryAfterMs(response: Response): Promise<number | undefined> {
  const body: unknown = await response.json().catch(() => null);
  const told = (body as { retry_after?: unknown } | null)?.retry_after;
  const header = response.headers.get('retry-after') ?? response.headers.get('x-ratelimit-reset-after');
  const seconds = typeof told === 'number' ? told : header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined;
}

async function judge(response: Response): Promise<Delivery> {
  const { status } = response;
  if (status >= 200 && status < 300) return { state: 'delivered' };
  if (passing.has(status) || status >= 500) {
    const wait = await retryAfterMs(response);
    return {
      state: 'temporary',
      why: `it answered ${status}`,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    };
  }
  return { state: 'permanent', why: `it answered ${status}` };
}

/** The reason of a failure without the address, which may be a secret. */
function reason(thrown: unknown, url: string): string {
  const text = messageOf(thrown);
  return text.replaceAll(url, 'the address').replaceAll(new URL(url).pathname, '/…');
}

/**
 * Posts one JSON body and says what became of it: delivered, to be tried again (408, 425, 429, 5xx, a network
 * fault, no answer in time), or never (every other status; redirects are not followed). Does not throw.
 */
export async function postJson(
  url: string,
  body: string,
  options: { headers?: Record<string, string>; patienceMs?: number } = {},
): Promise<Delivery> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...options.headers },
      body,
      signal: AbortSignal.timeout(options.patienceMs ?? patienceMs),
    });
    const delivery = await judge(response);
    await response.body?.cancel().catch(() => undefined);
    return delivery;
  } catch (thrown) {
    return { state: 'temporary', why: reason(thrown, url) };
  }
}
