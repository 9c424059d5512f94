import type { CoverageRow } from './coverage.ts';

/** How long something took, over some rounds. */
export interface Delay {
  rounds: number;
  medianSeconds: number;
  longestSeconds: number;
}

function delayOf(seconds: readonly number[]): Delay | null {
  if (seconds.length === 0) return null;
  const sorted = [...seconds].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const medianSeconds = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { rounds: sorted.length, medianSeconds, longestSeconds: sorted.at(-1)! };
}

/** From the end of each gap's round to its first entry in the ledger, and to the repair that closed it. */
export function delaysOf(rows: readonly CoverageRow[]): { detection: Delay | null; repair: Delay | null } {
  const since = (unixOf: (row: CoverageRow) => number | null) =>
    rows.flatMap((row) => {
      const unix = unixOf(row);
      return unix === null || row.playedUnix === null ? [] : [Math.max(0, unix - row.playedUnix)];
    });
  return {
    detection: delayOf(since(({ detectedUnix }) => detectedUnix)),
    repair: delayOf(since(({ repairedUnix }) => repairedUnix)),
  };
}

/** The rounds that are covered by a repair, and the minutes of play that would be missing without it. */
export function rescuedOf(rows: readonly CoverageRow[]): { rounds: number; minutes: number } {
  const repaired = rows.filter(({ verdict, by }) => verdict === 'covered' && by === 'repair');
  const seconds = repaired.reduce((sum, { round }) => sum + (round.timing.durationSeconds ?? 0), 0);
  return { rounds: repaired.length, minutes: Math.round(seconds / 6) / 10 };
}
