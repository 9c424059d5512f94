import type { Source } from '../src/context.ts';
import { fileTime } from '../src/core/expected.ts';
import { indexLinks } from '../src/core/situation.ts';
import { type Linked, linkedOf } from '../src/core/zone-check.ts';
import { newestRounds } from '../src/source/look.ts';
import { readCapturesLinkedTo } from '../src/source/read-captures.ts';

/** So many of the newest rounds tell whether their captures lie where a zone says. */
const roundsForZone = 300;

/** The newest rounds with the captures that the pipeline has linked to them, as they lie in a zone. */
export type LinkedIn = (zone: string) => Linked[];

/** Reads what tells whether a zone can be the game server's (decision 23). */
export async function readLinked({ database, schema }: Source): Promise<LinkedIn> {
  const rounds = await newestRounds(database, schema, roundsForZone);
  const ids = rounds.map(({ id }) => id);
  const linkedTo = indexLinks(await readCapturesLinkedTo(database, schema, ids));
  return (zone) => linkedOf(rounds, { playedOf: (round) => fileTime(round, zone), linkedTo });
}
