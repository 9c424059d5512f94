import { createHash } from 'node:crypto';
import type { Artifact } from '../core/model.ts';
import type { ArtifactName } from '../core/names.ts';
import { type FileRead, readRegularFile } from './file.ts';
import { parseArtifact } from './parse.ts';
import type { Ignored, ListedFile } from './places.ts';

/** The module writes a few kilobytes; the largest known artifact has 24. */
export const largestArtifact = 1_048_576;

/** Hex SHA-256 of the bytes. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What was read of a file, as an artifact; a file that is not there, or is none, is unreadable. */
export function toArtifact(path: string, name: ArtifactName, read: FileRead): Artifact {
  const { safeMap, number, endUnix, finished } = name;
  const artifact: Artifact = {
    path,
    safeMap,
    number,
    endUnix,
    finished,
    sha256: null,
    bytes: 0,
    modifiedUnix: 0,
    content: null,
    damage: null,
    unreadable: null,
  };
  if (read.state === 'gone') return { ...artifact, unreadable: 'it vanished while it was read' };
  if (read.state === 'unreadable' || read.state === 'not a file')
    return { ...artifact, unreadable: read.why };
  const modifiedUnix = Math.floor(read.modified.getTime() / 1000);
  if (read.state === 'too large') {
    const damage = `larger than 1 MiB (${read.size} bytes)`;
    return { ...artifact, bytes: read.size, modifiedUnix, damage };
  }
  const parsed = parseArtifact(read.bytes);
  return {
    ...artifact,
    sha256: sha256Of(read.bytes),
    bytes: read.bytes.length,
    modifiedUnix,
    content: 'content' in parsed ? parsed.content : null,
    damage: 'damage' in parsed ? parsed.damage : null,
  };
}

/**
 * Reads, hashes and parses one listed file. What is no regular file is ignored and never followed; what
 * cannot be read is an artifact that says so in `unreadable`. Does not throw.
 */
export async function readArtifact(file: ListedFile): Promise<Artifact | { ignored: string }> {
  const read = await readRegularFile(file.path, largestArtifact);
  if (read.state === 'not a file') return { ignored: read.why };
  return toArtifact(file.path, file.name, read);
}

/** Reads many files, `concurrency` at a time, and keeps their order. */
export async function readArtifacts(
  files: readonly ListedFile[],
  { concurrency = 16 }: { concurrency?: number } = {},
): Promise<{ artifacts: Artifact[]; ignored: Ignored[] }> {
  const results = new Array<Artifact | { ignored: string }>(files.length);
  const queue = files.entries();
  const work = async () => {
    for (const [index, file] of queue) results[index] = await readArtifact(file);
  };
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, work));
  const artifacts: Artifact[] = [];
  const ignored: Ignored[] = [];
  for (const [index, result] of results.entries()) {
    if ('ignored' in result) ignored.push({ path: files[index]!.path, why: result.ignored });
    else artifacts.push(result);
  }
  return { artifacts, ignored };
}
