import type { Row } from '../core/model.ts';
import type { Table } from '../core/rows.ts';
import { chunks, type Database } from '../database.ts';
import { valueRows, withPrepared } from '../database-prepared.ts';
import { quoted, unasking } from './query.ts';
import { driverValue } from './rows.ts';

/** Rows of one table that are written or read together, with canonical values. */
export interface RowSet {
  table: Table;
  /** The columns that name a row. */
  keys: readonly string[];
  /** The columns that are written or read. */
  columns: readonly string[];
  /** With the keys, and with the columns where they are written. */
  rows: readonly Row[];
  /** Columns that are written with one value in all rows. */
  common?: Row;
}

const names = (all: readonly string[]) => all.map(quoted).join(', ');
const valuesOf = (row: Row, columns: readonly string[]) =>
  columns.map((column) => driverValue(column, row[column] ?? null, 'sqlite'));

/** The rows of a set as a table of its own that has the types of the real one, numbered from 1 (PostgreSQL). */
const given = ({ table }: RowSet) =>
  `json_populate_recordset(null::${quoted(table)}, ?) with ordinality as given`;

/**
 * Runs a statement that takes the rows of a set as one document, and gives each value the type of its column
 * (PostgreSQL).
 */
async function runGiven<T>(
  database: Database,
  set: RowSet,
  sql: (rows: string) => string,
  { asLists = false }: { asLists?: boolean } = {},
): Promise<T[]> {
  const [before, after] = sql('\0').split('\0');
  const statement = `${unasking(before!)}${given(set)}${unasking(after!)}`;
  const asked = database.knex.raw(statement, [JSON.stringify(withCommon(set))]);
  const { rows } = await (asLists ? asked.options({ rowMode: 'array' }) : asked);
  return rows as T[];
}

const withCommon = ({ rows, common }: RowSet): readonly Row[] =>
  common === undefined ? rows : rows.map((row) => ({ ...row, ...common }));

/** Runs a statement for each row of a set (SQLite); how many rows each run changed. */
function runEach(
  database: Database,
  set: RowSet,
  { sql, columns, more = [] }: { sql: string; columns: readonly string[]; more?: readonly unknown[] },
): Promise<number[]> {
  return withPrepared(database, sql, ({ run }) =>
    set.rows.map((row) => run([...valuesOf(row, columns), ...more])),
  );
}

const matching = ({ table, keys }: RowSet) =>
  keys.map((key) => `${quoted(table)}.${quoted(key)} = given.${quoted(key)}`).join(' and ');

/** How often each row of a set was met by a statement that returns their numbers. */
function countsOf(set: RowSet, met: readonly { ordinality: number }[]): number[] {
  const counts = set.rows.map(() => 0);
  for (const { ordinality } of met) counts[ordinality - 1]!++;
  return counts;
}

/** Inserts rows in their order. */
export async function insertRows(database: Database, set: RowSet): Promise<void> {
  const { table, columns, common = {} } = set;
  const own = columns.filter((column) => !Object.hasOwn(common, column));
  const all = [...own, ...Object.keys(common)];
  const into = `insert into ${quoted(table)} (${names(all)})`;
  if (database.dialect === 'postgres')
    await runGiven(database, set, (from) => `${into} select ${names(all)} from ${from}`);
  else {
    const sql = `${into} values (${all.map(() => '?').join(', ')})`;
    await runEach(database, set, { sql, columns: own, more: valuesOf(common, Object.keys(common)) });
  }
}

/** Updates rows by their keys; how many each key named. */
export async function updateRows(database: Database, set: RowSet): Promise<number[]> {
  const { table, keys, columns } = set;
  if (database.dialect === 'postgres') {
    const values = columns.map((column) => `${quoted(column)} = given.${quoted(column)}`).join(', ');
    const met = await runGiven<{ ordinality: number }>(
      database,
      set,
      (from) =>
        `update ${quoted(table)} set ${values} from ${from} where ${matching(set)} returning given.ordinality`,
    );
    return countsOf(set, met);
  }
  const values = columns.map((column) => `${quoted(column)} = ?`).join(', ');
  const sql = `update ${quoted(table)} set ${values} where ${ofKey(keys)}`;
  return runEach(database, set, { sql, columns: [...columns, ...keys] });
}

/** Deletes rows by their keys; how many each key named. */
export async function deleteRows(database: Database, set: RowSet): Promise<number[]> {
  const { table, keys } = set;
  if (database.dialect === 'postgres') {
    const met = await runGiven<{ ordinality: number }>(
      database,
      set,
      (from) =>
        `delete from ${quoted(table)} using ${from} where ${matching(set)} returning given.ordinality`,
    );
    return countsOf(set, met);
  }
  return runEach(database, set, { sql: `delete from ${quoted(table)} where ${ofKey(keys)}`, columns: keys });
}

const ofKey = (keys: readonly string[]) => keys.map((key) => `${quoted(key)} = ?`).join(' and ');

/** The rows that stand under one key: of each the values of the columns that were asked for. */
type Found = unknown[][];

/** What stands under each key, in the order of the keys; with `lock` it is locked in that order (PostgreSQL). */
export async function readRows(
  database: Database,
  set: RowSet,
  options: { lock: boolean },
): Promise<Found[]> {
  const { table, columns } = set;
  const asked = [...columns.map((column) => `${quoted(table)}.${quoted(column)}`), 'given.ordinality'];
  const met =
    database.dialect === 'sqlite'
      ? await readValued(database, set, asked)
      : await readGiven(database, set, { asked, lock: options.lock });
  const found: Found[] = set.rows.map(() => []);
  for (const values of met) found[(values.pop() as number) - 1]!.push(values);
  return found;
}

/** So many keys are asked for by one run of a statement; more take longer to prepare than they save (SQLite). */
const keysAtOnce = 50;

/** By a statement that holds many keys: a run for each of them takes twice as long (SQLite). */
async function readValued(database: Database, set: RowSet, asked: readonly string[]): Promise<unknown[][]> {
  const { table, keys, rows } = set;
  const places = `(${['?', ...keys.map(() => '?')].join(', ')})`;
  const ask = (count: number) =>
    `with given (ordinality, ${names(keys)}) as (values ${Array(count).fill(places).join(', ')})
     select ${asked.join(', ')} from given cross join ${quoted(table)} on ${matching(set)}`;
  const found: unknown[][] = [];
  for (const [nth, piece] of chunks(rows, keysAtOnce).entries()) {
    const before = nth * keysAtOnce;
    const bound = piece.flatMap((row, at) => [before + at + 1, ...valuesOf(row, keys)]);
    for (const row of await valueRows(database, ask(piece.length), bound)) found.push(row);
  }
  return found;
}

function readGiven(
  database: Database,
  set: RowSet,
  { asked, lock }: { asked: readonly string[]; lock: boolean },
): Promise<unknown[][]> {
  const table = quoted(set.table);
  const order = lock ? ` order by given.ordinality for update of ${table}` : '';
  const sql = (from: string) =>
    `select ${asked.join(', ')} from ${from} join ${table} on ${matching(set)}${order}`;
  return runGiven(database, set, sql, { asLists: true });
}
