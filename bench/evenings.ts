import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../src/core/model.ts';
import { addDays, localStamp, localToInstants } from '../src/core/time.ts';
import { randomOf } from '../test/random.ts';
import { type ArtifactRound, artifactName, artifactText } from './artifact-files.ts';

/** The game server's zone in the benches. */
export const zone = 'Europe/Ljubljana';

/** What is left of a round: its capture and artifact, its artifact alone, or nothing. */
export type Left = 'capture' | 'artifact' | 'nothing';

/** One played round. */
export interface Played {
  id: number;
  map: string;
  number: 1 | 2;
  startUnix: number;
  endUnix: number;
  left: Left;
}

/** Evenings, each like the other but for chance: which maps, how long, and what is left. */
export interface EveningsAsked {
  seed: number;
  lastDay: string;
  days: number;
  /** Played on each day. */
  rounds: number;
  /** Shares of rounds of which only an artifact is left, and of which nothing is. */
  artifactOnly: number;
  nothing: number;
}

const maps = ['supply', 'te_escape2', 'etl_ice', 'etl_adlernest', 'sw_goldrush_te', 'et_brewdog'];

/** The last evening is the same however many there are before it: ids and chance count back from it. */
export function evenings(asked: EveningsAsked): Played[] {
  const played: Played[] = [];
  for (let back = asked.days - 1; back >= 0; back--) {
    const random = randomOf(asked.seed * 1_000_003 + back);
    let at = localToInstants(addDays(asked.lastDay, -back), '180000', zone)!.instants[0]!;
    for (let index = 0; index < asked.rounds; index++) {
      const startUnix = at + 60;
      const endUnix = startUnix + 300 + Math.floor(random() * 300);
      at = endUnix;
      const drawn = random();
      const { artifactOnly, nothing } = asked;
      const left = drawn < artifactOnly ? 'artifact' : drawn < artifactOnly + nothing ? 'nothing' : 'capture';
      const map = maps[(back + (index >> 1)) % maps.length]!;
      const number = index % 2 === 0 ? 1 : 2;
      played.push({ id: 1_000_000 - back * asked.rounds + index, map, number, startUnix, endUnix, left });
    }
  }
  return played;
}

/** Shares of the day's rounds that an installation of usual health misses. */
export const usual = { artifactOnly: 0.01, nothing: 0.005 };

const timing = ({ startUnix, endUnix }: Played): Row => ({
  round_start_unix: startUnix,
  round_end_unix: endUnix,
  actual_duration_seconds: endUnix - startUnix,
  end_reason: 'OBJECTIVE',
  total_pause_seconds: 0,
  pause_count: 0,
});

function roundRow(of: Played): Row {
  const stamp = localStamp(of.endUnix + 2, zone);
  return {
    ...{ id: of.id, match_id: stamp, round_number: of.number, map_name: of.map },
    ...{ round_date: stamp.slice(0, 10), round_time: stamp.slice(11), time_limit: '0' },
    ...{ round_status: 'completed', is_bot_round: false, is_valid: true },
    ...{ gaming_session_id: Math.floor(of.startUnix / 86_400), total_pause_seconds: 0, pause_count: 0 },
    ...(of.left === 'capture' ? timing(of) : {}),
  };
}

function captureRow(of: Played): Row {
  return {
    ...{ id: of.id, match_id: localStamp(of.endUnix, zone), round_number: of.number, map_name: of.map },
    ...timing(of),
    ...{ axis_players: players('A', 'axis'), allies_players: players('B', 'allies') },
    ...{ winner_team: 2, defender_team: 1, time_limit_minutes: 12, lua_version: '1.6.2' },
    ...{ captured_at: new Date((of.endUnix + 1) * 1000).toISOString(), lua_warmup_seconds: 30 },
    ...{ lua_warmup_start_unix: of.startUnix - 30, lua_pause_events: [], surrender_team: 0 },
    ...{ surrender_caller_guid: '', surrender_caller_name: '', axis_score: 0, allies_score: 1 },
    round_id: of.id,
  };
}

function players(letter: string, team: string) {
  return [0, 1, 2].map((at) => ({ guid: `${letter}${at}`.padEnd(32, letter), name: `${team} ${at}` }));
}

const everybody = [...players('A', 'axis'), ...players('B', 'allies')];

function spawnRows(of: Played): Row[] {
  return everybody.map(({ guid, name }) => ({
    ...{ match_id: localStamp(of.endUnix, zone), round_number: of.number, round_id: of.id, map_name: of.map },
    ...{ round_end_unix: of.endUnix, player_guid: guid, player_name: name, spawn_count: 11, death_count: 10 },
    ...{ dead_seconds: 99, avg_respawn_seconds: 9, max_respawn_seconds: 20 },
    captured_at: new Date((of.endUnix + 1) * 1000).toISOString(),
  }));
}

/** The rows that the pipeline has of these rounds. */
export function rowsOf(played: readonly Played[]): { rounds: Row[]; captures: Row[]; spawns: Row[] } {
  const live = played.filter(({ left }) => left === 'capture');
  return {
    rounds: played.map(roundRow),
    captures: live.map(captureRow),
    spawns: live.flatMap(spawnRows),
  };
}

/** Writes the artifacts of these rounds, but for those of which nothing is left. */
export function writeArtifacts(directory: string, played: readonly Played[]): void {
  mkdirSync(directory, { recursive: true });
  for (const one of played.filter(({ left }) => left !== 'nothing')) writeArtifact(directory, one);
}

/** Writes the artifact of one round as the game server does, a second after its end. */
export function writeArtifact(directory: string, of: ArtifactRound): void {
  const path = join(directory, artifactName(of));
  writeFileSync(path, artifactText(of, randomOf(of.endUnix)));
  utimesSync(path, of.endUnix + 1, of.endUnix + 1);
}
