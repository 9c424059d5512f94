import { artifactGroups, captureGroups, type Group, type UsableArtifact } from './doubles.ts';
import { fileTime, type StartTrust, startTrust } from './expected.ts';
import { distance, type Matching, match, type Rival } from './match.ts';
import type { Artifact, Capture, Place, Round } from './model.ts';
import { candidateNumber, normaliseMap, safeMap } from './names.ts';
import { judgeArtifact } from './sane.ts';
import type { LocalTime } from './time.ts';

/** What people decided about one incident, as far as it bears on matching and repairs. */
export interface Decision {
  held: boolean;
  /** The candidate that a person chose: a capture's id or an artifact's SHA-256. */
  resolution: { kind: 'capture'; captureId: number } | { kind: 'artifact'; sha256: string } | null;
  /** Captures that a person released from this round. */
  releases: readonly number[];
  /** The ledger has written this round off as lost. */
  writtenOff: boolean;
}

/** Everything that one audit read, before any rule was applied. */
export interface AuditFacts {
  /** The rows that are judged: the window, and the rows of open incidents outside it. */
  judged: readonly Round[];
  /** Rows near the window, and the rows that captures point to. They may claim candidates. */
  rivals: readonly Round[];
  captures: readonly Capture[];
  artifacts: readonly Artifact[];
  places: readonly Place[];
  /** The `spawnKey` of everything near the window that has spawn rows; null where the source keeps none. */
  spawnKeys: ReadonlySet<string> | null;
  /** By incident key. */
  decisions: ReadonlyMap<string, Decision>;
}

/** What joins spawn rows to their capture: its key, where number 0 means 2. */
export function spawnKey(matchId: string, number: number): string {
  return `${matchId}|${candidateNumber(number) ?? number}`;
}

/** The settings and the moment of an audit. */
export interface AuditRules {
  nowUnix: number;
  zone: string;
  graceMinutes: number;
  settleHours: number;
  /** Day of the server from which on captures exist. */
  captureSince: string;
  repairCovered: boolean;
}

/** An artifact that cannot be used, and why. */
export interface UnusableArtifact {
  artifact: Artifact;
  state: 'damaged' | 'unreadable';
  why: string;
}

/** An unusable artifact that fits a round by its name or its readable part. */
export type UnusableFit = UnusableArtifact & { deltaSeconds: number };

/** The facts with every rule of matching applied; what verdicts are read from. */
export interface Situation {
  facts: AuditFacts;
  rules: AuditRules;
  roundById: ReadonlyMap<number, Round>;
  playedById: ReadonlyMap<number, LocalTime>;
  trustById: ReadonlyMap<number, StartTrust>;
  captureGroups: ReadonlyMap<string, Group<Capture>>;
  captures: Matching;
  /** The captures whose `round_id` is this round. */
  linkedTo: ReadonlyMap<number, readonly Capture[]>;
  artifactGroups: ReadonlyMap<string, Group<UsableArtifact>>;
  artifacts: Matching;
  unusable: readonly UnusableArtifact[];
  unusableReach: ReadonlyMap<number, readonly UnusableFit[]>;
}

/** Captures by the round that they are linked to. */
export function indexLinks(captures: readonly Capture[]): Map<number, Capture[]> {
  const linked = new Map<number, Capture[]>();
  for (const capture of captures) {
    if (capture.roundId === null) continue;
    linked.set(capture.roundId, [...(linked.get(capture.roundId) ?? []), capture]);
  }
  return linked;
}

/** A round that a capture fits has that capture's start; so its artifact, with the same start, is the round's. */
function withCaptureStarts(
  rivals: readonly Rival[],
  captures: Matching,
  groups: ReadonlyMap<string, Group<Capture>>,
): Rival[] {
  return rivals.map((rival) => {
    const pair = captures.pairs.get(rival.id);
    const startUnix = pair === undefined ? null : groups.get(pair.candidateId)!.startUnix;
    return startUnix === null ? rival : { ...rival, startUnix };
  });
}

/** `safeMap`, worked out once for each map: they are few, and rounds are many. */
function rememberedSafeMap(): (map: string) => string {
  const known = new Map<string, string>();
  return (map) => {
    const found = known.get(map) ?? safeMap(map);
    known.set(map, found);
    return found;
  };
}

/** The unusable artifacts in reach of each round, by what their name or their content says. */
function reachUnusable(
  rivals: readonly Rival[],
  unusable: readonly UnusableArtifact[],
): Map<number, UnusableFit[]> {
  const reach = new Map<number, UnusableFit[]>();
  if (unusable.length === 0) return reach;
  const safe = rememberedSafeMap();
  const byMap = new Map<string, { entry: UnusableArtifact; endUnix: number }[]>();
  const add = (map: string, number: number, endUnix: number, entry: UnusableArtifact) => {
    const key = `${number} ${safe(map)}`;
    const known = byMap.get(key);
    if (known) known.push({ entry, endUnix });
    else byMap.set(key, [{ entry, endUnix }]);
  };
  for (const entry of unusable) {
    const { safeMap: named, number, endUnix, content } = entry.artifact;
    add(named, number, endUnix, entry);
    if (content === null) continue;
    const says = { map: normaliseMap(content.map), number: content.number, endUnix: content.timing.endUnix };
    const agrees = safe(says.map) === named && says.number === number && says.endUnix === endUnix;
    if (!agrees) add(says.map, says.number, says.endUnix, entry);
  }
  for (const rival of rivals) {
    const fits = (byMap.get(`${rival.number} ${safe(rival.map)}`) ?? []).flatMap(({ entry, endUnix }) => {
      const deltaSeconds = distance(rival.fileTimes, endUnix);
      return deltaSeconds === null ? [] : [{ ...entry, deltaSeconds }];
    });
    if (fits.length > 0) reach.set(rival.id, fits);
  }
  return reach;
}

const byId = <T extends { id: string }>(items: readonly T[]) => new Map(items.map((item) => [item.id, item]));

/** Captures by id and artifacts by path, so that the order of reading changes nothing, not even a sentence. */
function inOrder(facts: AuditFacts): AuditFacts {
  const byPath = (a: Artifact, b: Artifact) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return {
    ...facts,
    captures: [...facts.captures].sort((a, b) => a.id - b.id),
    artifacts: [...facts.artifacts].sort(byPath),
  };
}

/** Applies the rules of matching to what was read, in whatever order. */
export function understand(read: AuditFacts, rules: AuditRules): Situation {
  const facts = inOrder(read);
  const rounds = [...facts.rivals, ...facts.judged].sort((a, b) => a.id - b.id);
  const roundById = new Map(rounds.map((round) => [round.id, round]));
  const playable = [...roundById.values()].filter((round) => round.number === 1 || round.number === 2);
  const playedById = new Map<number, LocalTime>();
  for (const round of playable) {
    const played = fileTime(round, rules.zone);
    if (played !== null) playedById.set(round.id, played);
  }
  const trustById = startTrust(playable, ({ id }) => playedById.get(id) ?? null);
  const rivals: Rival[] = [];
  for (const round of playable) {
    const played = playedById.get(round.id);
    if (played === undefined) continue;
    rivals.push({
      id: round.id,
      map: normaliseMap(round.map),
      number: round.number as 1 | 2,
      fileTimes: played.instants,
      startUnix: trustById.get(round.id) === 'trusted' ? round.timing.startUnix : null,
    });
  }

  const groupedCaptures = byId(captureGroups(facts.captures));
  const captures = match(rivals, [...groupedCaptures.values()]);

  const usable: UsableArtifact[] = [];
  const unusable: UnusableArtifact[] = [];
  for (const artifact of facts.artifacts) {
    const judged = judgeArtifact(artifact, rules.nowUnix);
    if (judged.state === 'usable') usable.push(artifact as UsableArtifact);
    else unusable.push({ artifact, ...judged });
  }
  const groupedArtifacts = byId(artifactGroups(usable));
  const artifacts = match(withCaptureStarts(rivals, captures, groupedCaptures), [
    ...groupedArtifacts.values(),
  ]);

  return {
    facts,
    rules,
    roundById,
    playedById,
    trustById,
    captureGroups: groupedCaptures,
    captures,
    linkedTo: indexLinks(facts.captures),
    artifactGroups: groupedArtifacts,
    artifacts,
    unusable,
    unusableReach: reachUnusable(rivals, unusable),
  };
}

/**
 * The same situation in which more rounds are known to have been played: whoever reads the story of a round in the logs
 * has to know which other rounds its lines may be of. Matching is not done again.
 */
export function withNeighbours(situation: Situation, rounds: readonly Round[]): Situation {
  const roundById = new Map(situation.roundById);
  const playedById = new Map(situation.playedById);
  for (const round of rounds) {
    const played = fileTime(round, situation.rules.zone);
    if (roundById.has(round.id) || played === null) continue;
    roundById.set(round.id, round);
    playedById.set(round.id, played);
  }
  return { ...situation, roundById, playedById };
}
