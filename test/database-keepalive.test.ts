import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeDatabase, openDatabase, rows } from '../src/database.ts';
import { openPool } from '../src/database-driver.ts';
import { openTestDatabase, skipWithoutConnections } from './databases.ts';

const tables = ['/proc/net/tcp', '/proc/net/tcp6'];
const skip =
  skipWithoutConnections('postgres') || (!tables.every((path) => existsSync(path)) && 'needs /proc/net');

/** proc(5), the timer of a socket: 0 none, 1 sends again, 2 asks whether the other end is there, 3 and 4 of its end. */
const keepalive = '02';
/** The kernel counts what is left of a timer in ticks of which it shows a hundred in a second. */
const ticksPerSecond = 100;

/** The timer of the connection between two ports, as the system has it: its kind, and in how many seconds it is due. */
function timerOf(local: number, remote: number): { kind: string; seconds: number } {
  const ends = (at: string) => Number.parseInt(at.slice(at.lastIndexOf(':') + 1), 16);
  for (const line of tables.flatMap((path) => readFileSync(path, 'utf8').split('\n').slice(1))) {
    const [, from = '', to = '', , , timer = ''] = line.trim().split(/\s+/);
    if (ends(from) !== local || ends(to) !== remote) continue;
    const [kind = '', left = ''] = timer.split(':');
    return { kind, seconds: Number.parseInt(left, 16) / ticksPerSecond };
  }
  throw new Error(`there is no connection from port ${local} to port ${remote}`);
}

const ports = 'select inet_client_port() as local, inet_server_port() as remote';
type Ports = { local: number; remote: number };

/** While something was sent and not acknowledged, the timer is of that. */
async function assertAsked({ local, remote }: Ports): Promise<void> {
  let timer = timerOf(local, remote);
  for (const before = Date.now(); timer.kind !== keepalive && Date.now() - before < 10_000; await sleep(20))
    timer = timerOf(local, remote);
  assert.equal(timer.kind, keepalive);
  // The system's own default is two hours.
  assert.ok(timer.seconds <= 30, `${timer.seconds} s`);
}

test('whether a PostgreSQL that says nothing is still there is asked after half a minute', {
  skip,
}, async () => {
  const { url, close } = await openTestDatabase('postgres');
  const database = await openDatabase(url);
  const pool = await openPool(url, 1);
  try {
    await assertAsked((await rows<Ports>(database, ports))[0]!);
    await assertAsked((await pool.query<Ports>(ports)).rows[0]!);
  } finally {
    await pool.end();
    await closeDatabase(database);
    await close();
  }
});
