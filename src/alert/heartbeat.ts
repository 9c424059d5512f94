import type { Delivery } from './channel.ts';
import { post } from './http.ts';

/** What a dead man's switch is told: that a run began, that it went well, or that it failed. */
export type Beat = 'start' | 'success' | 'fail';

/** An audit waits for no one: one beat that is lost is made up for by the next. */
const defaultPatienceMs = 5_000;

/** So much of a body is worth sending; the services keep 10 to 100 kB. */
const longestBody = 2_000;

/** The address of one beat: what was set for success, and with `/start` or `/fail` after its path for the others. */
export function beatUrl(url: string, beat: Beat): string {
  if (beat === 'success') return url;
  const address = new URL(url);
  address.pathname = `${address.pathname.replace(/\/+$/, '')}/${beat}`;
  return address.href;
}

/**
 * Tells a dead man's switch by the convention of healthchecks.io, which others share: a POST to its address, with
 * `/start` or `/fail` after it, and a text for people. Does not throw; what it says of a failure has no address in it.
 */
export async function sendBeat(
  url: string,
  of: { beat: Beat; text: string },
  { patienceMs = defaultPatienceMs }: { patienceMs?: number } = {},
): Promise<Delivery> {
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  return post(beatUrl(url, of.beat), of.text.slice(0, longestBody), { headers, patienceMs });
}
