import { reachAfterSeconds, reachBeforeSeconds, usualSeconds } from './match.ts';

/** A span of time, unix seconds, both ends included. */
export interface Span {
  fromUnix: number;
  toUnix: number;
}

/** Spans that overlap, or lie no further apart than `apartSeconds`, as one; in order. */
export function joinSpans(spans: readonly Span[], apartSeconds = 0): Span[] {
  const joined: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.fromUnix - b.fromUnix)) {
    const last = joined.at(-1);
    if (last !== undefined && span.fromUnix <= last.toUnix + apartSeconds)
      last.toUnix = Math.max(last.toUnix, span.toUnix);
    else joined.push({ ...span });
  }
  return joined;
}

/** Whether an instant lies in one of some spans that are joined. */
export function isWithin(joined: readonly Span[], unix: number): boolean {
  let low = 0;
  let high = joined.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (joined[middle]!.toUnix < unix) low = middle + 1;
    else high = middle;
  }
  return low < joined.length && joined[low]!.fromUnix <= unix;
}

/**
 * Where a settled round has to have ended, whose file time is in reach of a candidate's end: its own file lies at the
 * most so long after its end as the game takes (DESIGN, Matching 5).
 */
export function spanOfReach(candidateEndUnix: number): Span {
  return {
    fromUnix: candidateEndUnix - reachBeforeSeconds - usualSeconds,
    toUnix: candidateEndUnix + reachAfterSeconds,
  };
}

/** Where a settled round has to have ended that has this file time. */
export function spanOfFile(fileUnix: number): Span {
  return { fromUnix: fileUnix - usualSeconds, toUnix: fileUnix };
}

/** Where in ascending numbers the first one lies that is not less than `number`. */
function firstAt(ascending: Float64Array, number: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The starts that a settled round shares with another round, or with one of these candidates: whether it can be trusted,
 * and what is its double, only the core can tell. `starts` are those of all rounds, ascending; `openStarts` those of the
 * rounds that are not settled.
 */
export function sharedStarts(
  starts: Float64Array,
  of: { openStarts: readonly number[]; candidateStarts: readonly number[] },
): number[] {
  const openCounts = new Map<number, number>();
  for (const start of of.openStarts) openCounts.set(start, (openCounts.get(start) ?? 0) + 1);
  const repeated = new Set<number>();
  for (let at = 1; at < starts.length; at++) if (starts[at] === starts[at - 1]) repeated.add(starts[at]!);
  const isSettled = (start: number) => {
    const from = firstAt(starts, start);
    let to = from;
    while (to < starts.length && starts[to] === start) to++;
    return to - from > (openCounts.get(start) ?? 0);
  };
  return [...new Set([...repeated, ...of.candidateStarts])].filter(isSettled);
}
