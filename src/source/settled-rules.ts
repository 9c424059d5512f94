import { type ExemptReason, exemptReasons } from '../core/expected.ts';
import type { ClearSpan } from '../core/time.ts';
import type { Reader } from '../database.ts';
import { type GivenTable, givenTable } from './given.ts';
import type { SourceSchema } from './schema.ts';
import { exemptBy, isCovered, noTiming, secondOfDay, spellings } from './settling.ts';

/** By which SQL decides alone. */
export interface SettlingRules {
  /** Days whose clocks do not change, with their first instants. */
  days: readonly { day: string; startUnix: number }[];
  /** What is clear of the other days. */
  spans: readonly ClearSpan[];
  /** Rows dated before this day, before which there are neither days nor spans, are exempt where nothing is linked to them. */
  exemptBefore: string;
  /** Rows dated before this day are of before there were captures; not earlier than `exemptBefore`. */
  captureSince: string;
}

/** How many rows are exempt for which reason. */
export type Reasons = Record<ExemptReason, number>;

/** By reason, what `of` says. */
export const byReason = (of: (reason: ExemptReason) => number): Reasons =>
  Object.fromEntries(exemptReasons.map((reason) => [reason, of(reason)])) as Reasons;

/** The days of the rules as a table to join. */
export const uniformDays = (reader: Reader, { days }: SettlingRules) =>
  givenTable(reader, {
    name: 'uniform_days',
    columns: {
      day: { type: 'text', values: days.map(({ day }) => day) },
      start_unix: { type: 'bigint', values: days.map(({ startUnix }) => startUnix) },
    },
    key: 'day',
  });

const clearSpans = (reader: Reader, { spans }: SettlingRules): Promise<GivenTable> =>
  givenTable(reader, {
    name: 'clear_spans',
    columns: {
      day: { type: 'text', values: spans.map(({ day }) => day) },
      from_second: { type: 'bigint', values: spans.map(({ fromSecond }) => fromSecond) },
      to_second: { type: 'bigint', values: spans.map(({ toSecond }) => toSecond) },
      start_unix: { type: 'bigint', values: spans.map(({ startUnix }) => startUnix) },
    },
    key: 'day, from_second',
  });

/**
 * What the rules leave of a row of `r` with its capture `c` and its day of `uniformDays`, as an expression and what it is
 * bound to: null of a covered one; its id of an open one; of one that is not expected, its id, the instant of its file, and
 * the reason, with colons between them.
 */
export async function leftOver(
  reader: Reader,
  schema: SourceSchema,
  rules: SettlingRules,
): Promise<{ expression: string; bindings: readonly unknown[] }> {
  const spelling = spellings[reader.dialect];
  const spans = await clearSpans(reader, rules);
  const second = secondOfDay(spelling);
  // Of days on which a clock changes there are few: each of their rows looks its span up.
  const dayStart = `coalesce(uniform_days.start_unix, (select clear_spans.start_unix from ${spans.lookup}
    where clear_spans.day = r.round_date and ${second} >= clear_spans.from_second and ${second} < clear_spans.to_second))`;
  const fileUnix = `${dayStart} + case when ${spelling.isClock} then ${second} end`;
  const reason = exemptBy(schema, spelling, 'r.round_date < ?');
  const expression = `case when ${isCovered(schema, spelling, `${dayStart} + ${second}`)} then null
    when c.id is null and ${noTiming}
      then coalesce(r.id || ':' || (${fileUnix}) || ':' || (${reason}), cast(r.id as text))
    else cast(r.id as text) end`;
  return { expression, bindings: [...spans.bindings, ...spans.bindings, rules.captureSince] };
}
