import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { LogEvent, LogName, RememberedFile } from '../core/log-event.ts';
import type { Json } from '../core/model.ts';
import { codeOf, OperationError, plainError } from '../errors.ts';
import { botSieve, freshBot, readBotLine } from './bot-line.ts';
import { consoleSieve, freshConsole, readConsoleLine } from './console-line.ts';
import type { LineEvent } from './event.ts';
import { beginning, LineSplitter, type Place, type Sieve, tailBytes } from './lines.ts';

/** What was read of a file in one go: the lines that matter, and where reading has come to. */
export interface LogChunk {
  file: RememberedFile;
  events: LogEvent[];
  /** How far reading has come, and the size of the file, for a progress bar. */
  bytes: number;
  total: number;
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
/** So much is read at most before it is given: what is stored then need not be read again after a crash. */
const mostEvents = 2_000;
const mostBytes = 32 * 1_048_576;
const pieceBytes = 65_536;
/** Each piece is handed over by another thread, which takes its time where the machine is busy. */
const largePieceBytes = 16 * pieceBytes;
/** A gzipped part that is cut off and younger is still being written (DOMAIN, section 3). */
const youngMs = 120_000;
const isGzip = (path: string) => path.endsWith('.gz');
/** A fault of what a gzipped file holds, which reading it again does not mend. */
const isDamage = (fault: unknown) => codeOf(fault)?.startsWith('Z_') === true;

type Reader = (state: never, line: string) => { state: object; event: LineEvent | null };
type StateSieve = (state: never, ...line: Parameters<Sieve>) => boolean;
const readers: Record<LogName, { fresh: object; read: Reader; sieve: () => StateSieve }> = {
  bot: { fresh: freshBot, read: readBotLine as Reader, sieve: botSieve },
  console: { fresh: freshConsole, read: readConsoleLine as Reader, sieve: consoleSieve },
};

/** Opens a file of the log for `work`. Waits for no pipe; throws an OperationError where it is no regular file. */
async function* opened<T>(
  path: string,
  work: (file: { handle: FileHandle; inode: string; size: number; modifiedMs: number }) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new OperationError('it is no regular file');
    yield* work({ handle, inode: String(stats.ino), size: stats.size, modifiedMs: stats.mtimeMs });
  } finally {
    await handle.close();
  }
}

async function bytesBefore(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position - length);
  return buffer.subarray(0, bytesRead);
}

interface Known {
  file: RememberedFile;
  place: Place;
}

/**
 * The remembered file that goes on in a plain one, if there is one: the same bytes before the same place. Of several
 * the furthest, because those before it hold the beginning of the same lines; then the one with the same inode.
 */
async function recognise(
  handle: FileHandle,
  of: { inode: string; size: number },
  remembered: readonly RememberedFile[],
): Promise<Known | null> {
  const likely = [...remembered].sort(
    (a, b) => b.position - a.position || Number(b.inode === of.inode) - Number(a.inode === of.inode),
  );
  for (const file of likely) {
    if (file.position > of.size || file.position === 0) continue;
    const tail = await bytesBefore(handle, file.position, file.tailLength);
    if (hashOf(tail) !== file.tailHash) continue;
    return { file, place: { position: file.position, lines: file.lines, tail } };
  }
  return null;
}

/**
 * True where a plain file is the beginning of one that was read further and still lies where it lay: a copy of it,
 * made before it is truncated or to keep it. Its lines were read there.
 */
async function isCopy(
  handle: FileHandle,
  of: { inode: string; size: number },
  remembered: readonly RememberedFile[],
): Promise<boolean> {
  const length = Math.min(of.size, tailBytes);
  const end = hashOf(await bytesBefore(handle, of.size, length));
  for (const { path, inode, position } of remembered) {
    if (position <= of.size || inode === of.inode || isGzip(path)) continue;
    const other = opened(path, async function* (file) {
      yield file.inode === inode && hashOf(await bytesBefore(file.handle, of.size, length)) === end;
    });
    for await (const same of other) if (same) return true;
  }
  return false;
}

/**
 * Where a lineage goes on in another file, and the one that it comes from is still there (a log and its copy): that
 * one is remembered on its own, so that it is known again when the lineage has gone further than it.
 */
async function leftBehind(known: Known | null, inode: string): Promise<LogChunk[]> {
  if (known === null || known.file.inode === inode) return [];
  const there = await stat(known.file.path).catch(() => null);
  if (there === null || String(there.ino) !== known.file.inode) return [];
  const { size, position } = known.file;
  return [{ file: { ...known.file, lineage: randomUUID() }, events: [], bytes: position, total: size }];
}

/** The same for what a gzipped file holds; the furthest place that fits counts, also before a fault. */
async function recogniseZipped(
  handle: FileHandle,
  remembered: readonly RememberedFile[],
): Promise<{ known: Known | null; fault: unknown }> {
  const ahead = remembered.filter(({ position }) => position > 0).sort((a, b) => a.position - b.position);
  let [read, known]: [number, Known | null] = [0, null];
  let window = Buffer.alloc(0);
  try {
    for await (const bytes of gunzip(handle)) {
      window = Buffer.concat([window.subarray(-tailBytes), bytes]);
      read += bytes.length;
      while (ahead[0] !== undefined && ahead[0].position <= read) {
        const file = ahead.shift()!;
        const end = window.length - (read - file.position);
        const tail = Buffer.from(window.subarray(Math.max(0, end - file.tailLength), end));
        if (hashOf(tail) === file.tailHash)
          known = { file, place: { position: file.position, lines: file.lines, tail } };
      }
    }
  } catch (fault) {
    return { known, fault };
  }
  return { known, fault: null };
}

/** The bytes from `start` to before `end`, or to the end of the file. (A stream of a handle would close it.) */
async function* bytesOf(handle: FileHandle, range: { start: number; end: number }): AsyncGenerator<Buffer> {
  for (let at = range.start; at < range.end; ) {
    const length = Math.min(pieceBytes, range.end - at);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * The same in large pieces, the next one read while one is looked at. A piece is overwritten when the next but one is
 * asked for.
 */
async function* piecesOf(handle: FileHandle, range: { start: number; end: number }): AsyncGenerator<Buffer> {
  if (range.start >= range.end) return;
  const room = Math.min(largePieceBytes, range.end - range.start);
  const buffers = [Buffer.allocUnsafe(room), Buffer.allocUnsafe(room)] as const;
  const read = (turn: number, at: number) => {
    const reading = handle.read(buffers[turn as 0 | 1], 0, Math.max(0, Math.min(room, range.end - at)), at);
    // What it fails with is thrown where it is waited for.
    reading.catch(() => undefined);
    return reading;
  };
  let next = read(0, range.start);
  try {
    for (let [at, turn] = [range.start, 0]; at < range.end; turn = 1 - turn) {
      const { bytesRead } = await next;
      if (bytesRead === 0) return;
      at += bytesRead;
      next = read(1 - turn, at);
      yield buffers[turn as 0 | 1].subarray(0, bytesRead);
    }
  } finally {
    // The file is closed after this.
    await next.catch(() => undefined);
  }
}

/** What a gzipped file holds; what comes before a fault is given, then the fault is thrown. */
async function* gunzip(handle: FileHandle): AsyncGenerator<Buffer> {
  const source = Readable.from(bytesOf(handle, { start: 0, end: Number.POSITIVE_INFINITY }));
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
  /** Its lines were read elsewhere: only the place is remembered. */
  copy: boolean;
}

/** Reads lines into chunks. A fault of the file comes after everything that could be read before it. */
async function* chunksOf(reading: Reading): AsyncGenerator<LogChunk> {
  const { log, path, known } = reading;
  const lineage = known?.file.lineage ?? randomUUID();
  const { fresh, read, sieve } = readers[log];
  let state = (known?.file.state ?? fresh) as object;
  let events: LogEvent[] = [];
  const mayMatter = sieve();
  const take = (line: number, text: string) => {
    const step = read(state as never, text);
    state = step.state;
    if (step.event === null || reading.copy) return;
    const { text: quoted, ...event } = step.event;
    events.push({ ...event, lineage, quote: { file: path, line, text: quoted } });
  };
  const splitter = new LineSplitter(known?.place ?? beginning, take, (bytes, from, to) =>
    mayMatter(state as never, bytes, from, to),
  );
  // Its size is remembered when all of it was read: a file of the same size is then not looked at again.
  const chunk = (size: number): LogChunk => {
    const { position, lines, tail } = splitter.place;
    const at = { position, lines, tailLength: tail.length, tailHash: hashOf(tail), state: state as Json };
    const file = { lineage, log, path, inode: reading.inode, size, ...at };
    const done = { file, events, bytes: position, total: reading.size };
    events = [];
    return done;
  };
  let fault: unknown = null;
  let given = splitter.place.position;
  try {
    for await (const bytes of reading.pieces) {
      splitter.push(bytes);
      if (events.length < mostEvents && splitter.place.position - given < mostBytes) continue;
      given = splitter.place.position;
      yield chunk(0);
    }
    if (reading.final) splitter.finish();
  } catch (thrown) {
    fault = thrown;
  }
  // Without a whole line there is nothing by which the file could be known again.
  const readWhole = fault === null || isDamage(fault);
  if (reading.final || splitter.place.position > 0) yield chunk(readWhole ? reading.size : 0);
  if (fault !== null) throw new OperationError(`it can be read only in part: ${plainError(fault)}`);
}

const followZipped = (path: string, log: LogName, remembered: readonly RememberedFile[]) =>
  opened(path, async function* ({ handle, inode, size, modifiedMs }): AsyncGenerator<LogChunk> {
    if (remembered.some((file) => file.inode === inode && file.size === size && isGzip(file.path))) return;
    const { known, fault } = await recogniseZipped(handle, remembered);
    const cutOff = codeOf(fault) === 'Z_BUF_ERROR' || size === 0;
    if (cutOff && Date.now() - modifiedMs < youngMs) return;
    yield* await leftBehind(known, inode);
    const pieces = from(known?.place.position ?? 0, gunzip(handle));
    yield* chunksOf({ path, log, inode, size, known, pieces, final: true, copy: false });
  });

const followPlain = (path: string, log: LogName, remembered: readonly RememberedFile[]) =>
  opened(path, async function* ({ handle, inode, size }): AsyncGenerator<LogChunk> {
    const known = await recognise(handle, { inode, size }, remembered);
    const start = known?.place.position ?? 0;
    const { file } = known ?? {};
    if (size === 0 || (file?.size === size && file.inode === inode && file.path === path)) return;
    const copy = known === null && (await isCopy(handle, { inode, size }, remembered).catch(() => false));
    yield* await leftBehind(known, inode);
    const pieces = piecesOf(handle, { start, end: size });
    yield* chunksOf({ path, log, inode, size, known, pieces, final: false, copy });
  });

/**
 * Reads what is new in one file: a stream in constant memory, in chunks that are stored one by one. A file is
 * known again by the bytes before the place where reading stopped, so renaming, copying, truncating and gzipping
 * neither lose a line nor read one twice. A gzipped part that is still being written is left for the next time.
 * Throws where the file cannot be read, after giving what could be.
 */
export function followLog(
  path: string,
  log: LogName,
  remembered: readonly RememberedFile[],
): AsyncGenerator<LogChunk> {
  return isGzip(path) ? followZipped(path, log, remembered) : followPlain(path, log, remembered);
}
