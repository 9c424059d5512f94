import { type Database, rows } from '../database.ts';

/** Rows to join, given as columns of equal length. */
export interface Given {
  name: string;
  columns: Record<string, { type: 'text' | 'bigint'; values: readonly (string | number)[] }>;
  key: string;
}

/** Makes given rows a table to join: PostgreSQL takes arrays, SQLite a temporary table with a key. */
export async function givenTable(database: Database, { name, columns, key }: Given) {
  const names = Object.keys(columns);
  const values = Object.values(columns);
  if (database.dialect === 'postgres') {
    const arrays = values.map(({ type }) => `?::${type}[]`);
    return {
      table: `unnest(${arrays}) as ${name} (${names})`,
      bindings: values.map((column) => column.values),
    };
  }
  await rows(database, `drop table if exists temp.${name}`);
  const typed = names.map((column, at) => `${column} ${values[at]!.type === 'text' ? 'text' : 'integer'}`);
  await rows(database, `create temp table ${name} (${typed}, primary key (${key})) without rowid`);
  const records = (values[0]?.values ?? []).map((_, at) => values.map((column) => column.values[at]));
  const fields = names.map((_, at) => `json_extract(value, '$[${at}]')`);
  await rows(database, `insert into temp.${name} select ${fields} from json_each(?)`, [
    JSON.stringify(records),
  ]);
  return { table: `temp.${name} as ${name}`, bindings: [] };
}
