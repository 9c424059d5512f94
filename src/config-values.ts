import { Cron } from 'croner';
import { z } from 'zod';
import { parsePrivateKey, parseVerifierKey } from './core/signed-note.ts';
import { messageOf } from './errors.ts';

/** The kinds of value that a setting may have, each with what is said where it is none of them. */

/** `sqlite:PATH` or `postgres://USER@HOST/DATABASE`. */
export const databaseUrl = z.string().refine(
  (url) => {
    if (url.startsWith('sqlite:')) return url.length > 'sqlite:'.length;
    try {
      const { protocol, username, password, pathname } = new URL(url);
      // What is no percent-encoding would fail later, in a driver that does not say so.
      for (const part of [username, password, pathname]) decodeURIComponent(part);
      return ['postgres:', 'postgresql:'].includes(protocol);
    } catch {
      return false;
    }
  },
  { error: 'expected sqlite:PATH or postgres://USER@HOST/DATABASE' },
);

/** `postgres://USER@HOST/DATABASE`. */
export const postgresUrl = databaseUrl.refine((url) => !url.startsWith('sqlite:'), {
  error: 'expected postgres://USER@HOST/DATABASE',
});

const takenSchemas = /^(pg_.*|information_schema|graphile_worker)$/;

/** The name of a schema that needs no quotes, and is not taken. */
export const schemaName = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, {
    error: 'expected the name of a schema: small letters, digits and _, at most 63',
  })
  .refine((name) => !takenSchemas.test(name), { error: 'expected a schema that nobody else uses' });

/** Digits that make a number in a range, both ends included. */
export const wholeNumber = (from: number, to: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: `expected a whole number from ${from} to ${to}` })
    .transform(Number)
    .refine((value) => value >= from && value <= to, {
      error: `expected a whole number from ${from} to ${to}`,
    });

/** An address that can be reached with one of these protocols. */
export const webUrl = (protocols: readonly string[], example: string) =>
  z.string().refine(
    (url) => {
      try {
        return protocols.includes(new URL(url).protocol) && new URL(url).hostname !== '';
      } catch {
        return false;
      }
    },
    { error: `expected ${example}` },
  );

/** `on` or `off`, as a truth. */
export const onOff = z
  .enum(['on', 'off'], { error: 'expected on or off' })
  .transform((value) => value === 'on');

/** One line, so that no header can be added to a mail. */
export const mailAddress = z
  .string()
  .regex(/^[^\r\n]*[^\s@]@[^\s@][^\r\n]*$/, { error: 'expected an address, such as ops@example.org' });

/** Hosts that ssh is given, separated by commas; none of them can be taken for an option. */
export const sshHosts = z
  .string()
  .transform((text) => [...new Set(text.split(',').map((host) => host.trim()))])
  .refine((hosts) => hosts.every((host) => /^[A-Za-z0-9_][A-Za-z0-9_.@:-]*$/.test(host)), {
    error: 'expected USER@HOST, or several by commas',
  });

/** A pattern of five fields, or of six with seconds first, that has a next time. */
export const cronPattern = z.string().refine(
  (pattern) => {
    try {
      return (
        [5, 6].includes(pattern.trim().split(/\s+/).length) &&
        new Cron(pattern, { timezone: 'UTC' }).nextRun() !== null
      );
    } catch {
      return false;
    }
  },
  { error: 'expected a cron pattern of five fields, such as */3 * * * *, or of six with seconds first' },
);

/** `HOST:PORT`, an IPv6 host in brackets. */
export const listenAddress = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, { error: 'expected HOST:PORT, such as 127.0.0.1:8787' })
  .transform((text) => {
    const at = text.lastIndexOf(':');
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
  })
  .refine(({ port }) => port <= 65_535, { error: 'expected a port up to 65535' });

/** A text that `read` takes; what it throws, which holds nothing of the text, is the problem. */
const readBy = (read: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      read(text);
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: messageOf(thrown) });
    }
  });

/** A private key, as `roundwarden ledger key` writes it. */
export const signingKey = readBy(parsePrivateKey);

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

/** One verifier key or several, with spaces or line breaks between them. */
export const verifierKeys = readBy((text) => words(text).map(parseVerifierKey)).transform(words);

/** What is shorter could be guessed. */
export const shortestToken = 16;

/** The levels of pino. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
