import { incidentKey } from '../src/core/expected.ts';
import type { Incident } from '../src/core/incident.ts';
import type { Capture, Round } from '../src/core/model.ts';
import { UsageError } from '../src/errors.ts';
import {
  type DayRange,
  readRivals,
  readRoundsById,
  readRoundsOnDays,
  readWindow,
  type UnreadableRows,
} from '../src/source/read.ts';
import { readCaptures, readCapturesLinkedTo } from '../src/source/read-captures.ts';
import { hashesOf, readArtifactsNear } from './artifacts-near.ts';
import { type NearRows, type Observing, uniqueById } from './observing.ts';
import { dayRange, instantsOf, joinRanges, outside, type Scope, widen, windowOf } from './scope.ts';
import type { Visit } from './visit.ts';

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
  const claiming = judged.filter(({ number }) => number === 1 || number === 2);
  return uniqueById([...claiming, ...(await readRivals(source.database, source.schema, read))]);
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

/** Every row of the scope, and all that is near them. */
export async function readAround(
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
