import { canonicalJson } from './canonical.ts';
import { incidentKey } from './expected.ts';
import type { Capture, Round } from './model.ts';
import { candidateNumber, normaliseMap } from './names.ts';
import { refuse } from './refusal.ts';
import type { ChangeFacts, StoredCapture } from './row-change.ts';
import { backfillKey, isSameCapture } from './slots.ts';
import type { Want } from './verdict.ts';

/** What each repair of a group brings to its round. */
export interface Gain {
  want: Want;
  /** The capture's key, under which its spawn rows stand. */
  matchId: string;
  number: number;
  map: string | null;
  /** The round that the capture leaves. */
  leaves: number | null;
}

export function checkRound(want: Want, facts: ChangeFacts): void {
  const found = facts.rounds.get(want.round.id)?.round;
  if (found === undefined) refuse('round_gone', `round ${want.round.id} is gone`);
  const facing = ({ id, status, isValid, isBot, number }: Round) =>
    JSON.stringify([id, number, status, isValid, isBot]);
  if (incidentKey(found) !== want.key || facing(found) !== facing(want.round))
    refuse('round_changed', `round ${want.round.id} is not what it was when the plan was made`);
}

export function checkCapture(want: Want, facts: ChangeFacts): Gain {
  if (want.kind === 'backfill') {
    const key = backfillKey(want, facts.zone);
    const content = want.artifact.content;
    const there = facts.captures.find(
      (capture) =>
        (capture.matchId === key.matchId && capture.number === key.number) || isSameCapture(capture, content),
    );
    if (there !== undefined)
      refuse(
        'capture_exists',
        `capture ${there.id} (${there.matchId} R${there.number}) is there by now; the live pipeline wins`,
      );
    return { want, ...key, map: content.map, leaves: null };
  }
  const planned = want.capture;
  const found = facts.captures.find((capture) => capture.id === planned.id);
  if (found === undefined) refuse('capture_gone', `capture ${planned.id} is gone`);
  const says = ({ matchId, number, map, timing }: Pick<Capture, 'matchId' | 'number' | 'map' | 'timing'>) =>
    canonicalJson([matchId, candidateNumber(number), normaliseMap(map), { ...timing }]);
  if (says(found) !== says(planned))
    refuse('capture_changed', `capture ${planned.id} is not what it was when the plan was made`);
  if (found.roundId !== planned.roundId)
    refuse(
      'link_changed',
      `capture ${planned.id} is linked to ${found.roundId} by now, not ${planned.roundId}`,
    );
  const leaves = want.kind === 'relink' ? found.roundId : null;
  return { want, matchId: found.matchId, number: found.number, map: found.map, leaves };
}

/** Captures whose link is cleared or moved, by id. */
export function leavingCaptures(gains: readonly Gain[], facts: ChangeFacts): StoredCapture[] {
  const moved = new Set(gains.flatMap(({ want }) => (want.kind === 'relink' ? [want.capture.id] : [])));
  const released = new Set(gains.flatMap(({ want }) => (want.kind === 'complete' ? [] : want.releases)));
  const gaining = new Set(gains.map(({ want }) => want.round.id));
  return facts.captures.filter(
    ({ id, roundId }) => moved.has(id) || (released.has(id) && roundId !== null && gaining.has(roundId)),
  );
}

export function checkSlots(
  gains: readonly Gain[],
  leaving: readonly StoredCapture[],
  facts: ChangeFacts,
): void {
  for (const { want } of gains) {
    if (want.kind === 'complete') continue;
    const stuck = facts.captures.find(
      (capture) => capture.roundId === want.round.id && !leaving.includes(capture),
    );
    if (stuck !== undefined)
      refuse(
        'slot_taken',
        `capture ${stuck.id} (${stuck.matchId} R${stuck.number}) is linked to round ${want.round.id}`,
      );
  }
}
