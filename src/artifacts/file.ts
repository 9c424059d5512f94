import { closeSync, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { constants, type FileHandle, lstat, open } from 'node:fs/promises';
import { codeOf, plainError } from '../errors.ts';

const chunkBytes = 65_536;
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

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

function whyNotRead(stats: Stats | null, thrown: unknown): FileRead {
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
    handle = await open(path, flags);
    return await readHandle(handle, limit);
  } catch (thrown) {
    return whyNotRead(await lstat(path).catch(() => null), thrown);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

/** What `lstat` says of a path, or null. */
function lstatOrNull(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

/** Read into again and again by those who are done with a file before the next. */
let shared = Buffer.allocUnsafeSlow(chunkBytes);

function readDescriptor(descriptor: number, limit: number): FileRead {
  const before = fstatSync(descriptor);
  const kind = otherKind(before);
  if (kind) return { state: 'not a file', why: kind };
  let size = 0;
  let after = before;
  while (size <= limit && before.size <= limit) {
    if (shared.length - size < chunkBytes) shared = Buffer.concat([shared], 2 * shared.length);
    const read = readSync(descriptor, shared, size, chunkBytes, null);
    size += read;
    if (read === chunkBytes) continue;
    after = fstatSync(descriptor);
    // One that grew meanwhile is read on.
    if (read === 0 || after.size === size) break;
  }
  if (after === before) after = fstatSync(descriptor);
  const largest = Math.max(size, after.size);
  if (largest > limit) return { state: 'too large', size: largest, modified: after.mtime };
  return { state: 'read', bytes: shared.subarray(0, size), modified: after.mtime };
}

/**
 * The same without a promise, several times as fast for small files. The bytes are only there until the next file is
 * read so.
 */
export function readRegularFileNow(path: string, limit: number): FileRead {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, flags);
    return readDescriptor(descriptor, limit);
  } catch (thrown) {
    return whyNotRead(lstatOrNull(path), thrown);
  } finally {
    if (descriptor !== undefined) closeQuietly(descriptor);
  }
}

/** It was only read: what the closing says changes nothing. */
function closeQuietly(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {}
}
