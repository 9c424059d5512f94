import { buildChanges } from '../../src/core/change.ts';
import { classify } from '../../src/core/classify.ts';
import { incidentKey } from '../../src/core/expected.ts';
import type { Candidate, Rival } from '../../src/core/match.ts';
import type { Artifact, ArtifactContent, Capture, Place, Round, Row, Timing } from '../../src/core/model.ts';
import { safeMap } from '../../src/core/names.ts';
import { fingerprint, groupRepairs, type PlannedGroup } from '../../src/core/plan.ts';
import type { ChangeFacts, StoredCapture } from '../../src/core/row-change.ts';
import { canonicalIdColumn, type SourceColumns, timingColumns } from '../../src/core/rows.ts';
import {
  type AuditFacts,
  type AuditRules,
  type Decision,
  type Situation,
  understand,
} from '../../src/core/situation.ts';
import { localStamp } from '../../src/core/time.ts';
import { noTiming } from '../../src/core/timing.ts';
import type { Assessment } from '../../src/core/verdict.ts';

/** The zone of the game server in every test that does not say otherwise. */
export const zone = 'Europe/Ljubljana';

/** supply R2 of 2026-02-11, file 22:02:05: a true pair of production (DOMAIN, section 4). */
export const fileUnix = 1_770_843_725;
export const endUnix = 1_770_843_722;
export const startUnix = 1_770_843_050;

export const minutes = 60;
export const hours = 3600;
export const days = 24 * hours;

export function aTiming(given: Partial<Timing> = {}): Timing {
  return { ...noTiming, ...given };
}

/** The timing that a sane capture of the round that ended at `end` has. */
export function captureTiming(end: number, given: Partial<Timing> = {}): Timing {
  const start = given.startUnix ?? end - (endUnix - startUnix);
  return {
    startUnix: start,
    endUnix: end,
    durationSeconds: end - start,
    endReason: 'OBJECTIVE',
    pauseSeconds: 0,
    pauseCount: 0,
    ...given,
  };
}

type RoundGiven = Partial<Omit<Round, 'timing'>> & { fileUnix?: number; timing?: Partial<Timing> };

/** A round without a capture: what the importer leaves. `fileUnix` gives its date and time. */
export function aRound(given: RoundGiven = {}): Round {
  const { fileUnix: at = fileUnix, timing = {}, ...rest } = given;
  const stamp = localStamp(at, zone);
  return {
    id: 1,
    matchId: stamp,
    number: 2,
    map: 'supply',
    date: stamp.slice(0, 10),
    time: stamp.slice(11),
    createdAt: null,
    status: 'completed',
    isValid: true,
    isBot: false,
    session: 88,
    ...rest,
    timing: aTiming({ pauseSeconds: 0, pauseCount: 0, ...timing }),
  };
}

type CaptureGiven = Partial<Omit<Capture, 'timing'>> & {
  endUnix?: number | null;
  startUnix?: number | null;
  timing?: Partial<Timing>;
};

/** An unlinked capture of that round. */
export function aCapture(given: CaptureGiven = {}): Capture {
  const { endUnix: end = endUnix, startUnix: start, timing = {}, ...rest } = given;
  const base = captureTiming(
    end ?? endUnix,
    start === undefined || start === null ? {} : { startUnix: start },
  );
  return {
    id: 100,
    matchId: localStamp(end ?? endUnix, zone),
    number: 2,
    map: 'supply',
    warmupSeconds: 31,
    roundId: null,
    luaVersion: '1.6.1',
    ...rest,
    timing: {
      ...base,
      ...(end === null ? { endUnix: null } : {}),
      ...(start === null ? { startUnix: null } : {}),
      ...timing,
    },
  };
}

export const aSpawn = (guid: string) => ({
  guid,
  name: `player ${guid}`,
  spawnCount: 9,
  deathCount: 8,
  deadSeconds: 100,
  avgRespawnSeconds: 12,
  maxRespawnSeconds: 20,
});

type ContentGiven = Partial<Omit<ArtifactContent, 'timing'>> & { timing?: Partial<Timing> };
type ArtifactGiven = Partial<Omit<Artifact, 'content'>> & {
  startUnix?: number;
  map?: string;
  content?: ContentGiven | null;
};

/** A whole and sane artifact of that round; `content: null` for one that is not whole. */
export function anArtifact(given: ArtifactGiven = {}): Artifact {
  const {
    startUnix: start,
    content = {},
    map = 'supply',
    endUnix: end = endUnix,
    number = 2,
    ...rest
  } = given;
  const { timing = {}, ...otherContent } = content ?? {};
  const name = `gametime-${safeMap(map)}-R${number}-${end}.json`;
  const whole = {
    map,
    number,
    winnerTeam: 1,
    defenderTeam: 1,
    timeLimitMinutes: 12,
    warmupSeconds: 31,
    warmupStartUnix: 0,
    surrenderTeam: 0,
    surrenderCallerGuid: '',
    surrenderCallerName: '',
    axisScore: 1,
    alliesScore: 0,
    luaVersion: '1.6.0',
    axisPlayers: [{ guid: 'A1', name: 'axis one' }],
    alliesPlayers: [{ guid: 'B1', name: 'allies one' }],
    pauseEvents: [],
    spawns: [aSpawn('A1'), aSpawn('B1')],
    ...otherContent,
    timing: { ...captureTiming(end, start === undefined ? {} : { startUnix: start }), ...timing },
  } as ArtifactContent;
  return {
    path: `/gametimes/${name}`,
    safeMap: safeMap(map),
    number,
    endUnix: end,
    finished: true,
    sha256: `sha-${name}`,
    bytes: 4_000,
    modifiedUnix: end,
    content: content === null ? null : whole,
    damage: content === null ? 'the closing braces are missing' : null,
    unreadable: null,
    ...rest,
  };
}

export function aPlace(given: Partial<Place> = {}): Place {
  return { name: '/gametimes', unreadable: null, count: 3, oldestUnix: 1, newestUnix: 2, ...given };
}

export function aDecision(given: Partial<Decision> = {}): Decision {
  return { held: false, resolution: null, releases: [], writtenOff: false, ...given };
}

/** Months after every round, with the default settings. */
export function someRules(given: Partial<AuditRules> = {}): AuditRules {
  return {
    nowUnix: fileUnix + 120 * days,
    zone,
    graceMinutes: 5,
    settleHours: 24,
    captureSince: '2026-01-24',
    repairCovered: false,
    ...given,
  };
}

type FactsGiven = Partial<Omit<AuditFacts, 'decisions'>> & {
  /** Decisions by round id. */
  decided?: Readonly<Record<number, Partial<Decision>>>;
};

/** Facts of one audit. One readable place, unless the test says otherwise; every capture has spawn rows. */
export function someFacts(given: FactsGiven = {}): AuditFacts {
  const { decided = {}, ...rest } = given;
  const judged = rest.judged ?? [aRound()];
  const rows = [...judged, ...(rest.rivals ?? [])];
  const captures = rest.captures ?? [];
  return {
    judged,
    rivals: [],
    captures,
    artifacts: [],
    places: [aPlace()],
    spawnKeys: new Set(captures.map(({ matchId, number }) => `${matchId}|${number}`)),
    ...rest,
    decisions: new Map(
      Object.entries(decided).map(([id, decision]) => {
        const round = rows.find((row) => row.id === Number(id))!;
        return [incidentKey(round), aDecision(decision)];
      }),
    ),
  };
}

export function situationOf(given: FactsGiven = {}, rules: Partial<AuditRules> = {}): Situation {
  return understand(someFacts(given), someRules(rules));
}

/** What an audit says of each judged row, by id. */
export function judge(given: FactsGiven = {}, rules: Partial<AuditRules> = {}): Map<number, Assessment> {
  return new Map(classify(situationOf(given, rules)).map((assessment) => [assessment.round.id, assessment]));
}

/** A verdict and its reason in one text: `lost (nothing_fits)`, or `exempt (bots)`. */
export function spoken(assessment: Assessment | undefined): string {
  if (assessment === undefined) return 'not judged';
  if (assessment.exempt !== null) return `exempt (${assessment.exempt})`;
  return `${assessment.verdict} (${assessment.reason})`;
}

/** A rival whose file was written at `at`. */
export function aRival(at: number | readonly number[], given: Partial<Rival> = {}): Rival {
  const fileTimes = typeof at === 'number' ? [at] : at;
  return { id: 1, map: 'supply', number: 2, fileTimes, startUnix: null, ...given };
}

/** A candidate that ended at `end`. */
export function aCandidate(end: number, given: Partial<Candidate> = {}): Candidate {
  return { id: 'c', map: 'supply', number: 2, startUnix: null, endUnix: end, ...given };
}

const timingNames = Object.values(timingColumns);
/** The columns of August 2026; February lacks some (DOMAIN, "The schema over time"). */
export const allColumns: SourceColumns = {
  rounds: new Set(['id', 'match_id', ...timingNames, canonicalIdColumn]),
  captures: new Set([
    ...['id', 'match_id', 'round_number', 'map_name', 'round_id', 'captured_at', ...timingNames],
    ...[
      'axis_players',
      'allies_players',
      'winner_team',
      'defender_team',
      'time_limit_minutes',
      'lua_version',
    ],
    ...['lua_warmup_seconds', 'lua_warmup_start_unix', 'lua_pause_events', 'surrender_caller_guid'],
    ...['surrender_caller_name', 'surrender_team', 'axis_score', 'allies_score'],
  ]),
  spawns: new Set([
    ...['id', 'match_id', 'round_number', 'round_id', 'map_name', 'round_end_unix', 'player_guid'],
    ...['player_name', 'spawn_count', 'death_count', 'dead_seconds', 'avg_respawn_seconds'],
    ...['max_respawn_seconds', 'captured_at'],
  ]),
};

/** A capture as it is stored, with its whole row. */
export function stored(capture: Capture, more: Row = {}): StoredCapture {
  const row: Row = {
    id: capture.id,
    match_id: capture.matchId,
    round_number: capture.number,
    map_name: capture.map,
    round_id: capture.roundId,
    captured_at: '2026-02-11T21:02:06.000Z',
    lua_version: '1.6.0',
    ...more,
  };
  for (const [field, column] of Object.entries(timingColumns))
    row[column] = capture.timing[field as keyof Timing];
  return { ...capture, row };
}

type StoredSpawn = ChangeFacts['spawns'][number];

/** A spawn row that is stored for a capture, or for none. */
export function storedSpawn(
  guid: string,
  of: { matchId: string; number?: number; map?: string | null; roundId: number | null },
): StoredSpawn {
  const { matchId, number = 2, map = 'supply', roundId } = of;
  const row = {
    id: 7,
    match_id: matchId,
    round_number: number,
    map_name: map,
    player_guid: guid,
    round_id: roundId,
    spawn_count: 77,
  };
  return { matchId, number, map, guid, roundId, row };
}

type ChangeGiven = {
  rounds?: readonly Round[];
  captures?: readonly Capture[];
  spawns?: readonly StoredSpawn[];
  /** Canonical ids on rows of `rounds`, by round id. */
  canonicalIds?: Readonly<Record<number, string>>;
  columns?: SourceColumns;
};

/** The rows that bear on a repair, as a source with these rows would give them. */
export function changeFacts(given: ChangeGiven = {}): ChangeFacts {
  const { rounds = [aRound()], captures = [], spawns = [], canonicalIds = {}, columns = allColumns } = given;
  const idOf = (id: number) => canonicalIds[id] ?? null;
  return {
    rounds: new Map(rounds.map((round) => [round.id, { round, canonicalId: idOf(round.id) }])),
    captures: captures.map((capture) => stored(capture)),
    spawns,
    existingRounds: new Set(rounds.map(({ id }) => id)),
    canonicalHolders: new Map(Object.entries(canonicalIds).map(([id, canonical]) => [canonical, Number(id)])),
    columns,
    zone,
  };
}

/** Everything that one audit of these facts would repair, as a source with exactly these rows would have it. */
export function planOf(given: FactsGiven = {}, more: ChangeGiven = {}) {
  const situation = situationOf(given);
  const assessments = classify(situation);
  const wants = assessments.flatMap(({ want }) => (want === null ? [] : [want]));
  const rounds = [...situation.roundById.values()];
  const facts = changeFacts({ rounds, captures: situation.facts.captures, ...more });
  const planned = groupRepairs(wants, situation.linkedTo).map((group): PlannedGroup => {
    const built = buildChanges(group.wants, facts);
    if ('refusal' in built) throw new Error(built.refusal.because);
    return { group, changes: built.changes, rivals: [] };
  });
  const identityOf = (id: number) => {
    const round = situation.roundById.get(id);
    return round === undefined ? 'gone' : incidentKey(round);
  };
  return { assessments, wants, planned, fingerprint: fingerprint(planned, identityOf) };
}
