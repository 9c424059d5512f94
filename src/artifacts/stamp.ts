import { lstatSync } from 'node:fs';
import { parserVersion } from './parse.ts';

/** What tells a file's state from every other state of it, and from what other versions of the parser make of it. */
export interface Stamp {
  text: string;
  /**
   * Whatever is written to the file from now on gives it another stamp. A file that was changed a moment ago could be
   * changed again within the same tick of its file system's clock.
   */
  settled: boolean;
}

/** What is said of a file that does not parse is V8's word. */
const readBy = `${parserVersion}:${process.versions.v8}`;

/** The coarsest clock of a file system that is in use ticks every 2 s (FAT). */
const tickNs = 3_000_000_000n;

/**
 * The stamp of a regular file: its inode, size, and both times to the nanosecond; null for everything else. The time of
 * change, which nobody can set, is part of it: a copying program sets the other one back. `nowMs` is the file system's own time, not that of a run.
 */
export function stampOf(path: string, nowMs = Date.now()): Stamp | null {
  try {
    const stats = lstatSync(path, { bigint: true });
    if (!stats.isFile()) return null;
    const { dev, ino, size, mtimeNs, ctimeNs } = stats;
    const newest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
    return {
      text: `${readBy}:${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`,
      settled: newest + tickNs < BigInt(nowMs) * 1_000_000n,
    };
  } catch {
    return null;
  }
}
