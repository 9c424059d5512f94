import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from '../jobs/audit.ts';
import { addDays } from '../src/core/time.ts';
import type { Dialect } from '../src/database.ts';
import { keepingConnections } from '../src/database-kept.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { freshDatabase } from './databases.ts';
import { history, lastDay } from './history.ts';
import { type Finding, median, timed } from './measure.ts';

const atMostTimes = 1.3;
const atMostMs: Record<Dialect, number> = { sqlite: 50, postgres: 100 };
const sizes = { full: [10_000, 100_000, 1_000_000], small: [2_000, 20_000] };
/** What a cycle looks at is the same everywhere: a busy community plays so much. */
const recent = { days: 14, roundsPerDay: 40 };
/** A start by cron, where nothing is warm, has a row of its own. */
const warmCycles = 20;
const cyclesEach = { full: 15, small: 9 };

/** A steady cycle on a history of this length: the gaps of its window are recorded already. */
async function cycleOf(
  dialect: Dialect,
  options: BenchOptions,
  rounds: number,
): Promise<() => Promise<number>> {
  const ledger = await freshDatabase(dialect, { directory: options.directory, name: `ledger_${rounds}` });
  const made = await history(dialect, options, {
    history: { rounds, lastDay, roundsPerDay: 410, recent, gapShare: 0.01, seed: options.seed },
    // A gap that can be repaired is steady nowhere: the first cycle would repair it.
    artifacts: { of: 300, ofGaps: false },
    ledger,
  });
  const dataDir = join(options.directory, `data-${dialect}-${rounds}`);
  // The head of the ledger of an earlier run would say that this one has lost its entries.
  rmSync(dataDir, { recursive: true, force: true });
  const config = { ...made.request.config, repair: false, dataDir };
  const scope = { kind: 'lookback', since: addDays(lastDay, -6), until: addDays(lastDay, 1) } as const;
  let { nowMs } = made.request;
  const cycle = async () => {
    nowMs += 180_000;
    return timed(() => audit({ ...made.request, config, scope, nowMs }));
  };
  // The first one records what there is; the next ones warm up what a daemon has warm after an hour of the day.
  for (let warm = 0; warm < warmCycles; warm++) await cycle();
  return cycle;
}

async function measure(dialect: Dialect, options: BenchOptions): Promise<Finding> {
  const histories: { rounds: number; cycle: () => Promise<number>; samples: number[] }[] = [];
  for (const rounds of sizes[options.scale])
    histories.push({ rounds, cycle: await cycleOf(dialect, options, rounds), samples: [] });
  for (let turn = 0; turn < cyclesEach[options.scale]; turn++)
    for (const { cycle, samples } of turn % 2 === 0 ? histories : [...histories].reverse())
      samples.push(await cycle());
  const medians = histories.map(({ samples }) => median(samples));
  const [largest, smallest] = [Math.max(...medians), Math.min(...medians)];
  return {
    measure: 'a steady cycle of 7 days',
    size: `${dialect}, ${histories.map(({ rounds }, at) => `${rounds.toLocaleString('en')} rounds: ${medians[at]!.toFixed(1)} ms`).join(', ')}`,
    limit: 'the same on the other histories',
    productMs: largest,
    limitMs: smallest,
    goals: [
      { of: 'largest to smallest', is: largest / smallest, unit: 'times', atMost: atMostTimes },
      { of: 'the slowest', is: largest, unit: 'ms', atMost: atMostMs[dialect] },
    ],
  };
}

/** What a daemon does 480 times a day must not know how long the history is. */
export const bench: Bench = {
  id: 'steady-cycle',
  about: 'one cycle of 7 days on histories of different length, against each other',
  async run(options) {
    const findings: Finding[] = [];
    for (const dialect of options.dialects)
      findings.push(await keepingConnections(() => measure(dialect, options)));
    return findings;
  },
};
