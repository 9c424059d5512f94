import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { Artifact } from '../core/model.ts';
import { startThread } from '../thread.ts';
import { type Packed, unpack } from './packed.ts';
import type { ListedFile } from './places.ts';
import { readArtifactNow } from './read.ts';
import { type Board, newBoard, noteAccepted, type Piece, takePiece } from './thread-board.ts';

/** A thread that reads artifacts takes a few megabytes; one that takes more has gone wrong, and ends. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };
/** Files that are read here before the threads are listened to again. */
const filesAtOnce = 16;

/** Files, the board on which whoever has time takes the next ones, and what was read of them so far. */
interface Queue {
  files: readonly ListedFile[];
  board: Board;
  artifacts: (Artifact | undefined)[];
}

/** What a thread is told, once: the paths of all files, and the board. */
export interface Order {
  paths: readonly string[];
  board: Board;
}

/** What a thread has read of a piece: packed artifacts as JSON. */
export interface Answer {
  piece: Piece;
  packed: string;
}

/** Starts a thread that reads what it is given. */
export const startReader = (): Worker =>
  startThread(new URL('./reader-worker', import.meta.url), { resourceLimits });

/** Puts a thread's answer into its place; throws where it is not one artifact for each path. */
function accept({ files, artifacts }: Queue, { piece, packed }: Answer): void {
  const { from, to } = piece;
  const read = (JSON.parse(packed) as Packed[]).map((one, at) => unpack(one, files[from + at]!));
  if (read.length !== to - from) throw new Error('a thread answered with another number of artifacts');
  for (const [at, artifact] of read.entries()) artifacts[from + at] = artifact;
}

/** Has a thread read what it takes from the board until nothing is left there, or until it fails. */
async function employ(queue: Queue, start: () => Worker): Promise<void> {
  let worker: Worker | undefined;
  try {
    worker = start();
    const own = worker;
    await new Promise<void>((done, failed) => {
      own.on('error', failed).on('messageerror', failed);
      own.on('exit', () => failed(new Error('it ended')));
      own.on('message', (answer: Answer | null) => {
        if (answer === null) return done();
        try {
          accept(queue, answer);
          noteAccepted(queue.board);
        } catch (thrown) {
          failed(thrown);
        }
      });
      const order: Order = { paths: queue.files.map(({ path }) => path), board: queue.board };
      own.postMessage(order);
    });
  } catch {
    // What it took and did not answer is missing, and is read here.
  } finally {
    await worker?.terminate();
  }
}

async function readMeanwhile({ files, board, artifacts }: Queue): Promise<void> {
  const take = () => takePiece(board, { files: files.length, most: filesAtOnce });
  for (let piece = take(); piece !== null; piece = take()) {
    for (let index = piece.from; index < piece.to; index++) artifacts[index] = readArtifactNow(files[index]!);
    await setImmediate();
  }
}

/** Reads what a thread took and did not answer. */
async function readMissing({ files, artifacts }: Queue): Promise<Artifact[]> {
  for (const [index, file] of files.entries()) {
    if (artifacts[index] !== undefined) continue;
    artifacts[index] = readArtifactNow(file);
    if (index % filesAtOnce === 0) await setImmediate();
  }
  return artifacts as Artifact[];
}

async function readList(
  files: readonly ListedFile[],
  threads: number,
  start: () => Worker,
): Promise<Artifact[]> {
  const queue: Queue = { files, board: newBoard(), artifacts: new Array(files.length) };
  const others = Array.from({ length: threads - 1 }, () => employ(queue, start));
  await readMeanwhile(queue);
  await Promise.all(others);
  return await readMissing(queue);
}

/** A thread is given so many paths: more would not fit into its memory. */
const filesInList = 100_000;

/**
 * Reads files in this thread and `threads - 1` others, and keeps their order. The others go on while this one is busy
 * with something else, such as a statement of SQLite. What a thread does not come to, because it cannot start, fails or
 * ends, is read here: the answer is the same.
 */
export async function readInThreads(
  files: readonly ListedFile[],
  threads: number,
  start: () => Worker = startReader,
): Promise<Artifact[]> {
  const artifacts: Artifact[] = [];
  for (let from = 0; from < files.length; from += filesInList) {
    const read = await readList(files.slice(from, from + filesInList), threads, start);
    for (const artifact of read) artifacts.push(artifact);
  }
  return artifacts;
}
