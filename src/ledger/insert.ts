import type { Knex } from 'knex';
import { chunks, type Database } from '../database.ts';
import { withPrepared } from '../database-prepared.ts';

/** A table that rows are inserted into, with the columns that they have. */
export interface Target {
  table: string;
  columns: readonly string[];
  /** `on conflict ...`; without it such a row is an error. */
  conflict?: string;
}

/**
 * Inserts the rows of some items in the transaction of `database`: on SQLite by one prepared statement, run for each of
 * them; on PostgreSQL by one statement for 500, because each statement is a way to the server and back. A row is made when
 * it is due: many that wait for each other outlive what they are made of.
 */
export async function insertRows<T>(
  database: Database,
  target: Target,
  { items, rowOf }: { items: readonly T[]; rowOf: (item: T) => object },
): Promise<void> {
  if (items.length === 0) return;
  const valuesOf = (item: T) => {
    const row = rowOf(item) as { readonly [column: string]: unknown };
    return target.columns.map((column) => row[column] ?? null);
  };
  if (database.dialect === 'sqlite')
    return await withPrepared(database, inserting(target, 1), ({ run }) => {
      for (const item of items) run(valuesOf(item));
    });
  for (const chunk of chunks(items))
    await database.knex.raw(inserting(target, chunk.length), chunk.flatMap(valuesOf) as Knex.RawBinding[]);
}

function inserting({ table, columns, conflict = '' }: Target, count: number): string {
  const row = `(${columns.map(() => '?')})`;
  return `insert into ${table} (${columns}) values ${Array(count).fill(row)} ${conflict}`;
}
