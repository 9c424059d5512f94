import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';

export const databaseKinds = ['sqlite', 'postgres'] as const;
export type DatabaseKind = (typeof databaseKinds)[number];

/** A PostgreSQL server whose user may create databases. Without it PGlite stands in: one connection at a time. */
const serverUrl = process.env.TEST_DATABASE_URL;
export const hasRealPostgres = serverUrl !== undefined && serverUrl !== '';

/** The reason to skip a test that needs several connections to one database, or false. */
export function skipWithoutConnections(kind: DatabaseKind): string | false {
  return kind === 'postgres' && !hasRealPostgres && 'needs several connections: set TEST_DATABASE_URL';
}

export interface TestDatabase {
  url: string;
  close(): Promise<void>;
}

/** A fresh, empty database. With PGlite one at a time: close it before the next. */
export async function openTestDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  if (kind === 'sqlite') return sqliteDatabase();
  return hasRealPostgres ? await createdDatabase(serverUrl!) : await embeddedDatabase();
}

/** Registers the same suite for both databases. */
export function forEachDatabase(name: string, suite: (kind: DatabaseKind) => void): void {
  for (const kind of databaseKinds) describe(`${name} (${kind})`, () => suite(kind));
}

function sqliteDatabase(): TestDatabase {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-'));
  return {
    url: `sqlite:${join(directory, 'test.sqlite')}`,
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

async function createdDatabase(server: string): Promise<TestDatabase> {
  const name = `rw_test_${randomBytes(6).toString('hex')}`;
  await administer(server, `create database ${name} template template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, close: () => administer(server, `drop database ${name} with (force)`) };
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

let embedded: Promise<{ url: string; db: PGlite }> | null = null;
let inUse = false;

/** Starting PGlite takes seconds, so a process has one, emptied for each test database. */
async function embeddedDatabase(): Promise<TestDatabase> {
  if (inUse) throw new Error('PGlite holds one test database at a time: close the one before');
  inUse = true;
  embedded ??= startEmbedded();
  const { url, db } = await embedded;
  await forgetSession(db);
  const { rows } = await db.query<{ nspname: string }>(
    `select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'`,
  );
  for (const { nspname } of rows) await db.exec(`drop schema "${nspname}" cascade`);
  await db.exec('create schema public');
  return {
    url,
    close: async () => {
      inUse = false;
    },
  };
}

/** PGlite behind a socket. Nothing of it keeps the process from ending. */
async function startEmbedded(): Promise<{ url: string; db: PGlite }> {
  const db = await PGlite.create();
  let last = Promise.resolve();
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    const before = last;
    last = serveInTurn(db, socket, before);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  server.unref();
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, db };
}

/** One connection after the other; a client that was killed leaves nothing behind for the next. */
async function serveInTurn(db: PGlite, socket: Socket, before: Promise<void>): Promise<void> {
  const free = await Promise.race([before.then(() => true), sleep(5_000, false, { ref: false })]);
  if (!free) {
    socket.end(errorResponse('PGlite serves one connection at a time, and another one is open'));
    return await before;
  }
  await forgetSession(db);
  await serve(db, socket).catch(() => undefined);
  socket.destroy();
}

const sync = new Uint8Array([0x53, 0, 0, 0, 4]);

/** PGlite has one session, which outlives its clients: their transaction, settings and locks go. */
async function forgetSession(db: PGlite): Promise<void> {
  await db.runExclusive(() => db.execProtocolRaw(sync));
  await db.exec('rollback');
  await db.exec('discard all');
}

async function serve(db: PGlite, socket: Socket): Promise<void> {
  let received = Buffer.alloc(0);
  let started = false;
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    for (;;) {
      const length = messageLength(received, started);
      if (received.length < length) break;
      const message = Uint8Array.from(received.subarray(0, length));
      received = received.subarray(length);
      if (!started && isEncryptionRequest(message)) {
        socket.write('N');
        continue;
      }
      started = true;
      if (message[0] === terminate) return;
      await db.runExclusive(() =>
        db.execProtocolRawStream(message, { onRawData: (data) => socket.write(Uint8Array.from(data)) }),
      );
    }
  }
}

const terminate = 'X'.charCodeAt(0);

/** The first message of a connection has no type byte. */
function messageLength(received: Buffer, started: boolean): number {
  const typeBytes = started ? 1 : 0;
  return received.length < typeBytes + 4
    ? Number.POSITIVE_INFINITY
    : typeBytes + received.readInt32BE(typeBytes);
}

function isEncryptionRequest(message: Uint8Array): boolean {
  return message.length === 8 && Buffer.from(message).readInt32BE(4) === 80877103;
}

function errorResponse(text: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C53300\0M${text}\0\0`);
  const header = Buffer.alloc(5, 'E');
  header.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([header, fields]);
}
