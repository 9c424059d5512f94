import type { ConsoleKind } from '../core/log-event.ts';
import { parseArtifactName } from '../core/names.ts';
import { type LineEvent, type Naming, namesNothing, roundNaming, storable } from './event.ts';
import { holding, type Sieve } from './lines.ts';
import { masked } from './mask.ts';

/** What the parser remembers from line to line: lines of the module have no time (DOMAIN, section 5). */
export interface ConsoleState {
  map: string | null;
  /** The end of the round that lines belong to; null while a round is played. */
  endUnix: number | null;
  /** Lines kept since the last end, or since the round began. */
  kept: number;
}

export const freshConsole: ConsoleState = { map: null, endUnix: null, kept: 0 };

/** So many lines of a round are kept; and so many errors while it is played. */
const mostLines = 40;
const mostErrorsInPlay = 10;

interface Message {
  kind: ConsoleKind;
  pattern: RegExp;
  naming: (found: RegExpExecArray) => Naming;
}

const nothing = () => namesNothing;
const round = ([, map, number]: RegExpExecArray) => roundNaming(map, number);
const subject = ([, name]: RegExpExecArray) => ({ ...namesNothing, subject: name?.trim() ?? null });
const is = (kind: ConsoleKind, pattern: RegExp, naming: Message['naming'] = nothing): Message => ({
  kind,
  pattern,
  naming,
});

/**
 * What the engine writes before a line: colours and a time. Nothing else, because what players say and call
 * themselves stands in the console too, and must not prove anything.
 */
const engine = /^ *(?:\^\w)*(?:\[?\d{1,4}(?:[-:./T ]\d{1,6}){1,6}Z?\]?:? *)?(?:\^\w)*/;
const module = String.raw`^\[stats_discord_webhook\] `;
const says = (words: string) => new RegExp(module + words);

/** The lines that prove something, without what the engine writes before them. The first that fits decides. */
const messages: readonly Message[] = [
  is('map', says('New map detected: (.+?)(?: - resetting score)?$'), ([, map]) => ({
    ...namesNothing,
    map: map?.trim() ?? null,
  })),
  is('loaded', says('v(\\d+\\.\\d+\\.\\d+\\S*) loaded'), subject),
  is('started', says('Round started at \\d+')),
  is('ended', says('Round ended at (\\d{1,12}) '), subject),
  is('crashed', says('Webhook payload/send crashed')),
  is(
    'crashed',
    /^(?:Lua [\d.]+ API: )?(?:\^\w)?et_\w+ error running lua script: [^\s"]*(?: "[^"\]]*)?stats_discord_webhook\.lua/,
  ),
  is('crashed', /^CRASH in et_\w+: stats_discord_webhook\.lua/),
  is('sending', says('Sending webhook for (.+) R(\\d) \\(winner='), round),
  is('writing', says('Writing gametime file: (\\S.*)$'), subject),
  is('written', says('Gametime file written: (\\S.*)$'), subject),
  is('write_failed', says('Failed to write gametime file:?\\s*(.*)$'), subject),
  is('send_started', says('Webhook send started')),
  is('send_failed', says('Webhook send failed')),
  is('skipped', says('Webhook send already in progress, skipping')),
  is('skipped', says('Duplicate webhook detected \\((.+):(\\d):\\d+\\)'), round),
  is('fallback', says('Shutdown fallback emit: (.+) R(\\d) \\('), round),
  is('notified', says('Sent round notification: (.+) R(\\d) \\('), round),
  is('shutdown', says('Shutdown')),
  // Each part ends where the next one begins, because spaces that two parts could take would be tried in every way.
  is(
    'modules',
    /^(?:[^l]|l(?!ua_modules))*lua_modules[" ]+(?![" ])(?:is:?[" ]*(?![" ]))?([^"]*stats_discord_webhook\.lua[^"]*)/,
    subject,
  ),
  is('timelimit', says('Timelimit raw=')),
  is('timelimit', /^Server: timelimit changed to/),
];

/** Where a new round begins, lines do not belong to the one that ended any more. */
const begins: ReadonlySet<string> = new Set(['map', 'loaded', 'started']);
/** Where a file could not be written, the reason may follow its name. */
const artifactName = /gametime-[^/]*\.json/;
const files: ReadonlySet<string> = new Set(['writing', 'written', 'write_failed']);

/** The end of the round that a line belongs to: its own, that of the file it names, or the last one. */
function endOf(state: ConsoleState, kind: ConsoleKind, subject: string | null): number | null {
  if (kind === 'ended') return Number(subject);
  // A round that is sent at shutdown ends without a line; its file tells when.
  if (begins.has(kind) || kind === 'fallback') return null;
  const named = files.has(kind) ? parseArtifactName(artifactName.exec(subject ?? '')?.[0] ?? '') : null;
  return named?.endUnix ?? state.endUnix;
}

function admits(kind: ConsoleKind, of: { endUnix: number | null; kept: number }): boolean {
  if (begins.has(kind)) return true;
  if (of.endUnix === null && kind === 'crashed') return of.kept < mostErrorsInPlay;
  return of.kept < mostLines;
}

/** One line of the game server's console: what it proves, or null; and what is to be remembered for the next line. */
export function readConsoleLine(
  state: ConsoleState,
  line: string,
): { state: ConsoleState; event: LineEvent | null } {
  const words = line.replace(engine, '').trimEnd();
  for (const { kind, pattern, naming } of messages) {
    const found = pattern.exec(words);
    if (found === null) continue;
    const named = storable(naming(found));
    const endUnix = endOf(state, kind, named.subject);
    // The same end twice is one round's: its lines are counted on.
    const sameRound = endUnix === state.endUnix && !begins.has(kind);
    const kept = sameRound ? state.kept : 0;
    const map = kind === 'map' ? named.map : state.map;
    const keep = admits(kind, { endUnix, kept });
    const next = { map, endUnix, kept: keep ? kept + 1 : kept };
    if (!keep) return { state: next, event: null };
    const subject = kind === 'ended' ? null : named.subject;
    const own = { map: named.map ?? map, number: named.number, subject };
    return { state: next, event: { log: 'console', kind, at: null, endUnix, ...own, text: masked(line) } };
  }
  return { state, event: null };
}

/** Whether a line may prove something, told from its bytes: each message holds one of these, and the others change nothing. */
export function consoleSieve(): (state: ConsoleState, ...line: Parameters<Sieve>) => boolean {
  const [isOfModule, isOfTimelimit] = [
    holding('stats_discord_webhook'),
    holding('Server: timelimit changed to'),
  ];
  return (_, bytes, from, to) => isOfModule(bytes, from, to) || isOfTimelimit(bytes, from, to);
}
