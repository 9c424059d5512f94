import { present } from './expected.ts';
import type { Capture, Timing } from './model.ts';
import { candidateNumber, normaliseMap } from './names.ts';
import { localStamp } from './time.ts';
import { gainTiming, withoutTimingOf } from './timing.ts';
import type { Want } from './verdict.ts';

/** Why a repair that was asked for cannot be made. */
export type Obstacle = { reason: 'slot_taken' | 'key_taken' | 'timing_in_the_way'; because: string };

/** What the source holds, as far as repairs can collide with it. */
export interface Holdings {
  /** The captures whose `round_id` is this round. */
  linkedTo: ReadonlyMap<number, readonly Capture[]>;
  captures: readonly Capture[];
  zone: string;
}

/** The timing that a repair brings. */
export function gainedTiming(want: Want): Timing {
  return want.kind === 'backfill' ? want.artifact.content.timing : want.capture.timing;
}

/** The captures that stand in the slot of the round which a repair needs. */
export function holdersInTheWay(want: Want, linkedTo: Holdings['linkedTo']): Capture[] {
  if (want.kind === 'complete') return [];
  const own = want.kind === 'relink' ? want.capture.id : null;
  return (linkedTo.get(want.round.id) ?? []).filter((capture) => capture.id !== own);
}

/** `<match_id>|<round_number>`: the unique key that a backfilled artifact gets (DOMAIN, section 3). */
export function backfillKey(
  want: Extract<Want, { kind: 'backfill' }>,
  zone: string,
): { matchId: string; number: 1 | 2 } {
  const { timing, number } = want.artifact.content;
  return { matchId: localStamp(timing.endUnix, zone), number };
}

/** Whether two rows say that they are the same round's capture: map, number, and start or end. */
export function isSameCapture(
  one: { map: string | null; number: number; timing: Timing },
  other: { map: string | null; number: number; timing: Timing },
): boolean {
  if (
    candidateNumber(one.number) !== candidateNumber(other.number) ||
    normaliseMap(one.map) !== normaliseMap(other.map)
  )
    return false;
  const sameStart = present(one.timing.startUnix) && one.timing.startUnix === other.timing.startUnix;
  const sameEnd = present(one.timing.endUnix) && one.timing.endUnix === other.timing.endUnix;
  return sameStart || sameEnd;
}

function keyObstacle(
  want: Want,
  captures: ReadonlyMap<string, readonly Capture[]>,
  zone: string,
): Obstacle | null {
  if (want.kind !== 'backfill') return null;
  const key = backfillKey(want, zone);
  const content = want.artifact.content;
  const near = [...(captures.get(key.matchId) ?? []), ...(captures.get(normaliseMap(content.map)) ?? [])];
  const taken = near.find(
    (capture) =>
      (capture.matchId === key.matchId && capture.number === key.number) || isSameCapture(capture, content),
  );
  if (taken === undefined) return null;
  return {
    reason: 'key_taken',
    because: `capture ${taken.id} (${taken.matchId} R${taken.number}, ${taken.map}) is already stored where this artifact would go`,
  };
}

/** Captures by `match_id` and by map, the two ways in which a stored one is asked for. */
function indexCaptures(captures: readonly Capture[]): Map<string, Capture[]> {
  const index = new Map<string, Capture[]>();
  for (const capture of captures)
    for (const key of [capture.matchId, normaliseMap(capture.map)]) {
      const entry = index.get(key);
      if (entry) entry.push(capture);
      else index.set(key, [capture]);
    }
  return index;
}

function slotObstacle(want: Want, holders: readonly Capture[], moving: ReadonlySet<number>): Obstacle | null {
  const stuck = holders.find((holder) => !moving.has(holder.id) && !want.releases.includes(holder.id));
  if (stuck === undefined) return null;
  return {
    reason: 'slot_taken',
    because: `capture ${stuck.id} (${stuck.matchId} R${stuck.number}, ${stuck.map}) is linked to this round and has no other round to go to`,
  };
}

function timingObstacle(want: Want, holders: readonly Capture[]): Obstacle | null {
  // What a completion cannot fill it leaves alone.
  if (want.kind === 'complete') return null;
  const own = holders.reduce((timing, holder) => withoutTimingOf(timing, holder.timing), want.round.timing);
  const gained = gainedTiming(want);
  if (gainTiming(own, gained, { foreign: want.foreignTiming }) !== null) return null;
  return {
    reason: 'timing_in_the_way',
    because:
      `the round carries start ${own.startUnix} and end ${own.endUnix}, the candidate ${gained.startUnix} and ` +
      `${gained.endUnix}, and nothing proves the round's own values wrong`,
  };
}

/**
 * Which of the repairs asked for cannot be made (DESIGN, Groups). A wrong holder of a round moves only
 * if its own relink stands in the same plan, so one obstacle can cause others: asked until nothing changes.
 */
export function findObstacles(wants: readonly Want[], holdings: Holdings): Map<Want, Obstacle> {
  const index = indexCaptures(holdings.captures);
  const obstacles = new Map<Want, Obstacle>();
  for (const want of wants) {
    const obstacle =
      keyObstacle(want, index, holdings.zone) ??
      timingObstacle(want, holdersInTheWay(want, holdings.linkedTo));
    if (obstacle !== null) obstacles.set(want, obstacle);
  }
  for (let changed = true; changed; ) {
    changed = false;
    const alive = wants.filter((want) => !obstacles.has(want));
    const moving = new Set(alive.flatMap((want) => (want.kind === 'relink' ? [want.capture.id] : [])));
    for (const want of alive) {
      const obstacle = slotObstacle(want, holdersInTheWay(want, holdings.linkedTo), moving);
      if (obstacle === null) continue;
      obstacles.set(want, obstacle);
      changed = true;
    }
  }
  return obstacles;
}
