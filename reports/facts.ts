import type { CoverageRow } from '../src/core/coverage.ts';
import type { DuplicateIngestion } from '../src/core/duplicates.ts';
import type { Incident } from '../src/core/incident.ts';
import type { RepairSummary } from '../src/core/plan.ts';
import type { Report } from './model.ts';

/** A repair that the ledger says was done. */
export interface DoneRepair {
  summary: RepairSummary;
  /** The seq of its `repair.started`. */
  entry: number;
  at: string;
  reverted: boolean;
}

/** Everything that a report is made of, as it was read. */
export interface ReportFacts {
  source: string;
  zone: string;
  window: Report['window'];
  asOf: string;
  /** The rows of the window, of the days before it that it is compared with, and those of no day. */
  rows: readonly CoverageRow[];
  /** How many rows the source counts on the days, or in the session, of the window. */
  countedRows: number;
  /** By key: of every row, of earlier rounds that are spoken of, and of repaired ones. */
  incidents: ReadonlyMap<string, Incident>;
  /** By key: the folders of triage packets, below DATA_DIR. */
  packets: ReadonlyMap<string, string>;
  /** When the audits began that were finished in the window or on the day after it; unix seconds. */
  auditStarts: readonly number[];
  /** Earlier rounds that were written off in the window, and those that are still open. */
  writtenOffEarlier: readonly Incident[];
  openEarlier: readonly Incident[];
  /** Of rounds of the window, and those made in it; oldest first. */
  repairs: readonly DoneRepair[];
  duplicates: readonly DuplicateIngestion[];
  auditor: Report['auditor'];
  ledger: Report['ledger'];
  checkpoint: Report['checkpoint'];
}
