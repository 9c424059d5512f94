import type { Artifact } from './model.ts';
import { normaliseMap } from './names.ts';
import { isWithin, joinSpans, spanOfReach } from './near.ts';
import { judgeArtifact } from './sane.ts';

/**
 * A covered round whose start is no other row's and no loose capture's, as its linked capture names it: matching is
 * certain of both by that start.
 */
export interface CoveredRound {
  roundId: number;
  /** Of the capture, as the source spells it. */
  map: string;
  number: 1 | 2;
  startUnix: number;
  /** 0 to 3 s before the round's file. */
  endUnix: number;
  /** Whether the source has spawn rows of the capture, or keeps none at all. */
  hasSpawnRows: boolean;
}

/** The ends that an artifact says, unix seconds: in its name, and in what it holds. */
export function endsOf({ endUnix, content }: Artifact): number[] {
  return content === null ? [endUnix] : [endUnix, content.timing.endUnix];
}

/** The start that an artifact says, if any. */
export function startsOf({ content }: Artifact): number[] {
  return content?.timing.startUnix == null ? [] : [content.timing.startUnix];
}

/** True where matching gives the artifact to the round by its start, and nothing is to be said or filled from it. */
function isOwn(artifact: Artifact, round: CoveredRound, nowUnix: number): boolean {
  const judged = judgeArtifact(artifact, nowUnix);
  if (judged.state !== 'usable') return false;
  const { map, number, timing, spawns } = judged.content;
  return (
    number === round.number &&
    timing.endUnix === round.endUnix &&
    normaliseMap(map) === normaliseMap(round.map) &&
    (round.hasSpawnRows || spawns.length === 0)
  );
}

/**
 * Covered rounds with the single artifact that is theirs by the start. Leaving out both changes nothing for any other
 * round or artifact: by its start the artifact is taken, and the round takes no other one. A round in reach of an artifact
 * that is nobody's own in this way stays, because it may be what that one is near to (DESIGN, Matching 8). Artifacts that
 * are `staying` count, and are nobody's own.
 */
export function ownArtifacts(
  artifacts: readonly Artifact[],
  of: { covered: readonly CoveredRound[]; staying: readonly Artifact[]; nowUnix: number },
): Map<CoveredRound, Artifact> {
  const roundOf = new Map(of.covered.map((round) => [round.startUnix, round]));
  const counts = new Map<number, number>();
  for (const start of [...artifacts, ...of.staying].flatMap(startsOf))
    counts.set(start, (counts.get(start) ?? 0) + 1);
  const own = new Map<CoveredRound, Artifact>();
  const others = [...of.staying];
  for (const artifact of artifacts) {
    const [start] = startsOf(artifact);
    const round = start === undefined ? undefined : roundOf.get(start);
    if (round !== undefined && counts.get(start!) === 1 && isOwn(artifact, round, of.nowUnix))
      own.set(round, artifact);
    else others.push(artifact);
  }
  const near = joinSpans(others.flatMap(endsOf).map(spanOfReach));
  for (const round of own.keys()) if (isWithin(near, round.endUnix)) own.delete(round);
  return own;
}
