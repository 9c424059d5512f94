import { z } from 'zod';
import type { Json, Player, SpawnStat } from '../core/model.ts';
import { Damage } from './damage.ts';
import { cleanText, cut } from './text.ts';
import { isInt32 } from './values.ts';

const guidLength = 32;
/** Characters of a name that the database takes. */
export const nameLength = 64;
/** The module writes flat pause events; what is nested deeper than this is not its work. */
const deepest = 8;
/** The game holds 64 players at a time; nobody has seen four times that come and go in one round. */
export const mostPlayers = 256;
/** A module that counted pauses wrongly wrote one event for each frame, some hundreds for a round. */
export const mostPauses = 10_000;

const playerSchema = z.object({ guid: z.string(), name: z.string() });
const spawnSchema = playerSchema.extend({
  spawns: z.int32(),
  deaths: z.int32(),
  dead_seconds: z.int32(),
  avg_respawn: z.int32(),
  max_respawn: z.int32(),
});

export function readGuid(text: string): string {
  return cut(cleanText(text), guidLength);
}

export function readName(text: string): string {
  return cut(cleanText(text), nameLength);
}

function readItems(label: string, value: unknown, most: number): unknown[] {
  if (!Array.isArray(value)) throw new Damage(`${label} is no list`);
  if (value.length > most)
    throw new Damage(`${label} has ${value.length} items, and no round has more than ${most}`);
  return value;
}

type PlayerItem = z.infer<typeof playerSchema>;
type SpawnItem = z.infer<typeof spawnSchema>;

/** What its schema says too; the schema is ten times slower, and is asked only where this says no. */
function isPlayerItem(item: unknown): item is PlayerItem {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return false;
  const { guid, name } = item as Partial<PlayerItem>;
  return typeof guid === 'string' && typeof name === 'string';
}

function isSpawnItem(item: unknown): item is SpawnItem {
  if (!isPlayerItem(item)) return false;
  const { spawns, deaths, dead_seconds, avg_respawn, max_respawn } = item as Partial<SpawnItem>;
  return (
    isInt32(spawns) &&
    isInt32(deaths) &&
    isInt32(dead_seconds) &&
    isInt32(avg_respawn) &&
    isInt32(max_respawn)
  );
}

/** Checks item by item and stops at the first that is wrong, so that a hostile list is cheap. */
function readList<T>(
  label: string,
  value: unknown,
  item: { schema: z.ZodType<T>; is: (item: unknown) => item is T },
): T[] {
  const { schema, is } = item;
  return readItems(label, value, mostPlayers).map((item, index) => {
    if (is(item)) return item;
    const checked = schema.safeParse(item);
    if (checked.success) return checked.data;
    const issue = checked.error.issues[0]!;
    throw new Damage(`${label} is wrong at item ${index + 1}: ${[...issue.path, issue.message].join(' ')}`);
  });
}

const playerItem = { schema: playerSchema, is: isPlayerItem };
const spawnItem = { schema: spawnSchema, is: isSpawnItem };

/** A team list; guids and names as the database takes them. Throws Damage. */
export function readPlayers(label: string, value: unknown): Player[] {
  return readList(label, value, playerItem).map(({ guid, name }) => ({
    guid: readGuid(guid),
    name: readName(name),
  }));
}

/** The spawn list, one item for a guid. Throws Damage, also where a guid stands there with two sets of values. */
export function readSpawns(label: string, value: unknown): SpawnStat[] {
  const byGuid = new Map<string, SpawnStat>();
  for (const item of readList(label, value, spawnItem)) {
    const spawn: SpawnStat = {
      guid: readGuid(item.guid),
      name: readName(item.name),
      // Plus zero: there is no minus zero in JSON.
      spawnCount: item.spawns + 0,
      deathCount: item.deaths + 0,
      deadSeconds: item.dead_seconds + 0,
      avgRespawnSeconds: item.avg_respawn + 0,
      maxRespawnSeconds: item.max_respawn + 0,
    };
    const before = byGuid.get(spawn.guid);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(spawn))
      throw new Damage(`${label} has one guid twice with different values`);
    byGuid.set(spawn.guid, spawn);
  }
  return [...byGuid.values()];
}

function cleanJson(label: string, value: unknown, depth: number): Json {
  if (depth > deepest) throw new Damage(`${label} is nested too deeply`);
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
      throw new Damage(`${label} holds a number that is too large`);
    return value + 0; // never minus zero
  }
  if (value === null || typeof value !== 'object') return value as null | boolean;
  if (Array.isArray(value)) return value.map((item) => cleanJson(label, item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [cleanText(key), cleanJson(label, item, depth + 1)]),
  );
}

/** Pause events as they stand there, made fit for jsonb. Throws Damage. */
export function readPauseEvents(label: string, value: unknown): Json[] {
  return readItems(label, value, mostPauses).map((item) => cleanJson(label, item, 1));
}
