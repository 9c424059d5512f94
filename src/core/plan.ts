import { canonicalJson, hashOf } from './canonical.ts';
import type { Capture, Json, Row } from './model.ts';
import type { RowChange } from './row-change.ts';
import { holdersInTheWay } from './slots.ts';
import type { ChangeBasis } from './untouched.ts';
import type { Want } from './verdict.ts';

/** Repairs that depend on each other: one transaction, one `repair.started`, one `revert`. */
export interface RepairGroup {
  /** In the order of play. */
  wants: readonly [Want, ...Want[]];
}

/**
 * Joins the repairs that depend on each other: one frees the slot that the other needs (DESIGN, Groups).
 * The order of the input does not matter.
 */
export function groupRepairs(
  wants: readonly Want[],
  linkedTo: ReadonlyMap<number, readonly Capture[]>,
): RepairGroup[] {
  const byCapture = new Map(
    wants.flatMap((want) => (want.kind === 'relink' ? [[want.capture.id, want]] : [])),
  );
  const parent = new Map<Want, Want>(wants.map((want) => [want, want]));
  const root = (want: Want): Want => {
    let top = want;
    while (parent.get(top) !== top) top = parent.get(top)!;
    return top;
  };
  for (const want of wants)
    for (const holder of holdersInTheWay(want, linkedTo)) {
      const mover = byCapture.get(holder.id);
      if (mover !== undefined) parent.set(root(want), root(mover));
    }
  const groups = new Map<Want, Want[]>();
  for (const want of wants) groups.set(root(want), [...(groups.get(root(want)) ?? []), want]);
  return [...groups.values()]
    .map((members) => ({ wants: members.sort(inOrder) as [Want, ...Want[]] }))
    .sort((a, b) => inOrder(a.wants[0], b.wants[0]));
}

/** In the order of play, so that people read repairs as they remember the evening. */
function inOrder(a: Want, b: Want): number {
  const order = (want: Want) => `${want.round.date} ${want.round.time} ${want.key}`;
  if (order(a) !== order(b)) return order(a) < order(b) ? -1 : 1;
  return a.round.id - b.round.id;
}

/** A repair as the ledger, the plan and people name it. */
export interface RepairSummary {
  kind: Want['kind'];
  incident: string;
  roundId: number;
  matchId: string | null;
  captureId: number | null;
  path: string | null;
  sha256: string | null;
  deltaSeconds: number;
  releases: readonly number[];
}

export function summarise(want: Want): RepairSummary {
  return {
    captureId: want.kind === 'backfill' ? null : want.capture.id,
    deltaSeconds: want.deltaSeconds,
    incident: want.key,
    kind: want.kind,
    matchId: want.round.matchId,
    path: want.artifact?.path ?? null,
    releases: want.releases,
    roundId: want.round.id,
    sha256: want.artifact?.sha256 ?? null,
  };
}

/** A repair group with the rows that it changes. */
export interface PlannedGroup {
  group: RepairGroup;
  changes: readonly RowChange[];
  /** The other rounds in reach of its candidates: a new one at the moment of writing refuses the group. */
  rivals: readonly number[];
  /** Where nothing but its round bore on it (`isUntouched`): what its changes were built for. */
  untouched?: ChangeBasis;
}

/** Row ids differ between two installations; what they point to does not. */
export type IdentityOf = (roundId: number) => string;

function withoutIds(change: RowChange, identityOf: IdentityOf): Json {
  const link = (row: Row | null): Json => {
    if (row === null) return null;
    const roundId = row.round_id;
    return typeof roundId === 'number' ? { ...row, round_id: identityOf(roundId) } : row;
  };
  const key: Json = change.table === 'rounds' ? { round: identityOf(change.key.id as number) } : change.key;
  return { table: change.table, key, before: link(change.before), after: link(change.after) };
}

/**
 * SHA-256 over the canonical JSON of the planned repairs, sorted: kind, round identity, old and new
 * values, artifact SHA-256. No run, source, moment or generated id, so the same state of two databases
 * gives the same fingerprint, and passing time does not change it (DESIGN, Repairs).
 */
export function fingerprint(planned: readonly PlannedGroup[], identityOf: IdentityOf): string {
  const described = planned.map(({ group, changes }): Json => {
    const repairs = group.wants.map((want): Json => {
      const { kind, incident, sha256 } = summarise(want);
      return { kind, round: incident, artifact: sha256 };
    });
    const rows = changes.map((change) => withoutIds(change, identityOf));
    return { repairs, rows: rows.map(canonicalJson).sort() };
  });
  return hashOf(described.map(canonicalJson).sort());
}
