import { artifactFits, pairedCapture, resolvedCapture, unusableFits } from './candidates.ts';
import type { LogEvent, LogQuote } from './log-event.ts';
import type { LogLines } from './log-lines.ts';
import { indexLogLines, type LogIndex, type LogStory, logStory, noStory } from './log-story.ts';
import type { Capture, Round } from './model.ts';
import type { Situation } from './situation.ts';
import type { Assessment } from './verdict.ts';

/** Why the pipeline missed a round, in the order in which the codes are asked (DOMAIN, section 5, "Causes"). */
export const causeCodes = [
  'module_crashed',
  'not_sent',
  'module_not_loaded',
  'rejected',
  'store_failed',
  'stored_elsewhere',
  'stored_unlinked',
  'received_not_stored',
  'never_received',
  'download_failed',
  'artifact_unread',
  'unknown',
] as const;
export type CauseCode = (typeof causeCodes)[number];

/** Why a round was missed, as far as the logs and the source prove it. */
export interface Cause {
  code: CauseCode;
  /** What else holds. */
  also: readonly CauseCode[];
  /** The cause in a sentence. */
  because: string;
  /** The lines that prove it first, then the others of this round; at most 40. */
  evidence: readonly LogQuote[];
}

const mostLines = 40;

/** What a rule of causes may ask. */
interface CauseFacts extends LogStory {
  roundId: number;
  /** File times, unix seconds. */
  fileTimes: readonly number[];
  /** The capture that fits the round alone. */
  capture: Capture | null;
  artifactThere: boolean;
}

interface Proof {
  because: string;
  lines: readonly LogEvent[];
}

type CauseRule = (facts: CauseFacts) => Proof | null;

const ofKind = (lines: readonly LogEvent[], ...kinds: LogEvent['kind'][]) =>
  lines.filter(({ kind }) => kinds.includes(kind));
const botOf = ({ bot }: CauseFacts, ...kinds: LogEvent['kind'][]) =>
  ofKind(
    bot.map(({ event }) => event),
    ...kinds,
  );

/** What an error line says, without where it was printed. */
function errorText(text: string): string {
  const said = /(?:\.lua"?\]?:\d+: |crashed: )(.+)$/.exec(text)?.[1] ?? text;
  return said.replace(/'\s*$/, '');
}

const moduleCrashed: CauseRule = ({ consoleLines }) => {
  const errors = ofKind(consoleLines, 'crashed');
  if (errors.length === 0) return null;
  const because = `the game server's module crashed after the round's end: ${errorText(errors[0]!.quote.text)}`;
  return { because, lines: [...ofKind(consoleLines, 'ended'), ...errors] };
};

const notSent: CauseRule = ({ consoleLines, consoleWentOn }) => {
  const sent = ofKind(consoleLines, 'send_started', 'notified').length > 0;
  const failed = ofKind(consoleLines, 'send_failed');
  const tried = ofKind(consoleLines, 'sending').length > 0 && failed.length === 0;
  const ended = ofKind(consoleLines, 'ended').length > 0;
  if (!ended || !consoleWentOn || sent || tried || ofKind(consoleLines, 'crashed').length > 0) return null;
  const because =
    failed.length > 0
      ? 'the module tried to send the round and could not'
      : 'the console shows the end of the round, and that nothing was sent';
  return { because, lines: consoleLines };
};

const moduleNotLoaded: CauseRule = ({ consoleLines, consoleCovers }) =>
  consoleLines.length === 0 && consoleCovers
    ? {
        because: 'the console shows rounds that ended before and after this one, and no end of this one',
        lines: [],
      }
    : null;

const refusals: Record<string, string> = {
  ghost: 'it took it for a ghost round',
  rate_limit: 'too many messages had come',
  username: 'it came under another user name',
  unauthorized: 'it came by an address that is not allowed',
  metadata: 'its map or its number was missing',
  embeds: 'it was empty',
  dropped: 'it was dropped from the queue',
};

/** A ghost of the same map and number that ended minutes later is another round's. */
const atOnceSeconds = 60;

function refusalsOf({ bot, fileTimes }: CauseFacts): LogEvent[] {
  const refused = bot.filter(({ event }) => event.kind === 'rejected');
  const own = refused.filter(
    ({ event, unix }) =>
      event.subject !== 'ghost' || fileTimes.some((fileTime) => unix - fileTime <= atOnceSeconds),
  );
  return own.map(({ event }) => event);
}

const rejected: CauseRule = (facts) => {
  const taken = botOf(facts, 'announced', 'stored', 'store_failed').length > 0;
  const lines = refusalsOf(facts).filter(({ map }) => map !== null || !taken);
  if (lines.length === 0) return null;
  const why = refusals[lines[0]!.subject ?? ''] ?? 'it was not accepted';
  return { because: `the bot received the message and refused it: ${why}`, lines };
};

const storeFailed: CauseRule = (facts) => {
  const lines = botOf(facts, 'store_failed');
  if (lines.length === 0 || botOf(facts, 'stored').length > 0) return null;
  return {
    because: 'the bot received the message and could not store it',
    lines: [...botOf(facts, 'announced'), ...lines, ...botOf(facts, 'continuation')],
  };
};

const storedElsewhere: CauseRule = ({ capture, roundId }) => {
  if (capture === null || capture.roundId === null || capture.roundId === roundId) return null;
  const because = `its capture ${capture.id} is there, and is linked to round ${capture.roundId}`;
  return { because, lines: [] };
};

const storedUnlinked: CauseRule = ({ capture }) =>
  capture !== null && capture.roundId === null
    ? { because: `its capture ${capture.id} is there, and is linked to no round`, lines: [] }
    : null;

const receivedNotStored: CauseRule = (facts) => {
  const lines = botOf(facts, 'announced');
  const handled = botOf(facts, 'stored', 'store_failed', 'rejected').length > 0;
  if (lines.length === 0 || handled || facts.capture !== null) return null;
  return { because: 'the bot received the message, and its log says nothing after', lines };
};

const neverReceived: CauseRule = (facts) => {
  const triggers = botOf(facts, 'trigger');
  const heard = botOf(facts, 'announced', 'stored', 'store_failed', 'rejected').length > 0;
  if (triggers.length === 0 || heard || facts.capture !== null || facts.strays.length > 0) return null;
  return {
    because: 'the bot received the stats file of the round, and no message of the module',
    lines: triggers,
  };
};

const downloadFailed: CauseRule = (facts) => {
  const lines = botOf(facts, 'download_failed');
  return lines.length === 0 ? null : { because: 'its artifact could not be fetched', lines };
};

const artifactUnread: CauseRule = (facts) => {
  const failed = botOf(facts, 'artifact_failed');
  if (failed.length > 0) return { because: 'its artifact was fetched and could not be read', lines: failed };
  const covered = botOf(facts, 'trigger', 'announced').length > 0;
  if (!facts.artifactThere || !covered || botOf(facts, 'artifact_read').length > 0) return null;
  return { because: 'its artifact is there, and no line says that the bot read it', lines: [] };
};

const rules: readonly (readonly [CauseCode, CauseRule])[] = [
  ['module_crashed', moduleCrashed],
  ['not_sent', notSent],
  ['module_not_loaded', moduleNotLoaded],
  ['rejected', rejected],
  ['store_failed', storeFailed],
  ['stored_elsewhere', storedElsewhere],
  ['stored_unlinked', storedUnlinked],
  ['received_not_stored', receivedNotStored],
  ['never_received', neverReceived],
  ['download_failed', downloadFailed],
  ['artifact_unread', artifactUnread],
];

/** Why nothing is proved, where lines of the round are there all the same. */
function whyUnknown(facts: CauseFacts): string {
  if (botOf(facts, 'stored').length > 0)
    return 'the bot says that it stored the round, and the source has no such capture';
  if (facts.strays.length > 0)
    return 'a message of this map and number came hours later, and of which playing it was cannot be told';
  if (facts.consoleLines.length > 0)
    return 'the module sent the round, and no log of the bot tells what became of it';
  if (facts.bot.length > 0) return 'the logs of its time do not say what went wrong';
  return 'no log covers its time';
}

function quotes(proving: readonly LogEvent[], facts: CauseFacts): LogQuote[] {
  const all = [
    ...proving,
    ...facts.consoleLines,
    ...[...facts.bot, ...facts.strays].map(({ event }) => event),
  ];
  const once = new Map(all.map((event) => [`${event.lineage}:${event.quote.line}`, event.quote]));
  return [...once.values()].slice(0, mostLines);
}

/** Lines of one file in its order; the files in the order of their first line. */
function inOrder(lines: readonly LogEvent[]): LogEvent[] {
  const files = [...new Set(lines.map(({ lineage }) => lineage))];
  return files.flatMap((file) =>
    lines.filter(({ lineage }) => lineage === file).sort((a, b) => a.quote.line - b.quote.line),
  );
}

function decide(facts: CauseFacts): Cause {
  const proved = rules.flatMap(([code, rule]) => {
    const proof = rule(facts);
    return proof === null ? [] : [{ code, because: proof.because, lines: inOrder(proof.lines) }];
  });
  const [first, ...more] = proved;
  if (first === undefined)
    return { code: 'unknown', also: [], because: whyUnknown(facts), evidence: quotes([], facts) };
  const lines = proved.flatMap((proof) => proof.lines);
  const also = more.map(({ code }) => code);
  return { code: first.code, also, because: first.because, evidence: quotes(lines, facts) };
}

function factsOf(situation: Situation, round: Round, index: LogIndex): CauseFacts {
  const story = logStory(situation, round, index) ?? noStory;
  const paired = pairedCapture(situation, round.id) ?? resolvedCapture(situation, round);
  const artifactThere =
    artifactFits(situation, round.id).length > 0 || unusableFits(situation, round.id).length > 0;
  const fileTimes = situation.playedById.get(round.id)?.instants ?? [];
  // What is copied stands last: members added to a copy take longer than all the rest.
  return { roundId: round.id, fileTimes, capture: paired?.member ?? null, artifactThere, ...story };
}

/** What is proved of a round of which neither the logs nor the source say anything: most of a long history. */
const untold: Cause = decide({
  roundId: 0,
  fileTimes: [],
  capture: null,
  artifactThere: false,
  ...noStory,
});

const isUntold = ({ bot, consoleLines, strays, consoleCovers, capture, artifactThere }: CauseFacts) =>
  bot.length + consoleLines.length + strays.length === 0 &&
  !consoleCovers &&
  capture === null &&
  !artifactThere;

/** True where a cause is asked for: the live pipeline has had its time, and the round is not covered. */
export function isMissed({ verdict }: Assessment): boolean {
  return verdict !== null && verdict !== 'covered' && verdict !== 'pending';
}

const fitsNothing: ReadonlySet<string> = new Set(['nothing_fits', 'nothing_fits_yet']);

/** An artifact that the module wrote, and that lies in no place, can still be fetched (DESIGN, "Places"). */
function withFileToFetch({ reason, because }: Assessment, { consoleLines }: CauseFacts): string {
  const path = ofKind(consoleLines, 'written').at(-1)?.subject;
  if (reason === null || !fitsNothing.has(reason) || path == null) return because;
  return `${because}; the console says that the game server wrote ${path}, which no place holds: fetch it`;
}

/**
 * The same assessments, each missed round with its cause: what the logs and the source prove, and `unknown`
 * where they prove nothing.
 */
export function withCauses(
  situation: Situation,
  assessments: readonly Assessment[],
  lines: LogLines,
): Assessment[] {
  if (!assessments.some(isMissed)) return [...assessments];
  const index = indexLogLines(situation, lines);
  return assessments.map((assessment) => {
    if (!isMissed(assessment)) return assessment;
    const facts = factsOf(situation, assessment.round, index);
    return {
      ...assessment,
      because: withFileToFetch(assessment, facts),
      cause: isUntold(facts) ? untold : decide(facts),
    };
  });
}
