import {
  type EntryKind,
  type FoldEntry,
  type Incident,
  type IncidentRound,
  type Said,
  seenNames,
} from './incident.ts';
import type { Json } from './model.ts';
import type { Decision } from './situation.ts';
import type { Verdict } from './verdict.ts';

type Body = { [key: string]: Json };

const bodyOf = (entry: FoldEntry) => (entry.body ?? {}) as Body;

/** Its names, and those of what it holds, stand in the order in which they are spelled: so that is done as it is. */
function newIncident(entry: FoldEntry, key: string): Incident {
  return {
    acknowledged: null,
    artifacts: [],
    because: '',
    candidate: null,
    cause: null,
    closed: null,
    excused: null,
    held: null,
    id: entry.seq,
    key,
    lastSeq: entry.seq,
    notes: 0,
    openedAt: entry.at,
    reason: null,
    refusal: null,
    releases: [],
    repairs: [],
    resolution: null,
    round: null,
    seen: [],
    source: entry.source,
    status: 'closed',
    verdict: null,
  };
}

function withArtifacts(known: Incident['artifacts'], found: Json | undefined): Incident['artifacts'] {
  const more = (found ?? []) as Incident['artifacts'];
  const shas = new Set(known.map((artifact) => artifact.sha256));
  return [...known, ...more.filter((artifact) => !shas.has(artifact.sha256))];
}

/** A gap as the audit saw it. Closed incidents open again; acknowledged ones speak up when the verdict changes. */
function seen(incident: Incident, entry: FoldEntry, status: Incident['status']): Incident {
  const body = bodyOf(entry);
  const verdict = body.verdict as Verdict;
  const reopened = incident.status === 'closed';
  return {
    ...incident,
    round: body.round as unknown as IncidentRound,
    status,
    openedAt: reopened ? entry.at : incident.openedAt,
    closed: null,
    verdict,
    reason: body.reason as string,
    because: body.because as string,
    candidate: body.candidate ?? null,
    cause: body.cause ?? null,
    artifacts: withArtifacts(incident.artifacts, body.artifacts),
    seen: seenNames(body.seen),
    acknowledged: verdict === incident.verdict ? incident.acknowledged : null,
  };
}

function closed(incident: Incident, how: NonNullable<Incident['closed']>): Incident {
  // The live pipeline's own capture ends a hold (DESIGN, Undoable), and makes a person's choice moot.
  const byPipeline = how.by === 'pipeline';
  return {
    ...incident,
    status: 'closed',
    closed: how,
    held: byPipeline ? null : incident.held,
    resolution: byPipeline ? null : incident.resolution,
    acknowledged: null,
    releases: [],
  };
}

const said = (entry: FoldEntry): Said => {
  const { by, reason } = bodyOf(entry);
  return { at: entry.at, by: String(by ?? ''), reason: String(reason ?? '') };
};

function repaired(incident: Incident, entry: FoldEntry): Incident {
  const started = bodyOf(entry).started as number;
  const done = { ...incident, repairs: [...incident.repairs, started] };
  const how = { as: 'covered', at: entry.at, by: 'repair' } as const;
  return { ...closed(done, how), verdict: 'covered', round: incident.round, refusal: null };
}

function refused(incident: Incident, entry: FoldEntry): Incident {
  const { reason, hash } = bodyOf(entry) as { reason: string; hash: string };
  const before = incident.refusal;
  const again = before !== null && before.hash === hash && before.reason === reason;
  const times = again ? before.times + 1 : 1;
  return { ...incident, refusal: { at: entry.at, hash, reason, times } };
}

/** What a covered round lacked was filled: it was no gap before, and is none afterwards. */
function onlyCompleted(incident: Incident, entry: FoldEntry): boolean {
  const repairs = (bodyOf(entry).repairs ?? []) as { incident: string; kind: string }[];
  return repairs.some((repair) => repair.incident === incident.key && repair.kind === 'complete');
}

/** A reverted repair leaves the gap open and held (DESIGN, Undoable). */
function reverted(incident: Incident, entry: FoldEntry): Incident {
  const repairs = incident.repairs.filter((started) => started !== bodyOf(entry).reverts);
  const { by, reason } = said(entry);
  const held = { at: entry.at, by, reason: reason === '' ? 'its repair was reverted' : reason };
  if (onlyCompleted(incident, entry)) return { ...incident, held };
  return {
    ...incident,
    repairs,
    status: 'open',
    verdict: null,
    reason: 'reverted',
    because: 'its repair was reverted',
    closed: null,
    held,
  };
}

type Step = (incident: Incident, entry: FoldEntry) => Incident;

const steps: Partial<Record<EntryKind, Step>> = {
  'gap.found': (incident, entry) => seen(incident, entry, 'open'),
  // Why a round was lost may come out later; it is written off all the same.
  'gap.changed': (incident, entry) =>
    seen(
      incident,
      entry,
      incident.status === 'written_off' && bodyOf(entry).verdict === 'lost' ? 'written_off' : 'open',
    ),
  'gap.written_off': (incident, entry) => seen(incident, entry, 'written_off'),
  'gap.closed': (incident, entry) => {
    const as = bodyOf(entry).as as 'covered' | 'exempt' | 'vanished';
    return closed(incident, { as, at: entry.at, by: as === 'covered' ? 'pipeline' : null });
  },
  'repair.done': repaired,
  'repair.refused': refused,
  'revert.done': reverted,
  'incident.acknowledged': (incident, entry) => ({ ...incident, acknowledged: said(entry) }),
  'incident.excused': (incident, entry) => ({ ...incident, excused: said(entry) }),
  'incident.held': (incident, entry) => ({ ...incident, held: said(entry) }),
  'incident.resolved': (incident, entry) => ({
    ...incident,
    resolution: bodyOf(entry).resolution as unknown as Decision['resolution'],
  }),
  'incident.released': (incident, entry) => ({
    ...incident,
    releases: [...new Set([...incident.releases, bodyOf(entry).captureId as number])],
  }),
  'incident.noted': (incident) => ({ ...incident, notes: incident.notes + 1 }),
  'incident.reopened': (incident) => ({
    ...incident,
    held: null,
    excused: null,
    acknowledged: null,
    resolution: null,
    releases: [],
    refusal: null,
    // A person wants it looked at again: the next audit judges it anew, and may write it off anew.
    status: incident.status === 'written_off' ? 'open' : incident.status,
  }),
};

/** The incidents that an entry speaks of; a repair group speaks of several. */
export function affectedIncidents(entry: FoldEntry): string[] {
  const { incidents } = bodyOf(entry);
  if (Array.isArray(incidents)) return incidents as string[];
  return steps[entry.kind as EntryKind] === undefined ? [] : [entry.key];
}

/** Folds one entry into an incident's story. Pure: the same entries always tell the same story. */
export function foldIncident(before: Incident | null, entry: FoldEntry, key: string): Incident {
  const incident = before ?? newIncident(entry, key);
  const step = steps[entry.kind as EntryKind];
  if (step === undefined) return { ...incident, lastSeq: entry.seq };
  // What a step answers with is a copy that nobody else has, and need not be copied again.
  return Object.assign(step(incident, entry), { lastSeq: entry.seq });
}

const gap = {
  reads: new Set(['artifacts', 'incidents', 'reason', 'seen', 'verdict']),
  passes: new Set(['because', 'candidate', 'cause', 'round']),
};
const folded: Partial<Record<EntryKind, { reads: ReadonlySet<string>; passes: ReadonlySet<string> }>> = {
  'gap.found': gap,
  'gap.changed': gap,
  'gap.written_off': gap,
  'repair.started': { reads: new Set(['incidents']), passes: new Set() },
  'repair.done': { reads: new Set(['incidents', 'started']), passes: new Set() },
};

/**
 * Which members of a body of that kind a story looks at, and which it takes over whole. It asks for no other: most of
 * the text of a ledger, the rows that repairs change, need not be read to tell it. Null for kinds of which there are few.
 */
export const foldedMembers = (kind: string) => folded[kind as EntryKind] ?? null;

/** Which `repair.started` or `revert.started` an entry opens or closes. */
export function repairStep(entry: FoldEntry): { opens?: number; closes?: number } {
  if (entry.kind === 'repair.started' || entry.kind === 'revert.started') return { opens: entry.seq };
  if (/^(repair|revert)\./.test(entry.kind)) return { closes: bodyOf(entry).started as number };
  return {};
}
