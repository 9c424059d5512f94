import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Config } from '../src/config.ts';
import { isLoopback } from '../src/core/loopback.ts';
import { codeOf, OperationError, plainError, UsageError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import { openDesk } from './desk.ts';

/** The review pages, being served. */
export interface Serving {
  /** Where they are, such as `http://127.0.0.1:8787`. */
  url: string;
  /** The token that was made for this process, because none is set; null where WEB_TOKEN is. */
  madeToken: string | null;
  /** Accepts nothing more, and ends what is open within a few seconds. */
  close(): Promise<void>;
}

export interface ServeOptions {
  log: Log;
  nowMs: () => number;
  /** True where a person reads standard output, and only there: a token that is made may be printed. */
  isTerminal: boolean;
}

const graceMs = 3_000;
const howToMake = 'set WEB_TOKEN to a long random text, such as `openssl rand -hex 24` prints';

const addressText = (host: string, port: number) => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

/** The token that opens the pages. Throws a UsageError where there is none and none may be made. */
export function tokenFor(
  { webToken, webListen: { host, port } }: Config,
  isTerminal: boolean,
): { token: string; isMade: boolean } {
  if (webToken !== null) return { token: webToken, isMade: false };
  const address = addressText(host, port);
  if (!isLoopback(host))
    throw new UsageError(
      `WEB_LISTEN is ${address}, which other hosts may reach, and there is no WEB_TOKEN: ${howToMake}, or listen on 127.0.0.1`,
    );
  if (!isTerminal)
    throw new UsageError(
      `there is no WEB_TOKEN, and one that is made now would stay in a log, because standard output is no terminal: ${howToMake}`,
    );
  return { token: randomBytes(24).toString('hex'), isMade: true };
}

function cannotListen(address: string, thrown: unknown): OperationError {
  const mend =
    codeOf(thrown) === 'EADDRINUSE'
      ? 'another program listens there; stop it, or let WEB_LISTEN name another port'
      : `${plainError(thrown)}; WEB_LISTEN says where`;
  return new OperationError(`cannot serve the review pages on ${address}: ${mend}`);
}

async function listen(server: Server, { host, port }: Config['webListen']): Promise<void> {
  await new Promise<void>((listening, failed) => {
    server.once('error', (thrown) => failed(cannotListen(addressText(host, port), thrown)));
    server.listen(port, host, listening);
  });
}

/** Ends idle connections at once, and busy ones after a short time. */
function closeServer(server: Server): Promise<void> {
  return new Promise((closed) => {
    const last = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(last);
      closed();
    });
    server.closeIdleConnections();
  });
}

/**
 * Serves the review pages where WEB_LISTEN says, until it is closed. Throws a UsageError where they would be open
 * without a token, and an OperationError where nothing can listen there.
 */
export async function serve(config: Config, options: ServeOptions): Promise<Serving> {
  const { log, nowMs, isTerminal } = options;
  const { token, isMade } = tokenFor(config, isTerminal);
  const { createApp } = await import('../src/web/app.tsx');
  const app = createApp(openDesk(config, { nowMs }), {
    token,
    nowMs,
    source: config.sourceName,
    log: (text, thrown) => log.error({ err: thrown }, text),
  });
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  await listen(server, config.webListen);
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${addressText(address, port)}`,
    madeToken: isMade ? token : null,
    close: () => closeServer(server),
  };
}
