import type { Cause } from './cause.ts';
import { type EntryKind, type Incident, type IncidentRound, seenNames } from './incident.ts';
import type { Json, Place, Round } from './model.ts';
import { utcText } from './time.ts';
import type { Assessment } from './verdict.ts';

/** An entry that is about to be appended. */
export interface EntryDraft {
  kind: EntryKind;
  source: string;
  key: string;
  body: Json;
  /** Members that the body gets when it is spelled: each is the SHA-256 of the canonical text of the member that is named. */
  digests?: Readonly<Record<string, string>>;
}

/** What one audit knows when it writes down its gaps. */
export interface Recording {
  source: string;
  run: string;
  assessments: readonly Assessment[];
  /** By incident key: every incident of a judged row, and every open one that this run has to find again. */
  incidents: ReadonlyMap<string, Incident>;
  places: readonly Place[];
  /** True where the run looked for every open incident, so that one whose row is gone has vanished. */
  looksForVanished: boolean;
  /** By incident key: the triage packets of the rounds that are written off. */
  packets: ReadonlyMap<string, Packet>;
}

/** A triage packet: its folder, and the SHA-256 of its list of checksums. */
export interface Packet {
  path: string;
  sha256: string;
}

/** The round as incidents remember it. */
export function incidentRound(round: Round, playedUnix: number | null): IncidentRound {
  const { id, matchId, map, number, date, time, session } = round;
  const playedAt = playedUnix === null ? null : utcText(playedUnix);
  return { roundId: id, matchId, map, number, date, time, playedAt, session };
}

const isGap = ({ verdict }: Assessment) => verdict !== null && verdict !== 'covered';

/** One row speaks for each incident: a gap before a covered row, a covered before an exempt one. */
export function spokesmen(assessments: readonly Assessment[]): Map<string, Assessment> {
  const rank = (assessment: Assessment) => (isGap(assessment) ? 2 : assessment.verdict === 'covered' ? 1 : 0);
  const byKey = new Map<string, Assessment>();
  for (const assessment of assessments) {
    const known = byKey.get(assessment.key);
    if (known === undefined || rank(assessment) > rank(known)) byKey.set(assessment.key, assessment);
  }
  return byKey;
}

/** What must differ for a verdict to count as changed: the verdict, its reason, what it rests on, what was seen, and its cause. */
function essence(of: {
  verdict: string | null;
  reason: string | null;
  candidate: Json;
  seen: string[];
  cause: Json;
}): string {
  const { captureId = null, sha256 = null } = (of.candidate ?? {}) as { captureId?: Json; sha256?: Json };
  const { code = 'unknown' } = (of.cause ?? {}) as { code?: string };
  return JSON.stringify([of.verdict, of.reason, captureId, sha256, of.seen, code]);
}

/** An unreadable place has an entry of its own; it does not change what is known of each round. */
function onlyUnreadable(assessment: Assessment): boolean {
  return (
    assessment.verdict === 'unchecked' &&
    (assessment.reason === 'place_unreadable' || assessment.reason === 'artifact_unreadable')
  );
}

/** What was proved once stays proved when the logs are gone. */
function knownCause(now: Cause | null, before: Json): Json {
  const proved = now !== null && now.code !== 'unknown';
  return proved || before === null ? (now as unknown as Json) : before;
}

/** True where the ledger does not yet say that this round is lost. */
export function isNewlyLost({ verdict }: Assessment, incident: Incident | undefined): boolean {
  return verdict === 'lost' && incident?.status !== 'written_off';
}

/** A round that was written off while no log told why, and of which one does now. */
function isCauseFound(now: Cause | null, before: Json): boolean {
  const { code } = (before ?? { code: 'unknown' }) as { code?: string };
  return code === 'unknown' && now !== null && now.code !== 'unknown';
}

function gapBody(
  recording: Recording,
  { assessment, incident, kind }: { assessment: Assessment; incident: Incident | undefined; kind: EntryKind },
): Json {
  const { key, round, playedUnix, verdict, reason, because, flags, candidate, seen, cause } = assessment;
  const artifacts = seen.flatMap(({ path, sha256 }) =>
    path !== null && sha256 !== null ? [{ path, sha256 }] : [],
  );
  const places = recording.places.map(({ name, count, oldestUnix, newestUnix, unreadable }) => ({
    name,
    count,
    oldest: oldestUnix === null ? null : utcText(oldestUnix),
    newest: newestUnix === null ? null : utcText(newestUnix),
    unreadable,
  }));
  const body = {
    run: recording.run,
    round: incidentRound(round, playedUnix),
    verdict,
    reason,
    because,
    flags,
    candidate,
    seen,
    artifacts,
    cause: knownCause(cause, incident?.cause ?? null),
    previous: incident?.lastSeq ?? null,
    from: incident?.verdict ?? null,
    ...(kind === 'gap.written_off' ? { places, packet: recording.packets.get(key) ?? null } : {}),
  };
  return body as unknown as Json;
}

function gapEntry(recording: Recording, assessment: Assessment): EntryDraft[] {
  const { source } = recording;
  const { key, verdict, reason, candidate, seen, cause } = assessment;
  if (verdict === 'pending') return [];
  const incident = recording.incidents.get(key);
  const draft = (kind: EntryKind) => [
    { kind, source, key, body: gapBody(recording, { assessment, incident, kind }) },
  ];
  if (incident === undefined || incident.status === 'closed')
    return draft(verdict === 'lost' ? 'gap.written_off' : 'gap.found');
  if (onlyUnreadable(assessment)) return [];
  const now = {
    verdict,
    reason,
    candidate: candidate as unknown as Json,
    seen: seenNames(seen as unknown as Json),
    cause: knownCause(cause, incident.cause),
  };
  const same = essence(now) === essence(incident);
  if (isNewlyLost(assessment, incident)) return draft('gap.written_off');
  if (verdict === 'lost') return isCauseFound(cause, incident.cause) ? draft('gap.changed') : [];
  return same ? [] : draft('gap.changed');
}

function closingEntry(recording: Recording, incident: Incident, assessment: Assessment | null): EntryDraft[] {
  if (incident.status === 'closed') return [];
  const as = assessment === null ? 'vanished' : assessment.exempt === null ? 'covered' : 'exempt';
  const round = assessment === null ? incident.round : incidentRound(assessment.round, assessment.playedUnix);
  const body = {
    run: recording.run,
    as,
    because: assessment?.because ?? 'its row is gone from the source',
    from: incident.verdict,
    previous: incident.lastSeq,
    round,
  };
  return [{ kind: 'gap.closed', source: recording.source, key: incident.key, body: body as unknown as Json }];
}

/**
 * The entries that one audit owes for its gaps, in the order of play: found, changed, written off, closed,
 * vanished. An audit that sees what the ledger already says owes nothing.
 */
export function gapEntries(recording: Recording): EntryDraft[] {
  const drafts: EntryDraft[] = [];
  const judged = spokesmen(recording.assessments);
  for (const assessment of judged.values()) {
    const incident = recording.incidents.get(assessment.key);
    if (isGap(assessment)) drafts.push(...gapEntry(recording, assessment));
    else if (incident !== undefined) drafts.push(...closingEntry(recording, incident, assessment));
  }
  if (recording.looksForVanished)
    for (const incident of recording.incidents.values())
      if (!judged.has(incident.key) && incident.status === 'open')
        drafts.push(...closingEntry(recording, incident, null));
  const order = ({ key }: EntryDraft) => `${key.slice(key.lastIndexOf('|'))} ${key}`;
  return drafts.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** The entries for places that failed or returned since the ledger last spoke of them. */
export function placeEntries(
  places: readonly Place[],
  known: ReadonlyMap<string, 'unreadable' | 'readable'>,
  of: { source: string; run: string },
): EntryDraft[] {
  return places.flatMap((place): EntryDraft[] => {
    const was = known.get(place.name) ?? 'readable';
    const is = place.unreadable === null ? 'readable' : 'unreadable';
    if (was === is) return [];
    const { count, unreadable } = place;
    const body = { run: of.run, place: place.name, why: unreadable, count };
    return [{ kind: `place.${is}`, source: of.source, key: `place:${place.name}`, body }];
  });
}
