import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/**
 * Replaces a file in one step: whoever reads it finds the old one or the new one, whole, and on the disk. It is a new
 * file, which follows no link. Throws what the file system says, and leaves the old one and nothing else.
 */
export function replaceFile(
  path: string,
  content: string,
  { mode = 0o666, unfinished = `${path}.${process.pid}.tmp` }: { mode?: number; unfinished?: string } = {},
): void {
  try {
    rmSync(unfinished, { force: true });
    const descriptor = openSync(unfinished, 'wx', mode);
    try {
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(unfinished, path);
  } catch (thrown) {
    rmSync(unfinished, { force: true });
    throw thrown;
  }
}
