import { sameJson } from '../core/canonical.ts';
import type { Json, Row } from '../core/model.ts';
import { Refused } from '../core/refusal.ts';
import { changedColumns, type RowChange, rowName } from '../core/row-change.ts';
import { hashedPart, type Table, unhashedColumns } from '../core/rows.ts';
import { chunks, type Database } from '../database.ts';
import { deleteRows, insertRows, type RowSet, readRows, updateRows } from './row-sets.ts';
import { isValue, toRow } from './rows.ts';
import type { SourceSchema } from './schema.ts';

const notAsPlanned = (because: string) => new Refused('not_as_planned', because);

/** Some changes with the columns that are to be written, or read, of each. */
type Listed = readonly { change: RowChange; columns: readonly string[] }[];

/** Changes that one statement can make: of one table, with the same keys and columns, in their order; with their places. */
interface Alike {
  table: Table;
  keys: readonly string[];
  columns: readonly string[];
  changes: RowChange[];
  places: number[];
}

function alike(listed: Listed): Alike[] {
  const sets: Alike[] = [];
  listed.forEach(({ change, columns }, place) => {
    const { table } = change;
    const keys = Object.keys(change.key);
    const isOne = (set: Alike) =>
      set.table === table && sameNames(set.columns, columns) && sameNames(set.keys, keys);
    const known = sets.find(isOne);
    if (known !== undefined) {
      known.changes.push(change);
      known.places.push(place);
    } else sets.push({ table, keys, columns, changes: [change], places: [place] });
  });
  return sets.flatMap(inChunks);
}

const sameNames = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((name, at) => name === other[at]);

function inChunks({ changes, places, ...about }: Alike): Alike[] {
  const placesOf = chunks(places);
  return chunks(changes).map((chunk, at) => ({ ...about, changes: chunk, places: placesOf[at]! }));
}

const rowColumns = (change: RowChange) => Object.keys(change.after ?? change.before ?? {});

/** What stands under the key of a change: the values of some columns, or null where nothing does. */
interface Standing {
  columns: readonly string[];
  values: readonly unknown[] | null;
}

async function readStanding(
  database: Database,
  changes: readonly RowChange[],
  options: { lock: boolean },
): Promise<Standing[]> {
  const standing: Standing[] = [];
  for (const one of alike(changes.map((change) => ({ change, columns: rowColumns(change) })))) {
    const { table, keys, columns, places } = one;
    const set: RowSet = { table, keys, columns, rows: one.changes.map(({ key }) => key) };
    for (const [at, found] of (await readRows(database, set, options)).entries()) {
      if (found.length > 1)
        throw new Error(`${table} has ${found.length} rows for ${JSON.stringify(one.changes[at]!.key)}`);
      standing[places[at]!] = { columns, values: found[0] ?? null };
    }
  }
  return standing;
}

/** The present state of the rows that some changes speak of. */
export async function readChangedRows(
  database: Database,
  changes: readonly RowChange[],
  options: { lock: boolean },
): Promise<(Row | null)[]> {
  const standing = await readStanding(database, changes, options);
  return standing.map(({ columns, values }) => {
    if (values === null) return null;
    const raw = Object.fromEntries(columns.map((column, at) => [column, values[at]]));
    return hashedPart(toRow(raw));
  });
}

/** Whether a row stands as it was to be written: what `sameRow` says of it, without making it. */
function standsAs({ columns, values }: Standing, after: Row | null): boolean {
  if (values === null || after === null) return values === null && after === null;
  return columns.every(
    (column, at) => !unhashedColumns.has(column) && isValue(column, values[at], after[column]!),
  );
}

export function sameRow(one: Row | null, other: Row | null): boolean {
  return sameJson(one as Json, other as Json);
}

function assertOneEach(counts: readonly number[], what: string): void {
  const wrong = counts.find((count) => count !== 1);
  if (wrong !== undefined) throw notAsPlanned(`${what} touched ${wrong} rows instead of one`);
}

/** The columns of a table that are unique on their own: cleared in all rows first, then set. */
const uniqueColumn: Partial<Record<Table, string>> = {
  lua_round_teams: 'round_id',
  rounds: 'round_canonical_id',
};

async function clearUnique(database: Database, updates: Listed): Promise<void> {
  const clearing = updates.flatMap(({ change, columns }) => {
    const column = uniqueColumn[change.table];
    if (column === undefined || change.before![column] == null || !columns.includes(column)) return [];
    return [{ change, columns: [column] }];
  });
  for (const { table, keys, columns, changes } of alike(clearing)) {
    const cleared = changes.map(({ key }) => ({ ...key, [columns[0]!]: null }));
    const counts = await updateRows(database, { table, keys, columns, rows: cleared });
    assertOneEach(counts, `clearing ${table}`);
  }
}

async function removeRows(database: Database, removed: Listed): Promise<void> {
  for (const { table, keys, columns, changes } of alike(removed)) {
    const counts = await deleteRows(database, { table, keys, columns, rows: changes.map(({ key }) => key) });
    assertOneEach(counts, `deleting from ${table}`);
  }
}

/** Which tables say when a row was stored. */
function stampedTables(columns: SourceSchema['columns']): Record<Table, boolean> {
  return {
    rounds: false,
    lua_round_teams: columns.captures.has('captured_at'),
    lua_spawn_stats: columns.spawns?.has('captured_at') ?? false,
  };
}

/** Changes of rows, and the `captured_at` of those among them that are inserted. */
export interface StampedChanges {
  changes: readonly RowChange[];
  capturedAt: string;
}

async function addRows(
  database: Database,
  of: readonly StampedChanges[],
  columns: SourceSchema['columns'],
): Promise<void> {
  const stamped = stampedTables(columns);
  for (const [capturedAt, inserted] of insertedAt(of))
    for (const { table, keys, columns: own, changes } of alike(inserted)) {
      const common = stamped[table] ? { captured_at: capturedAt } : undefined;
      const rows = changes.map(({ after }) => after!);
      await insertRows(database, { table, keys, columns: own, rows, common });
    }
}

/** The changes that insert rows, by their `captured_at`: one batch has one. */
function insertedAt(of: readonly StampedChanges[]): Map<string, { change: RowChange; columns: string[] }[]> {
  const byStamp = new Map<string, { change: RowChange; columns: string[] }[]>();
  for (const { changes, capturedAt } of of) {
    const inserted = byStamp.get(capturedAt) ?? [];
    byStamp.set(capturedAt, inserted);
    for (const change of changes)
      if (change.before === null && change.after !== null)
        inserted.push({ change, columns: rowColumns(change) });
  }
  return byStamp;
}

async function setRows(database: Database, updates: Listed): Promise<void> {
  for (const { table, keys, columns, changes } of alike(updates)) {
    const rows = changes.map(({ key, after }) => {
      const row: Row = {};
      for (const column of columns) row[column] = after![column] ?? null;
      return Object.assign(row, key);
    });
    assertOneEach(await updateRows(database, { table, keys, columns, rows }), `updating ${table}`);
  }
}

/**
 * Writes row changes, those of many repairs in a few statements: links are cleared first, then set, so that a unique
 * column never meets itself half-way. Every key has to name exactly one row, and what was written is read back.
 */
export async function writeChanges(
  database: Database,
  of: readonly StampedChanges[],
  columns: SourceSchema['columns'],
): Promise<void> {
  const changes = of.flatMap((one) => one.changes);
  const updates = changes
    .filter(({ before, after }) => before !== null && after !== null)
    .map((change) => ({ change, columns: changedColumns(change) }))
    .filter(({ columns: changed }) => changed.length > 0);
  await clearUnique(database, updates);
  const removed = changes.filter(({ after }) => after === null);
  await removeRows(
    database,
    removed.map((change) => ({ change, columns: [] })),
  );
  await addRows(database, of, columns);
  await setRows(database, updates);
  const standing = await readStanding(database, changes, { lock: false });
  changes.forEach((change, at) => {
    if (!standsAs(standing[at]!, change.after))
      throw notAsPlanned(`${rowName(change)} does not read back as it was written`);
  });
}
