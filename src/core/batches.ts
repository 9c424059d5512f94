import { present } from './expected.ts';
import { reachAfterSeconds } from './match.ts';
import type { Row } from './model.ts';
import type { PlannedGroup } from './plan.ts';
import type { RowChange } from './row-change.ts';
import { canonicalIdColumn } from './rows.ts';
import { backfillKey, gainedTiming } from './slots.ts';
import type { Want } from './verdict.ts';

type Names = Set<string>;

/** Ends in reach of each other share a name: that of their span, or of the next one. */
function addMoments(names: Names, startUnix: unknown, endUnix: unknown): void {
  if (typeof startUnix === 'number' && present(startUnix)) names.add(`start ${startUnix}`);
  if (typeof endUnix !== 'number' || !present(endUnix)) return;
  const span = Math.floor(endUnix / reachAfterSeconds);
  names.add(`end ${span}`).add(`end ${span + 1}`);
}

function addRound(names: Names, id: unknown): void {
  if (typeof id === 'number') names.add(`round ${id}`);
}

function addRow(names: Names, row: Row | null): void {
  if (row === null) return;
  const canonical = row[canonicalIdColumn];
  addRound(names, row.round_id);
  addMoments(names, row.round_start_unix, row.round_end_unix);
  if (typeof canonical === 'string') names.add(`canonical ${canonical}`);
}

function addChange(names: Names, { table, key, before, after }: RowChange): void {
  if (table === 'rounds') addRound(names, key.id);
  else names.add(`match ${key.match_id}`);
  addRow(names, before);
  addRow(names, after);
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

function addWant(names: Names, want: Want, zone: string): void {
  const { startUnix, endUnix } = gainedTiming(want);
  addRound(names, want.round.id);
  addMoments(names, startUnix, endUnix);
  for (const id of want.releases) names.add(`capture ${id}`);
  if (want.kind === 'backfill') return void names.add(`match ${backfillKey(want, zone).matchId}`);
  const { id, matchId, roundId } = want.capture;
  addRound(names, roundId);
  names.add(`capture ${id}`).add(`match ${matchId}`);
}

/**
 * Names of everything that a repair group reads to ask its preconditions, or writes: rounds, captures, keys of captures
 * and spawn rows, starts, ends and canonical ids. What two groups have no name of in common, neither sees of the other.
 */
function touched({ group, changes }: PlannedGroup, zone: string): Names {
  const names: Names = new Set();
  for (const want of group.wants) addWant(names, want, zone);
  changes.forEach((change, at) => {
    if (!isBeside(change, changes[at - 1])) addChange(names, change);
  });
  return names;
}

const haveNoneIn = (names: Names, taken: ReadonlySet<string>) => {
  for (const name of names) if (taken.has(name)) return false;
  return true;
};

/**
 * The groups of a plan in their order, in batches of up to `size`; one that shares a row or a key with an earlier one of
 * its batch begins the next, so that it is asked after that one was written, as it would be alone.
 */
export function batchesOf(
  planned: readonly PlannedGroup[],
  options: { zone: string; size: number },
): PlannedGroup[][] {
  const batches: PlannedGroup[][] = [];
  let taken = new Set<string>();
  for (const group of planned) {
    const names = touched(group, options.zone);
    const batch = batches.at(-1);
    if (batch !== undefined && batch.length < options.size && haveNoneIn(names, taken)) batch.push(group);
    else {
      batches.push([group]);
      taken = new Set();
    }
    for (const name of names) taken.add(name);
  }
  return batches;
}
