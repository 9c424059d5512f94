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
 * Inserts rows in the transaction of `database`: on SQLite by one prepared statement, run for each of them; on
 * PostgreSQL by one statement for 500, because each statement is a way to the server and back.
 */
export async function insertRows<T extends object>(
  database: Database,
  target: Target,
  rows: readonly T[],
): Promise<void> {
  if (rows.length === 0) return;
  const lists = rows.map((row) => target.columns.map((name) => row[name as keyof T] ?? null));
  if (database.dialect === 'sqlite')
    return await withPrepared(database, inserting(target, 1), ({ run }) => {
      for (const list of lists) run(list);
    });
  for (const chunk of chunks(lists))
    await database.knex.raw(inserting(target, chunk.length), chunk.flat() as Knex.RawBinding[]);
}

function inserting({ table, columns, conflict = '' }: Target, count: number): string {
  const row = `(${columns.map(() => '?')})`;
  return `insert into ${table} (${columns}) values ${Array(count).fill(row)} ${conflict}`;
}
