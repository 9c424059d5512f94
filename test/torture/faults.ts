import type { Fault, FaultGroup } from './faults/bench.ts';
import { diskGroup } from './faults/disk.ts';
import { ledgerFileGroup } from './faults/ledger-file.ts';
import { placesGroup } from './faults/places.ts';
import { postgresGroup } from './faults/postgres.ts';
import type { Figure, Suite } from './suite.ts';

/** No path of this machine in a table for people. */
const shortened = (said: string) =>
  said
    .replaceAll(/\/\S*\/roundwarden-\w+-\w{6}\//g, '.../')
    .replaceAll(/127\.0\.0\.1[/:]\d+/g, '127.0.0.1/PORT');

async function tryOne({ name, run }: Fault): Promise<Figure> {
  try {
    const { exit, said, next } = await run();
    return { what: name, value: `exit ${exit} | ${shortened(said) || 'nothing'} | ${next}` };
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

export const faults: Suite = {
  name: 'faults',
  about:
    'databases, disks, files and rights fail: whole or untouched, said with the mend, and the next run makes it good',
  counts: { every: { full: 1, fast: 0 }, rooms: { full: 24, fast: 0 } },
  async run({ counts, progress }) {
    const figures: Figure[] = [];
    const groups: FaultGroup[] = [postgresGroup, ledgerFileGroup, diskGroup(counts.rooms!), placesGroup];
    for (const { name, unavailable, work } of groups) {
      const why = unavailable();
      if (why !== null) {
        figures.push({ what: name, value: `not tried: ${why}` });
        continue;
      }
      await work(async (all) => {
        for (const fault of all.filter(({ fast }) => counts.every !== 0 || fast === true)) {
          progress(fault.name);
          figures.push(await tryOne(fault));
        }
      });
    }
    return figures;
  },
};
