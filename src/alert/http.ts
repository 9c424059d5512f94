import { cutMiddle, oneLine } from '../core/harmless.ts';
import { codeOf } from '../errors.ts';
import type { Delivery } from './channel.ts';
import { secretsOf, withoutSecrets } from './secrets.ts';

/** So long an answer may take. */
const defaultPatienceMs = 10_000;

/** Statuses that another try may change, besides those of a server's own faults. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** So much of an answer is read: it says why, and no more is wanted of it. */
const longestAnswer = 8_192;

/** The beginning of an answer's body as a JSON object; null where it is none. */
async function explanation(response: Response): Promise<Record<string, unknown> | null> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece, { stream: true });
      if (text.length > longestAnswer) break;
    }
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

/** How long a header asks for patience: seconds, or the moment that it names (RFC 9110, section 10.2.3). */
function headerMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(header)) return Math.ceil(Number(header) * 1000);
  const moment = Date.parse(header);
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - Date.now());
}

/** How long a service asks to be left alone: `retry_after` of the body, in seconds (Discord), or a header. */
function retryAfterMs({ headers }: Response, told: unknown): number | undefined {
  if (typeof told === 'number' && told >= 0) return Math.ceil(told * 1000);
  return headerMs(headers.get('retry-after')) ?? headerMs(headers.get('x-ratelimit-reset-after'));
}

/** What a service says of a refusal, without the parts of the address that it may have quoted. */
function refusal({ status }: Response, said: unknown, url: string): string {
  if (typeof said !== 'string') return `it answered ${status}`;
  return `it answered ${status}: ${cutMiddle(oneLine(withoutSecrets(said, secretsOf(url))), 200)}`;
}

async function judge(response: Response, url: string): Promise<Delivery> {
  const { status } = response;
  if (status >= 200 && status < 300) {
    await response.body?.cancel().catch(() => undefined);
    return { state: 'delivered' };
  }
  const said = await explanation(response);
  if (!passing.has(status) && status < 500)
    return { state: 'permanent', why: refusal(response, said?.message, url) };
  const wait = retryAfterMs(response, said?.retry_after);
  const why = `it answered ${status}`;
  return wait === undefined ? { state: 'temporary', why } : { state: 'temporary', why, retryAfterMs: wait };
}

/** The fault by its code: messages of `fetch` quote the address, which is a secret. */
function fault(thrown: unknown, patienceMs: number): string {
  if ((thrown as Error).name === 'TimeoutError') return `no answer within ${patienceMs / 1000} s`;
  return `no answer (${codeOf((thrown as Error).cause) ?? codeOf(thrown) ?? (thrown as Error).name})`;
}

/** `fetch` refuses an address with a user in it. */
function withoutUser(url: string): { address: string; headers: Record<string, string> } {
  const address = new URL(url);
  const { username, password } = address;
  if (username === '' && password === '') return { address: url, headers: {} };
  const user = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  [address.username, address.password] = ['', ''];
  return { address: address.href, headers: { authorization: `Basic ${user.toString('base64')}` } };
}

interface PostOptions {
  headers?: Record<string, string>;
  patienceMs?: number;
}

/** Posts one JSON body, as post() does. */
export function postJson(url: string, body: string, options: PostOptions = {}): Promise<Delivery> {
  return post(url, body, { ...options, headers: { 'content-type': 'application/json', ...options.headers } });
}

/**
 * Posts one body and says what became of it: delivered, to be tried again (408, 425, 429, 5xx, a network
 * fault, no answer in time), or never (every other status; redirects are not followed). Does not throw.
 */
export async function post(url: string, body: string, options: PostOptions = {}): Promise<Delivery> {
  const { patienceMs = defaultPatienceMs } = options;
  try {
    const { address, headers } = withoutUser(url);
    const response = await fetch(address, {
      method: 'POST',
      redirect: 'manual',
      headers: { ...headers, ...options.headers },
      body,
      signal: AbortSignal.timeout(patienceMs),
    });
    return await judge(response, url);
  } catch (thrown) {
    return { state: 'temporary', why: fault(thrown, patienceMs) };
  }
}
