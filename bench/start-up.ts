import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localDay } from '../src/core/time.ts';
import type { Dialect } from '../src/database.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { dropDatabase } from './databases.ts';
import { evenings, zone } from './evenings.ts';
import { installation } from './installation.ts';
import { byTurns, type Finding, type Goal, median, ratioFinding, type Samples } from './measure.ts';

/** The goal. */
const atMostMoreMs = 350;
/** A goal of our own, for CI, where milliseconds say little: against what no program can do without. */
const atMostTimesBare = 1.75;

const program = fileURLToPath(new URL('../jobs/main.js', import.meta.url));
const drivers: Record<Dialect, string> = { sqlite: 'better-sqlite3', postgres: 'pg' };

/** Runs node as cron does: nobody watches, and nothing of this process's settings is there. */
function node(of: { words: readonly string[]; directory: string }): void {
  const ended = spawnSync(process.execPath, of.words, {
    cwd: of.directory,
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (ended.status !== 0)
    throw new Error(`node ${of.words.join(' ')} ended with ${ended.status}: ${ended.stderr}`);
}

const isHere = fileURLToPath(new URL('.', import.meta.url));

/** A process that loads the libraries, and asks each database one thing. */
function asksOnce(dialect: Dialect, urls: readonly string[]): readonly string[] {
  const connections = urls.map((url) =>
    dialect === 'postgres' ? url : { filename: url.slice('sqlite:'.length) },
  );
  const lines = [
    `import knex from 'knex'; import '${drivers[dialect]}';`,
    `for (const connection of ${JSON.stringify(connections)}) {`,
    `  const database = knex({ client: '${drivers[dialect]}', connection, useNullAsDefault: true });`,
    `  await database.raw('select 1'); await database.destroy();`,
    '}',
  ];
  return ['--input-type=module', '-e', lines.join('\n')];
}

/** How much longer the product takes than its limit: the median of the differences of one turn each. */
function moreMs({ product, limit }: Samples): number {
  return median(product.map((milliseconds, at) => milliseconds - limit[at]!));
}

async function measure(dialect: Dialect, options: BenchOptions): Promise<Finding[]> {
  const directory = join(options.directory, dialect);
  // Of the real present: a cron job takes the time from its host.
  const lastDay = localDay(Math.floor(Date.now() / 1000) - 86_400, zone);
  const asked = { seed: options.seed, lastDay, days: 60, rounds: 8, artifactOnly: 0, nothing: 0 };
  const played = evenings(asked);
  options.say(`${dialect}: an installation with ${played.length} rounds`);
  const settings = await installation(dialect, { directory, name: 'start_up', played });
  writeFileSync(
    join(directory, '.env'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const cycle = () => node({ words: [program, 'audit', '--json'], directory });
  cycle();
  const turns = Math.max(options.times, 7);
  const nothing = await byTurns(turns, {
    product: cycle,
    limit: () => node({ words: ['-e', '0'], directory }),
  });
  const urls = [settings.SOURCE_DATABASE_URL!, settings.LEDGER_DATABASE_URL!];
  const bare = await byTurns(turns, {
    product: cycle,
    limit: () => node({ words: asksOnce(dialect, urls), directory: isHere }),
  });
  for (const kind of ['source', 'ledger'])
    await dropDatabase(dialect, { directory, name: `start_up_${kind}` });
  const about = { measure: 'a cycle by cron, nothing to do', size: `${dialect}, ${played.length} rounds` };
  const more: Goal = {
    ...{ of: 'more', unit: 'ms', atMost: atMostMoreMs, is: moreMs(nothing) },
    ...{ limitIs: median(bare.limit) - median(nothing.limit), besides: atMostTimesBare },
  };
  return [
    {
      ...about,
      limit: 'node -e 0',
      productMs: median(nothing.product),
      limitMs: median(nothing.limit),
      goals: [more],
    },
    ratioFinding(
      { ...about, limit: `a process that loads knex and ${drivers[dialect]}, and asks both databases once` },
      { samples: bare, atMost: atMostTimesBare },
    ),
  ];
}

/** What cron pays 480 times a day: a process that starts, looks at everything, and finds nothing to do. */
export const bench: Bench = {
  id: 'start-up',
  about: 'one cycle as a process of its own, nothing to do, against node alone and with its databases',
  async run(options) {
    const findings: Finding[] = [];
    for (const dialect of options.dialects) findings.push(...(await measure(dialect, options)));
    return findings;
  },
};
