import { basename } from 'node:path';
import { causeWords } from '../../../reports/words.ts';
import type { Cause, CauseCode } from '../../core/cause.ts';
import { oneLine } from '../../core/harmless.ts';
import type { Incident } from '../../core/incident.ts';
import { playedText } from '../../core/round-text.ts';
import type { SeenCandidate, Verdict } from '../../core/verdict.ts';
import type { IncidentView } from '../desk.ts';

/** How a badge looks. It always has its text too: colour alone says nothing. */
export type Tone = 'good' | 'warn' | 'bad' | 'calm';

/** What a verdict means, for somebody who meets the word for the first time. */
export const verdictWords: Record<Verdict, { tone: Tone; sentence: string }> = {
  covered: { tone: 'good', sentence: 'It has its capture.' },
  pending: { tone: 'calm', sentence: 'It is so young that the live pipeline still goes first.' },
  relinkable: {
    tone: 'warn',
    sentence: 'Its capture is there, and only its link is missing or wrong: an audit can link it.',
  },
  recoverable: {
    tone: 'warn',
    sentence: 'It has no capture, but an artifact of it is there: an audit can backfill it.',
  },
  damaged: {
    tone: 'bad',
    sentence: 'An artifact of it is there, but is not whole or not sane: a person has to decide.',
  },
  ambiguous: { tone: 'bad', sentence: 'More than one answer is possible: a person has to choose.' },
  conflict: {
    tone: 'bad',
    sentence: 'Its repair would touch what belongs to somebody else: a person has to decide.',
  },
  unchecked: {
    tone: 'bad',
    sentence: 'Something that could hold it could not be read, so nothing is known of it yet.',
  },
  missing: { tone: 'warn', sentence: 'Nothing fits it yet. Every audit looks again.' },
  lost: {
    tone: 'bad',
    sentence: 'Lost: its teams and exact times. Nothing is left from which they could be repaired.',
  },
};

/** The cause in words, or the code itself where a later version wrote it. */
export function causeText(code: string): string {
  return Object.hasOwn(causeWords, code) ? causeWords[code as CauseCode] : oneLine(code);
}

/** Why the pipeline missed the round of an incident, as its last entry says. */
export function causeOf({ cause }: Pick<Incident, 'cause'>): Cause | null {
  return cause as unknown as Cause | null;
}

/** `etl_adlernest R2`, or the key of an incident whose round was never seen. */
export function roundName({ round, key }: Pick<Incident, 'round' | 'key'>): string {
  return round === null ? oneLine(key) : oneLine(`${round.map ?? '?'} R${round.number ?? '?'}`);
}

/** When the round was played, by the clock of the server. */
export function playedOf({ round }: Pick<Incident, 'round'>): string {
  return round === null ? '?' : oneLine(playedText(round));
}

/** As the rules judge it now; where they cannot, as the last audit did. */
export function judged({ incident, now }: IncidentView): Pick<Incident, 'verdict' | 'reason' | 'because'> {
  if (now === null || now.verdict === null) return incident;
  return now;
}

const statuses: Record<Incident['status'], string> = {
  open: 'open',
  written_off: 'written off',
  closed: 'closed',
};

function closedText({ closed }: Incident): string {
  if (closed === null) return '';
  const by = { pipeline: ' by the live pipeline', repair: ' by a repair' };
  return `: ${closed.as}${closed.by === null ? '' : by[closed.by]}`;
}

/** `open, acknowledged`: where an incident stands, with what people decided. */
export function statusText(incident: Incident): string {
  const marks = [
    incident.held !== null && 'held',
    incident.excused !== null && 'excused',
    incident.acknowledged !== null && 'acknowledged',
    incident.resolution !== null && 'resolved',
  ].filter(Boolean);
  return [`${statuses[incident.status]}${closedText(incident)}`, ...marks].join(', ');
}

/** Where a candidate's end lies. */
export function distanceText(deltaSeconds: number | null): string {
  if (deltaSeconds === null) return 'no end in reach';
  if (deltaSeconds === 0) return 'ended in the second of the stats file';
  const side = deltaSeconds > 0 ? 'before' : 'after';
  return `ended ${Math.abs(deltaSeconds)} s ${side} the stats file`;
}

/** A candidate as people are shown it. */
export function candidateText({ kind, captureId, path }: SeenCandidate): string {
  return kind === 'capture' ? `capture ${captureId}` : `artifact ${oneLine(basename(path ?? '?'))}`;
}

/** A candidate as a decision names it, `capture:ID` or `artifact:SHA256`; null for one that cannot be chosen. */
export function candidateName({ captureId, sha256, deltaSeconds }: SeenCandidate): string | null {
  if (deltaSeconds === null) return null;
  if (captureId !== null) return `capture:${captureId}`;
  return sha256 === null ? null : `artifact:${sha256}`;
}

const exitCodes: Record<number, string> = {
  0: 'clean',
  1: 'the run failed',
  2: 'wrong usage or configuration',
  3: 'ran, and something is open',
  4: 'another run held the lease',
};

/** `3 (ran, and something is open)`. */
export function exitText(code: number | null): string {
  return code === null ? 'none' : `${code} (${exitCodes[code] ?? 'unknown'})`;
}

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** A reason as a sentence: it begins with a capital and ends with a stop. */
export function sentence(text: string): string {
  return text === '' || /[.!?]$/.test(text) ? capital(text) : `${capital(text)}.`;
}
