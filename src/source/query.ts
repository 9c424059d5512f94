import type { Knex } from 'knex';
import { type Database, oneOf, rows } from '../database.ts';
import { withPrepared } from '../database-prepared.ts';

/** Rows whose `column` is one of `values`. */
export interface WhereIn {
  table: string;
  columns: readonly string[];
  column: string;
  values: readonly (string | number)[];
  /** Lock them for writing (PostgreSQL, inside a transaction). */
  lock?: boolean;
}

/** Ids are PostgreSQL's 4-byte integers. */
export const lowestId = -(2 ** 31);
/** So many rows are in one answer at most. */
export const pageSize = 5_000;

type RawRow = Record<string, unknown>;

/** A name as it stands in a statement. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** A part of a statement in which a question mark is none that asks for a value. */
export const unasking = (sql: string) => sql.replaceAll('?', '\\?');

/** A row by the names of its columns. */
function named(columns: readonly string[], values: readonly unknown[]): RawRow {
  const row: RawRow = {};
  for (let at = 0; at < columns.length; at++) row[columns[at]!] = values[at];
  return row;
}

/** All such rows, each once, in the order of their ids within some thousand values. */
export async function rowsWhereIn(database: Database, query: WhereIn): Promise<RawRow[]> {
  const { table, columns, column } = query;
  const select = `select ${columns.map(quoted).join(', ')} from ${quoted(table)} where ${quoted(column)}`;
  const found: RawRow[] = [];
  const values = [...new Set(query.values)];
  for (let from = 0; from < values.length; from += pageSize) {
    const { condition, binding } = oneOf(database, values.slice(from, from + pageSize));
    const where = `${condition} order by "id"`;
    if (database.dialect === 'postgres') {
      const sql = `${unasking(select)} ${where}${query.lock ? ' for update' : ''}`;
      for (const row of await rows<RawRow>(database, sql, [binding])) found.push(row);
    } else {
      const sql = `${select} ${where}`;
      const lists = await withPrepared(database, sql, ({ all }) => all([binding]));
      for (const list of lists) found.push(named(columns, list));
    }
  }
  return found;
}

/** All rows of a query with a higher id than one, read in pages by id, so that no answer is larger than a page. */
export async function allById(
  query: (afterId: number) => Knex.QueryBuilder,
  aboveId = lowestId,
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (let afterId = aboveId; ; ) {
    const page: Record<string, unknown>[] = await query(afterId).orderBy('id').limit(pageSize);
    found.push(...page);
    if (page.length < pageSize) return found;
    afterId = Number(page.at(-1)!.id);
  }
}

/**
 * All rows of a range that an index leads to: their ids first, because a database that is asked for pages in the order of
 * ids may go through all of them.
 */
export async function allInRange(
  database: Database,
  of: { table: string; columns: readonly string[] },
  range: (query: Knex.QueryBuilder) => Knex.QueryBuilder,
): Promise<Record<string, unknown>[]> {
  const found: { id: unknown }[] = await range(database.knex(of.table).select('id'));
  const values = found.map(({ id }) => Number(id)).sort((a, b) => a - b);
  return rowsWhereIn(database, { ...of, column: 'id', values });
}

/** Those of some columns that a table has. */
export const existing = (columns: readonly string[], there: ReadonlySet<string>) =>
  columns.filter((column) => there.has(column));
