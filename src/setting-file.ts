import { closeSync, openSync, readSync } from 'node:fs';
import { OperationError } from './errors.ts';

/** A list of every public certificate authority has a quarter of it. */
export const largestSettingFile = 1_048_576;

/**
 * The text of a small file of settings: a `.env`, or what `X_FILE` names. A pipe is read, too, because secrets come
 * that way. Throws what the file system says, and an OperationError where there is more than 1 MiB, as of a device
 * that never ends.
 */
export function readSettingFile(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const parts: Buffer[] = [];
    for (let size = 0; ; ) {
      const part = Buffer.alloc(65_536);
      const read = readSync(descriptor, part);
      if (read === 0) return Buffer.concat(parts).toString('utf8');
      size += read;
      if (size > largestSettingFile) throw new OperationError(`${path} is larger than 1 MiB`);
      parts.push(part.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
}
