/** How far after an end the file of its round may be dated, and how far before (DOMAIN, section 4). */
export const reachAfterSeconds = 30;
export const reachBeforeSeconds = 5;
/** What the game itself writes; more is flagged `weak_distance`. */
export const usualSeconds = 3;

/** A row of `rounds` that may claim a candidate. Instants are unix seconds. */
export interface Rival {
  id: number;
  map: string;
  number: 1 | 2;
  /** The file time: one instant, or two on the repeated hour. */
  fileTimes: readonly number[];
  /** The start on `rounds` where it is trusted (DESIGN, Matching 3), else null. */
  startUnix: number | null;
}

/** One round's captures or artifacts: what was written twice stands here once, by its earliest end. */
export interface Candidate {
  id: string;
  map: string;
  number: 1 | 2;
  startUnix: number | null;
  endUnix: number;
}

/** A candidate within reach of a rival. */
export interface Fit {
  rivalId: number;
  candidateId: string;
  /** File time minus end, seconds. */
  deltaSeconds: number;
  by: 'start' | 'distance';
  numberDiffers: boolean;
}

/** What matching found. A pair is certain; `reach` holds everything that was possible, pairs included. */
export interface Matching {
  pairs: ReadonlyMap<number, Fit>;
  reach: ReadonlyMap<number, readonly Fit[]>;
  reachOf: ReadonlyMap<string, readonly Fit[]>;
}

/** File time minus end where it is in reach, else null. Of two file times the nearer one counts. */
export function distance(fileTimes: readonly number[], endUnix: number): number | null {
  let best: number | null = null;
  for (const fileTime of fileTimes) {
    const delta = fileTime - endUnix;
    if (delta < -reachBeforeSeconds || delta > reachAfterSeconds) continue;
    if (best === null || Math.abs(delta) < Math.abs(best)) best = delta;
  }
  return best;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** Equal trusted starts on the same map. A candidate's own number comes first; a differing one is a flag. */
function matchByStart(rivals: readonly Rival[], candidates: readonly Candidate[]): Fit[] {
  const started = rivals.filter((rival) => rival.startUnix !== null);
  const byStart = groupBy(
    candidates.filter((candidate) => candidate.startUnix !== null),
    (candidate) => `${candidate.map} ${candidate.startUnix}`,
  );
  const fits: Fit[] = [];
  const usedRivals = new Set<number>();
  const usedCandidates = new Set<string>();
  for (const numberDiffers of [false, true]) {
    const possible: Fit[] = [];
    for (const rival of started) {
      if (usedRivals.has(rival.id)) continue;
      for (const candidate of byStart.get(`${rival.map} ${rival.startUnix}`) ?? []) {
        if (usedCandidates.has(candidate.id) || (candidate.number !== rival.number) !== numberDiffers)
          continue;
        const deltaSeconds = distance(rival.fileTimes, candidate.endUnix);
        if (deltaSeconds === null) continue;
        possible.push({
          rivalId: rival.id,
          candidateId: candidate.id,
          deltaSeconds,
          by: 'start',
          numberDiffers,
        });
      }
    }
    const [perRival, perCandidate] = [countBy(possible, 'rivalId'), countBy(possible, 'candidateId')];
    for (const fit of possible) {
      if (perRival.get(fit.rivalId) !== 1 || perCandidate.get(fit.candidateId) !== 1) continue;
      fits.push(fit);
      usedRivals.add(fit.rivalId);
      usedCandidates.add(fit.candidateId);
    }
  }
  return fits;
}

function countBy<K extends 'rivalId' | 'candidateId'>(fits: readonly Fit[], field: K): Map<Fit[K], number> {
  const counts = new Map<Fit[K], number>();
  for (const fit of fits) counts.set(fit[field], (counts.get(fit[field]) ?? 0) + 1);
  return counts;
}

/** The candidates of one map and number, sorted by end, whose end can lie in reach of a file time. */
function endsInReach(sorted: readonly Candidate[], fileTimes: readonly number[]): Candidate[] {
  const found: Candidate[] = [];
  for (const fileTime of fileTimes) {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.endUnix < fileTime - reachAfterSeconds) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < sorted.length && sorted[at]!.endUnix <= fileTime + reachBeforeSeconds; at++)
      found.push(sorted[at]!);
  }
  return found;
}

function reachByDistance(rivals: readonly Rival[], candidates: readonly Candidate[]): Fit[] {
  const byMap = groupBy(candidates, (candidate) => `${candidate.number} ${candidate.map}`);
  for (const group of byMap.values()) group.sort((a, b) => a.endUnix - b.endUnix);
  const fits: Fit[] = [];
  for (const rival of rivals) {
    for (const candidate of endsInReach(byMap.get(`${rival.number} ${rival.map}`) ?? [], rival.fileTimes)) {
      const bothStarted = rival.startUnix !== null && candidate.startUnix !== null;
      if (bothStarted && rival.startUnix !== candidate.startUnix) continue;
      const deltaSeconds = distance(rival.fileTimes, candidate.endUnix)!;
      fits.push({
        rivalId: rival.id,
        candidateId: candidate.id,
        deltaSeconds,
        by: 'distance',
        numberDiffers: false,
      });
    }
  }
  return fits;
}

/** The single nearest of some fits, or null where two are equally near. */
export function singleBest(fits: readonly Fit[]): Fit | null {
  let best: Fit | null = null;
  let tied = false;
  for (const fit of fits) {
    const order = best === null ? -1 : Math.abs(fit.deltaSeconds) - Math.abs(best.deltaSeconds);
    if (order < 0) best = fit;
    if (order <= 0) tied = order === 0;
  }
  return tied ? null : best;
}

/**
 * Pairs rounds with candidates (DESIGN, Matching 4 and 5): equal trusted starts first, then by distance
 * in one pass, where a pair holds only if each is the other's single best. The order of the inputs does
 * not matter, no candidate is used twice, and shifting every time by the same amount changes nothing.
 */
export function match(rivals: readonly Rival[], candidates: readonly Candidate[]): Matching {
  const byStart = matchByStart(rivals, candidates);
  const usedRivals = new Set(byStart.map((fit) => fit.rivalId));
  const usedCandidates = new Set(byStart.map((fit) => fit.candidateId));
  const near = reachByDistance(
    rivals.filter((rival) => !usedRivals.has(rival.id)),
    candidates.filter((candidate) => !usedCandidates.has(candidate.id)),
  );

  const reach = new Map<number, Fit[]>();
  const reachOf = new Map<string, Fit[]>();
  for (const fit of [...byStart, ...near]) {
    reach.set(fit.rivalId, [...(reach.get(fit.rivalId) ?? []), fit]);
    reachOf.set(fit.candidateId, [...(reachOf.get(fit.candidateId) ?? []), fit]);
  }
  const pairs = new Map(byStart.map((fit) => [fit.rivalId, fit]));
  for (const fit of near) {
    const mutual =
      singleBest(reach.get(fit.rivalId)!) === fit && singleBest(reachOf.get(fit.candidateId)!) === fit;
    if (mutual) pairs.set(fit.rivalId, fit);
  }
  return { pairs, reach, reachOf };
}
