import type { UsableArtifact } from '../src/core/doubles.ts';
import type { ArtifactContent, Round, Row } from '../src/core/model.ts';
import { safeMap } from '../src/core/names.ts';
import { localStamp } from '../src/core/time.ts';
import { noTiming } from '../src/core/timing.ts';
import { randomOf } from '../test/random.ts';

export const zone = 'Europe/Ljubljana';
const beganUnix = Date.parse('2026-02-01T18:00:00Z') / 1000;
const betweenSeconds = 600;
const maps = [
  'supply',
  'te_escape2',
  'adlernest',
  'etl_sp_delivery',
  'sw_goldrush_te',
  'erdenberg_t2',
  'braundorf_b4',
];

/** A played round without a capture: its row, what the rules read of it, and the artifact that is left of it. */
export interface Gap {
  row: Row;
  round: Round;
  artifact: UsableArtifact;
}

type Dice = (from: number, to: number) => number;

const hex = (dice: Dice, length: number) =>
  Array.from({ length }, () => dice(0, 15).toString(16).toUpperCase()).join('');

function contentOf(
  of: { map: string; number: 1 | 2; endUnix: number },
  dice: Dice,
  players: number,
): ArtifactContent {
  const { map, number, endUnix } = of;
  const durationSeconds = dice(120, 590);
  const team = Array.from({ length: players }, (_, at) => ({
    guid: hex(dice, 32),
    name: `^${dice(1, 7)}player ^7${at}`,
  }));
  const half = Math.ceil(players / 2);
  return {
    ...{ map, number, winnerTeam: dice(1, 2), defenderTeam: dice(1, 2), timeLimitMinutes: 12 },
    timing: {
      startUnix: endUnix - durationSeconds,
      endUnix,
      durationSeconds,
      endReason: 'OBJECTIVE',
      pauseSeconds: 0,
      pauseCount: 0,
    },
    ...{ warmupSeconds: 30, warmupStartUnix: endUnix - durationSeconds - 30, luaVersion: '1.6.2' },
    ...{ surrenderTeam: 0, surrenderCallerGuid: '', surrenderCallerName: '', axisScore: 0, alliesScore: 1 },
    ...{ axisPlayers: team.slice(0, half), alliesPlayers: team.slice(half), pauseEvents: [] },
    spawns: team.map(({ guid, name }) => ({
      ...{ guid, name, spawnCount: dice(1, 30), deathCount: dice(1, 30), deadSeconds: dice(1, 300) },
      ...{ avgRespawnSeconds: dice(1, 20), maxRespawnSeconds: dice(1, 30) },
    })),
  };
}

/** As many gaps as asked for, one every ten minutes, with so many players each; the same for the same seed. */
export function gapsOf(count: number, options: { seed: number; players: number }): Gap[] {
  const random = randomOf(options.seed);
  const dice: Dice = (from, to) => from + Math.floor(random() * (to - from + 1));
  return Array.from({ length: count }, (_, at) => {
    const [map, number] = [maps[dice(0, maps.length - 1)]!, at % 2 === 0 ? 1 : 2] as [string, 1 | 2];
    const endUnix = beganUnix + at * betweenSeconds;
    const stamp = localStamp(endUnix + dice(0, 3), zone);
    const content = contentOf({ map, number, endUnix }, dice, options.players);
    const row: Row = {
      ...{ id: at + 1, match_id: stamp, round_number: number, map_name: map, time_limit: '0' },
      ...{ round_date: stamp.slice(0, 10), round_time: stamp.slice(11), round_status: 'completed' },
      ...{
        is_bot_round: false,
        is_valid: true,
        gaming_session_id: 1,
        total_pause_seconds: 0,
        pause_count: 0,
      },
    };
    const round: Round = {
      ...{ id: at + 1, matchId: stamp, number, map, date: stamp.slice(0, 10), time: stamp.slice(11) },
      ...{ createdAt: null, status: 'completed', isValid: true, isBot: false, session: 1 },
      timing: { ...noTiming, pauseSeconds: 0, pauseCount: 0 },
    };
    const artifact: UsableArtifact = {
      ...{
        path: `gametimes/gametime-${map}-R${number}-${endUnix}.json`,
        safeMap: safeMap(map),
        number,
        endUnix,
      },
      ...{ finished: true, sha256: hex(dice, 64).toLowerCase(), bytes: 4000, modifiedUnix: endUnix + 1 },
      ...{ content, damage: null, unreadable: null },
    };
    return { row, round, artifact };
  });
}
