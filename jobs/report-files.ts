import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Format, formats } from '../reports/format.ts';
import { indexPage, type Listed } from '../reports/index-page.tsx';
import type { Config } from '../src/config.ts';
import { safeMap } from '../src/core/names.ts';
import { addDays, localDay } from '../src/core/time.ts';
import { OperationError } from '../src/errors.ts';
import { makeOwnDirectory } from '../src/own-directory.ts';
import { replaceFile } from '../src/replace-file.ts';

/** The names of the files that reports are written to. */
const ownFile = /^(\d{4}-\d{2}-\d{2}|session-\d+)\.(html|md|json|csv)$/;

/** Where reports lie. */
export const reportsDirectory = (config: Config) => join(config.dataDir, 'reports');

/**
 * The folder of a source's reports: no name from outside can lead elsewhere. Where the name had to be changed, a
 * part of its hash keeps it apart from others that become the same.
 */
export function sourceFolder(source: string): string {
  const safe = safeMap(source).slice(0, 60) || 'source';
  if (safe === source) return safe;
  return `${safe}-${createHash('sha256').update(source).digest('hex').slice(0, 8)}`;
}

const indexEntry = z.object({ name: z.string(), title: z.string(), state: z.string(), at: z.number() });
type IndexEntry = z.infer<typeof indexEntry>;
const reportHead = z.object({ title: z.string(), state: z.string() });

/** What was known of the reports when the index was written last; nothing where it cannot be read. */
function knownEntries(directory: string): Map<string, IndexEntry> {
  try {
    const parsed = z.array(indexEntry).parse(JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')));
    return new Map(parsed.map((entry) => [entry.name, entry]));
  } catch {
    return new Map();
  }
}

function readEntry(path: string, name: string, at: number): IndexEntry {
  try {
    return { name, at, ...reportHead.parse(JSON.parse(readFileSync(path, 'utf8'))) };
  } catch {
    return { name, at, title: 'cannot be read', state: 'unreadable' };
  }
}

const inDirectory = (path: string) => readdirSync(path, { withFileTypes: true });
const foldersOf = (directory: string) =>
  inDirectory(directory)
    .filter((found) => found.isDirectory() && safeMap(found.name) === found.name)
    .map(({ name }) => name);

/** Every report of one folder; only what is new since the index was written is opened. */
function entriesOf(directory: string, folder: string, known: ReadonlyMap<string, IndexEntry>): Listing[] {
  const files = inDirectory(join(directory, folder)).filter((found) => found.isFile());
  const there = new Set(files.map(({ name }) => name));
  return [...there]
    .filter((file) => file.endsWith('.json') && ownFile.test(file))
    .map((file) => {
      const stem = file.slice(0, -'.json'.length);
      const name = `${folder}/${stem}`;
      const path = join(directory, folder, file);
      const at = statSync(path).mtimeMs;
      const before = known.get(name);
      const entry = before?.at === at ? before : readEntry(path, name, at);
      return { ...entry, formats: formats.filter((format) => there.has(`${stem}.${format}`)) };
    });
}

type Listing = IndexEntry & Listed;

/** True for the report of a day; the others are of sessions. */
export const isOfDay = ({ name }: Pick<Listed, 'name'>) => /\/\d{4}-\d{2}-\d{2}$/.test(name);

/** Days before sessions, and of both the newest first. */
function newestFirst(a: Listed, b: Listed): number {
  if (isOfDay(a) !== isOfDay(b)) return isOfDay(a) ? -1 : 1;
  const stem = ({ name }: Listed) => name.slice(name.indexOf('/') + 1);
  return stem(b).localeCompare(stem(a), 'en', { numeric: true }) || (a.name < b.name ? -1 : 1);
}

function allEntries(directory: string): Listing[] {
  const known = knownEntries(directory);
  return foldersOf(directory)
    .flatMap((folder) => entriesOf(directory, folder, known))
    .sort(newestFirst);
}

/** Every report that lies in DATA_DIR, days before sessions, the newest first; none where there is no folder yet. */
export function listReports(config: Config): Listed[] {
  const directory = reportsDirectory(config);
  return existsSync(directory) ? allEntries(directory) : [];
}

function writeIndex(directory: string): string {
  const entries = allEntries(directory);
  const kept = entries.map(({ name, title, state, at }) => ({ name, title, state, at }));
  replaceFile(join(directory, 'index.json'), `${JSON.stringify(kept)}\n`);
  const page = join(directory, 'index.html');
  replaceFile(page, indexPage(entries));
  return page;
}

/**
 * Removes reports that were made longer ago than they are kept, whatever day they are of: who asks for one of an old
 * day wants to read it.
 */
function removeOld(config: Config, folder: string, nowMs: number): void {
  if (config.reportKeepDays === 0) return;
  const dayOf = (ms: number) => localDay(Math.floor(ms / 1000), config.zone);
  const oldest = addDays(dayOf(nowMs), -config.reportKeepDays);
  for (const found of inDirectory(folder)) {
    if (!found.isFile() || !ownFile.test(found.name)) continue;
    const path = join(folder, found.name);
    if (dayOf(statSync(path).mtimeMs) < oldest) rmSync(path, { force: true });
  }
}

/** What was written, and where. */
export interface WrittenReport {
  paths: string[];
  index: string;
}

/**
 * Writes a report's files, each whole, brings the index up to date, and removes what is older than
 * REPORT_KEEP_DAYS. Throws an OperationError where that cannot be done.
 */
export function writeReport(
  config: Config,
  of: { name: string; contents: ReadonlyMap<Format, string>; nowMs: number },
): WrittenReport {
  const directory = reportsDirectory(config);
  const folder = join(directory, sourceFolder(config.sourceName));
  try {
    makeOwnDirectory(folder);
    removeOld(config, folder, of.nowMs);
    const paths = [...of.contents].map(([format, content]) => {
      const path = join(folder, `${of.name}.${format}`);
      replaceFile(path, content);
      return path;
    });
    return { paths, index: writeIndex(directory) };
  } catch (cause) {
    throw new OperationError(`cannot write the report ${of.name} into ${folder}`, { cause });
  }
}
