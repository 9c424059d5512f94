import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Artifact } from '../core/model.ts';
import { parseArtifactName } from '../core/names.ts';
import { plainError } from '../errors.ts';
import { makeOwnDirectory } from '../own-directory.ts';
import { readRegularFile } from './file.ts';
import { isMessageName, toMessage } from './message.ts';
import { largestArtifact, sha256Of, toArtifact } from './read.ts';

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  await handle.sync().finally(() => handle.close());
}

/**
 * Writes under a temporary name and renames, so that a file is whole or absent. With `modified` it is dated
 * so. Throws what the file system says.
 */
export async function writeWhole(
  directory: string,
  name: string,
  file: { bytes: Uint8Array; modified?: Date },
): Promise<void> {
  const temporary = join(directory, `.${name}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(file.bytes);
      if (file.modified !== undefined) await handle.utimes(file.modified, file.modified);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(directory, name));
    await syncDirectory(directory);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
}

async function isKept(path: string, sha256: string): Promise<boolean> {
  const kept = await readRegularFile(path, largestArtifact);
  return kept.state === 'read' && sha256Of(kept.bytes) === sha256;
}

/**
 * Copies an artifact to `<directory>/<sha256>`, because the game server cleans up (DESIGN, "The ledger").
 * The copy holds exactly the bytes with that SHA-256 and the original's time of change; a spoiled copy is
 * replaced. The original is only read. Does not throw: a copy that could not be made says why.
 */
export async function keepArtifact(
  directory: string,
  artifact: { path: string; sha256: string },
): Promise<'kept' | 'already' | { failed: string }> {
  const { path, sha256 } = artifact;
  if (!/^[0-9a-f]{64}$/.test(sha256)) return { failed: `${sha256} is no SHA-256` };
  if (await isKept(join(directory, sha256), sha256)) return 'already';
  const read = await readRegularFile(path, largestArtifact);
  if (read.state === 'gone') return { failed: `${path} is not there any more` };
  if (read.state === 'too large') return { failed: `${path} has grown to ${read.size} bytes` };
  if (read.state !== 'read') return { failed: `${path}: ${read.why}` };
  if (sha256Of(read.bytes) !== sha256) return { failed: `${path} has changed since it was read` };
  return keepBytes(directory, read);
}

/** Keeps what was read already, under the SHA-256 of its bytes. Does not throw either. */
export async function keepBytes(
  directory: string,
  file: { bytes: Uint8Array; modified: Date },
): Promise<'kept' | 'already' | { failed: string }> {
  const sha256 = sha256Of(file.bytes);
  if (await isKept(join(directory, sha256), sha256)) return 'already';
  try {
    makeOwnDirectory(directory);
    await writeWhole(directory, sha256, file);
    return 'kept';
  } catch (thrown) {
    return { failed: `cannot write to ${directory}: ${plainError(thrown)}` };
  }
}

/** The bytes of a kept copy; null where there is none, or where they are not those of that SHA-256. */
export async function readKept(directory: string, sha256: string): Promise<Uint8Array | null> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return null;
  const read = await readRegularFile(join(directory, sha256), largestArtifact);
  return read.state === 'read' && sha256Of(read.bytes) === sha256 ? read.bytes : null;
}

/**
 * The kept copy of an artifact that once lay at `path`, whose base name says which round it is of; a bare
 * message says so itself. Null
 * where there is no copy, or where its bytes are not those of that SHA-256. An Artifact with `unreadable`
 * where the copy is there and cannot be read.
 */
export async function openKept(
  directory: string,
  artifact: { sha256: string; path: string },
): Promise<Artifact | null> {
  const base = basename(artifact.path);
  const name = parseArtifactName(base);
  if (!(name || isMessageName(base)) || !/^[0-9a-f]{64}$/.test(artifact.sha256)) return null;
  const path = join(directory, artifact.sha256);
  const read = await readRegularFile(path, largestArtifact);
  if (read.state === 'read' && sha256Of(read.bytes) !== artifact.sha256) return null;
  if (!name) return read.state === 'read' ? toMessage(path, { name: base, read }) : null;
  return read.state === 'read' || read.state === 'unreadable' ? toArtifact(path, name, read) : null;
}
