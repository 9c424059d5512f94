import { type ExemptReason, exemptReasons } from '../core/expected.ts';
import { type Found, sortNearlySorted, textOf, wholeNumbers } from './settled-lists.ts';
import { byReason, type Reasons } from './settled-rules.ts';
import type { Spelling } from './settling.ts';

/** A row that is not expected, the instant of its file, unix seconds, and why. */
export interface ExemptRow {
  id: number;
  fileUnix: number;
  reason: ExemptReason;
}

/** A part of a history, as the database counted it. */
export interface Part {
  rounds: number;
  covered: number;
  /** Captures that are linked to them. */
  linked: number;
  /** Captures that are linked to what is no round, as far as they were looked at. */
  strays: number;
  /** The ids of those that are neither covered nor exempt. */
  open: number[];
  /** Those that were named with a reason. */
  exempt: ExemptRow[];
  /** How many are exempt, named or only counted. */
  reasons: Reasons;
  /** Ascending. */
  starts: Float64Array;
}

/** A row without `id` is a capture without a round. */
const strays = '(count(*) - count(id))';

/**
 * What every part is counted by, of an inner query with `id`, `capture_id`, `start_unix` and `left_over` (`leftOver`), which
 * stands here once: databases work an expression out once for each place.
 */
export function partColumns({ list }: Spelling): string {
  return `count(id) as rounds,
    count(capture_id) - ${strays} as linked, ${strays} as strays,
    ${list('left_over')} as left_over, ${list('start_unix')} as starts`;
}

/** How many rows of an inner query have which `reason`, where none of them is named. */
export const countedReasons = exemptReasons.map(
  (reason) => `count(*) filter (where reason = '${reason}') as exempt_${reason}`,
);

/** What is left over, taken apart. */
function leftOf(found: Found): Pick<Part, 'open' | 'exempt'> {
  const left: Pick<Part, 'open' | 'exempt'> = { open: [], exempt: [] };
  for (const one of textOf(found, 'left_over')?.split(',') ?? []) {
    const [id, fileUnix, reason] = one.split(':');
    if (reason === undefined) left.open.push(Number(id));
    else left.exempt.push({ id: Number(id), fileUnix: Number(fileUnix), reason: reason as ExemptReason });
  }
  return left;
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);

/** What the database counted; of nothing it counted nothing. */
export function toPart(found: Found): Part {
  const counted = (column: string) => Number(found[column] ?? 0);
  const { open, exempt } = leftOf(found);
  const onlyCounted = byReason((reason) => counted(`exempt_${reason}`));
  return {
    rounds: counted('rounds'),
    covered: counted('rounds') - open.length - exempt.length - sum(Object.values(onlyCounted)),
    linked: counted('linked'),
    strays: counted('strays'),
    open,
    exempt,
    reasons: byReason((reason) => onlyCounted[reason] + exempt.filter((row) => row.reason === reason).length),
    // Here, while the database goes on: all parts together are nearly in order then.
    starts: sortNearlySorted(wholeNumbers(textOf(found, 'starts'), counted('rounds'))),
  };
}

/** All parts together; the starts ascending. */
export function joined(parts: readonly Part[]): Part {
  const starts = new Float64Array(sum(parts.map((part) => part.starts.length)));
  let at = 0;
  for (const part of parts) {
    starts.set(part.starts, at);
    at += part.starts.length;
  }
  return {
    rounds: sum(parts.map(({ rounds }) => rounds)),
    covered: sum(parts.map(({ covered }) => covered)),
    linked: sum(parts.map(({ linked }) => linked)),
    strays: sum(parts.map(({ strays }) => strays)),
    open: parts.flatMap(({ open }) => open),
    exempt: parts.flatMap(({ exempt }) => exempt),
    reasons: byReason((reason) => sum(parts.map(({ reasons }) => reasons[reason]))),
    starts: sortNearlySorted(starts),
  };
}
