import { exemptReasons } from '../core/expected.ts';
import { type Found, idsOf, sortNearlySorted, textOf, wholeNumbers } from './settled-lists.ts';
import { type Reasons, reasonsOf } from './settled-open.ts';
import type { Spelling } from './settling.ts';

/** A part of a history, as the database counted it. */
export interface Part {
  rounds: number;
  /** Captures that are linked to them. */
  linked: number;
  /** Captures that are linked to what is no round, as far as they were looked at. */
  strays: number;
  open: number[];
  /** Ascending. */
  starts: Float64Array;
  reasons: Reasons;
}

/** A row without `id` is a capture without a round. */
const strays = '(count(*) - count(id))';

/** What every part is counted by, of an inner query with `id`, `capture_id`, `start_unix` and `is_open`. */
export function partColumns({ list }: Spelling): string {
  return `count(id) as rounds, count(capture_id) - ${strays} as linked, ${strays} as strays,
    count(start_unix) as started, ${list('case when is_open then id end')} as open_ids,
    ${list('start_unix')} as starts`;
}

/** What the database counted; of nothing it counted nothing. */
export function toPart(found: Found): Part {
  return {
    rounds: Number(found.rounds ?? 0),
    linked: Number(found.linked ?? 0),
    strays: Number(found.strays ?? 0),
    open: idsOf(found, 'open_ids'),
    // Here, while the database goes on: all parts together are nearly in order then.
    starts: sortNearlySorted(wholeNumbers(textOf(found, 'starts'), Number(found.started ?? 0))),
    reasons: reasonsOf(found),
  };
}

/** Of nothing it is 0. */
export const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);

/** All parts together: how many rounds there are, their captures, those of no round, and every start, ascending. */
export function joined(parts: readonly Part[]): Pick<Part, 'rounds' | 'linked' | 'strays' | 'starts'> {
  const starts = new Float64Array(sum(parts.map((part) => part.starts.length)));
  let at = 0;
  for (const part of parts) {
    starts.set(part.starts, at);
    at += part.starts.length;
  }
  return {
    rounds: sum(parts.map(({ rounds }) => rounds)),
    linked: sum(parts.map(({ linked }) => linked)),
    strays: sum(parts.map(({ strays }) => strays)),
    starts: sortNearlySorted(starts),
  };
}

/** How many rows are exempt in all for which reason. */
export const addedUp = (all: readonly Reasons[]): Reasons =>
  Object.fromEntries(
    exemptReasons.map((reason) => [reason, sum(all.map((reasons) => reasons[reason]))]),
  ) as Reasons;
