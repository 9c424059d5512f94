import type { Round, Row, Timing } from './model.ts';
import type { SourceColumns, Table } from './rows.ts';

/** One row before and after a repair. A row that did not exist, or will not, is null. */
export interface RowChange {
  after: Row | null;
  before: Row | null;
  /** The columns that identify the row: never a generated id, but for `rounds`. */
  key: Row;
  table: Table;
}

/** A stored capture: what the rules read of it, and the whole row. */
export interface StoredCapture {
  id: number;
  matchId: string;
  number: number;
  map: string | null;
  timing: Timing;
  roundId: number | null;
  row: Row;
}

/** The rows that bear on one repair group, read at one moment. */
export interface ChangeFacts {
  rounds: ReadonlyMap<number, { round: Round; canonicalId: string | null }>;
  captures: readonly StoredCapture[];
  spawns: readonly {
    matchId: string;
    number: number;
    map: string | null;
    guid: string;
    roundId: number | null;
    row: Row;
  }[];
  /** Of all round ids that captures and spawn rows mention, those that exist. */
  existingRounds: ReadonlySet<number>;
  /** Who has a canonical id, of those that this repair would set. */
  canonicalHolders: ReadonlyMap<string, number>;
  columns: SourceColumns;
  zone: string;
}

/** The changes that undo these. */
export function invert(changes: readonly RowChange[]): RowChange[] {
  return changes.map((change) => ({ ...change, before: change.after, after: change.before })).reverse();
}

/** One name for the row of a change. */
export function rowName(change: RowChange): string {
  return `${change.table} ${JSON.stringify(change.key)}`;
}

/** The columns in which a change differs from what was there. */
export function changedColumns(change: RowChange): string[] {
  const columns = Object.keys(change.after ?? change.before ?? {});
  return columns.filter((column) => {
    const [before, after] = [change.before?.[column] ?? null, change.after?.[column] ?? null];
    return before !== after && JSON.stringify(before) !== JSON.stringify(after);
  });
}
