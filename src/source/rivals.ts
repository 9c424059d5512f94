import { fileTime } from '../core/expected.ts';
import { distance, reachAfterSeconds, reachBeforeSeconds } from '../core/match.ts';
import type { Round } from '../core/model.ts';
import { normaliseMap } from '../core/names.ts';
import { gainedTiming } from '../core/slots.ts';
import { localDay } from '../core/time.ts';
import type { Want } from '../core/verdict.ts';
import type { Database } from '../database.ts';
import { readNamesOnDays } from './read.ts';

const nameOf = ({ map, number }: Pick<Round, 'map' | 'number'>) => `${number} ${normaliseMap(map)}`;

/**
 * The other rounds, by the id of the round that a repair is for, that are in reach of the same candidate.
 * Imports come hours late: one that appears between the plan and the write may be the true owner.
 */
export async function rivalsInReach(
  database: Database,
  wants: readonly Want[],
  zone: string,
): Promise<Map<number, number[]>> {
  const ends = wants.map((want) => gainedTiming(want).endUnix ?? 0);
  const days = ends.flatMap((end) => [
    localDay(end - reachBeforeSeconds, zone),
    localDay(end + reachAfterSeconds, zone),
  ]);
  const byName = new Map<string, { id: number; instants: readonly number[] }[]>();
  for (const round of await readNamesOnDays(database, days)) {
    const played = fileTime(round, zone);
    if (played === null) continue;
    const name = nameOf(round);
    const entry = { id: round.id, instants: played.instants };
    const known = byName.get(name);
    if (known) known.push(entry);
    else byName.set(name, [entry]);
  }
  return new Map(
    wants.map((want, at) => {
      const others = (byName.get(nameOf(want.round)) ?? []).filter(
        ({ id, instants }) => id !== want.round.id && distance(instants, ends[at]!) !== null,
      );
      return [want.round.id, others.map(({ id }) => id)];
    }),
  );
}
