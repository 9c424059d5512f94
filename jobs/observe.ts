import { incidentKey } from '../src/core/expected.ts';
import { decisionOfIncident, type Incident } from '../src/core/incident.ts';
import { type AuditFacts, type AuditRules, type Situation, understand } from '../src/core/situation.ts';
import { collectGarbage } from '../src/garbage.ts';
import { incidentsByKeys } from '../src/ledger/incidents.ts';
import { type DayRange, readRoundsById } from '../src/source/read.ts';
import { readSpawnKeys } from '../src/source/read-captures.ts';
import { type IndexNews, withEvidenceRead } from './artifact-reading.ts';
import { openKeptCopies } from './artifacts-near.ts';
import type { Settled } from './history.ts';
import { readWhole } from './observe-history.ts';
import { readAround } from './observe-window.ts';
import { letsSqlSettle, type Observing, openStored, uniqueById } from './observing.ts';
import { dayRange, instantsOf, joinRanges, type Scope, widen, windowOf } from './scope.ts';
import { hasVisits, type Visit, visitPlaces } from './visit.ts';

/** What one look at the world found, before and after rules. */
export interface Observation {
  situation: Situation;
  /** By key: the incidents of the judged rows, and every open one that this scope has to find again. */
  incidents: ReadonlyMap<string, Incident>;
  /** The keys of those open ones, to look at the same rows once more afterwards. */
  openKeys: readonly string[];
  /** Files in artifact places that are no artifacts, with the reason. */
  ignored: readonly { path: string; why: string }[];
  /** What was found on other hosts and in retry buffers, for a second look of the same run. */
  visit: Visit;
  /** What of the artifacts the ledger's index does not know yet. */
  news: IndexNews;
  /** What SQL decided of a whole history, which stands in no assessment; null where every row was judged. */
  settled: Settled | null;
}

/** Those that a scope has to find again. */
function openWithin(scope: Scope, open: readonly Incident[]): readonly Incident[] {
  if (scope.kind !== 'days') return open;
  const { since, until } = scope;
  return open.filter(({ round }) => {
    const date = round?.date ?? '';
    return (since === null || date >= since) && (until === null || date <= until);
  });
}

const nowhere: Visit = { places: [], artifacts: [], ignored: [] };

/** Days that hold every row which this scope may judge, without reading those rows. */
async function daysToVisit(asked: Observing): Promise<DayRange[]> {
  const { scope, source } = asked;
  if (scope.kind === 'round') {
    const found = await readRoundsById(source.database, source.schema, [scope.roundId]);
    return found.flatMap(({ date }) => dayRange(date));
  }
  const open = scope.kind === 'lookback' ? await openStored(asked) : [];
  return [windowOf(scope), ...open.flatMap(({ round }) => dayRange(round?.date ?? null))];
}

/**
 * Visits the places on other hosts and the retry buffers for a scope. With `keep` what is fetched is copied to
 * DATA_DIR first. Belongs before the snapshot of the source, which must not wait for another host.
 */
export async function visitFor(asked: Observing, { keep }: { keep: boolean }): Promise<Visit> {
  const { config, nowUnix, progress } = asked;
  if (asked.capturesOnly || !hasVisits(config)) return nowhere;
  const days = joinRanges((await daysToVisit(asked)).map((range) => widen(range, 1)));
  const ranges = days.map((range) => instantsOf(range, config.zone));
  const visit = await visitPlaces(config, { ranges, keep, nowUnix });
  progress.step('visiting places', visit.places.length, visit.places.length);
  return visit;
}

/** Reads everything that bears on the rows of a scope, and applies the rules of matching. Writes nothing. */
export async function observe(asked: Observing): Promise<Observation> {
  const { config, source, ledger } = asked;
  const visit = asked.visit ?? (await visitFor(asked, { keep: false }));
  const { database, schema } = source;
  const stored = await openStored(asked);
  const open = openWithin(asked.scope, stored);
  const isWhole = letsSqlSettle(asked);
  const read = await (isWhole ? readWhole(asked, { visit }) : readAround(asked, { stored, visit }));
  // Of a long history most of what was read of artifacts and rows is left out again.
  if (isWhole) collectGarbage();
  const { judged, near, captures, artifacts, places } = read;
  const known = new Set([...judged, ...near].map((round) => round.id));
  const holders = captures.flatMap(({ roundId }) =>
    roundId === null || known.has(roundId) ? [] : [roundId],
  );
  const rivals = uniqueById([...near, ...(await readRoundsById(database, schema, holders))]);
  const matchIds = captures.map((capture) => capture.matchId);
  const spawnKeys = await readSpawnKeys(database, schema, matchIds);

  const keys = [...new Set(judged.map(incidentKey))];
  const ofJudged = ledger === null ? [] : await incidentsByKeys(ledger, source.name, keys);
  const incidents = [...open, ...ofJudged.map(({ state }) => state as unknown as Incident)];
  const copies = asked.capturesOnly ? [] : await openKeptCopies(asked, incidents, read.found);

  const facts: AuditFacts = {
    judged,
    rivals,
    captures,
    artifacts: [...artifacts, ...copies],
    places,
    spawnKeys,
    decisions: new Map(incidents.map((incident) => [incident.key, decisionOfIncident(incident)])),
  };
  const rules: AuditRules = {
    nowUnix: asked.nowUnix,
    zone: config.zone,
    graceMinutes: config.graceMinutes,
    settleHours: config.settleHours,
    captureSince: config.captureSince,
    repairCovered: config.repairCovered,
  };
  const byKey = new Map(incidents.map((incident) => [incident.key, incident]));
  return {
    situation: await withEvidenceRead(understand(facts, rules), read.indexed),
    incidents: byKey,
    openKeys: open.map((incident) => incident.key),
    ignored: read.ignored,
    visit,
    settled: read.settled,
    news: read.news,
  };
}
