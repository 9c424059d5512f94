import type { Row } from '../core/model.ts';
import type { Database } from '../database.ts';
import { rowsWhereIn } from './query.ts';
import { toRow } from './rows.ts';
import type { SourceSchema } from './schema.ts';

/** Which rows a triage packet shows: those around one round. */
export interface Nearby {
  roundIds: readonly number[];
  /** Of `rounds`: a pair and its summary share it. */
  matchId: string | null;
  captureIds: readonly number[];
  /** Spawn rows are found by their capture's key, and by their end: some have no capture. */
  captureMatchIds: readonly string[];
  ends: { fromUnix: number; toUnix: number };
}

/** The rows around one round, whole, in the order of their ids. */
export interface NearbyRows {
  rounds: Row[];
  captures: Row[];
  spawns: Row[];
}

const inOrder = (rows: readonly Record<string, unknown>[]): Row[] => {
  const once = new Map(rows.map((row) => [Number(row.id), toRow(row)]));
  return [...once].sort((a, b) => a[0] - b[0]).map(([, row]) => row);
};

async function spawnsNear(database: Database, schema: SourceSchema, of: Nearby) {
  if (schema.columns.spawns === null) return [];
  const columns = [...schema.columns.spawns];
  const table = 'lua_spawn_stats';
  const byKey = await rowsWhereIn(database, {
    table,
    columns,
    column: 'match_id',
    values: of.captureMatchIds,
  });
  const byEnd: Record<string, unknown>[] = await database
    .knex(table)
    .select(columns)
    .whereBetween('round_end_unix', [of.ends.fromUnix, of.ends.toUnix])
    .orderBy('id')
    .limit(500);
  return [...byKey, ...byEnd];
}

/** Reads the rows around one round, with every column that this source has. */
export async function readNearby(database: Database, schema: SourceSchema, of: Nearby): Promise<NearbyRows> {
  const rounds = { table: 'rounds', columns: [...schema.columns.rounds] };
  const pair = of.matchId === null ? [] : [of.matchId];
  return {
    rounds: inOrder([
      ...(await rowsWhereIn(database, { ...rounds, column: 'id', values: of.roundIds })),
      ...(await rowsWhereIn(database, { ...rounds, column: 'match_id', values: pair })),
    ]),
    captures: inOrder(
      await rowsWhereIn(database, {
        table: 'lua_round_teams',
        columns: [...schema.columns.captures],
        column: 'id',
        values: of.captureIds,
      }),
    ),
    spawns: inOrder(await spawnsNear(database, schema, of)),
  };
}
