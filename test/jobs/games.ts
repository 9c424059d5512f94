import type { Row } from '../../src/core/model.ts';
import { timingColumns } from '../../src/core/rows.ts';
import { localStamp, localToInstants } from '../../src/core/time.ts';

/** The game server's zone in every test. */
export const zone = 'Europe/Ljubljana';

/** A local time of the server, `YYYY-MM-DD HH:MM:SS`, in unix seconds; of a repeated hour the first. */
export function unix(local: string): number {
  const [day, time] = local.split(' ');
  const found = localToInstants(day!, time!, zone);
  if (found === null) throw new Error(`${local} is no time`);
  return found.instants[0]!;
}

/** One played round, from which its row, its capture and its artifact are derived. */
export interface Game {
  map: string;
  number: number;
  start: number;
  end: number;
}

/** A round that ended at a local time after this many seconds. */
export function game(map: string, number: number, endedAt: string, seconds = 420): Game {
  const end = unix(endedAt);
  return { map, number, start: end - seconds, end };
}

/** The timing that the pipeline copies from a capture to its round. */
export function timingOf(of: Game): Row {
  return {
    [timingColumns.startUnix]: of.start,
    [timingColumns.endUnix]: of.end,
    [timingColumns.durationSeconds]: of.end - of.start,
    [timingColumns.endReason]: 'OBJECTIVE',
    [timingColumns.pauseSeconds]: 0,
    [timingColumns.pauseCount]: 0,
  };
}

/** A row of `rounds` whose file was written `delay` seconds after the end. */
export function roundRow(id: number, of: Game, more: Row & { delay?: number } = {}): Row {
  const { delay = 3, ...columns } = more;
  const stamp = localStamp(of.end + delay, zone);
  return {
    id,
    match_id: stamp,
    round_number: of.number,
    round_date: stamp.slice(0, 10),
    round_time: stamp.slice(11),
    map_name: of.map,
    time_limit: '0',
    round_status: 'completed',
    is_bot_round: false,
    is_valid: true,
    gaming_session_id: 1,
    total_pause_seconds: 0,
    pause_count: 0,
    ...columns,
  };
}

/** A row of `lua_round_teams`, as the live pipeline stores it. */
export function captureRow(id: number, of: Game, roundId: number | null, more: Row = {}): Row {
  return {
    id,
    match_id: localStamp(of.end, zone),
    round_number: of.number,
    axis_players: [{ guid: 'A'.repeat(32), name: 'vid' }],
    allies_players: [{ guid: 'B'.repeat(32), name: '.wajs' }],
    ...timingOf(of),
    winner_team: 2,
    defender_team: 1,
    map_name: of.map,
    time_limit_minutes: 12,
    captured_at: new Date((of.end + 1) * 1000).toISOString(),
    lua_version: '1.6.2',
    lua_warmup_seconds: 30,
    lua_warmup_start_unix: of.start - 30,
    lua_pause_events: [],
    surrender_caller_guid: '',
    surrender_caller_name: '',
    surrender_team: 0,
    axis_score: 0,
    allies_score: 1,
    round_id: roundId,
    ...more,
  };
}

/** A row of `lua_spawn_stats`. */
export function spawnRow(of: Game, guid: string, roundId: number | null, more: Row = {}): Row {
  return {
    match_id: localStamp(of.end, zone),
    round_number: of.number,
    round_id: roundId,
    map_name: of.map,
    round_end_unix: of.end,
    player_guid: guid,
    player_name: `player ${guid.slice(0, 1)}`,
    spawn_count: 11,
    death_count: 10,
    dead_seconds: 99,
    avg_respawn_seconds: 9,
    max_respawn_seconds: 20,
    captured_at: new Date((of.end + 1) * 1000).toISOString(),
    ...more,
  };
}

/** What an artifact says, where the defaults will not do. */
export interface GametimeOptions {
  axis?: readonly { guid: string; name: string }[];
  allies?: readonly { guid: string; name: string }[];
  /** Guids of the players in the spawn list. */
  spawns?: readonly string[];
  winner?: number;
  alliesScore?: number;
  pauseSeconds?: number;
}

/** A file of an artifact place: its name, its bytes and when it was last changed. */
export interface GametimeFile {
  name: string;
  bytes: string | Uint8Array;
  modifiedUnix: number;
}

/** `gametime-<map>-R<n>-<end>.json` as module 1.6.2 writes it. */
export function gametime(of: Game, options: GametimeOptions = {}): GametimeFile {
  const axis = options.axis ?? [{ guid: 'A'.repeat(32), name: 'vid' }];
  const allies = options.allies ?? [{ guid: 'B'.repeat(32), name: '.wajs' }];
  const pauses = options.pauseSeconds ?? 0;
  const duration = of.end - of.start - pauses;
  const meta = {
    map: of.map,
    round: of.number,
    round_start_unix: of.start,
    round_end_unix: of.end,
    actual_duration_seconds: duration,
    warmup_seconds: 30,
    pause_seconds: pauses,
    pause_count: pauses === 0 ? 0 : 1,
    server_ip: '0.0.0.0',
    server_port: '27960',
    match_id: String(of.end),
    spawn_stats: (options.spawns ?? []).map((guid) => ({
      guid,
      name: `player ${guid.slice(0, 1)}`,
      spawns: 23,
      deaths: 12,
      dead_seconds: 99,
      avg_respawn: 8,
      max_respawn: 9,
    })),
  };
  const text = `{"meta":${JSON.stringify(meta)},"payload":{
        "username": "ET:Legacy Stats",
        "content": "STATS_READY",
        "embeds": [{
            "title": "Round Complete: ${of.map} R${of.number}",
            "color": 3447003,
            "fields": [
${fieldLines({ of, options, axis, allies, pauses, duration })}
            ],
            "footer": {"text": "Slomix Lua Webhook v1.6.2"}
        }]
    }}`;
  const safe = of.map.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  return { name: `gametime-${safe}-R${of.number}-${of.end}.json`, bytes: text, modifiedUnix: of.end + 1 };
}

interface Said {
  of: Game;
  options: GametimeOptions;
  axis: readonly object[];
  allies: readonly object[];
  pauses: number;
  duration: number;
}

function fieldLines({ of, options, axis, allies, pauses, duration }: Said): string {
  const fields: Record<string, string> = {
    Map: of.map,
    Round: String(of.number),
    Winner: String(options.winner ?? 2),
    Defender: '1',
    Lua_Playtime: `${duration} sec`,
    Lua_Timelimit: '12 min',
    Lua_Pauses: `${pauses === 0 ? 0 : 1} (${pauses} sec)`,
    Lua_EndReason: 'objective',
    Lua_Warmup: '30 sec',
    Lua_WarmupStart: String(of.start - 30),
    Lua_RoundStart: String(of.start),
    Lua_RoundEnd: String(of.end),
    Lua_SurrenderTeam: '0',
    Lua_SurrenderCaller: '',
    Lua_SurrenderCallerName: '',
    Lua_AxisScore: '0',
    Lua_AlliesScore: String(options.alliesScore ?? 1),
    Axis_JSON: JSON.stringify(axis),
    Allies_JSON: JSON.stringify(allies),
    Lua_Pauses_JSON: '[]',
    Lua_SpawnSummary: 'Players:6 | Spawns:138 | AvgRespawn:8s | MaxRespawn:9s',
  };
  return Object.entries(fields)
    .map(
      ([name, value]) =>
        `                {"name": "${name}", "value": ${JSON.stringify(value)}, "inline": true}`,
    )
    .join(',\n');
}
