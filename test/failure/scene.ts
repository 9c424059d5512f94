import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AuditRequest, audit } from '../../jobs/audit.ts';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { noProgress } from '../../jobs/progress.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { foldEntry, withLedgerToRead } from '../../src/context.ts';
import { canonicalJson } from '../../src/core/canonical.ts';
import type { FoldEntry } from '../../src/core/incident.ts';
import type { Json, Row } from '../../src/core/model.ts';
import { hashedPart } from '../../src/core/rows.ts';
import { closeDatabase, type Database, openDatabase } from '../../src/database.ts';
import { eachEntry } from '../../src/ledger/entries.ts';
import { lastRuns, type Run } from '../../src/ledger/runs.ts';
import { openLog } from '../../src/log.ts';
import { createSource, fillSource, type SourceRows } from '../../src/source/create.ts';
import { toRow } from '../../src/source/rows.ts';
import { builtCommand } from '../built.ts';
import { type DatabaseKind, openTestDatabase } from '../databases.ts';

export const fixture = fileURLToPath(new URL('../fixtures/incident-2026-02', import.meta.url));
const readRows = (name: string) => JSON.parse(readFileSync(join(fixture, name), 'utf8')) as Row[];

/** Long after the incident: everything that cannot be repaired is lost. */
export const longAfterMs = Date.parse('2026-03-01T12:00:00.000Z');

/** The rows of the incident before any repair, fresh for each caller to change. */
export function incidentRows(): { rounds: Row[]; captures: Row[]; spawns: Row[] } {
  return { rounds: readRows('rounds.json'), captures: readRows('lua_round_teams.json'), spawns: [] };
}

export type Environment = Record<string, string>;

/** One installation: a source, a data directory, a ledger. */
export interface Scene {
  directory: string;
  sourceUrl: string;
  environment: Environment;
  config: Config;
}

export interface SceneOptions {
  source: DatabaseKind;
  /** Default SQLite: PGlite serves one connection. */
  ledger?: DatabaseKind;
  rows?: SourceRows;
  environment?: Environment;
}

/** A second installation of the program on the same source, with a ledger of its own. */
export function neighbour(scene: Scene, name: string): Scene {
  const { LEDGER_DATABASE_URL: _, ...rest } = scene.environment;
  const environment = { ...rest, DATA_DIR: join(scene.directory, name) };
  return { ...scene, environment, config: parseConfig(environment) };
}

/** The scene with other settings. */
export function withSettings(scene: Scene, settings: Environment): Scene {
  const environment = { ...scene.environment, ...settings };
  return { ...scene, environment, config: parseConfig(environment) };
}

/** Builds an installation, lets `work` use it, and removes it. */
export async function withScene<T>(options: SceneOptions, work: (scene: Scene) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-scene-'));
  const source = await openTestDatabase(options.source);
  const ledger = options.ledger === 'postgres' ? await openTestDatabase('postgres') : null;
  try {
    const environment: Environment = {
      DATA_DIR: join(directory, 'data'),
      SOURCE_DATABASE_URL: source.url,
      SOURCE_NAME: 'scene',
      GAMETIME_PATHS: join(fixture, 'gametimes'),
      LOG_LEVEL: 'warn',
      ...(ledger === null ? {} : { LEDGER_DATABASE_URL: ledger.url }),
      ...options.environment,
    };
    await using(source.url, async (database) => {
      await createSource(database);
      await fillSource(database, options.rows ?? incidentRows());
    });
    return await work({ directory, sourceUrl: source.url, environment, config: parseConfig(environment) });
  } finally {
    await ledger?.close();
    await source.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Opens a database, and closes it whatever `work` does. */
export async function using<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(url, { create: true });
  try {
    return await work(database);
  } finally {
    await closeDatabase(database);
  }
}

/** One audit of everything, in this process. */
export function runAudit(scene: Scene, more: Partial<AuditRequest> = {}): Promise<AuditResult> {
  return audit({
    config: scene.config,
    log: openLog('silent'),
    scope: { kind: 'all' },
    nowMs: longAfterMs,
    progress: noProgress,
    ...more,
  });
}

const tables = {
  rounds: ['id'],
  lua_round_teams: ['match_id', 'round_number'],
  lua_spawn_stats: ['match_id', 'round_number', 'player_guid'],
};

/** Every row of the source as canonical JSON, without generated ids and moments. */
export async function dumpSource(url: string): Promise<string[]> {
  return using(url, async (database) => {
    const lines: string[] = [];
    for (const [table, order] of Object.entries(tables))
      for (const row of await database.knex(table).select('*').orderBy(order)) {
        const id = table === 'rounds' ? { id: row.id } : {};
        lines.push(`${table} ${canonicalJson({ ...hashedPart(toRow(row)), ...id } as Json)}`);
      }
    return lines;
  });
}

/** What the ledger holds, bodies as values; nothing where there is none. */
export async function readLedger(scene: Scene): Promise<{ entries: FoldEntry[]; runs: Run[] }> {
  return withLedgerToRead(scene.config, async (ledger) => {
    if (ledger === null) return { entries: [], runs: [] };
    const entries: FoldEntry[] = [];
    for await (const entry of eachEntry(ledger)) entries.push(foldEntry(entry));
    return { entries, runs: await lastRuns(ledger.database, { limit: 100 }) };
  });
}

/** A body of the ledger, for looking into it. */
export const bodyOf = (entry: FoldEntry | undefined) => (entry?.body ?? {}) as Record<string, Json>;

export const ofKind = (entries: readonly FoldEntry[], kind: string) =>
  entries.filter((entry) => entry.kind === kind);

/** How many repairs each incident had written; each should have one. */
export function repairsDone(entries: readonly FoldEntry[]): Map<string, number> {
  const done = new Map<string, number>();
  for (const entry of ofKind(entries, 'repair.done'))
    for (const key of bodyOf(entry).incidents as string[]) done.set(key, (done.get(key) ?? 0) + 1);
  return done;
}

/** How a process ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A running process of this repository. */
export interface Child {
  pid: number;
  /** Resolves once standard output holds this text; rejects if the process ends before. */
  says(text: string): Promise<void>;
  tell(text: string): void;
  kill(): void;
  /** Asks it to end (SIGTERM). */
  terminate(): void;
  /** Closes our end of its standard output. */
  hangUp(): void;
  ended: Promise<Ended>;
}

const loader = import.meta.resolve('tsx');

const commandLine = 'jobs/main.ts';

/**
 * Starts a program of this repository with nothing of this process's environment but what it needs to run; `through`
 * another program that starts it as another user, or with other limits. The command line is what was built, where that is
 * not older than its sources.
 */
export function start(
  program: string,
  args: readonly string[],
  options: { environment: Environment; cwd: string; through?: readonly string[] },
): Child {
  const built = program === commandLine ? builtCommand() : null;
  const source = () => ['--import', loader, fileURLToPath(new URL(`../../${program}`, import.meta.url))];
  const file = built === null ? source() : [built];
  return startLine([...(options.through ?? []), process.execPath, ...file, ...args], options);
}

/** Starts a process with nothing of this one's environment but what it needs to run. */
export function startLine(
  line: readonly string[],
  options: { environment: Environment; cwd: string },
): Child {
  const env = { PATH: process.env.PATH ?? '', TZ: process.env.TZ ?? '', ...options.environment };
  const child = spawn(line[0]!, line.slice(1), { cwd: options.cwd, env });
  const output = { stdout: '', stderr: '' };
  const waiting: (() => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return {
    pid: child.pid!,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = () => output.stdout.includes(text) && resolve();
        waiting.push(look);
        look();
        ended.then(
          (end) => reject(new Error(`it ended before it said ${text}: ${JSON.stringify(end)}`)),
          reject,
        );
      }),
    tell: (text) => void child.stdin.write(text),
    kill: () => void child.kill('SIGKILL'),
    terminate: () => void child.kill('SIGTERM'),
    hangUp: () => child.stdout.destroy(),
    ended,
  };
}

/** The command line as people start it. */
export function startCommand(
  scene: Pick<Scene, 'directory' | 'environment'>,
  args: readonly string[],
): Child {
  return start(commandLine, args, { environment: scene.environment, cwd: scene.directory });
}

export function runCommand(
  scene: Pick<Scene, 'directory' | 'environment'>,
  args: readonly string[],
): Promise<Ended> {
  return startCommand(scene, args).ended;
}
