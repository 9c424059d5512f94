import { resolve } from 'node:path';
import { z } from 'zod';
import {
  type Config,
  configurationError,
  type Environment,
  readConfig,
  sameDatabase,
  settingNames,
} from './config.ts';
import { messageOf } from './errors.ts';
import { readSettingFile } from './setting-file.ts';

/** One game server of several: what its settings are in the end, as one installation would have them. */
export interface Server {
  name: string;
  /** The environment with this server's entry laid over it. */
  environment: Environment;
  config: Config;
}

/** Settings that all servers share: an entry has none of them. */
const ofAll = ['SERVERS', 'FLEET_DATABASE_URL', 'LOG_LEVEL'];
const ofEntries = settingNames.filter((name) => !ofAll.includes(name));

/**
 * Settings that can only be one server's: taken from the environment, they would send every server to the same source,
 * files or log, or let one server speak for another.
 */
const ofOne = [
  'SOURCE_DATABASE_URL',
  'SOURCE_NAME',
  'SOURCE_REVERT_URL',
  'SOURCE_READ_URL',
  'LEDGER_SCHEMA',
  'GAMETIME_PATHS',
  'PENDING_PATHS',
  'WEBHOOK_LOG',
  'CONSOLE_LOG',
  'HEARTBEAT_URL',
  'CHECKPOINT_KEY',
  'CHECKPOINT_VERIFIER',
];

const withFile = (name: string) => [name, `${name}_FILE`];
const value = z.union([z.string(), z.number()], { error: 'expected a text or a number' }).transform(String);

/** An entry: its name, and settings by the names of their variables. The name becomes a folder and a schema. */
const entrySchema = z.strictObject({
  name: z.string({ error: 'expected a name' }).regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, {
    error: 'expected small letters, digits, - and _, at most 40',
  }),
  ...Object.fromEntries(ofEntries.flatMap(withFile).map((name) => [name, value.optional()])),
});

const fileSchema = z.strictObject({
  servers: z
    .array(z.unknown(), { error: 'expected a list' })
    .min(1, { error: 'expected at least one server' }),
});

type Entry = { name: string } & Record<string, string | undefined>;

/** What is wrong in an entry, or in the file; values are not repeated, because they may be secrets. */
function problemsOf(where: string, issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `${where}: ${key}: ${unknownKey(key)}`);
    return [`${where}: ${issue.path.length === 0 ? '' : `${issue.path.join('.')}: `}${issue.message}`];
  });
}

function unknownKey(key: string): string {
  return ofAll.flatMap(withFile).includes(key)
    ? 'all servers share it: set it in the environment'
    : 'there is no such setting';
}

/** The entries of the file; null where the file itself cannot be read. */
function readFile(path: string, problems: string[]): unknown[] | null {
  let document: unknown;
  try {
    document = JSON.parse(readSettingFile(path));
  } catch (thrown) {
    // The message of JSON.parse quotes what stands there, which may be a secret.
    const at = /at position \d+|\(line \d+ column \d+\)/.exec(messageOf(thrown))?.[0] ?? '';
    const why = thrown instanceof SyntaxError ? `it is not JSON ${at}`.trim() : messageOf(thrown);
    problems.push(`SERVERS cannot be read: ${path}: ${why}`);
    return null;
  }
  const parsed = fileSchema.safeParse(document);
  if (parsed.success) return parsed.data.servers;
  problems.push(...problemsOf(`SERVERS ${path}`, parsed.error.issues));
  return null;
}

/** The entries, each with what can be read of it; whatever is wrong with the rest is a problem. */
function readEntries(raw: readonly unknown[], problems: string[]): Entry[] {
  return raw.map((one, at) => {
    const parsed = entrySchema.safeParse(one);
    if (parsed.success) return parsed.data as Entry;
    const given = Object.entries(typeof one === 'object' && one !== null ? one : {});
    const known = given.filter(([key, text]) => key in entrySchema.shape && value.safeParse(text).success);
    const { name = `number ${at + 1}`, ...rest } = Object.fromEntries(
      known.map(([key, text]) => [key, value.parse(text)]),
    );
    problems.push(...problemsOf(`server ${name}`, parsed.error.issues));
    return { ...rest, name };
  });
}

/** The environment as one installation would have it. What only one server can have gets a place of its own. */
function overlay(environment: Environment, { name, ...entry }: Entry): Environment {
  const base: Environment = {
    SOURCE_NAME: name,
    LEDGER_SCHEMA: `roundwarden_${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}`,
    ...environment,
    DATA_DIR: `${environment.DATA_DIR || 'data'}/${name}`,
  };
  const notShared = [
    'SERVERS',
    ...ofEntries.filter((setting) => withFile(setting).some((key) => entry[key] !== undefined)),
  ].flatMap(withFile);
  const shared = Object.entries(base).filter(([key]) => !notShared.includes(key));
  return { ...Object.fromEntries(shared), ...entry };
}

/** What two servers cannot share, each with one spelling for what is the same. */
const distinct: readonly [string, (server: Server, other: Server) => boolean][] = [
  ['name', (one, other) => one.name === other.name],
  ['SOURCE_NAME', (one, other) => one.config.sourceName === other.config.sourceName],
  ['SOURCE_DATABASE_URL', (one, other) => sameDatabase(one.config.sourceUrl, other.config.sourceUrl)],
  ['DATA_DIR', (one, other) => resolve(one.config.dataDir) === resolve(other.config.dataDir)],
  [
    'LEDGER_DATABASE_URL and LEDGER_SCHEMA',
    ({ config: one }, { config: other }) =>
      sameDatabase(one.ledgerUrl, other.ledgerUrl) &&
      (one.ledgerUrl.startsWith('sqlite:') || one.ledgerSchema === other.ledgerSchema),
  ],
];

function clashes(servers: readonly Server[]): string[] {
  const problems: string[] = [];
  for (const [at, server] of servers.entries())
    for (const other of servers.slice(0, at)) {
      for (const [what, isSame] of distinct)
        if (isSame(server, other))
          problems.push(`server ${server.name}: ${what}: server ${other.name} has the same`);
      for (const [one, two] of [
        [server, other],
        [other, server],
      ] as const)
        if (sameDatabase(one.config.ledgerUrl, two.config.sourceUrl))
          problems.push(`server ${one.name}: LEDGER_DATABASE_URL: it is the source of server ${two.name}`);
    }
  return problems;
}

/** What every server has wrong in the same words is wrong in the environment, and said once. */
function joined(entries: readonly Entry[], found: readonly (readonly string[])[]): string[] {
  const [first = []] = found;
  const shared = first.filter((text) => found.length > 1 && found.every((others) => others.includes(text)));
  return [
    ...shared,
    ...found.flatMap((texts, at) =>
      texts.filter((text) => !shared.includes(text)).map((text) => `server ${entries[at]!.name}: ${text}`),
    ),
  ];
}

/**
 * The servers that the file SERVERS lists, each with the configuration that it would have as a single installation: its
 * entry is laid over the environment and goes through the same parsing. Null where SERVERS is not set. Throws a
 * UsageError with every problem of every server.
 */
export function readServers(environment: Environment): Server[] | null {
  const { SERVERS: path } = environment;
  if (!path) return null;
  const problems = ofOne
    .flatMap(withFile)
    .filter((name) => environment[name])
    .map((name) => `${name} is set in the environment: with SERVERS each server has its own, in ${path}`);
  const entries = readEntries(readFile(path, problems) ?? [], problems);
  const read = entries.map((entry) => {
    const own = overlay(environment, entry);
    return { name: entry.name, environment: own, ...readConfig(own) };
  });
  problems.push(
    ...joined(
      entries,
      read.map((one) => one.problems),
    ),
  );
  const servers = read.flatMap(({ name, environment: own, config }) =>
    config === null ? [] : [{ name, environment: own, config }],
  );
  problems.push(...clashes(servers));
  if (problems.length > 0) throw configurationError(problems);
  return servers;
}
