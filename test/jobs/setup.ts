import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AuditAsked, audit, planAudit } from '../../jobs/audit.ts';
import type { AuditResult, VerdictLine } from '../../jobs/audit-result.ts';
import { type Deciding, decide, listAll } from '../../jobs/incidents.ts';
import { noProgress } from '../../jobs/progress.ts';
import { type Reverted, revert } from '../../jobs/revert.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { foldEntry, withLedgerToRead } from '../../src/context.ts';
import { incidentKey } from '../../src/core/expected.ts';
import type { FoldEntry, Incident } from '../../src/core/incident.ts';
import type { Row } from '../../src/core/model.ts';
import { hashedPart, type Table } from '../../src/core/rows.ts';
import { closeDatabase, type Database, openDatabase } from '../../src/database.ts';
import { eachEntry } from '../../src/ledger/entries.ts';
import { openLog } from '../../src/log.ts';
import { createSource, fillSource, type SchemaVersion, type SourceRows } from '../../src/source/create.ts';
import { toRound, toRow } from '../../src/source/rows.ts';
import { type DatabaseKind, openTestDatabase } from '../databases.ts';
import { type GametimeFile, zone } from './games.ts';

/** Long after everything that the fixtures and the tests tell of. */
export const longAfter = '2026-08-01T12:00:00.000Z';

/** How a test asks for an audit; what it leaves out is the whole history, long after. */
export interface Asked {
  now?: string;
  scope?: AuditAsked['scope'];
  expect?: string;
  settings?: Record<string, string>;
  judgesAll?: boolean;
  pass?: number;
  reached?: AuditAsked['reached'];
  batchSize?: number;
  ahead?: AuditAsked['ahead'];
  signal?: AbortSignal;
}

/** All rows of the source by table, whole, in the order of their ids. */
export type Dump = Record<Table, Row[]>;

/** A source, its artifacts and its ledger, all real and all thrown away afterwards. */
export interface World {
  kind: DatabaseKind;
  /** Holds nothing but the artifacts. */
  gametimes: string;
  /** Does not exist before the first audit. */
  dataDir: string;
  config(settings?: Record<string, string>): Config;
  audit(asked?: Asked): Promise<AuditResult>;
  plan(asked?: Asked): Promise<AuditResult>;
  /** A connection of its own to the source, closed again at once. */
  inSource<T>(work: (database: Database) => Promise<T>): Promise<T>;
  dump(): Promise<Dump>;
  /** The whole ledger, or the entries of some kinds; empty where there is none yet. */
  entries(...kinds: string[]): Promise<FoldEntry[]>;
  incident(roundId: number): Promise<Incident>;
  decide(roundId: number, deciding: Deciding, now?: string): Promise<Incident>;
  /** Undoes a repair by any of its entries; the last one where none is named. */
  revert(seq?: number, now?: string): Promise<Reverted>;
  putArtifact(file: GametimeFile): void;
  removeArtifact(name: string): void;
}

/** What a world begins with. */
export interface Beginning extends Partial<SourceRows> {
  version?: SchemaVersion;
  artifacts?: readonly GametimeFile[];
  settings?: Record<string, string>;
}

const log = openLog('silent');

/** Builds a world, lets `work` live in it, and clears it away whatever happens. */
export async function inWorld<T>(
  kind: DatabaseKind,
  beginning: Beginning,
  work: (world: World) => Promise<T>,
): Promise<T> {
  const test = await openTestDatabase(kind);
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-world-'));
  try {
    const world = worldAt(kind, { url: test.url, directory, settings: beginning.settings ?? {} });
    mkdirSync(world.gametimes);
    for (const file of beginning.artifacts ?? []) world.putArtifact(file);
    await withDatabase(test.url, async (database) => {
      await createSource(database, beginning.version);
      await fillSource(database, { rounds: [], ...beginning });
    });
    return await work(world);
  } finally {
    rmSync(directory, { recursive: true, force: true });
    await test.close();
  }
}

async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(url, { create: true });
  try {
    return await work(database);
  } finally {
    await closeDatabase(database);
  }
}

function worldAt(
  kind: DatabaseKind,
  at: { url: string; directory: string; settings: Record<string, string> },
): World {
  const gametimes = join(at.directory, 'gametimes');
  const dataDir = join(at.directory, 'data');
  const config = (settings: Record<string, string> = {}) =>
    parseConfig({
      SOURCE_DATABASE_URL: at.url,
      SOURCE_NAME: 'test',
      DATA_DIR: dataDir,
      SERVER_TIMEZONE: zone,
      // A directory that lists no artifact counts as unreadable.
      GAMETIME_PATHS: existsSync(gametimes) && readdirSync(gametimes).length === 0 ? 'none' : gametimes,
      ...at.settings,
      ...settings,
    });
  const request = (asked: Asked): AuditAsked => ({
    config: config(asked.settings),
    log,
    scope: asked.scope ?? { kind: 'all' },
    expect: asked.expect,
    nowMs: Date.parse(asked.now ?? longAfter),
    progress: noProgress,
    judgesAll: asked.judgesAll,
    pass: asked.pass,
    reached: asked.reached,
    batchSize: asked.batchSize,
    ahead: asked.ahead,
    signal: asked.signal,
  });
  const inSource = <T>(work: (database: Database) => Promise<T>) => withDatabase(at.url, work);
  const entries = async (...kinds: string[]) => {
    const all = await readLedger(config());
    return kinds.length === 0 ? all : all.filter(({ kind }) => kinds.includes(kind));
  };
  const incident = async (roundId: number) => {
    const [row] = await inSource((database) => readRound(database, roundId));
    const key = row === undefined ? null : incidentKey(toRound(row).round);
    const found = (await listAll(config(), 'all')).filter(
      (listed) => listed.key === key || listed.round?.roundId === roundId,
    );
    if (found.length !== 1) throw new Error(`${found.length} incidents are of round ${roundId}`);
    return found[0]!;
  };
  return {
    kind,
    gametimes,
    dataDir,
    config,
    audit: (asked = {}) => audit(request(asked)),
    plan: (asked = {}) => planAudit(request(asked)),
    inSource,
    dump: () => inSource(dumpSource),
    entries,
    incident,
    async decide(roundId, deciding, now = longAfter) {
      const { id } = await incident(roundId);
      return decide(config(), { id, deciding, by: 'tester', reason: 'a test', nowMs: Date.parse(now) });
    },
    async revert(seq, now = longAfter) {
      const last = seq ?? (await entries('repair.started')).at(-1)!.seq;
      const said = { by: 'tester', reason: '', force: false, nowMs: Date.parse(now) };
      return revert({ config: config(), seq: last, ...said });
    },
    putArtifact(file) {
      const path = join(gametimes, file.name);
      writeFileSync(path, file.bytes);
      utimesSync(path, file.modifiedUnix, file.modifiedUnix);
    },
    removeArtifact: (name) => rmSync(join(gametimes, name)),
  };
}

async function readLedger(config: Config): Promise<FoldEntry[]> {
  return withLedgerToRead(config, async (ledger) => {
    const found: FoldEntry[] = [];
    if (ledger !== null) for await (const entry of eachEntry(ledger)) found.push(foldEntry(entry));
    return found;
  });
}

const readRound = (database: Database, id: number): Promise<Record<string, unknown>[]> =>
  database.knex('rounds').select('*').where({ id });

const tables: readonly Table[] = ['rounds', 'lua_round_teams', 'lua_spawn_stats'];

async function dumpSource(database: Database): Promise<Dump> {
  const read = async (table: Table) => (await database.knex(table).select('*').orderBy('id')).map(toRow);
  const [rounds, captures, spawns] = [await read(tables[0]!), await read(tables[1]!), await read(tables[2]!)];
  return { rounds, lua_round_teams: captures, lua_spawn_stats: spawns };
}

const truths = ['is_bot_round', 'is_valid', 'is_tied'];

/** A dump as both databases must give it: no generated columns, one spelling of truth, one order. */
export function comparable(dump: Dump): Dump {
  const bare = (rows: readonly Row[]) => rows.map(hashedPart).sort(byText);
  const rounds = dump.rounds.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => [
        column,
        truths.includes(column) && typeof value === 'number' ? value !== 0 : value,
      ]),
    ),
  );
  return {
    rounds,
    lua_round_teams: bare(dump.lua_round_teams),
    lua_spawn_stats: bare(dump.lua_spawn_stats),
  };
}

function byText(one: Row, other: Row): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

/** Round id to verdict of every round that was not covered when the run began. */
export function verdictsOf(result: AuditResult): Record<number, string> {
  return Object.fromEntries(result.verdicts.map(({ roundId, verdict }) => [roundId, verdict]));
}

/** Round id to the code of its cause, of every round that was not covered when the run began. */
export function causesOf(result: AuditResult): Record<number, string | null> {
  return Object.fromEntries(result.verdicts.map(({ roundId, cause }) => [roundId, cause?.code ?? null]));
}

/** What a run says of one round that was not covered. */
export function lineOf(result: AuditResult, roundId: number): VerdictLine {
  const found = result.verdicts.find((line) => line.roundId === roundId);
  if (found === undefined) throw new Error(`round ${roundId} has no verdict line`);
  return found;
}

/** Capture id to the round that it is linked to. */
export function linksOf(dump: Dump): Record<number, number | null> {
  return Object.fromEntries(dump.lua_round_teams.map(({ id, round_id }) => [id, round_id as number | null]));
}

export function rowOf(rows: readonly Row[], id: number): Row {
  const found = rows.find((row) => row.id === id);
  if (found === undefined) throw new Error(`there is no row ${id}`);
  return found;
}

/** The rows of a fixture, and where it lies. */
export function fixture(name: string): {
  path: string;
  rounds: Row[];
  captures: Row[];
  expected: Row[];
  artifacts: GametimeFile[];
  /** The settings by which its logs are read. */
  settings: Record<string, string>;
} {
  const path = fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
  const rows = (file: string) => JSON.parse(readFileSync(join(path, file), 'utf8')) as Row[];
  return {
    path,
    rounds: rows('rounds.json'),
    captures: rows('lua_round_teams.json').map(withParsedTeams),
    expected: rows('expected.json'),
    artifacts: gametimesOf(join(path, 'gametimes')),
    settings: {
      WEBHOOK_LOG: join(path, 'logs', 'webhook.log'),
      CONSOLE_LOG: join(path, 'etconsole.log'),
    },
  };
}

/** Some fixtures hold their teams as the text of the JSON column. */
function withParsedTeams(row: Row): Row {
  const parsed = Object.entries(row).map(([column, value]) => [
    column,
    column.endsWith('_players') && typeof value === 'string' ? JSON.parse(value) : value,
  ]);
  return Object.fromEntries(parsed) as Row;
}

/** The files of a fixture, dated when the game server wrote them; a checkout dates them anew. */
function gametimesOf(directory: string): GametimeFile[] {
  return readdirSync(directory).map((name) => ({
    name,
    bytes: readFileSync(join(directory, name)),
    modifiedUnix: Number(/-(\d+)\.json/.exec(name)?.[1] ?? 0) + 1,
  }));
}
