import { type ExemptReason, exemptReasons } from '../core/expected.ts';
import { type Database, type Reader, readerOf } from '../database.ts';
import { shareOut } from '../database-twin.ts';
import { malformed } from './read.ts';
import type { SourceSchema } from './schema.ts';
import { type Found, idsOf, textOf, wholeNumbers } from './settled-lists.ts';
import {
  countedReasons,
  type ExemptRow,
  noTiming,
  openReader,
  type Reasons,
  reasonsOf,
  type Settled,
  type SettlingRules,
  uniformDays,
} from './settled-open.ts';
import { exemptBy, isCovered, type Spelling, secondOfDay, spellings, startOf } from './settling.ts';

/** What SQL alone says of a whole history, and what it leaves to the core. */
export interface SettledHistory {
  /** Every row of `rounds`. */
  rows: number;
  /** Rounds that SQL is sure are covered. */
  covered: number;
  /** Rows that SQL is sure are not expected. */
  exempt: Record<ExemptReason, number>;
  /** Those of them that are not of before `exemptBefore`, so that a candidate could be near. None has any timing. */
  exemptNear: ExemptRow[];
  /** The ids of all other rows. */
  open: number[];
  /** Every capture. */
  captures: number;
  /** Those that are linked to a round of number 1 or 2. */
  linkedCaptures: number;
  /** The start of every such round that has one, unix seconds, ascending. */
  starts: Float64Array;
}

/** For one transaction: memory enough to hash a million rows, and no compiling of what runs once. */
async function prepareServer(reader: Reader): Promise<void> {
  if (reader.dialect === 'postgres')
    await reader.rows(`select set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`);
}

/** A part of a history, as the database counted it. */
interface Part {
  rounds: number;
  linked: number;
  open: number[];
  starts: Float64Array;
  reasons: Reasons;
}

/** What both parts are counted by, of an inner query with `id`, `capture_id`, `start_unix` and `is_open`. */
function partColumns({ list }: Spelling): string {
  return `count(*) as rounds, count(capture_id) as linked, count(start_unix) as started,
    ${list('case when is_open then id end')} as open_ids, ${list('start_unix')} as starts`;
}

/** What the database counted; of nothing it counted nothing. */
function toPart(found: Found): Part {
  return {
    rounds: Number(found.rounds ?? 0),
    linked: Number(found.linked ?? 0),
    open: idsOf(found, 'open_ids'),
    starts: wholeNumbers(textOf(found, 'starts'), Number(found.started ?? 0)),
    reasons: reasonsOf(found),
  };
}

/** Ids, both included. */
interface IdRange {
  fromId: number;
  toId: number;
}

/** So many ids are answered for by one row, whose lists are texts in this process. */
const idsAtOnce = 125_000;
/** Ids may lie far apart. */
const mostPasses = 64;

/** How far ids go; null where there is no row. */
async function spanOfIds(reader: Reader): Promise<IdRange | null> {
  const [found] = await reader.rows<Record<'first' | 'last', unknown>>(
    'select (select min(id) from rounds) as first, (select max(id) from rounds) as last',
  );
  const { first, last } = found!;
  return first === null ? null : { fromId: Number(first), toId: Number(last) };
}

/** Whether a history is so long that a second connection to look through it saves time. */
export async function isLong(database: Database, pass = idsAtOnce): Promise<boolean> {
  const span = await spanOfIds(readerOf(database));
  return span !== null && span.toId - span.fromId >= 2 * pass;
}

/** The ids in passes of this size, or of a larger one. */
async function passesOver(reader: Reader, pass: number): Promise<IdRange[]> {
  const span = await spanOfIds(reader);
  if (span === null) return [];
  const size = Math.max(pass, Math.ceil((span.toId - span.fromId + 1) / mostPasses));
  const passes: IdRange[] = [];
  for (let fromId = span.fromId; fromId <= span.toId; fromId += size)
    passes.push({ fromId, toId: Math.min(span.toId, fromId + size - 1) });
  return passes;
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);

/** Parts that follow each other as one. */
function joined(parts: readonly Part[]): Part {
  const starts = new Float64Array(sum(parts.map((part) => part.starts.length)));
  let at = 0;
  for (const part of parts) {
    starts.set(part.starts, at);
    at += part.starts.length;
  }
  return {
    rounds: sum(parts.map(({ rounds }) => rounds)),
    linked: sum(parts.map(({ linked }) => linked)),
    open: parts.flatMap(({ open }) => open),
    starts,
    reasons: addedUp(parts.map(({ reasons }) => reasons)),
  };
}

const addedUp = (all: readonly Reasons[]): Reasons =>
  Object.fromEntries(
    exemptReasons.map((reason) => [reason, sum(all.map((reasons) => reasons[reason]))]),
  ) as Reasons;

/** A pass over the rounds since there are captures: covered, or open; and what a closer look settles of the open ones. */
interface Pass {
  part: Part;
  closer: Settled;
}

/** How one connection makes a pass. */
async function passReader(
  reader: Reader,
  schema: SourceSchema,
  rules: SettlingRules,
): Promise<(ids: IdRange) => Promise<Pass>> {
  const spelling = spellings[reader.dialect];
  await prepareServer(reader);
  const days = await uniformDays(reader, rules);
  const lookCloser = await openReader(reader, schema, { rules, days });
  const covered = isCovered(schema, spelling, `uniform_days.start_unix + ${secondOfDay}`);
  // PostgreSQL would join all captures again for each pass, and does not conclude which of them there can be.
  const captures = reader.dialect === 'postgres' ? ' and c.round_id between ? and ?' : '';
  const sql = `select ${partColumns(spelling)}
    from (select r.id, c.id as capture_id, ${startOf(spelling)} as start_unix,
        coalesce(${covered}, false) = false as is_open
      from rounds r
      left join ${days.table} on uniform_days.day = r.round_date
      left join lua_round_teams c on c.round_id = r.id${captures}
      where r.round_number in (1, 2) and ${spelling.plain('r.round_date')} >= ?
        and r.id between ? and ?) as since`;
  return async ({ fromId, toId }) => {
    const ids = [fromId, toId];
    const more = captures === '' ? [] : ids;
    const [found] = await reader.rows<Found>(sql, [...days.bindings, ...more, rules.exemptBefore, ...ids]);
    const part = toPart(found!);
    return { part, closer: await lookCloser(part.open) };
  };
}

/** The rounds since there are captures, and how many rows there are at all. */
async function readSince(
  database: Database,
  schema: SourceSchema,
  { rules, pass = idsAtOnce, onPass }: Settling,
): Promise<{ counted: Counted; passes: Pass[] }> {
  const ranges = await passesOver(readerOf(database), pass);
  const readers = new Map<Reader, ReturnType<typeof passReader>>();
  const readerFor = (reader: Reader) => {
    const known = readers.get(reader) ?? passReader(reader, schema, rules);
    readers.set(reader, known);
    return known;
  };
  const passes: Pass[] = [];
  let counted: Counted | undefined;
  let done = 0;
  const counting = async (reader: Reader) => {
    counted = await countRows(reader);
  };
  const looking = ranges.map((ids, at) => async (reader: Reader) => {
    const read = await readerFor(reader);
    passes[at] = await read(ids);
    onPass(++done, ranges.length);
  });
  await shareOut(database, [counting, ...looking]);
  return { counted: counted!, passes };
}

/** The rounds of before there were captures, and those without a date: exempt, or open. */
async function readBefore(reader: Reader, schema: SourceSchema, rules: SettlingRules): Promise<Part> {
  const { dialect } = reader;
  const spelling = spellings[dialect];
  const isReadable = `not (${malformed(dialect).replaceAll('?', '\\?')})`;
  const [found] = await reader.rows<Found>(
    `select ${partColumns(spelling)}, ${countedReasons}
     from (select id, capture_id, start_unix, reason, reason is null as is_open
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

/** How many rows there are, how many of them are of no round, and how many captures. */
interface Counted {
  rows: number;
  summaries: number;
  captures: number;
}

async function countRows(reader: Reader): Promise<Counted> {
  const isInteger = reader.dialect === 'sqlite' ? `typeof(round_number) = 'integer'` : 'true';
  const [found] = await reader.rows<Found>(
    `select count(*) as all_rows, count(*) filter (where round_number is null
       or (round_number not in (1, 2) and ${isInteger})) as summaries,
       (select count(*) from lua_round_teams) as captures from rounds`,
  );
  const { all_rows, summaries, captures } = found!;
  return { rows: Number(all_rows), summaries: Number(summaries), captures: Number(captures) };
}

function isAscending(numbers: Float64Array): boolean {
  for (let at = 1; at < numbers.length; at++) if (numbers[at - 1]! > numbers[at]!) return false;
  return true;
}

/** Both together, ascending. Rows come in the order of play, nearly always: then nothing is left to sort. */
function merged(one: Float64Array, other: Float64Array): Float64Array {
  const all = other.length === 0 ? one : new Float64Array(one.length + other.length);
  if (all !== one) {
    all.set(other);
    all.set(one, other.length);
  }
  return isAscending(all) ? all : all.sort();
}

/** What SQL settles by, and how. */
export interface Settling {
  rules: SettlingRules;
  /** So many ids are looked at in one pass; the default suits everybody but tests. */
  pass?: number;
  /** Is told how many of the passes over the rows are done. */
  onPass: (done: number, total: number) => void;
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
  const { counted, passes } = await readSince(database, schema, settling);
  const since = joined(passes.map(({ part }) => part));
  const closer = passes.map((pass) => pass.closer);
  const isWhole = counted.rows === counted.summaries + since.rounds;
  const before = isWhole ? toPart({}) : await readBefore(reader, schema, rules);
  const looked = counted.summaries + since.rounds + before.rounds;
  const strange = counted.rows === looked ? [] : await readStrange(reader);
  const reasons = addedUp([before.reasons, ...closer.map((one) => one.reasons)]);
  return {
    rows: counted.rows,
    covered: since.rounds - since.open.length + sum(closer.map(({ covered }) => covered)),
    exempt: { ...reasons, summary: counted.summaries },
    exemptNear: closer.flatMap(({ exempt }) => exempt),
    open: [...closer.flatMap(({ open }) => open), ...before.open, ...strange],
    captures: counted.captures,
    linkedCaptures: since.linked + before.linked,
    starts: merged(since.starts, before.starts),
  };
}
