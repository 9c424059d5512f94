import type { LogEvent } from '../core/log-event.ts';
import { candidateNumber } from '../core/names.ts';
import { masked } from './mask.ts';

/** What a parser makes of one line; where the line stands is known to whoever reads the file. */
export type LineEvent = Pick<LogEvent, 'log' | 'kind' | 'at' | 'endUnix' | 'map' | 'number' | 'subject'> & {
  text: string;
};

/** What a line names: a round as `<map> R<n>`, and something else. */
export interface Naming {
  map: string | null;
  number: 1 | 2 | null;
  subject: string | null;
}

export const namesNothing: Naming = { map: null, number: null, subject: null };

/** A map and a number that a line spells out. */
export function roundNaming(map: string | undefined, number: string | undefined): Naming {
  if (map === undefined || number === undefined) return namesNothing;
  return { map: map.trim(), number: candidateNumber(Number(number)), subject: null };
}

/** What a line names, as it may be stored: PostgreSQL takes no NUL, and a name may be as long as its line. */
export function storable(naming: Naming): Naming {
  const { map, number, subject } = naming;
  return { map: map && masked(map), number, subject: subject && masked(subject) };
}
