import type { Json } from './model.ts';

/** A line of a log, as it is quoted: where it stood when it was read, and what it said, secrets masked. */
export interface LogQuote {
  file: string;
  /** 1 for the first line of the file. */
  line: number;
  text: string;
}

/** Which log: the bot's `webhook.log`, or the game server's `etconsole.log` (DOMAIN, section 5). */
export type LogName = 'bot' | 'console';

/** What a line of the bot's log says. */
export const botKinds = [
  /** The file leg worked; `subject` is the stats file. */
  'trigger',
  /** A message came in; it names no round yet. */
  'received',
  /** `📊 STATS_READY: <map> R<n>`: which round the message is of. */
  'announced',
  /** `subject` is the capture's match_id. */
  'stored',
  'spawns_stored',
  'store_failed',
  /** `subject` is the class of the refusal: ghost, rate_limit, username, unauthorized, metadata, embeds, dropped. */
  'rejected',
  'duplicate_skipped',
  /** `subject` is the artifact's file name, here and below. */
  'download_started',
  'download_failed',
  'artifact_failed',
  'artifact_read',
  'link_deferred',
  'late_link',
  'dead_hours',
  /** A line without a prefix after one that matters: the exception. */
  'continuation',
] as const;

/** What a line of the game server's console says. */
export const consoleKinds = [
  /** `New map detected: <map>`. */
  'map',
  /** `v<semver> loaded`; `subject` is the version. */
  'loaded',
  'started',
  'ended',
  /** An error of the module, whoever says so. */
  'crashed',
  'sending',
  'send_started',
  'send_failed',
  'skipped',
  /** `subject` is the path of the artifact, here and below. */
  'writing',
  'written',
  'write_failed',
  'fallback',
  'notified',
  'shutdown',
  /** `setl lua_modules "..."`; `subject` is the list. */
  'modules',
  'timelimit',
] as const;

export type BotKind = (typeof botKinds)[number];
export type ConsoleKind = (typeof consoleKinds)[number];

/** One line of a log that matters, with what it names. What a line does not name is null. */
export interface LogEvent {
  log: LogName;
  kind: BotKind | ConsoleKind;
  /** The file that it was read from, under whatever name since; lines of one lineage are in one order. */
  lineage: string;
  /** Of the bot's log: `YYYY-MM-DD HH:MM:SS` in the zone of the bot's host, whatever that is. */
  at: string | null;
  /** Of the console: the end of the round that the line belongs to, unix seconds; null while a round is played. */
  endUnix: number | null;
  map: string | null;
  number: 1 | 2 | null;
  subject: string | null;
  quote: LogQuote;
}

/** A log file as it was when it was read last. A lineage is one file through all its names. */
export interface RememberedFile {
  lineage: string;
  log: LogName;
  path: string;
  inode: string;
  size: number;
  /** Bytes before the place where reading stopped, behind the last complete line; and lines before it. */
  position: number;
  lines: number;
  /** How many of the bytes before that place identify the file, and their SHA-256 in hex. */
  tailLength: number;
  tailHash: string;
  /** What the parser remembers at that place. */
  state: Json;
}
