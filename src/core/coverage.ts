import type { CauseCode } from './cause.ts';
import { type ExemptReason, exemptReasons } from './expected.ts';
import type { Round } from './model.ts';
import { type Flag, openVerdicts, type Verdict } from './verdict.ts';

/** The verdicts that leave something to do, in the order in which people want to see them. */
export const openOrder = [
  'ambiguous',
  'conflict',
  'damaged',
  'unchecked',
  'recoverable',
  'relinkable',
  'missing',
] as const satisfies readonly Verdict[];
export type OpenVerdict = (typeof openOrder)[number];

/** What a report knows of one row: what the source says now, and what the ledger says of it. */
export interface CoverageRow {
  round: Round;
  key: string;
  /** File time, unix seconds; null where it cannot be read. */
  playedUnix: number | null;
  /** Set on rows that are not expected; they have no verdict. */
  exempt: ExemptReason | null;
  verdict: Verdict | null;
  /** So long the live pipeline goes first, unix seconds, half-open; null where its time cannot be read. */
  waits: { fromUnix: number; untilUnix: number } | null;
  /** Who covered a covered round: the live pipeline, or a repair. */
  by: 'pipeline' | 'repair' | null;
  /** A person excused or held its gap, so that it is not open. */
  setAside: 'excused' | 'held' | null;
  /** A person excused its gap, whatever became of it since: of its day it is known what went wrong. */
  wasExcused: boolean;
  /** Why the pipeline missed it, also where it was repaired since. */
  cause: CauseCode | null;
  /** Of the capture; where there is none, of the captures before and after it on its day, if they agree. */
  moduleVersion: string | null;
  /** Remarks that need no artifact to be seen. */
  flags: readonly Flag[];
  /** When its gap was first written down, and when a repair closed it; unix seconds. */
  detectedUnix: number | null;
  repairedUnix: number | null;
}

/**
 * How many rows are in which state, each counted once:
 * `rows = exempt + live + repaired + pending + open + setAside + lost` (DESIGN, "What must always add up").
 */
export interface Coverage {
  rows: number;
  exempt: Record<ExemptReason, number>;
  /** Covered by the live pipeline, and by a repair. */
  live: number;
  repaired: number;
  pending: number;
  open: Record<OpenVerdict, number>;
  /** Excused or held by a person, and neither covered nor lost. */
  setAside: number;
  lost: number;
}

const zero = <K extends string>(names: readonly K[]) =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, one) => all + one, 0);

const isOpenVerdict = (verdict: Verdict): verdict is OpenVerdict => openVerdicts.has(verdict);

/** The state in which a row is counted; null for one that is in none, so that the sum shows it. */
export type RowState = 'exempt' | 'live' | 'repaired' | 'pending' | 'open' | 'setAside' | 'lost';

export function stateOf(row: Pick<CoverageRow, 'exempt' | 'verdict' | 'by' | 'setAside'>): RowState | null {
  const { exempt, verdict, by, setAside } = row;
  if (exempt !== null) return 'exempt';
  if (verdict === null) return null;
  if (verdict === 'covered') return by === 'repair' ? 'repaired' : 'live';
  if (verdict === 'pending' || verdict === 'lost') return verdict;
  return setAside === null ? 'open' : 'setAside';
}

/** Counts rows. A row that is in no state is counted among `rows` only. */
export function coverageOf(rows: readonly CoverageRow[]): Coverage {
  const coverage: Coverage = {
    rows: rows.length,
    exempt: zero(exemptReasons),
    live: 0,
    repaired: 0,
    pending: 0,
    open: zero(openOrder),
    setAside: 0,
    lost: 0,
  };
  for (const row of rows) {
    const state = stateOf(row);
    if (state === 'exempt') coverage.exempt[row.exempt!] += 1;
    else if (state === 'open' && isOpenVerdict(row.verdict!)) coverage.open[row.verdict] += 1;
    else if (state !== null && state !== 'open') coverage[state] += 1;
  }
  return coverage;
}

function added<K extends string>(a: Record<K, number>, b: Record<K, number>): Record<K, number> {
  const names = Object.keys(a) as K[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as Record<K, number>;
}

function addedTo(a: Coverage, b: Coverage): Coverage {
  return {
    rows: a.rows + b.rows,
    exempt: added(a.exempt, b.exempt),
    live: a.live + b.live,
    repaired: a.repaired + b.repaired,
    pending: a.pending + b.pending,
    open: added(a.open, b.open),
    setAside: a.setAside + b.setAside,
    lost: a.lost + b.lost,
  };
}

/** The counts of several parts together. */
export function coverageSum(parts: readonly Coverage[]): Coverage {
  return parts.reduce(addedTo, coverageOf([]));
}

/** Rows that are not expected to have a capture. */
export const exemptTotal = ({ exempt }: Coverage) => sum(exempt);
/** Gaps that leave something to do. */
export const openTotal = ({ open }: Coverage) => sum(open);
/** Covered, by whom ever. */
export const coveredTotal = ({ live, repaired }: Coverage) => live + repaired;
/** Rounds that should have a capture. */
export function expectedTotal(coverage: Coverage): number {
  const { pending, setAside, lost } = coverage;
  return coveredTotal(coverage) + pending + openTotal(coverage) + setAside + lost;
}
/** Expected rounds without a capture, the live pipeline having had its time. */
export function missingTotal(coverage: Coverage): number {
  return openTotal(coverage) + coverage.setAside + coverage.lost;
}

/** True where every row is counted in exactly one state. */
export function addsUp(coverage: Coverage): boolean {
  return coverage.rows === exemptTotal(coverage) + expectedTotal(coverage);
}

/** Those of some counts, each with its name, that do not add up; in sentences. */
export function unevenSums(counts: readonly (readonly [name: string, coverage: Coverage])[]): string[] {
  return counts
    .filter(([, coverage]) => !addsUp(coverage))
    .map(([name, { rows }]) => `${name}: ${rows} rows, and another sum of their states`);
}
