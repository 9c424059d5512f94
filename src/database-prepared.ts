import type { Knex } from 'knex';
import { type Database, told } from './database.ts';

/** A statement of SQLite that was prepared once. */
export interface Prepared {
  /** Runs it; how many rows it changed. */
  run(bindings: readonly unknown[]): number;
  /** Runs it; the rows that it found, as the values of their columns: the driver takes twice as long to name them. */
  all(bindings: readonly unknown[]): unknown[][];
}

interface BareStatement {
  reader: boolean;
  raw(): unknown;
  run(...bindings: unknown[]): { changes: number };
  all(...bindings: unknown[]): unknown[][];
}

type BareConnection = { prepare(sql: string): BareStatement };

/** The statements of a connection by their text: to prepare one that holds hundreds of values costs what running it does. */
const preparedOn = new WeakMap<BareConnection, Map<string, BareStatement>>();
const mostPrepared = 64;

function prepared(connection: BareConnection, sql: string): BareStatement {
  const statements = preparedOn.get(connection) ?? new Map<string, BareStatement>();
  preparedOn.set(connection, statements);
  const known = statements.get(sql);
  if (known !== undefined) return known;
  const statement = connection.prepare(sql);
  if (statement.reader) statement.raw();
  if (statements.size >= mostPrepared) statements.clear();
  statements.set(sql, statement);
  return statement;
}

/**
 * Prepares a statement on the connection of an SQLite database, within the transaction that it is in, and lets `work`
 * run it many times: through knex each run costs ten times as much. Faults are told as those of other statements.
 */
export async function withPrepared<T>(
  database: Database,
  sql: string,
  work: (prepared: Prepared) => T,
): Promise<T> {
  const { client } = database.knex;
  const connection: BareConnection = await client.acquireConnection();
  try {
    const statement = prepared(connection, sql);
    return work({
      run: (bindings) => statement.run(...bindings).changes,
      all: (bindings) => statement.all(...bindings),
    });
  } catch (thrown) {
    throw told(thrown, database.label);
  } finally {
    await client.releaseConnection(connection);
  }
}

/**
 * The rows of a statement, each as a list of its values in the order in which the statement names them: what is read by
 * the million costs a third less so.
 */
export async function valueRows(
  database: Database,
  sql: string,
  bindings: readonly unknown[] = [],
): Promise<unknown[][]> {
  if (database.dialect === 'sqlite') return await withPrepared(database, sql, ({ all }) => all(bindings));
  const query = database.knex.raw(sql, bindings as Knex.RawBinding[]);
  return (await query.options({ rowMode: 'array' })).rows;
}
