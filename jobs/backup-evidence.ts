import { createHash, randomUUID } from 'node:crypto';
import { cp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keepArtifact, writeWhole } from '../src/artifacts/keep.ts';
import { codeOf, messageOf, plainError } from '../src/errors.ts';
import { makeOwnDirectory } from '../src/own-directory.ts';
import { checksums } from './packet.ts';

/** What became of one kind of evidence: how much is in the backup now, how much of it is new, what is not. */
export interface EvidenceCopied {
  total: number;
  copied: number;
  failed: string[];
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

/** Copies one after the other, and counts; what cannot be copied is said, and the others still are. */
async function copyEach(
  names: readonly string[],
  copy: (name: string) => Promise<'copied' | 'already' | { failed: string }>,
): Promise<EvidenceCopied> {
  const result: EvidenceCopied = { total: 0, copied: 0, failed: [] };
  for (const name of names) {
    const outcome = await copy(name);
    if (typeof outcome === 'object') result.failed.push(outcome.failed);
    else {
      result.total += 1;
      if (outcome === 'copied') result.copied += 1;
    }
  }
  return result;
}

/**
 * Copies the kept artifacts that the backup lacks. A name is the SHA-256 of its bytes, so what lies there is
 * read and compared, and a spoiled original never replaces a sound copy.
 */
export async function copyArtifacts(from: string, to: string): Promise<EvidenceCopied> {
  const names = (await namesIn(from)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  makeOwnDirectory(to);
  return copyEach(names, async (sha256) => {
    const kept = await keepArtifact(to, { path: join(from, sha256), sha256 });
    return kept === 'kept' ? 'copied' : kept;
  });
}

/** Why a packet's files are not those of its list of checksums, or null. */
async function spoiled(folder: string, list: string): Promise<string | null> {
  for (const line of list.split('\n').filter((text) => text !== '')) {
    const [sum, name] = [line.slice(0, 64), line.slice(66)];
    const bytes = await readFile(join(folder, name)).catch(() => null);
    if (bytes === null || createHash('sha256').update(bytes).digest('hex') !== sum) return name;
  }
  return null;
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = await open(join(entry.parentPath, entry.name), 'r');
    await file.sync().finally(() => file.close());
  }
}

async function copyPacket(from: string, to: string): Promise<'copied' | 'already' | { failed: string }> {
  const unfinished = `${to}.${randomUUID()}.tmp`;
  try {
    const list = await readFile(join(from, checksums), 'utf8');
    if ((await readFile(join(to, checksums), 'utf8').catch(() => null)) === list) return 'already';
    await cp(from, unfinished, { recursive: true });
    const changed = await spoiled(unfinished, list);
    if (changed !== null) return { failed: `${from}: ${changed} is not what ${checksums} says` };
    await syncTree(unfinished);
    await rm(to, { recursive: true, force: true });
    await rename(unfinished, to);
    return 'copied';
  } catch (thrown) {
    return { failed: `${from}: ${codeOf(thrown) === undefined ? messageOf(thrown) : plainError(thrown)}` };
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Copies the triage packets that the backup lacks, or has in another edition; each whole, or not at all. */
export async function copyPackets(from: string, to: string): Promise<EvidenceCopied> {
  const names = (await namesIn(from)).filter((name) => !name.endsWith('.tmp'));
  makeOwnDirectory(to);
  return copyEach(names, (name) => copyPacket(join(from, name), join(to, name)));
}

/** Copies the small files of a directory that the backup lacks, or has as they were before; each whole. */
export async function copyFiles(from: string, to: string): Promise<EvidenceCopied> {
  const names = (await namesIn(from)).filter((name) => !name.endsWith('.tmp'));
  makeOwnDirectory(to);
  return copyEach(names, async (name) => {
    try {
      const bytes = await readFile(join(from, name));
      const before = await readFile(join(to, name)).catch(() => null);
      if (before?.equals(bytes)) return 'already';
      await writeWhole(to, name, { bytes });
      return 'copied';
    } catch (thrown) {
      return { failed: `${join(from, name)}: ${plainError(thrown)}` };
    }
  });
}
