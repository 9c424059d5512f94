import type { Row } from '../core/model.ts';
import type { Table } from '../core/rows.ts';
import { type Database, transact } from '../database.ts';
import { fromRow } from './rows.ts';
import { inspectSource } from './schema.ts';

/** Which of the audited system's schemas (DOMAIN, "The schema over time"). */
export type SchemaVersion = 'february' | 'august';

interface Dialectal {
  id: string;
  json: string;
  instant: string;
}

const dialects: Record<Database['dialect'], Dialectal> = {
  sqlite: {
    id: 'integer primary key autoincrement',
    json: 'text',
    instant: "text default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
  },
  postgres: { id: 'serial primary key', json: 'jsonb', instant: 'timestamptz default now()' },
};

function statements(dialect: Dialectal, version: SchemaVersion): string[] {
  const august = version === 'august';
  return [
    `create table rounds (
      id ${dialect.id}, match_id text not null, round_number integer not null, round_date text, round_time text,
      map_name text, time_limit text, actual_time text, defender_team integer, winner_team integer, is_tied boolean,
      round_outcome text, gaming_session_id integer, created_at timestamp, round_status varchar(20),
      round_start_unix bigint, round_end_unix bigint, actual_duration_seconds integer,
      total_pause_seconds integer default 0, pause_count integer default 0, end_reason varchar(20),
      is_bot_round boolean, bot_player_count integer, human_player_count integer, score_confidence varchar(20),
      round_stopwatch_state varchar(20), time_to_beat_seconds integer, next_timelimit_minutes integer
      ${august ? ', map_play_seq integer, round_canonical_id varchar(64), is_valid boolean not null default true' : ''},
      unique (match_id, round_number))`,
    'create index rounds_date on rounds (round_date)',
    `create table lua_round_teams (
      id ${dialect.id}, match_id varchar(64) not null, round_number integer not null,
      axis_players ${dialect.json}, allies_players ${dialect.json}, round_start_unix bigint, round_end_unix bigint,
      actual_duration_seconds integer, total_pause_seconds integer default 0, pause_count integer default 0,
      end_reason varchar(20), winner_team integer, defender_team integer, map_name varchar(64),
      time_limit_minutes integer, captured_at ${dialect.instant}, lua_version varchar(16),
      lua_warmup_seconds integer, lua_warmup_start_unix bigint default 0, lua_pause_events ${dialect.json},
      surrender_caller_guid varchar(${august ? 32 : 64}), surrender_caller_name varchar(64), surrender_team integer,
      axis_score integer, allies_score integer, round_id integer, unique (match_id, round_number))`,
    'create index lua_round_teams_end on lua_round_teams (round_end_unix)',
    `create table lua_spawn_stats (
      id ${dialect.id}, match_id varchar(64) not null, round_number integer not null, round_id integer,
      map_name varchar(64), round_end_unix bigint, player_guid varchar(32) not null, player_name varchar(64),
      spawn_count integer, death_count integer, dead_seconds integer, avg_respawn_seconds integer,
      max_respawn_seconds integer, captured_at ${dialect.instant}, unique (match_id, round_number, player_guid))`,
    ...(august
      ? [
          'create unique index lua_round_teams_round on lua_round_teams (round_id)',
          'create unique index rounds_canonical on rounds (round_canonical_id) where round_canonical_id is not null',
        ]
      : ['create index lua_round_teams_round on lua_round_teams (round_id)']),
  ];
}

/** Creates the audited tables in an empty database: the embedded source of the demo, and of the tests. */
export async function createSource(database: Database, version: SchemaVersion = 'august'): Promise<void> {
  await transact(database, async (inside) => {
    for (const statement of statements(dialects[database.dialect], version)) await inside.knex.raw(statement);
  });
}

/** Rows to begin with, as the pipeline's own columns. */
export interface SourceRows {
  rounds: readonly Row[];
  captures?: readonly Row[];
  spawns?: readonly Row[];
}

const insertChunk = 200;

async function insertAll(
  database: Database,
  table: Table,
  given: { rows: readonly Row[]; columns: ReadonlySet<string> },
): Promise<void> {
  const all = given.rows;
  const columns = [...new Set(all.flatMap((row) => Object.keys(row)))].filter((column) =>
    given.columns.has(column),
  );
  const complete = all.map((row) =>
    Object.fromEntries(columns.map((column) => [column, row[column] ?? null])),
  );
  for (let at = 0; at < complete.length; at += insertChunk) {
    const chunk = complete.slice(at, at + insertChunk).map((row) => fromRow(row, database.dialect));
    await database.knex(table).insert(chunk);
  }
  if (database.dialect === 'postgres' && all.length > 0)
    await database.knex.raw(
      `select setval(pg_get_serial_sequence(?, 'id'), (select max(id) from ${table}))`,
      [table],
    );
}

/** Fills an embedded source. Ids stay as they are given; later ones follow the largest. Columns that it lacks are left out. */
export async function fillSource(database: Database, given: SourceRows): Promise<void> {
  const { columns } = await inspectSource(database);
  await transact(database, async (inside) => {
    await insertAll(inside, 'rounds', { rows: given.rounds, columns: columns.rounds });
    await insertAll(inside, 'lua_round_teams', { rows: given.captures ?? [], columns: columns.captures });
    await insertAll(inside, 'lua_spawn_stats', {
      rows: given.spawns ?? [],
      columns: columns.spawns ?? new Set(),
    });
  });
}
