import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, NoteError, parseCheckpoint, parseNote } from '../core/signed-note.ts';
import { codeOf, OperationError, plainError, UsageError } from '../errors.ts';
import { makeOwnDirectory } from '../own-directory.ts';

/** How the files of checkpoints end. */
export const checkpointEnding = '.checkpoint';

/** No checkpoint or proof is longer, and no more of a file is read. */
const longestFile = 16_000_000;

/** A checkpoint in a file; nothing of it is verified yet. */
export interface FiledCheckpoint {
  file: string;
  note: string;
  said: Checkpoint;
}

/**
 * The text of a file that may have come by mail: line breaks of either kind, empty lines around it. Throws a
 * UsageError where it cannot be read.
 */
export function readNoteFile(file: string): string {
  try {
    if (statSync(file).size > longestFile) throw new UsageError(`${file} is too long to be read`);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    return `${text.replaceAll('\r\n', '\n').trim()}\n`;
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    if (thrown instanceof TypeError) throw new UsageError(`${file} is no text in UTF-8`);
    throw new UsageError(`cannot read ${file}: ${plainError(thrown)}`);
  }
}

/** What `read` makes of the text of a file. Throws a UsageError, which names the file, where it is none. */
export function readingNote<T>(file: string, text: string, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (thrown) {
    if (!(thrown instanceof NoteError)) throw thrown;
    throw new UsageError(`cannot use ${file}: ${thrown.message}`);
  }
}

/** The checkpoint in a file. Throws a UsageError where it cannot be read, or is none. */
export function readCheckpoint(file: string): FiledCheckpoint {
  const note = readNoteFile(file);
  return { file, note, said: readingNote(file, note, (text) => parseCheckpoint(parseNote(text).text)) };
}

/** The checkpoints of files and of directories, which stand for all that lie in them. Throws a UsageError. */
export function readCheckpoints(paths: readonly string[]): FiledCheckpoint[] {
  return paths.flatMap((path) => {
    if (!isDirectory(path)) return [readCheckpoint(path)];
    const names = namesIn(path);
    if (names.length === 0) throw new UsageError(`there is no ${checkpointEnding} file in ${path}`);
    return names.map((name) => readCheckpoint(join(path, name)));
  });
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The oldest first, for they are named by the time at which they were made. */
const namesIn = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(checkpointEnding))
    .sort();

/** The latest checkpoint that was kept, or null where there is none. Throws where it cannot be read. */
export function latestKept(directory: string): FiledCheckpoint | null {
  let names: string[];
  try {
    names = namesIn(directory);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null;
    throw new OperationError(`cannot read ${directory}: ${plainError(thrown)}`);
  }
  const last = names.at(-1);
  return last === undefined ? null : readCheckpoint(join(directory, last));
}

/**
 * Keeps a checkpoint in a file of its own, named by when it was made, unless the latest one is the same. None is
 * ever replaced. Returns the file. Throws an OperationError where it cannot be written.
 */
export function keepCheckpoint(directory: string, note: string, nowMs: number): string {
  const latest = latestKept(directory);
  if (latest?.note === note) return latest.file;
  const stamp = new Date(nowMs).toISOString().replace(/[-:.]/g, '');
  const file = join(directory, `${stamp}${checkpointEnding}`);
  try {
    makeOwnDirectory(directory);
    writeFileSync(file, note, { flag: 'wx' });
  } catch (thrown) {
    throw new OperationError(`cannot keep the checkpoint in ${file}: ${plainError(thrown)}`);
  }
  return file;
}
