import type { Row } from '../../src/core/model.ts';
import { addDays, localToInstants, parseClock } from '../../src/core/time.ts';
import { zone } from './games.ts';

/** How a long history is made. */
export interface HistoryAsked {
  lastDay: string;
  days: number;
  /** Played on each day. */
  rounds: number;
  /** Every so many rounds, one has no capture. */
  missEvery: number;
}

const maps = ['supply', 'te_escape2', 'etl_ice'];
const firstClock = parseClock('190000')!;
const roundSeconds = 420;

/** The clock of the n-th round of an evening, `HHMMSS`. */
function clockOf(at: number): string {
  const seconds = firstClock + at * roundSeconds;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join('');
}

/** The rows of one evening: rounds two by two, nearly all of them with their capture. */
function evening(day: string, firstId: number, asked: HistoryAsked): { rounds: Row[]; captures: Row[] } {
  const rounds: Row[] = [];
  const captures: Row[] = [];
  for (let at = 0; at < asked.rounds; at++) {
    const id = firstId + at;
    const clock = clockOf(at);
    const end = localToInstants(day, clock, zone)!.instants[0]! - 2;
    const timing = { round_start_unix: end - 400, round_end_unix: end, actual_duration_seconds: 400 };
    const isMissed = id % asked.missEvery === 0;
    const game = { map_name: maps[Math.floor(at / 2) % maps.length]!, round_number: 1 + (at % 2) };
    rounds.push({
      ...{ id, match_id: `${day}-${clockOf(at - (at % 2))}`, round_date: day, round_time: clock, ...game },
      ...{ round_status: 'completed', gaming_session_id: firstId, created_at: `${day} 23:59:00` },
      ...(isMissed ? {} : timing),
    });
    const stamp = `${day}-${clockOf(at).slice(0, 4)}${String(Number(clock.slice(4)) - 2).padStart(2, '0')}`;
    if (!isMissed)
      captures.push({
        ...{ id, match_id: stamp, round_id: id, lua_version: '1.7.2', ...game, ...timing },
        ...{ axis_players: [], allies_players: [] },
      });
  }
  return { rounds, captures };
}

/** A history of evenings, each like the other. */
export function longHistory(asked: HistoryAsked): { rounds: Row[]; captures: Row[] } {
  const evenings = Array.from({ length: asked.days }, (_, at) =>
    evening(addDays(asked.lastDay, at + 1 - asked.days), 1 + at * asked.rounds, asked),
  );
  return {
    rounds: evenings.flatMap(({ rounds }) => rounds),
    captures: evenings.flatMap(({ captures }) => captures),
  };
}
