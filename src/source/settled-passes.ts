import { type Database, type Dialect, type Reader, readerOf } from '../database.ts';
import { shareOut } from '../database-twin.ts';
import type { GivenTable } from './given.ts';
import { existing } from './query.ts';
import { captureColumns } from './rows.ts';
import type { SourceSchema } from './schema.ts';
import type { Found } from './settled-lists.ts';
import { type Part, partColumns, toPart } from './settled-parts.ts';
import { leftOver, type SettlingRules, uniformDays } from './settled-rules.ts';
import { roundsOf, spellings, startOf } from './settling.ts';

/** What SQL settles by, and how. */
export interface Settling {
  rules: SettlingRules;
  /** So many ids are looked at in one pass; the default suits everybody but tests. */
  pass?: number;
  /** Is told how many of the passes over the rows are done. */
  onPass: (done: number, total: number) => void;
}

/** Ids, both included. */
interface IdRange {
  fromId: number;
  toId: number;
}

/** So many ids are answered for by one row, whose lists are texts in this process. SQLite keeps its thread at work for one. */
const idsAtOnce = 62_500;
/** From so many passes on a second connection saves more than it costs. */
const passesOfTwo = 4;
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

/** Whether a history is so long that a second connection to look through it saves time, where there can be one. */
export async function isLong(database: Database, pass = idsAtOnce): Promise<boolean> {
  const span = await spanOfIds(readerOf(database));
  return span !== null && span.toId - span.fromId >= passesOfTwo * pass;
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

/** How many rows there are, how many of them are of no round, and what the passes do not tell of captures. */
export interface Counted {
  rows: number;
  summaries: number;
  /** All captures that are linked to something; null where a pass tells which of them are linked to no round. */
  linked: number | null;
  /** Where it does: those that are linked to an id beyond those of all rows, which no pass comes to. */
  beyond: number;
}

// Where there is no row at all, every linked capture is below this, and none above.
const greatestId = '9223372036854775807';
const capturesBeyond = (id: string, is: '<' | '>') =>
  `(select count(*) from lua_round_teams where round_id ${is} coalesce((select ${id} from rounds)::bigint, ${greatestId}))`;

const capturesToCount: Record<Dialect, string> = {
  sqlite: '(select count(round_id) from lua_round_teams) as linked, 0 as beyond',
  postgres: `null as linked, ${capturesBeyond('min(id)', '<')} + ${capturesBeyond('max(id)', '>')} as beyond`,
};

async function countRows(reader: Reader): Promise<Counted> {
  const isInteger = reader.dialect === 'sqlite' ? `typeof(round_number) = 'integer'` : 'true';
  const [found] = await reader.rows<Found>(
    `select count(*) as all_rows, count(*) filter (where round_number is null
       or (round_number not in (1, 2) and ${isInteger})) as summaries,
       ${capturesToCount[reader.dialect]} from rounds`,
  );
  const { all_rows, summaries, linked, beyond } = found!;
  return {
    rows: Number(all_rows),
    summaries: Number(summaries),
    linked: linked === null ? null : Number(linked),
    beyond: Number(beyond),
  };
}

/**
 * PostgreSQL for one transaction: memory enough to hash a million rows, no compiling of what runs once, and no further
 * processes beside these two connections. SQLite, which reads into this process: few pages are kept of those that are read once.
 */
const prepareServer = (reader: Reader) =>
  reader.rows(
    reader.dialect === 'postgres'
      ? `select set_config('work_mem', '64MB', true), set_config('jit', 'off', true),
         set_config('max_parallel_workers_per_gather', '0', true)`
      : 'pragma cache_size = -2000',
  );

/** The rounds of a pass with their captures. */
interface PassRows {
  from: string;
  /** How often the ids of the pass are bound in it, before everything else of it. */
  idsBound: number;
}

/**
 * PostgreSQL merges both by id, and meets captures of no round on the way; it does not conclude from the ids of the rounds
 * which captures there can be. SQLite would look through everything once more for captures of no round.
 */
function passRows(dialect: Dialect, schema: SourceSchema, days: GivenTable): PassRows {
  const spelling = spellings[dialect];
  const rounds = roundsOf(schema, spelling);
  const ofDay = `left join ${days.table} on uniform_days.day = r.round_date`;
  const isSince = `${spelling.plain('r.round_date')} >= ?`;
  if (dialect === 'sqlite') {
    const from = `${rounds} r ${ofDay} left join lua_round_teams c on c.round_id = r.id
      where r.round_number in (1, 2) and r.id between ? and ? and ${isSince}`;
    return { from, idsBound: 1 };
  }
  const captures = existing(captureColumns, schema.columns.captures);
  const from = `(select * from ${rounds} as timed where round_number in (1, 2) and id between ? and ?) as r
    full join (select ${captures} from lua_round_teams where round_id between ? and ?) as c on c.round_id = r.id
    ${ofDay} where r.id is null or ${isSince}`;
  return { from, idsBound: 2 };
}

/** What one connection is prepared to. */
interface HistoryReader {
  count(): Promise<Counted>;
  /** A pass over the rounds since there are captures. */
  pass(ids: IdRange): Promise<Part>;
}

async function historyReader(
  reader: Reader,
  schema: SourceSchema,
  rules: SettlingRules,
): Promise<HistoryReader> {
  const spelling = spellings[reader.dialect];
  await prepareServer(reader);
  const days = await uniformDays(reader, rules);
  const left = await leftOver(reader, schema, rules);
  const { from, idsBound } = passRows(reader.dialect, schema, days);
  const sql = `select ${partColumns(spelling)}
    from (select r.id, c.id as capture_id, ${startOf(spelling)} as start_unix,
        ${left.expression} as left_over from ${from}) as since`;
  return {
    count: () => countRows(reader),
    pass: async ({ fromId, toId }) => {
      const ids = Array.from({ length: idsBound }, () => [fromId, toId]).flat();
      const bindings = [...left.bindings, ...ids, ...days.bindings, rules.exemptBefore];
      const [found] = await reader.rows<Found>(sql, bindings);
      return toPart(found!);
    },
  };
}

/** The rounds since there are captures, and how many rows there are at all. */
export async function readSince(
  database: Database,
  schema: SourceSchema,
  { rules, pass = idsAtOnce, onPass }: Settling,
): Promise<{ counted: Counted; parts: Part[] }> {
  const ranges = await passesOver(readerOf(database), pass);
  const parts: Part[] = [];
  let counted: Counted | undefined;
  let done = 0;
  const counting = async (reader: HistoryReader) => {
    counted = await reader.count();
  };
  const looking = ranges.map((ids, at) => async (reader: HistoryReader) => {
    parts[at] = await reader.pass(ids);
    onPass(++done, ranges.length);
  });
  await shareOut(database, {
    prepare: (reader) => historyReader(reader, schema, rules),
    work: [counting, ...looking],
  });
  return { counted: counted!, parts };
}
