import type { Row } from '../core/model.ts';
import type { RowChange } from '../core/row-change.ts';
import { type Database, isLockTimeout, transact } from '../database.ts';
import { OperationError } from '../errors.ts';
import { limitWaiting, locksOfChanges, takeAdvisoryLocks } from './locks.ts';
import { readChangedRows, sameRow } from './row-writes.ts';

/** In which state the rows of an interrupted repair are. */
export interface FoundState {
  /** `after`: as the repair meant them; `before`: as they were; `other`: somebody else wrote them since. */
  state: 'after' | 'before' | 'other';
  /** True where inserted rows carry our own `captured_at`, so that nobody else can have written them. */
  certain: boolean;
}

async function capturedAt(database: Database, change: RowChange): Promise<string | null> {
  const row: { captured_at?: unknown } | undefined = await database
    .knex(change.table)
    .select('captured_at')
    .where(change.key as Record<string, string | number>)
    .first();
  const value = row?.captured_at;
  return value == null ? null : new Date(value as string).toISOString();
}

/** The inserted rows show who wrote them: ours carry the `at` of their `repair.started`. */
async function isOurInsert(database: Database, change: RowChange, at: string): Promise<boolean> {
  return change.before === null && (await capturedAt(database, change)) === at;
}

/**
 * Finds out, under the locks that the repair itself takes, how far an interrupted repair came. It was one
 * transaction, so its rows are all as before or all as meant, unless somebody wrote them since. Throws an
 * OperationError where the locks are not to be had: what is not known must not be planned upon.
 */
export async function inspectInterrupted(
  database: Database,
  of: { changes: readonly RowChange[]; at: string; stamped: boolean },
): Promise<FoundState> {
  try {
    return await transact(database, (inside) => foundState(inside, of));
  } catch (cause) {
    if (!isLockTimeout(cause)) throw cause;
    throw new OperationError(
      `cannot find out how far the repair begun at ${of.at} came: somebody else holds a lock on its rows; nothing was written, the next run tries again`,
      { cause },
    );
  }
}

async function foundState(
  inside: Database,
  of: { changes: readonly RowChange[]; at: string; stamped: boolean },
): Promise<FoundState> {
  const { changes, at } = of;
  await limitWaiting(inside);
  await takeAdvisoryLocks(inside, () => locksOfChanges(changes));
  await lockCapturesOfSpawns(inside, changes);
  const present = await readChangedRows(inside, changes, { lock: true });
  const found = new Map(changes.map((change, index) => [change, present[index]!]));
  const decisive = decisiveChanges(changes);
  const all = (pick: (change: RowChange) => Row | null) =>
    decisive.every((change) => sameRow(found.get(change)!, pick(change)));
  if (!all((change) => change.after))
    return { state: all((change) => change.before) ? 'before' : 'other', certain: false };
  const inserts = decisive.filter(({ before }) => before === null);
  if (inserts.length === 0 || !of.stamped) return { state: 'after', certain: false };
  // An equal row with another captured_at was written by the live pipeline, which wins.
  for (const change of inserts)
    if (!(await isOurInsert(inside, change, at))) return { state: 'other', certain: true };
  return { state: 'after', certain: true };
}

/** A spawn row that is not there yet cannot be locked; whoever is about to insert it has locked its capture. */
async function lockCapturesOfSpawns(inside: Database, changes: readonly RowChange[]): Promise<void> {
  if (inside.dialect === 'sqlite') return;
  const spawns = changes.filter(({ table }) => table === 'lua_spawn_stats');
  const keys = new Map(spawns.map(({ key }) => [`${key.match_id} ${key.round_number}`, key]));
  for (const { match_id, round_number } of keys.values())
    await inside
      .knex('lua_round_teams')
      .select('id')
      .where({ match_id, round_number } as Record<string, string | number>)
      .forUpdate();
}

/**
 * The rows that show what became of an interrupted transaction: the captures that it inserts or deletes,
 * which say so by being there; where it does neither, all of its rows.
 */
function decisiveChanges(changes: readonly RowChange[]): readonly RowChange[] {
  const captures = changes.filter(
    ({ table, before, after }) => table === 'lua_round_teams' && (before === null || after === null),
  );
  return captures.length > 0 ? captures : changes;
}

/**
 * True where a row that a repair wrote was stored by the live pipeline itself since: the same map, number,
 * start and end with a newer `captured_at` (DESIGN, The ledger).
 */
export async function isOverwritten(
  database: Database,
  of: { change: RowChange; now: Row; at: string },
): Promise<boolean> {
  const { change, now, at } = of;
  if (change.table === 'rounds' || !('round_end_unix' in now)) return false;
  const same = ['map_name', 'round_number', 'round_start_unix', 'round_end_unix'].every(
    (column) => now[column] === change.after?.[column],
  );
  const stored = same ? await capturedAt(database, change) : null;
  return stored !== null && stored > at;
}
