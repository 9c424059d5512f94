/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import { type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { UsageError } from '../../src/errors.ts';
import { CsrfField } from '../../src/web/csrf.tsx';
import { addGuard, type Env } from '../../src/web/guard.tsx';
import { Page } from '../../src/web/layout.tsx';

export const token = 'correct horse battery staple';
/** 2026-02-28 21:00 UTC. */
export const startMs = 1_772_312_400_000;

/** A clock that a test moves. */
export interface Clock {
  nowMs: number;
}

export interface GuardedApp {
  app: Hono<Env>;
  clock: Clock;
  /** What was logged of failures. */
  logged: string[];
}

/** A few pages behind the guard, with every kind of answer. */
export function guardedApp(given: { token?: string; remoteAddress?: () => string } = {}): GuardedApp {
  const [app, clock, logged] = [new Hono<Env>(), { nowMs: startMs }, [] as string[]];
  addGuard(app, {
    token: given.token ?? token,
    nowMs: () => clock.nowMs,
    source: 'production',
    remoteAddress: given.remoteAddress,
    log: (text, thrown) => logged.push(`${text}: ${thrown instanceof Error ? thrown.message : thrown}`),
  });
  app.get('/healthz', (c) => c.text('ok'));
  app.get('/metrics', (c) => c.text('up 1'));
  app.get('/assets/style.css', (c) =>
    c.body('p{}', 200, { 'Content-Type': 'text/css', 'Cache-Control': 'max-age=3600' }),
  );
  app.get('/', (c) =>
    c.html(
      <Page title="Overview" session={c.get('session')}>
        <CsrfField session={c.get('session')} />
      </Page>,
    ),
  );
  app.post('/say', async (c) => c.text(`${c.get('session').name} said ${(await c.req.parseBody()).text}`));
  app.get('/who', (c) => c.text(c.get('session').name));
  app.get('/styled', (c) => {
    c.set('styleHashes', [`sha256-${'A'.repeat(43)}=`, "'unsafe-inline'", 'x; script-src *']);
    return c.html('<style>p{}</style>');
  });
  app.get('/boasts', (c) => c.text('hello', 200, { Server: 'x', 'X-Powered-By': 'y' }));
  app.get('/fixed', () => Response.redirect('http://127.0.0.1/who', 303));
  app.get('/usage', () => {
    throw new UsageError('there is no candidate <b>7</b>');
  });
  app.get('/fails', () => {
    throw new Error('secret-password at /srv/app.js:1');
  });
  app.get('/text', () => {
    throw 'secret-text';
  });
  return { app, clock, logged };
}

const formType = 'application/x-www-form-urlencoded';

/** A form as a browser sends it. */
export function form(fields: Record<string, string>, headers: Record<string, string> = {}) {
  const body = new URLSearchParams(fields).toString();
  return { method: 'POST', headers: { 'Content-Type': formType, ...headers }, body };
}

export interface Visitor {
  /** The value of a Cookie header. */
  cookie: string;
  csrf: string;
}

/** Logs in, and takes the CSRF field from a page. */
export async function logIn(app: Hono<Env>, name = 'Ana', path = '/'): Promise<Visitor> {
  const answer = await app.request('/login', form({ name, token }));
  const cookie = answer.headers.get('set-cookie')?.split(';')[0];
  if (answer.status !== 303 || cookie === undefined) throw new Error(`no login: ${answer.status}`);
  const page = await (await app.request(path, { headers: { Cookie: cookie } })).text();
  return { cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page)![1]! };
}

export interface Sent {
  method?: string;
  /** As it goes over the wire, whatever it holds. */
  path: string;
  headers?: Record<string, string | string[]>;
  /** A list is sent piece by piece, without a length. */
  body?: string | string[];
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Serves an app on a port of its own while `work` runs; `send` talks to it by plain HTTP. */
export async function withServer(
  app: Hono<Env>,
  work: (send: (sent: Sent) => Promise<Answer>, port: number) => Promise<void>,
): Promise<void> {
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await work((sent) => sendTo(port, sent), port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function sendTo(port: number, sent: Sent): Promise<Answer> {
  const { method = 'GET', path, headers = {}, body = [] } = sent;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode!,
          headers: incoming.headers,
          text: Buffer.concat(parts).toString(),
        }),
      );
    });
    outgoing.on('error', reject);
    if (typeof body === 'string') outgoing.setHeader('Content-Length', Buffer.byteLength(body));
    for (const part of [body].flat()) outgoing.write(part);
    outgoing.end();
  });
}
