import type { ArtifactContent, Json, Player, SpawnStat } from '../core/model.ts';
import { Damage } from './damage.ts';
import { readVersion } from './document.ts';
import { mostPlayers, nameLength, readPauseEvents } from './lists.ts';
import { cut } from './text.ts';
import { readEndReason, readTeam, versionLength } from './values.ts';

/*
 * Nearly every artifact is laid out in the same lines, and holds nothing that needs an escape. Such a file needs not be
 * built as JSON, and its inner lists a second time, to know what it says: this takes it apart in one pass, at less than
 * half of the cost. It is exact: it answers only where the general way answers the same (test/artifacts/same.test.ts),
 * and leaves everything else to that, above all whatever is damaged.
 *
 * A text here is the file's bytes, one character each: no byte of a longer UTF-8 sequence is one of ASCII, so whatever
 * is looked for stands where it stands in the decoded text.
 */

/** The inside of a JSON string without escapes; one character of it that is ASCII and seen; the inside with escapes. */
const plain = '[^"\\\\\\u0000-\\u001f]*';
const visible = '[ !#-[\\]-~]';
const escaped = `${plain}(?:\\\\.${plain})*`;
const guid = `${visible}{0,32}`;
const map = `${visible}{1,64}`;
/** Whole numbers as JSON has them, within int4, and within what an instant needs. */
const int = '(?:0|[1-9]\\d{0,8})';
const unix = '(?:0|[1-9]\\d{0,11})';

/** An expression for what stands at one place; its groups are named by the type. */
interface Layout<Groups extends string[]> {
  expression: RegExp;
  groups?: Groups;
}

function layout<Groups extends string[]>(...parts: string[]): Layout<Groups> {
  return { expression: new RegExp(parts.join(''), 'y') };
}

const literal = (text: string) => text.replace(/[[\]{}\\|^$.*+?()/]/g, '\\$&').replaceAll('\n', '\\n');

const fieldStart = (name: string) => literal(`                {"name": "${name}", "value": "`);
const fieldEnd = '", "inline": (?:true|false)\\}';
const field = (name: string, value: string) => `${fieldStart(name)}${value}${fieldEnd}`;

type MetaGroups = [map: string, round: string, start: string, end: string, playtime: string];
const metaStart = layout<MetaGroups>(
  `\\{"meta":\\{"map":"(${map})","round":([012])`,
  `,"round_start_unix":(${unix}),"round_end_unix":(${unix}),"actual_duration_seconds":(${int})`,
  `,"warmup_seconds":${int},"pause_seconds":${int},"pause_count":${int}`,
  `,"server_ip":"${plain}","server_port":"${plain}","match_id":"${plain}","spawn_stats":\\[`,
);

type PersonGroups = [written: string, guid: string, name: string];
const spawnItem = layout<
  [...PersonGroups, spawns: string, deaths: string, dead: string, average: string, most: string]
>(
  `\\{("guid":"(${guid})","name":"(${plain})"),"spawns":(${int}),"deaths":(${int})`,
  `,"dead_seconds":(${int}),"avg_respawn":(${int}),"max_respawn":(${int})\\}`,
);

type MessageGroups = [
  map: string,
  round: string,
  winner: string,
  defender: string,
  playtime: string,
  timeLimit: string,
  pauseCount: string,
  pauseSeconds: string,
  endReason: string,
  warmup: string,
  warmupStart: string,
  start: string,
  end: string,
  surrenderTeam: string,
  surrenderCaller: string,
  surrenderCallerName: string,
  axisScore: string,
  alliesScore: string,
];
const messageStart = layout<MessageGroups>(
  `${literal(']},"payload":{\n        "username": "')}${plain}`,
  `${literal('",\n        "content": "')}${plain}`,
  `${literal('",\n        "embeds": [{\n            "title": "')}${plain}`,
  `${literal('",\n            "description": "')}${plain}`,
  literal('",\n            "color": 3447003,\n            "fields": [\n'),
  [
    field('Map', `(${map})`),
    field('Round', '([012])'),
    field('Winner', `(${visible}*)`),
    field('Defender', `(${visible}*)`),
    field('Lua_Playtime', `(${int}) sec`),
    field('Lua_Timelimit', `(${int}(?:\\.\\d{1,20})?) min`),
    field('Lua_Pauses', `(${int}) \\((${int}) sec\\)`),
    field('Lua_EndReason', `(${visible}*)`),
    field('Lua_Warmup', `(${int}) sec`),
    field('Lua_WarmupStart', `(${unix})`),
    field('Lua_RoundStart', `(${unix})`),
    field('Lua_RoundEnd', `(${unix})`),
    field('Lua_SurrenderTeam', '([012])'),
    field('Lua_SurrenderCaller', `(${guid})`),
    field('Lua_SurrenderCallerName', `(${plain})`),
    field('Lua_AxisScore', `(${int})`),
    field('Lua_AlliesScore', `(${int})`),
    `${fieldStart('Axis_JSON')}\\[`,
  ].join(',\\n'),
);

const playerItem = layout<PersonGroups>(
  `\\{(\\\\"guid\\\\":\\\\"(${guid})\\\\",\\\\"name\\\\":\\\\"(${plain})\\\\")\\}`,
);

const alliesStart = layout<[]>(`\\]${fieldEnd},\\n${fieldStart('Allies_JSON')}\\[`);

const messageEnd = layout<[pauses: string, footer: string]>(
  `\\]${fieldEnd},\\n`,
  `${field('Lua_Pauses_JSON', `((?:${visible}|\\\\")*)`)},\\n`,
  field('Lua_SpawnSummary', escaped),
  `${literal('\n            ],\n            "footer": {"text": "')}(${plain})`,
  `${literal('"}\n        }]\n    }}')}\\n?$`,
);

/** Thrown and caught here only: the file is left to the general way. */
const laidOutOtherwise = new Damage('it is not laid out as most are');

/** How far a text has been taken apart. */
interface Cursor {
  text: string;
  at: number;
}

/** What stands next, with its groups. */
function next<Groups extends string[]>(
  cursor: Cursor,
  { expression }: Layout<Groups>,
): [whole: string, ...Groups] {
  expression.lastIndex = cursor.at;
  const found = expression.exec(cursor.text);
  if (found === null) throw laidOutOtherwise;
  cursor.at = expression.lastIndex;
  return found as string[] as [string, ...Groups];
}

const comma = 0x2c;
const openingBrace = 0x7b;

/** The items up to the end of a list, with commas between them. */
function nextItems<Item>(cursor: Cursor, nextItem: (cursor: Cursor) => Item): Item[] {
  const items: Item[] = [];
  if (cursor.text.charCodeAt(cursor.at) !== openingBrace) return items;
  for (;;) {
    items.push(nextItem(cursor));
    if (cursor.text.charCodeAt(cursor.at) !== comma) break;
    cursor.at++;
  }
  if (items.length > mostPlayers) throw laidOutOtherwise;
  return items;
}

/** From this length on, a part of a string keeps the whole of it in memory (V8). */
const slicedFrom = 13;
const lastOfAscii = 0x7f;

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > lastOfAscii) return false;
  return true;
}

/** The same text, which does not keep the file in memory that it is a part of. */
const detached = (part: string) => Buffer.from(part, 'latin1').toString('latin1');

/** Texts by their bytes: they recur from file to file, and are decoded and in memory once. */
const known = new Map<string, string>();
const mostKnown = 10_000;

/** A part of the file, decoded; the file does not stay in memory for it. */
function decoded(part: string): string {
  if (part.length < slicedFrom && isAscii(part)) return part;
  const before = known.get(part);
  if (before !== undefined) return before;
  if (known.size >= mostKnown) known.clear();
  const text = Buffer.from(part, 'latin1').toString('utf8');
  known.set(detached(part), text);
  return text;
}

const nameOf = (part: string) => cut(decoded(part), nameLength);

/** People by how they are written: the same ones play every evening, and each is in memory once. */
const people = new Map<string, Player>();

function personOf(...[written, guid, name]: PersonGroups): Player {
  const before = people.get(written);
  if (before !== undefined) return before;
  if (people.size >= mostKnown) people.clear();
  const person = { guid: decoded(guid), name: nameOf(name) };
  people.set(detached(written), person);
  return person;
}

function nextSpawn(cursor: Cursor): SpawnStat {
  const [, written, guid, name, spawns, deaths, dead, average, most] = next(cursor, spawnItem);
  const person = personOf(written, guid, name);
  return {
    guid: person.guid,
    name: person.name,
    spawnCount: Number(spawns),
    deathCount: Number(deaths),
    deadSeconds: Number(dead),
    avgRespawnSeconds: Number(average),
    maxRespawnSeconds: Number(most),
  };
}

function nextPlayer(cursor: Cursor): Player {
  const [, written, guid, name] = next(cursor, playerItem);
  return personOf(written, guid, name);
}

/** A guid that stands there twice is judged by the general way. */
function nextSpawns(cursor: Cursor): SpawnStat[] {
  const spawns = nextItems(cursor, nextSpawn);
  for (const [index, { guid }] of spawns.entries())
    for (let other = 0; other < index; other++) if (spawns[other]!.guid === guid) throw laidOutOtherwise;
  return spawns;
}

/** Events in which nothing but quotes is escaped: every version of the module means the same by that. */
function pauseEventsOf(raw: string): Json[] {
  return raw === '[]' ? [] : readPauseEvents('Lua_Pauses_JSON', JSON.parse(raw.replaceAll('\\"', '"')));
}

const versions = new Map<string, string>();

/** The version that a footer names; there are few footers. */
function versionOf(footer: string): string {
  const before = versions.get(footer);
  if (before !== undefined) return before;
  const version = decoded(cut(readVersion(footer).version, versionLength));
  if (versions.size < mostKnown) versions.set(decoded(footer), version);
  return version;
}

/** What meta and message both say, they must say alike. */
function assertAgree(
  [, map, round, start, end, playtime]: [string, ...MetaGroups],
  message: [string, ...MessageGroups],
): void {
  const [, ownMap, ownRound, , , ownPlaytime, , , , , , , ownStart, ownEnd] = message;
  const agree =
    map === ownMap && round === ownRound && start === ownStart && end === ownEnd && playtime === ownPlaytime;
  if (!agree || map.trim() === '') throw laidOutOtherwise;
}

/** The lists of a message, and the version of the module that wrote it. */
function nextLists(cursor: Cursor) {
  const axisPlayers = nextItems(cursor, nextPlayer);
  next(cursor, alliesStart);
  const alliesPlayers = nextItems(cursor, nextPlayer);
  const [, pauses, footer] = next(cursor, messageEnd);
  return { axisPlayers, alliesPlayers, pauseEvents: pauseEventsOf(pauses), luaVersion: versionOf(footer) };
}

/** In one literal: put together from parts it would take as long as all of the reading. */
function contentOf(cursor: Cursor): ArtifactContent {
  const meta = next(cursor, metaStart);
  const spawns = nextSpawns(cursor);
  const message = next(cursor, messageStart);
  assertAgree(meta, message);
  const lists = nextLists(cursor);
  const [
    ,
    map,
    round,
    winner,
    defender,
    playtime,
    timeLimit,
    pauseCount,
    pauseSeconds,
    endReason,
    warmup,
    warmupStart,
    start,
    end,
    surrenderTeam,
    surrenderCaller,
    surrenderCallerName,
    axisScore,
    alliesScore,
  ] = message;
  return {
    map: decoded(map),
    number: round === '1' ? 1 : 2,
    timing: {
      startUnix: Number(start),
      endUnix: Number(end),
      durationSeconds: Number(playtime),
      endReason: readEndReason(endReason),
      pauseSeconds: Number(pauseSeconds),
      pauseCount: Number(pauseCount),
    },
    winnerTeam: readTeam(winner),
    defenderTeam: readTeam(defender),
    timeLimitMinutes: Math.round(Number(timeLimit)),
    warmupSeconds: Number(warmup),
    warmupStartUnix: Number(warmupStart),
    surrenderTeam: Number(surrenderTeam),
    surrenderCallerGuid: decoded(surrenderCaller),
    surrenderCallerName: nameOf(surrenderCallerName),
    axisScore: Number(axisScore),
    alliesScore: Number(alliesScore),
    luaVersion: lists.luaVersion,
    axisPlayers: lists.axisPlayers,
    alliesPlayers: lists.alliesPlayers,
    pauseEvents: lists.pauseEvents,
    spawns,
  };
}

/**
 * What an artifact says that is laid out as nearly all are, by its bytes in UTF-8; null for every other one, be it whole
 * or damaged.
 */
export function readLaidOut(bytes: Buffer): ArtifactContent | null {
  try {
    return contentOf({ text: bytes.toString('latin1'), at: 0 });
  } catch (thrown) {
    if (thrown instanceof Damage || thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}
