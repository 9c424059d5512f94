import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { incidentFold } from '../src/context.ts';
import type { Dialect } from '../src/database.ts';
import { append } from '../src/ledger/append.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { closeLedger, openLedger } from '../src/ledger/open.ts';
import { verifyChain } from '../src/ledger/verify.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { dropDatabase, freshDatabase } from './databases.ts';
import { type BareLedger, bareLedger } from './ledger-bare.ts';
import { storyAt, storyBatches } from './ledger-story.ts';
import {
  byTurns,
  type Finding,
  type Goal,
  peakMegabytes,
  ratioFinding,
  type Samples,
  timed,
} from './measure.ts';

/** One database, filled twice: by the product, and by bare statements. */
interface Side {
  dialect: Dialect;
  url: string;
  ledger: Ledger;
  limit: BareLedger;
  samples: Samples;
  /** Megabytes that verifying a quarter of the entries took. */
  quarter: number;
}

async function openSide(dialect: Dialect, directory: string): Promise<Side> {
  const urlOf = (name: string) => freshDatabase(dialect, { directory, name });
  const dataDir = join(directory, `head-${dialect}`);
  // The head of the ledger of an earlier run would say that this one has lost its entries.
  rmSync(dataDir, { recursive: true, force: true });
  const url = await urlOf('ledger');
  const ledger = await openLedger({ url, dataDir, fold: incidentFold });
  const bare = await urlOf('ledger_limit');
  await closeLedger(await openLedger({ url: bare, dataDir: null, fold: incidentFold }));
  const limit = await bareLedger(dialect, bare);
  return { dialect, url, ledger, limit, samples: { product: [], limit: [] }, quarter: 0 };
}

/** Appends `count` entries batch by batch, product and limit by turns, and sums each up over `times` equal parts. */
async function appendAll(
  sides: readonly Side[],
  of: { count: number; times: number; say: (text: string) => void },
) {
  const peaks = { quarter: 0, whole: 0 };
  let [done, turn] = [0, 0];
  for (const drafts of storyBatches()) {
    if (done >= of.count) break;
    const part = Math.min(of.times - 1, Math.floor((done / of.count) * of.times));
    for (const { ledger, limit, samples } of sides) {
      const work = {
        product: () => timed(() => append(ledger, drafts, storyAt)),
        limit: () => limit.does('append'),
      };
      const order = turn % 2 === 0 ? (['limit', 'product'] as const) : (['product', 'limit'] as const);
      for (const which of order) samples[which][part] = (samples[which][part] ?? 0) + (await work[which]());
    }
    const before = done;
    done += drafts.length;
    turn += 1;
    if (before < of.count / 4 && done >= of.count / 4) {
      peaks.quarter = peakMegabytes() ?? 0;
      for (const side of sides) side.quarter = verifyingPeak(side.url);
    }
    if (turn % 200 === 0) of.say(`appended ${done.toLocaleString('en')}`);
  }
  peaks.whole = peakMegabytes() ?? 0;
  return { done, peaks };
}

/** The most memory that a process of its own takes to verify the ledger, in megabytes. */
function verifyingPeak(url: string): number {
  const program = fileURLToPath(new URL('./ledger-peak.js', import.meta.url));
  return Number(execFileSync(process.execPath, [program, url], { encoding: 'utf8' }));
}

const memory = (
  of: string,
  { is, quarter, atMost }: { is: number; quarter: number; atMost: number },
): Goal[] => [
  { of, is, unit: 'MB', atMost },
  {
    of: `${of} against a quarter of the entries`,
    is: is / Math.max(quarter, 1),
    unit: 'times',
    atMost: 1.25,
  },
];

async function verifying(side: Side, of: { size: string; times: number }): Promise<Finding> {
  const ledger = (await openLedger({ url: side.url, dataDir: null, fold: incidentFold, readOnly: true }))!;
  const bare = await bareLedger(side.dialect, side.url);
  const samples = await byTurns(of.times, {
    limit: () => bare.does('read'),
    product: async () => {
      const { problems } = await verifyChain(ledger);
      if (problems.length > 0) throw new Error(`the ledger of the bench is damaged: ${problems[0]!.what}`);
    },
  });
  await bare.close();
  await closeLedger(ledger);
  const goals = memory('memory', { is: verifyingPeak(side.url), quarter: side.quarter, atMost: 256 });
  const about = {
    measure: `ledger verify, ${side.dialect}`,
    size: of.size,
    limit: 'bare reads in pages and SHA-256',
  };
  return ratioFinding(about, { samples, atMost: 2, goals });
}

async function run(options: BenchOptions): Promise<Finding[]> {
  const { directory, dialects, times, say } = options;
  const count = options.sizeOf({ full: 1_000_000, small: 10_000 });
  const sides: Side[] = [];
  for (const dialect of dialects) sides.push(await openSide(dialect, directory));
  const { done, peaks } = await appendAll(sides, { count, times, say });
  const size = `${done.toLocaleString('en')} entries`;
  const findings: Finding[] = [];
  for (const side of sides) {
    await side.limit.close();
    await closeLedger(side.ledger);
    const about = {
      measure: `ledger append, ${side.dialect}`,
      size,
      limit: 'bare multi-row inserts of the same rows and SHA-256',
    };
    const goals = memory('memory', { is: peaks.whole, quarter: peaks.quarter, atMost: 400 });
    findings.push(ratioFinding(about, { samples: side.samples, atMost: 2, goals }));
    say(`verifying ${size} on ${side.dialect}`);
    findings.push(await verifying(side, { size, times: Math.min(times, 3) }));
    for (const name of ['ledger', 'ledger_limit']) await dropDatabase(side.dialect, { directory, name });
  }
  return findings;
}

/** The ledger: growing by batches, and being verified. */
export const bench: Bench = {
  id: 'ledger',
  about: 'append and verify of 1,000,000 entries against bare statements and SHA-256',
  run,
};
