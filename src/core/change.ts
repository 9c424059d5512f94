import { canonicalJson, canonicalRoundId } from './canonical.ts';
import { fileTime, incidentKey, ownTiming, present } from './expected.ts';
import type { Capture, Round, Row, Timing } from './model.ts';
import { candidateNumber, normaliseMap } from './names.ts';
import { type Refusal, Refused, refuse } from './refusal.ts';
import { captureRow, hashedPart, type SourceColumns, spawnRow, type Table, timingRow } from './rows.ts';
import { backfillKey, gainedTiming, isSameCapture } from './slots.ts';
import { gainTiming, withoutTimingOf } from './timing.ts';
import type { Want } from './verdict.ts';

/** One row before and after a repair. A row that did not exist, or will not, is null. */
export interface RowChange {
  table: Table;
  /** The columns that identify the row: never a generated id, but for `rounds`. */
  key: Row;
  before: Row | null;
  after: Row | null;
}

/** A stored capture: what the rules read of it, and the whole row. */
export interface StoredCapture {
  id: number;
  matchId: string;
  number: number;
  map: string | null;
  timing: Timing;
  roundId: number | null;
  row: Row;
}

/** The rows that bear on one repair group, read at one moment. */
export interface ChangeFacts {
  rounds: ReadonlyMap<number, { round: Round; canonicalId: string | null }>;
  captures: readonly StoredCapture[];
  spawns: readonly {
    matchId: string;
    number: number;
    map: string | null;
    guid: string;
    roundId: number | null;
    row: Row;
  }[];
  /** Of all round ids that captures and spawn rows mention, those that exist. */
  existingRounds: ReadonlySet<number>;
  /** Who has a canonical id, of those that this repair would set. */
  canonicalHolders: ReadonlyMap<string, number>;
  columns: SourceColumns;
  zone: string;
}

/** What each repair of a group brings to its round. */
interface Gain {
  want: Want;
  /** The capture's key, under which its spawn rows stand. */
  matchId: string;
  number: number;
  map: string | null;
  /** The round that the capture leaves. */
  leaves: number | null;
}

function checkRound(want: Want, facts: ChangeFacts): void {
  const found = facts.rounds.get(want.round.id)?.round;
  if (found === undefined) refuse('round_gone', `round ${want.round.id} is gone`);
  const facing = ({ id, status, isValid, isBot, number }: Round) =>
    JSON.stringify([id, number, status, isValid, isBot]);
  if (incidentKey(found) !== want.key || facing(found) !== facing(want.round))
    refuse('round_changed', `round ${want.round.id} is not what it was when the plan was made`);
}

function checkCapture(want: Want, facts: ChangeFacts): Gain {
  if (want.kind === 'backfill') {
    const key = backfillKey(want, facts.zone);
    const content = want.artifact.content;
    const there = facts.captures.find(
      (capture) =>
        (capture.matchId === key.matchId && capture.number === key.number) || isSameCapture(capture, content),
    );
    if (there !== undefined)
      refuse(
        'capture_exists',
        `capture ${there.id} (${there.matchId} R${there.number}) is there by now; the live pipeline wins`,
      );
    return { want, ...key, map: content.map, leaves: null };
  }
  const planned = want.capture;
  const found = facts.captures.find((capture) => capture.id === planned.id);
  if (found === undefined) refuse('capture_gone', `capture ${planned.id} is gone`);
  const says = ({ matchId, number, map, timing }: Pick<Capture, 'matchId' | 'number' | 'map' | 'timing'>) =>
    canonicalJson([matchId, candidateNumber(number), normaliseMap(map), { ...timing }]);
  if (says(found) !== says(planned))
    refuse('capture_changed', `capture ${planned.id} is not what it was when the plan was made`);
  if (found.roundId !== planned.roundId)
    refuse(
      'link_changed',
      `capture ${planned.id} is linked to ${found.roundId} by now, not ${planned.roundId}`,
    );
  const leaves = want.kind === 'relink' ? found.roundId : null;
  return { want, matchId: found.matchId, number: found.number, map: found.map, leaves };
}

/** Captures whose link is cleared or moved, by id. */
function leavingCaptures(gains: readonly Gain[], facts: ChangeFacts): StoredCapture[] {
  const moved = new Set(gains.flatMap(({ want }) => (want.kind === 'relink' ? [want.capture.id] : [])));
  const released = new Set(gains.flatMap(({ want }) => (want.kind === 'complete' ? [] : want.releases)));
  const gaining = new Set(gains.map(({ want }) => want.round.id));
  return facts.captures.filter(
    ({ id, roundId }) => moved.has(id) || (released.has(id) && roundId !== null && gaining.has(roundId)),
  );
}

function checkSlots(gains: readonly Gain[], leaving: readonly StoredCapture[], facts: ChangeFacts): void {
  for (const { want } of gains) {
    if (want.kind === 'complete') continue;
    const stuck = facts.captures.find(
      (capture) => capture.roundId === want.round.id && !leaving.includes(capture),
    );
    if (stuck !== undefined)
      refuse(
        'slot_taken',
        `capture ${stuck.id} (${stuck.matchId} R${stuck.number}) is linked to round ${want.round.id}`,
      );
  }
}

function captureChanges(
  gains: readonly Gain[],
  leaving: readonly StoredCapture[],
  facts: ChangeFacts,
): RowChange[] {
  const targets = new Map(
    gains.flatMap(({ want }) => (want.kind === 'relink' ? [[want.capture.id, want.round.id]] : [])),
  );
  const moves = leaving.map((capture): RowChange => {
    const before = hashedPart(capture.row);
    return {
      table: 'lua_round_teams',
      key: { match_id: capture.matchId, round_number: capture.number },
      before,
      after: { ...before, round_id: targets.get(capture.id) ?? null },
    };
  });
  const inserts = gains.flatMap(({ want, matchId, number }): RowChange[] => {
    if (want.kind !== 'backfill') return [];
    const options = { roundId: want.round.id, zone: facts.zone, columns: facts.columns.captures };
    const after = captureRow(want.artifact.content, options);
    return [
      { table: 'lua_round_teams', key: { match_id: matchId, round_number: number }, before: null, after },
    ];
  });
  return [...moves, ...inserts];
}

const sameNumber = (one: number, other: number) => candidateNumber(one) === candidateNumber(other);

function spawnRowsOf(of: { matchId: string; number: number; map: string | null }, facts: ChangeFacts) {
  return facts.spawns.filter(
    (spawn) =>
      spawn.matchId === of.matchId &&
      sameNumber(spawn.number, of.number) &&
      (spawn.map === null || normaliseMap(spawn.map) === normaliseMap(of.map)),
  );
}

function spawnLinkChange(spawn: ChangeFacts['spawns'][number], roundId: number | null): RowChange {
  const before = hashedPart(spawn.row);
  const key = { match_id: spawn.matchId, round_number: spawn.number, player_guid: spawn.guid };
  return { table: 'lua_spawn_stats', key, before, after: { ...before, round_id: roundId } };
}

/** Old spawn rows keep their values and get the link where it is null, dangling or moves along; missing ones are inserted. */
function spawnChanges(gain: Gain, facts: ChangeFacts): RowChange[] {
  const { want, leaves } = gain;
  const columns = facts.columns.spawns;
  if (columns === null) return [];
  const roundId = want.round.id;
  const old = spawnRowsOf(gain, facts);
  const links = old.flatMap((spawn): RowChange[] => {
    if (spawn.roundId === roundId) return [];
    const free =
      spawn.roundId === null || spawn.roundId === leaves || !facts.existingRounds.has(spawn.roundId);
    if (!free)
      refuse(
        'spawn_link_taken',
        `the spawn row of ${spawn.guid} (${spawn.matchId}) is linked to round ${spawn.roundId}`,
      );
    return [spawnLinkChange(spawn, roundId)];
  });
  const stats = want.kind === 'relink' ? [] : (want.artifact?.content.spawns ?? []);
  const known = new Set(old.map((spawn) => spawn.guid));
  const inserts = stats.flatMap((stat): RowChange[] => {
    if (known.has(stat.guid)) return [];
    const { matchId, number, map } = gain;
    const key = { match_id: matchId, round_number: number, player_guid: stat.guid };
    const stranger = facts.spawns.find(
      (spawn) => spawn.matchId === matchId && spawn.number === number && spawn.guid === stat.guid,
    );
    if (stranger !== undefined)
      refuse('spawn_key_taken', `the spawn row of ${stat.guid} (${matchId}) belongs to map ${stranger.map}`);
    const endUnix = gainedTiming(want).endUnix;
    const after = spawnRow(stat, { matchId, number, map, endUnix, roundId }, columns);
    return [{ table: 'lua_spawn_stats', key, before: null, after }];
  });
  return [...links, ...inserts];
}

/** The spawn rows of a released capture lose their link with it. */
function releasedSpawnChanges(
  leaving: readonly StoredCapture[],
  gains: readonly Gain[],
  facts: ChangeFacts,
): RowChange[] {
  const moved = new Set(gains.flatMap(({ want }) => (want.kind === 'relink' ? [want.capture.id] : [])));
  return leaving
    .filter((capture) => !moved.has(capture.id))
    .flatMap((capture) =>
      spawnRowsOf(capture, facts)
        .filter((spawn) => spawn.roundId === capture.roundId)
        .map((spawn) => spawnLinkChange(spawn, null)),
    );
}

interface RoundState {
  timing: Timing;
  canonicalId: string | null;
}

const canonicalOf = (round: Round, timing: Timing) =>
  present(timing.startUnix) ? canonicalRoundId(timing.startUnix, round.map, round.number ?? 0) : null;

/** The row of a round after the captures that leave it: their values go, and the canonical id made of them. */
function afterLeaving(round: Round, state: RoundState, leaving: readonly StoredCapture[]): RoundState {
  let { timing, canonicalId } = state;
  for (const capture of leaving.filter(({ roundId }) => roundId === round.id)) {
    const cleared = withoutTimingOf(timing, capture.timing);
    if (cleared === timing) continue;
    if (canonicalId === canonicalOf(round, capture.timing)) canonicalId = null;
    timing = cleared;
  }
  return { timing, canonicalId };
}

function afterGaining(
  gain: Gain,
  state: RoundState,
  facts: ChangeFacts,
  freed: ReadonlySet<string>,
): RoundState {
  const { round } = facts.rounds.get(gain.want.round.id)!;
  const gained = gainedTiming(gain.want);
  const played = fileTime(round, facts.zone);
  const foreign = played !== null && ownTiming(round, played) === 'foreign' && gain.want.kind !== 'complete';
  const timing = gainTiming(state.timing, gained, { foreign });
  if (timing === null) {
    // Spawn rows may be completed where the timing is not ours to touch.
    if (gain.want.kind === 'complete') return state;
    refuse('timing_in_the_way', `round ${round.id} carries another start or end than its candidate`);
  }
  const own = canonicalOf(round, timing);
  const stale =
    foreign && state.canonicalId !== null && state.canonicalId === canonicalOf(round, state.timing);
  const current = stale ? null : state.canonicalId;
  const holder = own === null ? undefined : facts.canonicalHolders.get(own);
  const free = holder === undefined || holder === round.id || freed.has(own!);
  return { timing, canonicalId: current ?? (free ? own : null) };
}

function roundChanges(
  gains: readonly Gain[],
  leaving: readonly StoredCapture[],
  facts: ChangeFacts,
): RowChange[] {
  const states = new Map<number, RoundState>();
  const freed = new Set<string>();
  for (const [id, { round, canonicalId }] of facts.rounds) {
    const state = afterLeaving(round, { timing: round.timing, canonicalId }, leaving);
    states.set(id, state);
    if (canonicalId !== null && state.canonicalId === null) freed.add(canonicalId);
  }
  for (const gain of gains) {
    const id = gain.want.round.id;
    states.set(id, afterGaining(gain, states.get(id)!, facts, freed));
  }
  return [...facts.rounds].flatMap(([id, { round, canonicalId }]): RowChange[] => {
    const columns = facts.columns.rounds;
    const state = states.get(id)!;
    const before = timingRow(round.timing, canonicalId, columns);
    const after = timingRow(state.timing, state.canonicalId, columns);
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    return [{ table: 'rounds', key: { id }, before, after }];
  });
}

const changeOrder = (change: RowChange) => JSON.stringify([change.table, change.key]);

/**
 * The exact rows that a repair group changes, or why it may not be made (DESIGN, Repairs). Asked once for
 * the plan and once more inside the transaction, with the rows locked: both answers must be the same.
 */
export function buildChanges(
  wants: readonly Want[],
  facts: ChangeFacts,
): { changes: RowChange[] } | { refusal: Refusal } {
  try {
    for (const want of wants) checkRound(want, facts);
    const gains = wants.map((want) => checkCapture(want, facts));
    const leaving = leavingCaptures(gains, facts);
    checkSlots(gains, leaving, facts);
    const changes = [
      ...captureChanges(gains, leaving, facts),
      ...gains.flatMap((gain) => spawnChanges(gain, facts)),
      ...releasedSpawnChanges(leaving, gains, facts),
      ...roundChanges(gains, leaving, facts),
    ];
    return { changes: changes.sort((a, b) => (changeOrder(a) < changeOrder(b) ? -1 : 1)) };
  } catch (thrown) {
    if (thrown instanceof Refused) return { refusal: thrown.refusal };
    throw thrown;
  }
}

/** The changes that undo these. */
export function invert(changes: readonly RowChange[]): RowChange[] {
  return changes.map((change) => ({ ...change, before: change.after, after: change.before })).reverse();
}

/** One name for the row of a change. */
export function rowName(change: RowChange): string {
  return `${change.table} ${JSON.stringify(change.key)}`;
}

/** The columns in which a change differs from what was there. */
export function changedColumns(change: RowChange): string[] {
  const columns = Object.keys(change.after ?? change.before ?? {});
  return columns.filter(
    (column) =>
      JSON.stringify(change.before?.[column] ?? null) !== JSON.stringify(change.after?.[column] ?? null),
  );
}
