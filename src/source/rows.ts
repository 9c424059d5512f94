import { sameJson } from '../core/canonical.ts';
import type { Capture, Json, Round, Row, Timing } from '../core/model.ts';
import type { StoredCapture } from '../core/row-change.ts';
import { canonicalIdColumn, timingColumns } from '../core/rows.ts';
import type { Dialect } from '../database.ts';

/**
 * The readers of single values are plain functions, not a schema: an audit reads a million rows, and a schema costs
 * ten times as much and half a kilobyte of garbage for each of them. The tests hold them against a schema.
 */

/** PostgreSQL gives bigint as text, SQLite may hold anything: what is no exact integer counts as absent. */
export function readInteger(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null;
  const isText = typeof value === 'string' && /^-?\d{1,16}$/.test(value);
  if (!isText && typeof value !== 'bigint') return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** Text, or what a column of another type holds, as text. */
export function readText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : null;
}

const spelledTruths: ReadonlyMap<unknown, boolean> = new Map([
  ['t', true],
  ['true', true],
  ['f', false],
  ['false', false],
]);

/** A truth, however the database spells it. */
export function readTruth(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value !== 0 : null;
  return spelledTruths.get(value) ?? null;
}

/** A row without an exact id cannot be named, so it is an error, not a finding. */
function readId(row: RawRow, table: string): number {
  const id = readInteger(row.id);
  if (id === null) throw new Error(`${table} has a row whose id is no exact integer: ${String(row.id)}`);
  return id;
}

type RawRow = Record<string, unknown>;

function timingOf(row: RawRow): Timing {
  return {
    startUnix: readInteger(row.round_start_unix),
    endUnix: readInteger(row.round_end_unix),
    durationSeconds: readInteger(row.actual_duration_seconds),
    endReason: readText(row.end_reason),
    pauseSeconds: readInteger(row.total_pause_seconds),
    pauseCount: readInteger(row.pause_count),
  };
}

/** The columns of `rounds` that an audit reads, as far as they exist. */
export const roundColumns = [
  ...['id', 'match_id', 'round_number', 'map_name', 'round_date', 'round_time', 'created_at', 'round_status'],
  ...['is_valid', 'is_bot_round', 'gaming_session_id', canonicalIdColumn, ...Object.values(timingColumns)],
];
/** The columns of `lua_round_teams` that matching reads, as far as they exist. */
export const captureColumns = [
  ...['id', 'match_id', 'round_number', 'map_name', 'round_id', 'lua_warmup_seconds', 'lua_version'],
  ...Object.values(timingColumns),
];

/** What says which round a row is of. */
export type RoundName = Pick<Round, 'id' | 'map' | 'number' | 'date' | 'time'>;

/** What a row of `rounds` says of that. */
export function toRoundName(row: RawRow): RoundName {
  return {
    id: readId(row, 'rounds'),
    map: readText(row.map_name),
    number: readInteger(row.round_number),
    date: readText(row.round_date),
    time: readText(row.round_time),
  };
}

/** A row of `rounds`, and its canonical id. Malformed values become nulls, which the rules treat as findings. */
export function toRound(row: RawRow): { round: Round; canonicalId: string | null } {
  const round: Round = {
    id: readId(row, 'rounds'),
    matchId: readText(row.match_id),
    number: readInteger(row.round_number),
    map: readText(row.map_name),
    date: readText(row.round_date),
    time: readText(row.round_time),
    createdAt: readText(row.created_at),
    status: readText(row.round_status),
    isValid: readTruth(row.is_valid),
    isBot: readTruth(row.is_bot_round),
    session: readInteger(row.gaming_session_id),
    timing: timingOf(row),
  };
  return { round, canonicalId: readText(row[canonicalIdColumn]) };
}

/** A row of `lua_round_teams`. */
export function toCapture(row: RawRow): Capture {
  return {
    id: readId(row, 'lua_round_teams'),
    matchId: readText(row.match_id) ?? '',
    number: readInteger(row.round_number) ?? -1,
    map: readText(row.map_name),
    timing: timingOf(row),
    warmupSeconds: readInteger(row.lua_warmup_seconds),
    roundId: readInteger(row.round_id),
    luaVersion: readText(row.lua_version),
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

/** Whether a value is sure to be its own canonical form: what that is need not be made then. */
function isSurelyCanonical(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return value === null || typeof value === 'boolean';
  // Of what a list leaves out `from` makes undefined, which is no value.
  if (Array.isArray(value)) return Array.from(value).every(isSurelyCanonical);
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.entries(value).every(([name, item]) => name.isWellFormed() && isSurelyCanonical(item));
}

const isListAsWritten = (value: unknown, expected: Json) =>
  Array.isArray(expected) && value === JSON.stringify(expected) && isSurelyCanonical(expected);

/** Whether a value as the driver gives it is, in its canonical form, the one that is expected. */
export function isValue(column: string, value: unknown, expected: Json): boolean {
  // What most columns hold is canonical as it is, and a list as it was written.
  const isSure = jsonColumns.has(column)
    ? isListAsWritten(value, expected)
    : value === expected && isSurelyCanonical(value);
  return isSure || sameJson(canonicalValue(column, value), expected);
}

/** A whole row with canonical values, the same on both databases. */
export function toRow(row: Record<string, unknown>): Row {
  const canonical: Row = {};
  for (const column of Object.keys(row)) canonical[column] = canonicalValue(column, row[column]);
  return canonical;
}

/** A canonical value as the driver wants it: JSON columns as text, and no truths on SQLite. */
export function driverValue(column: string, value: Json | undefined, dialect: Dialect): unknown {
  if (jsonColumns.has(column) && value !== null) return JSON.stringify(value);
  return dialect === 'sqlite' && typeof value === 'boolean' ? Number(value) : value;
}

/** A whole row as the driver wants it. */
export function fromRow(row: Row, dialect: Dialect): Record<string, unknown> {
  const driven: Record<string, unknown> = {};
  for (const column of Object.keys(row)) driven[column] = driverValue(column, row[column], dialect);
  return driven;
}

/** A stored capture with its whole row. */
export function toStoredCapture(raw: Record<string, unknown>): StoredCapture {
  return { row: toRow(raw), ...toCapture(raw) };
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
