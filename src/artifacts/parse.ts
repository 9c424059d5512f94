import { z } from 'zod';
import type { ArtifactContent } from '../core/model.ts';
import { type ArtifactName, candidateNumber, safeMap } from '../core/names.ts';
import { Damage, parseJson, quoted } from './damage.ts';
import { type Document, fieldsByLine, type Payload, readDocument, readPayload } from './document.ts';
import { readInner, readText } from './fields.ts';
import { readLaidOut } from './laid-out.ts';
import { readGuid, readName, readPauseEvents, readPlayers, readSpawns } from './lists.ts';
import { cleanText, cut, decodeText, toUtf8 } from './text.ts';
import {
  isInt32,
  readEndReason,
  readInteger,
  readMinutes,
  readPauses,
  readRound,
  readSeconds,
  readSurrenderTeam,
  readTeam,
  readUnix,
  versionLength,
} from './values.ts';

/**
 * What the parser says of a file is remembered under this number (src/artifacts/stamp.ts). It grows with every change by
 * which any file's content or damage is told otherwise; test/artifacts/stamp.test.ts says when that was forgotten.
 */
export const parserVersion = 1;

const mapLength = 64;

const metaSchema = z.object({
  map: z.string(),
  round: z.int32(),
  round_start_unix: z.int(),
  round_end_unix: z.int(),
  actual_duration_seconds: z.int32(),
  warmup_seconds: z.int32(),
  pause_seconds: z.int32(),
  pause_count: z.int32(),
  spawn_stats: z.unknown().optional(),
});

function readMap(label: string, map: string): string {
  if (map.trim() === '') throw new Damage(`${label} is empty`);
  if (cut(map, mapLength) !== map) throw new Damage(`${label} is longer than ${mapLength} characters`);
  return map;
}

type Meta = z.infer<typeof metaSchema>;

/** What its schema says too; the schema is ten times slower, and is asked only where this says no. */
function isMeta(value: unknown): value is Meta {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const meta = value as Partial<Meta>;
  return (
    typeof meta.map === 'string' &&
    isInt32(meta.round) &&
    Number.isSafeInteger(meta.round_start_unix) &&
    Number.isSafeInteger(meta.round_end_unix) &&
    isInt32(meta.actual_duration_seconds) &&
    isInt32(meta.warmup_seconds) &&
    isInt32(meta.pause_seconds) &&
    isInt32(meta.pause_count)
  );
}

function readMeta(value: unknown): Meta {
  if (isMeta(value)) return value;
  const checked = metaSchema.safeParse(value);
  if (!checked.success) {
    const issue = checked.error.issues[0]!;
    throw new Damage(`meta is wrong: ${[...issue.path, issue.message].join(' ')}`);
  }
  return checked.data;
}

function mustAgree(label: string, meta: string | number | null, payload: string | number): void {
  if (meta !== payload)
    throw new Damage(`${label} is ${quoted(String(payload))}, but meta says ${quoted(String(meta))}`);
}

/** Everything that the message itself says; the spawn list stands beside it. */
function readMessage(document: Payload): ArtifactContent {
  const text = (label: string) => cleanText(readText(document, label));
  const pauses = readPauses('Lua_Pauses', text('Lua_Pauses'));
  text('Lua_SpawnSummary');
  return {
    map: readMap('Map', text('Map')),
    number: readRound('Round', text('Round')),
    timing: {
      startUnix: readUnix('Lua_RoundStart', text('Lua_RoundStart')),
      endUnix: readUnix('Lua_RoundEnd', text('Lua_RoundEnd')),
      durationSeconds: readSeconds('Lua_Playtime', text('Lua_Playtime')),
      endReason: readEndReason(text('Lua_EndReason')),
      pauseSeconds: pauses.seconds,
      pauseCount: pauses.count,
    },
    winnerTeam: readTeam(text('Winner')),
    defenderTeam: readTeam(text('Defender')),
    timeLimitMinutes: readMinutes('Lua_Timelimit', text('Lua_Timelimit')),
    warmupSeconds: readSeconds('Lua_Warmup', text('Lua_Warmup')),
    warmupStartUnix: readUnix('Lua_WarmupStart', text('Lua_WarmupStart')),
    surrenderTeam: readSurrenderTeam('Lua_SurrenderTeam', text('Lua_SurrenderTeam')),
    surrenderCallerGuid: readGuid(text('Lua_SurrenderCaller')),
    surrenderCallerName: readName(text('Lua_SurrenderCallerName')),
    axisScore: readInteger('Lua_AxisScore', text('Lua_AxisScore')),
    alliesScore: readInteger('Lua_AlliesScore', text('Lua_AlliesScore')),
    luaVersion: cut(document.version, versionLength),
    axisPlayers: readPlayers('Axis_JSON', readInner(document, 'Axis_JSON')),
    alliesPlayers: readPlayers('Allies_JSON', readInner(document, 'Allies_JSON')),
    pauseEvents: readPauseEvents('Lua_Pauses_JSON', readInner(document, 'Lua_Pauses_JSON')),
    spawns: [],
  };
}

function readContent(document: Document): ArtifactContent {
  const message = readMessage(document);
  const meta = readMeta(document.meta);
  const { spawn_stats: spawnStats } = meta;
  const spawns = readSpawns(
    'spawn_stats',
    typeof spawnStats === 'string' ? parseJson('spawn_stats', spawnStats) : spawnStats,
  );
  const content = { ...message, spawns };
  mustAgree('Map', cleanText(meta.map), content.map);
  mustAgree('Round', candidateNumber(meta.round), content.number);
  mustAgree('Lua_RoundStart', meta.round_start_unix, content.timing.startUnix);
  mustAgree('Lua_RoundEnd', meta.round_end_unix, content.timing.endUnix);
  mustAgree('Lua_Playtime', meta.actual_duration_seconds, content.timing.durationSeconds);
  return content;
}

/**
 * Reads an artifact's bytes, by salvage where they are no JSON (DOMAIN, section 3; DESIGN, Matching 10).
 * `salvaged` says that the bytes were not strict JSON in UTF-8. `damage` says in a clause why the artifact
 * is not whole; nothing is returned in part. Never throws, whatever the bytes are.
 */
export function parseArtifact(
  bytes: Uint8Array,
): { content: ArtifactContent; salvaged: boolean } | { damage: string } {
  try {
    const { utf8, strict } = toUtf8(bytes);
    const content = readLaidOut(utf8);
    if (content !== null) return { content, salvaged: !strict };
    const document = readDocument(utf8.toString('utf8'));
    return { content: readContent(document), salvaged: document.salvaged || !strict };
  } catch (thrown) {
    if (thrown instanceof Damage) return { damage: thrown.message };
    throw thrown;
  }
}

/** What a bare message says of its round; null for the parts that cannot be read. */
export type ParsedMessage =
  | { content: ArtifactContent; name: ArtifactName }
  | { damage: string; name: ArtifactName | null };

/** Map, number and end by their lines alone, so that a damaged message can still be laid before its round. */
function nameByLines(text: string): ArtifactName | null {
  try {
    const fields = fieldsByLine(text);
    const raw = (label: string) => cleanText(fields.get(label)?.raw ?? '');
    const map = readMap('Map', raw('map'));
    const endUnix = readUnix('Lua_RoundEnd', raw('lua_roundend'));
    return { safeMap: safeMap(map), number: readRound('Round', raw('round')), endUnix, finished: true };
  } catch (thrown) {
    if (thrown instanceof Damage) return null;
    throw thrown;
  }
}

/**
 * Reads a bare message of the retry buffer (DOMAIN, section 3): an artifact's payload alone, without meta and
 * spawn list. `damage` says why it is not whole. Never throws, whatever the bytes are.
 */
export function parseMessage(bytes: Uint8Array): ParsedMessage {
  const { text } = decodeText(bytes);
  try {
    const content = readMessage(readPayload(text));
    const { map, number, timing } = content;
    return { content, name: { safeMap: safeMap(map), number, endUnix: timing.endUnix, finished: true } };
  } catch (thrown) {
    if (thrown instanceof Damage) return { damage: thrown.message, name: nameByLines(text) };
    throw thrown;
  }
}
