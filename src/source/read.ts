import type { Knex } from 'knex';
import type { Capture, Round } from '../core/model.ts';
import { spawnKey } from '../core/situation.ts';
import { isDay, parseClock } from '../core/time.ts';
import type { Database } from '../database.ts';
import { rowsWhereIn, whereOneOf } from './query.ts';
import {
  captureColumns,
  type RoundName,
  readInteger,
  roundColumns,
  toCapture,
  toRound,
  toRoundName,
} from './rows.ts';
import type { SourceSchema } from './schema.ts';

/** Days of the server, both included; null leaves that side open. */
export interface DayRange {
  since: string | null;
  until: string | null;
}

/** Instants, unix seconds, both included; null leaves that side open. */
export interface EndRange {
  fromUnix: number | null;
  toUnix: number | null;
}

/** Ids are PostgreSQL's 4-byte integers. */
const lowestId = -(2 ** 31);
const pageSize = 5_000;

/** All rows of a query with a higher id than one, read in pages by id, so that no answer is larger than a page. */
async function allById(
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
async function allInRange(
  database: Database,
  of: { table: string; columns: readonly string[] },
  range: (query: Knex.QueryBuilder) => Knex.QueryBuilder,
): Promise<Record<string, unknown>[]> {
  const found: { id: unknown }[] = await range(database.knex(of.table).select('id'));
  const values = found.map(({ id }) => Number(id)).sort((a, b) => a - b);
  return rowsWhereIn(database, { ...of, column: 'id', values });
}

const existing = (columns: readonly string[], there: ReadonlySet<string>) =>
  columns.filter((column) => there.has(column));

function selectRounds(database: Database, schema: SourceSchema): Knex.QueryBuilder {
  return database.knex('rounds').select(existing(roundColumns, schema.columns.rounds));
}

/** Days that the calendar does not have, or not every year. */
const doubtfulDays = ['02-29', '02-30', '02-31', '04-31', '06-31', '09-31', '11-31'];

/**
 * A date or time that perhaps cannot be read, as SQL sees it. Such a row belongs to every window; of what
 * is found by this, `isReadable` knows better.
 */
export function malformed(dialect: Database['dialect']): string {
  const days = doubtfulDays.map((day) => `'${day}'`).join(', ');
  const calendar = `or substr(round_date, 6, 5) in (${days}) or round_date < '1971' or round_date > '9000'`;
  if (dialect === 'postgres')
    return `round_date is null or round_time is null
      or round_date !~ '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$'
      or round_time !~ '^([01]\\d|2[0-3])(:?)[0-5]\\d\\2[0-5]\\d$' ${calendar}`;
  const day = '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]';
  const clock = ['[0-2][0-9][0-5][0-9][0-5][0-9]', '[0-2][0-9]:[0-5][0-9]:[0-5][0-9]'];
  return `round_date is null or round_time is null
    or round_date not glob '${day}' or substr(round_date, 6, 2) not between '01' and '12'
    or substr(round_date, 9, 2) not between '01' and '31'
    or (round_time not glob '${clock[0]}' and round_time not glob '${clock[1]}')
    or substr(round_time, 1, 2) > '23' ${calendar}`;
}

function isReadable({ date, time }: Round): boolean {
  return date !== null && isDay(date) && time !== null && parseClock(time) !== null;
}

function isInside({ date }: Round, days: DayRange): boolean {
  if (date === null) return days.since === null && days.until === null;
  return (days.since === null || date >= days.since) && (days.until === null || date <= days.until);
}

function inDays(query: Knex.QueryBuilder, days: DayRange): Knex.QueryBuilder {
  if (days.since !== null) query = query.where('round_date', '>=', days.since);
  if (days.until !== null) query = query.where('round_date', '<=', days.until);
  return query;
}

/** How rows whose time cannot be read are found, which belong to every window (docs/decisions/0020). */
export type UnreadableRows =
  /** Every row is looked at. */
  | 'everywhere'
  /** Those among the newest rows, and those that are known by their ids. */
  | { knownIds: readonly number[] };

/** So many of the highest ids count as new: more than are imported between two audits of the whole history. */
const newestRows = 5_000;

/** The rows outside a window that perhaps cannot be read, as the database returns them. */
async function unreadableOutside(
  database: Database,
  schema: SourceSchema,
  of: { days: DayRange; unreadable: UnreadableRows },
): Promise<Record<string, unknown>[]> {
  const { dialect, knex } = database;
  const perhaps = (afterId: number) =>
    selectRounds(database, schema)
      .where('id', '>', afterId)
      .whereRaw(`(${malformed(dialect).replaceAll('?', '\\?')})`)
      .whereNot((inside) => void inDays(inside.whereNotNull('round_date'), of.days));
  if (of.unreadable === 'everywhere') return await allById(perhaps);
  const [newest] = await knex('rounds').max({ id: 'id' });
  return await allById(perhaps, Number(newest?.id ?? 0) - newestRows);
}

/** The rows dated in a range of days, as the database returns them; without a bound those without a date too. */
async function readDays(
  database: Database,
  schema: SourceSchema,
  of: { days: DayRange; numbers?: readonly number[] },
): Promise<Record<string, unknown>[]> {
  const { days, numbers } = of;
  const range = (query: Knex.QueryBuilder) =>
    inDays(numbers === undefined ? query : query.whereIn('round_number', numbers), days);
  if (days.since === null && days.until === null)
    return await allById((afterId) => range(selectRounds(database, schema).where('id', '>', afterId)));
  const columns = existing(roundColumns, schema.columns.rounds);
  return await allInRange(database, { table: 'rounds', columns }, range);
}

/**
 * Every row of `rounds` in a window of days, summaries too, and every row whose time cannot be read. To be
 * called inside a snapshot: throws where the pages do not hold as many rows as the database counts.
 */
export async function readWindow(
  database: Database,
  schema: SourceSchema,
  days: DayRange,
  unreadable: UnreadableRows = 'everywhere',
): Promise<Round[]> {
  const inside = (query: Knex.QueryBuilder) => inDays(query, days);
  const raw = await readDays(database, schema, { days });
  const [counted] = await inside(database.knex('rounds').count({ count: '*' }));
  if (Number(counted.count) !== raw.length)
    throw new Error(`rounds has ${counted.count} rows in the window, ${raw.length} were read`);
  if (days.since !== null || days.until !== null)
    raw.push(...(await unreadableOutside(database, schema, { days, unreadable })));
  const known =
    unreadable === 'everywhere' ? [] : await readRoundsById(database, schema, unreadable.knownIds);
  const rounds = new Map(
    [...raw.map((row) => toRound(row).round), ...known].map((round) => [round.id, round]),
  );
  return [...rounds.values()]
    .filter((round) => isInside(round, days) || !isReadable(round))
    .sort((a, b) => a.id - b.id);
}

/** The rows with number 1 or 2 in a window of days: everything that may claim a candidate there. */
export async function readRivals(database: Database, schema: SourceSchema, days: DayRange): Promise<Round[]> {
  const raw = await readDays(database, schema, { days, numbers: [1, 2] });
  return raw.map((row) => toRound(row).round);
}

async function readRoundsWhere(
  database: Database,
  schema: SourceSchema,
  by: { column: string; values: readonly (string | number)[] },
): Promise<Round[]> {
  const columns = existing(roundColumns, schema.columns.rounds);
  const raw = await rowsWhereIn(database, { table: 'rounds', columns, ...by });
  return raw.map((row) => toRound(row).round);
}

/** The rows with these ids; an id that does not exist is simply not among them. */
export async function readRoundsById(
  database: Database,
  schema: SourceSchema,
  ids: readonly number[],
): Promise<Round[]> {
  return readRoundsWhere(database, schema, { column: 'id', values: ids });
}

/** The rows dated on one of these days, whatever their number. */
export async function readRoundsOnDays(
  database: Database,
  schema: SourceSchema,
  days: readonly string[],
): Promise<Round[]> {
  return readRoundsWhere(database, schema, { column: 'round_date', values: days });
}

/** The names of the rows dated on one of these days, whatever their number. */
export async function readNamesOnDays(database: Database, days: readonly string[]): Promise<RoundName[]> {
  const columns = ['id', 'map_name', 'round_number', 'round_date', 'round_time'];
  const raw = await rowsWhereIn(database, { table: 'rounds', columns, column: 'round_date', values: days });
  return raw.map(toRoundName);
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
    const some = { column: 'match_id', values: values.slice(from, from + pageSize) };
    const query = database.knex('lua_spawn_stats').distinct('match_id', 'round_number');
    const raw: { match_id: string; round_number: number }[] = await whereOneOf(database, query, some);
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

/** How many captures there are. */
export async function countCaptures(database: Database): Promise<number> {
  const [counted] = await database.knex('lua_round_teams').count({ count: '*' });
  return Number(counted!.count);
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

/** The ids of the rounds that carry one of these starts, unix seconds, and are dated on one of these days. */
export async function roundIdsByStart(
  database: Database,
  of: { starts: readonly number[]; days: readonly string[] },
): Promise<number[]> {
  const starts = new Set(of.starts);
  const columns = ['id', 'round_start_unix'];
  const found = await rowsWhereIn(database, {
    table: 'rounds',
    columns,
    column: 'round_date',
    values: of.days,
  });
  return found
    .filter(({ round_start_unix }) => starts.has(Number(round_start_unix)))
    .map(({ id }) => Number(id));
}
