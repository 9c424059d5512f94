import type { Context } from 'hono';

/**
 * True where a browser says that another site made this request. A request that says neither is not from a browser
 * of these years, and needs everything else anyway.
 */
export function isForeign(c: Context): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const origin = c.req.header('origin');
  return origin !== undefined && !isOwn(origin, c.req.header('host') ?? new URL(c.req.url).host);
}

const plainHost = /^[^\s/?#@\\]+$/;

/** The scheme is not compared: before a proxy it is https, behind it http. */
function isOwn(origin: string, host: string): boolean {
  const [, scheme, originHost] = /^(https?):\/\/(.+)$/i.exec(origin) ?? [];
  if (scheme === undefined || !plainHost.test(originHost!) || !plainHost.test(host)) return false;
  const own = `${scheme}://${host}`;
  return URL.canParse(own) && URL.canParse(origin) && new URL(own).host === new URL(origin).host;
}
