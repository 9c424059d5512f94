import '../../jobs/utc.ts';
import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { countsOf, type Figure, type Suite } from './suite.ts';
import { suites } from './suites.ts';

interface Result {
  suite: string;
  about: string;
  counts: Record<string, number>;
  seed: number;
  seconds: number;
  figures: Figure[];
  failure: string | null;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

function addCount(text: string, before: Record<string, number>): Record<string, number> {
  const [name = '', count = ''] = text.split('=');
  const known = suites.flatMap((suite) => Object.keys(suite.counts));
  if (!known.includes(name)) throw new InvalidArgumentError(`known counts are ${known.join(', ')}`);
  return { ...before, [name]: wholeNumber(count) };
}

async function runSuite(suite: Suite, counts: Record<string, number>, seed: number): Promise<Result> {
  const began = Date.now();
  const about = { suite: suite.name, about: suite.about, counts, seed };
  const seconds = () => Math.round((Date.now() - began) / 1000);
  const unavailable = suite.unavailable?.() ?? null;
  if (unavailable !== null) return { ...about, seconds: 0, figures: [], failure: `not run: ${unavailable}` };
  const isTerminal = process.stderr.isTTY === true;
  const progress = (text: string) => {
    process.stderr.write(isTerminal ? `\r\x1b[K${suite.name}: ${text}` : '');
  };
  try {
    const figures = await suite.run({ counts, seed, progress });
    return { ...about, seconds: seconds(), figures, failure: null };
  } catch (thrown) {
    const failure = inspect(thrown, { depth: 6 });
    return { ...about, seconds: seconds(), figures: [], failure };
  } finally {
    if (isTerminal) process.stderr.write('\r\x1b[K');
  }
}

function print({ suite, about, counts, seed, seconds, figures, failure }: Result): void {
  const done = Object.entries(counts).map(([name, count]) => `${name}=${count}`);
  process.stdout.write(`\n${suite}: ${about}\n  ${[...done, `seed=${seed}`].join(' ')}, ${seconds} s\n`);
  for (const { what, value } of figures) process.stdout.write(`  ${what}: ${value}\n`);
  process.stdout.write(failure === null ? '  held\n' : `  FAILED: ${failure}\n`);
}

const program = new Command('torture')
  .description(
    'Breaks things again and again, and holds what must hold. Exit codes: 0 held; 1 something failed.',
  )
  .argument('[suite...]', `which: ${suites.map(({ name }) => name).join(', ')} (default: all)`)
  .option('--fast', 'the counts that every change is tried with')
  .option('--count <name=n>', 'another count; may be given several times', addCount, {})
  .option('--seed <n>', 'what the random choices follow from', wholeNumber, 1)
  .option('--list', 'what there is, with its counts')
  .option('--out <file>', 'writes the results as JSON, too');
program.parse();
const asked = program.opts<{
  fast?: boolean;
  count: Record<string, number>;
  seed: number;
  list?: boolean;
  out?: string;
}>();

const wanted = program.args.map((name) => {
  const suite = suites.find((one) => one.name === name);
  if (suite === undefined) program.error(`there is no suite ${name}; --list says which there are`);
  return suite!;
});

if (asked.list) {
  for (const { name, about, counts } of suites) {
    const all = Object.entries(counts).map(([count, { full, fast }]) => `${count}=${full} (fast ${fast})`);
    process.stdout.write(`${name}: ${about}\n  ${all.join(', ')}\n`);
  }
} else {
  const results: Result[] = [];
  for (const suite of wanted.length === 0 ? suites : wanted) {
    const result = await runSuite(
      suite,
      countsOf(suite, asked.fast ? 'fast' : 'full', asked.count),
      asked.seed,
    );
    print(result);
    results.push(result);
  }
  if (asked.out !== undefined) writeFileSync(asked.out, `${JSON.stringify(results, null, 2)}\n`);
  if (results.some(({ failure }) => failure !== null)) process.exitCode = 1;
}
