import {
  type Chosen,
  captureFits,
  coveringCapture,
  pairedCapture,
  resolvedArtifact,
  resolvedCapture,
  seenCapture,
  unfilledSpawns,
} from './candidates.ts';
import type { Capture } from './model.ts';
import { normaliseMap } from './names.ts';
import { type Case, type Rule, type Ruling, uncertain, wantFor } from './rule.ts';
import { captureFaults } from './sane.ts';
import { lacksTiming } from './timing.ts';
import type { Reason, Want } from './verdict.ts';

/** Covered: a linked capture fits. With REPAIR_COVERED=on it may still want its timing or spawn rows. */
export const covered: Rule = (of) => {
  const chosen = coveringCapture(of.situation, of.round.id);
  if (chosen === null) return null;
  return coveredBy(of, { ...chosen, member: chosen.linked });
};

function coveredBy(of: Case, chosen: Chosen<Capture>): Ruling {
  const capture = chosen.member;
  const artifact = unfilledSpawns(of.situation, of.round.id, capture);
  const incomplete = lacksTiming(of.round.timing) || artifact !== null;
  const complete: Want = { kind: 'complete', capture, artifact, ...wantFor(of, chosen.fit.deltaSeconds) };
  return {
    verdict: 'covered',
    reason: 'linked',
    because: `capture ${capture.id} is linked and fits, ${chosen.fit.deltaSeconds} s before the file`,
    candidate: seenCapture(of.situation, chosen, of.round.id),
    want: incomplete && of.situation.rules.repairCovered ? complete : undefined,
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
export const byCapture: Rule = (of) => {
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
  const fills = situation.rules.repairCovered;
  const artifact = fills ? unfilledSpawns(situation, round.id, chosen.member) : null;
  return {
    verdict: 'relinkable',
    reason: link,
    because: relinkSentences[link]!(chosen.member),
    candidate,
    want: { kind: 'relink', capture: chosen.member, artifact, ...wantFor(of, chosen.fit.deltaSeconds) },
  };
};
