import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { type CurveLine, curveSvg, short } from './curve-chart.ts';
import type { Finding } from './measure.ts';

/** How one thing grows: a bench at several sizes of it. */
interface Curve {
  title: string;
  bench: string;
  /** What grows, in the plural. */
  unit: string;
  sizes: readonly number[];
}

const halves = (largest: number, count = 5) =>
  Array.from({ length: count }, (_, at) => largest / 2 ** (count - 1 - at));

/** By the name of the picture. */
const curves: Readonly<Record<string, Curve>> = {
  rounds: {
    title: 'An audit of a whole history, by its rounds',
    bench: 'full-audit',
    unit: 'rounds',
    sizes: halves(1_000_000),
  },
  gaps: {
    title: 'Repairs of gaps, by their number',
    bench: 'repairs',
    unit: 'gaps',
    sizes: halves(20_000),
  },
  artifacts: {
    title: 'Reading artifacts, by their number',
    bench: 'artifacts-read',
    unit: 'artifacts',
    sizes: halves(100_000),
  },
  names: {
    title: 'Listing artifacts, by their number',
    bench: 'artifacts-list',
    unit: 'artifacts',
    sizes: halves(100_000),
  },
  log: {
    title: "Reading the bot's log, by its bytes",
    bench: 'bot-log',
    unit: 'bytes of log',
    sizes: halves(500_000_000),
  },
  entries: {
    title: 'Writing and verifying a ledger, by its entries',
    bench: 'ledger',
    unit: 'entries',
    sizes: halves(200_000, 4),
  },
  servers: {
    title: 'First audits of a fleet, by its servers',
    bench: 'fleet',
    unit: 'servers of 5,000 rounds',
    sizes: [3, 6, 12],
  },
};

const main = fileURLToPath(new URL('./main.js', import.meta.url));

/** Runs a bench at one size. That a small one misses its goal is no matter here. */
async function findingsAt(bench: string, size: number, of: { times: number; data: string }) {
  const args = ['--only', bench, '--count', String(size), '--times', String(of.times), '--data', of.data];
  const printed = await promisify(execFile)(
    process.execPath,
    [main, ...args, '--json', '--out', join(of.data, 'curves')],
    { maxBuffer: 64 * 2 ** 20 },
  ).catch((failed: { code?: number; stdout: string }) => {
    if (failed.code !== 3) throw failed;
    return failed;
  });
  return (JSON.parse(printed.stdout) as { findings: Finding[] }).findings;
}

/** The name of a measure with its database, which some have in their size alone. */
function nameOf({ measure, size }: Finding): string {
  const database = /^(sqlite|postgres), /.exec(size)?.[1];
  return database === undefined ? measure : `${measure}, ${database}`;
}

/** Each measure as a line, and what it is held against as another. Lines of one limit are one. */
function linesOf(found: ReadonlyMap<number, readonly Finding[]>): CurveLine[] {
  const lines = new Map<string, CurveLine & { points: { size: number; ms: number }[] }>();
  const add = (name: string, isLimit: boolean, point: { size: number; ms: number }) => {
    const line = lines.get(name) ?? { name, isLimit, points: [] };
    lines.set(name, line);
    if (!line.points.some(({ size }) => size === point.size)) line.points.push(point);
  };
  for (const [size, findings] of found)
    for (const finding of findings) {
      const database = /(?:^|\W)(sqlite|postgres)\b/.exec(nameOf(finding))?.[1];
      add(nameOf(finding), false, { size, ms: finding.productMs });
      const limit = database === undefined ? finding.limit : `${finding.limit}, ${database}`;
      add(limit, true, { size, ms: finding.limitMs });
    }
  return [...lines.values()];
}

const seconds = (ms: number) =>
  ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;

/** The lines as a table in Markdown, a column for each size. */
function tableOf(lines: readonly CurveLine[], { unit, sizes }: Curve): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (line: CurveLine, size: number) => {
    const point = line.points.find((one) => one.size === size);
    return point === undefined ? '' : seconds(point.ms);
  };
  return [
    row([unit, ...sizes.map(short)]),
    row(['---', ...sizes.map(() => '---')]),
    ...lines.map((line) =>
      row([line.isLimit ? `*${line.name}*` : line.name, ...sizes.map((size) => cell(line, size))]),
    ),
    '',
  ].join('\n');
}

const knownCurve = (name: string, before: string[] = []) => {
  if (!(name in curves)) throw new InvalidArgumentError(`there is ${Object.keys(curves).join(', ')}.`);
  return [...before, name];
};

const asked = new Command('curves')
  .description('Runs benches at several sizes; prints tables, and draws time against size.')
  .option('--only <name>', 'only this one; may be given again', knownCurve)
  .option('--times <n>', 'how often each side is measured', Number, 3)
  .option('--data <directory>', 'where the data is made and kept', 'bench/data')
  .option('--out <directory>', 'where the pictures are written', 'docs/curves')
  .parse()
  .opts<{ only?: string[]; times: number; data: string; out: string }>();

mkdirSync(asked.out, { recursive: true });
for (const name of asked.only ?? Object.keys(curves)) {
  const curve = curves[name]!;
  const found = new Map<number, Finding[]>();
  for (const size of curve.sizes) {
    process.stderr.write(`${name}: ${size.toLocaleString('en')} ${curve.unit}\n`);
    found.set(size, await findingsAt(curve.bench, size, asked));
  }
  const lines = linesOf(found);
  writeFileSync(join(asked.data, 'curves', `${name}.lines.json`), JSON.stringify(lines));
  writeFileSync(join(asked.out, `${name}.svg`), curveSvg(lines, { name, ...curve }));
  process.stdout.write(`### ${curve.title}\n\n${tableOf(lines, curve)}\n`);
}
