import type { Group, UsableArtifact } from './doubles.ts';
import { incidentKey } from './expected.ts';
import { type Fit, type Matching, singleBest } from './match.ts';
import type { Artifact, Capture, Round } from './model.ts';
import { type Decision, type Situation, spawnKey, type UnusableFit } from './situation.ts';
import type { SeenCandidate } from './verdict.ts';

/** A candidate that belongs to a round, and by what. */
export interface Chosen<T> {
  fit: Fit;
  group: Group<T>;
  /** The member that counts: the earliest, or the one that a person chose. */
  member: T;
}

const noDecision: Decision = { held: false, resolution: null, releases: [], writtenOff: false };

export function decisionOf(situation: Situation, key: string): Decision {
  return situation.facts.decisions.get(key) ?? noDecision;
}

function chosenOf<T>(fits: readonly Fit[] | undefined, groups: ReadonlyMap<string, Group<T>>): Chosen<T>[] {
  if (fits === undefined) return [];
  return fits.map((fit) => {
    const group = groups.get(fit.candidateId)!;
    return { fit, group, member: group.members[0] };
  });
}

/** The captures in reach of a round, certain or not. */
export function captureFits({ captures, captureGroups }: Situation, roundId: number): Chosen<Capture>[] {
  return chosenOf(captures.reach.get(roundId), captureGroups);
}

/** The artifacts in reach of a round, certain or not. */
export function artifactFits(
  { artifacts, artifactGroups }: Situation,
  roundId: number,
): Chosen<UsableArtifact>[] {
  return chosenOf(artifacts.reach.get(roundId), artifactGroups);
}

/** The capture that is this round's, if matching is certain of one. */
export function pairedCapture(situation: Situation, roundId: number): Chosen<Capture> | null {
  const pair = situation.captures.pairs.get(roundId);
  return captureFits(situation, roundId).find((chosen) => chosen.fit === pair) ?? null;
}

export function pairedArtifact(situation: Situation, roundId: number): Chosen<UsableArtifact> | null {
  const pair = situation.artifacts.pairs.get(roundId);
  return artifactFits(situation, roundId).find((chosen) => chosen.fit === pair) ?? null;
}

/**
 * The linked capture that covers a round: the one matching is certain of, or, where several are equally
 * near, the linked one. Nothing is written for it, so the link may decide between equals.
 */
export function coveringCapture(
  situation: Situation,
  roundId: number,
): (Chosen<Capture> & { linked: Capture }) | null {
  const linkedMember = (chosen: Chosen<Capture>) =>
    chosen.group.members.find((member) => member.roundId === roundId);
  const paired = pairedCapture(situation, roundId);
  if (paired !== null) {
    const linked = linkedMember(paired);
    return linked === undefined ? null : { linked, ...paired };
  }
  const fits = captureFits(situation, roundId);
  const linkedFits = fits.filter((chosen) => linkedMember(chosen) !== undefined);
  const [only] = linkedFits;
  if (only === undefined || linkedFits.length > 1) return null;
  const rivalFits = situation.captures.reachOf.get(only.group.id) ?? [];
  const nearest = (others: readonly Fit[]) =>
    others.every((other) => Math.abs(other.deltaSeconds) >= Math.abs(only.fit.deltaSeconds));
  const equal = nearest(fits.map((chosen) => chosen.fit)) && nearest(rivalFits);
  return equal ? { linked: linkedMember(only)!, ...only } : null;
}

/** The artifact whose spawn rows the source lacks altogether for a covered round, or null. */
export function unfilledSpawns(
  situation: Situation,
  roundId: number,
  capture: Capture,
): UsableArtifact | null {
  const { spawnKeys } = situation.facts;
  const artifact = pairedArtifact(situation, roundId)?.member;
  if (spawnKeys === null || artifact === undefined || artifact.content.spawns.length === 0) return null;
  return spawnKeys.has(spawnKey(capture.matchId, capture.number)) ? null : artifact;
}

/** The artifacts that cannot be used and fit a round by their name or their readable part. */
export function unusableFits(situation: Situation, roundId: number): readonly UnusableFit[] {
  return situation.unusableReach.get(roundId) ?? [];
}

function linkNote(situation: Situation, capture: Capture, roundId: number): string {
  if (capture.roundId === null) return 'linked to no round';
  if (capture.roundId === roundId) return 'linked to this round';
  const holder = situation.roundById.get(capture.roundId);
  return holder === undefined
    ? `linked to round ${capture.roundId}, which does not exist`
    : `linked to round ${capture.roundId} (${holder.date} ${holder.time})`;
}

/** A capture as people are shown it. */
export function seenCapture(situation: Situation, chosen: Chosen<Capture>, roundId: number): SeenCandidate {
  const capture = chosen.member;
  const doubles = chosen.group.members.slice(1).map((member) => member.id);
  const notes = [
    `capture ${capture.id} (${capture.matchId} R${capture.number})`,
    linkNote(situation, capture, roundId),
  ];
  if (chosen.fit.by === 'start') notes.push('has the start that stands on the round');
  if (doubles.length > 0) notes.push(`written again as ${doubles.join(', ')}`);
  return {
    kind: 'capture',
    captureId: capture.id,
    path: null,
    sha256: null,
    deltaSeconds: chosen.fit.deltaSeconds,
    note: notes.join(', '),
  };
}

/** What is special about an artifact's origin. */
function remarks({ bare, fromCopy }: Artifact): string[] {
  return [
    ...(bare ? ['a bare message of the retry buffer: no spawn rows'] : []),
    ...(fromCopy ? ['read from the copy that was kept: its place does not list it'] : []),
  ];
}

/** An artifact as people are shown it. */
export function seenArtifact(chosen: Chosen<UsableArtifact>): SeenCandidate {
  const doubles = chosen.group.members
    .filter((member) => member !== chosen.member)
    .map((member) => member.path);
  const written = doubles.length > 0 ? [`written again as ${doubles.join(', ')}`] : [];
  return {
    kind: 'artifact',
    captureId: null,
    path: chosen.member.path,
    sha256: chosen.member.sha256,
    deltaSeconds: chosen.fit.deltaSeconds,
    note: ['whole and sane', ...remarks(chosen.member), ...written].join(', '),
  };
}

function seenUnusable(entry: UnusableFit): SeenCandidate {
  return {
    kind: 'artifact',
    captureId: null,
    path: entry.artifact.path,
    sha256: entry.artifact.sha256,
    deltaSeconds: entry.deltaSeconds,
    note: [`${entry.state}: ${entry.why}`, ...remarks(entry.artifact)].join(', '),
  };
}

/** Everything that was looked at for a round: what fits, what nearly fits, and what is linked although it does not. */
export function seenCandidates(situation: Situation, round: Round): SeenCandidate[] {
  const captures = captureFits(situation, round.id).map((chosen) => seenCapture(situation, chosen, round.id));
  const fitting = new Set(captures.map((seen) => seen.captureId));
  const misplaced = (situation.linkedTo.get(round.id) ?? []).filter(
    (capture) =>
      !fitting.has(capture.id) &&
      !captureFits(situation, round.id).some((c) => c.group.members.includes(capture)),
  );
  return [
    ...captures,
    ...misplaced.map((capture) => ({
      kind: 'capture' as const,
      captureId: capture.id,
      path: null,
      sha256: null,
      deltaSeconds: null,
      note: `capture ${capture.id} (${capture.matchId} R${capture.number}, ${capture.map}) is linked to this round and does not fit it`,
    })),
    ...artifactFits(situation, round.id).map(seenArtifact),
    ...unusableFits(situation, round.id).map(seenUnusable),
  ];
}

/** One side of matching, and how a person's decision names its candidates. */
interface Side<T> {
  matching: Matching;
  chooses: (decision: Decision, member: T) => boolean;
}

/** Somebody else has a claim to a candidate: matching is certain of it, or a person chose it for them. */
function claimedByAnother<T>(
  situation: Situation,
  roundId: number,
  side: Side<T> & { group: Group<T> },
): boolean {
  const { matching, chooses, group } = side;
  return (matching.reachOf.get(group.id) ?? []).some(({ rivalId }) => {
    if (rivalId === roundId) return false;
    if (matching.pairs.get(rivalId)?.candidateId === group.id) return true;
    const decision = decisionOf(situation, incidentKey(situation.roundById.get(rivalId)!));
    return group.members.some((member) => chooses(decision, member));
  });
}

function resolved<T>(
  situation: Situation,
  round: Round,
  side: Side<T> & { fits: readonly Chosen<T>[] },
): Chosen<T> | null {
  const decision = decisionOf(situation, incidentKey(round));
  for (const chosen of side.fits) {
    const member = chosen.group.members.find((one) => side.chooses(decision, one));
    if (member !== undefined && !claimedByAnother(situation, round.id, { ...side, group: chosen.group }))
      return { ...chosen, member };
  }
  return null;
}

/** The capture in reach that a person chose for a round, if nobody else has a claim to it. */
export function resolvedCapture(situation: Situation, round: Round): Chosen<Capture> | null {
  return resolved(situation, round, {
    matching: situation.captures,
    fits: captureFits(situation, round.id),
    chooses: ({ resolution }, { id }) => resolution?.kind === 'capture' && resolution.captureId === id,
  });
}

/** The artifact in reach that a person chose for a round, if nobody else has a claim to it. */
export function resolvedArtifact(situation: Situation, round: Round): Chosen<UsableArtifact> | null {
  return resolved(situation, round, {
    matching: situation.artifacts,
    fits: artifactFits(situation, round.id),
    chooses: ({ resolution }, { sha256 }) => resolution?.kind === 'artifact' && resolution.sha256 === sha256,
  });
}

/** True where several candidates are equally near. */
export function tied(fits: readonly { fit: Fit }[]): boolean {
  return fits.length > 1 && singleBest(fits.map((chosen) => chosen.fit)) === null;
}
