import type { Chosen } from './candidates.ts';
import { tied } from './candidates.ts';
import type { Round } from './model.ts';
import type { Decision, Situation } from './situation.ts';
import type { LocalTime } from './time.ts';
import type { Reason, SeenCandidate, Verdict, Want } from './verdict.ts';

/** One expected round whose time is known, with what bears on its verdict. */
export interface Case {
  situation: Situation;
  round: Round;
  key: string;
  played: LocalTime;
  ageSeconds: number;
  decision: Decision;
}

/** What a rule found. */
export interface Ruling {
  verdict: Verdict;
  reason: Reason;
  because: string;
  candidate?: SeenCandidate;
  want?: Want;
}

/** A rule answers, or leaves the round to the next one. */
export type Rule = (of: Case) => Ruling | null;

export function wantFor(of: Case, deltaSeconds: number) {
  const { round, key, decision, situation } = of;
  const foreignTiming = situation.trustById.get(round.id) === 'foreign';
  return { round, key, foreignTiming, releases: decision.releases, deltaSeconds };
}

export function uncertain(fits: readonly Chosen<unknown>[], what: 'capture' | 'artifact'): Ruling {
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
