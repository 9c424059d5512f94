import type { DayPoint } from '../../reports/model.ts';
import type { Coverage } from '../core/coverage.ts';
import type { EntryKind, FoldEntry, Incident, IncidentStatus } from '../core/incident.ts';
import type { LogQuote } from '../core/log-event.ts';
import type { Place, Row } from '../core/model.ts';
import type { Assessment, SeenCandidate, Verdict } from '../core/verdict.ts';

/** A run of the auditor as the pages show it. Times are UTC, ISO 8601. */
export interface RunLine {
  id: string;
  command: string;
  startedAt: string;
  finishedAt: string | null;
  state: 'running' | 'finished' | 'failed';
  exitCode: number | null;
  error: string | null;
}

export interface Outbox {
  queued: number;
  sent: number;
  dead: number;
  oldestQueuedAt: string | null;
}

/** How many rounds were in which state, days of the server, today included. */
export interface Figures {
  /** Of the last 14 days. */
  coverage: Coverage;
  /** Of the last 30 days, oldest first. */
  series: readonly DayPoint[];
  /** Sums of these that do not hold. Anything here is a defect, and the page says so before all else. */
  discrepancies: readonly string[];
}

/** What the first page shows. */
export interface Overview {
  source: string;
  zone: string;
  /** UTC, ISO 8601. */
  now: string;
  lastAudit: RunLine | null;
  /** The last runs of every command, the last one first. */
  runs: readonly RunLine[];
  open: readonly Incident[];
  /** Null where the source cannot be read: what the ledger knows is shown all the same. */
  figures: Figures | null;
  /** Why there are none. */
  whyNoFigures: string | null;
  unreadablePlaces: readonly { place: string; since: string; why: string }[];
  outbox: Outbox;
  deadLetters: readonly { channel: string; key: string; why: string }[];
  head: { seq: number; hash: string } | null;
}

/** Which incidents a page shows. What is null restricts nothing. */
export interface IncidentFilter {
  /** `open`: those that leave something to do; `unclosed`: also held, excused and written off ones; `all`. */
  status: IncidentStatus;
  verdict: Verdict | null;
  cause: string | null;
  /** Part of the map's name, whatever its case. */
  map: string | null;
  /** Day of the server, `YYYY-MM-DD`. */
  day: string | null;
  /** The first day of the server that is shown, `YYYY-MM-DD`. */
  since: string | null;
  /** The id of the round, in `rounds`. */
  round: number | null;
  /** 1 for the first page. */
  page: number;
}

export interface IncidentPage {
  incidents: readonly Incident[];
  /** How many the filter admits in all. */
  total: number;
  pageSize: number;
}

/** A triage packet, with the names of its files. */
export interface PacketView {
  /** The name of its folder in DATA_DIR/packets. */
  folder: string;
  files: readonly string[];
}

/** Everything about one incident. */
export interface IncidentView {
  incident: Incident;
  /** As the rules judge its round at this moment; null where its row is gone or the source cannot be read. */
  now: Omit<Assessment, 'want' | 'seen'> | null;
  /** Why `now` is null. */
  whyNotNow: string | null;
  /** Those that the round is judged by now, and otherwise those of the last entry. */
  candidates: readonly SeenCandidate[];
  places: readonly Place[];
  /** The rows around it, whole; null where the source cannot be read. */
  rows: { rounds: Row[]; captures: Row[]; spawns: Row[] } | null;
  /** Log lines a quarter of an hour around it, besides those of its cause. */
  logLines: { bot: readonly LogQuote[]; console: readonly LogQuote[] };
  /** Oldest first. */
  entries: readonly FoldEntry[];
  packet: PacketView | null;
}

/** An entry with the hashes that hold it in its place, and the incidents of this source that it speaks of. */
export type ChainedEntry = FoldEntry & { prevHash: string; hash: string; incidents: readonly number[] };

export interface LedgerPage {
  /** Newest first. */
  entries: readonly ChainedEntry[];
  head: { seq: number; hash: string } | null;
  /** The lowest seq shown, where older ones are there; ask for `before` it. */
  before: number | null;
}

/** What `ledger verify` says, with a sentence for each row that is not intact. */
export interface VerifyView {
  count: number;
  head: { seq: number; hash: string };
  problems: readonly { seq: number | null; what: string }[];
  anchors: readonly { seq: number; ok: boolean; why: string | null }[];
  /** Null where the source was not asked. */
  rows: Record<'intact' | 'overwritten' | 'changed' | 'deleted', number> | null;
}

/** A report that lies in DATA_DIR/reports. */
export interface ReportListing {
  /** Its path below DATA_DIR/reports without the ending, such as `production/2026-02-16`. */
  name: string;
  title: string;
  state: string;
  /** The endings of its files, such as `html`. */
  formats: readonly string[];
}

/** What a person decides on a page. */
export type WebDecision =
  | { kind: 'acknowledge' | 'note' | 'reopen' | 'hold' | 'excuse'; reason: string }
  | { kind: 'resolve'; candidate: string; reason: string };

/** The entry that each decision writes. */
export const decisionEntries = {
  resolve: 'incident.resolved',
  note: 'incident.noted',
  acknowledge: 'incident.acknowledged',
  excuse: 'incident.excused',
  hold: 'incident.held',
  reopen: 'incident.reopened',
} as const satisfies Record<WebDecision['kind'], EntryKind>;

/** What `/metrics` measures. */
export interface Measurements {
  /** Of the last 14 days, by number; null where the source cannot be read. */
  coverage: { r1: Coverage; r2: Coverage } | null;
  openByVerdict: Record<string, number>;
  lastAudit: RunLine | null;
  outbox: Outbox;
  ledgerSeq: number;
}

/**
 * What the pages may ask, and what they may have done: nothing else can be reached through them. `jobs/` gives
 * it, because the answers are made of several shells.
 */
export interface Desk {
  overview(): Promise<Overview>;
  incidents(filter: IncidentFilter): Promise<IncidentPage>;
  /** Null where there is no such incident. */
  incident(id: number): Promise<IncidentView | null>;
  /** Writes a decision into the ledger, with who said so. Throws a UsageError where it cannot be decided so. */
  decide(id: number, decision: WebDecision, by: string): Promise<void>;
  /** One file of a packet; null where there is none, or the name leads elsewhere. */
  packetFile(folder: string, file: string): Promise<Uint8Array | null>;
  /** Up to 100 entries, the newest first; `before` is a seq. */
  ledger(page: { before: number | null; kind: string | null }): Promise<LedgerPage>;
  /** `anchor` is a head seen outside, as text. Throws a UsageError where it is none. */
  verify(anchor: string | null): Promise<VerifyView>;
  /** Every entry as NDJSON, line by line. */
  exportLedger(): AsyncIterable<string>;
  reports(): Promise<readonly ReportListing[]>;
  /** One file of a report; null where there is none, or the name leads elsewhere. */
  reportFile(name: string, format: string): Promise<Uint8Array | null>;
  measurements(): Promise<Measurements>;
  /** Whether the ledger answers, and when the last audit ended. Does not throw. */
  health(): Promise<{ ok: boolean; lastAuditAt: string | null }>;
}
