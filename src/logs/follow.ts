import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import type { LogEvent, LogName, RememberedFile } from '../core/log-event.ts';
import type { Json } from '../core/model.ts';
import { OperationError, plainError } from '../errors.ts';
import { freshBot, readBotLine } from './bot-line.ts';
import { freshConsole, readConsoleLine } from './console-line.ts';
import type { LineEvent } from './event.ts';
import { beginning, LineSplitter, type Place, tailBytes } from './lines.ts';

/** What was read of a file in one go: the lines that matter, and where reading has come to. */
export interface LogChunk {
  file: RememberedFile;
  events: LogEvent[];
  /** How far reading has come, for a progress bar. */
  bytes: number;
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const mostEvents = 500;
const isGzip = (path: string) => path.endsWith('.gz');

type Reader = (state: never, line: string) => { state: object; event: LineEvent | null };
const readers: Record<LogName, { fresh: object; read: Reader }> = {
  bot: { fresh: freshBot, read: readBotLine as Reader },
  console: { fresh: freshConsole, read: readConsoleLine as Reader },
};

async function bytesBefore(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position - length);
  return buffer.subarray(0, bytesRead);
}

interface Known {
  file: RememberedFile;
  place: Place;
}

/** The remembered file that goes on in a plain one, if there is one: the same bytes before the same place. */
async function recognise(
  handle: FileHandle,
  of: { inode: string; size: number },
  remembered: readonly RememberedFile[],
): Promise<Known | null> {
  const likely = [...remembered].sort(
    (a, b) => Number(b.inode === of.inode) - Number(a.inode === of.inode) || b.position - a.position,
  );
  for (const file of likely) {
    if (file.position > of.size || file.position === 0) continue;
    const tail = await bytesBefore(handle, file.position, file.tailLength);
    if (hashOf(tail) !== file.tailHash) continue;
    return { file, place: { position: file.position, lines: file.lines, tail } };
  }
  return null;
}

/** The same for what a gzipped file holds; the furthest place that fits counts. */
async function recogniseZipped(path: string, remembered: readonly RememberedFile[]): Promise<Known | null> {
  const ahead = remembered.filter(({ position }) => position > 0).sort((a, b) => a.position - b.position);
  let [read, best]: [number, Known | null] = [0, null];
  let window = Buffer.alloc(0);
  for await (const bytes of gunzip(path)) {
    window = Buffer.concat([window.subarray(-tailBytes), bytes]);
    read += bytes.length;
    while (ahead[0] !== undefined && ahead[0].position <= read) {
      const file = ahead.shift()!;
      const end = window.length - (read - file.position);
      const tail = Buffer.from(window.subarray(Math.max(0, end - file.tailLength), end));
      if (hashOf(tail) === file.tailHash)
        best = { file, place: { position: file.position, lines: file.lines, tail } };
    }
  }
  return best;
}

/** What a gzipped file holds; what comes before a fault is given, then an OperationError. */
async function* gunzip(path: string): AsyncGenerator<Buffer> {
  const source = createReadStream(path);
  const unzip = createGunzip();
  source.on('error', (fault) => unzip.destroy(fault));
  try {
    yield* source.pipe(unzip) as AsyncIterable<Buffer>;
  } finally {
    source.destroy();
  }
}

async function* from(position: number, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let skip = position;
  for await (const bytes of pieces) {
    const rest = bytes.subarray(Math.min(skip, bytes.length));
    skip -= bytes.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

/** What is to be read of a file, from where, and as whose continuation. */
interface Reading {
  path: string;
  log: LogName;
  inode: string;
  size: number;
  known: Known | null;
  pieces: AsyncIterable<Buffer>;
  /** Nobody writes to it any more, so its last line is complete without an end. */
  final: boolean;
}

/** Reads lines into chunks. A fault of the file comes after everything that could be read before it. */
async function* chunksOf(reading: Reading): AsyncGenerator<LogChunk> {
  const { log, path, known } = reading;
  const lineage = known?.file.lineage ?? randomUUID();
  const { fresh, read } = readers[log];
  let state = (known?.file.state ?? fresh) as object;
  let events: LogEvent[] = [];
  const splitter = new LineSplitter(known?.place ?? beginning, (line, text) => {
    const step = read(state as never, text);
    state = step.state;
    if (step.event === null) return;
    const { text: quoted, ...event } = step.event;
    events.push({ ...event, lineage, quote: { file: path, line, text: quoted } });
  });
  const chunk = (): LogChunk => {
    const { position, lines, tail } = splitter.place;
    const at = { position, lines, tailLength: tail.length, tailHash: hashOf(tail), state: state as Json };
    const file = { lineage, log, path, inode: reading.inode, size: reading.size, ...at };
    const done = { file, events, bytes: position };
    events = [];
    return done;
  };
  let fault: unknown = null;
  try {
    for await (const bytes of reading.pieces) {
      splitter.push(bytes);
      if (events.length >= mostEvents) yield chunk();
    }
    if (reading.final) splitter.finish();
  } catch (thrown) {
    fault = thrown;
  }
  yield chunk();
  if (fault !== null) throw new OperationError(`it can be read only in part: ${plainError(fault)}`);
}

async function* followZipped(path: string, log: LogName, remembered: readonly RememberedFile[]) {
  const handle = await open(path, 'r');
  const { ino, size } = await handle.stat().finally(() => handle.close());
  const inode = String(ino);
  if (remembered.some((file) => file.inode === inode && file.size === size && isGzip(file.path))) return;
  const known = await recogniseZipped(path, remembered).catch(() => null);
  const pieces = from(known?.place.position ?? 0, gunzip(path));
  yield* chunksOf({ path, log, inode, size, known, pieces, final: true });
}

async function* followPlain(path: string, log: LogName, remembered: readonly RememberedFile[]) {
  const handle = await open(path, 'r');
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new OperationError('it is no regular file');
    const { size } = stats;
    const inode = String(stats.ino);
    const known = await recognise(handle, { inode, size }, remembered);
    const start = known?.place.position ?? 0;
    const { file } = known ?? {};
    if (size === 0 || (file?.size === size && file.inode === inode && file.path === path)) return;
    const pieces = handle.createReadStream({ start, end: Math.max(start, size - 1), autoClose: false });
    yield* chunksOf({ path, log, inode, size, known, pieces: pieces as AsyncIterable<Buffer>, final: false });
  } finally {
    await handle.close();
  }
}

/**
 * Reads what is new in one file: a stream in constant memory, in chunks that are stored one by one. A file is
 * known again by the bytes before the place where reading stopped, so renaming, copying, truncating and gzipping
 * neither lose a line nor read one twice. Throws where the file cannot be read, after giving what could be.
 */
export function followLog(
  path: string,
  log: LogName,
  remembered: readonly RememberedFile[],
): AsyncGenerator<LogChunk> {
  return isGzip(path) ? followZipped(path, log, remembered) : followPlain(path, log, remembered);
}
