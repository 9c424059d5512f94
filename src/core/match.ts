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

/** Every rival and candidate of one map and start, within reach; with the same number, or with differing ones. */
function equalStarts(
  rivals: readonly Rival[],
  candidates: readonly Candidate[],
  numberDiffers: boolean,
): Fit[] {
  const started = candidates.filter((candidate) => candidate.startUnix !== null);
  const byStart = groupBy(started, (candidate) => `${candidate.map} ${candidate.startUnix}`);
  return rivals.flatMap((rival) => {
    if (rival.startUnix === null) return [];
    const same = byStart.get(`${rival.map} ${rival.startUnix}`) ?? [];
    return same.flatMap((candidate): Fit[] => {
      const deltaSeconds = distance(rival.fileTimes, candidate.endUnix);
      if (deltaSeconds === null || (candidate.number !== rival.number) !== numberDiffers) return [];
      return [{ rivalId: rival.id, candidateId: candidate.id, deltaSeconds, by: 'start', numberDiffers }];
    });
  });
}

/** The fits that are the only one on both their sides. */
function onlyOnes(fits: readonly Fit[]): Fit[] {
  const perRival = groupBy(fits, (fit) => `${fit.rivalId}`);
  const perCandidate = groupBy(fits, (fit) => fit.candidateId);
  return fits.filter(
    (fit) => perRival.get(`${fit.rivalId}`)!.length === 1 && perCandidate.get(fit.candidateId)!.length === 1,
  );
}

/** What `fits` leave over. */
function without<T extends { id: number | string }>(
  items: readonly T[],
  used: readonly (number | string)[],
): T[] {
  const taken = new Set(used);
  return items.filter((item) => !taken.has(item.id));
}

const rivalIds = (fits: readonly Fit[]) => fits.map((fit) => fit.rivalId);
const candidateIds = (fits: readonly Fit[]) => fits.map((fit) => fit.candidateId);

/** Equal trusted starts on the same map. A candidate's own number comes first; a differing one is a flag. */
function matchByStart(rivals: readonly Rival[], candidates: readonly Candidate[]): Fit[] {
  const sameNumber = onlyOnes(equalStarts(rivals, candidates, false));
  const [restRivals, restCandidates] = [
    without(rivals, rivalIds(sameNumber)),
    without(candidates, candidateIds(sameNumber)),
  ];
  return [...sameNumber, ...onlyOnes(equalStarts(restRivals, restCandidates, true))];
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
  const near = reachByDistance(
    without(rivals, rivalIds(byStart)),
    without(candidates, candidateIds(byStart)),
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
