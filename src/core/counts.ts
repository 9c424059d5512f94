import { type ExemptReason, exemptReasons } from './expected.ts';
import { type Assessment, type Verdict, verdicts } from './verdict.ts';

/** How many rows had which verdict; every row that was read is counted once. */
export type Counts = Record<Verdict, number> & { exempt: Record<ExemptReason, number> };

/** Counts of nothing. */
export function noCounts(): Counts {
  const byVerdict = Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  const exempt = Object.fromEntries(exemptReasons.map((reason) => [reason, 0])) as Record<
    ExemptReason,
    number
  >;
  return { ...byVerdict, exempt };
}

/** Counts assessments; a row that is neither exempt nor has a verdict is not counted, so that the sum shows it. */
export function count(assessments: readonly Assessment[]): Counts {
  const counts = noCounts();
  for (const { exempt, verdict } of assessments) {
    if (exempt !== null) counts.exempt[exempt] += 1;
    else if (verdict !== null) counts[verdict] += 1;
  }
  return counts;
}

/** All rows that the counts speak of. */
export function total(counts: Counts): number {
  const byVerdict = verdicts.reduce((sum, verdict) => sum + counts[verdict], 0);
  return byVerdict + exemptReasons.reduce((sum, reason) => sum + counts.exempt[reason], 0);
}

/** Rounds that should have a capture. */
export function expectedCount(counts: Counts): number {
  return verdicts.reduce((sum, verdict) => sum + counts[verdict], 0);
}

/** Throws unless the counts speak of every row that was read, once (DESIGN, "What must always add up"). */
export function assertAddsUp(rowsRead: number, counts: Counts, when: string): void {
  const sum = total(counts);
  if (sum !== rowsRead)
    throw new Error(
      `the counts ${when} do not add up: ${rowsRead} rows read, ${sum} counted (${JSON.stringify(counts)})`,
    );
}

/** Counts with what was counted elsewhere, without an assessment for each row. */
export function withCounted(
  counts: Counts,
  counted: { covered: number; exempt: Record<ExemptReason, number> },
): Counts {
  const exempt = exemptReasons.map((reason) => [reason, counts.exempt[reason] + counted.exempt[reason]]);
  return {
    ...counts,
    covered: counts.covered + counted.covered,
    exempt: Object.fromEntries(exempt) as Counts['exempt'],
  };
}
