import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Artifact } from '../core/model.ts';
import type { ListedFile } from './places.ts';
import { readArtifactNow } from './read.ts';

/** After so many files the event loop gets a turn: some milliseconds. */
const filesAtOnce = 64;
/** From so many files on, other threads are worth what they cost to start. */
const manyFiles = 2_000;
/** Whoever shares the work out has to take the answers in, and is the bound from here on. */
const mostThreads = 4;

/**
 * Reads many files and keeps their order: here, or in so many threads as the host can run at a time where there are
 * many. The event loop gets its turn in between.
 */
export async function readArtifacts(
  files: readonly ListedFile[],
  options: { threads?: number } = {},
): Promise<Artifact[]> {
  const { threads = files.length > manyFiles ? Math.min(availableParallelism(), mostThreads) : 1 } = options;
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
