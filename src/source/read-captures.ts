import type { Capture } from '../core/model.ts';
import { spawnKey } from '../core/situation.ts';
import { type Database, oneOf, rows } from '../database.ts';
import { allById, existing, lowestId, pageSize, rowsWhereIn } from './query.ts';
import type { DayRange } from './read.ts';
import { captureColumns, readInteger, toCapture } from './rows.ts';
import type { SourceSchema } from './schema.ts';

/** Instants, unix seconds, both included; null leaves that side open. */
export interface EndRange {
  fromUnix: number | null;
  toUnix: number | null;
}

/** The captures with an end in the range, or a key in it (local text): asked one after the other, each by its index. */
export async function readCaptures(
  database: Database,
  schema: SourceSchema,
  of: { ends: EndRange; matchIds: DayRange },
): Promise<Capture[]> {
  const columns = existing(captureColumns, schema.columns.captures);
  const { fromUnix, toUnix } = of.ends;
  const { since, until } = of.matchIds;
  const table = 'lua_round_teams';
  if (fromUnix === null && toUnix === null) {
    const raw = await allById((afterId) => database.knex(table).select(columns).where('id', '>', afterId));
    return raw.map(toCapture);
  }
  const byEnd = database.knex(table).select('id');
  if (fromUnix !== null) byEnd.where('round_end_unix', '>=', fromUnix);
  if (toUnix !== null) byEnd.where('round_end_unix', '<=', toUnix);
  const byKey = database.knex(table).select('id');
  if (since !== null) byKey.where('match_id', '>=', since);
  if (until !== null) byKey.where('match_id', '<=', `${until}~`);
  const ids: { id: unknown }[] = [...(await byEnd), ...(await byKey)];
  const values = ids.map(({ id }) => Number(id));
  return (await rowsWhereIn(database, { table, columns, column: 'id', values })).map(toCapture);
}

/** The captures with an end in a range, unix seconds, both ends included. */
export async function readCapturesByEnd(
  database: Database,
  schema: SourceSchema,
  range: { fromUnix: number; toUnix: number },
): Promise<Capture[]> {
  const raw: Record<string, unknown>[] = await database
    .knex('lua_round_teams')
    .select(existing(captureColumns, schema.columns.captures))
    .whereBetween('round_end_unix', [range.fromUnix, range.toUnix])
    .orderBy('id');
  return raw.map(toCapture);
}

/** The captures that are linked to these rounds, but for those that are known by their ids already. */
export async function readCapturesLinkedTo(
  database: Database,
  schema: SourceSchema,
  roundIds: readonly number[],
  known: ReadonlySet<number> = new Set(),
): Promise<Capture[]> {
  const columns = existing(captureColumns, schema.columns.captures);
  const table = 'lua_round_teams';
  const linked = await rowsWhereIn(database, {
    table,
    columns: ['id'],
    column: 'round_id',
    values: roundIds,
  });
  const ids = linked.map(({ id }) => Number(id)).filter((id) => !known.has(id));
  const raw = await rowsWhereIn(database, { table, columns, column: 'id', values: ids });
  return raw.map(toCapture);
}

/** The `spawnKey` of everything that has spawn rows, for these keys; null where the source has no such table. */
export async function readSpawnKeys(
  database: Database,
  schema: SourceSchema,
  matchIds: readonly string[],
): Promise<Set<string> | null> {
  if (schema.columns.spawns === null) return null;
  const keys = new Set<string>();
  const values = [...new Set(matchIds)];
  for (let from = 0; from < values.length; from += pageSize) {
    const { condition, binding } = oneOf(database, values.slice(from, from + pageSize));
    const raw = await rows<{ match_id: string; round_number: number }>(
      database,
      `select distinct match_id, round_number from lua_spawn_stats where match_id ${condition}`,
      [binding],
    );
    for (const { match_id, round_number } of raw) keys.add(spawnKey(match_id, round_number));
  }
  return keys;
}

/** The captures that are linked to no round. */
export async function readUnlinkedCaptures(database: Database, schema: SourceSchema): Promise<Capture[]> {
  const columns = existing(captureColumns, schema.columns.captures);
  const raw = await allById((afterId) =>
    database.knex('lua_round_teams').select(columns).where('id', '>', afterId).whereNull('round_id'),
  );
  return raw.map(toCapture);
}

/** The captures that are linked to a row that is no round: one that is gone, or a summary. */
export async function readStrayCaptures(database: Database, schema: SourceSchema): Promise<Capture[]> {
  const columns = existing(captureColumns, schema.columns.captures);
  const isRound = database.knex('rounds').select(database.knex.raw('1'));
  const raw = await allById((afterId) =>
    database
      .knex('lua_round_teams')
      .select(columns)
      .where('id', '>', afterId)
      .whereNotNull('round_id')
      .whereNotExists(
        isRound.clone().whereRaw('rounds.id = lua_round_teams.round_id and rounds.round_number in (1, 2)'),
      ),
  );
  return raw.map(toCapture);
}

/** The earliest end of a capture from an instant on, unix seconds, or null. */
export async function earliestEnd(database: Database, fromUnix: number): Promise<number | null> {
  const [found] = await database
    .knex('lua_round_teams')
    .where('round_end_unix', '>=', fromUnix)
    .min({ unix: 'round_end_unix' });
  return readInteger(found!.unix);
}

const linkPageSize = 20_000;

/** A capture that is linked to a row of `rounds`, there or not. Instants are unix seconds. */
export interface Link {
  captureId: number;
  roundId: number;
  matchId: string;
  number: number | null;
  map: string;
  startUnix: number;
  endUnix: number;
}

const linkColumns = ['match_id', 'round_number', 'map_name', 'round_start_unix'];

/** The links of captures with an end in a range, both ends included, in the order of their ends. */
export async function* linksByEnd(
  database: Database,
  range: { fromUnix: number; toUnix: number },
): AsyncGenerator<Link> {
  let [afterEnd, afterId] = [range.fromUnix, lowestId];
  for (;;) {
    const page: Record<string, unknown>[] = await database
      .knex('lua_round_teams')
      .select('id', 'round_id', 'round_end_unix', ...linkColumns)
      .where('round_end_unix', '>=', afterEnd)
      .where('round_end_unix', '<=', range.toUnix)
      .whereRaw('(round_end_unix > ? or id > ?)', [afterEnd, afterId])
      .orderBy(['round_end_unix', 'id'])
      .limit(linkPageSize);
    for (const row of page) {
      [afterEnd, afterId] = [Number(row.round_end_unix), Number(row.id)];
      if (row.round_id === null) continue;
      yield {
        captureId: afterId,
        roundId: Number(row.round_id),
        matchId: String(row.match_id),
        number: readInteger(row.round_number),
        map: String(row.map_name),
        startUnix: Number(row.round_start_unix),
        endUnix: afterEnd,
      };
    }
    if (page.length < linkPageSize) return;
  }
}
