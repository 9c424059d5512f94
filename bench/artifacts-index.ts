import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readListed, storeNews } from '../jobs/artifact-reading.ts';
import { listPlaces } from '../src/artifacts/places.ts';
import { readArtifacts } from '../src/artifacts/read-many.ts';
import { incidentFold } from '../src/context.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { closeLedger, openLedger } from '../src/ledger/open.ts';
import { artifactDirectory } from './artifact-files.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { freshDatabase } from './databases.ts';
import { byTurns, type Finding, ratioFinding } from './measure.ts';

const source = 'bench';
const ranges = [{ fromUnix: Number.MIN_SAFE_INTEGER, toUnix: Number.MAX_SAFE_INTEGER }];
/** Files that were made a moment ago count as old. */
const inAMinute = () => Date.now() + 60_000;

async function readIndexed(ledger: Ledger, place: string) {
  const { files } = await listPlaces([place]);
  return readListed(files, { ledger, source, ranges, nowMs: inAMinute() });
}

async function measure(dialect: BenchOptions['dialects'][number], options: BenchOptions): Promise<Finding[]> {
  const { sizeOf, times, seed, directory, say } = options;
  const count = sizeOf({ full: 100_000, small: 5_000 });
  const place = artifactDirectory({ directory, count, seed, content: true });
  const url = await freshDatabase(dialect, { directory, name: 'artifacts_index' });
  const ledger = await openLedger({ url, dataDir: null, fold: incidentFold });
  try {
    say(`filling the index of ${count} artifacts (${dialect})`);
    await storeNews(ledger, source, (await readIndexed(ledger, place)).news);
    const taken = async () => {
      const { indexed } = await readIndexed(ledger, place);
      if (indexed.size !== count) throw new Error(`only ${indexed.size} were taken from the index`);
    };
    const looked = async () => {
      for (const name of await readdir(place)) lstatSync(join(place, name));
    };
    const read = async () => readArtifacts((await listPlaces([place])).files, { threads: 1 });
    await taken();
    say(`taking all of them from it (${dialect})`);
    const size = `${count.toLocaleString('en')} artifacts, ${dialect}`;
    const measured = 'artifacts taken from the index, none changed';
    return [
      ratioFinding(
        { measure: measured, size, limit: 'readdir and lstat of each' },
        { samples: await byTurns(times, { product: taken, limit: looked }), atMost: 6 },
      ),
      ratioFinding(
        { measure: measured, size, limit: 'reading all of them' },
        { samples: await byTurns(times, { product: taken, limit: read }), atMost: 1 },
      ),
    ];
  } finally {
    await closeLedger(ledger);
  }
}

/** What a run takes from the ledger's index of artifacts, against looking at each file, and against reading it. */
export const bench: Bench = {
  id: 'artifacts-index',
  about: 'taking unchanged artifacts from the index against readdir and lstat, and against reading them',
  async run(options): Promise<Finding[]> {
    options.say('making artifacts');
    const findings: Finding[] = [];
    for (const dialect of options.dialects) findings.push(...(await measure(dialect, options)));
    return findings;
  },
};
