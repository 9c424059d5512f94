import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { type Config, parseConfig, readEnvironment } from '../src/config.ts';
import { UsageError } from '../src/errors.ts';
import { noProgress, terminalProgress } from './progress.ts';

/** What every command is given: `--json` and the moment, taken once. */
export interface Shared {
  json: boolean;
  nowMs: number;
}

/** The configuration of this process. */
export const settings = (): Config => parseConfig(readEnvironment(process.env));
/** What the options say to every command. */
export const shared = (options: { json?: boolean }): Shared => ({
  json: options.json === true,
  nowMs: Date.now(),
});
/** A progress bar for people, none for programs. */
export const progressOf = (json: boolean) => (json ? noProgress : terminalProgress());

/** Registers a command; its action answers with the exit code. */
export function command(parent: Command, usage: string, description: string, isDefault = false): Command {
  return parent
    .command(usage, { isDefault })
    .description(description)
    .option('--json', 'one document on standard output')
    .exitOverride();
}

type Action<A extends unknown[]> = (...given: A) => Promise<number>;

/** The exit code of an action becomes the process's. */
export function ends<A extends unknown[]>(action: Action<A>) {
  return async (...given: A): Promise<void> => {
    process.exitCode = await action(...given);
  };
}

/** A number that people typed; `what` names it where it is none. */
export function wholeNumber(text: string, what: string): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number < 2 ** 31))
    throw new UsageError(`${what} is "${text}": expected a whole number below 2147483648`);
  return number;
}

/** Who said so, where nobody says: whoever is logged in. */
export function person(by: string | undefined): string {
  if (by !== undefined) return by;
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
