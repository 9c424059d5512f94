import type { Capture } from './model.ts';
import type { Situation } from './situation.ts';

/** An instant range, half-open, unix seconds. */
export interface InstantRange {
  fromUnix: number;
  toUnix: number;
}

/** A capture or artifact that fits no round, with an end inside the window (DESIGN, Matching 8). */
export interface Orphans {
  captures: {
    captureId: number;
    matchId: string;
    map: string | null;
    number: number;
    endUnix: number;
    roundId: number | null;
  }[];
  artifacts: {
    path: string;
    sha256: string | null;
    map: string;
    number: number;
    endUnix: number;
    state: string;
  }[];
}

const inside = (range: InstantRange, unix: number) => unix >= range.fromUnix && unix < range.toUnix;

/** Whether an instant is in one of the ranges. */
export function insideAny(ranges: readonly InstantRange[], unix: number): boolean {
  return ranges.some((range) => inside(range, unix));
}

/** What was counted and listed, but is nobody's. Nothing is ever written for it. */
export function findOrphans(situation: Situation, range: InstantRange): Orphans {
  const captures = [...situation.captureGroups.values()]
    .filter((group) => !situation.captures.reachOf.has(group.id) && inside(range, group.endUnix))
    .flatMap((group) => group.members)
    .map((capture: Capture) => ({
      captureId: capture.id,
      matchId: capture.matchId,
      map: capture.map,
      number: capture.number,
      endUnix: capture.timing.endUnix!,
      roundId: capture.roundId,
    }));
  const usable = [...situation.artifactGroups.values()]
    .filter((group) => !situation.artifacts.reachOf.has(group.id) && inside(range, group.endUnix))
    .flatMap((group) => group.members)
    .map(({ path, sha256, content }) => ({
      path,
      sha256,
      map: content.map,
      number: content.number,
      endUnix: content.timing.endUnix,
      state: 'usable',
    }));
  const near = new Set([...situation.unusableReach.values()].flat().map((fit) => fit.artifact));
  const unusable = situation.unusable
    .filter(({ artifact }) => inside(range, artifact.endUnix) && !near.has(artifact))
    .map(({ artifact, state, why }) => ({
      path: artifact.path,
      sha256: artifact.sha256,
      map: artifact.safeMap,
      number: artifact.number,
      endUnix: artifact.endUnix,
      state: `${state}: ${why}`,
    }));
  return { captures, artifacts: [...usable, ...unusable] };
}

/** A linked capture that does not fit the round which it is linked to, where that round is covered or exempt all the same. */
export interface WrongLink {
  roundId: number;
  captureId: number;
  matchId: string;
}

/** Links that matching contradicts (DESIGN, Verdicts: "other captures linked to it are findings"). */
export function findWrongLinks(situation: Situation): WrongLink[] {
  const found: WrongLink[] = [];
  for (const round of situation.facts.judged) {
    const fitting = new Set(situation.captures.reach.get(round.id)?.map((fit) => fit.candidateId));
    for (const capture of situation.linkedTo.get(round.id) ?? []) {
      const group = [...fitting].some((id) => situation.captureGroups.get(id)?.members.includes(capture));
      if (!group && situation.playedById.has(round.id))
        found.push({ roundId: round.id, captureId: capture.id, matchId: capture.matchId });
    }
  }
  return found;
}
