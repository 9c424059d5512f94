import type Sqlite from 'better-sqlite3';
import { addDays, localStamp, localToInstants } from '../src/core/time.ts';
import { type Database, rows } from '../src/database.ts';
import { createSource } from '../src/source/create.ts';
import { randomOf } from '../test/random.ts';
import { zone } from './evenings.ts';

/** No capture is older than 2020 (DESIGN, Matching 9). */
export const firstDay = '2020-02-01';

/** How a long history is made. */
export interface HistoryOptions {
  /** Rounds with number 1 or 2; each two have a summary besides. */
  rounds: number;
  /** The day of the last round. */
  lastDay: string;
  roundsPerDay: number;
  /** The last days, which have fewer rounds: what a cycle looks at is the same in a history of any length. */
  recent?: { days: number; roundsPerDay: number };
  /** The share of expected rounds without a capture, such as 0.01. */
  gapShare: number;
  /** Of so many last rounds the pipeline read the artifacts, and stored their spawn rows. */
  spawnRowsOf: number;
  seed: number;
}

/** A round of the history, as far as artifacts and limits need it. */
export interface PlayedRound {
  id: number;
  matchId: string;
  map: string;
  number: 1 | 2;
  date: string;
  time: string;
  startUnix: number;
  endUnix: number;
  session: number;
  /** Null for an expected one. */
  exempt: 'cancelled' | 'invalid' | 'bots' | null;
  isGap: boolean;
}

const maps = ['supply', 'goldrush', 'etl_sp_delivery', 'te_escape2', 'radar', 'braundorf_b4', 'et_brewdog'];

const clock = (seconds: number) =>
  [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join('');

function exemptBy(dice: number): PlayedRound['exempt'] {
  if (dice < 0.004) return 'cancelled';
  if (dice < 0.007) return 'invalid';
  return dice < 0.01 ? 'bots' : null;
}

/** The times of a round that is the `of`-th of its day; instants as the game writes them, 0 to 3 s before the file. */
function timesOf(date: string, of: { at: number; slot: number; chance: () => number }) {
  const { at, slot, chance } = of;
  const time = clock(slot * (at + 1) - 5 + Math.floor(chance() * 4));
  const { instants, moved } = localToInstants(date, time, zone)!;
  const endUnix = instants[0]! - Math.floor(chance() * 4);
  const startUnix = endUnix - Math.max(70, Math.floor(slot * (0.5 + chance() * 0.3)));
  return { times: { date, time, startUnix, endUnix }, moved };
}

/** The days of a history in order, with the number of rounds of each. */
function* daysOf({ rounds, roundsPerDay, recent, lastDay }: HistoryOptions) {
  const recentRounds = recent === undefined ? 0 : recent.days * recent.roundsPerDay;
  const olderDays = Math.ceil((rounds - recentRounds) / roundsPerDay);
  const days = olderDays + (recent?.days ?? 0);
  for (let day = 0, left = rounds - recentRounds; day < days; day++) {
    const count = day < olderDays ? Math.min(left, roundsPerDay) : recent!.roundsPerDay;
    left -= count;
    yield { day, date: addDays(lastDay, day - days + 1), count };
  }
}

/** The rounds of a history in the order of play: pairs on one map, evenly over each day, none across midnight. */
export function* playedRounds(options: HistoryOptions): Generator<PlayedRound> {
  const chance = randomOf(options.seed);
  let played = 0;
  for (const { day, date, count } of daysOf(options)) {
    const slot = Math.floor(86_000 / count);
    let matchId = '';
    for (let at = 0; at < count; at++, played++) {
      const { times, moved } = timesOf(date, { at, slot, chance });
      const number = at % 2 === 0 ? 1 : 2;
      if (number === 1) matchId = `${date}-${times.time}`;
      // Nobody plays in the hour that does not exist.
      const exempt = moved ? 'cancelled' : exemptBy(chance());
      yield {
        // A summary stands after each second round, and takes an id too.
        id: played + 1 + (played >> 1),
        matchId,
        map: maps[(day * 31 + (at >> 1)) % maps.length]!,
        number,
        ...times,
        session: day * 4 + Math.floor((at * 4) / count) + 1,
        exempt,
        isGap: chance() < options.gapShare && exempt === null,
      };
    }
  }
}

const roundColumns = [
  ...['id', 'match_id', 'round_number', 'round_date', 'round_time', 'map_name', 'gaming_session_id'],
  ...['round_status', 'round_start_unix', 'round_end_unix', 'actual_duration_seconds', 'total_pause_seconds'],
  ...['pause_count', 'end_reason', 'is_bot_round', 'is_valid', 'winner_team'],
];
const captureColumns = [
  ...['match_id', 'round_number', 'axis_players', 'allies_players', 'round_start_unix', 'round_end_unix'],
  ...['actual_duration_seconds', 'total_pause_seconds', 'pause_count', 'end_reason', 'winner_team'],
  ...['map_name', 'lua_version', 'lua_warmup_seconds', 'round_id'],
];
const spawnColumns = [
  ...['match_id', 'round_number', 'round_id', 'map_name', 'round_end_unix', 'player_guid', 'player_name'],
  ...['spawn_count', 'death_count', 'dead_seconds', 'avg_respawn_seconds', 'max_respawn_seconds'],
];
type Cell = string | number | boolean | null;

function roundRow(round: PlayedRound): Cell[] {
  const { id, matchId, number, date, time, map, session, startUnix, endUnix, exempt, isGap } = round;
  const timed = !isGap && exempt === null;
  const status = exempt === 'cancelled' ? 'cancelled' : 'completed';
  const timing: Cell[] = timed
    ? [startUnix, endUnix, endUnix - startUnix, 0, 0, 'objective']
    : [null, null, null, 0, 0, null];
  const named: Cell[] = [id, matchId, number, date, time, map, session, status];
  return [...named, ...timing, exempt === 'bots', exempt !== 'invalid', 1];
}

function summaryRow({ id, matchId, date, time, map, session }: PlayedRound): Cell[] {
  const named: Cell[] = [id + 1, matchId, 0, date, time, map, session, 'completed'];
  return [...named, null, null, null, 0, 0, null, false, true, 1];
}

const players = JSON.stringify(
  Array.from({ length: 3 }, (_, at) => ({ guid: `${at}`.repeat(32), name: `player ${at}` })),
);

function captureRow({ id, number, startUnix, endUnix, map }: PlayedRound): Cell[] {
  const key = localStamp(endUnix, zone);
  const timing = [startUnix, endUnix, endUnix - startUnix, 0, 0, 'objective'];
  return [key, number, players, players, ...timing, 1, map, '1.6.2', 30, id];
}

/** What the pipeline reads of an artifact besides the capture. */
function spawnRows({ id, number, endUnix, map }: PlayedRound): Cell[][] {
  const named: Cell[] = [localStamp(endUnix, zone), number, id, map, endUnix];
  return Array.from({ length: 6 }, (_, at) => [
    ...named,
    `${at}`.repeat(32),
    `player ${at}`,
    9,
    8,
    70,
    8,
    20,
  ]);
}

/** Writes rows batch by batch as fast as each database takes them. */
async function inserter(database: Database, table: string, columns: readonly string[]) {
  if (database.dialect === 'sqlite') {
    const connection = (await database.knex.client.acquireConnection()) as Sqlite.Database;
    await database.knex.client.releaseConnection(connection);
    const places = columns.map(() => '?').join(', ');
    const statement = connection.prepare(`insert into ${table} (${columns.join(', ')}) values (${places})`);
    const binds = (cell: Cell) => (typeof cell === 'boolean' ? Number(cell) : cell);
    return async (batch: readonly Cell[][]) => {
      connection.transaction(() => {
        for (const row of batch) statement.run(row.map(binds));
      })();
    };
  }
  const types = await rows<{ name: string; type: string }>(
    database,
    `select attname as name, format_type(atttypid, null) as type from pg_attribute
     where attrelid = to_regclass(?) and attnum > 0`,
    [table],
  );
  const typeOf = new Map(types.map(({ name, type }) => [name, type]));
  const recordOf = columns.map((column) => `${column} ${typeOf.get(column)}`).join(', ');
  return async (batch: readonly Cell[][]) => {
    const records = batch.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])));
    const sql = `insert into ${table} (${columns.join(', ')})
      select ${columns.join(', ')} from json_to_recordset(?::json) as given(${recordOf})`;
    await database.knex.raw(sql, [JSON.stringify(records)]);
  };
}

/**
 * Every so many gaps, the round carries the capture and the timing of the next round of its map and number: DOMAIN's
 * misplaced links, of which only the time of the file tells that they are none of its own.
 */
const misplacedEvery = 10;
const longestPlayed = 400;

/** A gap that looks like a covered round but for its times. */
function misplaced(round: PlayedRound): PlayedRound {
  const endUnix = round.endUnix - 9 * longestPlayed;
  return { ...round, endUnix, startUnix: endUnix - (round.endUnix - round.startUnix), isGap: false };
}

/** Fills an empty database with a history: rounds, their summaries, and a linked capture for all but the gaps. */
export async function fillHistory(database: Database, options: HistoryOptions): Promise<void> {
  await createSource(database);
  const insertRounds = await inserter(database, 'rounds', roundColumns);
  const insertCaptures = await inserter(database, 'lua_round_teams', captureColumns);
  const insertSpawns = await inserter(database, 'lua_spawn_stats', spawnColumns);
  let [rounds, captures, spawns]: [Cell[][], Cell[][], Cell[][]] = [[], [], []];
  const flush = async () => {
    await insertRounds(rounds);
    if (captures.length > 0) await insertCaptures(captures);
    if (spawns.length > 0) await insertSpawns(spawns);
    [rounds, captures, spawns] = [[], [], []];
  };
  let [gaps, count] = [0, 0];
  for (const played of playedRounds(options)) {
    const round = played.isGap && ++gaps % misplacedEvery === 0 ? misplaced(played) : played;
    rounds.push(roundRow(round));
    if (round.number === 2) rounds.push(summaryRow(round));
    if (!round.isGap && round.exempt === null) captures.push(captureRow(round));
    if (!played.isGap && played.exempt === null && count >= options.rounds - options.spawnRowsOf)
      spawns.push(...spawnRows(played));
    count++;
    if (rounds.length >= 10_000) await flush();
  }
  await flush();
  await database.knex.raw('analyze');
}

/** The name of a kept database with such a history. */
export function historyName(options: HistoryOptions): string {
  const { rounds, lastDay, roundsPerDay, recent, gapShare, spawnRowsOf, seed } = options;
  const last = recent === undefined ? '' : `_${recent.days}x${recent.roundsPerDay}`;
  const gaps = Math.round(gapShare * 10_000);
  return `history_${rounds}_${lastDay.replaceAll('-', '')}_${roundsPerDay}${last}_${gaps}_${spawnRowsOf}_${seed}`;
}
