import { type Database, type Reader, readerOf } from '../database.ts';
import { malformed } from './read.ts';
import type { SourceSchema } from './schema.ts';
import type { Found } from './settled-lists.ts';
import { countedReasons, type ExemptRow, joined, type Part, partColumns, toPart } from './settled-parts.ts';
import { readSince, type Settling } from './settled-passes.ts';
import type { Reasons, SettlingRules } from './settled-rules.ts';
import { exemptBy, noTiming, spellings, startOf } from './settling.ts';

/** What SQL alone says of a whole history, and what it leaves to the core. */
export interface SettledHistory {
  /** Every row of `rounds`. */
  rows: number;
  /** Rounds that SQL is sure are covered. */
  covered: number;
  /** Rows that SQL is sure are not expected. */
  exempt: Reasons;
  /** Those of them that are not of before `exemptBefore`, so that a candidate could be near. None has any timing. */
  exemptNear: ExemptRow[];
  /** The ids of all other rows. */
  open: number[];
  /** Whether there are captures that are linked to what is no round: to a summary, or to nothing. */
  hasStrays: boolean;
  /** The start of every such round that has one, unix seconds, ascending. */
  starts: Float64Array;
}

/** The rounds of before there were captures, and those without a date: exempt, or open. */
async function readBefore(reader: Reader, schema: SourceSchema, rules: SettlingRules): Promise<Part> {
  const { dialect } = reader;
  const spelling = spellings[dialect];
  const isReadable = `not (${malformed(dialect)})`;
  const [found] = await reader.rows<Found>(
    `select ${partColumns(spelling)}, ${countedReasons}
     from (select id, capture_id, start_unix, reason, case when reason is null then cast(id as text) end as left_over
       from (select r.id, c.id as capture_id, ${startOf(spelling)} as start_unix,
           case when c.id is null and ${noTiming} and ${isReadable}
             then ${exemptBy(schema, spelling, 'true')} end as reason
         from rounds r left join lua_round_teams c on c.round_id = r.id
         where r.round_number in (1, 2) and (r.round_date < ? or r.round_date is null)
         ${spelling.fence}) as before_captures) as judged`,
    [rules.exemptBefore],
  );
  return toPart(found!);
}

/** Rows whose number is none, and of a type that it never has: SQLite takes any. */
async function readStrange(reader: Reader): Promise<number[]> {
  const found = await reader.rows<{ id: number }>(
    `select id from rounds where round_number is not null and round_number not in (1, 2)
     and typeof(round_number) <> 'integer'`,
  );
  return found.map(({ id }) => Number(id));
}

/**
 * Looks at every row and counts what SQL can be sure of: the core would say the same of each (DESIGN, "SQL may count"),
 * provided that its start is no other row's and that nothing is near, which is for the caller to see to. To be called
 * inside a snapshot, which may have a twin, and where `canSettle`.
 */
export async function readSettled(
  database: Database,
  schema: SourceSchema,
  settling: Settling,
): Promise<SettledHistory> {
  const { rules } = settling;
  const reader = readerOf(database);
  const { counted, parts } = await readSince(database, schema, settling);
  const since = joined(parts);
  const hasBefore = counted.rows !== counted.summaries + since.rounds;
  const all = hasBefore ? joined([since, await readBefore(reader, schema, rules)]) : since;
  const hasStrange = counted.rows !== counted.summaries + all.rounds;
  const strange = hasStrange ? await readStrange(reader) : [];
  return {
    rows: counted.rows,
    covered: all.covered,
    exempt: { ...all.reasons, summary: counted.summaries },
    exemptNear: all.exempt,
    open: [...all.open, ...strange],
    hasStrays: counted.linked === null ? all.strays + counted.beyond > 0 : counted.linked > all.linked,
    starts: all.starts,
  };
}
