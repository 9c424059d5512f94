import { z } from 'zod';
import type { Capture, Json, Round, Row, Timing } from '../core/model.ts';
import type { StoredCapture } from '../core/row-change.ts';
import type { Dialect } from '../database.ts';

/** PostgreSQL gives bigint as text, SQLite may hold anything: what is no exact integer counts as absent. */
const integer = z
  .union([
    z.number(),
    z.bigint().transform(Number),
    z
      .string()
      .regex(/^-?\d{1,16}$/)
      .transform(Number),
  ])
  .transform((value) => (Number.isSafeInteger(value) ? value : null))
  .nullable()
  .catch(null);
/** A row without an exact id cannot be named, so it is an error, not a finding. */
const id = integer.refine((value): value is number => value !== null, 'is no exact integer');
const text = z
  .union([z.string(), z.number().transform(String), z.date().transform((date) => date.toISOString())])
  .nullable()
  .catch(null);
const truth = z
  .union([
    z.boolean(),
    z.number().transform((value) => value !== 0),
    z.enum(['t', 'f', 'true', 'false']).transform((value) => value.startsWith('t')),
  ])
  .nullable()
  .catch(null);

const timingShape = {
  round_start_unix: integer.optional().default(null),
  round_end_unix: integer.optional().default(null),
  actual_duration_seconds: integer.optional().default(null),
  end_reason: text.optional().default(null),
  total_pause_seconds: integer.optional().default(null),
  pause_count: integer.optional().default(null),
};

const roundShape = z.object({
  id,
  match_id: text,
  round_number: integer,
  map_name: text,
  round_date: text,
  round_time: text,
  created_at: text.optional().default(null),
  round_status: text.optional().default(null),
  is_valid: truth.optional().default(null),
  is_bot_round: truth.optional().default(null),
  gaming_session_id: integer.optional().default(null),
  round_canonical_id: text.optional().default(null),
  ...timingShape,
});

const captureShape = z.object({
  id,
  match_id: text,
  round_number: integer,
  map_name: text,
  round_id: integer,
  lua_warmup_seconds: integer.optional().default(null),
  lua_version: text.optional().default(null),
  ...timingShape,
});

function timingOf(row: z.infer<z.ZodObject<typeof timingShape>>): Timing {
  return {
    startUnix: row.round_start_unix,
    endUnix: row.round_end_unix,
    durationSeconds: row.actual_duration_seconds,
    endReason: row.end_reason,
    pauseSeconds: row.total_pause_seconds,
    pauseCount: row.pause_count,
  };
}

/** The columns of `rounds` that an audit reads, as far as they exist. */
export const roundColumns = Object.keys(roundShape.shape);
/** The columns of `lua_round_teams` that matching reads, as far as they exist. */
export const captureColumns = Object.keys(captureShape.shape);

/** A row of `rounds`, and its canonical id. Malformed values become nulls, which the rules treat as findings. */
export function toRound(row: unknown): { round: Round; canonicalId: string | null } {
  const parsed = roundShape.parse(row);
  const round: Round = {
    id: parsed.id,
    matchId: parsed.match_id,
    number: parsed.round_number,
    map: parsed.map_name,
    date: parsed.round_date,
    time: parsed.round_time,
    createdAt: parsed.created_at,
    status: parsed.round_status,
    isValid: parsed.is_valid,
    isBot: parsed.is_bot_round,
    session: parsed.gaming_session_id,
    timing: timingOf(parsed),
  };
  return { round, canonicalId: parsed.round_canonical_id };
}

/** A row of `lua_round_teams`. */
export function toCapture(row: unknown): Capture {
  const parsed = captureShape.parse(row);
  return {
    id: parsed.id,
    matchId: parsed.match_id ?? '',
    number: parsed.round_number ?? -1,
    map: parsed.map_name,
    timing: timingOf(parsed),
    warmupSeconds: parsed.lua_warmup_seconds,
    roundId: parsed.round_id,
    luaVersion: parsed.lua_version,
  };
}

const jsonColumns: ReadonlySet<string> = new Set(['axis_players', 'allies_players', 'lua_pause_events']);

/** What JSON cannot hold exactly, as text: SQLite may hold anything, and jsonb has numbers of any size. */
function exactly(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'boolean') return value;
  if (typeof value === 'bigint' || typeof value === 'number') {
    const number = Number(value);
    const isExact = Number.isSafeInteger(number) || (Number.isFinite(number) && !Number.isInteger(number));
    return isExact ? number : value.toString();
  }
  if (Array.isArray(value)) return value.map(exactly);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name.toWellFormed(), exactly(item)]),
  );
}

function canonicalValue(column: string, value: unknown): Json {
  if (!jsonColumns.has(column) || typeof value !== 'string') return exactly(value);
  try {
    return exactly(JSON.parse(value));
  } catch {
    return exactly(value);
  }
}

/** A whole row with canonical values, the same on both databases. */
export function toRow(row: Record<string, unknown>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, canonicalValue(column, value)]),
  );
}

/** A whole row as the driver wants it: JSON columns as text. */
export function fromRow(row: Row, dialect: Dialect): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (jsonColumns.has(column) && value !== null) return [column, JSON.stringify(value)];
      if (dialect === 'sqlite' && typeof value === 'boolean') return [column, value ? 1 : 0];
      return [column, value];
    }),
  );
}

/** A stored capture with its whole row. */
export function toStoredCapture(raw: Record<string, unknown>): StoredCapture {
  return { ...toCapture(raw), row: toRow(raw) };
}

/** A row of `lua_spawn_stats` with what the rules ask of it. */
export function toStoredSpawn(raw: Record<string, unknown>) {
  const row = toRow(raw);
  return {
    matchId: String(row.match_id ?? ''),
    number: Number(row.round_number ?? -1),
    map: typeof row.map_name === 'string' ? row.map_name : null,
    guid: String(row.player_guid ?? ''),
    roundId: typeof row.round_id === 'number' ? row.round_id : null,
    row,
  };
}
