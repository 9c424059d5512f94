import { readdir } from 'node:fs/promises';
import { listPlaces } from '../src/artifacts/places.ts';
import { parseArtifactName } from '../src/core/names.ts';
import { artifactDirectory, roundOf } from './artifact-files.ts';
import type { Bench } from './bench.ts';
import { byTurns, type Finding, ratioFinding } from './measure.ts';

/** A listing takes a tenth of a second, and the next one a tenth more or less. */
const turnsPerTime = 6;

/** Listing a directory of artifacts: all of them as a full audit wants them, and those of a week as each cycle does. */
export const bench: Bench = {
  id: 'artifacts-list',
  about: 'listing artifacts against readdir and the parsing of names',
  async run({ sizeOf, times, seed, directory, say }): Promise<Finding[]> {
    const count = sizeOf({ full: 100_000, small: 20_000 });
    say(`making ${count} names`);
    const place = artifactDirectory({ directory, count, seed, content: false });
    const weekAgo = roundOf(count).endUnix - 7 * 86_400;
    const size = `${count.toLocaleString('en')} artifacts`;
    const bare = async () => (await readdir(place)).length;
    const named = async () => (await readdir(place)).map(parseArtifactName).length;
    const listAll = async () => (await listPlaces([place])).files.length;
    const listWeek = async () => (await listPlaces([place], { near: (end) => end >= weekAgo })).files.length;
    if ((await listAll()) !== count || (await named()) !== count)
      throw new Error('a listing is not complete');
    say('listing all');
    const all = await byTurns(turnsPerTime * times, { product: listAll, limit: named });
    say('listing a week');
    const week = await byTurns(turnsPerTime * times, { product: listWeek, limit: bare });
    return [
      ratioFinding(
        { measure: 'indexing artifacts, all of them', size, limit: 'readdir and parsing each name' },
        { samples: all, atMost: 2 },
      ),
      ratioFinding(
        { measure: 'indexing artifacts, nothing new', size, limit: 'readdir' },
        { samples: week, atMost: 1.2 },
      ),
    ];
  },
};
