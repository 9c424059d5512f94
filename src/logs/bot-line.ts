import type { BotKind } from '../core/log-event.ts';
import { noPrefix, prefixEnds, unclear } from './bot-prefix.ts';
import { type LineEvent, type Naming, namesNothing, roundNaming, storable } from './event.ts';
import { holdingBeforeSign, type Sieve, standsAt } from './lines.ts';
import { masked } from './mask.ts';

/** What the parser remembers from line to line: a failure may be followed by its exception. */
export interface BotState {
  /** When the last line that failed was written; null after any other line. */
  failedAt: string | null;
  /** Lines of its exception that were kept. */
  continued: number;
}

export const freshBot: BotState = { failedAt: null, continued: 0 };

const prefix = /^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?:[.,]\d+)? \| *[A-Z]+ *\| *\S+ *\| ?(.*)$/s;
const mostContinued = 5;

type Naming0 = (found: RegExpExecArray) => Naming;
interface Message {
  kind: BotKind;
  /** The words that it begins with, as far as they are always the same. */
  opening: string;
  pattern: RegExp;
  naming: Naming0;
}

const nothing: Naming0 = () => namesNothing;
const round: Naming0 = ([, map, number]) => roundNaming(map, number);
const subject: Naming0 = ([, name]) => ({ ...namesNothing, subject: name?.trim() ?? null });
const refusal =
  (kind: string): Naming0 =>
  ([, map, number]) => ({ ...roundNaming(map, number), subject: kind });
const stored: Naming0 = ([, matchId, number]) => ({
  ...roundNaming('', number),
  map: null,
  subject: matchId ?? null,
});

/** What stands before the words of a message: signs, and the space after them. */
const signs = /^[^\p{L}\p{N}]+/u;

const is = (kind: BotKind, words: RegExp, naming: Naming0 = nothing): Message => ({
  kind,
  opening: /^[A-Za-z_ :]*/.exec(words.source)![0],
  pattern: new RegExp(`^(?:${words.source})`, words.flags),
  naming,
});

/** The one message that does not begin with words that are known. */
const rateLimited = 'rate limited (';

/**
 * The messages that prove something, by the words that they begin with (DOMAIN, section 5): what somebody calls
 * himself stands in messages too, and must not pass for another. The first that fits decides.
 */
const messages: readonly Message[] = [
  is('trigger', /Webhook trigger validated: (\S.*\.txt)\s*$/, subject),
  is('duplicate_skipped', /STATS_READY duplicate skipped \(dedup\): (.+) R(\d)\s*$/, round),
  is('rejected', /STATS_READY dropped \(.*\): (.+) R(\d)\s*$/, refusal('dropped')),
  is('received', /Received STATS_READY webhook with metadata/),
  is('rejected', /STATS_READY webhook missing map\/round metadata/, refusal('metadata')),
  is('rejected', /STATS_READY webhook received but no embeds/, refusal('embeds')),
  is('announced', /STATS_READY: (.+?) R(\d)\s*(?:\(winner=.*)?$/, round),
  is('stored', /Stored Lua round data: (\d{4}-\d{2}-\d{2}-\d{6}) R(\d)/, stored),
  is('spawns_stored', /Stored Lua spawn stats/),
  is('store_failed', /Could not store Lua team data/),
  is('store_failed', /Cannot store Lua teams/),
  is('rejected', /Skipping ghost round: (.+) R(\d) \(duration/, refusal('ghost')),
  is('rejected', /Username mismatch:/, refusal('username')),
  is('rejected', /SECURITY: Unauthorized webhook/, refusal('unauthorized')),
  is('download_started', /Downloading gametime file: (\S+)/, subject),
  is('download_failed', /Failed to download gametime file: (\S+)/, subject),
  is('artifact_failed', /Failed to read gametime file (\S+?):(?:\s|$)/, subject),
  is('artifact_failed', /Gametime file processing failed: (\S+)/, subject),
  is('artifact_read', /GAMETIME: (.+?) R(\d)\s*(?:\([^()]*\))?\s*$/, round),
  is('link_deferred', /Lua round link deferred: map=(.+) round=(\d) start=/, round),
  is('late_link', /Lua late link: map=(.+) R(\d)/, round),
  is('dead_hours', /Dead hours \(/),
  // Which words come first is not known.
  is('rejected', new RegExp(`.*${rateLimited.replace('(', '\\(')}`), refusal('rate_limit')),
];

const fails: ReadonlySet<string> = new Set(['store_failed', 'artifact_failed', 'download_failed']);

function eventOf(kind: BotKind, at: string, of: { text: string; naming: Naming }): LineEvent {
  return { log: 'bot', kind, at, endUnix: null, ...storable(of.naming), text: masked(of.text) };
}

function continuation(state: BotState, line: string): { state: BotState; event: LineEvent | null } {
  if (state.failedAt === null || state.continued >= mostContinued || line.trim() === '')
    return { state, event: null };
  const event = eventOf('continuation', state.failedAt, { text: line, naming: namesNothing });
  return { state: { ...state, continued: state.continued + 1 }, event };
}

/** One line of the bot's log: what it proves, or null; and what is to be remembered for the next line. */
export function readBotLine(state: BotState, line: string): { state: BotState; event: LineEvent | null } {
  const [, at, message] = prefix.exec(line) ?? [];
  if (at === undefined || message === undefined) return continuation(state, line);
  const words = message.replace(signs, '');
  for (const { kind, pattern, naming } of messages) {
    const found = pattern.exec(words);
    if (found === null) continue;
    const failedAt = fails.has(kind) ? at : null;
    return {
      state: { failedAt, continued: 0 },
      event: eventOf(kind, at, { text: line, naming: naming(found) }),
    };
  }
  return { state: freshBot, event: null };
}

/** 1 for the bytes of ASCII letters and digits. */
const alphanumeric = Uint8Array.from({ length: 256 }, (_, byte) =>
  /^[0-9A-Za-z]$/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** The openings of all messages but the last, by their first byte. */
const openings: readonly (readonly Buffer[])[] = Array.from({ length: 256 }, (_, first) =>
  messages.flatMap(({ opening }) => (opening.charCodeAt(0) === first ? [Buffer.from(opening)] : [])),
);

/**
 * Whether a line may prove something, told from its bytes: false only where readBotLine() surely makes nothing of it
 * and remembers nothing of it, after a state in which nothing failed. Bytes of signs and of letters that are not ASCII
 * are passed over alike, because no message begins with such a letter.
 */
export function botSieve(): (state: BotState, ...line: Parameters<Sieve>) => boolean {
  const isLimited = holdingBeforeSign(rateLimited);
  const endOfPrefix = prefixEnds();
  return (state, bytes, from, to) => {
    if (to === from) return false;
    if (state.failedAt !== null) return true;
    const end = endOfPrefix(bytes, from, to);
    if (end === unclear) return true;
    let at = end === noPrefix ? to : from + end;
    while (at < to && alphanumeric[bytes[at]!] === 0) at += 1;
    if (at < to) for (const opening of openings[bytes[at]!]!) if (standsAt(bytes, at, opening)) return true;
    return isLimited(bytes, from, to);
  };
}
