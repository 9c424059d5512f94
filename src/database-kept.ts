import type { Database } from './database.ts';

/*
 * A process that is at work every few minutes keeps its connections to PostgreSQL in between: to let somebody in, and to
 * read the catalogue for him, costs a server as much as all questions of a cycle (docs/decisions/0028).
 */

/** How and when a connection was opened: one that is asked for in the same words is the same. */
export interface Opening {
  as: string;
  /** By `performance.now()`. */
  atMs: number;
}

interface Kept {
  database: Database;
  /** Closes it when it has become too old, whoever asks for it by then. */
  old: NodeJS.Timeout;
}

/** Where a database has moved, or a role has changed, nobody goes on for longer with what was before. */
const usualLongestMs = 10 * 60_000;
const mostKept = 10;
/** One that does not answer by then is given up, and another one opened. */
const answersWithinMs = 5_000;

const idle: Kept[] = [];
let keepers = 0;
let longestMs = usualLongestMs;

const end = ({ database, old }: Kept) => {
  clearTimeout(old);
  return database.knex.destroy().catch(() => undefined);
};

function isAtRest({ knex }: Database): boolean {
  const { pool } = knex.client;
  return pool.numUsed() === 0 && pool.numPendingAcquires() === 0;
}

/** Whether it answers, and is in no transaction: only the first statement of one begins when it does. */
async function isFresh({ knex }: Database): Promise<boolean> {
  try {
    const asked = knex.raw('select now() = statement_timestamp() as fresh').timeout(answersWithinMs);
    return (await asked).rows[0]?.fresh === true;
  } catch {
    return false;
  }
}

/** A connection that was opened so, is kept, and answers; null where there is none. */
export async function takeKept(as: string): Promise<Database | null> {
  for (;;) {
    const at = idle.findIndex(({ database }) => database.opening?.as === as);
    const [kept] = at < 0 ? [] : idle.splice(at, 1);
    if (kept === undefined) return null;
    if (await isFresh(kept.database)) {
      clearTimeout(kept.old);
      return kept.database;
    }
    await end(kept);
  }
}

/** Keeps a connection that nobody uses any more; false where it shall be closed. */
export function keep(database: Database): boolean {
  const { opening } = database;
  if (keepers === 0 || opening === undefined || idle.length >= mostKept || !isAtRest(database)) return false;
  const leftMs = opening.atMs + longestMs - performance.now();
  if (leftMs <= 0) return false;
  const close = () => {
    const at = idle.findIndex((other) => other.database === database);
    if (at >= 0) void end(idle.splice(at, 1)[0]!);
  };
  idle.push({ database, old: setTimeout(close, leftMs).unref() });
  return true;
}

/**
 * Keeps connections while `work` runs: what it opens to PostgreSQL, closes, and opens again in the same way, is the same
 * connection, where it is at rest, answers and is not older than ten minutes. All are closed in the end.
 */
export async function keepingConnections<T>(
  work: () => Promise<T>,
  options: { longestMs?: number } = {},
): Promise<T> {
  keepers += 1;
  longestMs = options.longestMs ?? usualLongestMs;
  try {
    return await work();
  } finally {
    keepers -= 1;
    if (keepers === 0) await Promise.all(idle.splice(0).map(end));
  }
}
