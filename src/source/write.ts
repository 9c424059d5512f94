import { advisoryLockKey, canonicalJson } from '../core/canonical.ts';
import { buildChanges } from '../core/change.ts';
import { present } from '../core/expected.ts';
import type { Json, Row } from '../core/model.ts';
import { candidateNumber } from '../core/names.ts';
import { type Refusal, Refused, refuse } from '../core/refusal.ts';
import { changedColumns, type RowChange, rowName } from '../core/row-change.ts';
import { hashedPart, type Table } from '../core/rows.ts';
import { gainedTiming } from '../core/slots.ts';
import type { Want } from '../core/verdict.ts';
import { type Database, isLockTimeout, rows, transact } from '../database.ts';
import { messageOf } from '../errors.ts';
import { loadFacts } from './facts.ts';
import { rivalsInReach } from './rivals.ts';
import { fromRow, toRow } from './rows.ts';
import type { SourceSchema } from './schema.ts';

const lockTimeout = '2s';

/** What a repair or a revert came to. A refusal left the source as it was. */
export type Written = { written: true } | { written: false; refusal: Refusal };

const notAsPlanned = (because: string) => new Refused('not_as_planned', because);

/** Points at which a test may kill the process: after the writes, before the commit. */
export type BeforeCommit = () => void | Promise<void>;

/** A lock that this transaction waits for longer than two seconds is not to be had. SQLite has its own limit. */
export async function limitWaiting(inside: Database): Promise<void> {
  if (inside.dialect === 'postgres') await inside.knex.raw(`set local lock_timeout = '${lockTimeout}'`);
}

/** Runs writes in one transaction that gives up on a lock after two seconds, and turns refusals into values. */
async function writing(database: Database, work: (inside: Database) => Promise<void>): Promise<Written> {
  try {
    await transact(database, async (inside) => {
      await limitWaiting(inside);
      await work(inside);
    });
    return { written: true };
  } catch (thrown) {
    if (thrown instanceof Refused) return { written: false, refusal: thrown.refusal };
    if (isLockTimeout(thrown))
      return {
        written: false,
        refusal: {
          reason: 'busy',
          because: 'somebody else holds a lock on these rows; tried again next run',
        },
      };
    if (isRejection(thrown))
      return { written: false, refusal: { reason: 'rejected', because: messageOf(thrown) } };
    throw thrown;
  }
}

/** The database refused these values or this role: nothing was written, and other repairs may still go well. */
function isRejection(thrown: unknown): boolean {
  return /^(22|23|42|SQLITE_CONSTRAINT|SQLITE_READONLY)/.test(
    String((thrown as { code?: unknown }).code ?? ''),
  );
}

/** The pipeline's own advisory locks on the captures of a group, in one order for everybody. */
export async function takeAdvisoryLocks(database: Database, keys: readonly bigint[]): Promise<void> {
  if (database.dialect !== 'postgres') return;
  const sorted = [...new Set(keys)].sort((a, b) => (a < b ? -1 : 1));
  for (const key of sorted) await rows(database, 'select pg_advisory_xact_lock(?::bigint)', [key.toString()]);
}

function lockKeysOf(wants: readonly Want[]): bigint[] {
  return wants.flatMap((want) => {
    const { startUnix } = gainedTiming(want);
    const { map, number } = want.kind === 'backfill' ? want.artifact.content : want.capture;
    return present(startUnix) ? [advisoryLockKey(map, candidateNumber(number) ?? number, startUnix)] : [];
  });
}

/** The lock keys of the captures that some changes touch, as they are recorded. */
export function lockKeysOfChanges(changes: readonly RowChange[]): bigint[] {
  return changes.flatMap(({ table, before, after }) => {
    const row = after ?? before ?? {};
    if (table !== 'lua_round_teams' || typeof row.round_start_unix !== 'number') return [];
    const number = candidateNumber(row.round_number as number) ?? (row.round_number as number);
    return [advisoryLockKey(row.map_name as string | null, number, row.round_start_unix)];
  });
}

function where(change: RowChange): Record<string, string | number> {
  return change.key as Record<string, string | number>;
}

async function readByKey(database: Database, change: RowChange, lock: boolean): Promise<Row | null> {
  const columns = Object.keys(change.after ?? change.before ?? {});
  let select = database.knex(change.table).select(columns).where(where(change));
  if (lock && database.dialect === 'postgres') select = select.forUpdate();
  const found = await select;
  if (found.length > 1)
    throw new Error(`${change.table} has ${found.length} rows for ${JSON.stringify(change.key)}`);
  return found.length === 0 ? null : hashedPart(toRow(found[0]));
}

/** The present state of the rows that some changes speak of. */
export async function readChangedRows(
  database: Database,
  changes: readonly RowChange[],
  options: { lock: boolean },
): Promise<(Row | null)[]> {
  const present: (Row | null)[] = [];
  for (const change of changes) present.push(await readByKey(database, change, options.lock));
  return present;
}

export function sameRow(one: Row | null, other: Row | null): boolean {
  return canonicalJson(one as Json) === canonicalJson(other as Json);
}

async function exactlyOne(count: number | Promise<number>, what: string): Promise<void> {
  const changed = await count;
  if (changed !== 1) throw notAsPlanned(`${what} touched ${changed} rows instead of one`);
}

/** The columns of a table that are unique on their own: cleared in all rows first, then set. */
const uniqueColumn: Partial<Record<Table, string>> = {
  lua_round_teams: 'round_id',
  rounds: 'round_canonical_id',
};

async function clearUnique(database: Database, change: RowChange): Promise<void> {
  const column = uniqueColumn[change.table];
  if (column === undefined || change.before === null || change.after === null) return;
  if (change.before[column] == null || !changedColumns(change).includes(column)) return;
  await exactlyOne(
    database
      .knex(change.table)
      .where(where(change))
      .update({ [column]: null }),
    `clearing ${change.table}`,
  );
}

/** Writes row changes: links are cleared first, then set, so that a unique column never meets itself half-way. */
async function writeChanges(
  database: Database,
  changes: readonly RowChange[],
  options: { capturedAt: string; columns: SourceSchema['columns'] },
): Promise<void> {
  for (const change of changes) await clearUnique(database, change);
  for (const change of changes.filter(({ after }) => after === null))
    await exactlyOne(
      database.knex(change.table).where(where(change)).delete(),
      `deleting from ${change.table}`,
    );
  const stamped: Record<Table, boolean> = {
    rounds: false,
    lua_round_teams: options.columns.captures.has('captured_at'),
    lua_spawn_stats: options.columns.spawns?.has('captured_at') ?? false,
  };
  for (const change of changes) {
    if (change.after === null) continue;
    const row = fromRow(change.after, database.dialect);
    if (change.before === null) {
      const stamp = stamped[change.table] ? { captured_at: options.capturedAt } : {};
      await database.knex(change.table).insert({ ...row, ...stamp });
    } else {
      const columns = changedColumns(change);
      const update = Object.fromEntries(columns.map((column) => [column, row[column]]));
      await exactlyOne(
        database.knex(change.table).where(where(change)).update(update),
        `updating ${change.table}`,
      );
    }
  }
  const written = await readChangedRows(database, changes, { lock: false });
  changes.forEach((change, at) => {
    if (!sameRow(written[at]!, change.after))
      throw notAsPlanned(`${rowName(change)} does not read back as it was written`);
  });
}

/** Without a unique (`round_id`) nothing but a table lock keeps another session from linking to the same round. */
async function guardLinks(database: Database, schema: SourceSchema): Promise<void> {
  if (database.dialect === 'postgres' && !schema.uniqueRoundId)
    await database.knex.raw('lock table lua_round_teams in share row exclusive mode');
}

async function assertNoNewRival(database: Database, request: GroupRequest): Promise<void> {
  const { wants, rivals, schema, zone } = request;
  const known = new Set(rivals);
  for (const [roundId, others] of await rivalsInReach(database, wants, { schema, zone })) {
    const appeared = others.find((id) => !known.has(id));
    if (appeared !== undefined)
      refuse(
        'rival_appeared',
        `round ${appeared} is in reach of what is planned for round ${roundId}, and was not there before`,
      );
  }
}

/** One repair group as it was planned and recorded. */
export interface GroupRequest {
  wants: readonly Want[];
  changes: readonly RowChange[];
  /** The other rounds in reach of its candidates, as the plan knew them. */
  rivals: readonly number[];
  /** The `at` of its `repair.started`: the `captured_at` of every row that it inserts. */
  capturedAt: string;
  schema: SourceSchema;
  zone: string;
  beforeCommit?: BeforeCommit;
}

/**
 * Makes one repair group true, whole or not at all: under the pipeline's locks, with every precondition
 * asked again on locked rows, exact row counts, and the written rows read back (DESIGN, Repairs).
 */
export async function writeGroup(database: Database, request: GroupRequest): Promise<Written> {
  const { wants, changes, capturedAt, schema, zone } = request;
  return writing(database, async (inside) => {
    await takeAdvisoryLocks(inside, [...lockKeysOf(wants), ...lockKeysOfChanges(changes)]);
    await guardLinks(inside, schema);
    await assertNoNewRival(inside, request);
    const facts = (await loadFacts(inside, wants, { schema, zone, lock: true })).of(wants);
    const built = buildChanges(wants, facts);
    if ('refusal' in built) return refuse(built.refusal.reason, built.refusal.because);
    if (canonicalJson(built.changes as unknown as Json) !== canonicalJson(changes as unknown as Json))
      refuse('changed_since_planned', 'the rows are not what they were when the plan was made');
    await writeChanges(inside, changes, { capturedAt, columns: schema.columns });
    await request.beforeCommit?.();
  });
}

/** A revert as it was recorded. */
export interface RevertRequest {
  /** What undoes the repair: inverted changes, in the order in which they are to be written. */
  changes: readonly RowChange[];
  at: string;
  schema: SourceSchema;
  beforeCommit?: BeforeCommit;
}

async function assertUnreferenced(database: Database, request: RevertRequest): Promise<void> {
  for (const change of request.changes) {
    if (change.table !== 'lua_round_teams' || change.after !== null) continue;
    for (const reference of request.schema.references) {
      const found = await database
        .knex(reference.table)
        .join(
          'lua_round_teams',
          `${reference.table}.${reference.column}`,
          `lua_round_teams.${reference.target}`,
        )
        .where({
          'lua_round_teams.match_id': change.key.match_id,
          'lua_round_teams.round_number': change.key.round_number,
        } as object)
        .limit(1)
        .select(database.knex.raw('1'));
      if (found.length > 0)
        refuse(
          'referenced',
          `${reference.table}.${reference.column} refers to capture ${change.key.match_id} R${change.key.round_number}`,
        );
    }
  }
}

/** A slot that the restored row needs and that somebody else has taken since. */
async function assertSlotsFree(database: Database, request: RevertRequest): Promise<void> {
  const own = new Set(request.changes.map((change) => JSON.stringify(change.key)));
  for (const change of request.changes) {
    const roundId = change.after?.round_id;
    if (change.table !== 'lua_round_teams' || typeof roundId !== 'number') continue;
    const holders = await database
      .knex('lua_round_teams')
      .select('id', 'match_id', 'round_number')
      .where({ round_id: roundId });
    const taken = holders.find(
      ({ match_id, round_number }) => !own.has(JSON.stringify({ match_id, round_number })),
    );
    if (taken !== undefined)
      refuse(
        'slot_taken',
        `capture ${taken.id} (${taken.match_id} R${taken.round_number}) is linked to round ${roundId} by now`,
      );
  }
}

/** Undoes exactly what one repair group changed, if every row is still as it left it. */
export async function writeRevert(database: Database, request: RevertRequest): Promise<Written> {
  return writing(database, async (inside) => {
    await takeAdvisoryLocks(inside, lockKeysOfChanges(request.changes));
    const current = await readChangedRows(inside, request.changes, { lock: true });
    request.changes.forEach((change, at) => {
      if (sameRow(current[at]!, change.before)) return;
      const state = current[at] === null ? 'is gone' : 'has changed';
      refuse('changed_since', `${rowName(change)} ${state} since the repair`);
    });
    await assertUnreferenced(inside, request);
    await assertSlotsFree(inside, request);
    await writeChanges(inside, request.changes, { capturedAt: request.at, columns: request.schema.columns });
    await request.beforeCommit?.();
  });
}
