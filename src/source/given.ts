import type { Reader } from '../database.ts';

/** Rows to join, given as columns of equal length. */
export interface Given {
  name: string;
  columns: Record<string, { type: 'text' | 'bigint'; values: readonly (string | number)[] }>;
  key: string;
}

/** Given rows as a table, and what its place in a statement is bound to. */
export interface GivenTable {
  /** To be joined. */
  table: string;
  /** For a query within an expression, which looks one row up and is worked out for few. */
  lookup: string;
  bindings: readonly unknown[];
}

/** An array as PostgreSQL reads it: spelled once, where the driver would spell it for each statement. */
const arrayLiteral = (values: readonly (string | number)[]) =>
  `{${values.map((value) => `"${String(value).replace(/["\\]/g, '\\$&')}"`).join(',')}}`;

/**
 * Makes given rows a table: SQLite takes a temporary one with a key; PostgreSQL takes arrays, and to be joined grouped by the
 * key, so that it knows that no row meets two of them.
 */
export async function givenTable(reader: Reader, { name, columns, key }: Given): Promise<GivenTable> {
  const names = Object.keys(columns);
  const values = Object.values(columns);
  if (reader.dialect === 'postgres') {
    const arrays = values.map(({ type }) => `?::${type}[]`);
    const keys = key.split(', ');
    const grouped = names.map((column) => (keys.includes(column) ? column : `min(${column}) as ${column}`));
    const unnested = `unnest(${arrays}) as`;
    const given = `select ${grouped} from ${unnested} given (${names}) group by ${key}`;
    return {
      ...{ table: `(${given}) as ${name}`, lookup: `${unnested} ${name} (${names})` },
      bindings: values.map((column) => arrayLiteral(column.values)),
    };
  }
  await reader.rows(`drop table if exists temp.${name}`);
  const typed = names.map((column, at) => `${column} ${values[at]!.type === 'text' ? 'text' : 'integer'}`);
  await reader.rows(`create temp table ${name} (${typed}, primary key (${key})) without rowid`);
  const records = (values[0]?.values ?? []).map((_, at) => values.map((column) => column.values[at]));
  const fields = names.map((_, at) => `json_extract(value, '$[${at}]')`);
  await reader.rows(`insert into temp.${name} select ${fields} from json_each(?)`, [JSON.stringify(records)]);
  const table = `temp.${name} as ${name}`;
  return { table, lookup: table, bindings: [] };
}
