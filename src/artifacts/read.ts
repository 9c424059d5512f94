import { hash } from 'node:crypto';
import type { Artifact } from '../core/model.ts';
import type { ArtifactName } from '../core/names.ts';
import { type FileRead, readRegularFileNow } from './file.ts';
import { parseArtifact } from './parse.ts';
import type { ListedFile } from './places.ts';

/** The module writes a few kilobytes; the largest known artifact has 24. */
export const largestArtifact = 1_048_576;

/** Hex SHA-256 of the bytes. */
export function sha256Of(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

const secondsOf = (time: Date) => Math.floor(time.getTime() / 1000);

function emptyArtifact(path: string, { safeMap, number, endUnix, finished }: ArtifactName): Artifact {
  return {
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
}

function whyNot(read: Exclude<FileRead, { state: 'read' }>): Partial<Artifact> {
  if (read.state === 'gone') return { unreadable: 'it vanished while it was read' };
  if (read.state === 'unreadable') return { unreadable: read.why };
  if (read.state === 'not a file') return { damage: read.why };
  const damage = `larger than 1 MiB (${read.size} bytes)`;
  return { bytes: read.size, modifiedUnix: secondsOf(read.modified), damage };
}

/**
 * What was read of a file, as an artifact. A link, a directory or a pipe under the name of an artifact is
 * never followed or opened: it is damaged, so that a person decides about the round that it names.
 */
export function toArtifact(path: string, name: ArtifactName, read: FileRead): Artifact {
  if (read.state !== 'read') return { ...emptyArtifact(path, name), ...whyNot(read) };
  const parsed = parseArtifact(read.bytes);
  // One by one: many are read, and copying takes as long as parsing.
  const artifact = emptyArtifact(path, name);
  artifact.sha256 = sha256Of(read.bytes);
  artifact.bytes = read.bytes.length;
  artifact.modifiedUnix = secondsOf(read.modified);
  if ('content' in parsed) artifact.content = parsed.content;
  else artifact.damage = parsed.damage;
  return artifact;
}

/** Reads, hashes and parses one listed file. What cannot be read or used says so; nothing is thrown. */
export async function readArtifact(file: ListedFile): Promise<Artifact> {
  return readArtifactNow(file);
}

/** The same, at once. */
export function readArtifactNow({ path, name }: Pick<ListedFile, 'path' | 'name'>): Artifact {
  return toArtifact(path, name, readRegularFileNow(path, largestArtifact));
}
