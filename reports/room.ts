import { cutMiddle, oneLine } from '../src/core/harmless.ts';
import type { Report } from './model.ts';

/** How much of a report a page shows. */
export interface Room {
  /** Rounds of a group, rows of a table, items of a list, lines of a quotation. */
  rows: number;
  /** Groups of one list, and sessions. */
  groups: number;
  /** Groups that show the log lines of their first round. */
  evidence: number;
  /** UTF-16 units of one text. */
  letters: number;
}

/** From all to little: the last one is so small that a page in it stays below 100 kB whatever there is to say. */
export const rooms: readonly Room[] = [
  { rows: 200, groups: 40, evidence: 8, letters: 600 },
  { rows: 60, groups: 20, evidence: 4, letters: 600 },
  { rows: 30, groups: 10, evidence: 2, letters: 600 },
  { rows: 12, groups: 6, evidence: 0, letters: 300 },
  { rows: 6, groups: 3, evidence: 0, letters: 200 },
  { rows: 2, groups: 1, evidence: 0, letters: 100 },
];

/** The game itself knows no longer path (MAX_QPATH). */
const mostOfName = 64;

/** So many UTF-16 units these texts have in every room. */
const mostOf: Record<string, number> = {
  title: 400,
  map: mostOfName,
  name: mostOfName,
  matchId: mostOfName,
  moduleVersion: mostOfName,
  played: mostOfName,
  waitsUntil: mostOfName,
};

/**
 * The same report, each of its texts on one line, and cut in the middle where it is too long for the room. Only the
 * signed checkpoint stays as it is: cut, it would be worth nothing.
 */
export function inRoom(report: Report, { letters }: Room): Report {
  const cut = (key: string, value: unknown) =>
    typeof value === 'string' && key !== 'note' ? cutMiddle(oneLine(value), mostOf[key] ?? letters) : value;
  return JSON.parse(JSON.stringify(report), cut) as Report;
}
