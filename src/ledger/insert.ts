import { chunks, type Database } from '../database.ts';
import { withPrepared } from '../database-prepared.ts';

/** A table that rows are inserted into: its columns with their types, and what becomes of a row that is there. */
export interface Target {
  table: string;
  columns: Readonly<Record<string, 'bigint' | 'integer' | 'text'>>;
  /** `on conflict ...`; without it such a row is an error. */
  conflict?: string;
}

/**
 * Inserts rows in the transaction of `database`: on SQLite by one prepared statement, run for each of them; on
 * PostgreSQL by one statement for 500, which is given one JSON document, because each value that is bound costs more
 * than what the document holds of it. The builder's statements for many rows take longer to make than to run.
 */
export async function insertRows<T extends object>(
  database: Database,
  target: Target,
  rows: readonly T[],
): Promise<void> {
  if (rows.length === 0) return;
  if (database.dialect === 'sqlite') return await insertEach(database, target, rows);
  for (const chunk of chunks(rows)) await database.knex.raw(fromDocument(target), [JSON.stringify(chunk)]);
}

function fromDocument({ table, columns, conflict = '' }: Target): string {
  const names = Object.keys(columns);
  const typed = names.map((name) => `${name} ${columns[name]}`);
  return `insert into ${table} (${names}) select ${names} from json_to_recordset(?) as given(${typed}) ${conflict}`;
}

function insertEach<T extends object>(
  database: Database,
  { table, columns, conflict = '' }: Target,
  rows: readonly T[],
): Promise<void> {
  const names = Object.keys(columns);
  const places = names.map(() => '?');
  return withPrepared(
    database,
    `insert into ${table} (${names}) values (${places}) ${conflict}`,
    ({ run }) => {
      for (const row of rows) run(names.map((name) => row[name as keyof T]));
    },
  );
}
