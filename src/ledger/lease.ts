import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Database, isLockTimeout, rows, transact } from '../database.ts';
import { OperationError } from '../errors.ts';
import { limitLedger } from './lock.ts';
import { isGone, type ProcessName } from './process.ts';

/** The lease that every run which may write works under. */
export const workLease = 'work';

/** A process, and the run that it is in. */
export interface Holder extends ProcessName {
  runId: string;
}

export interface LeaseRequest {
  name: string;
  holder: Holder;
  /** This host's clock. It counts on SQLite alone: hosts that share a PostgreSQL go by its clock. */
  nowMs: number;
  ttlMs: number;
}

export type LeaseAnswer =
  | { ok: true; token: string; fence: number }
  /** `holder` is what people are told; `since` and `expiresAt` are UTC, ISO 8601. */
  | { ok: false; holder: string; since: string; expiresAt: string };

const leaseRow = z.object({
  holder: z.string(),
  token: z.string(),
  fence: z.int(),
  acquired_at: z.string(),
  expires_at: z.string(),
});

/** Leases of earlier versions name neither table nor start. */
const holderDocument = z.object({
  host: z.string(),
  pid: z.int(),
  table: z.string().optional(),
  started: z.string().optional(),
  runId: z.string(),
});

/** A lease as it stands: its last holder, whose it may not be any more. Times are UTC, ISO 8601. */
export interface Lease {
  holder: Holder;
  /** Of the acquisition; empty once it was given back. */
  token: string;
  /** Which acquisition it is: one more than the one before. */
  fence: number;
  acquiredAt: string;
  expiresAt: string;
}

/**
 * Tokens of this process under which nobody works: the server may have granted them, or may never have heard that they
 * were given back, because the connection broke. Whoever still names one as its fence is refused as soon as the lease is
 * taken anew, under another token and a higher number.
 */
const leftBehind = new Set<string>();

/**
 * Takes the lease if nobody has it: it is new, released, expired, its holder is known to have ended, or this process
 * left it behind. Of several that try at once, one gets it. The fence is one more than at the acquisition before. An end
 * that is further ahead than a term can be (the clock was set back since) is cut to one term from now. Throws an
 * OperationError where somebody else keeps the ledger locked.
 */
export async function acquireLease(database: Database, request: LeaseRequest): Promise<LeaseAnswer> {
  const nowMs = await ledgerNow(database, request.nowMs);
  const seen = await readLease(database, request.name);
  if (seen !== null && !leftBehind.has(seen.token) && !isFree(seen, { nowMs, us: request.holder }))
    return refusal(await cutToTerm(database, seen, { ...request, nowMs }));
  // Where somebody else was faster, the lease is another one, which may be free again by now.
  return (await take(database, seen, { ...request, nowMs })) ?? acquireLease(database, request);
}

/** Prolongs a lease that is still ours, expired or not; false where somebody else took it since. */
export async function renewLease(
  database: Database,
  request: { name: string; token: string; nowMs: number; ttlMs: number },
): Promise<boolean> {
  const { name, token, ttlMs } = request;
  const expires_at = instant((await ledgerNow(database, request.nowMs)) + ttlMs);
  return (await database.knex('leases').where({ name, token }).update({ expires_at })) === 1;
}

/** Gives a lease back; false where it was not ours any more. Where that fails, this process may take it anew at once. */
export async function releaseLease(
  database: Database,
  request: { name: string; token: string },
): Promise<boolean> {
  const { name, token } = request;
  const released = { token: '', expires_at: instant(0) };
  try {
    return (await database.knex('leases').where({ name, token }).update(released)) === 1;
  } catch (thrown) {
    leftBehind.add(token);
    throw thrown;
  }
}

/** The lease of this name; null before its first acquisition. `share`: nobody takes it while the transaction lasts. */
export async function readLease(
  database: Database,
  name: string,
  options: { share?: boolean } = {},
): Promise<Lease | null> {
  const query = database.knex('leases').select(Object.keys(leaseRow.shape)).where({ name });
  const row: unknown = await (options.share ? query.forShare() : query).first();
  if (row === undefined) return null;
  const { holder, acquired_at: acquiredAt, expires_at: expiresAt, ...rest } = leaseRow.parse(row);
  return { ...rest, acquiredAt, expiresAt, holder: holderDocument.parse(JSON.parse(holder)) };
}

/** Whether a lease is anybody's to take, as `us` can know it. */
export function isFree(lease: Lease, of: { nowMs: number; us: ProcessName }): boolean {
  return Date.parse(lease.expiresAt) <= of.nowMs || isGone(lease.holder, of.us);
}

/** By the clock that judges leases of this ledger, in milliseconds: the server's, or this host's. */
export async function ledgerNow(database: Database, hostMs: number): Promise<number> {
  if (database.dialect === 'sqlite') return hostMs;
  const sql = 'select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now';
  const [row] = await rows<{ now: number }>(database, sql);
  return row!.now;
}

/** The holder of a lease, as people are told. */
export function holderText({ holder }: Lease): string {
  return `run ${holder.runId} (process ${holder.pid} on ${holder.host})`;
}

const instant = (ms: number) => new Date(ms).toISOString();

/** Null where the lease is not what was `seen` any more. */
async function take(
  database: Database,
  seen: Lease | null,
  request: LeaseRequest,
): Promise<LeaseAnswer | null> {
  const { name, nowMs, ttlMs } = request;
  const token = randomUUID();
  const fence = (seen?.fence ?? 0) + 1;
  const holder = JSON.stringify(request.holder);
  const granted = { fence, token, holder, acquired_at: instant(nowMs), expires_at: instant(nowMs + ttlMs) };
  try {
    const taken = await changing(database, async ({ knex }) => {
      if (seen !== null) return knex('leases').where(sameAs(name, seen)).update(granted);
      const insert = knex('leases').insert({ name, ...granted });
      return (await insert.onConflict('name').ignore().returning('fence')).length;
    });
    return taken === 1 ? { ok: true, token, fence } : null;
  } catch (thrown) {
    if (await wasGranted(database, { name, token })) return { ok: true, token, fence };
    throw thrown;
  }
}

/**
 * Whether the lease carries a token although its transaction failed: the connection broke between the commit and its
 * answer. Nobody else has that token, so what carries it is ours. Where it cannot be seen now, or is committed only
 * after this look, the lease is left behind.
 */
async function wasGranted(
  database: Database,
  { name, token }: { name: string; token: string },
): Promise<boolean> {
  const lease = await readLease(database, name).catch(() => null);
  if (lease?.token === token) return true;
  leftBehind.add(token);
  return false;
}

/** Its holder, if it lives, prolongs it again long before that; if not, nobody waits for a clock to catch up. */
async function cutToTerm(database: Database, seen: Lease, request: LeaseRequest): Promise<Lease> {
  const latest = request.nowMs + request.ttlMs;
  if (Date.parse(seen.expiresAt) <= latest) return seen;
  const expiresAt = instant(latest);
  await changing(database, ({ knex }) =>
    knex('leases').where(sameAs(request.name, seen)).update({ expires_at: expiresAt }),
  );
  return { ...seen, expiresAt };
}

const sameAs = (name: string, { fence, token, expiresAt }: Lease) => ({
  name,
  fence,
  token,
  expires_at: expiresAt,
});

/** A change of the lease row, for whose lock nobody waits without an end. */
async function changing<T>(database: Database, change: (inside: Database) => Promise<T>): Promise<T> {
  try {
    return await transact(database, async (inside) => {
      await limitLedger(inside);
      return change(inside);
    });
  } catch (cause) {
    if (!isLockTimeout(cause)) throw cause;
    throw new OperationError(
      `cannot take the lease: somebody else is writing to the ledger ${database.label} and does not end; nothing was done`,
      { cause },
    );
  }
}

function refusal(lease: Lease): LeaseAnswer {
  const { acquiredAt: since, expiresAt } = lease;
  return { ok: false, holder: holderText(lease), since, expiresAt };
}
