import type { Knex } from 'knex';
import type { Capture, Round } from '../core/model.ts';
import { isDay, parseClock } from '../core/time.ts';
import type { Database } from '../database.ts';
import { captureColumns, roundColumns, toCapture, toRound } from './rows.ts';
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
const chunkSize = 500;

/** All rows of a query, read in pages by id, so that no answer is larger than a page. */
async function allById(query: (afterId: number) => Knex.QueryBuilder): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (let afterId = lowestId; ; ) {
    const page: Record<string, unknown>[] = await query(afterId).orderBy('id').limit(pageSize);
    found.push(...page);
    if (page.length < pageSize) return found;
    afterId = Number(page.at(-1)!.id);
  }
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
function malformed(dialect: Database['dialect']): string {
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

/** Every row of `rounds` in a window of days, summaries too, and every row whose time cannot be read. */
export async function readWindow(database: Database, schema: SourceSchema, days: DayRange): Promise<Round[]> {
  const raw = await allById((afterId) =>
    selectRounds(database, schema)
      .where('id', '>', afterId)
      .where((either) => {
        either.where((inside) => void inDays(inside, days));
        if (days.since !== null || days.until !== null)
          either.orWhereRaw(`(${malformed(database.dialect).replaceAll('?', '\\?')})`);
      }),
  );
  return raw.map((row) => toRound(row).round).filter((round) => isInside(round, days) || !isReadable(round));
}

/** The rows with number 1 or 2 in a window of days: everything that may claim a candidate there. */
export async function readRivals(database: Database, schema: SourceSchema, days: DayRange): Promise<Round[]> {
  const raw = await allById((afterId) =>
    inDays(selectRounds(database, schema).where('id', '>', afterId).whereIn('round_number', [1, 2]), days),
  );
  return raw.map((row) => toRound(row).round);
}

/** The rows with these ids; an id that does not exist is simply not among them. */
export async function readRoundsById(
  database: Database,
  schema: SourceSchema,
  ids: readonly number[],
): Promise<Round[]> {
  const unique = [...new Set(ids)];
  const found: Round[] = [];
  for (let at = 0; at < unique.length; at += chunkSize) {
    const raw = await selectRounds(database, schema)
      .whereIn('id', unique.slice(at, at + chunkSize))
      .orderBy('id');
    found.push(...raw.map((row: unknown) => toRound(row).round));
  }
  return found;
}

/** The rows dated on one of these days, whatever their number. */
export async function readRoundsOnDays(
  database: Database,
  schema: SourceSchema,
  days: readonly string[],
): Promise<Round[]> {
  const unique = [...new Set(days)];
  const found: Round[] = [];
  for (let at = 0; at < unique.length; at += chunkSize) {
    const chunk = unique.slice(at, at + chunkSize);
    const raw = await selectRounds(database, schema).whereIn('round_date', chunk).orderBy('id');
    found.push(...raw.map((row: unknown) => toRound(row).round));
  }
  return found;
}

/** The captures with an end in the range, a key in it (local text), or no end at all. */
export async function readCaptures(
  database: Database,
  schema: SourceSchema,
  of: { ends: EndRange; matchIds: DayRange },
): Promise<Capture[]> {
  const columns = existing(captureColumns, schema.columns.captures);
  const { fromUnix, toUnix } = of.ends;
  const bounded = fromUnix !== null || toUnix !== null;
  const raw = await allById((afterId) => {
    const query = database.knex('lua_round_teams').select(columns).where('id', '>', afterId);
    if (!bounded) return query;
    return query.where((either) => {
      either.where((inside) => {
        if (fromUnix !== null) inside.where('round_end_unix', '>=', fromUnix);
        if (toUnix !== null) inside.where('round_end_unix', '<=', toUnix);
      });
      either.orWhere((inside) => {
        if (of.matchIds.since !== null) inside.where('match_id', '>=', of.matchIds.since);
        if (of.matchIds.until !== null) inside.where('match_id', '<=', `${of.matchIds.until}~`);
      });
    });
  });
  return raw.map(toCapture);
}

/** The captures that are linked to these rounds. */
export async function readCapturesLinkedTo(
  database: Database,
  schema: SourceSchema,
  roundIds: readonly number[],
): Promise<Capture[]> {
  const columns = existing(captureColumns, schema.columns.captures);
  const unique = [...new Set(roundIds)];
  const found: Capture[] = [];
  for (let at = 0; at < unique.length; at += chunkSize) {
    const chunk = unique.slice(at, at + chunkSize);
    const raw = await database
      .knex('lua_round_teams')
      .select(columns)
      .whereIn('round_id', chunk)
      .orderBy('id');
    found.push(...raw.map(toCapture));
  }
  return found;
}

/** `<match_id>|<round_number>` of everything that has spawn rows, for these keys. */
export async function readSpawnKeys(
  database: Database,
  schema: SourceSchema,
  matchIds: readonly string[],
): Promise<Set<string>> {
  const keys = new Set<string>();
  if (schema.columns.spawns === null) return keys;
  const unique = [...new Set(matchIds)];
  for (let at = 0; at < unique.length; at += chunkSize) {
    const raw: { match_id: string; round_number: number }[] = await database
      .knex('lua_spawn_stats')
      .distinct('match_id', 'round_number')
      .whereIn('match_id', unique.slice(at, at + chunkSize));
    for (const { match_id, round_number } of raw) keys.add(`${match_id}|${round_number}`);
  }
  return keys;
}
