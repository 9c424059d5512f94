import { artifactFits, captureFits, coveringCapture, unfilledSpawns } from './candidates.ts';
import { usualSeconds } from './match.ts';
import type { Round } from './model.ts';
import { durationDiffers } from './sane.ts';
import type { Situation } from './situation.ts';
import { lacksTiming } from './timing.ts';
import type { Flag, Verdict } from './verdict.ts';

function lacksSpawnRows(situation: Situation, roundId: number): boolean {
  const capture = coveringCapture(situation, roundId)?.linked;
  return capture !== undefined && unfilledSpawns(situation, roundId, capture) !== null;
}

/** The remarks on a round (DESIGN, Flags). Only what a verdict rests on is remarked upon. */
export function flagsOf(situation: Situation, round: Round, verdict: Verdict): Flag[] {
  const found: Flag[] = [];
  const trust = situation.trustById.get(round.id);
  if (situation.playedById.get(round.id)?.moved) found.push('time_moved');
  if (trust === 'foreign' || trust === 'shared') found.push('foreign_timing');
  if (verdict === 'covered') {
    if (lacksTiming(round.timing)) found.push('timing_not_propagated');
    if (lacksSpawnRows(situation, round.id)) found.push('no_spawn_rows');
  }
  const pair =
    situation.captures.pairs.get(round.id) ??
    (verdict === 'covered' ? undefined : situation.artifacts.pairs.get(round.id));
  if (pair === undefined) return found;
  if (pair.numberDiffers) found.push('number_differs');
  if (pair.deltaSeconds < 0 || pair.deltaSeconds > usualSeconds) found.push('weak_distance');
  const chosen = [...captureFits(situation, round.id), ...artifactFits(situation, round.id)].find(
    ({ fit }) => fit === pair,
  );
  const member = chosen?.member;
  const timing = member === undefined ? null : 'content' in member ? member.content.timing : member.timing;
  if (timing !== null && durationDiffers(timing)) found.push('duration_differs');
  if (member !== undefined && 'bare' in member && member.bare) found.push('bare_message');
  return found;
}
