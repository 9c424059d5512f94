import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { listPlaces } from '../src/artifacts/places.ts';
import { readArtifacts } from '../src/artifacts/read-many.ts';
import { artifactDirectory } from './artifact-files.ts';
import type { Bench } from './bench.ts';
import { byTurns, type Finding, ratioFinding } from './measure.ts';

/** The bare work: the bytes, their SHA-256, and JSON.parse of them where they are JSON. */
function readBare(paths: readonly string[]): number {
  let whole = 0;
  for (const path of paths) {
    const bytes = readFileSync(path);
    hash('sha256', bytes, 'hex');
    try {
      JSON.parse(bytes.toString('utf8'));
      whole++;
    } catch {}
  }
  return whole;
}

/** Reading artifacts as a full audit does, in one thread and in several. */
export const bench: Bench = {
  id: 'artifacts-read',
  about: 'reading, salvaging and hashing artifacts against a bare read, JSON.parse and SHA-256 in a loop',
  async run({ sizeOf, times, seed, directory, say }): Promise<Finding[]> {
    const count = sizeOf({ full: 50_000, small: 16_000 });
    say(`making ${count} artifacts`);
    const place = artifactDirectory({ directory, count, seed, content: true });
    const { files } = await listPlaces([place]);
    const paths = files.map(({ path }) => path);
    const size = `${count.toLocaleString('en')} artifacts`;
    const limit = { size, limit: 'a bare read, JSON.parse and SHA-256 in a loop' };
    const bare = () => readBare(paths);
    const read = async (threads: number) => {
      const artifacts = await readArtifacts(files, { threads });
      if (artifacts.filter(({ content }) => content === null).length > count / 20)
        throw new Error('too many artifacts were not whole');
    };
    say('reading in one thread');
    bare();
    await read(1);
    const one = await byTurns(times, { product: () => read(1), limit: bare });
    const findings = [
      ratioFinding({ measure: 'reading artifacts, one thread', ...limit }, { samples: one, atMost: 1.3 }),
    ];
    const threads = Math.min(2, availableParallelism());
    if (threads < 2) return findings;
    say('reading in two threads');
    const two = await byTurns(times, { product: () => read(threads), limit: bare });
    return [
      ...findings,
      ratioFinding({ measure: 'reading artifacts, two threads', ...limit }, { samples: two, atMost: 1 }),
    ];
  },
};
