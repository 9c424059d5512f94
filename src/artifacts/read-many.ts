import { setImmediate } from 'node:timers/promises';
import type { Artifact } from '../core/model.ts';
import type { ListedFile } from './places.ts';
import { readArtifactNow } from './read.ts';

/** After so many files the event loop gets a turn: some milliseconds. */
const filesAtOnce = 64;

/**
 * Reads many files and keeps their order, here or in several threads; the event loop gets its turn in between. Nothing
 * asks for threads by default: they cost a third more processor time, and the bench `artifacts-read` has not shown so
 * far that they save any of the clock's.
 */
export async function readArtifacts(
  files: readonly ListedFile[],
  options: { threads?: number } = {},
): Promise<Artifact[]> {
  const { threads = 1 } = options;
  if (threads > 1) {
    const { readInThreads } = await import('./threads.ts');
    return readInThreads(files, threads);
  }
  const artifacts: Artifact[] = [];
  for (const [index, file] of files.entries()) {
    if (index % filesAtOnce === filesAtOnce - 1) await setImmediate();
    artifacts.push(readArtifactNow(file));
  }
  return artifacts;
}
