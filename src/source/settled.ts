import { type ExemptReason, exemptReasons } from '../core/expected.ts';
import { type Database, rows } from '../database.ts';
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
async function prepareServer(database: Database): Promise<void> {
  if (database.dialect === 'postgres')
    await rows(database, `select set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`);
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
const idsAtOnce = 250_000;

/** PostgreSQL, which would join all captures again for each pass, makes a single one, and answers with several rows. */
async function passesOver(database: Database): Promise<IdRange[]> {
  const [found] = await rows<Record<'first' | 'last', unknown>>(
    database,
    'select (select min(id) from rounds) as first, (select max(id) from rounds) as last',
  );
  const [first, last] = [Number(found!.first), Number(found!.last)];
  const size = database.dialect === 'sqlite' ? idsAtOnce : Number.POSITIVE_INFINITY;
  const passes: IdRange[] = [];
  for (let fromId = first; fromId <= last; fromId += size)
    passes.push({ fromId, toId: Math.min(last, fromId + size - 1) });
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

/** The rounds since there are captures: covered, or open. */
async function readSince(
  database: Database,
  schema: SourceSchema,
  of: { rules: SettlingRules; onPass: (done: number, total: number) => void },
): Promise<Part> {
  const spelling = spellings[database.dialect];
  const { table, bindings } = await uniformDays(database, of.rules);
  const covered = isCovered(schema, spelling, `uniform_days.start_unix + ${secondOfDay}`);
  const passes = await passesOver(database);
  const group = database.dialect === 'postgres' ? `group by id / ${idsAtOnce}` : '';
  const parts: Part[] = [];
  for (const [at, { fromId, toId }] of passes.entries()) {
    const found = await rows<Found>(
      database,
      `select ${partColumns(spelling)}
       from (select r.id, c.id as capture_id, ${startOf(spelling)} as start_unix,
           coalesce(${covered}, false) = false as is_open
         from rounds r
         left join ${table} on uniform_days.day = r.round_date
         left join lua_round_teams c on c.round_id = r.id
         where r.round_number in (1, 2) and ${spelling.plain('r.round_date')} >= ?
           and r.id between ? and ?) as since ${group}`,
      [...bindings, of.rules.exemptBefore, fromId, toId],
    );
    parts.push(...found.map(toPart));
    of.onPass(at + 1, passes.length);
  }
  return joined(parts);
}

/** The rounds of before there were captures, and those without a date: exempt, or open. */
async function readBefore(database: Database, schema: SourceSchema, rules: SettlingRules): Promise<Part> {
  const { dialect } = database;
  const spelling = spellings[dialect];
  const isReadable = `not (${malformed(dialect).replaceAll('?', '\\?')})`;
  const [found] = await rows<Found>(
    database,
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

/**
 * Looks at every row and counts what SQL can be sure of: the core would say the same of each (DESIGN, "SQL may count"),
 * provided that its start is no other row's and that nothing is near, which is for the caller to see to. To be called
 * inside a snapshot, and where `canSettle`. `onPass` is told how many of the passes over the rows are done.
 */
export async function readSettled(
  database: Database,
  schema: SourceSchema,
  rules: SettlingRules,
  onPass: (done: number, total: number) => void,
): Promise<SettledHistory> {
  await prepareServer(database);
  const { rows: all, summaries } = await countRows(database);
  const since = await readSince(database, schema, { rules, onPass });
  const closer = await settleOpen(database, schema, { rules, open: since.open });
  const before = all === summaries + since.rounds ? null : await readBefore(database, schema, rules);
  const counted = summaries + since.rounds + (before?.rounds ?? 0);
  const strange = all === counted ? [] : await readStrange(database);
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
