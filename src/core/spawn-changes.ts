import { candidateNumber, normaliseMap } from './names.ts';
import type { Gain } from './preconditions.ts';
import { refuse } from './refusal.ts';
import type { ChangeFacts, RowChange, StoredCapture } from './row-change.ts';
import { hashedPart, spawnRow } from './rows.ts';
import { gainedTiming } from './slots.ts';

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
  const key = { match_id: spawn.matchId, player_guid: spawn.guid, round_number: spawn.number };
  return { after: { ...before, round_id: roundId }, before, key, table: 'lua_spawn_stats' };
}

/** Old spawn rows keep their values and get the link where it is null, dangling or moves along; missing ones are inserted. */
export function spawnChanges(gain: Gain, facts: ChangeFacts): RowChange[] {
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
  const stats = want.artifact?.content.spawns ?? [];
  const known = new Set(old.map((spawn) => spawn.guid));
  const inserts = stats.flatMap((stat): RowChange[] => {
    if (known.has(stat.guid)) return [];
    const { matchId, number, map } = gain;
    const key = { match_id: matchId, player_guid: stat.guid, round_number: number };
    const stranger = facts.spawns.find(
      (spawn) => spawn.matchId === matchId && spawn.number === number && spawn.guid === stat.guid,
    );
    if (stranger !== undefined)
      refuse('spawn_key_taken', `the spawn row of ${stat.guid} (${matchId}) belongs to map ${stranger.map}`);
    const endUnix = gainedTiming(want).endUnix;
    const after = spawnRow(stat, { matchId, number, map, endUnix, roundId }, columns);
    return [{ after, before: null, key, table: 'lua_spawn_stats' }];
  });
  return [...links, ...inserts];
}

/** The spawn rows of a released capture lose their link with it. */
export function releasedSpawnChanges(
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
