import { join, resolve } from 'node:path';
import { parse as parseEnvironmentFile } from 'dotenv';
import { z } from 'zod';
import {
  cronPattern,
  databaseUrl,
  listenAddress,
  logLevels,
  mailAddress,
  onOff,
  postgresUrl,
  schemaName,
  shortestToken,
  signingKey,
  sshHosts,
  verifierKeys,
  webUrl,
  wholeNumber,
} from './config-values.ts';
import { isSftp, parseSftpAddress } from './core/sftp-address.ts';
import { isDay, isZone } from './core/time.ts';
import { describeUrl } from './database.ts';
import { messageOf, UsageError } from './errors.ts';
import { readSettingFile } from './setting-file.ts';

/** The settings of one installation, parsed once, with every default applied. */
export interface Config {
  sourceUrl: string;
  /** Stands in every ledger entry: two installations have different gaps for the same games. */
  sourceName: string;
  /** Whether SOURCE_NAME says so, and not the address of the source. */
  isNamed: boolean;
  /** A role that may delete, for `revert`. */
  sourceRevertUrl: string;
  /** A replica of the source, for the first look of an audit; null reads the source itself. */
  sourceReadUrl: string | null;
  ledgerUrl: string;
  /** Where the tables of a ledger on PostgreSQL are. */
  ledgerSchema: string;
  /** The PostgreSQL in which the queue of the fleet is; null where no fleet can be. */
  fleetUrl: string | null;
  zone: string;
  /** Directories and globs, and `sftp://` directories of other hosts; empty where there are none (`none`). */
  gametimePaths: readonly string[];
  /** Directories, here or on other hosts, of the module's retry buffer. */
  pendingPaths: readonly string[];
  /** How other hosts are entered; null where no place is on one. */
  sftp: SftpSettings | null;
  captureSince: string;
  graceMinutes: number;
  settleHours: number;
  lookbackDays: number;
  /** 0 for no limit. */
  maxRepairs: number;
  repair: boolean;
  repairCovered: boolean;
  dataDir: string;
  /** Paths and globs of the bot's `webhook.log` and of the game server's `etconsole.log`; empty where there are none. */
  botLogPaths: readonly string[];
  consoleLogPaths: readonly string[];
  /** Where people are told. Null where nobody is, by that way. */
  discordWebhookUrl: string | null;
  mail: MailSettings | null;
  alertWebhook: { url: string; secret: string | null } | null;
  /** A dead man's switch, told of each audit; null tells none. */
  heartbeatUrl: string | null;
  /** `user@host` of the other hosts of the pipeline, for `doctor`: the game server, that of the bot; empty looks at none. */
  doctorSsh: readonly string[];
  /** When an audit is expected to run: a cron pattern, in UTC. */
  auditCron: string;
  /** When yesterday's report is owed: `HH:MM` of the server. */
  reportAt: string;
  /** So many days a report is kept; 0 for ever. */
  reportKeepDays: number;
  /** Where the review pages listen. */
  webListen: { host: string; port: number };
  /** Who has it may see the review pages, and decide on them. */
  webToken: string | null;
  /** What signs checkpoints of the ledger, as `PRIVATE+KEY+...`; null signs none. */
  checkpointKey: string | null;
  /** The keys whose checkpoints count, as `NAME+ID+BASE64`; empty where that of `checkpointKey` alone does. */
  checkpointVerifiers: readonly string[];
  logLevel: string;
}

/** By what we are known to other hosts, and they to us. */
export interface SftpSettings {
  /** Path of our private key. */
  keyPath: string;
  passphrase: string | null;
  /** Path of a known_hosts file; a host whose key it does not hold is not spoken to. */
  knownHostsPath: string;
}

/** How mail is sent: `smtp://` or `smtps://`, with user and password where the server wants them. */
export interface MailSettings {
  url: string;
  /** Certificates (PEM) by which the mail server is known, instead of the public ones; null for those. */
  ca: string | null;
  from: string;
  to: string;
}

/** Defaults that do not depend on other settings. Names and meaning: DESIGN, Configuration. */
const settings = z.object({
  DATA_DIR: z.string().default('data'),
  SOURCE_DATABASE_URL: databaseUrl.optional(),
  SOURCE_NAME: z.string().max(200).optional(),
  SOURCE_REVERT_URL: databaseUrl.optional(),
  SOURCE_READ_URL: databaseUrl.optional(),
  LEDGER_DATABASE_URL: databaseUrl.optional(),
  LEDGER_SCHEMA: schemaName.default('roundwarden'),
  SERVERS: z.string().optional(),
  FLEET_DATABASE_URL: postgresUrl.optional(),
  SERVER_TIMEZONE: z
    .string()
    .refine(isZone, { error: 'expected the name of a time zone, such as Europe/Ljubljana' })
    .default('Europe/Ljubljana'),
  GAMETIME_PATHS: z.string().optional(),
  PENDING_PATHS: z.string().optional(),
  SFTP_KEY: z.string().optional(),
  SFTP_KEY_PASSPHRASE: z.string().optional(),
  SFTP_KNOWN_HOSTS: z.string().optional(),
  CAPTURE_SINCE: z.string().refine(isDay, { error: 'expected a day, YYYY-MM-DD' }).default('2026-01-24'),
  GRACE_MINUTES: wholeNumber(0, 1_440).default(5),
  SETTLE_HOURS: wholeNumber(0, 8_760).default(24),
  LOOKBACK_DAYS: wholeNumber(1, 3_660).default(7),
  MAX_REPAIRS: wholeNumber(0, 1_000_000).default(100),
  REPAIR: onOff.default(true),
  REPAIR_COVERED: onOff.default(false),
  WEBHOOK_LOG: z.string().optional(),
  CONSOLE_LOG: z.string().optional(),
  DISCORD_WEBHOOK_URL: webUrl(['https:', 'http:'], 'https://discord.com/api/webhooks/ID/TOKEN').optional(),
  SMTP_URL: webUrl(['smtp:', 'smtps:'], 'smtp://USER:PASSWORD@HOST:587').optional(),
  SMTP_CA: z
    .string()
    .regex(/-----BEGIN CERTIFICATE-----/, { error: 'expected certificates in PEM' })
    .optional(),
  MAIL_FROM: mailAddress.optional(),
  MAIL_TO: mailAddress.optional(),
  ALERT_WEBHOOK_URL: webUrl(['https:', 'http:'], 'https://HOST/PATH').optional(),
  ALERT_WEBHOOK_SECRET: z.string().max(1_000).optional(),
  HEARTBEAT_URL: webUrl(['https:', 'http:'], 'https://HOST/PATH').optional(),
  DOCTOR_SSH: sshHosts.optional(),
  AUDIT_CRON: cronPattern.default('*/3 * * * *'),
  REPORT_AT: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'expected a time of day, HH:MM' })
    .default('07:10'),
  REPORT_KEEP_DAYS: wholeNumber(0, 36_600).default(400),
  WEB_LISTEN: listenAddress.default({ host: '127.0.0.1', port: 8787 }),
  WEB_TOKEN: z
    .string()
    .min(shortestToken, { error: `expected at least ${shortestToken} characters` })
    .max(1_000)
    .optional(),
  CHECKPOINT_KEY: signingKey.optional(),
  CHECKPOINT_VERIFIER: verifierKeys.optional(),
  LOG_LEVEL: z.enum(logLevels, { error: `expected one of ${logLevels.join(', ')}` }).default('info'),
});

/** Every setting, by the name of its variable. */
export const settingNames: readonly string[] = Object.keys(settings.shape);

/** Settings by the names of their variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a setting may hold a secret, if only by mistake: its value stands in no message. */
export function isSecret(name: string): boolean {
  return /_(URL|SECRET|TOKEN|KEY|VERIFIER|PASSPHRASE)$/.test(name);
}

/** Every setting by name; one that is given as a file (`X_FILE`) is read from it. An empty value counts as absent. */
function readValues(environment: Environment, problems: string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of settingNames) {
    const file = environment[`${name}_FILE`];
    const value = environment[name];
    if (value && file) problems.push(`${name} and ${name}_FILE are both set; keep one`);
    else if (value) values[name] = value;
    else if (file) {
      try {
        const text = readSettingFile(file).trim();
        // Not absent: the default might be another database than the one that was meant.
        if (text === '') problems.push(`${name}_FILE is empty: ${file}`);
        else values[name] = text;
      } catch (thrown) {
        problems.push(`${name}_FILE cannot be read: ${messageOf(thrown)}`);
      }
    }
  }
  return values;
}

/** A secret must not appear in a message, so only harmless settings are quoted. */
function describeProblem(issue: z.core.$ZodIssue, values: Record<string, string>): string {
  const name = String(issue.path[0]);
  return isSecret(name)
    ? `${name}: ${issue.message}`
    : `${name} is "${values[name] ?? ''}": ${issue.message}`;
}

function splitPaths(name: string, text: string, problems: string[]): string[] {
  if (text.trim() === 'none') return [];
  // A comma inside braces belongs to its glob.
  const paths = text.split(/,(?![^{]*\})/).map((path) => path.trim());
  if (paths.some((path) => path === ''))
    problems.push(`${name} has an empty entry; separate paths by single commas`);
  if (paths.includes('none')) problems.push(`${name} says none and names places; keep one`);
  return paths;
}

/** Directories and `sftp://` addresses, each in its one spelling. A password in an address is not repeated. */
function readPlaces(name: string, text: string, problems: string[]): string[] {
  return splitPaths(name, text, problems).map((path) => {
    if (!isSftp(path)) return path;
    const address = parseSftpAddress(path);
    if (!('problem' in address)) return address.name;
    const shown = path.replace(/^(sftp:\/*)[^@]*@/i, '$1...@');
    problems.push(`${name} has "${shown}": ${address.problem}`);
    return path;
  });
}

/** A buffer is a directory: its files have no names that a glob could choose among. */
function readBuffers(text: string, gametimes: readonly string[], problems: string[]): string[] {
  const paths = readPlaces('PENDING_PATHS', text, problems);
  for (const path of paths)
    if (!isSftp(path) && /[*?[\]{}]/.test(path))
      problems.push(`PENDING_PATHS has "${path}": name each directory, without a glob`);
    else if (gametimes.includes(path))
      problems.push(`PENDING_PATHS and GAMETIME_PATHS both have "${path}"; a directory is one or the other`);
  return paths;
}

/** What enters other hosts, where a place is on one. */
function readSftp(
  values: Record<string, string>,
  places: readonly string[],
  problems: string[],
): SftpSettings | null {
  if (!places.some(isSftp)) return null;
  const { SFTP_KEY: keyPath, SFTP_KEY_PASSPHRASE: passphrase, SFTP_KNOWN_HOSTS: knownHostsPath } = values;
  if (keyPath === undefined)
    problems.push('SFTP_KEY is not set: an sftp:// place needs the path of a private key');
  if (knownHostsPath === undefined)
    problems.push(
      'SFTP_KNOWN_HOSTS is not set: an sftp:// place needs the path of a known_hosts file that pins its host key',
    );
  if (keyPath === undefined || knownHostsPath === undefined) return null;
  return { keyPath, passphrase: passphrase ?? null, knownHostsPath };
}

/** What belongs together is given together. */
function checkMail(values: Record<string, string>, problems: string[]): void {
  const mail = ['SMTP_URL', 'MAIL_FROM', 'MAIL_TO'];
  const absent = mail.filter((name) => values[name] === undefined);
  if (absent.length > 0 && absent.length < mail.length)
    problems.push(`mail needs ${mail.join(', ')} together; ${absent.join(' and ')} not set`);
  if (values.ALERT_WEBHOOK_SECRET !== undefined && values.ALERT_WEBHOOK_URL === undefined)
    problems.push('ALERT_WEBHOOK_SECRET signs what is sent to ALERT_WEBHOOK_URL, which is not set');
}

/** One spelling for one database, to see when two settings mean the same one. */
export function sameDatabase(one: string, other: string): boolean {
  const spelling = (url: string) => {
    const { label, path } = describeUrl(url);
    return path === null ? label : resolve(path);
  };
  return spelling(one) === spelling(other);
}

/** Settings become trusted here: the configuration, or every problem. */
export function readConfig(
  environment: Environment,
): { config: Config; problems: [] } | { config: null; problems: string[] } {
  const problems: string[] = [];
  const values = readValues(environment, problems);
  const parsed = settings.safeParse(values);
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => describeProblem(issue, values)));
  const dataDir = values.DATA_DIR ?? 'data';
  const gametimes = readPlaces(
    'GAMETIME_PATHS',
    values.GAMETIME_PATHS ?? join(dataDir, 'gametimes'),
    problems,
  );
  const paths = {
    gametimes,
    pending: readBuffers(values.PENDING_PATHS ?? 'none', gametimes, problems),
    botLogs: splitPaths('WEBHOOK_LOG', values.WEBHOOK_LOG ?? 'none', problems),
    consoleLogs: splitPaths('CONSOLE_LOG', values.CONSOLE_LOG ?? 'none', problems),
  };
  const sftp = readSftp(values, [...paths.gametimes, ...paths.pending], problems);
  checkMail(values, problems);
  if (parsed.success) {
    const { SOURCE_DATABASE_URL: source = `sqlite:${join(dataDir, 'source.sqlite')}` } = parsed.data;
    const { LEDGER_DATABASE_URL: ledger = `sqlite:${join(dataDir, 'ledger.sqlite')}` } = parsed.data;
    if (sameDatabase(source, ledger))
      problems.push(
        'LEDGER_DATABASE_URL is the source itself: a restored source would erase the audit; give the ledger a database of its own',
      );
    const { FLEET_DATABASE_URL: fleet = ledger } = parsed.data;
    if (sameDatabase(source, fleet) && fleet !== ledger)
      problems.push('FLEET_DATABASE_URL is the source itself: give the queue a database of its own');
    if (problems.length === 0)
      return { config: toConfig(parsed.data, { source, ledger, paths, sftp }), problems: [] };
  }
  return { config: null, problems };
}

/** What is wrong with the configuration, all of it. */
export function configurationError(problems: readonly string[]): UsageError {
  const lines = problems.map((problem) => `  - ${problem}`).join('\n');
  return new UsageError(`the configuration has ${problems.length} problem(s):\n${lines}`);
}

/** The settings of one installation; throws a UsageError with all problems together. */
export function parseConfig(environment: Environment): Config {
  const { config, problems } = readConfig(environment);
  if (config === null) throw configurationError(problems);
  return config;
}

type Paths = Record<'gametimes' | 'pending' | 'botLogs' | 'consoleLogs', readonly string[]>;

function toConfig(
  data: z.infer<typeof settings>,
  derived: { source: string; ledger: string; paths: Paths; sftp: SftpSettings | null },
): Config {
  return {
    sourceUrl: derived.source,
    sourceName: data.SOURCE_NAME ?? describeUrl(derived.source).label,
    isNamed: data.SOURCE_NAME !== undefined,
    sourceRevertUrl: data.SOURCE_REVERT_URL ?? derived.source,
    sourceReadUrl: data.SOURCE_READ_URL ?? null,
    ledgerUrl: derived.ledger,
    ledgerSchema: data.LEDGER_SCHEMA,
    fleetUrl: data.FLEET_DATABASE_URL ?? (derived.ledger.startsWith('sqlite:') ? null : derived.ledger),
    zone: data.SERVER_TIMEZONE,
    gametimePaths: derived.paths.gametimes,
    pendingPaths: derived.paths.pending,
    sftp: derived.sftp,
    captureSince: data.CAPTURE_SINCE,
    graceMinutes: data.GRACE_MINUTES,
    settleHours: data.SETTLE_HOURS,
    lookbackDays: data.LOOKBACK_DAYS,
    maxRepairs: data.MAX_REPAIRS,
    repair: data.REPAIR,
    repairCovered: data.REPAIR_COVERED,
    dataDir: data.DATA_DIR,
    botLogPaths: derived.paths.botLogs,
    consoleLogPaths: derived.paths.consoleLogs,
    discordWebhookUrl: data.DISCORD_WEBHOOK_URL ?? null,
    mail:
      data.SMTP_URL === undefined
        ? null
        : { url: data.SMTP_URL, ca: data.SMTP_CA ?? null, from: data.MAIL_FROM!, to: data.MAIL_TO! },
    alertWebhook:
      data.ALERT_WEBHOOK_URL === undefined
        ? null
        : { url: data.ALERT_WEBHOOK_URL, secret: data.ALERT_WEBHOOK_SECRET ?? null },
    heartbeatUrl: data.HEARTBEAT_URL ?? null,
    doctorSsh: data.DOCTOR_SSH ?? [],
    auditCron: data.AUDIT_CRON,
    reportAt: data.REPORT_AT,
    reportKeepDays: data.REPORT_KEEP_DAYS,
    webListen: data.WEB_LISTEN,
    webToken: data.WEB_TOKEN ?? null,
    checkpointKey: data.CHECKPOINT_KEY ?? null,
    checkpointVerifiers: data.CHECKPOINT_VERIFIER ?? [],
    logLevel: data.LOG_LEVEL,
  };
}

/** The environment, with what `.env` in the working directory adds to it. A set variable wins over the file. */
export function readEnvironment(
  environment: Environment,
  directory = process.cwd(),
): Record<string, string | undefined> {
  let text: string;
  try {
    text = readSettingFile(join(directory, '.env'));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return { ...environment };
    throw new UsageError(`cannot read ${join(directory, '.env')}`, { cause: thrown });
  }
  return { ...parseEnvironmentFile(text), ...environment };
}
