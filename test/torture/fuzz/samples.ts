import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArtifact } from '../../../src/artifacts/parse.ts';
import { parseArtifactName } from '../../../src/core/names.ts';
import { everySample, samplePaths } from '../../artifacts/samples.ts';
import { fixture } from '../../jobs/setup.ts';

/** A real artifact, from which others are made. */
export interface Sample {
  bytes: Buffer;
  name: string;
  map: string;
  number: 1 | 2;
  endUnix: number;
}

function sampleOf(name: string, bytes: Buffer): Sample {
  const { safeMap, number, endUnix } = parseArtifactName(name)!;
  const parsed = parseArtifact(bytes);
  const map = 'content' in parsed ? parsed.content.map : safeMap;
  return { bytes, name, map, number, endUnix };
}

/** Every artifact of every module version, and those of the incident. */
export function artifactSamples(): Sample[] {
  const paths = everySample().flatMap(samplePaths);
  const ofIncident = fixture('incident-2026-02').artifacts;
  return [
    ...paths.map((path) => sampleOf(basename(path), readFileSync(path))),
    ...ofIncident.map(({ name, bytes }) => sampleOf(name, Buffer.from(bytes))),
  ];
}

/** The same artifact of a round that ended at another time: every moment in it is moved. */
export function movedTo(sample: Sample, endUnix: number): Sample {
  const moved = (text: string) =>
    text.replace(/(?<!\d)17\d{8}(?!\d)/g, (unix) => String(Number(unix) + endUnix - sample.endUnix));
  return {
    ...sample,
    endUnix,
    name: moved(sample.name),
    bytes: Buffer.from(moved(sample.bytes.toString('latin1')), 'latin1'),
  };
}

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const linesOf = (...path: string[]) =>
  readFileSync(join(fixtures, ...path), 'latin1')
    .split('\n')
    .filter((line) => line !== '');

/** Lines of real logs, a character for a byte. */
export function logSamples(): { bot: string[]; console: string[] } {
  const consoles = ['1.6.0', '1.6.2', '1.6.4', '1.7.2'].flatMap((version) =>
    ['normal', 'r2cap', 'surr', 'quote', 'ctrl', 'utf8'].flatMap((name) =>
      linesOf('consoles', version, `${name}.log`),
    ),
  );
  return {
    bot: linesOf('incident-2026-02', 'logs', 'webhook.log'),
    console: [...consoles, ...linesOf('incident-2026-02', 'etconsole.log')],
  };
}
