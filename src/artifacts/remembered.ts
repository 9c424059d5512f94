import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { plainError } from '../errors.ts';
import { makeOwnDirectory } from '../own-directory.ts';
import { readRegularFile } from './file.ts';
import { writeWhole } from './keep.ts';

/** A file of another host of which a copy was kept. */
export interface Remembered {
  name: string;
  /** As the server listed it: a file that is listed so again is not fetched again. */
  size: number;
  modifiedUnix: number;
  sha256: string;
  /** The end of its round, unix seconds. */
  endUnix: number;
}

const largestIndex = 64 * 1024 * 1024;

const schema = z.object({
  version: z.literal(1),
  place: z.string(),
  files: z.array(
    z.object({
      name: z.string(),
      size: z.int(),
      modifiedUnix: z.int(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      endUnix: z.int(),
    }),
  ),
});

function fileOf(place: string): string {
  return `${createHash('sha256').update(place).digest('hex').slice(0, 32)}.json`;
}

/**
 * What was kept of a place, by name; empty where nothing was yet. `failed` where the list cannot be read: then
 * copies may lie there that nobody finds, so the place must not count as readable.
 */
export async function readRemembered(
  directory: string,
  place: string,
): Promise<Map<string, Remembered> | { failed: string }> {
  const path = join(directory, fileOf(place));
  const read = await readRegularFile(path, largestIndex);
  if (read.state === 'gone') return new Map();
  const failed = (why: string) => ({
    failed: `the list of its copies, ${path}, ${why}; restore it, or remove it to begin anew`,
  });
  if (read.state !== 'read')
    return failed(read.state === 'too large' ? 'is too large' : `cannot be read: ${read.why}`);
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(read.bytes).toString('utf8'));
  } catch {
    return failed('is damaged');
  }
  const checked = schema.safeParse(json);
  if (!checked.success || checked.data.place !== place) return failed('is damaged');
  return new Map(checked.data.files.map((file) => [file.name, file]));
}

/**
 * Adds files to what is remembered of a place, whole or not at all; the list is read again first, because
 * another process may have added to it. Answers why it could not be written, or null.
 */
export async function remember(
  directory: string,
  place: string,
  found: readonly Remembered[],
): Promise<string | null> {
  if (found.length === 0) return null;
  const known = await readRemembered(directory, place);
  if ('failed' in known) return known.failed;
  for (const file of found) known.set(file.name, file);
  const files = [...known.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  try {
    makeOwnDirectory(directory);
    const text = `${JSON.stringify({ version: 1, place, files })}\n`;
    await writeWhole(directory, fileOf(place), { bytes: Buffer.from(text) });
    return null;
  } catch (thrown) {
    return `cannot write to ${directory}: ${plainError(thrown)}`;
  }
}
