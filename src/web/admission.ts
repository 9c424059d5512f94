import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { problem, wantsPage } from './errors-page.tsx';
import type { Env, GuardOptions, Session } from './guard.tsx';
import { localPath } from './local-path.ts';
import { readSession, type Sessions } from './session.ts';
import { tokenCheck } from './token-check.ts';

/** Who reads with the token itself, such as a collector of metrics. The field is empty: nobody can send it back. */
const reader: Session = { name: 'token', csrf: '' };

const isRead = (c: Context) => c.req.method === 'GET' || c.req.method === 'HEAD';

/** What anybody may ask for: whether it lives, the door, and what the door looks like. */
function isOpen(c: Context): boolean {
  if (c.req.path === '/login') return true;
  return isRead(c) && (c.req.path === '/healthz' || c.req.path.startsWith('/assets/'));
}

/**
 * Lets through who has a session, or, for reading only, `Authorization: Bearer` with the token; sends everybody else
 * to the login. The session is set wherever there is one.
 */
export function admission(options: GuardOptions, sessions: Sessions) {
  const check = tokenCheck(options);
  return createMiddleware<Env>(async (c, next) => {
    const session = readSession(c.req.header('cookie'), options.nowMs(), sessions);
    if (session !== null) c.set('session', session);
    if (session !== null || isOpen(c)) return next();
    const given = isRead(c) ? bearerToken(c) : null;
    if (given === null) return sendToLogin(c);
    const answer = check(c, given);
    if (answer.is === 'wrong') return unauthorized(c);
    if (answer.is === 'not_asked') return tooMany(c, answer.waitSeconds);
    c.set('session', reader);
    return next();
  });
}

const bearerToken = (c: Context) =>
  /^bearer +(\S.*)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? null;

function sendToLogin(c: Context<Env>): Response | Promise<Response> {
  if (!wantsPage(c)) return unauthorized(c);
  if (!isRead(c)) return c.redirect('/login?unsent', 303);
  const { pathname, search } = new URL(c.req.url);
  const next = localPath(`${pathname}${search}`);
  return c.redirect(next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`, 303);
}

function unauthorized(c: Context<Env>): Response | Promise<Response> {
  c.header('WWW-Authenticate', 'Bearer realm="roundwarden"');
  return problem(c, 401, {
    title: 'Not logged in',
    text: 'Log in at /login, or send the token as "Authorization: Bearer TOKEN".',
  });
}

function tooMany(c: Context<Env>, waitSeconds: number): Response | Promise<Response> {
  c.header('Retry-After', String(waitSeconds));
  return problem(c, 429, { title: 'Too many attempts', text: `Try again in ${waitSeconds} seconds.` });
}
