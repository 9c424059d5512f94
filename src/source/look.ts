import type { Round } from '../core/model.ts';
import type { Table } from '../core/rows.ts';
import { type Database, rows } from '../database.ts';
import { roundColumns, toRound } from './rows.ts';
import type { SourceSchema } from './schema.ts';

/** The rows with number 1 or 2 and the latest dates, the newest first. */
export async function newestRounds(
  database: Database,
  schema: SourceSchema,
  limit: number,
): Promise<Round[]> {
  const raw: Record<string, unknown>[] = await database
    .knex('rounds')
    .select(roundColumns.filter((column) => schema.columns.rounds.has(column)))
    .whereIn('round_number', [1, 2])
    .whereBetween('round_date', ['1971', '9000'])
    .orderBy([
      { column: 'round_date', order: 'desc' },
      { column: 'round_time', order: 'desc' },
    ])
    .limit(limit);
  return raw.map((row) => toRound(row).round);
}

/** How many rows there are on some days of the server (both included), or in a session: summaries too. */
export async function countRounds(
  database: Database,
  of: { since: string; until: string } | { session: number },
): Promise<number> {
  const query = database.knex('rounds').count({ count: '*' });
  if ('session' in of) query.where('gaming_session_id', of.session);
  else query.where('round_date', '>=', of.since).where('round_date', '<=', of.until);
  const [found] = await query;
  return Number(found!.count);
}

/** What stands as a date on the rows of a session; empty where there is no such session. */
export async function datesOfSession(
  database: Database,
  schema: SourceSchema,
  session: number,
): Promise<(string | null)[]> {
  if (!schema.columns.rounds.has('gaming_session_id')) return [];
  const found: { round_date: string | null }[] = await database
    .knex('rounds')
    .distinct('round_date')
    .where('gaming_session_id', session);
  return found.map(({ round_date }) => round_date);
}

/** The unique keys that make a row be there once, whoever writes it (DOMAIN, section 2). */
const uniqueKeys: readonly (readonly [Table, readonly string[]])[] = [
  ['rounds', ['match_id', 'round_number']],
  ['lua_round_teams', ['match_id', 'round_number']],
  ['lua_spawn_stats', ['match_id', 'round_number', 'player_guid']],
];

async function keysOf(database: Database, table: Table): Promise<string[]> {
  const found =
    database.dialect === 'postgres'
      ? await rows<{ columns: string }>(
          database,
          `select (select string_agg(a.attname, ',' order by a.attname) from pg_catalog.pg_attribute a
                   where a.attrelid = i.indrelid and a.attnum = any(i.indkey)) as columns
           from pg_catalog.pg_index i
           where i.indrelid = to_regclass(?) and i.indisunique and i.indpred is null and i.indexprs is null`,
          [table],
        )
      : await rows<{ columns: string }>(
          database,
          `select (select group_concat(name) from (select c.name from pragma_index_info(l.name) c order by c.name))
             as columns
           from pragma_index_list(?) l where l."unique" = 1 and l.partial = 0`,
          [table],
        );
  return found.map(({ columns }) => columns);
}

/** The unique keys of the pipeline that this source lacks, as `table (columns)`. */
export async function missingKeys(database: Database, schema: SourceSchema): Promise<string[]> {
  const missing: string[] = [];
  for (const [table, columns] of uniqueKeys) {
    if (table === 'lua_spawn_stats' && schema.columns.spawns === null) continue;
    const there = await keysOf(database, table);
    if (!there.includes([...columns].sort().join(','))) missing.push(`${table} (${columns.join(', ')})`);
  }
  return missing;
}

/** The clock of the database's host, milliseconds since 1970; null where it is this host's. */
export async function databaseClock(database: Database): Promise<number | null> {
  if (database.dialect === 'sqlite') return null;
  const [found] = await rows<{ now: string }>(database, 'select clock_timestamp() as now');
  return found === undefined ? null : Date.parse(found.now);
}

/** The rows that were inserted last: their ids and `match_id`; null where a table is empty. */
export type Newest = Record<'rounds' | 'lua_round_teams', { id: number; matchId: string | null } | null>;

async function newestRow(database: Database, table: keyof Newest): Promise<Newest[keyof Newest]> {
  const [row] = await database.knex(table).select('id', 'match_id').orderBy('id', 'desc').limit(1);
  return row === undefined ? null : { id: Number(row.id), matchId: row.match_id };
}

/** The newest round and the newest capture of a source. */
export async function newestOf(database: Database): Promise<Newest> {
  return {
    rounds: await newestRow(database, 'rounds'),
    lua_round_teams: await newestRow(database, 'lua_round_teams'),
  };
}

/** Whether a copy of the source holds what was newest there. */
export async function holdsNewest(copy: Database, newest: Newest): Promise<boolean> {
  for (const table of ['rounds', 'lua_round_teams'] as const) {
    const wanted = newest[table];
    if (wanted === null) continue;
    const [row] = await copy.knex(table).select('match_id').where({ id: wanted.id });
    if (row === undefined || row.match_id !== wanted.matchId) return false;
  }
  return true;
}
