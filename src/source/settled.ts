import { type ExemptReason, exemptReasons } from '../core/expected.ts';
import { usualSeconds } from '../core/match.ts';
import { durationToleranceSeconds, earliestUnix, longestRoundSeconds } from '../core/sane.ts';
import { type Database, rows } from '../database.ts';
import { malformed } from './read.ts';
import type { SourceSchema } from './schema.ts';

/** A day of the server whose clocks do not change, and its first instant. */
export interface UniformDay {
  day: string;
  startUnix: number;
}

/** By which SQL decides alone. */
export interface SettlingRules {
  /** Days on which a round can be settled. */
  days: readonly UniformDay[];
  /** Rows dated before this day, which is none of `days`, are exempt where nothing is linked to them. */
  exemptBefore: string;
}

/** What SQL alone says of a whole history, and what it leaves to the core. */
export interface SettledHistory {
  /** Every row of `rounds`. */
  rows: number;
  /** Rounds that SQL is sure are covered. */
  covered: number;
  /** Rows that SQL is sure are not expected. */
  exempt: Record<ExemptReason, number>;
  /** The ids of all other rows. */
  open: number[];
  /** Captures that are linked to a round of number 1 or 2. */
  linkedCaptures: number;
  /** The start of every such round that has one, unix seconds, ascending. */
  starts: Float64Array;
}

/**
 * Whether the tests below can be made here: a round has one capture by constraint, and both have their timing.
 */
export function canSettle({ columns, uniqueRoundId }: SourceSchema): boolean {
  const timing = ['round_start_unix', 'round_end_unix'];
  const measured = [...timing, 'actual_duration_seconds', 'total_pause_seconds'];
  return (
    uniqueRoundId &&
    timing.every((column) => columns.rounds.has(column)) &&
    measured.every((column) => columns.captures.has(column))
  );
}

/** The expressions in which the two databases differ; each is false or null for a value of a type that it does not expect. */
interface Spelling {
  isInteger: (column: string) => string;
  isTrue: (column: string) => string;
  isFalse: (column: string) => string;
  /** Begins with a letter or a digit: it has no colour code there, and is not empty. */
  isPlainName: (column: string) => string;
  /** Six digits that are a time. */
  isClock: (column: string) => string;
  /** Keeps an expression of an inner query from being worked out once for each of its uses. */
  fence: string;
  list: (expression: string) => string;
}

const codesOf = (text: string) => [...text].map((character) => character.charCodeAt(0)).join(', ');
const plainCharacters = codesOf('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
const between = (column: string, from: string, to: string) =>
  `(${column} >= '${from}' and ${column} < '${to}')`;

/** What is asked of a million rows is spelled as what costs least: comparisons before functions. */
const spellings: Record<Database['dialect'], Spelling> = {
  sqlite: {
    isInteger: (column) => `(${column} | 0) = ${column}`,
    isTrue: (column) => `${column} = 1`,
    isFalse: (column) => `${column} = 0`,
    isPlainName: (column) =>
      `(${[between(column, 'a', '{'), between(column, 'A', '['), between(column, '0', ':')].join(' or ')})`,
    isClock: (column) => `${column} < '24' and ${column} glob '[0-2][0-9][0-5][0-9][0-5][0-9]'`,
    fence: 'limit -1 offset 0',
    list: (expression) => `group_concat(${expression})`,
  },
  postgres: {
    isInteger: (column) => `${column} is not null`,
    isTrue: (column) => `${column}::text in ('true', '1')`,
    isFalse: (column) => `${column}::text in ('false', '0')`,
    isPlainName: (column) => `ascii(${column}) in (${plainCharacters})`,
    isClock: (column) =>
      `case when length(${column}) = 6 and translate(${column}, '0123456789', '') = ''
        then ${column}::int < 240000 and ${column}::int / 100 % 100 < 60 and ${column}::int % 100 < 60 end`,
    fence: 'offset 0',
    list: (expression) => `string_agg((${expression})::text, ',')`,
  },
};

/** Seconds of the day of a time written as six digits. */
const secondsOf = (clock: string) => `(${clock} - 40 * (${clock} / 100) - 2400 * (${clock} / 10000))`;

/** The conditions of an expected round, as `exemptReason` asks them; a column that this source lacks is satisfied. */
function isExpected({ columns }: SourceSchema, { isTrue, isFalse }: Spelling): string[] {
  const conditions = {
    is_valid: `(r.is_valid is null or ${isTrue('r.is_valid')})`,
    round_status: `(r.round_status is null or r.round_status in ('completed', 'substitution'))`,
    is_bot_round: `(r.is_bot_round is null or ${isFalse('r.is_bot_round')})`,
  };
  return Object.entries(conditions).flatMap(([column, condition]) =>
    columns.rounds.has(column) ? [condition] : [],
  );
}

/**
 * True for an expected round whose linked capture fits it by every test that the core could make. Each condition is at
 * least as strict as the core's (docs/decisions/0019).
 */
function isCovered(schema: SourceSchema, spelling: Spelling): string {
  const { isInteger, isPlainName, isClock } = spelling;
  const played = 'r.round_end_unix - r.round_start_unix';
  const paused = 'coalesce(c.total_pause_seconds, 0)';
  const conditions = [
    'c.round_number = r.round_number and c.map_name = r.map_name',
    'c.round_start_unix = r.round_start_unix and c.round_end_unix = r.round_end_unix',
    `r.round_start_unix > ${earliestUnix} and ${played} between 0 and ${longestRoundSeconds}`,
    ...['r.round_start_unix', 'r.round_end_unix', 'c.actual_duration_seconds', paused].map(isInteger),
    `${played} - ${paused} - c.actual_duration_seconds
       between -${durationToleranceSeconds} and ${durationToleranceSeconds}`,
    ...isExpected(schema, spelling),
    isPlainName('r.map_name'),
    isClock('r.round_time'),
  ];
  const fileUnix = `d.start_unix + ${secondsOf('cast(r.round_time as integer)')}`;
  // The time is worked out only where it is one.
  return `case when ${conditions.join(' and ')}
    then ${fileUnix} - r.round_end_unix between 0 and ${usualSeconds} end`;
}

/** Days as a table `(day, start_unix)` to join: PostgreSQL takes arrays, SQLite a temporary table with a key. */
async function dayTable(database: Database, days: readonly UniformDay[]) {
  if (database.dialect === 'postgres')
    return {
      table: 'unnest(?::text[], ?::bigint[]) as d (day, start_unix)',
      bindings: [days.map(({ day }) => day), days.map(({ startUnix }) => startUnix)],
    };
  await rows(database, 'drop table if exists temp.uniform_days');
  await rows(
    database,
    'create temp table uniform_days (day text primary key, start_unix integer not null) without rowid',
  );
  await rows(
    database,
    `insert into temp.uniform_days
     select json_extract(value, '$.day'), json_extract(value, '$.startUnix') from json_each(?)`,
    [JSON.stringify(days)],
  );
  return { table: 'temp.uniform_days d', bindings: [] };
}

/** For one transaction: memory enough to hash a million rows, and no compiling of what runs once. */
async function prepareServer(database: Database): Promise<void> {
  if (database.dialect === 'postgres')
    await rows(database, `select set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`);
}

/** The whole numbers of a text in which they are separated by commas; a million of them make no million texts. */
export function wholeNumbers(list: string | null, count: number): Float64Array {
  const numbers = new Float64Array(count);
  if (list === null) return numbers;
  let [at, number, sign] = [0, 0, 1];
  for (let index = 0; index <= list.length; index++) {
    const character = index === list.length ? 44 : list.charCodeAt(index);
    if (character === 45) sign = -1;
    else if (character !== 44) number = number * 10 + character - 48;
    else {
      numbers[at++] = sign * number;
      [number, sign] = [0, 1];
    }
  }
  return numbers;
}

/** One of the two parts of a history, as the database counted it. */
interface Part {
  rounds: number;
  linked: number;
  covered: number;
  open: number[];
  starts: Float64Array;
  found: Record<string, unknown>;
}

/** What all parts are counted by, of an inner query with `id`, `capture_id`, `start_unix` and `is_open`. */
function partColumns({ list }: Spelling): string {
  return `count(*) as rounds, count(capture_id) as linked, count(start_unix) as started,
    ${list('case when is_open then id end')} as open_ids, ${list('start_unix')} as starts`;
}

function toPart(found: Record<string, unknown>): Part {
  const text = (column: string) => (found[column] === null ? null : String(found[column]));
  const open = text('open_ids');
  return {
    rounds: Number(found.rounds),
    linked: Number(found.linked),
    covered: Number(found.covered ?? 0),
    open: open === null ? [] : open.split(',').map(Number),
    starts: wholeNumbers(text('starts'), Number(found.started)),
    found,
  };
}

/** A start that stands on a row; what is no whole number, or 0, is none. */
const startOf = ({ isInteger }: Spelling) =>
  `case when r.round_start_unix <> 0 and ${isInteger('r.round_start_unix')} then r.round_start_unix end as start_unix`;

/** The rounds since there are captures: covered, or open. */
async function readSince(database: Database, schema: SourceSchema, rules: SettlingRules): Promise<Part> {
  const spelling = spellings[database.dialect];
  const { table, bindings } = await dayTable(database, rules.days);
  const [found] = await rows<Record<string, unknown>>(
    database,
    `select ${partColumns(spelling)}, count(*) filter (where not is_open) as covered
     from (select r.id, c.id as capture_id, ${startOf(spelling)},
         coalesce(${isCovered(schema, spelling)}, false) = false as is_open
       from rounds r
       left join ${table} on d.day = r.round_date
       left join lua_round_teams c on c.round_id = r.id
       where r.round_number in (1, 2) and r.round_date >= ? ${spelling.fence}) as since`,
    [...bindings, rules.exemptBefore],
  );
  return toPart(found!);
}

/** The first reason that exempts a row of before there were captures; null where one of them cannot be told. */
function oldReason({ columns }: SourceSchema, { isTrue, isFalse }: Spelling): string {
  const has = (column: string) => columns.rounds.has(column);
  const truths = ['is_valid', 'is_bot_round'].filter(has);
  const unknown = truths.map(
    (column) =>
      `when r.${column} is not null and not (${isTrue(`r.${column}`)} or ${isFalse(`r.${column}`)}) then null`,
  );
  const reasons: [string, ExemptReason, string][] = [
    ['is_valid', 'invalid', isFalse('r.is_valid')],
    ['round_status', 'status', `r.round_status not in ('completed', 'substitution')`],
    ['is_bot_round', 'bots', isTrue('r.is_bot_round')],
  ];
  const known = reasons.flatMap(([column, reason, holds]) =>
    has(column) ? [`when ${holds} then '${reason}'`] : [],
  );
  return `case ${[...unknown, ...known].join(' ')} when true then 'before_capture' end`;
}

/** The rounds of before there were captures, and those without a date: exempt, or open. */
async function readBefore(database: Database, schema: SourceSchema, rules: SettlingRules): Promise<Part> {
  const { dialect } = database;
  const spelling = spellings[dialect];
  const counted = exemptReasons.map(
    (reason) => `count(*) filter (where reason = '${reason}') as exempt_${reason}`,
  );
  const isReadable = `not (${malformed(dialect).replaceAll('?', '\\?')})`;
  const [found] = await rows<Record<string, unknown>>(
    database,
    `select ${partColumns(spelling)}, ${counted.join(', ')}
     from (select id, capture_id, start_unix, reason, reason is null as is_open
       from (select r.id, c.id as capture_id, ${startOf(spelling)},
           case when c.id is null and ${isReadable} then ${oldReason(schema, spelling)} end as reason
         from rounds r left join lua_round_teams c on c.round_id = r.id
         where r.round_number in (1, 2) and (r.round_date < ? or r.round_date is null)
         ${spelling.fence}) as before_captures) as judged`,
    [rules.exemptBefore],
  );
  return toPart(found!);
}

/** Rows whose number is none, and of a type that it never has: SQLite takes any. */
async function readStrange(database: Database): Promise<number[]> {
  const found = await rows<{ id: number }>(
    database,
    `select id from rounds where round_number is not null and round_number not in (1, 2)
     and typeof(round_number) <> 'integer'`,
  );
  return found.map(({ id }) => Number(id));
}

async function countRows(database: Database): Promise<{ rows: number; summaries: number }> {
  const isInteger = database.dialect === 'sqlite' ? `typeof(round_number) = 'integer'` : 'true';
  const [found] = await rows<Record<'all_rows' | 'summaries', unknown>>(
    database,
    `select count(*) as all_rows, count(*) filter (where round_number is null
       or (round_number not in (1, 2) and ${isInteger})) as summaries from rounds`,
  );
  return { rows: Number(found!.all_rows), summaries: Number(found!.summaries) };
}

/** Both together, ascending. Rows come in the order of play, nearly always: then nothing is left to sort. */
function merged(one: Float64Array, other: Float64Array): Float64Array {
  const all = other.length === 0 ? one : new Float64Array(one.length + other.length);
  if (all !== one) {
    all.set(other);
    all.set(one, other.length);
  }
  return all.every((number, at) => at === 0 || all[at - 1]! <= number) ? all : all.sort();
}

/**
 * Looks at every row and counts what SQL can be sure of: the core would say the same of each (DESIGN, "SQL may count"),
 * provided that its start is no other row's and that no artifact is near, which is for the caller to see to. To be
 * called inside a snapshot, and where `canSettle`.
 */
export async function readSettled(
  database: Database,
  schema: SourceSchema,
  rules: SettlingRules,
): Promise<SettledHistory> {
  await prepareServer(database);
  const { rows: all, summaries } = await countRows(database);
  const since = await readSince(database, schema, rules);
  const before = all === summaries + since.rounds ? null : await readBefore(database, schema, rules);
  const counted = summaries + since.rounds + (before?.rounds ?? 0);
  const strange = all === counted ? [] : await readStrange(database);
  const exempt = exemptReasons.map((reason) => [reason, Number(before?.found[`exempt_${reason}`] ?? 0)]);
  return {
    rows: all,
    covered: since.covered,
    exempt: { ...(Object.fromEntries(exempt) as SettledHistory['exempt']), summary: summaries },
    open: [...since.open, ...(before?.open ?? []), ...strange],
    linkedCaptures: since.linked + (before?.linked ?? 0),
    starts: merged(since.starts, before?.starts ?? new Float64Array()),
  };
}
