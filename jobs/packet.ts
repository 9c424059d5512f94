import { createHash, randomUUID } from 'node:crypto';
import { copyFile, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Config } from '../src/config.ts';
import { keptArtifacts, packetsDirectory, type Source } from '../src/context.ts';
import type { FoldEntry } from '../src/core/incident.ts';
import type { LogQuote } from '../src/core/log-event.ts';
import type { LogLines } from '../src/core/log-lines.ts';
import type { Json } from '../src/core/model.ts';
import { parseArtifactName, safeMap } from '../src/core/names.ts';
import type { Packet } from '../src/core/record.ts';
import { isSftp } from '../src/core/sftp-address.ts';
import type { Situation } from '../src/core/situation.ts';
import { utcText } from '../src/core/time.ts';
import type { Assessment } from '../src/core/verdict.ts';
import { OperationError, plainError } from '../src/errors.ts';
import { makeOwnDirectory } from '../src/own-directory.ts';
import { type NearbyRows, readNearby } from '../src/source/nearby.ts';
import { readRivals } from '../src/source/read.ts';
import { readCapturesByEnd } from '../src/source/read-captures.ts';
import { packetReadme } from './packet-readme.ts';
import { dayRange, widen } from './scope.ts';

/** What a triage packet is written from. */
export interface PacketFacts {
  config: Config;
  source: Source;
  situation: Situation;
  assessment: Assessment;
  lines: LogLines;
  /** What the ledger says of the round so far. */
  entries: readonly FoldEntry[];
  nowMs: number;
  /** What the artifact places hold, remembered between the packets of one run; a fault as its reason. */
  listings: Map<string, readonly string[] | { failed: string }>;
}

/** Lines of the logs so long before and after the round stand in its packet. */
const logWindowSeconds = 15 * 60;
const listingSeconds = 3_600;
const nearSeconds = 3_600;
const mostListed = 200;
/** The file of a packet that has the checksum of each other one; the last that is written. */
export const checksums = 'SHA256SUMS';

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Where a round's packets lie; no name from outside can lead elsewhere. */
export function packetFolder(config: Config, source: string, { round }: Assessment): string {
  const stamp = `${round.date ?? ''}-${round.time ?? ''}`.replace(/[^0-9-]/g, '') || 'undated';
  const short = (text: string) => safeMap(text).slice(0, 60);
  const name = `${short(source)}-${stamp}-${short(round.map ?? '')}-R${round.number ?? 0}-${round.id}`;
  return join(packetsDirectory(config), name);
}

/** The rows of the pair, of the same map near it, and of everything that could be its capture. */
export async function rowsAround({
  source,
  situation,
  assessment,
}: Pick<PacketFacts, 'source' | 'situation' | 'assessment'>): Promise<NearbyRows> {
  const { round, playedUnix } = assessment;
  const { database, schema } = source;
  const end = playedUnix ?? 0;
  const days = dayRange(round.date).map((day) => widen(day, 1));
  const sameMap = (await readRivals(database, schema, days)).filter(({ map }) => map === round.map);
  const hour = { fromUnix: end - nearSeconds, toUnix: end + nearSeconds };
  const captures = [
    ...(situation.linkedTo.get(round.id) ?? []),
    ...(playedUnix === null ? [] : await readCapturesByEnd(database, schema, hour)),
  ];
  return readNearby(source.database, source.schema, {
    roundIds: [round.id, ...sameMap.map(({ id }) => id)],
    matchId: round.matchId,
    captureIds: captures.map(({ id }) => id),
    captureMatchIds: captures.map(({ matchId }) => matchId),
    ends: { fromUnix: end - 30, toUnix: end + 5 },
  });
}

async function rowFiles(facts: PacketFacts): Promise<Map<string, string>> {
  const rows = await rowsAround(facts);
  return new Map([
    ['rows/rounds.json', json(rows.rounds)],
    ['rows/lua_round_teams.json', json(rows.captures)],
    ['rows/lua_spawn_stats.json', json(rows.spawns)],
  ]);
}

/** The lines of both logs a quarter of an hour around a round; none where its time cannot be read. */
export function linesAround(
  lines: LogLines,
  playedUnix: number | null,
): { bot: LogQuote[]; console: LogQuote[] } {
  const near = (unix: number | null) =>
    unix !== null && playedUnix !== null && Math.abs(unix - playedUnix) <= logWindowSeconds;
  return {
    bot: lines.bot.filter(({ unix }) => near(unix)).map(({ event }) => event.quote),
    console: lines.consoleLines.filter(({ endUnix }) => near(endUnix)).map((event) => event.quote),
  };
}

function logFiles({ lines, assessment: { playedUnix } }: PacketFacts): Map<string, string> {
  const near = linesAround(lines, playedUnix);
  const text = (found: LogQuote[]) =>
    found.map(({ file, line, text: said }) => `${file}:${line}: ${said}\n`).join('') || 'no line is known\n';
  return new Map([
    ['logs/bot.log', text(near.bot)],
    ['logs/console.log', text(near.console)],
  ]);
}

async function namesIn(path: string, { listings }: PacketFacts) {
  const known = listings.get(path);
  if (known !== undefined) return known;
  const names = await readdir(path).catch((thrown: unknown) => ({ failed: plainError(thrown) }));
  listings.set(path, names);
  return names;
}

/** What was read of a place on another host, or of a retry buffer, whose names say no time; it is not asked again. */
function listRead(place: string, { situation, assessment }: PacketFacts): string[] {
  const around = assessment.playedUnix ?? 0;
  const near = situation.facts.artifacts.filter(
    ({ path, endUnix }) => path.startsWith(`${place}/`) && Math.abs(endUnix - around) <= listingSeconds,
  );
  const lines = near
    .slice(0, mostListed)
    .map(({ path, bytes, modifiedUnix, fromCopy }) =>
      [
        `  ${basename(path)}  ${bytes} bytes  ${new Date(modifiedUnix * 1000).toISOString()}`,
        ...(fromCopy ? ['read from the copy that was kept'] : []),
      ].join('  '),
    );
  return lines.length === 0 ? ['  no artifact of that hour'] : lines;
}

async function listPlace(path: string, facts: PacketFacts): Promise<string[]> {
  if (isSftp(path) || facts.config.pendingPaths.includes(path)) return listRead(path, facts);
  const around = facts.assessment.playedUnix ?? 0;
  const names = await namesIn(path, facts);
  if ('failed' in names) return [`  could not be listed: ${names.failed}`];
  const near = names.filter((name) => {
    const end = parseArtifactName(name)?.endUnix;
    return end !== undefined && Math.abs(end - around) <= listingSeconds;
  });
  const lines = await Promise.all(
    near
      .sort()
      .slice(0, mostListed)
      .map(async (name) => {
        const found = await stat(join(path, name)).catch(() => null);
        return found === null ? `  ${name}` : `  ${name}  ${found.size} bytes  ${found.mtime.toISOString()}`;
      }),
  );
  return lines.length === 0 ? ['  no artifact of that hour'] : lines;
}

/** What each artifact place holds that ended within an hour of the round. */
async function listing(facts: PacketFacts): Promise<string> {
  const lines: string[] = [];
  for (const place of facts.situation.facts.places) {
    lines.push(`${place.name}: ${place.unreadable ?? `${place.count} artifacts`}`);
    if (place.unreadable === null) lines.push(...(await listPlace(place.name, facts)));
  }
  return `${lines.join('\n') || 'no artifact place is configured'}\n`;
}

/** Copies of the artifacts that were looked at, under their own names where two do not share one. */
async function copyArtifacts({ config, assessment }: PacketFacts, folder: string): Promise<string[]> {
  const copied: string[] = [];
  for (const { path, sha256: sha } of assessment.seen) {
    if (path === null || sha === null) continue;
    const name = `artifacts/${sha.slice(0, 12)}-${basename(path)}`;
    makeOwnDirectory(join(folder, 'artifacts'));
    const kept = join(keptArtifacts(config), sha);
    await copyFile(kept, join(folder, name)).catch(() => copyFile(path, join(folder, name)));
    copied.push(name);
  }
  return copied;
}

const about: Record<string, string> = {
  'verdict.json': 'the verdict, the cause and every candidate, for programs',
  'rows/rounds.json': 'the rows of the pair and of the same map within a day',
  'rows/lua_round_teams.json': 'the captures within an hour, and those linked to the round',
  'rows/lua_spawn_stats.json': 'the spawn rows of those captures, and those that end with the round',
  'logs/bot.log': "the lines that matter of the bot's log, a quarter of an hour before and after",
  'logs/console.log': "the lines that matter of the game server's console, of rounds that ended then",
  'places.txt': 'what the artifact places hold of that hour',
  'ledger.ndjson': 'the entries of the ledger about the round',
};

async function textFiles(facts: PacketFacts): Promise<Map<string, string>> {
  const { want: _, ...assessment } = facts.assessment;
  const entries = facts.entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  return new Map([
    ['verdict.json', json(assessment as unknown as Json)],
    ...(await rowFiles(facts)),
    ...logFiles(facts),
    ['places.txt', await listing(facts)],
    ['ledger.ndjson', entries],
  ]);
}

function readme(facts: PacketFacts, names: readonly string[]): string {
  const { source, config, assessment, situation, entries, nowMs } = facts;
  return packetReadme({
    source: source.name,
    zone: config.zone,
    writtenAt: new Date(nowMs).toISOString(),
    assessment,
    places: situation.facts.places,
    entries,
    files: new Map(names.map((name) => [name, about[name] ?? 'an artifact that was looked at'])),
  });
}

async function fill(folder: string, facts: PacketFacts): Promise<string> {
  makeOwnDirectory(join(folder, 'rows'));
  makeOwnDirectory(join(folder, 'logs'));
  const files = await textFiles(facts);
  const artifacts = await copyArtifacts(facts, folder);
  files.set('README.md', readme(facts, [...files.keys(), ...artifacts]));
  for (const [name, text] of files) await writeFile(join(folder, name), text);
  const sums: string[] = [];
  for (const name of [...files.keys(), ...artifacts].sort())
    sums.push(`${sha256(await readFile(join(folder, name)))}  ${name}\n`);
  await writeFile(join(folder, checksums), sums.join(''));
  return sha256(sums.join(''));
}

/**
 * Writes the triage packet of one round into `folder`, whole or not at all; one that lies there is replaced.
 * Returns its path and the SHA-256 of its list of checksums. Throws an OperationError where it cannot be written.
 */
export async function writePacket(folder: string, facts: PacketFacts): Promise<Packet> {
  const unfinished = `${folder}.${randomUUID()}.tmp`;
  try {
    const sum = await fill(unfinished, facts);
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
    return { path: folder, sha256: sum };
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
    throw new OperationError(`cannot write the triage packet ${resolve(folder)}`, { cause });
  }
}

/** A name beside the packet that the ledger vouches for, which is never replaced. */
export function laterFolder(folder: string, nowMs: number): string {
  return `${folder}@${utcText(Math.floor(nowMs / 1000)).replaceAll(/[-:]/g, '')}`;
}
