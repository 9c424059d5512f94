import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import type { Place } from '../src/core/model.ts';
import { messageOf } from '../src/errors.ts';
import type { Ledger } from '../src/ledger/ledger.ts';

/** What a check is about; the table is grouped by it, in this order. */
export const areas = [
  'configuration',
  'source',
  'ledger',
  'directories',
  'logs',
  'clock',
  'alerts',
  'hosts',
  'pipeline',
] as const;
export type Area = (typeof areas)[number];

/** The acceptance criteria of the February work (DOMAIN, section 6). */
export const acceptanceAreas: ReadonlySet<Area> = new Set<Area>(['hosts', 'pipeline']);

/** A note says what is true here and cannot be judged from here: it is neither good nor bad. */
export type CheckState = 'ok' | 'note' | 'problem' | 'warning' | 'unchecked';

/** One line of the report: what was looked at, what it came to, and what to do about it. */
export interface Check {
  area: Area;
  name: string;
  state: CheckState;
  what: string;
  /** What to do; null where there is nothing to do. */
  mend: string | null;
}

/** The checks of one area, one function for each state. */
export function checksOf(area: Area) {
  const made = (state: CheckState) => (name: string, what: string, mend: string | null) =>
    ({ area, name, state, what, mend }) satisfies Check;
  return {
    ok: (name: string, what: string): Check => made('ok')(name, what, null),
    note: made('note'),
    problem: made('problem'),
    warning: made('warning'),
    unchecked: made('unchecked'),
  };
}

const mendIt = 'mend what the message names, then run `roundwarden doctor` again';

/** Runs one check, or several, by itself: what it throws is a line under its name, and takes no other check with it. */
export async function alone(
  area: Area,
  name: string,
  work: () => Promise<Check | readonly Check[]>,
): Promise<Check[]> {
  try {
    return [await work()].flat();
  } catch (thrown) {
    return [checksOf(area).unchecked(name, messageOf(thrown), mendIt)];
  }
}

/** What every check is given. What could not be opened is null: its own line says why, and no other repeats it. */
export interface Examination {
  config: Config;
  nowMs: number;
  acceptance: boolean;
  source: Source | null;
  ledger: Ledger | null;
  places: readonly Place[];
  /** The latest file time of a round that is not in the future, unix seconds; null where none is known. */
  playedUnix: number | null;
}

/** An instant for people. */
export const utcTime = (milliseconds: number) => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
