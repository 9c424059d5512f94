import { durationText } from '../../core/alert-text.ts';
import { counted } from '../../core/counted.ts';
import { expectedTotal } from '../../core/coverage.ts';
import { oneLine } from '../../core/harmless.ts';
import type { Overview, RunLine } from '../desk.ts';
import { exitText, type Tone } from './words.ts';

/** An audit is due every three minutes; five missed in a row are no accident. */
const staleMinutes = 15;

/** The state of now: what a person sees before anything else. */
export interface NowLine {
  tone: Tone;
  /** The state in a word or two. */
  word: string;
  headline: string;
  /** When the last audit was, and how it ended. */
  audit: string;
}

const secondsBetween = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;

function auditText(run: RunLine, now: string): string {
  if (run.finishedAt === null) {
    const age = durationText(secondsBetween(run.startedAt, now));
    const what =
      run.state === 'running' ? 'has been running for' : 'did not come to its end; it began before';
    return `The last audit ${what} ${age}.`;
  }
  const age = durationText(secondsBetween(run.finishedAt, now));
  const why = run.error === null ? '' : `: ${oneLine(run.error)}`;
  return `The last audit ended ${age} ago with exit code ${exitText(run.exitCode)}${why}.`;
}

function auditTrouble(run: RunLine | null, now: string): string | null {
  if (run === null) return 'No audit has run yet, so nothing is known.';
  const age = secondsBetween(run.finishedAt ?? run.startedAt, now);
  if (age > staleMinutes * 60)
    return `Nobody is looking: no audit has ended for ${durationText(age)}. One should every few minutes: look at cron or pm2.`;
  if (run.state === 'failed' || run.exitCode === 1 || run.exitCode === 2) return 'The last audit failed.';
  return null;
}

/** What the figures say where the audits do their work. */
function standing(overview: Overview): Omit<NowLine, 'audit'> {
  const { open, unreadablePlaces, figures } = overview;
  if (figures !== null && figures.discrepancies.length > 0)
    return { tone: 'bad', word: 'Look now', headline: 'The sums do not add up.' };
  if (open.length > 0) {
    const are = open.length === 1 ? 'incident is' : 'incidents are';
    return { tone: 'warn', word: 'Open', headline: `${open.length} ${are} open.` };
  }
  if (unreadablePlaces.length > 0) {
    const places = counted(unreadablePlaces.length, 'place');
    return { tone: 'warn', word: 'Not checked', headline: `${places} cannot be read.` };
  }
  if (figures === null) return { tone: 'warn', word: 'Not checked', headline: 'The source cannot be read.' };
  const { coverage } = figures;
  if (expectedTotal(coverage) === 0)
    return { tone: 'calm', word: 'Quiet', headline: 'No rounds were played in the last 14 days.' };
  if (coverage.lost === 0) return { tone: 'good', word: 'Clear', headline: 'Nothing is open.' };
  const lost = `${counted(coverage.lost, 'round')} of the last 14 days ${coverage.lost === 1 ? 'stays' : 'stay'} lost.`;
  return { tone: 'calm', word: 'Nothing to do', headline: `Nothing is open. ${lost}` };
}

/** The state of now in words: trouble of the auditor first, because then the rest may be old. */
export function nowLine(overview: Overview): NowLine {
  const { lastAudit, now } = overview;
  const audit = lastAudit === null ? '' : auditText(lastAudit, now);
  const trouble = auditTrouble(lastAudit, now);
  if (trouble !== null) return { tone: 'bad', word: 'Look now', headline: trouble, audit };
  return { ...standing(overview), audit };
}
