import { canonicalJson } from '../core/canonical.ts';
import type { Json, Row } from '../core/model.ts';
import { Refused } from '../core/refusal.ts';
import { changedColumns, type RowChange, rowName } from '../core/row-change.ts';
import { hashedPart, type Table } from '../core/rows.ts';
import type { Database } from '../database.ts';
import { fromRow, toRow } from './rows.ts';
import type { SourceSchema } from './schema.ts';

const notAsPlanned = (because: string) => new Refused('not_as_planned', because);

function where(change: RowChange): Record<string, string | number> {
  return change.key as Record<string, string | number>;
}

async function readByKey(database: Database, change: RowChange, lock: boolean): Promise<Row | null> {
  const columns = Object.keys(change.after ?? change.before ?? {});
  let select = database.knex(change.table).select(columns).where(where(change));
  if (lock && database.dialect === 'postgres') select = select.forUpdate();
  const found = await select;
  if (found.length > 1)
    throw new Error(`${change.table} has ${found.length} rows for ${JSON.stringify(change.key)}`);
  return found.length === 0 ? null : hashedPart(toRow(found[0]));
}

/** The present state of the rows that some changes speak of. */
export async function readChangedRows(
  database: Database,
  changes: readonly RowChange[],
  options: { lock: boolean },
): Promise<(Row | null)[]> {
  const present: (Row | null)[] = [];
  for (const change of changes) present.push(await readByKey(database, change, options.lock));
  return present;
}

export function sameRow(one: Row | null, other: Row | null): boolean {
  return canonicalJson(one as Json) === canonicalJson(other as Json);
}

async function exactlyOne(count: number | Promise<number>, what: string): Promise<void> {
  const changed = await count;
  if (changed !== 1) throw notAsPlanned(`${what} touched ${changed} rows instead of one`);
}

/** The columns of a table that are unique on their own: cleared in all rows first, then set. */
const uniqueColumn: Partial<Record<Table, string>> = {
  lua_round_teams: 'round_id',
  rounds: 'round_canonical_id',
};

async function clearUnique(database: Database, change: RowChange): Promise<void> {
  const column = uniqueColumn[change.table];
  if (column === undefined || change.before === null || change.after === null) return;
  if (change.before[column] == null || !changedColumns(change).includes(column)) return;
  await exactlyOne(
    database
      .knex(change.table)
      .where(where(change))
      .update({ [column]: null }),
    `clearing ${change.table}`,
  );
}

/** Writes row changes: links are cleared first, then set, so that a unique column never meets itself half-way. */
export async function writeChanges(
  database: Database,
  changes: readonly RowChange[],
  options: { capturedAt: string; columns: SourceSchema['columns'] },
): Promise<void> {
  for (const change of changes) await clearUnique(database, change);
  for (const change of changes.filter(({ after }) => after === null))
    await exactlyOne(
      database.knex(change.table).where(where(change)).delete(),
      `deleting from ${change.table}`,
    );
  const stamped: Record<Table, boolean> = {
    rounds: false,
    lua_round_teams: options.columns.captures.has('captured_at'),
    lua_spawn_stats: options.columns.spawns?.has('captured_at') ?? false,
  };
  for (const change of changes) {
    if (change.after === null) continue;
    const row = fromRow(change.after, database.dialect);
    if (change.before === null) {
      const stamp = stamped[change.table] ? { captured_at: options.capturedAt } : {};
      await database.knex(change.table).insert({ ...row, ...stamp });
    } else {
      const columns = changedColumns(change);
      const update = Object.fromEntries(columns.map((column) => [column, row[column]]));
      await exactlyOne(
        database.knex(change.table).where(where(change)).update(update),
        `updating ${change.table}`,
      );
    }
  }
  const written = await readChangedRows(database, changes, { lock: false });
  changes.forEach((change, at) => {
    if (!sameRow(written[at]!, change.after))
      throw notAsPlanned(`${rowName(change)} does not read back as it was written`);
  });
}
