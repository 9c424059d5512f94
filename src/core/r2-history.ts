import { type CoverageRow, stateOf } from './coverage.ts';

/** Rounds that should have a capture, and those of them that the live pipeline covered. */
export interface Share {
  expected: number;
  live: number;
}

/** Fewer rounds of history prove nothing. */
export const leastHistory = 20;
/** What is less likely than this is marked. */
const unlikelyBelow = 0.01;

/** How a day's second rounds compare with those of the days before. */
export interface R2Judgement {
  state: 'usual' | 'unlikely' | 'too_little_history' | 'no_rounds';
  day: Share;
  history: Share;
  /** How likely so few live rounds are, by the history; null with too little of it, or nothing played. */
  probability: number | null;
}

/** A day in the comparison. `knownIncident`: it says nothing of how the pipeline usually is. */
export interface R2Day {
  day: string;
  r2: Share;
  knownIncident: boolean;
}

/** The live share of rounds with this number; what is younger than the grace time says nothing yet. */
export function shareOf(rows: readonly CoverageRow[], number: 1 | 2): Share {
  const states = rows.filter(({ round }) => round.number === number).map(stateOf);
  const counted = states.filter((state) => state !== null && state !== 'exempt' && state !== 'pending');
  return { expected: counted.length, live: counted.filter((state) => state === 'live').length };
}

/**
 * The chance of at most `most` successes in `trials`, each with `chance`. Each term is known by its logarithm: the
 * first one may be too small for a number where the sum is not.
 */
export function binomialAtMost(most: number, trials: number, chance: number): number {
  if (most < 0) return 0;
  if (most >= trials || chance <= 0) return 1;
  if (chance >= 1) return 0;
  const odds = Math.log(chance) - Math.log1p(-chance);
  let term = trials * Math.log1p(-chance);
  let sum = 0;
  for (let k = 0; k <= most; k++) {
    sum += Math.exp(term);
    term += Math.log((trials - k) / (k + 1)) + odds;
  }
  return Math.min(1, sum);
}

/**
 * The chance that a round is covered live, by the history: one success and one failure more than were seen (the
 * rule of succession), so that no history, however good, makes a single miss impossible.
 */
const chanceBy = ({ expected, live }: Share) => (live + 1) / (expected + 2);

/** One day against the days before it. */
export function judgeR2(day: Share, history: Share): R2Judgement {
  if (day.expected === 0) return { state: 'no_rounds', day, history, probability: null };
  if (history.expected < leastHistory)
    return { state: 'too_little_history', day, history, probability: null };
  const probability = binomialAtMost(day.live, day.expected, chanceBy(history));
  return { state: probability < unlikelyBelow ? 'unlikely' : 'usual', day, history, probability };
}

/**
 * Judges days in their order, each by those before it. Days that are unlikely themselves, and those of known
 * incidents, are left out of the history: a bad week must not become the measure.
 */
export function judgeDays(days: readonly R2Day[]): Map<string, R2Judgement> {
  const judged = new Map<string, R2Judgement>();
  let history: Share = { expected: 0, live: 0 };
  for (const { day, r2, knownIncident } of days) {
    const judgement = judgeR2(r2, history);
    judged.set(day, judgement);
    if (knownIncident || judgement.state === 'unlikely') continue;
    history = { expected: history.expected + r2.expected, live: history.live + r2.live };
  }
  return judged;
}
