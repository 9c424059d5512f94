import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { createInterface } from 'node:readline';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** What a hook received. */
export interface Received {
  headers: IncomingMessage['headers'];
  path: string;
  body: string;
}

/** A real HTTP server on this machine; `answer` decides what each request comes to. */
export async function withHook<T>(
  answer: (response: ServerResponse, received: Received) => void,
  work: (url: string, received: Received[]) => Promise<T>,
): Promise<T> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const one = { headers: request.headers, path: request.url ?? '', body };
    received.push(one);
    answer(response, one);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  try {
    return await work(`http://127.0.0.1:${port}/api/webhooks/1/s3cret-token`, received);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

/** An address where nobody listens. */
export async function refusingPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A mail as it came in: its envelope, and the whole text. */
export interface Mail {
  from: string;
  to: string[];
  raw: string;
}

/** A real SMTP server on this machine, on a given port where a test needs it back in the same place. */
export async function withSmtp<T>(
  options: SMTPServerOptions & { port?: number },
  work: (port: number, mails: Mail[]) => Promise<T>,
): Promise<T> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    logger: false,
    onData(stream, session, done) {
      let raw = '';
      stream.on('data', (piece: Buffer) => {
        raw += piece.toString('utf8');
      });
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        mails.push({ from, to: rcptTo.map(({ address }) => address), raw });
        done();
      });
    },
    ...options,
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(options.port ?? 0, '127.0.0.1', () => listening());
  });
  server.on('error', () => undefined);
  const { port } = server.server.address() as AddressInfo;
  try {
    return await work(port, mails);
  } finally {
    await new Promise<void>((closed) => server.close(() => closed()));
  }
}

/** What a mail server says to each command; to the end of a mail, too. */
const civil: readonly (readonly [RegExp, string])[] = [
  [/^EHLO /, '250'],
  [/^(MAIL|RCPT) /, '250'],
  [/^DATA/, '354'],
  [/^\.$/, '250'],
];

/**
 * A mail server that answers until it hears `stuckAt`, and then says one line more of that answer again and again,
 * without an end; `''` for its greeting. `left` resolves when its client closes the connection.
 */
export async function withTarpit<T>(
  stuckAt: RegExp | '',
  work: (port: number, left: Promise<unknown>) => Promise<T>,
): Promise<T> {
  let leave = (_: unknown): void => undefined;
  const left = new Promise((resolve) => {
    leave = resolve;
  });
  const server = createTcpServer((socket) => {
    const drip = (code: string) => {
      const more = setInterval(() => socket.write(`${code}-not yet\r\n`), 20);
      socket.on('close', () => clearInterval(more));
    };
    socket.on('error', () => undefined).on('close', leave);
    if (stuckAt === '') drip('220');
    else socket.write('220 here\r\n');
    createInterface(socket).on('line', (line) => {
      const code = civil.find(([command]) => command.test(line))?.[1];
      if (code === undefined) return;
      if (stuckAt !== '' && stuckAt.test(line)) drip(code);
      else socket.write(`${code} go on\r\n`);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await work((server.address() as AddressInfo).port, left);
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

/** The headers of a mail, unfolded, and its text and HTML parts, decoded. */
export function readMail({ raw }: Mail): { headers: Map<string, string>; text: string; html: string } {
  const [head, body] = split(raw);
  const headers = headersOf(head);
  const boundary = /boundary="([^"]+)"/.exec(headers.get('content-type') ?? '')?.[1] ?? '';
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.trimStart()));
  const part = (type: string) => {
    const found = parts.find(([own]) => headersOf(own).get('content-type')?.startsWith(type));
    return found === undefined ? '' : decode(headersOf(found[0]).get('content-transfer-encoding'), found[1]);
  };
  return { headers, text: part('text/plain'), html: part('text/html') };
}

function split(text: string): [string, string] {
  const at = text.indexOf('\r\n\r\n');
  return [text.slice(0, at), text.slice(at + 4)];
}

function headersOf(head: string): Map<string, string> {
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  return new Map(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
}

function decode(encoding: string | undefined, body: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return body;
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
