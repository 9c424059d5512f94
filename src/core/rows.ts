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

/** The timing of a `rounds` row as its columns, as far as the source has them. */
export function timingRow(timing: Timing, canonicalId: string | null, columns: ReadonlySet<string>): Row {
  const row: Row = { [canonicalIdColumn]: canonicalId };
  for (const [field, column] of Object.entries(timingColumns)) row[column] = timing[field as keyof Timing];
  return only(row, columns);
}

/** The row of `lua_round_teams` that an artifact becomes (DOMAIN, section 3, "becomes"), without id and captured_at. */
export function captureRow(
  content: ArtifactContent,
  options: { roundId: number; zone: string; columns: ReadonlySet<string> },
): Row {
  const row: Row = {
    match_id: localStamp(content.timing.endUnix, options.zone),
    round_number: content.number,
    axis_players: content.axisPlayers as unknown as Json,
    allies_players: content.alliesPlayers as unknown as Json,
    round_start_unix: content.timing.startUnix,
    round_end_unix: content.timing.endUnix,
    actual_duration_seconds: content.timing.durationSeconds,
    total_pause_seconds: content.timing.pauseSeconds,
    pause_count: content.timing.pauseCount,
    end_reason: content.timing.endReason,
    winner_team: content.winnerTeam,
    defender_team: content.defenderTeam,
    map_name: content.map,
    time_limit_minutes: content.timeLimitMinutes,
    lua_version: content.luaVersion,
    lua_warmup_seconds: content.warmupSeconds,
    lua_warmup_start_unix: content.warmupStartUnix,
    lua_pause_events: content.pauseEvents,
    surrender_caller_guid: content.surrenderCallerGuid,
    surrender_caller_name: content.surrenderCallerName,
    surrender_team: content.surrenderTeam,
    axis_score: content.axisScore,
    allies_score: content.alliesScore,
    round_id: options.roundId,
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
    match_id: of.matchId,
    round_number: of.number,
    round_id: of.roundId,
    map_name: of.map,
    round_end_unix: of.endUnix,
    player_guid: stat.guid,
    player_name: stat.name,
    spawn_count: stat.spawnCount,
    death_count: stat.deathCount,
    dead_seconds: stat.deadSeconds,
    avg_respawn_seconds: stat.avgRespawnSeconds,
    max_respawn_seconds: stat.maxRespawnSeconds,
  };
  return only(row, columns);
}
