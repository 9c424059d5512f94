import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Artifact } from '../core/model.ts';
import type { ListedFile } from './places.ts';
import { readArtifactNow } from './read.ts';

/** After so many files the event loop gets a turn: some milliseconds. */
const filesAtOnce = 64;

/**
 * From so many files on a second thread is used. It costs a third more processor time for each file: that saves time only
 * where a processor is free, and on a busy machine it has been measured to take longer than one thread.
 */
const filesForThreads = 2000;
/** The same where PostgreSQL is at work meanwhile, which needs a processor for itself. */
const filesForThreadsBeside = 20_000;
/** What is read has to be taken in by one thread: more than one other saves no time. */
const mostThreads = 2;

/** How files are read. */
export interface ReadingOptions {
  /** Whether a database server is kept at work at the same time. */
  besideServer?: boolean;
  /** In so many threads; the default suits everybody but tests. */
  threads?: number;
}

/** How many threads such a number of files is read in. */
export function threadsFor(
  files: number,
  {
    besideServer = false,
    processors = availableParallelism(),
  }: { besideServer?: boolean; processors?: number } = {},
): number {
  const forThreads = besideServer ? filesForThreadsBeside : filesForThreads;
  return files > forThreads ? Math.min(mostThreads, processors) : 1;
}

/**
 * Reads many files and keeps their order: here, and where there are very many and a processor is left, in a second
 * thread too. The event loop gets its turn in between.
 */
export async function readArtifacts(
  files: readonly ListedFile[],
  { besideServer, threads = threadsFor(files.length, { besideServer }) }: ReadingOptions = {},
): Promise<Artifact[]> {
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
