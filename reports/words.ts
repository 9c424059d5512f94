import type { CauseCode } from '../src/core/cause.ts';
import { counted } from '../src/core/counted.ts';
import { type Coverage, coveredTotal, exemptTotal, expectedTotal, openTotal } from '../src/core/coverage.ts';
import { exemptReasons } from '../src/core/expected.ts';
import { oneLine } from '../src/core/harmless.ts';
import type { ExceptionGroup } from './groups.ts';
import type { Report, ReportException, RoundLine } from './model.ts';

/** Texts that every format says in the same words. */

export const stateWords: Record<RoundLine['state'], string> = {
  live: 'live',
  repaired: 'repaired',
  pending: 'pending',
  open: 'open',
  setAside: 'set aside',
  lost: 'lost',
};

/** A cause in two or three words; its code stands beside it. */
export const causeWords: Record<CauseCode, string> = {
  module_crashed: 'the module crashed',
  not_sent: 'the module did not send it',
  module_not_loaded: 'the module was not loaded',
  rejected: 'the bot refused it',
  store_failed: 'the bot could not store it',
  stored_elsewhere: 'stored for another round',
  stored_unlinked: 'stored without a link',
  received_not_stored: 'received and not stored',
  never_received: "the module's message never reached the bot",
  download_failed: 'its artifact could not be fetched',
  artifact_unread: 'its artifact was not read',
  unknown: 'no log tells',
};

/** What else holds of a cause, as a sentence after its explanation; nothing where nothing does. */
export const alsoText = (also: readonly CauseCode[]) =>
  also.length === 0 ? '' : ` Also: ${also.map((code) => causeWords[code]).join(', ')}.`;

/** `4 rounds of session 89 on 2026-02-16`; without the session, or the day, where they are of several. */
export function groupSize({ rounds, session, day }: ExceptionGroup): string {
  const of = session === null ? '' : ` of session ${session}`;
  const on = day === null ? '' : ` on ${day}`;
  return `${counted(rounds.length, 'round')}${of}${on}`;
}

/** Where the explanation is that differs from round to round. */
export const inEach = 'see each round';

/** The day of a time that can be read, as `playedText` writes it. */
const dayOf = (played: string) => /^(\d{4}-\d{2}-\d{2}) \d{2}:\d{2}:\d{2}$/.exec(played)?.[1] ?? null;

/** The day of the server on which all of them were played, `YYYY-MM-DD`; null where they are of several, or of none. */
export function dayOfAll(rounds: readonly { played: string }[]): string | null {
  const days = new Set(rounds.map(({ played }) => dayOf(played)));
  return days.size === 1 ? [...days][0]! : null;
}

/** When a round was played: the time alone where its day is said elsewhere. */
export const playedIn = (day: string | null, played: string) =>
  oneLine(day === null ? played : played.slice(day.length + 1));

/** Until when a pending round waits, with its day where that is not `day`. */
export const waitsText = (until: string, day: string | null) =>
  `waits for its capture until ${playedIn(until.startsWith(`${day} `) ? day : null, until)}`;

/** `62.5 %`, or a dash where there is nothing to divide by. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;
}

/** Where all of a list stands that is cut. */
export const inJson = 'the JSON lists them all';

/** How much of a list is left out. */
export const moreText = (count: number) => `and ${count} more: ${inJson}`;

/** A map's name on one line. */
export const mapText = (map: string | null) => (map === null || map.trim() === '' ? '?' : oneLine(map));

/** `etl_adlernest R2`. */
export const roundText = ({ map, number }: Pick<RoundLine, 'map' | 'number'>) =>
  `${mapText(map)} R${number ?? '?'}`;

/** `6 rows exempt (5 summary, 1 bots)`: the reasons by their codes. */
function exemptText(coverage: Coverage): string {
  const { exempt } = coverage;
  const reasons = exemptReasons.filter((reason) => exempt[reason] > 0);
  const counts = reasons.map((reason) => `${exempt[reason]} ${reason}`).join(', ');
  return `${counted(exemptTotal(coverage), 'row')} exempt${counts && ` (${counts})`}`;
}

/** `12 expected = 8 live + 4 lost; 6 rows exempt (6 summary)`: each row once. */
export function equationText(coverage: Coverage): string {
  const { live, repaired, pending, setAside, lost } = coverage;
  const terms = [
    `${live} live`,
    `${repaired} repaired`,
    pending > 0 && `${pending} pending`,
    `${openTotal(coverage)} open`,
    setAside > 0 && `${setAside} set aside`,
    `${lost} lost`,
  ];
  return `${expectedTotal(coverage)} expected = ${terms.filter(Boolean).join(' + ')}; ${exemptText(coverage)}`;
}

/** The columns of every table of counts, in one order. */
export const countColumns = [
  'expected',
  'live',
  'repaired',
  'pending',
  'open',
  'set aside',
  'lost',
  'covered',
] as const;

/** The cells of those columns. */
export function countCells(coverage: Coverage): string[] {
  const { live, repaired, pending, setAside, lost } = coverage;
  const expected = expectedTotal(coverage);
  const counts = [expected, live, repaired, pending, openTotal(coverage), setAside, lost];
  return [...counts.map(String), percent(coveredTotal(coverage), expected)];
}

const waitsForR2 = ({ sessions }: Report, day: string) =>
  sessions.some(({ rounds }) =>
    rounds.some(({ number, state, played }) => number === 2 && state === 'pending' && played.startsWith(day)),
  );

/** How the second rounds of the last day compare with those before it. */
export function r2Sentence(report: Report): string {
  const { r2, window } = report;
  const { day, history, probability, state } = r2;
  const of = window.kind === 'day' ? window.day : window.until;
  if (state === 'no_rounds')
    return waitsForR2(report, of)
      ? `Every second round of ${of} is so young that the live pipeline may still cover it.`
      : `No second round was played on ${of}.`;
  const here = `The live pipeline covered ${day.live} of ${day.expected} second rounds on ${of}`;
  const past = `${history.live} of ${history.expected} (${percent(history.live, history.expected)}) on the days before it that are compared`;
  if (state === 'too_little_history')
    return `${here}. There is too little history to compare with: ${history.expected} second rounds on the days before, and 20 are needed.`;
  const chance = `as few as that comes about with a chance of ${chanceText(probability!)}`;
  return state === 'unlikely'
    ? `${here}, and ${past}: ${chance}. Something is wrong.`
    : `${here}, and ${past}: ${chance}, which is nothing unusual.`;
}

/** A chance with two digits that matter, `0.0034`; what is smaller than one in a million is said so. */
export function chanceText(chance: number): string {
  return chance < 1e-6 ? 'less than one in a million' : String(Number(chance.toPrecision(2)));
}

/** `2026-11-24 07:10 UTC`. */
export const instantText = (at: string) => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;

/** What is said first, and in red, where sums do not hold (DESIGN, "What must always add up"). */
export const distrust = 'The sums do not add up: this is a defect, and no number here can be trusted.';

/** What shows all of a round; where no triage packet of it was written yet, also what writes one. */
export function explainCommand({ roundId, packet }: Pick<ReportException, 'roundId' | 'packet'>): string {
  return `roundwarden explain ${roundId}${packet === null ? ' --packet' : ''}`;
}
