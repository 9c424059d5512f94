import { type ExemptReason, exemptReasons } from '../core/expected.ts';
import type { ClearSpan } from '../core/time.ts';
import type { Reader } from '../database.ts';
import { type GivenTable, givenTable } from './given.ts';
import type { SourceSchema } from './schema.ts';
import { type Found, idsOf, textOf, wholeNumbers } from './settled-lists.ts';
import { exemptBy, isCovered, roundsOf, secondOfDay, spellings } from './settling.ts';

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

/** A row that is not expected, and the instant of its file, unix seconds. */
export interface ExemptRow {
  id: number;
  fileUnix: number;
}

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

/** How many rows are exempt for which reason. */
export type Reasons = Record<ExemptReason, number>;

/** What a closer look settles of the rounds that the first one left open. */
export interface Settled {
  open: number[];
  covered: number;
  exempt: ExemptRow[];
  reasons: Reasons;
}

/** A row that no capture has touched. */
export const noTiming = 'coalesce(r.round_start_unix, 0) = 0 and coalesce(r.round_end_unix, 0) = 0';

/** How many rows of an inner query have which `reason`. */
export const countedReasons = exemptReasons.map(
  (reason) => `count(*) filter (where reason = '${reason}') as exempt_${reason}`,
);

/** What was counted as `countedReasons`; of nothing all are 0. */
export const reasonsOf = (found: Found): Reasons =>
  Object.fromEntries(
    exemptReasons.map((reason) => [reason, Number(found[`exempt_${reason}`] ?? 0)]),
  ) as Reasons;

/**
 * How one connection looks once more at the open ones of a pass, which are few: rows that are not expected, and days on
 * which a clock changes. `days` are `uniformDays`.
 */
export async function openReader(
  reader: Reader,
  schema: SourceSchema,
  of: { rules: SettlingRules; days: GivenTable },
): Promise<(open: readonly number[]) => Promise<Settled>> {
  const { rules, days } = of;
  const spelling = spellings[reader.dialect];
  const spans = await givenTable(reader, {
    name: 'clear_spans',
    columns: {
      day: { type: 'text', values: rules.spans.map(({ day }) => day) },
      from_second: { type: 'bigint', values: rules.spans.map(({ fromSecond }) => fromSecond) },
      to_second: { type: 'bigint', values: rules.spans.map(({ toSecond }) => toSecond) },
      start_unix: { type: 'bigint', values: rules.spans.map(({ startUnix }) => startUnix) },
    },
    key: 'day, from_second',
  });
  const second = `case when ${spelling.isClock} then ${secondOfDay(spelling)} end`;
  const fileUnix = `coalesce(uniform_days.start_unix, clear_spans.start_unix) + ${second}`;
  const sql = (
    ids: GivenTable,
  ) => `select ${spelling.list('case when reason is null and not is_covered then id end')} as open_ids,
       count(*) filter (where is_covered) as covered, count(reason) as exempt,
       ${spelling.list(`case when reason is not null then id || ',' || file_unix end`)} as exempt_rows,
       ${countedReasons}
     from (select id, is_covered, file_unix,
         case when not is_covered and capture_id is null and no_timing and file_unix is not null
           then reason end as reason
       from (select r.id, c.id as capture_id, ${fileUnix} as file_unix, ${noTiming} as no_timing,
           coalesce(${isCovered(schema, spelling, fileUnix)}, false) as is_covered,
           ${exemptBy(schema, spelling, 'r.round_date < ?')} as reason
         from ${ids.table}
         join ${roundsOf(schema, spelling)} r on r.id = open_ids.id
         left join ${days.table} on uniform_days.day = r.round_date
         left join ${spans.table} on clear_spans.day = r.round_date
           and ${second} >= clear_spans.from_second and ${second} < clear_spans.to_second
         left join lua_round_teams c on c.round_id = r.id
         where true ${spelling.fence}) as looked_at) as judged`;
  return async (open) => {
    if (open.length === 0) return toSettled({});
    const columns = { id: { type: 'bigint', values: open } } as const;
    const ids = await givenTable(reader, { name: 'open_ids', columns, key: 'id' });
    const bindings = [rules.captureSince, ...ids.bindings, ...days.bindings, ...spans.bindings];
    const [found] = await reader.rows<Found>(sql(ids), bindings);
    return toSettled(found!);
  };
}

/** What a closer look found; at nothing it found nothing. */
function toSettled(found: Found): Settled {
  const exempt = wholeNumbers(textOf(found, 'exempt_rows'), 2 * Number(found.exempt ?? 0));
  return {
    open: idsOf(found, 'open_ids'),
    covered: Number(found.covered ?? 0),
    exempt: Array.from({ length: exempt.length / 2 }, (_, at) => ({
      id: exempt[2 * at]!,
      fileUnix: exempt[2 * at + 1]!,
    })),
    reasons: reasonsOf(found),
  };
}
