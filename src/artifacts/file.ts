import type { Stats } from 'node:fs';
import { constants, type FileHandle, lstat, open } from 'node:fs/promises';
import { codeOf, plainError } from '../errors.ts';

const chunkBytes = 65_536;

/** What became of reading a file that somebody else may write, replace or remove meanwhile. */
export type FileRead =
  | { state: 'read'; bytes: Uint8Array; modified: Date }
  | { state: 'too large'; size: number; modified: Date }
  /** It is not a regular file; it was not read. */
  | { state: 'not a file'; why: string }
  | { state: 'gone' }
  | { state: 'unreadable'; why: string };

/** What a directory entry is where it is not a regular file, or null. */
function otherKind(stats: Stats): string | null {
  if (stats.isFile()) return null;
  if (stats.isSymbolicLink()) return 'it is a symbolic link';
  if (stats.isDirectory()) return 'it is a directory';
  if (stats.isFIFO()) return 'it is a named pipe';
  if (stats.isSocket()) return 'it is a socket';
  return 'it is a device';
}

async function whyNotRead(path: string, thrown: unknown): Promise<FileRead> {
  const stats = await lstat(path).catch(() => null);
  const kind = stats && otherKind(stats);
  if (kind) return { state: 'not a file', why: kind };
  return codeOf(thrown) === 'ENOENT' ? { state: 'gone' } : { state: 'unreadable', why: plainError(thrown) };
}

async function readHandle(handle: FileHandle, limit: number): Promise<FileRead> {
  const before = await handle.stat();
  const kind = otherKind(before);
  if (kind) return { state: 'not a file', why: kind };
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= limit && before.size <= limit) {
    const { bytesRead, buffer } = await handle.read({ buffer: new Uint8Array(chunkBytes) });
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    size += bytesRead;
  }
  const after = await handle.stat();
  const largest = Math.max(size, after.size);
  if (largest > limit) return { state: 'too large', size: largest, modified: after.mtime };
  return { state: 'read', bytes: Buffer.concat(chunks), modified: after.mtime };
}

/**
 * Reads a regular file of at most `limit` bytes whole. Follows no symbolic link, waits for no pipe, writes
 * nothing and does not throw. `modified` is taken after the reading, so that a file in the making is young.
 */
export async function readRegularFile(path: string, limit: number): Promise<FileRead> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return await readHandle(handle, limit);
  } catch (thrown) {
    return whyNotRead(path, thrown);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}
