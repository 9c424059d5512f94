import { listPlaces } from '../src/artifacts/places.ts';
import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { incidentKey } from '../src/core/expected.ts';
import { decisionOfIncident, type Incident } from '../src/core/incident.ts';
import type { Capture, Round } from '../src/core/model.ts';
import { type AuditFacts, type AuditRules, type Situation, understand } from '../src/core/situation.ts';
import { localDay } from '../src/core/time.ts';
import { UsageError } from '../src/errors.ts';
import { openAlertGroups } from '../src/ledger/alert-groups.ts';
import { eachNewestIncident, incidentsByKeys, openIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import {
  type DayRange,
  readRivals,
  readRoundsById,
  readRoundsOnDays,
  readWindow,
  type UnreadableRows,
} from '../src/source/read.ts';
import { readCaptures, readCapturesLinkedTo, readSpawnKeys } from '../src/source/read-captures.ts';
import { canSettle } from '../src/source/settling.ts';
import { type IndexNews, withEvidenceRead } from './artifact-reading.ts';
import { hashesOf, openKeptCopies, type ReadPlaces, readArtifactsNear } from './artifacts-near.ts';
import { readHistory, type Settled, settleHistory } from './history.ts';
import type { Progress } from './progress.ts';
import { dayRange, instantsOf, joinRanges, outside, type Scope, widen, windowOf } from './scope.ts';
import { hasVisits, ownPaths, type Visit, visitPlaces } from './visit.ts';

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

/** What is looked at, with what, and when. */
export interface Observing {
  config: Config;
  source: Source;
  ledger: Ledger | null;
  scope: Scope;
  /** Read no artifact: enough to know which rounds are covered, and nothing of what else they are. */
  capturesOnly?: boolean;
  /** Judge every row of a whole history, and let SQL settle none: what the tests hold the other way against. */
  judgesAll?: boolean;
  /** How many ids of a whole history SQL looks at in one pass; the default suits everybody but tests. */
  pass?: number;
  /** Look at the rows of these incidents, open or not by now, instead of those that are open. */
  openKeys?: readonly string[];
  /** What this run has found on other hosts and in retry buffers; they are visited where it has not yet. */
  visit?: Visit;
  nowUnix: number;
  progress: Progress;
}

/** Every open incident, or those that are asked for, open or not. */
async function openStored(asked: Observing): Promise<Incident[]> {
  const { ledger, source, openKeys } = asked;
  if (ledger === null || asked.scope.kind === 'round') return [];
  const stored = await (openKeys === undefined
    ? openIncidents(ledger, source.name)
    : incidentsByKeys(ledger, source.name, openKeys));
  return stored.map(({ state }) => state as unknown as Incident);
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

/** A person who asks for days has every row looked at; a cycle and a report rest on the daily audit of all of them. */
function unreadableOf({ scope, capturesOnly }: Observing, open: readonly Incident[]): UnreadableRows {
  if (scope.kind === 'days' && !capturesOnly) return 'everywhere';
  const badTime = open.filter(({ reason }) => reason === 'bad_time');
  return { knownIds: badTime.flatMap(({ round }) => round?.roundId ?? []) };
}

/** The rows that are judged: the window's, and those of open incidents outside it, each once. */
async function readJudged(asked: Observing, stored: readonly Incident[]): Promise<Round[]> {
  const { source, scope } = asked;
  const { database, schema } = source;
  if (scope.kind === 'round') {
    const found = await readRoundsById(database, schema, [scope.roundId]);
    if (found.length === 0) throw new UsageError(`there is no round ${scope.roundId} in ${source.name}`);
    return found;
  }
  const inWindow = await readWindow(database, schema, windowOf(scope), unreadableOf(asked, stored));
  if (scope.kind !== 'lookback') return inWindow;
  const known = new Set(inWindow.map((round) => round.id));
  const keys = new Set(stored.map((incident) => incident.key));
  const days = stored.flatMap(({ round }) => dayRange(round?.date ?? null).map(({ since }) => since!));
  const onTheirDays = await readRoundsOnDays(database, schema, days);
  const outside = onTheirDays.filter((round) => !known.has(round.id) && keys.has(incidentKey(round)));
  return [...inWindow, ...outside];
}

/** The ranges of days in which something can bear on the judged rows: their days, and one more on each side. */
function rangesAround(scope: Scope, judged: readonly Round[]): DayRange[] {
  if (scope.kind === 'all') return [{ since: null, until: null }];
  const window = scope.kind === 'round' ? [] : [widen(windowOf(scope), 1)];
  const days = new Set(judged.map(({ date }) => date));
  const around = [...days].flatMap((day) => dayRange(day).map((range) => widen(range, 1)));
  return joinRanges([...window, ...around]);
}

/** Everything with number 1 or 2 that may claim a candidate in the ranges; what is judged has been read already. */
async function readNear(
  { source, scope }: Observing,
  ranges: readonly DayRange[],
  judged: readonly Round[],
): Promise<Round[]> {
  const read = scope.kind === 'round' ? ranges : ranges.flatMap((range) => outside(range, windowOf(scope)));
  const pages = [judged.filter(({ number }) => number === 1 || number === 2)];
  for (const range of read) pages.push(await readRivals(source.database, source.schema, range));
  return uniqueById(pages.flat());
}

function uniqueById<T extends { id: number }>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item.id, item])).values()];
}

async function readCapturesNear(
  asked: Observing,
  ranges: readonly DayRange[],
  judged: readonly Round[],
): Promise<Capture[]> {
  const { database, schema } = asked.source;
  const pages: Capture[][] = [];
  for (const matchIds of ranges) {
    const { fromUnix, toUnix } = instantsOf(matchIds, asked.config.zone);
    const ends = {
      fromUnix: matchIds.since === null ? null : fromUnix,
      toUnix: matchIds.until === null ? null : toUnix,
    };
    pages.push(await readCaptures(database, schema, { ends, matchIds }));
  }
  const found = pages.flat();
  if (asked.scope.kind === 'all') return found;
  const known = new Set(found.map(({ id }) => id));
  const roundIds = judged.map((round) => round.id);
  const linked = await readCapturesLinkedTo(database, schema, roundIds, known);
  return uniqueById([...found, ...linked]);
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

/** The rows that bear on a scope, and what the places hold of its time. */
interface NearRows extends ReadPlaces {
  judged: Round[];
  /** Rows that may claim a candidate, besides those that captures point to. */
  near: Round[];
  captures: Capture[];
  settled: Settled | null;
  /** The SHA-256 of everything that the places hold; those artifacts that bear on none of the rows are let go. */
  found: ReadonlySet<string>;
}

/** Every row of the scope, and all that is near them. */
async function readAround(
  asked: Observing,
  of: { stored: readonly Incident[]; visit: Visit },
): Promise<NearRows> {
  const judged = await readJudged(asked, of.stored);
  const ranges = rangesAround(asked.scope, judged);
  const near = await readNear(asked, ranges, judged);
  const captures = await readCapturesNear(asked, ranges, judged);
  const found = await readArtifactsNear(asked, { ranges, visit: of.visit });
  return { judged, near, captures, settled: null, found: hashesOf(found.artifacts), ...found };
}

const always: DayRange = { since: null, until: null };

/** Incidents that a whole history is read with. */
async function readIncidents({ ledger, source }: Observing) {
  const remembered: Incident[] = [];
  const unclosed: Incident[] = [];
  if (ledger !== null)
    for await (const { state } of eachNewestIncident(ledger, source.name)) {
      const incident = state as unknown as Incident;
      if (incident.artifacts.length > 0) remembered.push(incident);
      if (incident.status !== 'closed') unclosed.push(incident);
    }
  return { remembered, unclosed };
}

/** Both, done at the same time; what fails first is thrown when nothing is under way any more. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

/** Of a whole history only what SQL leaves to the core. The database looks at rows while artifacts are read. */
async function readWhole(asked: Observing, of: { visit: Visit }): Promise<NearRows> {
  const { ledger, source, config } = asked;
  const { remembered, unclosed } = await readIncidents(asked);
  const listing = await listPlaces(ownPaths(config.gametimePaths));
  const named = [...listing.files.map(({ name }) => name), ...of.visit.artifacts];
  const [found, settled] = await both(
    readArtifactsNear(asked, { ranges: [always], visit: of.visit, listing }),
    settleHistory(asked, { ends: named.map(({ endUnix }) => endUnix), unclosed }),
  );
  const hashes = hashesOf(found.artifacts);
  const copies = await openKeptCopies(asked, remembered, hashes);
  const groups = ledger === null ? [] : await openAlertGroups(ledger.database, source.name);
  // A triage packet tells what was found on other hosts, whatever it is.
  const visited = new Set(of.visit.artifacts);
  const facts = {
    artifacts: found.artifacts.filter((artifact) => !visited.has(artifact)),
    staying: [...copies, ...visited],
    unclosed,
    toldDays: groups
      .flatMap(({ gaps }) => gaps.flatMap(({ playedUnix }) => playedUnix ?? []))
      .map((unix) => localDay(unix, config.zone)),
  };
  const { leftOut, ...rows } = await readHistory(asked, facts, settled);
  const near = rows.judged.filter(({ number }) => number === 1 || number === 2);
  const artifacts = found.artifacts.filter((artifact) => !leftOut.has(artifact));
  const indexed = new Set(artifacts.filter((artifact) => found.indexed.has(artifact)));
  return { ...found, ...rows, near, artifacts, indexed, found: hashes };
}

/** Reads everything that bears on the rows of a scope, and applies the rules of matching. Writes nothing. */
export async function observe(asked: Observing): Promise<Observation> {
  const { config, source, ledger } = asked;
  const visit = asked.visit ?? (await visitFor(asked, { keep: false }));
  const { database, schema } = source;
  const stored = await openStored(asked);
  const open = openWithin(asked.scope, stored);
  const isWhole = asked.scope.kind === 'all' && !asked.capturesOnly && !asked.judgesAll;
  const read =
    isWhole && canSettle(schema)
      ? await readWhole(asked, { visit })
      : await readAround(asked, { stored, visit });
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
