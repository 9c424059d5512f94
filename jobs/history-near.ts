import { usualSeconds } from '../src/core/match.ts';
import type { Artifact, Capture, Round } from '../src/core/model.ts';
import { isWithin, joinSpans, type Span, sharedStarts, spanOfReach } from '../src/core/near.ts';
import { type CoveredRound, endsOf, ownArtifacts, startsOf } from '../src/core/own-artifacts.ts';
import { earliestUnix, longestRoundSeconds } from '../src/core/sane.ts';
import { spawnKey } from '../src/core/situation.ts';
import { addDays, localDay } from '../src/core/time.ts';
import { roundIdsByStart } from '../src/source/read.ts';
import { type Link, linksByEnd, readSpawnKeys } from '../src/source/read-captures.ts';
import type { SettledHistory } from '../src/source/settled.ts';
import type { ExemptRow } from '../src/source/settled-parts.ts';
import type { HistoryFacts } from './history.ts';
import type { Observing } from './observing.ts';

/* What of a history is near to what (docs/decisions/0019): it decides which settled rows the core judges all the same. */

const daySeconds = 86_400;

/** What was read of a history before looking at what is near to what. */
export interface Readings {
  history: SettledHistory;
  open: readonly Round[];
  loose: readonly Capture[];
  told: readonly Round[];
  /** Where settled rounds ended that may be those of incidents which are not closed. */
  unclosed: readonly Span[];
}

/** The links of captures whose rounds ended in one of some spans. */
async function linksWithin(asked: Observing, spans: readonly Span[]): Promise<Link[]> {
  const exact = joinSpans(spans);
  const links: Link[] = [];
  for (const span of joinSpans(exact, daySeconds))
    for await (const link of linksByEnd(asked.source.database, span))
      if (isWithin(exact, link.endUnix)) links.push(link);
  return links;
}

/** Those links of which nothing but an artifact could say that the core has to judge their rounds. */
function sureOf(links: readonly Link[], of: Readings & { shared: readonly number[] }): Link[] {
  const rounds = new Set([...of.history.open, ...of.told.map(({ id }) => id)]);
  const captures = new Set(of.loose.map(({ id }) => id));
  const starts = new Set(of.shared);
  const unclosed = joinSpans(of.unclosed);
  return links.filter(
    ({ roundId, captureId, startUnix, endUnix }) =>
      !rounds.has(roundId) &&
      !captures.has(captureId) &&
      !starts.has(startUnix) &&
      !isWithin(unclosed, endUnix),
  );
}

/** The listed artifacts that are the own ones of rounds which SQL settled: both are left out. */
async function ownOf(
  asked: Observing,
  of: { links: readonly Link[] } & Pick<HistoryFacts, 'artifacts' | 'staying'>,
): Promise<Set<Artifact>> {
  const { database, schema } = asked.source;
  const matchIds = of.links.map(({ matchId }) => matchId);
  const keys = await readSpawnKeys(database, schema, matchIds);
  const covered = of.links.flatMap(({ matchId, number, ...link }): CoveredRound[] => {
    if (number !== 1 && number !== 2) return [];
    return [{ number, hasSpawnRows: keys === null || keys.has(spawnKey(matchId, number)), ...link }];
  });
  const own = ownArtifacts(of.artifacts, { covered, staying: of.staying, nowUnix: asked.nowUnix });
  return new Set(own.values());
}

/** The days on which settled rounds may be dated that have one of these starts; of other starts there are no such rounds. */
function daysOfStarts(starts: readonly number[], { config, nowUnix }: Observing): string[] {
  const days = new Set<string>();
  const sane = starts.filter((start) => start > earliestUnix && start < nowUnix + 2 * daySeconds);
  for (const start of sane) {
    const last = localDay(start + longestRoundSeconds + usualSeconds, config.zone);
    for (let day = localDay(start, config.zone); day <= last; day = addDays(day, 1)) days.add(day);
  }
  return [...days];
}

/**
 * The ids of settled rows that are not expected, and may claim a candidate all the same: having no start, by their distance
 * from whatever capture the core is given, and from an artifact.
 */
export function exemptNear(
  rows: readonly ExemptRow[],
  of: { spans: readonly Span[]; captures: readonly Capture[] },
): number[] {
  const ends = of.captures.flatMap(({ timing: { endUnix } }) => (endUnix === null ? [] : [endUnix]));
  const joined = joinSpans([...of.spans, ...ends.map(spanOfReach)]);
  return rows.filter(({ fileUnix }) => isWithin(joined, fileUnix)).map(({ id }) => id);
}

/** What is near to what. */
export interface Surroundings {
  /** The ids of settled rounds that could bear on another one, or on an artifact. */
  namedIds: number[];
  /** Where artifacts reach that are not left out, and where incidents are that are not closed. */
  spans: readonly Span[];
  leftOut: ReadonlySet<Artifact>;
}

/** Looks at what is near to what in a history. */
export async function lookAround(
  asked: Observing,
  facts: HistoryFacts,
  read: Readings,
): Promise<Surroundings> {
  const { history, open, loose, unclosed } = read;
  const startOf = ({ timing: { startUnix } }: Round | Capture) => (startUnix === null ? [] : [startUnix]);
  const [openStarts, looseStarts] = [open.flatMap(startOf), loose.flatMap(startOf)];
  const sharedWith = (candidateStarts: readonly number[]) =>
    sharedStarts(history.starts, { openStarts, candidateStarts });
  const spansOf = (artifacts: readonly Artifact[]) => [
    ...artifacts.flatMap(endsOf).map(spanOfReach),
    ...unclosed,
  ];
  const links = await linksWithin(asked, spansOf([...facts.artifacts, ...facts.staying]));
  const sure = sureOf(links, { ...read, shared: sharedWith(looseStarts) });
  const leftOut = await ownOf(asked, { ...facts, links: sure });
  const artifacts = [...facts.artifacts, ...facts.staying].filter((artifact) => !leftOut.has(artifact));
  const spans = spansOf(artifacts);
  const joined = joinSpans(spans);
  const starts = sharedWith([...looseStarts, ...artifacts.flatMap(startsOf)]);
  const days = daysOfStarts(starts, asked);
  const ofStarts = await roundIdsByStart(asked.source.database, { starts, days });
  const near = links.filter(({ endUnix }) => isWithin(joined, endUnix));
  return { namedIds: [...ofStarts, ...near.map(({ roundId }) => roundId)], spans, leftOut };
}
