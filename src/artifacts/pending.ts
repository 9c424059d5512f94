import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Artifact, Place } from '../core/model.ts';
import { plainError } from '../errors.ts';
import { type FileRead, readRegularFile } from './file.ts';
import { isMessageName, toMessage } from './message.ts';
import { type Ignored, placeWith } from './places.ts';
import { largestArtifact } from './read.ts';

/** What a place holds, read. */
export interface Visited {
  place: Place;
  artifacts: Artifact[];
  ignored: Ignored[];
}

/** A file that is younger may still be being written (DOMAIN, section 3). */
const stillWritingSeconds = 120;
/** The module keeps what it could not deliver: a handful. */
export const mostMessages = 10_000;

/** The files of a buffer that are messages by their name; an artifact among them is said. */
export function messagesAmong<T extends { path: string }>(files: readonly T[]) {
  const ignored = files
    .filter(({ path }) => basename(path).startsWith('gametime-'))
    .map(({ path }) => ({
      path,
      why: 'an artifact in a retry buffer: its directory belongs in GAMETIME_PATHS',
    }));
  return { files: files.filter(({ path }) => isMessageName(basename(path))), ignored };
}

/**
 * A retry buffer, from what was read of its files. An empty one is well: everything was delivered. One of
 * which a file could not be read is unreadable, because a message's name does not say whose it is.
 */
export function bufferOf(
  name: string,
  reads: readonly { path: string; read: FileRead }[],
  { nowUnix }: { nowUnix: number },
): Visited {
  const artifacts: Artifact[] = [];
  const ignored: Ignored[] = [];
  const faults: string[] = [];
  for (const { path, read } of reads) {
    const file = basename(path);
    if (read.state === 'gone') faults.push(`${file} vanished while it was read; the next run looks again`);
    else if (read.state === 'unreadable') faults.push(`${file}: ${read.why}`);
    else if (read.state === 'not a file') ignored.push({ path, why: read.why });
    else if (read.state === 'too large')
      ignored.push({ path, why: `larger than 1 MiB (${read.size} bytes)` });
    else {
      const message = toMessage(path, { name: file, read });
      const young = Math.abs(nowUnix - read.modified.getTime() / 1000) < stillWritingSeconds;
      if (message !== null) artifacts.push(message);
      else if (young) faults.push(`${file} is still being written`);
      else ignored.push({ path, why: 'it is no message of the module: not even its round can be read' });
    }
  }
  const ends = artifacts.map(({ endUnix }) => endUnix);
  const place = placeWith(name, ends, faults[0] ?? null);
  return { place, artifacts, ignored };
}

/** A place that could not be listed. */
export function unreadableBuffer(name: string, why: string): Visited {
  return { place: placeWith(name, [], why), artifacts: [], ignored: [] };
}

/** Reads a retry buffer of this host, not recursively. Does not throw for what the file system says. */
export async function readBuffer(directory: string, options: { nowUnix: number }): Promise<Visited> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (thrown) {
    return unreadableBuffer(directory, plainError(thrown));
  }
  const { files, ignored } = messagesAmong(names.sort().map((name) => ({ path: join(directory, name) })));
  if (files.length > mostMessages)
    return unreadableBuffer(directory, `it holds more than ${mostMessages} messages; is it a retry buffer?`);
  const reads: { path: string; read: FileRead }[] = [];
  for (const { path } of files) reads.push({ path, read: await readRegularFile(path, largestArtifact) });
  const buffer = bufferOf(directory, reads, options);
  return { ...buffer, ignored: [...ignored, ...buffer.ignored] };
}
