/** A time, unix seconds, half-open. */
export interface Stretch {
  fromUnix: number;
  toUnix: number;
}

/** When audits were expected, and when they were at work. */
export interface WatchFacts {
  /** When an audit was expected to begin, ascending; unix seconds. */
  ticks: readonly number[];
  /**
   * The end of what is asked about: a tick whose time is not over by then is not asked about. The time of the last
   * one is over after the shortest time between two others, or, where there is only one, at this end.
   */
  untilUnix: number;
  /** The audits that finished, unix seconds; `toUnix` is when each ended. */
  runs: readonly Stretch[];
}

/** How much of a time the auditor looked. */
export interface Watch {
  expected: number;
  blindSeconds: number;
  longestBlind: Stretch | null;
}

/** When the time of the last tick is over at the earliest; the ticks do not say when the next one is due. */
function lastOver(ticks: readonly number[], untilUnix: number): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (let at = 1; at < ticks.length; at++) shortest = Math.min(shortest, ticks[at]! - ticks[at - 1]!);
  return shortest === Number.POSITIVE_INFINITY ? untilUnix : ticks.at(-1)! + shortest;
}

/** The times between one tick and the next in which no finished audit was at work. */
function unseen({ ticks, untilUnix, runs }: WatchFacts): Stretch[] {
  const endOfLast = lastOver(ticks, untilUnix);
  const sorted = [...runs].sort((a, b) => a.fromUnix - b.fromUnix);
  const blind: Stretch[] = [];
  // A run that began earlier may still be at work: the latest end so far tells.
  let [next, latestEnd] = [0, Number.NEGATIVE_INFINITY];
  for (const [at, fromUnix] of ticks.entries()) {
    const toUnix = ticks[at + 1] ?? untilUnix;
    while (next < sorted.length && sorted[next]!.fromUnix < toUnix)
      latestEnd = Math.max(latestEnd, sorted[next++]!.toUnix);
    const over = (ticks[at + 1] ?? endOfLast) <= untilUnix;
    if (latestEnd < fromUnix && over && fromUnix < toUnix) blind.push({ fromUnix, toUnix });
  }
  return blind;
}

function joined(stretches: readonly Stretch[]): Stretch[] {
  const longer: Stretch[] = [];
  for (const { fromUnix, toUnix } of stretches) {
    const last = longer.at(-1);
    if (last?.toUnix === fromUnix) last.toUnix = toUnix;
    else longer.push({ fromUnix, toUnix });
  }
  return longer;
}

/** How many audits were expected, and for how long none looked although one should have. */
export function watch(facts: WatchFacts): Watch {
  const blind = joined(unseen(facts));
  const seconds = ({ fromUnix, toUnix }: Stretch) => toUnix - fromUnix;
  const longest = [...blind].sort((a, b) => seconds(b) - seconds(a))[0] ?? null;
  const blindSeconds = blind.reduce((sum, one) => sum + seconds(one), 0);
  return { expected: facts.ticks.length, blindSeconds, longestBlind: longest };
}
