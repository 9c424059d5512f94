import { createRequire } from 'node:module';
import { type Logger, pino } from 'pino';
import type pretty from 'pino-pretty';

export type Log = Logger;

/** What makes lines for people is loaded where people read alone: a run under cron is short. */
const forPeople = (): typeof pretty => createRequire(import.meta.url)('pino-pretty');

/** Logs go to standard error, so that `--json` has standard output for itself; for people where it is a terminal. */
export function openLog(level: string): Log {
  const options = { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  if (process.stderr.isTTY)
    return pino(
      options,
      forPeople()({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }),
    );
  return pino(options, pino.destination({ dest: 2, sync: true }));
}
