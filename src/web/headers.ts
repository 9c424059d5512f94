import type { MiddlewareHandler } from 'hono';
import type { Env } from './guard.tsx';

const styleHash = /^'?(sha(?:256|384|512)-[A-Za-z0-9+/]+={0,2})'?$/;

/**
 * The Content-Security-Policy of a page: no script, nothing from elsewhere, no frames. `styleHashes` are those of
 * styles inside the page, such as `sha256-...=`; what is no hash is left out.
 */
export function contentSecurityPolicy(styleHashes: readonly string[] = []): string {
  const hashes = styleHashes.map((text) => styleHash.exec(text)?.[1]).filter((hash) => hash !== undefined);
  return [
    "default-src 'none'",
    ["style-src 'self'", ...hashes.map((hash) => `'${hash}'`)].join(' '),
    "img-src 'self' data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const unused = ['camera', 'microphone', 'geolocation', 'payment', 'usb', 'browsing-topics'];

/**
 * The same on every response. The referrer policy is not `no-referrer`, because under that a browser sends
 * `Origin: null` with our own forms, and they could not be told from foreign ones.
 */
const fixedHeaders: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': unused.map((feature) => `${feature}=()`).join(', '),
};

/** Only what is there and the same for everybody may stay in a cache. */
const mayBeKept = (path: string, status: number) => path.startsWith('/assets/') && status < 400;

/** Sets the headers that every response carries, whatever made it. */
export const protectiveHeaders: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  c.header('Content-Security-Policy', contentSecurityPolicy(c.get('styleHashes')));
  for (const [name, value] of Object.entries(fixedHeaders)) c.res.headers.set(name, value);
  if (!mayBeKept(c.req.path, c.res.status)) c.res.headers.set('Cache-Control', 'no-store');
  for (const name of ['Server', 'X-Powered-By']) c.res.headers.delete(name);
};
