import type { Knex } from 'knex';
import { chunks, type Database } from '../database.ts';

/** Rows whose `column` is one of `values`. */
export interface WhereIn {
  table: string;
  columns: readonly string[];
  column: string;
  values: readonly (string | number)[];
  /** Lock them for writing (PostgreSQL, inside a transaction). */
  lock?: boolean;
}

/** All such rows, each once, in the order of their ids within a chunk. */
export async function rowsWhereIn(database: Database, query: WhereIn): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (const chunk of chunks([...new Set(query.values)])) {
    let select: Knex.QueryBuilder = database
      .knex(query.table)
      .select(query.columns as string[])
      .whereIn(query.column, chunk)
      .orderBy('id');
    if (query.lock && database.dialect === 'postgres') select = select.forUpdate();
    found.push(...(await select));
  }
  return found;
}
