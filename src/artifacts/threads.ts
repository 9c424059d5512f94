import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Artifact } from '../core/model.ts';
import { type Packed, unpack } from './packed.ts';
import type { ListedFile } from './places.ts';
import { readArtifactNow } from './read.ts';

/** A thread that reads artifacts takes a few megabytes; one that takes more has gone wrong, and ends. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };
/** Files in one message to a thread. */
const filesInMessage = 256;
/** Files that are read here before the threads are listened to again. */
const filesAtOnce = 16;

/** Files that nobody has begun with; whoever has time takes the next ones. */
interface Queue {
  files: readonly ListedFile[];
  next: number;
  artifacts: Artifact[];
}

/** What a thread runs from source: tsx does not come along into threads by itself. */
const fromSource = `
  const { tsx, program } = require('node:worker_threads').workerData;
  import(tsx).then(({ register }) => { register(); return import(program); });`;

/** Starts a thread that reads what it is given, from source or from what was built of it. */
export function startReader(): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./reader-worker.js', import.meta.url), { resourceLimits });
  const program = new URL('./reader-worker.ts', import.meta.url).href;
  const workerData = { tsx: import.meta.resolve('tsx/esm/api'), program };
  return new Worker(fromSource, { eval: true, workerData, resourceLimits });
}

function take(queue: Queue, most: number): { from: number; to: number } | null {
  const from = queue.next;
  queue.next = Math.min(queue.files.length, from + most);
  return from === queue.next ? null : { from, to: queue.next };
}

function readHere(queue: Queue, { from, to }: { from: number; to: number }): void {
  for (let index = from; index < to; index++) queue.artifacts[index] = readArtifactNow(queue.files[index]!);
}

/** Puts a thread's answer into its place; throws where it is not one artifact for each path. */
function accept(queue: Queue, { from, to }: { from: number; to: number }, answer: string): void {
  const packed = JSON.parse(answer) as Packed[];
  if (packed.length !== to - from) throw new Error('a thread answered with another number of artifacts');
  for (const [offset, one] of packed.entries())
    queue.artifacts[from + offset] = unpack(one, queue.files[from + offset]!);
}

/** Has a thread read from the queue until it is empty. A thread that fails leaves what it had to be read here. */
async function employ(queue: Queue, start: () => Worker): Promise<void> {
  let piece: { from: number; to: number } | null = null;
  let worker: Worker | undefined;
  try {
    worker = start();
    const own = worker;
    await new Promise<void>((done, failed) => {
      own.on('error', failed).on('messageerror', failed);
      own.on('exit', () => failed(new Error('it ended')));
      const give = () => {
        piece = take(queue, filesInMessage);
        if (piece === null) return done();
        own.postMessage(queue.files.slice(piece.from, piece.to).map(({ path }) => path));
      };
      own.on('message', (answer: string) => {
        try {
          accept(queue, piece!, answer);
          give();
        } catch (thrown) {
          failed(thrown);
        }
      });
      // It is given work only when it can take it: until then everything is read here.
      own.on('online', give);
    });
  } catch {
    if (piece !== null) readHere(queue, piece);
  } finally {
    await worker?.terminate();
  }
}

async function readMeanwhile(queue: Queue): Promise<void> {
  for (let piece = take(queue, filesAtOnce); piece !== null; piece = take(queue, filesAtOnce)) {
    readHere(queue, piece);
    await setImmediate();
  }
}

/**
 * Reads files in this thread and `threads - 1` others, and keeps their order. What a thread does not come to, because it
 * cannot start, fails or ends, is read here: the answer is the same.
 */
export async function readInThreads(
  files: readonly ListedFile[],
  threads: number,
  start: () => Worker = startReader,
): Promise<Artifact[]> {
  const queue: Queue = { files, next: 0, artifacts: new Array<Artifact>(files.length) };
  const others = Array.from({ length: threads - 1 }, () => employ(queue, start));
  await readMeanwhile(queue);
  await Promise.all(others);
  return queue.artifacts;
}
