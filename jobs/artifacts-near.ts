import { openKept } from '../src/artifacts/keep.ts';
import { type Listing, listPlaces } from '../src/artifacts/places.ts';
import { keptArtifacts } from '../src/context.ts';
import type { Incident } from '../src/core/incident.ts';
import type { Artifact, Place } from '../src/core/model.ts';
import { insideAny } from '../src/core/orphans.ts';
import type { DayRange } from '../src/source/read.ts';
import { type IndexNews, noNews, readListed } from './artifact-reading.ts';
import type { Observing } from './observing.ts';
import { instantsOf } from './scope.ts';
import { ownPaths, type Visit } from './visit.ts';

/** What the places hold, and what of it was read. */
export interface ReadPlaces {
  artifacts: readonly Artifact[];
  /** Those that an earlier run has read. */
  indexed: Set<Artifact>;
  news: IndexNews;
  places: Place[];
  ignored: { path: string; why: string }[];
}

const nothingRead: ReadPlaces = { artifacts: [], indexed: new Set(), news: noNews, places: [], ignored: [] };

/**
 * Lists the places where that was not done yet, and opens only those files whose name says an end inside the ranges, and
 * that are new. `besideServer`: PostgreSQL is kept at work at the same time.
 */
export async function readArtifactsNear(
  asked: Observing,
  of: { ranges: readonly DayRange[]; visit: Visit; listing?: Listing; besideServer?: boolean },
): Promise<ReadPlaces> {
  const { visit, besideServer } = of;
  if (asked.capturesOnly) return nothingRead;
  const ranges = of.ranges.map((range) => instantsOf(range, asked.config.zone));
  const near = (endUnix: number) => insideAny(ranges, endUnix);
  const listing = of.listing ?? (await listPlaces(ownPaths(asked.config.gametimePaths), { near }));
  const visited = visit.artifacts.filter(({ endUnix }) => near(endUnix));
  const { ledger, source } = asked;
  const own = await readListed(listing.files, { ledger, source: source.name, ranges, besideServer });
  const artifacts = [...own.artifacts, ...visited];
  asked.progress.step('reading artifacts', artifacts.length, artifacts.length);
  return {
    ...own,
    artifacts,
    places: [...listing.places, ...visit.places],
    ignored: [...listing.ignored, ...visit.ignored],
  };
}

/**
 * Copies of artifacts that incidents remember and no place holds any more: the server cleans up. `found` are the SHA-256
 * of those that the places hold.
 */
export async function openKeptCopies(
  asked: Observing,
  incidents: readonly Incident[],
  found: ReadonlySet<string>,
): Promise<Artifact[]> {
  const known = new Set(found);
  const copies: Artifact[] = [];
  for (const remembered of incidents.flatMap((incident) => incident.artifacts)) {
    if (known.has(remembered.sha256)) continue;
    known.add(remembered.sha256);
    const copy = await openKept(keptArtifacts(asked.config), remembered);
    if (copy !== null) copies.push(copy);
  }
  return copies;
}

/** The SHA-256 of artifacts that could be read. */
export const hashesOf = (artifacts: readonly Artifact[]) =>
  new Set(artifacts.flatMap(({ sha256 }) => sha256 ?? []));
