import { present } from './expected.ts';
import { reachAfterSeconds } from './match.ts';
import type { Row } from './model.ts';
import type { PlannedGroup } from './plan.ts';
import type { RowChange } from './row-change.ts';
import { canonicalIdColumn } from './rows.ts';
import { backfillKey, gainedTiming } from './slots.ts';
import type { Want } from './verdict.ts';

/** What repair groups may have in common; `spans` are those of ends. By kind, so that no name need be made of a number. */
interface Names<Of> {
  rounds: Of;
  captures: Of;
  starts: Of;
  spans: Of;
  matches: Of;
  canonicals: Of;
}

/** What one group touches: a few of each, some of them twice. */
type Touched = Names<unknown[]>;
/** What a batch has touched. */
type Taken = Names<Set<unknown>>;

const namesOf = <Of>(none: () => Of): Names<Of> => ({
  rounds: none(),
  captures: none(),
  starts: none(),
  spans: none(),
  matches: none(),
  canonicals: none(),
});

const kinds = Object.keys(namesOf(() => null)) as (keyof Names<unknown>)[];

/** Ends in reach of each other share a span: their own, or the next one. */
function addMoments({ starts, spans }: Touched, startUnix: unknown, endUnix: unknown): void {
  if (typeof startUnix === 'number' && present(startUnix)) starts.push(startUnix);
  if (typeof endUnix !== 'number' || !present(endUnix)) return;
  const span = Math.floor(endUnix / reachAfterSeconds);
  spans.push(span, span + 1);
}

function addRound({ rounds }: Touched, id: unknown): void {
  if (typeof id === 'number') rounds.push(id);
}

function addRow(touched: Touched, row: Row | null): void {
  if (row === null) return;
  const canonical = row[canonicalIdColumn];
  addRound(touched, row.round_id);
  addMoments(touched, row.round_start_unix, row.round_end_unix);
  if (typeof canonical === 'string') touched.canonicals.push(canonical);
}

function addChange(touched: Touched, { table, key, before, after }: RowChange): void {
  if (table === 'rounds') addRound(touched, key.id);
  else touched.matches.push(`${key.match_id}`);
  addRow(touched, before);
  addRow(touched, after);
}

/** A spawn row that is inserted beside another one of its round has no names of its own: players are many. */
function isBeside(change: RowChange, last: RowChange | undefined): boolean {
  if (change.table !== 'lua_spawn_stats' || last?.table !== change.table) return false;
  if (change.before !== null || last.before !== null || change.after === null || last.after === null)
    return false;
  return (
    change.key.match_id === last.key.match_id &&
    change.after.round_id === last.after.round_id &&
    change.after.round_start_unix === last.after.round_start_unix &&
    change.after.round_end_unix === last.after.round_end_unix &&
    change.after[canonicalIdColumn] === last.after[canonicalIdColumn]
  );
}

function addWant(touched: Touched, want: Want, zone: string): void {
  const { startUnix, endUnix } = gainedTiming(want);
  addRound(touched, want.round.id);
  addMoments(touched, startUnix, endUnix);
  touched.captures.push(...want.releases);
  if (want.kind === 'backfill') return void touched.matches.push(backfillKey(want, zone).matchId);
  const { id, matchId, roundId } = want.capture;
  addRound(touched, roundId);
  touched.captures.push(id);
  touched.matches.push(matchId);
}

/**
 * Everything that a repair group reads to ask its preconditions, or writes: rounds, captures, keys of captures and spawn
 * rows, starts, ends and canonical ids. What two groups have nothing of in common, neither sees of the other.
 */
function touchedBy({ group, changes }: PlannedGroup, zone: string): Touched {
  const touched: Touched = namesOf(() => []);
  for (const want of group.wants) addWant(touched, want, zone);
  changes.forEach((change, at) => {
    if (!isBeside(change, changes[at - 1])) addChange(touched, change);
  });
  return touched;
}

const isFree = (touched: Touched, taken: Taken): boolean =>
  kinds.every((kind) => !touched[kind].some((name) => taken[kind].has(name)));

function take(touched: Touched, taken: Taken): void {
  for (const kind of kinds) for (const name of touched[kind]) taken[kind].add(name);
}

/**
 * The groups of a plan in their order, in batches of up to `size`; one that shares a row or a key with an earlier one of
 * its batch begins the next, so that it is asked after that one was written, as it would be alone.
 */
export function batchesOf(
  planned: readonly PlannedGroup[],
  options: { zone: string; size: number },
): PlannedGroup[][] {
  const batches: PlannedGroup[][] = [];
  let taken: Taken = namesOf(() => new Set());
  for (const group of planned) {
    const touched = touchedBy(group, options.zone);
    const batch = batches.at(-1);
    if (batch !== undefined && batch.length < options.size && isFree(touched, taken)) batch.push(group);
    else {
      batches.push([group]);
      taken = namesOf(() => new Set());
    }
    take(touched, taken);
  }
  return batches;
}
