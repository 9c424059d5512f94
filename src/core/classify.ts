import { decisionOf, seenCandidates } from './candidates.ts';
import { ageSeconds, exemptReason, fileTime, incidentKey } from './expected.ts';
import { flagsOf } from './flags.ts';
import type { Round } from './model.ts';
import type { Case, Rule, Ruling } from './rule.ts';
import { byArtifact, damaged, unchecked } from './rules-artifact.ts';
import { byCapture, covered } from './rules-capture.ts';
import type { Situation } from './situation.ts';
import { findObstacles } from './slots.ts';
import type { Assessment } from './verdict.ts';

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

function placesRead({ facts }: Situation): string {
  const count = facts.places.length;
  if (count === 0) return 'there are no artifact places';
  return count === 1 ? 'the artifact place was read' : `all ${count} artifact places were read`;
}

/** Missing, and lost once the settle time has passed. A late import does not reopen what was written off. */
const missingOrLost: Rule = ({ situation, ageSeconds, decision }) => {
  const { settleHours } = situation.rules;
  const settled = ageSeconds >= settleHours * 3600;
  if (!settled && !decision.writtenOff)
    return {
      verdict: 'missing',
      reason: 'nothing_fits_yet',
      because: `no capture and no artifact fits; ${Math.floor(ageSeconds / 60)} min old, written off after ${settleHours} h`,
    };
  return {
    verdict: 'lost',
    reason: 'nothing_fits',
    because: `no capture and no artifact fits; ${placesRead(situation)}, and ${settled ? `${settleHours} h have passed` : 'it was written off before'}`,
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

/** An assessment that rests on nothing that was looked at. */
function unmatched(
  of: Pick<Assessment, 'round' | 'key' | 'playedUnix' | 'exempt'>,
  { verdict, reason, because }: Pick<Assessment, 'verdict' | 'reason' | 'because'>,
): Assessment {
  const { round, key, playedUnix, exempt } = of;
  const nothing = { flags: [], candidate: null, seen: [], want: null, cause: null };
  return { round, key, playedUnix, exempt, verdict, reason, because, ...nothing };
}

function assess(situation: Situation, round: Round): Assessment {
  const key = incidentKey(round);
  const played = situation.playedById.get(round.id) ?? fileTime(round, situation.rules.zone);
  const exempt = exemptReason(round, situation.rules.captureSince);
  const playedUnix = played === null ? null : Math.max(...played.instants);
  const about = { round, key, playedUnix, exempt };
  if (exempt !== null)
    return unmatched(about, { verdict: null, reason: null, because: `not expected: ${exempt}` });
  if (played === null) return unmatched(about, unknownTime);

  const { zone, nowUnix } = situation.rules;
  const decision = decisionOf(situation, key);
  const age = ageSeconds(round, played, { zone, nowUnix });
  const ruling = decide({ situation, round, key, played, ageSeconds: age, decision });
  const { verdict, reason, because } = ruling;
  // Every member by its name: members added to a copy of another object take longer than all the rules.
  return {
    round,
    key,
    playedUnix,
    exempt,
    verdict,
    reason,
    because,
    flags: flagsOf(situation, round, verdict),
    candidate: ruling.candidate ?? null,
    seen: verdict === 'covered' ? [] : seenCandidates(situation, round),
    want: ruling.want ?? null,
    cause: null,
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
