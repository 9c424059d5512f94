import { hostname } from 'node:os';
import { closeDatabase, type Database, openDatabase, rows, transact } from '../src/database.ts';
import { messageOf } from '../src/errors.ts';
import type { Log } from '../src/log.ts';

/**
 * Signs of life of the workers. The engine holds the jobs of a worker that was killed for four hours, and the queue of
 * their server with them: here each worker says again and again that it lives, and takes the jobs of those that do not.
 * One that was only cut off goes on, until the lease and the fence of the ledger stop it.
 */

export const fleetSchema = 'roundwarden_fleet';

/** Any number that nobody else uses: "RWF". */
const makingKey = 0x525746;
/** So often a sign is given within a term. */
const signsPerTerm = 5;

const isPrepared = async (database: Database) => (await livingWorkers(database, 0)) !== null;

/** Whoever may not create anything needs to create nothing once it is there. */
async function prepare(database: Database): Promise<void> {
  if (await isPrepared(database)) return;
  await transact(database, async (inside) => {
    await inside.knex.raw('select pg_advisory_xact_lock(?)', [makingKey]);
    await inside.knex.raw('create schema if not exists ??', [fleetSchema]);
    await inside.knex.raw(`create table if not exists ${fleetSchema}.workers (
      id text primary key, host text not null, pid integer not null, seen_at timestamptz not null)`);
  });
}

/** A worker, of which the engine knows by its id. */
interface Worker {
  id: string;
  /** A worker that gave no sign for so long counts as dead. */
  termMs: number;
  /** Whether it is doing a job. */
  isAtWork: () => boolean;
}

/**
 * The workers that gave no sign for a term and hold jobs, which are anybody's from here on. So are those that this one
 * holds while it does none: it was given one while the connection was lost, or could not give one back.
 */
async function takeFromDead(database: Database, { id, termMs, isAtWork }: Worker): Promise<string[]> {
  const old = `clock_timestamp() - ? * interval '1 millisecond'`;
  const dead = await rows<{ id: string }>(
    database,
    `select distinct jobs.locked_by as id from graphile_worker.jobs
     left join ${fleetSchema}.workers on workers.id = jobs.locked_by
     where jobs.locked_at < ${old} and (jobs.locked_by = ? or coalesce(workers.seen_at < ${old}, true))`,
    [termMs, id, termMs],
  );
  const ids = dead.map(({ id }) => id).filter((holder) => holder !== id || !isAtWork());
  if (ids.length > 0) await rows(database, 'select graphile_worker.force_unlock_workers(?::text[])', [ids]);
  await openAbandonedQueues(database, termMs);
  return ids;
}

/**
 * A job that was taken from a worker which lived after all is ended by both, and the second one finds nothing left to
 * end: the queue of its server would stay closed for four hours, with no job in it that anybody holds.
 */
async function openAbandonedQueues(database: Database, termMs: number): Promise<void> {
  await rows(
    database,
    `update graphile_worker._private_job_queues as queues set locked_by = null, locked_at = null
     where locked_at < clock_timestamp() - ? * interval '1 millisecond'
       and not exists (select 1 from graphile_worker._private_jobs as jobs
         where jobs.job_queue_id = queues.id and jobs.locked_by = queues.locked_by)`,
    [termMs],
  );
}

/** A worker that says that it lives. */
export interface Signs {
  /** No more signs: what it held is given back by the engine. */
  close(): Promise<void>;
}

/** Says that the worker `id` lives, now and within each term, and frees what dead ones hold. */
export async function giveSigns(url: string, of: Worker & { log: Log }): Promise<Signs> {
  const { id, termMs, log } = of;
  const database = await openDatabase(url);
  const beat = async () => {
    await rows(
      database,
      `insert into ${fleetSchema}.workers (id, host, pid, seen_at) values (?, ?, ?, clock_timestamp())
       on conflict (id) do update set seen_at = excluded.seen_at`,
      [id, hostname(), process.pid],
    );
    const freed = await takeFromDead(database, of);
    if (freed.length > 0)
      log.warn({ workers: freed }, 'do not work at the jobs that they hold: these are free');
  };
  await prepare(database);
  await beat();
  let beating: Promise<void> | null = null;
  const timer = setInterval(() => {
    beating ??= beat()
      .catch((thrown) => log.warn({ why: messageOf(thrown) }, 'could not give a sign of life; tried again'))
      .finally(() => {
        beating = null;
      });
  }, termMs / signsPerTerm);
  return {
    async close() {
      clearInterval(timer);
      await beating;
      const forget = `delete from ${fleetSchema}.workers where id = ? or seen_at < clock_timestamp() - interval '1 day'`;
      await rows(database, forget, [id]).catch(() => undefined);
      await closeDatabase(database);
    },
  };
}

/** The workers that gave a sign within a term, by their hosts. Null where no worker ever ran. */
export async function livingWorkers(database: Database, termMs: number): Promise<{ host: string }[] | null> {
  const [there] = await rows<{ there: boolean }>(
    database,
    `select to_regclass('${fleetSchema}.workers') is not null as there`,
  );
  if (there?.there !== true) return null;
  const sql = `select host from ${fleetSchema}.workers
    where seen_at > clock_timestamp() - ? * interval '1 millisecond' order by host`;
  return rows<{ host: string }>(database, sql, [termMs]);
}
