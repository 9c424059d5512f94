import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Scale } from './bench.ts';
import { benches } from './benches.ts';
import { availableDialects } from './databases.ts';
import { type Finding, isMet } from './measure.ts';
import { tableOf } from './table.ts';

process.env.TZ = 'UTC';

interface Asked {
  scale: Scale;
  only?: string[];
  count?: number;
  times?: number;
  seed: number;
  data: string;
  out?: string;
  list?: boolean;
  json?: boolean;
}

const wholeNumber = (text: string) => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('it takes a whole number from 1.');
  return Number(text);
};

const knownBench = (text: string, before: string[] = []) => {
  if (!(text in benches))
    throw new InvalidArgumentError(`there is ${Object.keys(benches).join(', ') || 'none'}.`);
  return [...before, text];
};

const command = new Command('bench')
  .description(
    'Measures the product and what bounds it in the same run, by turns; prints medians and ratios; exits 3 where a goal is missed.',
  )
  .addOption(
    new Option('--scale <scale>', 'small runs in CI, and allows ratios of twice their goals')
      .choices(['full', 'small'])
      .default('full'),
  )
  .option('--only <id>', 'only this one; may be given again', knownBench)
  .option('--count <n>', 'the main size of each: rounds, files, entries, bytes, servers', wholeNumber)
  .option('--times <n>', 'how often each side is measured', wholeNumber)
  .option('--seed <n>', 'what the data is made from', wholeNumber, 1)
  .option('--data <directory>', 'where the data is made and kept', 'bench/data')
  .option(
    '--out <directory>',
    'where the figures are written (default: bench/results; of the small version beside the data)',
  )
  .option('--list', 'say what there is, and measure nothing')
  .option('--json', 'print the findings as one JSON document');

const say = (text: string) => process.stderr.write(`${text}\n`);

/** Runs one bench in a process of its own, so that none warms up, or fills the memory of, the next. */
function inChild(id: string): Promise<Finding[]> {
  return new Promise((done, failed) => {
    const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), {
      env: { ...process.env, ROUNDWARDEN_BENCH: id },
      // See byTurns().
      execArgv: [...process.execArgv, '--expose-gc'],
    });
    let findings: Finding[] | null = null;
    child.on('message', (message) => (findings = message as Finding[]));
    child.on('error', failed);
    child.on('exit', (code) =>
      code === 0 && findings !== null ? done(findings) : failed(new Error(`bench ${id} ended with ${code}`)),
    );
  });
}

/** Ends in order where this process is asked to end, or has nobody left to tell. */
function endWithParent(): void {
  process.once('SIGTERM', () => process.exit(1));
  process.once('disconnect', () => process.exit(1));
  // Whoever listens for that does not end by himself otherwise.
  process.channel?.unref();
}

async function runHere(id: string, asked: Asked): Promise<void> {
  endWithParent();
  const bench = await benches[id]!();
  const directory = join(resolve(asked.data), id);
  mkdirSync(directory, { recursive: true });
  const findings = await bench.run({
    scale: asked.scale,
    sizeOf: (sizes) => asked.count ?? sizes[asked.scale],
    times: asked.times ?? (asked.scale === 'full' ? 5 : 3),
    seed: asked.seed,
    directory,
    dialects: availableDialects,
    say: (text) => say(`  ${text}`),
  });
  process.send!(findings);
}

/** What the figures were taken on; nothing that names the machine. */
const machine = () => ({
  node: process.version,
  processors: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
});

async function runAll(asked: Asked): Promise<void> {
  const strict = asked.scale === 'full';
  const all: Finding[] = [];
  const out = asked.out ?? (strict ? 'bench/results' : join(asked.data, 'results'));
  mkdirSync(out, { recursive: true });
  for (const id of asked.only ?? Object.keys(benches)) {
    say(id);
    const findings = await inChild(id);
    all.push(...findings);
    const { scale, seed } = asked;
    const document = { bench: id, scale, seed, ...machine(), findings };
    writeFileSync(join(out, `${id}.json`), `${JSON.stringify(document, null, 2)}\n`);
  }
  if (asked.json) process.stdout.write(`${JSON.stringify({ findings: all }, null, 2)}\n`);
  else process.stdout.write(tableOf(all, strict));
  const missed = all.flatMap(({ goals }) => goals).filter((goal) => !isMet(goal, strict)).length;
  if (missed > 0) {
    say(`${missed} goals were missed`);
    process.exitCode = 3;
  }
}

command.parse();
const asked = command.opts<Asked>();
const own = process.env.ROUNDWARDEN_BENCH;
if (asked.list)
  for (const [id, load] of Object.entries(benches))
    process.stdout.write(`${id.padEnd(16)} ${(await load()).about}\n`);
else if (own !== undefined) await runHere(own, asked);
else await runAll(asked);
