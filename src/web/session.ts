import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { oneLine } from '../core/harmless.ts';
import { longestName } from '../core/incident.ts';
import type { Session } from './guard.tsx';

export const sessionCookie = 'roundwarden';
export const sessionSeconds = 12 * 60 * 60;

/** What one process knows of sessions. A session itself is kept nowhere: its signed cookie says everything. */
export interface Sessions {
  /** By which cookies are signed, and the fields of their forms. */
  keys: { cookie: Buffer; csrf: Buffer };
  /** Ids of those that were logged out, each until its cookie expires by itself, unix milliseconds. */
  loggedOut: Map<string, number>;
}

/**
 * No sessions so far, and keys of their own: a restart ends every session. Who has logged out is known in memory only,
 * so that with keys that outlive the process, such as keys made of the token, every cookie that was logged out would be
 * good again after a restart.
 */
export function newSessions(): Sessions {
  return { keys: { cookie: randomBytes(32), csrf: randomBytes(32) }, loggedOut: new Map() };
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
export function newSession(name: string, nowMs: number, { keys }: Sessions): string {
  const id = randomBytes(16).toString('base64url');
  const said: z.infer<typeof claims> = { name, id, expires: nowMs + sessionSeconds * 1_000 };
  const payload = Buffer.from(JSON.stringify(said)).toString('base64url');
  return `${payload}.${sign(keys.cookie, payload)}`;
}

/** What the cookie in a Cookie header says: null without exactly one that we signed and that has not expired. */
function readClaims(
  cookieHeader: string | undefined,
  nowMs: number,
  { keys }: Sessions,
): z.infer<typeof claims> | null {
  const value = onlyCookie(cookieHeader ?? '');
  if (value === null) return null;
  const [payload, signature, ...rest] = value.split('.');
  if (payload === undefined || signature === undefined || rest.length > 0) return null;
  if (!sameSecret(signature, sign(keys.cookie, payload))) return null;
  const said = claims.safeParse(parsed(Buffer.from(payload, 'base64url').toString()));
  return said.success && said.data.expires > nowMs ? said.data : null;
}

/** The session that a Cookie header carries: null without a cookie that is good, and where it was logged out. */
export function readSession(
  cookieHeader: string | undefined,
  nowMs: number,
  sessions: Sessions,
): Session | null {
  const said = readClaims(cookieHeader, nowMs, sessions);
  if (said === null || sessions.loggedOut.has(said.id)) return null;
  return { name: said.name, csrf: sign(sessions.keys.csrf, said.id) };
}

/** Ends the session that a Cookie header carries. Those that have expired meanwhile need not be remembered. */
export function endSession(cookieHeader: string | undefined, nowMs: number, sessions: Sessions): void {
  const { loggedOut } = sessions;
  const said = readClaims(cookieHeader, nowMs, sessions);
  if (said === null) return;
  for (const [id, expires] of loggedOut) if (expires <= nowMs) loggedOut.delete(id);
  loggedOut.set(said.id, said.expires);
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
