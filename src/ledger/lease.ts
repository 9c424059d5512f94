import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../database.ts';

export interface Holder {
  host: string;
  pid: number;
  runId: string;
}

export interface LeaseRequest {
  name: string;
  holder: Holder;
  nowMs: number;
  ttlMs: number;
}

export type LeaseAnswer =
  | { ok: true; token: string; fence: number }
  /** `holder` is what people are told; `since` and `expiresAt` are UTC, ISO 8601. */
  | { ok: false; holder: string; since: string; expiresAt: string };

const leaseRow = z.object({
  holder: z.string(),
  fence: z.int(),
  acquired_at: z.string(),
  expires_at: z.string(),
});

const holderDocument = z.object({ host: z.string(), pid: z.int(), runId: z.string() });

/**
 * Takes the lease if nobody has it: it is new, released, expired, or its holder was a process of this host that
 * is gone. Of several that try at once, one gets it. The fence is one more than at the acquisition before.
 */
export async function acquireLease(database: Database, request: LeaseRequest): Promise<LeaseAnswer> {
  const token = randomUUID();
  const granted = { token, holder: JSON.stringify(request.holder), ...term(request.nowMs, request.ttlMs) };
  const first = await database
    .knex('leases')
    .insert({ name: request.name, fence: 1, ...granted })
    .onConflict('name')
    .ignore()
    .returning('fence');
  if (first.length === 1) return { ok: true, token, fence: 1 };

  const seen = await readLease(database, request.name);
  if (!isFree(seen, request)) return refusal(seen);
  const fence = seen.fence + 1;
  const taken = await database
    .knex('leases')
    .where({ name: request.name, fence: seen.fence, expires_at: seen.expires_at })
    .update({ fence, ...granted });
  return taken === 1 ? { ok: true, token, fence } : refusal(await readLease(database, request.name));
}

/** Prolongs a lease that is still ours; false where somebody else took it since. */
export async function renewLease(
  database: Database,
  request: { name: string; token: string; nowMs: number; ttlMs: number },
): Promise<boolean> {
  const { name, token, nowMs, ttlMs } = request;
  const { expires_at } = term(nowMs, ttlMs);
  return (await database.knex('leases').where({ name, token }).update({ expires_at })) === 1;
}

/** Gives a lease back; false where it was not ours any more. */
export async function releaseLease(
  database: Database,
  request: { name: string; token: string },
): Promise<boolean> {
  const { name, token } = request;
  const released = { token: '', expires_at: new Date(0).toISOString() };
  return (await database.knex('leases').where({ name, token }).update(released)) === 1;
}

/** Whether a process of this host runs; one that belongs to somebody else does. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function term(nowMs: number, ttlMs: number) {
  return {
    acquired_at: new Date(nowMs).toISOString(),
    expires_at: new Date(nowMs + ttlMs).toISOString(),
  };
}

async function readLease(database: Database, name: string) {
  const row = await database.knex('leases').select(Object.keys(leaseRow.shape)).where({ name }).first();
  const { holder, ...rest } = leaseRow.parse(row);
  return { ...rest, holder: holderDocument.parse(JSON.parse(holder)) };
}

type Lease = Awaited<ReturnType<typeof readLease>>;

function isFree(lease: Lease, request: LeaseRequest): boolean {
  if (Date.parse(lease.expires_at) <= request.nowMs) return true;
  return lease.holder.host === request.holder.host && !isProcessAlive(lease.holder.pid);
}

function refusal(lease: Lease): LeaseAnswer {
  const { host, pid, runId } = lease.holder;
  return {
    ok: false,
    holder: `run ${runId} (process ${pid} on ${host})`,
    since: lease.acquired_at,
    expiresAt: lease.expires_at,
  };
}
