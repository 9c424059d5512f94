import { inChild } from './child.ts';
import type { Part, Tallies } from './fuzz/child.ts';
import type { Effort, Figure, Suite } from './suite.ts';

/** A batch says nothing for a few seconds; whoever says nothing for so long hangs. */
const silentMs = 300_000;
const grouped = new Intl.NumberFormat('en-US');
const n = (count: number) => grouped.format(count);
const ms = (time: number) => `${time < 10 ? time.toFixed(1) : n(Math.round(time))} ms of CPU`;
const kib = (bytes: number) => `${n(Math.round(bytes / 1_024))} KiB`;

async function part<P extends Part>(name: P, count: number, { seed, progress }: Effort): Promise<Tallies[P]> {
  const of = { silentMs, execArgv: ['--expose-gc'], progress };
  return inChild<Tallies[P]>('fuzz/child.ts', { part: name, count, seed }, of);
}

function artifactFigures(of: Tallies['artifacts']): Figure[] {
  const verdicts = Object.entries(of.verdicts).map(([verdict, count]) => `${verdict} ${n(count)}`);
  return [
    {
      what: 'artifacts',
      value:
        `${n(of.files)} = whole ${n(of.whole)} + damaged ${n(of.damaged)} + unreadable ${n(of.unreadable)} + ` +
        `ignored with a reason ${n(of.ignored)} + named like nothing of the module ${n(of.foreign)}`,
    },
    { what: 'whole ones that are strict JSON, each with the same values as there', value: n(of.compared) },
    { what: 'verdicts of their rounds', value: verdicts.join(', ') },
    {
      what: 'in real audits',
      value: `${n(of.audited)} rounds, ${n(of.written)} written, each as a whole artifact says`,
    },
    { what: 'slowest artifact', value: `${ms(of.slowestMs)} (${of.slowest})` },
    { what: 'heap from a fifth of them to all', value: `${kib(of.heapGrewBytes)} more` },
  ];
}

function lineFigures(of: Tallies['lines']): Figure[] {
  return [
    {
      what: 'log lines',
      value: `${n(of.lines)} = events ${n(of.events)} + unrecognised ${n(of.unrecognised)}, each once through ${n(of.rotations)} rotations`,
    },
    {
      what: 'lines in damaged gzipped parts',
      value: `${n(of.inDamaged)}, each part said; ${n(of.fromDamaged)} events before the damage`,
    },
    { what: 'slowest reading of two logs', value: `${ms(of.slowestMs)} (${of.slowest})` },
    { what: 'heap from a fifth of the lines to all', value: `${kib(of.heapGrewBytes)} more` },
  ];
}

function growthFigures(of: Tallies['growth']): Figure[] {
  return [
    {
      what: 'hostile inputs',
      value: `${of.inputs} kinds, each of ${of.sizes.map((size) => `${n(size / 1_000)} kB`).join(', ')}`,
    },
    {
      what: 'ten times the bytes took at most',
      value: `${of.worstRatio.toFixed(1)} times as long (${of.worstOf})`,
    },
    { what: 'slowest of them', value: `${ms(of.slowestMs)} (${of.slowestOf})` },
    { what: 'slowest artifact of them', value: ms(of.slowestArtifactMs) },
  ];
}

/** Spoiled files and lines, from the file to the verdict. */
export const fuzz: Suite = {
  name: 'fuzz',
  about:
    'spoiled artifacts and log lines stop nothing, take no second each, are all accounted for, and nothing that is not whole is written',
  counts: {
    'fuzz-artifacts': { full: 100_000, fast: 1_500 },
    'fuzz-lines': { full: 1_000_000, fast: 15_000 },
    'fuzz-bytes': { full: 10_000_000, fast: 100_000 },
  },
  run: async (effort) => {
    const { counts } = effort;
    return [
      ...artifactFigures(await part('artifacts', counts['fuzz-artifacts']!, effort)),
      ...lineFigures(await part('lines', counts['fuzz-lines']!, effort)),
      ...growthFigures(await part('growth', counts['fuzz-bytes']!, effort)),
    ];
  },
};
