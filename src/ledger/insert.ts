import type { Knex } from 'knex';
import { chunks, type Database } from '../database.ts';

/** A table that rows are inserted into: its columns with their types, and what becomes of a row that is there. */
export interface Target {
  table: string;
  columns: Readonly<Record<string, 'bigint' | 'integer' | 'text'>>;
  /** `on conflict ...`; without it such a row is an error. */
  conflict?: string;
}

/**
 * Inserts rows by few statements that cost little to make: a query builder takes longer for them than the database.
 * SQLite is given every value, at most 500 rows at once; PostgreSQL one JSON document, because it plans a statement
 * anew for thousands of values.
 */
export async function insertRows<T extends object>(
  database: Database,
  target: Target,
  rows: readonly T[],
): Promise<void> {
  const names = Object.keys(target.columns);
  for (const chunk of chunks(rows))
    if (database.dialect === 'postgres')
      await database.knex.raw(fromDocument(target, names), [JSON.stringify(chunk)]);
    else await database.knex.raw(fromValues(target, names, chunk.length), valuesOf(names, chunk));
}

function fromDocument({ table, columns, conflict = '' }: Target, names: readonly string[]): string {
  const typed = names.map((name) => `${name} ${columns[name]}`);
  return `insert into ${table} (${names}) select ${names} from json_to_recordset(?) as given(${typed}) ${conflict}`;
}

function fromValues({ table, conflict = '' }: Target, names: readonly string[], count: number): string {
  const row = `(${names.map(() => '?')})`;
  return `insert into ${table} (${names}) values ${new Array(count).fill(row)} ${conflict}`;
}

function valuesOf<T extends object>(names: readonly string[], rows: readonly T[]): Knex.RawBinding[] {
  const values: Knex.RawBinding[] = [];
  for (const row of rows) for (const name of names) values.push(row[name as keyof T] as Knex.RawBinding);
  return values;
}
