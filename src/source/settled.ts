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
  type SettlingRules,
  settleOpen,
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
  /** Captures that are linked to a round of number 1 or 2. */
  linkedCaptures: number;
  /** The start of every such round that has one, unix seconds, ascending. */
  starts: Float64Array;
}

/** For one transaction: memory enough to hash a million rows, and no compiling of what runs once. */
async function prepareServer(reader: Reader): Promise<void> {
  if (reader.dialect === 'postgres')
    await reader.rows(`select set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`);
}

/** One of the two parts of a history, as the database counted it. */
interface Part {
  rounds: number;
  linked: number;
  open: number[];
  starts: Float64Array;
  found: Found;
}

/** What both parts are counted by, of an inner query with `id`, `capture_id`, `start_unix` and `is_open`. */
function partColumns({ list }: Spelling): string {
  return `count(*) as rounds, count(capture_id) as linked, count(start_unix) as started,
    ${list('case when is_open then id end')} as open_ids, ${list('start_unix')} as starts`;
}

function toPart(found: Found): Part {
  return {
    rounds: Number(found.rounds),
    linked: Number(found.linked),
    open: idsOf(found, 'open_ids'),
    starts: wholeNumbers(textOf(found, 'starts'), Number(found.started)),
    found,
  };
}

/** Ids, both included. */
interface IdRange {
  fromId: number;
  toId: number;
}

/** So many ids are answered for by one row, whose lists are texts in this process. */
const idsAtOnce = 125_000;

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

/** The ids in passes of this size. */
async function passesOver(reader: Reader, pass: number): Promise<IdRange[]> {
  const span = await spanOfIds(reader);
  const passes: IdRange[] = [];
  for (let fromId = span?.fromId ?? 0; span !== null && fromId <= span.toId; fromId += pass)
    passes.push({ fromId, toId: Math.min(span.toId, fromId + pass - 1) });
  return passes;
}

/** Parts that follow each other as one. */
function joined(parts: readonly Part[]): Part {
  const starts = new Float64Array(parts.reduce((sum, part) => sum + part.starts.length, 0));
  let at = 0;
  for (const part of parts) {
    starts.set(part.starts, at);
    at += part.starts.length;
  }
  return {
    rounds: parts.reduce((sum, { rounds }) => sum + rounds, 0),
    linked: parts.reduce((sum, { linked }) => sum + linked, 0),
    open: parts.flatMap(({ open }) => open),
    starts,
    found: {},
  };
}

/** How one connection counts a pass over the rounds since there are captures: covered, or open. */
async function passReader(
  reader: Reader,
  schema: SourceSchema,
  rules: SettlingRules,
): Promise<(pass: IdRange) => Promise<Part>> {
  const spelling = spellings[reader.dialect];
  await prepareServer(reader);
  const { table, bindings } = await uniformDays(reader, rules);
  const covered = isCovered(schema, spelling, `uniform_days.start_unix + ${secondOfDay}`);
  // PostgreSQL would join all captures again for each pass, and does not conclude which of them there can be.
  const captures = reader.dialect === 'postgres' ? ' and c.round_id between ? and ?' : '';
  const sql = `select ${partColumns(spelling)}
    from (select r.id, c.id as capture_id, ${startOf(spelling)} as start_unix,
        coalesce(${covered}, false) = false as is_open
      from rounds r
      left join ${table} on uniform_days.day = r.round_date
      left join lua_round_teams c on c.round_id = r.id${captures}
      where r.round_number in (1, 2) and ${spelling.plain('r.round_date')} >= ?
        and r.id between ? and ?) as since`;
  return async ({ fromId, toId }) => {
    const ids = [fromId, toId];
    const more = captures === '' ? [] : ids;
    const [found] = await reader.rows<Found>(sql, [...bindings, ...more, rules.exemptBefore, ...ids]);
    return toPart(found!);
  };
}

/** The rounds since there are captures, and how many rows there are at all: one look through the whole table. */
async function readAll(
  database: Database,
  schema: SourceSchema,
  { rules, pass = idsAtOnce, onPass }: Settling,
): Promise<{ counted: Counted; since: Part }> {
  const passes = await passesOver(readerOf(database), pass);
  const readers = new Map<Reader, ReturnType<typeof passReader>>();
  const readerFor = (reader: Reader) => {
    const known = readers.get(reader) ?? passReader(reader, schema, rules);
    readers.set(reader, known);
    return known;
  };
  const parts: Part[] = [];
  let counted: Counted | undefined;
  let done = 0;
  const jobs = passes.map((ids, at) => async (reader: Reader) => {
    const read = await readerFor(reader);
    parts[at] = await read(ids);
    onPass(++done, passes.length);
  });
  await shareOut(database, [
    async (reader) => {
      counted = await countRows(reader);
    },
    ...jobs,
  ]);
  return { counted: counted!, since: joined(parts) };
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

/** How many rows there are, and how many of them are of no round. */
interface Counted {
  rows: number;
  summaries: number;
}

async function countRows(reader: Reader): Promise<Counted> {
  const isInteger = reader.dialect === 'sqlite' ? `typeof(round_number) = 'integer'` : 'true';
  const [found] = await reader.rows<Record<'all_rows' | 'summaries', unknown>>(
    `select count(*) as all_rows, count(*) filter (where round_number is null
       or (round_number not in (1, 2) and ${isInteger})) as summaries from rounds`,
  );
  return { rows: Number(found!.all_rows), summaries: Number(found!.summaries) };
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
  const { counted, since } = await readAll(database, schema, settling);
  const { rows: all, summaries } = counted;
  const closer = await settleOpen(reader, schema, { rules, open: since.open });
  const before = all === summaries + since.rounds ? null : await readBefore(reader, schema, rules);
  const looked = summaries + since.rounds + (before?.rounds ?? 0);
  const strange = all === looked ? [] : await readStrange(reader);
  const exempt = exemptReasons.map((reason) => {
    const column = `exempt_${reason}`;
    return [reason, Number(closer.found[column]) + Number(before?.found[column] ?? 0)];
  });
  return {
    rows: all,
    covered: since.rounds - since.open.length + closer.covered,
    exempt: { ...(Object.fromEntries(exempt) as SettledHistory['exempt']), summary: summaries },
    exemptNear: closer.exempt,
    open: [...closer.open, ...(before?.open ?? []), ...strange],
    linkedCaptures: since.linked + (before?.linked ?? 0),
    starts: merged(since.starts, before?.starts ?? new Float64Array()),
  };
}
