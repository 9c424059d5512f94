import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { type Config, type Environment, parseConfig, readEnvironment } from '../src/config.ts';
import { UsageError } from '../src/errors.ts';
import type { Server } from '../src/servers.ts';
import { noProgress, terminalProgress } from './progress.ts';

/** What every command is given: `--json` and the moment, taken once. */
export interface Shared {
  json: boolean;
  nowMs: number;
}

/** The server that the command in hand is about, where SERVERS lists several. */
let chosen: Server | null = null;

/** Makes `work` be about one server; null for what the environment alone says. */
export async function about<T>(server: Server | null, work: () => Promise<T>): Promise<T> {
  const before = chosen;
  chosen = server;
  try {
    return await work();
  } finally {
    chosen = before;
  }
}

/** Every server of SERVERS, or the one that `--server` names; null where SERVERS is not set. */
export async function chosenServers(name: string | undefined): Promise<Server[] | null> {
  const environment = readEnvironment(process.env);
  if (!environment.SERVERS) {
    if (name === undefined) return null;
    throw new UsageError(`there is no server ${name}: SERVERS is not set, so there is one installation`);
  }
  const { readServers } = await import('../src/servers.ts');
  const servers = readServers(environment)!;
  const named = name === undefined ? servers : servers.filter((server) => server.name === name);
  if (named.length > 0) return named;
  throw new UsageError(`there is no server ${name}: SERVERS lists ${namesOf(servers)}`);
}

const namesOf = (servers: readonly Server[]) => servers.map(({ name }) => name).join(', ');

/** The environment of the server in hand, or of the only installation. */
export const environmentInHand = (): Environment => chosen?.environment ?? readEnvironment(process.env);

/** The configuration of the server in hand, or of the only installation. */
export const settings = (): Config => chosen?.config ?? parseConfig(readEnvironment(process.env));
/** What the options say to every command. */
export const shared = (options: { json?: boolean }): Shared => ({
  json: options.json === true,
  nowMs: Date.now(),
});
/** A progress bar for people, none for programs. */
export const progressOf = (json: boolean) => (json ? noProgress : terminalProgress());

/** Registers a command; its action answers with the exit code. */
export function command(parent: Command, usage: string, description: string, isDefault = false): Command {
  return commandOfAll(parent, usage, description, isDefault).option(
    '--server <name>',
    'about this server of SERVERS',
  );
}

/** Registers a command that is about all servers, or about none. */
export function commandOfAll(
  parent: Command,
  usage: string,
  description: string,
  isDefault = false,
): Command {
  return parent
    .command(usage, { isDefault })
    .description(description)
    .option('--json', 'one document on standard output')
    .exitOverride();
}

type Action<A extends unknown[]> = (...given: A) => Promise<number>;

/** What the options of an action say to all commands; commander gives them last but for the command itself. */
function optionsOf(given: readonly unknown[]): { server?: string; json?: boolean } {
  return (given.at(-2) ?? {}) as { server?: string; json?: boolean };
}

/** The exit code of an action becomes the process's. With SERVERS it is about one server, which `--server` names. */
export function ends<A extends unknown[]>(action: Action<A>) {
  return async (...given: A): Promise<void> => {
    const servers = await chosenServers(optionsOf(given).server);
    if (servers !== null && servers.length > 1)
      throw new UsageError(`this is about one server: choose it by --server, from ${namesOf(servers)}`);
    process.exitCode = await about(servers?.[0] ?? null, () => action(...given));
  };
}

/** The exit code of an action that asks for no server becomes the process's. */
export function endsForAll<A extends unknown[]>(action: Action<A>) {
  return async (...given: A): Promise<void> => {
    process.exitCode = await action(...given);
  };
}

/** Runs an action for each server of SERVERS in turn; once where `--server` names one, or where there are not several. */
export function endsForEach<A extends unknown[]>(
  action: Action<A>,
  isOfOne: (...given: A) => boolean = () => false,
) {
  return async (...given: A): Promise<void> => {
    const { server, json = false } = optionsOf(given);
    const servers = server === undefined && !isOfOne(...given) ? await chosenServers(undefined) : null;
    if (servers === null) return ends(action)(...given);
    const { forEachServer } = await import('./each-server.ts');
    process.exitCode = await forEachServer(servers, {
      json,
      work: (one) => about(one, () => action(...given)),
    });
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
