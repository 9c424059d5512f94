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
 * Rows that one statement writes, one after the other or many at once. Each is made when it is due: many that wait for each
 * other outlive what they are made of.
 */
export interface TableWrite {
  /** The statement for so many rows; it binds `?`. */
  sql: (count: number) => string;
  count: number;
  /** What is bound for one of them. */
  valuesAt: (at: number) => unknown[];
}

/** The statement that inserts so many rows. */
export function insertSql({ table, columns, conflict = '' }: Target, count: number): string {
  const places = `(${columns.map(() => '?')})`;
  return `insert into ${table} (${columns}) values ${Array(count).fill(places)} ${conflict}`;
}

/** Inserts the rows of some items. */
export function inserting<T>(
  target: Target,
  { items, rowOf }: { items: readonly T[]; rowOf: (item: T) => object },
): TableWrite {
  const { columns } = target;
  return {
    sql: (count) => insertSql(target, count),
    count: items.length,
    valuesAt(at) {
      const row = rowOf(items[at]!) as { readonly [column: string]: unknown };
      return columns.map((column) => row[column] ?? null);
    },
  };
}

/** Deletes the rows whose column has one of some values. */
export function deleting(table: string, column: string, values: readonly number[]): TableWrite {
  return {
    sql: (count) => `delete from ${table} where ${column} in (${Array(count).fill('?')})`,
    count: values.length,
    valuesAt: (at) => [values[at]],
  };
}

/** The rows of a write, so many at a time: as many as one statement can bind, where nothing is said. */
export function* rowsInParts({ count, valuesAt }: TableWrite, size?: number): Generator<unknown[][]> {
  for (const places of chunks([...Array(count).keys()], size)) yield places.map(valuesAt);
}

/**
 * Writes in the transaction of `database`: on SQLite by one prepared statement, run for each row; on PostgreSQL by one
 * statement for 500, because each statement is a way to the server and back.
 */
export async function writeRows(database: Database, write: TableWrite): Promise<void> {
  const { sql, count, valuesAt } = write;
  if (count === 0) return;
  if (database.dialect === 'sqlite')
    return await withPrepared(database, sql(1), ({ run }) => {
      for (let at = 0; at < count; at++) run(valuesAt(at));
    });
  for (const some of rowsInParts(write))
    await database.knex.raw(sql(some.length), some.flat() as Knex.RawBinding[]);
}
