import type { ArtifactContent, Json, Row, SpawnStat, Timing } from './model.ts';
import { localStamp } from './time.ts';

/** The tables of the source that a repair may change. */
export type Table = 'rounds' | 'lua_round_teams' | 'lua_spawn_stats';

/** Which columns this source has; a table that it lacks is null (DOMAIN, "The schema over time"). */
export interface SourceColumns {
  rounds: ReadonlySet<string>;
  captures: ReadonlySet<string>;
  spawns: ReadonlySet<string> | null;
}

/** The columns of `rounds` and of `lua_round_teams` that carry timing, by the name the core gives them. */
export const timingColumns: Readonly<Record<keyof Timing, string>> = {
  startUnix: 'round_start_unix',
  endUnix: 'round_end_unix',
  durationSeconds: 'actual_duration_seconds',
  endReason: 'end_reason',
  pauseSeconds: 'total_pause_seconds',
  pauseCount: 'pause_count',
};

export const canonicalIdColumn = 'round_canonical_id';

/** The columns that a row hash leaves out: the source generates or rewrites them (DESIGN, Repairs). */
export const unhashedColumns: ReadonlySet<string> = new Set(['id', 'captured_at']);

/** The columns that are kept, which is the row itself where that is all: every row of a mass repair comes through here. */
function keeping(row: Row, isKept: (column: string) => boolean): Row {
  const columns = Object.keys(row);
  if (columns.every(isKept)) return row;
  const kept: Row = {};
  for (const column of columns) if (isKept(column)) kept[column] = row[column]!;
  return kept;
}

const only = (row: Row, columns: ReadonlySet<string>) => keeping(row, (column) => columns.has(column));

/** A row without what its hash leaves out. */
export function hashedPart(row: Row): Row {
  return keeping(row, (column) => !unhashedColumns.has(column));
}

/* What rows name stands in the order of its names: the ledger spells it so, and in half the time where it is so already. */

/** The timing of a `rounds` row as its columns, as far as the source has them. */
export function timingRow(timing: Timing, canonicalId: string | null, columns: ReadonlySet<string>): Row {
  const row: Row = {
    actual_duration_seconds: timing.durationSeconds,
    end_reason: timing.endReason,
    pause_count: timing.pauseCount,
    [canonicalIdColumn]: canonicalId,
    round_end_unix: timing.endUnix,
    round_start_unix: timing.startUnix,
    total_pause_seconds: timing.pauseSeconds,
  };
  return only(row, columns);
}

/** The row of `lua_round_teams` that an artifact becomes (DOMAIN, section 3, "becomes"), without id and captured_at. */
export function captureRow(
  content: ArtifactContent,
  options: { roundId: number; zone: string; columns: ReadonlySet<string> },
): Row {
  const row: Row = {
    actual_duration_seconds: content.timing.durationSeconds,
    allies_players: content.alliesPlayers as unknown as Json,
    allies_score: content.alliesScore,
    axis_players: content.axisPlayers as unknown as Json,
    axis_score: content.axisScore,
    defender_team: content.defenderTeam,
    end_reason: content.timing.endReason,
    lua_pause_events: content.pauseEvents,
    lua_version: content.luaVersion,
    lua_warmup_seconds: content.warmupSeconds,
    lua_warmup_start_unix: content.warmupStartUnix,
    map_name: content.map,
    match_id: localStamp(content.timing.endUnix, options.zone),
    pause_count: content.timing.pauseCount,
    round_end_unix: content.timing.endUnix,
    round_id: options.roundId,
    round_number: content.number,
    round_start_unix: content.timing.startUnix,
    surrender_caller_guid: content.surrenderCallerGuid,
    surrender_caller_name: content.surrenderCallerName,
    surrender_team: content.surrenderTeam,
    time_limit_minutes: content.timeLimitMinutes,
    total_pause_seconds: content.timing.pauseSeconds,
    winner_team: content.winnerTeam,
  };
  return only(row, options.columns);
}

/** The row of `lua_spawn_stats` of one player, without id and captured_at. */
export function spawnRow(
  stat: SpawnStat,
  of: { matchId: string; number: number; map: string | null; endUnix: number | null; roundId: number },
  columns: ReadonlySet<string>,
): Row {
  const row: Row = {
    avg_respawn_seconds: stat.avgRespawnSeconds,
    dead_seconds: stat.deadSeconds,
    death_count: stat.deathCount,
    map_name: of.map,
    match_id: of.matchId,
    max_respawn_seconds: stat.maxRespawnSeconds,
    player_guid: stat.guid,
    player_name: stat.name,
    round_end_unix: of.endUnix,
    round_id: of.roundId,
    round_number: of.number,
    spawn_count: stat.spawnCount,
  };
  return only(row, columns);
}
