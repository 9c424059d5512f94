import { durationText } from '../src/core/alert-text.ts';
import { counted } from '../src/core/counted.ts';
import { type Coverage, coveredTotal, expectedTotal, missingTotal, openOrder } from '../src/core/coverage.ts';
import type { Report } from './model.ts';

/**
 * The state of a window. What no audit has looked at is neither green nor red. A day is not green while there are
 * rows without a readable time: they may be its own.
 */
export function stateOf(coverage: Coverage, timeless = 0): Report['state'] {
  const expected = expectedTotal(coverage);
  if (expected === 0) return 'no_rounds';
  if (coverage.open.unchecked === expected) return 'nothing_checked';
  if (missingTotal(coverage) + timeless > 0) return 'gaps';
  return coverage.pending > 0 ? 'waiting' : 'covered';
}

/** `4 lost, 1 ambiguous, 2 set aside`. */
function gapsText(coverage: Coverage): string {
  const { lost, open, setAside } = coverage;
  return [
    lost > 0 && `${lost} lost`,
    ...openOrder.map((verdict) => open[verdict] > 0 && `${open[verdict]} ${verdict}`),
    setAside > 0 && `${setAside} set aside`,
  ]
    .filter(Boolean)
    .join(', ');
}

const oneCovered = ({ repaired }: Coverage) =>
  repaired > 0 ? 'the only round is covered, by repair' : 'the only round is covered';

function sentence(state: Report['state'], coverage: Coverage): string {
  const expected = expectedTotal(coverage);
  const repaired = coverage.repaired > 0 ? `, ${coverage.repaired} of them by repair` : '';
  if (state === 'no_rounds') return 'no rounds were played';
  if (state === 'nothing_checked')
    return `nothing could be checked: ${counted(expected, 'round')} without a verdict`;
  if (state === 'covered')
    return expected === 1 ? oneCovered(coverage) : `all ${expected} rounds covered${repaired}`;
  if (state === 'waiting')
    return `${coveredTotal(coverage)} of ${counted(expected, 'round')} covered${repaired}, ${coverage.pending} still pending`;
  return `${missingTotal(coverage)} of ${counted(expected, 'round')} without a capture: ${gapsText(coverage)}`;
}

/** So long a blindness is worth a word in the subject. */
const longBlindness = 1_800;

/** What of a report its title is made of. */
export type TitleParts = Pick<
  Report,
  'source' | 'window' | 'discrepancies' | 'earlier' | 'r2' | 'auditor'
> & {
  /** Of the day's or the session's own rows. */
  coverage: Coverage;
  /** Open rows without a readable time: they are of no day. */
  timeless: number;
  /** Second rounds that are covered, by whom ever, and those that should be. */
  r2Covered: { expected: number; covered: number };
};

/** The verdict of a report in one line, which is also the subject of its mail. */
export function titleOf(parts: TitleParts): string {
  const { source, window, coverage, discrepancies, earlier, r2, auditor, r2Covered, timeless } = parts;
  const state = stateOf(coverage);
  const when = window.kind === 'day' ? window.day : `session ${window.session}`;
  const written = earlier.writtenOff.length;
  const news = [
    discrepancies.length > 0 && 'the sums do not add up',
    sentence(state, coverage),
    state === 'gaps' && r2Covered.expected > 0 && `R2 ${r2Covered.covered} of ${r2Covered.expected} covered`,
    r2.state === 'unlikely' && 'unusually few R2',
    written > 0 && `${counted(written, 'round')} of earlier days written off`,
    timeless > 0 && `${timeless} ${timeless === 1 ? 'row' : 'rows'} without a readable time`,
    auditor.blindSeconds >= longBlindness &&
      `the auditor was blind for ${durationText(auditor.blindSeconds)}`,
  ];
  return `[${source}] ${when}: ${news.filter(Boolean).join('; ')}`;
}
