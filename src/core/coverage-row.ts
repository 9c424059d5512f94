import { coveringCapture, pairedCapture, resolvedCapture } from './candidates.ts';
import type { Cause } from './cause.ts';
import type { CoverageRow } from './coverage.ts';
import { agesFrom, fileTime } from './expected.ts';
import type { Incident } from './incident.ts';
import type { Capture, Round } from './model.ts';
import type { RepairSummary } from './plan.ts';
import type { Situation } from './situation.ts';
import type { Assessment, Verdict } from './verdict.ts';

/** What the ledger knows of the rows of a report. */
export interface KnownRows {
  /** By incident key. */
  incidents: ReadonlyMap<string, Incident>;
  /** By incident key: what kinds of repair stand in the ledger for it. */
  repairKinds: ReadonlyMap<string, readonly RepairSummary['kind'][]>;
}

const unixOf = (at: string) => Math.floor(Date.parse(at) / 1000);

/**
 * What stands of one row. Whether it is covered is read from the source; what an uncovered one is, only an audit
 * may say, which has looked into the artifact places: so it is read from the ledger, and is `unchecked` where the
 * ledger does not say (DESIGN: never call a round lost that nobody has looked for).
 */
function verdictOf({ verdict }: Assessment, incident: Incident | undefined): Verdict | null {
  if (verdict === null || verdict === 'covered' || verdict === 'pending') return verdict;
  if (incident === undefined || incident.status === 'closed') return 'unchecked';
  if (incident.status === 'written_off') return 'lost';
  const { verdict: known } = incident;
  // An open one that is `lost` was reopened since it was written off, and no audit has judged it anew.
  return known === null || known === 'covered' || known === 'lost' ? 'unchecked' : known;
}

/** How long the live pipeline goes first: an audit within that time calls the round pending, and writes nothing. */
function waitsOf({ playedById, rules }: Situation, round: Round): CoverageRow['waits'] {
  const played = playedById.get(round.id) ?? fileTime(round, rules.zone);
  if (played === null) return null;
  const fromUnix = agesFrom(round, played, rules);
  return { fromUnix, untilUnix: fromUnix + rules.graceMinutes * 60 };
}

/** A repair covered it if it was a gap that a repair closed; filling what a covered round lacked is none. */
function coveredBy(incident: Incident | undefined, kinds: readonly RepairSummary['kind'][]) {
  const repaired = incident?.closed?.by === 'repair' && kinds.some((kind) => kind !== 'complete');
  return repaired ? 'repair' : 'pipeline';
}

function setAsideOf(incident: Incident | undefined): CoverageRow['setAside'] {
  if (incident === undefined || incident.status === 'closed') return null;
  return incident.held !== null ? 'held' : incident.excused !== null ? 'excused' : null;
}

/** Captures with a version and an end, in the order of play. */
function versioned(captures: readonly Capture[]): { endUnix: number; version: string }[] {
  return captures
    .flatMap(({ luaVersion, timing: { endUnix } }) =>
      luaVersion === null || endUnix === null ? [] : [{ endUnix, version: luaVersion }],
    )
    .sort((a, b) => a.endUnix - b.endUnix);
}

const withinSeconds = 12 * 3600;

/** The version of the captures just before and after an instant, within half a day of it, if they agree. */
function versionAround(unix: number, known: readonly { endUnix: number; version: string }[]): string | null {
  let [low, high] = [0, known.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (known[middle]!.endUnix < unix) low = middle + 1;
    else high = middle;
  }
  const near = [known[low - 1], known[low]].filter(
    (one) => one !== undefined && Math.abs(one.endUnix - unix) <= withinSeconds,
  );
  const versions = new Set(near.map((one) => one!.version));
  return versions.size === 1 ? [...versions][0]! : null;
}

/** The rows of a report, from what the core says of them and what the ledger knows. */
export function coverageRows(
  situation: Situation,
  assessments: readonly Assessment[],
  known: KnownRows,
): CoverageRow[] {
  const versions = versioned(situation.facts.captures);
  return assessments.map((assessment) => {
    const { round, key, playedUnix, exempt } = assessment;
    const incident = known.incidents.get(key);
    const kinds = known.repairKinds.get(key) ?? [];
    const verdict = verdictOf(assessment, incident);
    const wasGap = incident !== undefined && incident.round !== null;
    const by = verdict === 'covered' ? coveredBy(incident, kinds) : null;
    const capture = exempt === null ? captureOf(situation, assessment) : null;
    const around = exempt === null && playedUnix !== null ? versionAround(playedUnix, versions) : null;
    return {
      round,
      key,
      playedUnix,
      exempt,
      verdict,
      waits: waitsOf(situation, round),
      by,
      setAside: verdict === 'covered' || exempt !== null ? null : setAsideOf(incident),
      wasExcused: incident !== undefined && incident.excused !== null,
      cause: wasGap ? ((incident.cause as Cause | null)?.code ?? null) : null,
      moduleVersion: capture?.luaVersion ?? around,
      flags: assessment.flags,
      detectedUnix: wasGap ? unixOf(incident.openedAt) : null,
      repairedUnix: by === 'repair' ? unixOf(incident!.closed!.at) : null,
    };
  });
}

function captureOf(situation: Situation, { round, verdict }: Assessment): Capture | null {
  if (verdict === 'covered') return coveringCapture(situation, round.id)?.linked ?? null;
  return (pairedCapture(situation, round.id) ?? resolvedCapture(situation, round))?.member ?? null;
}
