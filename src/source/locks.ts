import { advisoryLockKey } from '../core/canonical.ts';
import { present } from '../core/expected.ts';
import { candidateNumber } from '../core/names.ts';
import type { RowChange } from '../core/row-change.ts';
import { gainedTiming } from '../core/slots.ts';
import type { Want } from '../core/verdict.ts';
import { type Database, limitTransaction, rows } from '../database.ts';
import type { SourceSchema } from './schema.ts';

/** A lock that a transaction on the source waits for longer than two seconds is not to be had. */
export const limitWaiting = (inside: Database) => limitTransaction(inside, 2);

/** What the pipeline locks a capture by. */
export interface CaptureLock {
  map: string | null;
  number: number;
  startUnix: number;
}

/** The pipeline's own advisory locks on captures, in one order for everybody. SQLite has none, and asks for none. */
export async function takeAdvisoryLocks(
  database: Database,
  locks: () => readonly CaptureLock[],
): Promise<void> {
  if (database.dialect !== 'postgres') return;
  // A repair and its changes name the same lock, and a key takes long to work out.
  const byName = new Map(locks().map((lock) => [`${lock.number} ${lock.startUnix} ${lock.map}`, lock]));
  const keys = [...byName.values()].map(({ map, number, startUnix }) =>
    advisoryLockKey(map, number, startUnix),
  );
  const sorted = [...new Set(keys)].sort((a, b) => (a < b ? -1 : 1));
  const sql = `select count(pg_advisory_xact_lock(key)) from
    (select key from unnest(?::bigint[]) with ordinality as asked (key, at) order by at) as ordered`;
  await rows(database, sql, [`{${sorted.join()}}`]);
}

export function locksOf(wants: readonly Want[]): CaptureLock[] {
  return wants.flatMap((want) => {
    const { startUnix } = gainedTiming(want);
    const { map, number } = want.kind === 'backfill' ? want.artifact.content : want.capture;
    return present(startUnix) ? [{ map, number: candidateNumber(number) ?? number, startUnix }] : [];
  });
}

/** The locks of the captures that some changes touch, as they are recorded. */
export function locksOfChanges(changes: readonly RowChange[]): CaptureLock[] {
  return changes.flatMap(({ table, before, after }) => {
    const row = after ?? before ?? {};
    if (table !== 'lua_round_teams' || typeof row.round_start_unix !== 'number') return [];
    const number = candidateNumber(row.round_number as number) ?? (row.round_number as number);
    return [{ map: row.map_name as string | null, number, startUnix: row.round_start_unix }];
  });
}

/** Without a unique (`round_id`) nothing but a table lock keeps another session from linking to the same round. */
export async function guardLinks(database: Database, schema: SourceSchema): Promise<void> {
  if (database.dialect === 'postgres' && !schema.uniqueRoundId)
    await database.knex.raw('lock table lua_round_teams in share row exclusive mode');
}
