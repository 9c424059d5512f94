import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { largestArtifact } from '../../../src/artifacts/read.ts';
import { below, pick, type Random, spoil } from './mutate.ts';
import { movedTo, type Sample } from './samples.ts';

/** What lies in an artifact place for one played round: as it should be, or as the world makes it. */
export interface Entry {
  /** The round. */
  sample: Sample;
  fileName: Buffer;
  kind: 'file' | 'too large' | 'link' | 'directory' | 'vanishes';
  bytes: Buffer;
  ways: readonly string[];
}

const oddNames: readonly ((name: string, random: Random) => string | Buffer)[] = [
  (name) => name.toUpperCase(),
  (name) => name.replace(/R[12]/, 'R0'),
  (name) => name.replace(/R[12]/, 'R3'),
  (name) => `${name}.part`,
  (name) => `.${name}`,
  (name) => `.${name}.tmp`,
  (name) => name.replace('.json', '.json.gz'),
  (name) => name.replace('.json', ''),
  (name) => name.replace('.json', '.txt'),
  (name) => name.replace(/\d+\.json/, '999999999999.json'),
  (name) => name.replace(/\d+\.json/, '9999999999999.json'),
  (name) => name.replace(/\d+\.json/, '-1.json'),
  (name) => name.replace('gametime-', `gametime-${'m'.repeat(200)}-`),
  (name) => name.replace('gametime-', 'gametime-..-'),
  (name) => name.replace('gametime-', 'gametime-*{a,b}[c]-'),
  (name) => name.replace('gametime-', 'gametime-\x1b[31m\n\r-'),
  (name) => name.replace('gametime-', 'gametime-\\-'),
  (name) => name.replace('gametime-', 'gametime-čž\u202e😀-'),
  (name) => Buffer.from(name.replace('gametime-', 'gametime-\xff\xe4-'), 'latin1'),
  (name) => ` ${name}`,
  (name) => `${name} `,
  (name) => `-${name}`,
  (_, random) => Buffer.from(Array.from({ length: 1 + below(random, 40) }, () => 128 + below(random, 127))),
];

/** The n-th entry of a place. */
export function makeEntry(
  samples: readonly Sample[],
  of: { random: Random; endUnix: number; mayVanish: boolean },
): Entry {
  const { random, endUnix } = of;
  const sample = movedTo(pick(random, samples), endUnix);
  const other = movedTo(pick(random, samples), random() < 0.5 ? endUnix : endUnix + 900);
  const odd = random() < 0.08;
  const fileName = Buffer.from(odd ? pick(random, oddNames)(sample.name, random) : sample.name);
  const chance = random();
  const kinds = [
    ['link', 0.005],
    ['directory', 0.01],
    ['too large', 0.015],
    ['vanishes', of.mayVanish ? 0.025 : 0],
  ] as const;
  const kind = kinds.find(([, most]) => chance < most)?.[0] ?? 'file';
  return { sample, fileName, kind, ...spoil(sample.bytes, random, other.bytes) };
}

const pathOf = (directory: string, { fileName }: Entry) =>
  Buffer.concat([Buffer.from(`${directory}/`), fileName]);

export function putEntry(directory: string, entry: Entry): void {
  const path = pathOf(directory, entry);
  if (entry.kind === 'link') symlinkSync('/dev/zero', path);
  else if (entry.kind === 'directory') mkdirSync(path);
  else if (entry.kind === 'too large')
    writeFileSync(path, Buffer.concat([entry.bytes, Buffer.alloc(largestArtifact + 1)]));
  else writeFileSync(path, entry.bytes);
}

export function removeEntry(directory: string, entry: Entry): void {
  rmSync(pathOf(directory, entry));
}
