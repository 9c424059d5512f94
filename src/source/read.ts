import type { Knex } from 'knex';
import type { Round } from '../core/model.ts';
import { isDay, parseClock } from '../core/time.ts';
import { chunks, type Database } from '../database.ts';
import { allById, allInRange, existing, rowsWhereIn } from './query.ts';
import { type RoundName, roundColumns, toRound, toRoundName } from './rows.ts';
import type { SourceSchema } from './schema.ts';

/** Days of the server, both included; null leaves that side open. */
export interface DayRange {
  since: string | null;
  until: string | null;
}

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
  // Spelled out: a clock that refers back to its first colon takes PostgreSQL twenty times as long.
  if (dialect === 'postgres')
    return `round_date is null or round_time is null
      or round_date !~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'
      or round_time !~ '^(([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]|([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])$' ${calendar}`;
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

const isEverything = ({ since, until }: DayRange) => since === null && until === null;

function isInside({ date }: Round, days: DayRange): boolean {
  if (date === null) return isEverything(days);
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

/** So many of the highest ids count as new: more than a day's play brings. Whatever else comes in is for the daily audit of all. */
const newestRows = 2_000;

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
      .whereRaw(`(${malformed(dialect)})`)
      .whereNot((inside) => void inDays(inside.whereNotNull('round_date'), of.days));
  if (of.unreadable === 'everywhere') return await allById(perhaps);
  const [newest] = await knex('rounds').max({ id: 'id' });
  return await allById(perhaps, Number(newest?.id ?? 0) - newestRows);
}

/** So many ranges are asked for at once at most. */
const rangesTogether = 50;

/** The rows dated in some ranges of days, as the database returns them; without a bound those without a date too. */
async function readDays(
  database: Database,
  schema: SourceSchema,
  of: { ranges: readonly DayRange[]; numbers?: readonly number[] },
): Promise<Record<string, unknown>[]> {
  const { ranges, numbers } = of;
  const numbered = (query: Knex.QueryBuilder) =>
    numbers === undefined ? query : query.whereIn('round_number', numbers);
  if (ranges.some(isEverything))
    return await allById((afterId) => numbered(selectRounds(database, schema).where('id', '>', afterId)));
  const columns = existing(roundColumns, schema.columns.rounds);
  const pages: Record<string, unknown>[][] = [];
  for (const together of chunks(ranges, rangesTogether)) {
    const dated = (query: Knex.QueryBuilder) =>
      numbered(query).where((either) => {
        for (const days of together) either.orWhere((one) => void inDays(one, days));
      });
    pages.push(await allInRange(database, { table: 'rounds', columns }, dated));
  }
  return pages.flat();
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
  const raw = await readDays(database, schema, { ranges: [days] });
  const [counted] = await inside(database.knex('rounds').count({ count: '*' }));
  if (Number(counted.count) !== raw.length)
    throw new Error(`rounds has ${counted.count} rows in the window, ${raw.length} were read`);
  if (!isEverything(days)) raw.push(...(await unreadableOutside(database, schema, { days, unreadable })));
  const known =
    unreadable === 'everywhere' ? [] : await readRoundsById(database, schema, unreadable.knownIds);
  const rounds = new Map(
    [...raw.map((row) => toRound(row).round), ...known].map((round) => [round.id, round]),
  );
  return [...rounds.values()]
    .filter((round) => isInside(round, days) || !isReadable(round))
    .sort((a, b) => a.id - b.id);
}

/** The rows with number 1 or 2 in ranges of days that do not meet: everything that may claim a candidate there. */
export async function readRivals(
  database: Database,
  schema: SourceSchema,
  ranges: readonly DayRange[],
): Promise<Round[]> {
  const raw = await readDays(database, schema, { ranges, numbers: [1, 2] });
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
