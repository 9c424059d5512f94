import type { Table } from '../core/rows.ts';
import { type Database, rows } from '../database.ts';
import type { SourceSchema } from './schema.ts';

/** An index that our reads of the source rest on. */
export interface NeededIndex {
  table: Table;
  /** In any order, where they are looked up by equality. */
  columns: readonly string[];
  /** Which commands are slow without it. */
  slow: string;
}

/**
 * The columns by which the product looks rows up: read.ts (windows, captures by end or key, links), facts.ts and
 * recover.ts (what bears on a repair), nearby.ts (a triage packet). Ids are primary keys.
 */
export const neededIndexes: readonly NeededIndex[] = [
  { table: 'rounds', columns: ['round_date'], slow: 'each audit and report' },
  { table: 'rounds', columns: ['match_id'], slow: 'triage packets' },
  { table: 'lua_round_teams', columns: ['round_end_unix'], slow: 'each audit and report' },
  { table: 'lua_round_teams', columns: ['match_id'], slow: 'each audit, report and repair' },
  { table: 'lua_round_teams', columns: ['round_id'], slow: 'each audit, report and repair' },
  { table: 'lua_round_teams', columns: ['round_start_unix'], slow: 'each backfill' },
  { table: 'lua_spawn_stats', columns: ['match_id'], slow: 'each audit, report and repair' },
  { table: 'lua_spawn_stats', columns: ['round_end_unix'], slow: 'triage packets' },
];

/** The columns of each whole index of a table in their order; one ends where an expression stands. */
async function indexesOf(database: Database, table: Table): Promise<string[][]> {
  const found =
    database.dialect === 'postgres'
      ? await rows<{ index: string; column: string | null }>(
          database,
          // A broken one (of an interrupted CREATE INDEX CONCURRENTLY) is not used, nor one that is no B-tree for ranges.
          `select i.indexrelid::text as "index", a.attname as "column"
           from pg_catalog.pg_index i
           join pg_catalog.pg_class c on c.oid = i.indexrelid
           join pg_catalog.pg_am m on m.oid = c.relam and m.amname = 'btree'
           cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
           left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum and k.attnum <> 0
           where i.indrelid = to_regclass(?) and i.indisvalid and i.indpred is null and k.place <= i.indnkeyatts
           order by i.indexrelid, k.place`,
          [table],
        )
      : await rows<{ index: string; column: string | null }>(
          database,
          `select l.name as "index", c.name as "column" from pragma_index_list(?) l, pragma_index_info(l.name) c
           where l.partial = 0 order by l.name, c.seqno`,
          [table],
        );
  const columns = new Map<string, (string | null)[]>();
  for (const { index, column } of found) columns.set(index, [...(columns.get(index) ?? []), column]);
  return [...columns.values()].map((all) => {
    const end = all.indexOf(null);
    return (end === -1 ? all : all.slice(0, end)) as string[];
  });
}

/** Whether an index begins with these columns, so that they can be looked up by it. */
const serves = (index: readonly string[], columns: readonly string[]) => {
  const first = index.slice(0, columns.length);
  return first.length === columns.length && columns.every((column) => first.includes(column));
};

const columnsOf = ({ columns }: SourceSchema, table: Table) =>
  table === 'rounds' ? columns.rounds : table === 'lua_round_teams' ? columns.captures : columns.spawns;

/** The indexes that this source lacks; none is asked of a table or column that it does not have. */
export async function missingIndexes(database: Database, schema: SourceSchema): Promise<NeededIndex[]> {
  const missing: NeededIndex[] = [];
  for (const needed of neededIndexes) {
    const there = columnsOf(schema, needed.table);
    if (there === null || !needed.columns.every((column) => there.has(column))) continue;
    const indexes = await indexesOf(database, needed.table);
    if (!indexes.some((index) => serves(index, needed.columns))) missing.push(needed);
  }
  return missing;
}

/** Whether a table has more rows than so many. Reads no more of them than that. */
export async function hasMoreRows(database: Database, table: Table, than: number): Promise<boolean> {
  const query = database.knex(table).select('id').orderBy('id').offset(than).limit(1);
  return (await query).length > 0;
}

/** The statement that makes an index; on PostgreSQL without keeping the pipeline from writing meanwhile. */
export function createIndexText({ table, columns }: NeededIndex, dialect: Database['dialect']): string {
  // SQLite wants a name; ours says whose proposal it was.
  const name = `roundwarden_${table}_${columns.join('_')}`;
  const concurrently = dialect === 'postgres' ? 'CONCURRENTLY ' : '';
  return `CREATE INDEX ${concurrently}${name} ON ${table} (${columns.join(', ')});`;
}
