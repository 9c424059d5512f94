import { createRequire } from 'node:module';
import { type Logger, pino } from 'pino';
import type pretty from 'pino-pretty';

export type Log = Logger;

/** What makes lines for people is loaded where people read alone: a run under cron is short. */
const forPeople = (): typeof pretty => createRequire(import.meta.url)('pino-pretty');

/**
 * Standard error, where a line that cannot be written (the disk is full, the reader has gone) is lost, and nothing else: the
 * work goes on, and the next line is tried anew.
 */
function standardError(): { write: (line: string) => void } {
  const opened = () => {
    const made = pino.destination({ dest: 2, sync: true });
    // What it still holds goes with it: it would grow as long as nothing can be written.
    made.on('error', () => {
      out = opened();
    });
    return made;
  };
  let out = opened();
  return { write: (line) => void out.write(line) };
}

/** Logs go to standard error, so that `--json` has standard output for itself; for people where it is a terminal. */
export function openLog(level: string): Log {
  const options = { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  if (process.stderr.isTTY)
    return pino(
      options,
      forPeople()({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }),
    );
  return pino(options, standardError());
}
