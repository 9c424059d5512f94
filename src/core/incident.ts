import type { Json } from './model.ts';
import type { Decision } from './situation.ts';
import type { Verdict } from './verdict.ts';

/** Every kind of ledger entry. One word per idea; a later version may add kinds, never change one. */
export const entryKinds = [
  'gap.found',
  'gap.changed',
  'gap.written_off',
  'gap.closed',
  'repair.started',
  'repair.done',
  'repair.refused',
  'repair.not_done',
  'repair.superseded',
  'revert.started',
  'revert.done',
  'revert.not_done',
  'incident.acknowledged',
  'incident.excused',
  'incident.held',
  'incident.resolved',
  'incident.released',
  'incident.noted',
  'incident.reopened',
  'place.unreadable',
  'place.readable',
  'plan.stopped',
  'alert.raised',
  'alert.urgent',
  'alert.recovered',
  'report.made',
  'ledger.restored',
] as const;
export type EntryKind = (typeof entryKinds)[number];

/** An entry as the fold reads it. */
export interface FoldEntry {
  seq: number;
  at: string;
  kind: string;
  source: string;
  key: string;
  body: Json;
}

/** What a person said, when, and why. */
export interface Said {
  by: string;
  at: string;
  reason: string;
}

/** A repair that was refused: why, at which write, and how often in a row. */
export interface Refusal {
  reason: string;
  /** Hash of the row changes. */
  hash: string;
  at: string;
  times: number;
}

/** The round of an incident, as it was last seen. */
export interface IncidentRound {
  roundId: number;
  matchId: string | null;
  map: string | null;
  number: number | null;
  date: string | null;
  time: string | null;
  playedAt: string | null;
  session: number | null;
}

/** One gap's story, folded from its ledger entries. */
export interface Incident {
  /** The seq of its first entry. */
  id: number;
  source: string;
  key: string;
  round: IncidentRound | null;
  status: 'open' | 'written_off' | 'closed';
  /** The last recorded verdict; null after a revert, until the next audit. */
  verdict: Verdict | null;
  reason: string | null;
  because: string;
  candidate: Json;
  /** The last proved `Cause`, or null. */
  cause: Json;
  openedAt: string;
  /** When and how it was closed. */
  closed: { at: string; as: 'covered' | 'exempt' | 'vanished'; by: 'pipeline' | 'repair' | null } | null;
  held: Said | null;
  excused: Said | null;
  acknowledged: Said | null;
  resolution: Decision['resolution'];
  releases: number[];
  /** Copies kept of the artifacts that its verdicts rested on. */
  artifacts: { path: string; sha256: string }[];
  /** The `repair.started` entries that touched it. */
  repairs: number[];
  /** The last refusal of the same repair, and how often in a row. */
  refusal: Refusal | null;
  /** The candidates that were seen with the last verdict. */
  seen: string[];
  notes: number;
  lastSeq: number;
}

/** The names of the candidates that were looked at, sorted. */
export function seenNames(seen: Json | undefined): string[] {
  const all = (seen ?? []) as { captureId: number | null; sha256: string | null; path: string | null }[];
  return all.map(({ captureId, sha256, path }) => String(captureId ?? sha256 ?? path)).sort();
}

/** Open: something is left to do, and nobody has excused or held it (DESIGN, "Open"). */
export function isOpenIncident(incident: Incident): boolean {
  return incident.status === 'open' && incident.excused === null && incident.held === null;
}

/** Which incidents people ask for: those with something to do, those that are not closed, all. */
export type IncidentStatus = 'open' | 'unclosed' | 'all';

/** Whether an incident is among those that are asked for; a held one waits for people, and always is. */
export const isAskedFor: Record<IncidentStatus, (incident: Incident) => boolean> = {
  open: (incident) => isOpenIncident(incident) || incident.held !== null,
  unclosed: ({ status, held }) => status !== 'closed' || held !== null,
  all: () => true,
};

/** What an incident decides about the next audit. */
export function decisionOfIncident(incident: Incident): Decision {
  return {
    held: incident.held !== null,
    resolution: incident.resolution,
    releases: incident.releases,
    writtenOff: incident.status === 'written_off',
  };
}

/** An entry stands for ever and is read by people: what is longer, of a reason or of who says so, is refused. Characters. */
export const longestReason = 2_000;
export const longestName = 80;
