import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArtifact } from '../../src/artifacts/parse.ts';
import { readArtifact } from '../../src/artifacts/read.ts';
import type { Artifact, ArtifactContent } from '../../src/core/model.ts';
import { parseArtifactName } from '../../src/core/names.ts';

const fixtures = fileURLToPath(new URL('../fixtures/artifacts', import.meta.url));

/** Paths of a case's artifacts, such as `1.6.2/quote`. */
export function samplePaths(folder: string): string[] {
  const directory = join(fixtures, folder);
  return readdirSync(directory)
    .sort()
    .map((name) => join(directory, name));
}

/** The only artifact of a case. */
export function sampleBytes(folder: string): Buffer {
  return readFileSync(samplePaths(folder)[0]!);
}

/** Every case of every version that has an artifact. */
export function everySample(): string[] {
  return readdirSync(fixtures)
    .sort()
    .flatMap((version) => readdirSync(join(fixtures, version)).map((name) => `${version}/${name}`));
}

/** A sample with one text replaced; fails where the text is not there. */
export function edited(folder: string, from: string, to: string): Buffer {
  const text = sampleBytes(folder).toString('latin1');
  if (!text.includes(from)) throw new Error(`${folder} does not contain ${from}`);
  return Buffer.from(
    text.replace(from, () => to),
    'latin1',
  );
}

export function contentOf(bytes: Uint8Array): ArtifactContent {
  const parsed = parseArtifact(bytes);
  if ('damage' in parsed) throw new Error(parsed.damage);
  return parsed.content;
}

export function damageOf(bytes: Uint8Array): string | null {
  const parsed = parseArtifact(bytes);
  return 'damage' in parsed ? parsed.damage : null;
}

/** A file on disk, read as the shell does. */
export async function artifactAt(path: string): Promise<Artifact> {
  const name = parseArtifactName(path.slice(path.lastIndexOf('/') + 1))!;
  return readArtifact({ path, name, place: 'test' });
}
