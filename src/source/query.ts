import type { Knex } from 'knex';
import type { Database } from '../database.ts';

/** Rows whose `column` is one of `values`. */
export interface WhereIn {
  table: string;
  columns: readonly string[];
  column: string;
  values: readonly (string | number)[];
  /** Lock them for writing (PostgreSQL, inside a transaction). */
  lock?: boolean;
}

/** How many values one statement is given. */
const valuesAtOnce = 5_000;

/**
 * Rows whose column has one of some values, which are one binding however many they are: a statement with a place for each
 * takes longer to make and to prepare than to run.
 */
export function whereOneOf(
  { dialect }: Database,
  query: Knex.QueryBuilder,
  of: { column: string; values: readonly (string | number)[] },
): Knex.QueryBuilder {
  const { column, values } = of;
  return dialect === 'postgres'
    ? query.whereRaw('?? = any(?)', [column, values as string[]])
    : query.whereRaw('?? in (select value from json_each(?))', [column, JSON.stringify(values)]);
}

/** All such rows, each once, in the order of their ids within some thousand values. */
export async function rowsWhereIn(database: Database, query: WhereIn): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  const values = [...new Set(query.values)];
  for (let from = 0; from < values.length; from += valuesAtOnce) {
    const { table, columns, column } = query;
    const bare = database.knex(table).select(columns as string[]);
    const some = { column, values: values.slice(from, from + valuesAtOnce) };
    let select = whereOneOf(database, bare, some).orderBy('id');
    if (query.lock && database.dialect === 'postgres') select = select.forUpdate();
    for (const row of (await select) as Record<string, unknown>[]) found.push(row);
  }
  return found;
}
