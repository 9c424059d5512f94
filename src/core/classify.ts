import {
  artifactFits,
  type Chosen,
  captureFits,
  coveringCapture,
  decisionOf,
  pairedArtifact,
  pairedCapture,
  resolvedArtifact,
  resolvedCapture,
  seenArtifact,
  seenCandidates,
  seenCapture,
  tied,
  unfilledSpawns,
  unusableFits,
} from './candidates.ts';
import type { UsableArtifact } from './doubles.ts';
import { ageSeconds, exemptReason, incidentKey } from './expected.ts';
import { flagsOf } from './flags.ts';
import type { Capture, Round } from './model.ts';
import { normaliseMap } from './names.ts';
import { captureFaults } from './sane.ts';
import type { Decision, Situation } from './situation.ts';
import { findObstacles } from './slots.ts';
import type { LocalTime } from './time.ts';
import { lacksTiming } from './timing.ts';
import type { Assessment, Reason, SeenCandidate, Verdict, Want } from './verdict.ts';

/** One expected round whose time is known, with what bears on its verdict. */
interface Case {
  situation: Situation;
  round: Round;
  key: string;
  played: LocalTime;
  ageSeconds: number;
  decision: Decision;
}

/** What a rule found. */
interface Ruling {
  verdict: Verdict;
  reason: Reason;
  because: string;
  candidate?: SeenCandidate;
  want?: Want;
}

/** A rule answers, or leaves the round to the next one. */
type Rule = (of: Case) => Ruling | null;

function wantFor(of: Case, deltaSeconds: number) {
  const { round, key, decision, situation } = of;
  const foreignTiming = situation.trustById.get(round.id) === 'foreign';
  return { round, key, foreignTiming, releases: decision.releases, deltaSeconds };
}

/** Covered: a linked capture fits. With REPAIR_COVERED=on it may still want its timing or spawn rows. */
const covered: Rule = (of) => {
  const chosen = coveringCapture(of.situation, of.round.id);
  if (chosen === null) return null;
  return coveredBy(of, { ...chosen, member: chosen.linked });
};

function coveredBy(of: Case, chosen: Chosen<Capture>): Ruling {
  const capture = chosen.member;
  const artifact = unfilledSpawns(of.situation, of.round.id, capture);
  const incomplete = lacksTiming(of.round.timing) || artifact !== null;
  const complete: Want = { ...wantFor(of, chosen.fit.deltaSeconds), kind: 'complete', capture, artifact };
  return {
    verdict: 'covered',
    reason: 'linked',
    because: `capture ${capture.id} is linked and fits, ${chosen.fit.deltaSeconds} s before the file`,
    candidate: seenCapture(of.situation, chosen, of.round.id),
    want: incomplete && of.situation.rules.repairCovered ? complete : undefined,
  };
}

/** Pending: the live pipeline goes first. */
const pending: Rule = ({ situation, ageSeconds }) => {
  const { graceMinutes } = situation.rules;
  if (ageSeconds >= graceMinutes * 60) return null;
  return {
    verdict: 'pending',
    reason: 'within_grace',
    because: `${ageSeconds} s old; the live pipeline has ${graceMinutes} min`,
  };
};

function uncertain(fits: readonly Chosen<unknown>[], what: 'capture' | 'artifact'): Ruling {
  const several = fits.length > 1;
  const names = fits.map(({ group, fit }) => `${group.id} (${fit.deltaSeconds} s)`).join(', ');
  return {
    verdict: 'ambiguous',
    reason: several ? `several_${what}s` : `${what}_fits_several`,
    because: several
      ? `${fits.length} ${what}s are in reach and none is this round's alone${tied(fits) ? ' (equally near)' : ''}: ${names}`
      : `${names} fits another round too, as well or better`,
  };
}

/** What the link of a fitting capture says: free to move, or not proven wrong. */
function linkState(of: Case, chosen: Chosen<Capture>, byPerson: boolean): Ruling | Reason {
  const { situation } = of;
  const { roundId, id } = chosen.member;
  if (roundId === null) return 'unlinked';
  const holder = situation.roundById.get(roundId);
  if (holder === undefined) return 'dangling';
  const alsoFits = (situation.captures.reachOf.get(chosen.group.id) ?? []).some(
    (fit) => fit.rivalId === roundId,
  );
  if (alsoFits && !byPerson)
    return {
      verdict: 'ambiguous',
      reason: 'capture_fits_several',
      because: `capture ${id} is linked to round ${roundId}, which it fits too`,
    };
  const sameName =
    holder.number === of.round.number && normaliseMap(holder.map) === normaliseMap(of.round.map);
  if (sameName && !situation.playedById.has(roundId) && !byPerson)
    return {
      verdict: 'ambiguous',
      reason: 'link_unprovable',
      because: `capture ${id} is linked to round ${roundId}, whose time cannot be read, so nothing proves the link wrong`,
    };
  return 'misplaced';
}

const relinkSentences: Partial<Record<Reason, (capture: Capture) => string>> = {
  unlinked: (capture) => `capture ${capture.id} fits it alone and is linked to no round`,
  dangling: (capture) =>
    `capture ${capture.id} fits it alone and is linked to round ${capture.roundId}, which does not exist`,
  misplaced: (capture) =>
    `capture ${capture.id} fits it alone and is linked to round ${capture.roundId}, which it does not fit`,
};

/** Ambiguous, relinkable or in conflict, by the captures. */
const byCapture: Rule = (of) => {
  const { situation, round } = of;
  const fits = captureFits(situation, round.id);
  if (fits.length === 0 || resolvedArtifact(situation, round) !== null) return null;
  const byPerson = resolvedCapture(situation, round);
  const chosen = byPerson ?? pairedCapture(situation, round.id);
  if (chosen === null) return uncertain(fits, 'capture');
  if (chosen.member.roundId === round.id) return coveredBy(of, chosen);

  const candidate = seenCapture(situation, chosen, round.id);
  const link = linkState(of, chosen, byPerson !== null);
  if (typeof link !== 'string') return { ...link, candidate };
  const faults = captureFaults(chosen.member, situation.rules.nowUnix);
  if (faults.length > 0)
    return {
      verdict: 'conflict',
      reason: 'capture_not_sane',
      because: `capture ${chosen.member.id} fits, but ${faults.join('; ')}`,
      candidate,
    };
  return {
    verdict: 'relinkable',
    reason: link,
    because: relinkSentences[link]!(chosen.member),
    candidate,
    want: { ...wantFor(of, chosen.fit.deltaSeconds), kind: 'relink', capture: chosen.member },
  };
};

/** True where the file that counts has a twin with the same end that says something else. */
function doublesDiffer({ group, member }: Chosen<UsableArtifact>): boolean {
  const text = JSON.stringify(member.content);
  return group.members.some(
    (other) =>
      other.content.timing.endUnix === member.content.timing.endUnix &&
      JSON.stringify(other.content) !== text,
  );
}

/** Ambiguous or recoverable, by the artifacts that are whole and sane. */
const byArtifact: Rule = (of) => {
  const { situation, round } = of;
  const fits = artifactFits(situation, round.id);
  if (fits.length === 0) return null;
  const byPerson = resolvedArtifact(situation, round);
  const chosen = byPerson ?? pairedArtifact(situation, round.id);
  if (chosen === null) return uncertain(fits, 'artifact');
  const candidate = seenArtifact(chosen);
  if (byPerson === null && doublesDiffer(chosen))
    return {
      verdict: 'ambiguous',
      reason: 'doubles_differ',
      because: `several artifacts with the same start and end say different things: ${chosen.group.members.map((m) => m.path).join(', ')}`,
      candidate,
    };
  return {
    verdict: 'recoverable',
    reason: 'artifact',
    because: `${chosen.member.path} is whole, sane and fits it alone, ${chosen.fit.deltaSeconds} s before the file`,
    candidate,
    want: { ...wantFor(of, chosen.fit.deltaSeconds), kind: 'backfill', artifact: chosen.member },
  };
};

/** Damaged: something fits, but may not be written. */
const damaged: Rule = ({ situation, round }) => {
  const [entry] = unusableFits(situation, round.id).filter(({ state }) => state === 'damaged');
  if (entry === undefined) return null;
  const { path, sha256 } = entry.artifact;
  return {
    verdict: 'damaged',
    reason: 'not_whole',
    because: `${path}: ${entry.why}`,
    candidate: {
      kind: 'artifact',
      captureId: null,
      path,
      sha256,
      deltaSeconds: entry.deltaSeconds,
      note: entry.why,
    },
  };
};

/** Unchecked: what could hold its artifact could not be read, so it is never called lost (DESIGN, rule 3). */
const unchecked: Rule = ({ situation, round }) => {
  const file = unusableFits(situation, round.id).find(({ state }) => state === 'unreadable');
  if (file !== undefined)
    return {
      verdict: 'unchecked',
      reason: 'artifact_unreadable',
      because: `${file.artifact.path}: ${file.why}`,
    };
  const closed = situation.facts.places.filter((place) => place.unreadable !== null);
  if (closed.length === 0) return null;
  const names = closed.map((place) => `${place.name} (${place.unreadable})`).join(', ');
  return { verdict: 'unchecked', reason: 'place_unreadable', because: `could not read ${names}` };
};

function placesRead({ facts }: Situation): string {
  const count = facts.places.length;
  if (count === 0) return 'there are no artifact places';
  return count === 1 ? 'the artifact place was read' : `all ${count} artifact places were read`;
}

/** Missing, and lost once the settle time has passed. A late import does not reopen what was written off. */
const missingOrLost: Rule = ({ situation, ageSeconds, decision }) => {
  const { settleHours } = situation.rules;
  if (ageSeconds < settleHours * 3600 && !decision.writtenOff)
    return {
      verdict: 'missing',
      reason: 'nothing_fits_yet',
      because: `no capture and no artifact fits; ${Math.floor(ageSeconds / 60)} min old, written off after ${settleHours} h`,
    };
  return {
    verdict: 'lost',
    reason: 'nothing_fits',
    because: `no capture and no artifact fits; ${placesRead(situation)}, and ${decision.writtenOff ? 'it was written off before' : `${settleHours} h have passed`}`,
  };
};

/** The verdicts in their order (DESIGN, Verdicts): the first rule that answers decides. */
const rules: readonly Rule[] = [covered, pending, byCapture, byArtifact, damaged, unchecked, missingOrLost];

function decide(of: Case): Ruling {
  for (const rule of rules) {
    const ruling = rule(of);
    if (ruling !== null) return ruling;
  }
  throw new Error('the last rule always answers');
}

const unknownTime: Ruling = {
  verdict: 'unchecked',
  reason: 'bad_time',
  because: 'its date or time cannot be read, so nothing can be matched with it',
};

function assess(situation: Situation, round: Round): Assessment {
  const key = incidentKey(round);
  const played = situation.playedById.get(round.id) ?? null;
  const exempt = exemptReason(round, situation.rules.captureSince);
  const playedUnix = played === null ? null : Math.max(...played.instants);
  const bare = { round, key, playedUnix, candidate: null, seen: [], want: null };
  if (exempt !== null)
    return { ...bare, exempt, verdict: null, reason: null, because: `not expected: ${exempt}`, flags: [] };
  if (played === null) return { ...bare, exempt, ...unknownTime, flags: [] };

  const { zone, nowUnix } = situation.rules;
  const decision = decisionOf(situation, key);
  const ruling = decide({
    situation,
    round,
    key,
    played,
    ageSeconds: ageSeconds(round, played, { zone, nowUnix }),
    decision,
  });
  return {
    ...bare,
    exempt,
    verdict: ruling.verdict,
    reason: ruling.reason,
    because: ruling.because,
    flags: flagsOf(situation, round, ruling.verdict),
    candidate: ruling.candidate ?? null,
    seen: ruling.verdict === 'covered' ? [] : seenCandidates(situation, round),
    want: ruling.want ?? null,
  };
}

/** A repair that cannot be made is a conflict, which a person decides. */
function withObstacles(situation: Situation, assessments: readonly Assessment[]): Assessment[] {
  const wants = assessments.flatMap(({ want, key }) =>
    want === null || decisionOf(situation, key).held ? [] : [want],
  );
  const { captures } = situation.facts;
  const obstacles = findObstacles(wants, {
    linkedTo: situation.linkedTo,
    captures,
    zone: situation.rules.zone,
  });
  return assessments.map((assessment) => {
    const obstacle = assessment.want === null ? undefined : obstacles.get(assessment.want);
    if (obstacle === undefined) return assessment;
    if (assessment.verdict === 'covered') return { ...assessment, want: null };
    return { ...assessment, verdict: 'conflict', ...obstacle, want: null };
  });
}

/** Judges every row that was read: exempt, or a verdict with its reason (DESIGN, Verdicts). */
export function classify(situation: Situation): Assessment[] {
  return withObstacles(
    situation,
    situation.facts.judged.map((round) => assess(situation, round)),
  );
}
