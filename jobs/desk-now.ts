import type { Config } from '../src/config.ts';
import { type Source, withSource } from '../src/context.ts';
import { seenCandidates } from '../src/core/candidates.ts';
import { incidentKey } from '../src/core/expected.ts';
import type { Incident } from '../src/core/incident.ts';
import type { Place, Round } from '../src/core/model.ts';
import { normaliseMap } from '../src/core/names.ts';
import type { SeenCandidate } from '../src/core/verdict.ts';
import { messageOf } from '../src/errors.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { readNearby } from '../src/source/nearby.ts';
import { readRoundsById, readRoundsOnDays } from '../src/source/read.ts';
import { readCaptures } from '../src/source/read-captures.ts';
import type { IncidentView } from '../src/web/desk.ts';
import { lookAt } from './explain.ts';
import { rowsAround } from './packet.ts';

/** What is asked about one incident, and when. */
export interface Asked {
  config: Config;
  ledger: Ledger;
  incident: Incident;
  nowMs: number;
}

export type Looked = Pick<IncidentView, 'now' | 'whyNotNow' | 'rows'> & {
  candidates: readonly SeenCandidate[] | null;
  places: readonly Place[] | null;
};

const nearSeconds = 3_600;

/** An instant of the ledger in unix seconds. */
export const unixOf = (at: string | null | undefined) =>
  at == null ? null : Math.floor(Date.parse(at) / 1000);

/** The rows of the source on the incident's day, and the one that has the id which it remembers. */
async function rowsOfDay({ database, schema }: Source, { round }: Incident): Promise<Round[]> {
  const onDay = round?.date == null ? [] : await readRoundsOnDays(database, schema, [round.date]);
  const remembered = round === null ? [] : await readRoundsById(database, schema, [round.roundId]);
  return [...remembered, ...onDay];
}

/** What is left around a round whose own row is gone: the rows of its map on its day, and captures near it. */
async function rowsWithoutIt(
  { database, schema }: Source,
  of: { incident: Incident; onDay: readonly Round[] },
): Promise<NonNullable<IncidentView['rows']>> {
  const { round } = of.incident;
  const end = unixOf(round?.playedAt) ?? 0;
  const sameMap = of.onDay.filter(({ map }) => normaliseMap(map) === normaliseMap(round?.map ?? null));
  const captures = await readCaptures(database, schema, {
    ends: { fromUnix: end - nearSeconds, toUnix: end + nearSeconds },
    matchIds: { since: round?.date ?? '', until: round?.date ?? '' },
  });
  const near = captures.filter(({ timing }) => Math.abs((timing.endUnix ?? 0) - end) <= nearSeconds);
  return readNearby(database, schema, {
    roundIds: sameMap.map(({ id }) => id),
    matchId: round?.matchId ?? null,
    captureIds: near.map(({ id }) => id),
    captureMatchIds: near.map(({ matchId }) => matchId),
    ends: { fromUnix: end - 30, toUnix: end + 5 },
  });
}

/** Judges the incident's round, whatever id its row has by now: re-imports give new ones. */
async function lookNow({ config, ledger, incident, nowMs }: Asked, source: Source): Promise<Looked> {
  const onDay = await rowsOfDay(source, incident);
  const row = onDay.find((round) => incidentKey(round) === incident.key);
  if (row === undefined) {
    const id = incident.round === null ? '' : ` (its id was ${incident.round.roundId})`;
    const whyNotNow = `there is no row of this round in ${source.name} any more${id}`;
    const rows = await rowsWithoutIt(source, { incident, onDay });
    return { now: null, whyNotNow, rows, candidates: null, places: null };
  }
  const { situation, assessment } = await lookAt({ config, roundId: row.id, nowMs }, { source, ledger });
  const { want: _, seen: __, ...now } = assessment;
  return {
    now,
    whyNotNow: null,
    rows: await rowsAround({ source, situation, assessment }),
    candidates: seenCandidates(situation, assessment.round),
    places: situation.facts.places,
  };
}

/** The same, with the reason where the source cannot be read: what the ledger knows is shown all the same. */
export async function lookIfPossible(asked: Asked): Promise<Looked> {
  try {
    return await withSource(asked.config, { readOnly: true }, (source) => lookNow(asked, source));
  } catch (thrown) {
    const whyNotNow = `the source cannot be read: ${messageOf(thrown)}`;
    return { now: null, whyNotNow, rows: null, candidates: null, places: null };
  }
}
