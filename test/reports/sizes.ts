import { readFileSync } from 'node:fs';
import { type NamedCoverage, type Report, type ReportException, reportSchema } from '../../reports/model.ts';
import { causeCodes } from '../../src/core/cause.ts';
import type { Coverage } from '../../src/core/coverage.ts';
import { flags } from '../../src/core/verdict.ts';

/** How large a report is, in everything that it says. */
export interface Sizes {
  /** Stands for every text of the outside. */
  text: string;
  /** Groups of exceptions in each list, and sessions. */
  groups: number;
  /** Rounds of each of them, and what every other list holds. */
  rows: number;
  /** Stands for every number. */
  number: number;
}

/** The report of one day of February, as its golden file has it. */
export function goldenReport(day: string): Report {
  const file = new URL(`../fixtures/reports/${day}.json`, import.meta.url);
  return reportSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** So many of what `of` makes of their numbers, from 0. */
export const many = <T>(count: number, of: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => of(at));

const calm = goldenReport('2026-02-16');

/** The same counts, each of them this number. */
function coverageOf(number: number): Coverage {
  const set = (_: string, value: unknown) => (typeof value === 'number' ? number : value);
  return JSON.parse(JSON.stringify(calm.coverage), set) as Coverage;
}

const namesOf = ({ text, number }: Sizes) => ({
  ...{ roundId: number, matchId: text, map: text, number, session: number, played: text },
});

const linesOf = ({ text, rows, number }: Sizes) => many(rows, () => ({ file: text, line: number, text }));

/** Groups of one reason each, in which no sentence of a round is that of another. */
function exceptionsOf(sizes: Sizes): ReportException[] {
  const { text, groups, rows, number } = sizes;
  const [names, evidence] = [namesOf(sizes), linesOf(sizes)];
  const exception = (group: number, row: number): ReportException => ({
    ...{
      ...names,
      verdict: 'recoverable',
      reason: `${group}`,
      because: `${row}${text}`,
      setAside: 'excused',
    },
    ...{ incident: number, packet: text },
    cause: { code: 'never_received', also: [...causeCodes], because: `${row}${text}`, evidence },
  });
  return many(groups, (group) => many(rows, (row) => exception(group, row))).flat();
}

function sessionsOf(sizes: Sizes): Report['sessions'] {
  const { text, groups, rows, number } = sizes;
  const line: Report['sessions'][number]['rounds'][number] = {
    ...{ ...namesOf(sizes), state: 'open', verdict: 'recoverable', cause: 'never_received' },
    ...{ flags: [...flags], moduleVersion: text, waitsUntil: text },
  };
  return many(groups, () => ({
    ...{ session: number, coverage: coverageOf(number), rounds: many(rows, () => line) },
  }));
}

function splitsOf({ text, rows, number }: Sizes): Report['splits'] {
  const named = (name: string): NamedCoverage => ({ name, coverage: coverageOf(number) });
  const parts = many(rows, (row) => named(`${row}${text}`));
  return {
    ...{ number: ['R1', 'R2'].map(named), map: parts, session: parts, moduleVersion: parts },
    cause: causeCodes.map(named),
  };
}

function auditorOf({ text, rows, number }: Sizes): Report['auditor'] {
  const at = calm.asOf;
  return {
    ...{ lastAuditAt: at, runs: { expected: number, finished: number, failed: number } },
    ...{ blindSeconds: number, longestBlind: { from: at, to: at } },
    unreadablePlaces: many(rows, () => ({ place: text, since: at, why: text })),
    outbox: { queued: number, sent: number, dead: number, oldestQueuedAt: at },
    deadLetters: many(rows, () => ({ channel: text, key: text, why: text })),
  };
}

function repairsOf(sizes: Sizes): Pick<Report, 'repairs' | 'duplicates'> {
  const { text, rows, number } = sizes;
  const what = { kind: 'complete' as const, from: text, sha256: text, deltaSeconds: number };
  const entry = { at: calm.asOf, entry: number, reverted: true };
  const lines = linesOf(sizes);
  return {
    repairs: many(rows, () => ({ ...namesOf(sizes), ...what, ...entry })),
    duplicates: many(rows, () => ({ map: text, number, received: number, stored: number, lines })),
  };
}

/** A report in which every list, every text and every number has these sizes. */
export function reportOfSizes(sizes: Sizes): Report {
  const { text, rows, number } = sizes;
  const [coverage, exceptions] = [coverageOf(number), exceptionsOf(sizes)];
  const share = { expected: number, live: number };
  const delay = { rounds: number, medianSeconds: number, longestSeconds: number };
  const rescued = { rounds: number, minutes: number };
  const point = { coverage, r1: share, r2: share, missingR2: many(rows, () => number), unlikely: true };
  return {
    ...calm,
    ...{ source: text, zone: text, title: text, discrepancies: many(rows, () => text), coverage },
    ...{ exceptions, earlier: { writtenOff: exceptions, open: exceptions } },
    ...{ sessions: sessionsOf(sizes), splits: splitsOf(sizes), ...repairsOf(sizes) },
    series: calm.series.map(({ day }) => ({ day, ...point })),
    ...{ last14: coverage, last30: coverage, rescued, rescued30: rescued },
    r2: { state: 'unlikely', day: share, history: share, probability: 0.0034 },
    delays: { detection: delay, repair: delay },
    auditor: auditorOf(sizes),
    ledger: { seq: number, hash: text },
    // A longer one is left out.
    checkpoint: { note: text.slice(0, 1_000), problem: text },
  };
}
