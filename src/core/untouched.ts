import { sameJson } from './canonical.ts';
import type { Json } from './model.ts';
import type { ChangeFacts } from './row-change.ts';
import type { SourceColumns } from './rows.ts';
import type { Want } from './verdict.ts';

/** What the changes of an untouched backfill follow from, besides the repair that is wanted. */
export type ChangeBasis = Pick<ChangeFacts, 'columns' | 'zone'>;

/**
 * Whether nothing but its own round bears on a single backfill, and that reads as it was judged: no capture and no spawn
 * row is near, the round has no canonical id, and nobody has one that might be its own. `buildChanges` answers the same
 * for any two such facts of one basis, so that the second time it need not be asked.
 */
export function isUntouched(wants: readonly Want[], facts: ChangeFacts): boolean {
  const { rounds, captures, spawns, canonicalHolders } = facts;
  const want = wants[0]!;
  if (wants.length > 1 || want.kind !== 'backfill' || rounds.size > 1) return false;
  if (captures.length > 0 || spawns.length > 0 || canonicalHolders.size > 0) return false;
  const found = rounds.get(want.round.id);
  if (found === undefined || found.canonicalId !== null) return false;
  return sameJson(found.round as unknown as Json, want.round as unknown as Json);
}

/** Whether two sources have the same columns, and the same zone is counted with. */
export function isSameBasis(one: ChangeBasis, other: ChangeBasis): boolean {
  return one.zone === other.zone && sameColumns(one.columns, other.columns);
}

function sameColumns(one: SourceColumns, other: SourceColumns): boolean {
  if (one === other) return true;
  return (['rounds', 'captures', 'spawns'] as const).every((table) => sameNames(one[table], other[table]));
}

function sameNames(one: ReadonlySet<string> | null, other: ReadonlySet<string> | null): boolean {
  if (one === null || other === null) return one === other;
  if (one.size !== other.size) return false;
  for (const name of one) if (!other.has(name)) return false;
  return true;
}
