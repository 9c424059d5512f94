import { present } from './expected.ts';
import { reachAfterSeconds } from './match.ts';
import type { Row } from './model.ts';
import type { PlannedGroup } from './plan.ts';
import type { RowChange } from './row-change.ts';
import { canonicalIdColumn } from './rows.ts';
import { backfillKey, gainedTiming } from './slots.ts';
import type { Want } from './verdict.ts';

/** Ends in reach of each other share a name: that of their span, or of the next one. */
function endNames(endUnix: number): string[] {
  const span = Math.floor(endUnix / reachAfterSeconds);
  return [`end ${span}`, `end ${span + 1}`];
}

function momentNames(startUnix: unknown, endUnix: unknown): string[] {
  const start = typeof startUnix === 'number' && present(startUnix) ? [`start ${startUnix}`] : [];
  return typeof endUnix === 'number' && present(endUnix) ? [...start, ...endNames(endUnix)] : start;
}

const roundName = (id: unknown): string[] => (typeof id === 'number' ? [`round ${id}`] : []);

function rowNames(row: Row | null): string[] {
  if (row === null) return [];
  const canonical = row[canonicalIdColumn];
  return [
    ...roundName(row.round_id),
    ...momentNames(row.round_start_unix, row.round_end_unix),
    ...(typeof canonical === 'string' ? [`canonical ${canonical}`] : []),
  ];
}

function changeNames({ table, key, before, after }: RowChange): string[] {
  const own = table === 'rounds' ? roundName(key.id) : [`match ${key.match_id}`];
  return [...own, ...rowNames(before), ...rowNames(after)];
}

function wantNames(want: Want, zone: string): string[] {
  const { startUnix, endUnix } = gainedTiming(want);
  const names = [...roundName(want.round.id), ...momentNames(startUnix, endUnix)];
  const released = want.releases.map((id) => `capture ${id}`);
  if (want.kind === 'backfill') return [...names, ...released, `match ${backfillKey(want, zone).matchId}`];
  const { id, matchId, roundId } = want.capture;
  return [...names, ...released, ...roundName(roundId), `capture ${id}`, `match ${matchId}`];
}

/**
 * Names of everything that a repair group reads to ask its preconditions, or writes: rounds, captures, keys of captures
 * and spawn rows, starts, ends and canonical ids. What two groups have no name of in common, neither sees of the other.
 */
function touched({ group, changes }: PlannedGroup, zone: string): Set<string> {
  const names = new Set<string>();
  for (const want of group.wants) for (const name of wantNames(want, zone)) names.add(name);
  for (const change of changes) for (const name of changeNames(change)) names.add(name);
  return names;
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
  let taken = new Set<string>();
  for (const group of planned) {
    const names = touched(group, options.zone);
    const batch = batches.at(-1);
    const isFree = () => [...names].every((name) => !taken.has(name));
    if (batch !== undefined && batch.length < options.size && isFree()) batch.push(group);
    else {
      batches.push([group]);
      taken = new Set();
    }
    for (const name of names) taken.add(name);
  }
  return batches;
}
