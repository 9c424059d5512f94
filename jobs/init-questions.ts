import { randomBytes } from 'node:crypto';
import { type Config, parseConfig } from '../src/config.ts';
import { closeDatabase, describeUrl } from '../src/database.ts';
import { closeLedger } from '../src/ledger/open.ts';
import type { Check } from './doctor-check.ts';
import { openSource } from './doctor-databases.ts';
import { openLedgerToRead } from './doctor-ledger.ts';
import { checkPlaces, lookAtPlaces } from './doctor-places.ts';
import { lookAtLog } from './init-logs.ts';
import { lookAtZone, suggestedZone, usualZone, type ZoneWitnesses } from './init-zone.ts';

/** The settings by name, as far as they are known. */
export type Values = Readonly<Record<string, string | undefined>>;

/** What is known of the world while questions are asked. */
export interface Seen {
  /** The zone of this host's clock, if it is known. */
  hostZone: string | null;
  witnesses: ZoneWitnesses;
  nowMs: number;
}

/** One setting that `init` asks for. */
export interface Question {
  name: string;
  /** What it is, and what happens without it. */
  about: string;
  /** Nothing is shown of what is typed, nor of what is there. */
  isSecret?: boolean;
  /** What Enter means where the setting has no value yet; absent: it stays unset. */
  suggested?: (values: Values, seen: Seen) => string | undefined | Promise<string | undefined>;
  /** Not asked otherwise. */
  isAsked?: (values: Values) => boolean;
  /** Cannot be left empty. */
  isNeeded?: boolean;
  /** Looks whether the answer leads anywhere. */
  look?: (config: Config, seen: Seen) => Promise<Check[]>;
}

async function lookAtSource(config: Config): Promise<Check[]> {
  const { source, checks } = await openSource(config);
  if (source !== null) await closeDatabase(source.database);
  return checks;
}

/** That there is no ledger yet is as it should be. */
async function lookAtLedger(config: Config): Promise<Check[]> {
  const { ledger, checks } = await openLedgerToRead(config);
  if (ledger !== null) await closeLedger(ledger);
  return checks.filter(({ state }) => state === 'problem');
}

const lookAtArtifacts = async (config: Config) =>
  (await checkPlaces(config, await lookAtPlaces(config))).filter(({ name }) => name !== 'DATA_DIR');
const lookAtDataDir = async (config: Config) =>
  (await checkPlaces(config, [])).filter(({ name }) => name === 'DATA_DIR');

/** What some settings come to; null where they are wrong. */
export function configOf(values: Values): Config | null {
  try {
    return parseConfig(values);
  } catch {
    return null;
  }
}

const hasMail = ({ SMTP_URL }: Values) => SMTP_URL !== undefined;

/** What is asked, in this order. Everything else has a default that suits most, or is set in `.env` by hand. */
export const questions: readonly Question[] = [
  {
    name: 'SOURCE_DATABASE_URL',
    about:
      'The database of the pipeline, which is audited: postgres://USER@HOST/DATABASE, or sqlite:PATH.\nGive it a role of its own, with no more rights than docs/security.md lists. A password is asked for next.',
    isNeeded: true,
    look: lookAtSource,
  },
  {
    name: 'SOURCE_NAME',
    about:
      'A name for this installation. It stands in every entry of the ledger: choose it once, and keep it.',
    suggested: ({ SOURCE_DATABASE_URL: url }) => (url === undefined ? undefined : describeUrl(url).label),
  },
  {
    name: 'SERVER_TIMEZONE',
    about:
      "The zone of the game server's clock, as in the tz database. What the source holds says whether it can be.",
    suggested: async (values, { hostZone, witnesses }) => {
      const config = configOf(values);
      return config === null ? usualZone : suggestedZone(config, { hostZone, witnesses });
    },
    look: (config, { witnesses, nowMs }) => lookAtZone(config, witnesses, nowMs),
  },
  {
    name: 'GAMETIME_PATHS',
    about:
      'Where the gametime-*.json files lie: directories or globs, separated by commas; none if there are none.\nA directory that cannot be read makes rounds unchecked: they are not called lost.',
    suggested: () => 'none',
    look: lookAtArtifacts,
  },
  {
    name: 'WEBHOOK_LOG',
    about:
      "The bot's webhook.log: path or glob. Without it, causes of missed rounds stay unknown. Enter for none.",
    look: (config) => lookAtLog(config, 'bot'),
  },
  {
    name: 'CONSOLE_LOG',
    about: "The game server's etconsole.log: path or glob. Enter for none.",
    look: (config) => lookAtLog(config, 'console'),
  },
  {
    name: 'DATA_DIR',
    about: 'Where the ledger, copies of artifacts, packets and reports are kept. Back this up.',
    suggested: () => 'data',
    look: lookAtDataDir,
  },
  {
    name: 'LEDGER_DATABASE_URL',
    about:
      'The ledger, a database of its own: never the source. One file does for one host;\npostgres://USER@HOST/DATABASE where several hosts share it.',
    suggested: ({ DATA_DIR: directory = 'data' }) => `sqlite:${directory}/ledger.sqlite`,
    look: lookAtLedger,
  },
  {
    name: 'REPAIR',
    about: 'on repairs what it finds; off only records it. Begin with off, read a `plan`, then set it on.',
    suggested: () => 'off',
  },
  {
    name: 'DISCORD_WEBHOOK_URL',
    about: 'The webhook of a Discord channel for alerts. Enter for none.',
    isSecret: true,
  },
  {
    name: 'SMTP_URL',
    about: 'A mail server for alerts and the daily report: smtp://USER:PASSWORD@HOST:587. Enter for none.',
    isSecret: true,
  },
  { name: 'MAIL_FROM', about: 'The address that mail comes from.', isAsked: hasMail, isNeeded: true },
  { name: 'MAIL_TO', about: 'The address that mail goes to.', isAsked: hasMail, isNeeded: true },
  {
    name: 'HEARTBEAT_URL',
    about: "A dead man's switch that tells you when no audit runs any more. Enter for none.",
    isSecret: true,
  },
  {
    name: 'WEB_TOKEN',
    about: 'The token of the review pages, at least 16 characters. Enter makes one, to be found in .env.',
    isSecret: true,
    suggested: () => randomBytes(24).toString('hex'),
  },
];
