import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { oneLine } from '../core/harmless.ts';
import { longestName } from '../core/incident.ts';
import type { Session } from './guard.tsx';

export const sessionCookie = 'roundwarden';
export const sessionSeconds = 12 * 60 * 60;

/** Keys made of the token: a changed token ends every session, a restart ends none. */
export interface SessionKeys {
  cookie: Buffer;
  csrf: Buffer;
}

export function sessionKeys(token: string): SessionKeys {
  const derived = (use: string) => Buffer.from(hkdfSync('sha256', token, '', `roundwarden ${use}`, 32));
  return { cookie: derived('session cookie'), csrf: derived('csrf field') };
}

const digest = (text: string) => createHash('sha256').update(text).digest();
const sign = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest('base64url');

/** Compares two texts in a time that says nothing about them. */
export function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

/** A name as it will stand in the ledger, 1 to 80 characters on one line; null where nothing such is left of it. */
export function cleanName(typed: string): string | null {
  const name = oneLine(typed).replace(/\s+/g, ' ').trim();
  return name !== '' && [...name].length <= longestName ? name : null;
}

const claims = z.strictObject({
  name: z.string().min(1),
  id: z.string().min(1),
  /** Unix milliseconds. */
  expires: z.number(),
});

/** The value of a cookie for somebody who has just proved that they know the token. */
export function newSession(name: string, nowMs: number, keys: SessionKeys): string {
  const id = randomBytes(16).toString('base64url');
  const said: z.infer<typeof claims> = { name, id, expires: nowMs + sessionSeconds * 1_000 };
  const payload = Buffer.from(JSON.stringify(said)).toString('base64url');
  return `${payload}.${sign(keys.cookie, payload)}`;
}

/** The session that a Cookie header carries: null without exactly one that we signed and that has not expired. */
export function readSession(
  cookieHeader: string | undefined,
  nowMs: number,
  keys: SessionKeys,
): Session | null {
  const value = onlyCookie(cookieHeader ?? '');
  if (value === null) return null;
  const [payload, signature, ...rest] = value.split('.');
  if (payload === undefined || signature === undefined || rest.length > 0) return null;
  if (!sameSecret(signature, sign(keys.cookie, payload))) return null;
  const said = claims.safeParse(parsed(Buffer.from(payload, 'base64url').toString()));
  if (!said.success || said.data.expires <= nowMs) return null;
  return { name: said.data.name, csrf: sign(keys.csrf, said.data.id) };
}

/** Two cookies of this name mean that somebody else has set one: neither counts. */
function onlyCookie(header: string): string | null {
  const start = `${sessionCookie}=`;
  const found = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start));
  return found.length === 1 ? found[0]!.slice(start.length) : null;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
