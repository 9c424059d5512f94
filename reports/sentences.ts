import { durationText } from '../src/core/alert-text.ts';
import { counted } from '../src/core/counted.ts';
import { coveredTotal, expectedTotal } from '../src/core/coverage.ts';
import type { Report } from './model.ts';
import { instantText, percent } from './words.ts';

/** Sentences that the page and Markdown both say, as plain text: who shows them escapes them. */

function delayText(delay: Report['delays']['detection']): string {
  if (delay === null) return 'none';
  const { medianSeconds, longestSeconds, rounds } = delay;
  return `${durationText(medianSeconds)} at the median, ${durationText(longestSeconds)} at most, over ${counted(rounds, 'round')}`;
}

const rescueText = ({ rounds, minutes }: Report['rescued']) =>
  `${counted(rounds, 'round')}, ${minutes} min of play`;

/** How long things took, what was rescued, and how much is covered in the last days. */
export function measureTexts({ delays, rescued, rescued30, last14, last30 }: Report): string[] {
  const covered = (days: Report['coverage']) => percent(coveredTotal(days), expectedTotal(days));
  return [
    `From a round's end to its entry in the ledger: ${delayText(delays.detection)}.`,
    `From a round's end to its repair: ${delayText(delays.repair)}.`,
    `Rescued by repair: ${rescueText(rescued)}; in 30 days ${counted(rescued30.rounds, 'round')}, ${rescued30.minutes} min.`,
    `Covered in 14 days: ${covered(last14)}; in 30 days: ${covered(last30)}.`,
  ];
}

/** How many rounds came in twice. */
export function duplicatesText({ duplicates }: Report): string {
  return duplicates.length === 0
    ? "No line of the bot's log shows a round that came in twice."
    : `Two paths deliver the same signal: ${counted(duplicates.length, 'round')} came in twice within a minute.`;
}

/** How often one of them was received and stored. */
export const timesText = ({ received, stored }: Report['duplicates'][number]) =>
  `received ${counted(received, 'time')}, stored ${counted(stored, 'time')}`;

/** How many audits there were, of those that should have been. */
export function auditsText({ runs, lastAuditAt }: Report['auditor']): string {
  const last = lastAuditAt === null ? 'never' : instantText(lastAuditAt);
  return `Audits: ${runs.finished} finished of ${runs.expected} expected, ${runs.failed} failed. The last one ended ${last}.`;
}

/** How long no audit looked, and when that was longest. */
export function blindText({ runs, blindSeconds, longestBlind }: Report['auditor']): string {
  if (runs.expected === 0) return 'No audit was expected in this time: the auditor was not there yet.';
  const longest =
    longestBlind === null
      ? ''
      : `, the longest from ${instantText(longestBlind.from)} to ${instantText(longestBlind.to)}`;
  return `Blind for ${durationText(blindSeconds)}${longest}.`;
}

/** What is said where there is nothing to say of places. */
export const placesRead = 'Every artifact place could be read.';

/** Since when, and why, a place cannot be read. */
export const placeText = ({ place, since, why }: Report['auditor']['unreadablePlaces'][number]) =>
  `${place} cannot be read since ${instantText(since)}: ${why}`;

/** What became of the messages. */
export const messagesText = ({ outbox }: Report['auditor']) =>
  `Messages: ${outbox.queued} waiting, ${outbox.sent} sent, ${outbox.dead} given up.`;

/** Which message was given up, and why. */
export const letterText = ({ channel, key, why }: Report['auditor']['deadLetters'][number]) =>
  `Not delivered by ${channel}: ${key}, ${why}`;
