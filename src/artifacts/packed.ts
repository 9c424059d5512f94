import type { Artifact, ArtifactContent, Json, Player, SpawnStat } from '../core/model.ts';

/*
 * Artifacts on their way from one thread to another, or from one run to the next: values without their names, which cost more than the values. What
 * is unpacked is what was packed, in the same order: contents are compared as texts.
 */

type PackedContent = [
  values: (string | number | null)[],
  axis: string[],
  allies: string[],
  pauses: Json[],
  spawns: (string | number)[],
];
export type Packed = [
  sha256: string | null,
  bytes: number,
  modifiedUnix: number,
  damage: string | null,
  unreadable: string | null,
  content: PackedContent | null,
];

function packPlayers(players: readonly Player[]): string[] {
  const packed: string[] = [];
  for (const { guid, name } of players) packed.push(guid, name);
  return packed;
}

function packSpawns(spawns: readonly SpawnStat[]): (string | number)[] {
  const packed: (string | number)[] = [];
  for (const spawn of spawns)
    packed.push(
      spawn.guid,
      spawn.name,
      spawn.spawnCount,
      spawn.deathCount,
      spawn.deadSeconds,
      spawn.avgRespawnSeconds,
      spawn.maxRespawnSeconds,
    );
  return packed;
}

function packContent(content: ArtifactContent): PackedContent {
  const { timing } = content;
  return [
    [
      content.map,
      content.number,
      timing.startUnix,
      timing.endUnix,
      timing.durationSeconds,
      timing.endReason,
      timing.pauseSeconds,
      timing.pauseCount,
      content.winnerTeam,
      content.defenderTeam,
      content.timeLimitMinutes,
      content.warmupSeconds,
      content.warmupStartUnix,
      content.surrenderTeam,
      content.surrenderCallerGuid,
      content.surrenderCallerName,
      content.axisScore,
      content.alliesScore,
      content.luaVersion,
    ],
    packPlayers(content.axisPlayers),
    packPlayers(content.alliesPlayers),
    content.pauseEvents,
    packSpawns(content.spawns),
  ];
}

/** People by their guids, as they were last called: the same ones play every evening, and each is in memory once. */
const people = new Map<string, Player>();
const mostKnown = 10_000;

function personOf(guid: string, name: string): Player {
  const before = people.get(guid);
  if (before?.name === name) return before;
  if (people.size >= mostKnown) people.clear();
  const person = { guid, name };
  people.set(guid, person);
  return person;
}

function unpackPlayers(packed: readonly string[]): Player[] {
  const players: Player[] = [];
  for (let at = 0; at < packed.length; at += 2) players.push(personOf(packed[at]!, packed[at + 1]!));
  return players;
}

function unpackSpawns(packed: readonly (string | number)[]): SpawnStat[] {
  const spawns: SpawnStat[] = [];
  for (let at = 0; at < packed.length; at += 7) {
    const { guid, name } = personOf(packed[at] as string, packed[at + 1] as string);
    spawns.push({
      guid,
      name,
      spawnCount: packed[at + 2] as number,
      deathCount: packed[at + 3] as number,
      deadSeconds: packed[at + 4] as number,
      avgRespawnSeconds: packed[at + 5] as number,
      maxRespawnSeconds: packed[at + 6] as number,
    });
  }
  return spawns;
}

function unpackContent([values, axis, allies, pauseEvents, spawns]: PackedContent): ArtifactContent {
  const number = (index: number) => values[index] as number;
  const text = (index: number) => values[index] as string;
  return {
    map: text(0),
    number: number(1) as 1 | 2,
    timing: {
      startUnix: number(2),
      endUnix: number(3),
      durationSeconds: number(4),
      endReason: text(5),
      pauseSeconds: number(6),
      pauseCount: number(7),
    },
    winnerTeam: number(8),
    defenderTeam: number(9),
    timeLimitMinutes: number(10),
    warmupSeconds: number(11),
    warmupStartUnix: number(12),
    surrenderTeam: number(13),
    surrenderCallerGuid: text(14),
    surrenderCallerName: text(15),
    axisScore: number(16),
    alliesScore: number(17),
    luaVersion: text(18),
    axisPlayers: unpackPlayers(axis),
    alliesPlayers: unpackPlayers(allies),
    pauseEvents,
    spawns: unpackSpawns(spawns),
  };
}

/** An artifact without what its path says. */
export function pack({ sha256, bytes, modifiedUnix, damage, unreadable, content }: Artifact): Packed {
  return [sha256, bytes, modifiedUnix, damage, unreadable, content && packContent(content)];
}

/** The artifact at this path. */
export function unpack(
  packed: Packed,
  { path, name }: Pick<Artifact, 'path'> & { name: NameFacts },
): Artifact {
  const [sha256, bytes, modifiedUnix, damage, unreadable, content] = packed;
  return {
    path,
    safeMap: name.safeMap,
    number: name.number,
    endUnix: name.endUnix,
    finished: name.finished,
    sha256,
    bytes,
    modifiedUnix,
    content: content && unpackContent(content),
    damage,
    unreadable,
  };
}

/** A packed artifact that was a text meanwhile, at this path; null where that is none, or not of a whole file's bytes. */
export function unpackText(text: string, of: Pick<Artifact, 'path'> & { name: NameFacts }): Artifact | null {
  try {
    const packed = JSON.parse(text) as Packed;
    return typeof packed[0] === 'string' ? unpack(packed, of) : null;
  } catch {
    return null;
  }
}

type NameFacts = Pick<Artifact, 'safeMap' | 'number' | 'endUnix' | 'finished'>;
