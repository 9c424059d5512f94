import type { SourceColumns } from '../core/rows.ts';
import { type Database, rows } from '../database.ts';
import { OperationError } from '../errors.ts';

/** A foreign key of another table that points at captures; such a capture cannot simply be deleted. */
export interface Reference {
  table: string;
  column: string;
  /** The column of `lua_round_teams` that it points to. */
  target: string;
}

/** The source as it is: columns and indexes differ between installations (DOMAIN, "The schema over time"). */
export interface SourceSchema {
  columns: SourceColumns;
  /** True with a unique index on the captures' `round_id`, since 2026-07-27. */
  uniqueRoundId: boolean;
}

const required = {
  rounds: ['id', 'match_id', 'round_number', 'round_date', 'round_time', 'map_name'],
  lua_round_teams: [
    'id',
    'match_id',
    'round_number',
    'map_name',
    'round_start_unix',
    'round_end_unix',
    'round_id',
  ],
} as const;

type Columns = ReadonlySet<string>;

/** The columns of each of these tables; none of a table that is not there, or that this role may not see. */
async function columnsOf(database: Database, tables: readonly string[]): Promise<Columns[]> {
  const found =
    database.dialect === 'postgres'
      ? await rows<{ of: string; name: string }>(
          database,
          `select t.name as of, a.attname as name from unnest(?::text[]) as t (name)
           join pg_catalog.pg_attribute a on a.attrelid = to_regclass(t.name)
           where a.attnum > 0 and not a.attisdropped`,
          [tables],
        )
      : await rows<{ of: string; name: string }>(
          database,
          'select t.value as "of", c.name from json_each(?) t, pragma_table_info(t.value) c',
          [JSON.stringify(tables)],
        );
  return tables.map((table) => new Set(found.filter(({ of }) => of === table).map(({ name }) => name)));
}

/** Constraints come from `pg_catalog`: a role that may only select does not see them in `information_schema`. */
async function hasUniqueRoundId(database: Database): Promise<boolean> {
  const found =
    database.dialect === 'postgres'
      ? await rows(
          database,
          `select 1 from pg_catalog.pg_index i
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
           where i.indrelid = to_regclass('lua_round_teams') and i.indisunique and i.indnkeyatts = 1
             and i.indpred is null and a.attname = 'round_id'`,
        )
      : await rows(
          database,
          `select 1 from pragma_index_list('lua_round_teams') l
           where l."unique" = 1 and l.partial = 0
             and (select group_concat(c.name) from pragma_index_info(l.name) c) = 'round_id'`,
        );
  return found.length > 0;
}

/** What points at captures, in the order of tables and columns. Asked by whoever takes captures away, and by nobody else. */
export async function referencesToCaptures(database: Database): Promise<Reference[]> {
  if (database.dialect === 'postgres')
    return rows<Reference>(
      database,
      `select c.conrelid::regclass::text as "table", a.attname as "column", t.attname as target
       from pg_catalog.pg_constraint c
       join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
       join pg_catalog.pg_attribute t on t.attrelid = c.confrelid and t.attnum = c.confkey[1]
       where c.contype = 'f' and c.confrelid = to_regclass('lua_round_teams')
       order by 1, 2`,
    );
  return rows<Reference>(
    database,
    `select m.name as "table", f."from" as "column", coalesce(f."to", 'id') as target
     from sqlite_master m, pragma_foreign_key_list(m.name) f
     where m.type = 'table' and f."table" = 'lua_round_teams' order by 1, 2`,
  );
}

/** Looks at the source's tables; throws an OperationError that names what an audit cannot do without. */
export async function inspectSource(database: Database): Promise<SourceSchema> {
  const tables = ['rounds', 'lua_round_teams', 'lua_spawn_stats'];
  const [rounds, captures, spawns] = (await columnsOf(database, tables)) as [Columns, Columns, Columns];
  const lacking = [
    ...required.rounds.filter((column) => !rounds.has(column)).map((column) => `rounds.${column}`),
    ...required.lua_round_teams
      .filter((column) => !captures.has(column))
      .map((column) => `lua_round_teams.${column}`),
  ];
  if (lacking.length > 0)
    throw new OperationError(
      `source ${database.label} is not the audited system, or this role may not see it: it lacks ${lacking.join(', ')}`,
    );
  return {
    columns: { rounds, captures, spawns: spawns.size > 0 ? spawns : null },
    uniqueRoundId: await hasUniqueRoundId(database),
  };
}
