import type { ExemptReason } from '../core/expected.ts';
import { usualSeconds } from '../core/match.ts';
import { durationToleranceSeconds, earliestUnix, longestRoundSeconds } from '../core/sane.ts';
import type { Database } from '../database.ts';
import { existing } from './query.ts';
import { roundColumns } from './rows.ts';
import type { SourceSchema } from './schema.ts';

/*
 * The tests by which SQL settles rows of `rounds r` and their captures `lua_round_teams c` (docs/decisions/0019): each
 * condition is at least as strict as the core's.
 */

/**
 * Whether these tests can be made here: a round has one capture by constraint, and both have their timing.
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
export interface Spelling {
  isInteger: (column: string) => string;
  isTrue: (column: string) => string;
  isFalse: (column: string) => string;
  /** Begins with a letter or a digit: it has no colour code there, and is not empty. */
  isPlainName: (column: string) => string;
  /** These columns of `rounds`, and what is worked out of each row once. A role may not see others. */
  rounds: (columns: readonly string[]) => string;
  /** The time of `r`, of that, as a number of six digits; of one that is no such digits it is null, or anything. */
  clock: string;
  /** Whether that is a time. */
  isClock: string;
  /** The column, for a comparison by which rows shall not be looked up. */
  plain: (column: string) => string;
  /** Keeps an expression of an inner query from being worked out once for each of its uses. */
  fence: string;
  list: (expression: string) => string;
}

const codesOf = (text: string) => [...text].map((character) => character.charCodeAt(0)).join(', ');
const plainCharacters = codesOf('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
const between = (column: string, from: string, to: string) =>
  `(${column} >= '${from}' and ${column} < '${to}')`;

/** What is asked of a million rows is spelled as what costs least: comparisons before functions. */
export const spellings: Record<Database['dialect'], Spelling> = {
  sqlite: {
    isInteger: (column) => `(${column} | 0) = ${column}`,
    isTrue: (column) => `${column} = 1`,
    isFalse: (column) => `${column} = 0`,
    isPlainName: (column) =>
      `(${[between(column, 'a', '{'), between(column, 'A', '['), between(column, '0', ':')].join(' or ')})`,
    rounds: () => 'rounds',
    clock: 'cast(r.round_time as integer)',
    isClock: `r.round_time < '24' and r.round_time glob '[0-2][0-9][0-5][0-9][0-5][0-9]'`,
    plain: (column) => `+${column}`,
    fence: 'limit -1 offset 0',
    list: (expression) => `group_concat(${expression})`,
  },
  postgres: {
    // By its type; whether there is one, what it is compared with tells.
    isInteger: () => 'true',
    isTrue: (column) => `${column}::text in ('true', '1')`,
    isFalse: (column) => `${column}::text in ('false', '0')`,
    isPlainName: (column) => `ascii(${column}) in (${plainCharacters})`,
    rounds: (
      columns,
    ) => `(select ${columns}, case when length(round_time) = 6 and translate(round_time, '0123456789', '') = ''
      then round_time::int end as clock_digits from rounds)`,
    clock: 'r.clock_digits',
    isClock: 'r.clock_digits < 240000 and r.clock_digits / 100 % 100 < 60 and r.clock_digits % 100 < 60',
    plain: (column) => column,
    fence: 'offset 0',
    list: (expression) => `string_agg((${expression})::text, ',')`,
  },
};

/** `rounds` to be looked at by these tests: the columns that an audit reads. */
export const roundsOf = ({ columns }: SourceSchema, { rounds }: Spelling) =>
  rounds(existing(roundColumns, columns.rounds));

/** Seconds of the day of a round's time, where it `isClock`. */
export const secondOfDay = ({ clock }: Spelling) =>
  `(${clock} - 40 * (${clock} / 100) - 2400 * (${clock} / 10000))`;

/** Holds for a row that no capture has touched. */
export const noTiming = 'coalesce(r.round_start_unix, 0) = 0 and coalesce(r.round_end_unix, 0) = 0';

/** A start that stands on a row; what is no whole number, or 0, is none. */
export const startOf = ({ isInteger }: Spelling) =>
  `case when r.round_start_unix <> 0 and ${isInteger('r.round_start_unix')} then r.round_start_unix end`;

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
 * True for an expected round whose linked capture fits it by every test that the core could make; false or null for
 * others. `fileUnix` is the instant of its file, an expression that is right where its time `isClock`, or null.
 */
export function isCovered(schema: SourceSchema, spelling: Spelling, fileUnix: string): string {
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
    isClock,
  ];
  // The time is worked out only where it is one.
  return `case when ${conditions.join(' and ')}
    then ${fileUnix} - r.round_end_unix between 0 and ${usualSeconds} end`;
}

/**
 * The first reason that exempts a row whose time can be read, which has to be linked to nothing; null where it is
 * expected, or where one of them cannot be told. `isBeforeCaptures` holds for a row of before there were captures.
 */
export function exemptBy(
  { columns }: SourceSchema,
  { isTrue, isFalse }: Spelling,
  isBeforeCaptures: string,
): string {
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
  return `case ${[...unknown, ...known].join(' ')} when ${isBeforeCaptures} then 'before_capture' end`;
}
