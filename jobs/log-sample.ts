import { open, stat } from 'node:fs/promises';
import type { LogName } from '../src/core/log-event.ts';
import { plainError } from '../src/errors.ts';
import { freshBot, readBotLine } from '../src/logs/bot-line.ts';
import { freshConsole, readConsoleLine } from '../src/logs/console-line.ts';
import { findLogs, type LogProblem } from '../src/logs/places.ts';

const tailBytes = 256 * 1024;

/** The last bytes of a file, as text, and whether they are all of it. */
export async function readTail(path: string): Promise<{ text: string; isWhole: boolean }> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return { text: buffer.subarray(0, bytesRead).toString('utf8'), isWhole: start === 0 };
  } finally {
    await handle.close();
  }
}

/** The times of the lines of the bot's log, local text of its host, in their order. */
export function botTimes(text: string): string[] {
  return text.match(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?=[.,\d]* *\|)/gm) ?? [];
}

/** How many lines tell something, by the parser of the log. */
export function countUnderstood(lines: readonly string[], log: LogName): number {
  let count = 0;
  let [bot, console] = [freshBot, freshConsole];
  for (const line of lines) {
    const read = log === 'bot' ? readBotLine(bot, line) : readConsoleLine(console, line);
    if ('failedAt' in read.state) bot = read.state;
    else console = read.state;
    if (read.event !== null) count += 1;
  }
  return count;
}

/** What the end of a log shows, without reading it whole. */
export interface LogSample {
  files: readonly string[];
  problems: readonly LogProblem[];
  /** The lines at its end, and how many of them tell something. */
  lines: number;
  understood: number;
  /** Of the bot's log, the time of the newest line that has one, local text of its host. */
  newestAt: string | null;
  /** When the file was last written, unix seconds; null where there is none that is not gzipped. */
  writtenUnix: number | null;
}

/** Looks at the end of the newest file of a log that is not gzipped and not empty. Does not throw for a file. */
export async function sampleLog(paths: readonly string[], log: LogName): Promise<LogSample> {
  const { files, problems } = await findLogs(paths);
  const sample: LogSample = { files, problems, lines: 0, understood: 0, newestAt: null, writtenUnix: null };
  for (const path of files.filter((one) => !one.endsWith('.gz')).reverse())
    try {
      const { mtimeMs, size } = await stat(path);
      const writtenUnix = Math.floor(mtimeMs / 1000);
      if (size === 0) {
        sample.writtenUnix ??= writtenUnix;
        continue;
      }
      const { text, isWhole } = await readTail(path);
      const lines = text.split(/\r?\n/).filter((line, at) => line !== '' && (isWhole || at > 0));
      const understood = countUnderstood(lines, log);
      const newestAt = log === 'bot' ? (botTimes(text).sort().at(-1) ?? null) : null;
      return { ...sample, lines: lines.length, understood, newestAt, writtenUnix };
    } catch (thrown) {
      return { ...sample, problems: [...problems, { path, why: plainError(thrown) }] };
    }
  return sample;
}
