import { readdir, realpath } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { readRegularFile } from '../src/artifacts/file.ts';
import type { Config } from '../src/config.ts';
import { codeOf, OperationError } from '../src/errors.ts';
import type { PacketView, ReportListing } from '../src/web/desk.ts';
import { reportsDirectory, sourceFolder } from './report-files.ts';

const largestFile = 64 * 1024 * 1024;
/** So many reports are opened for a listing; among them so many of sessions. */
const mostReports = 400;
const mostSessions = 50;

const packets = (config: Config) => join(config.dataDir, 'packets');

/** What a name of a folder or file is made of: nothing that could lead elsewhere. */
const isPlain = (name: string) => /^[A-Za-z0-9_@.-]+$/.test(name) && name !== '.' && name !== '..';
const isFormat = (format: string) => /^[A-Za-z0-9]+$/.test(format);
const isPlainPath = (path: string) => path.split('/').every(isPlain);

const absent = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/** Null where something is not there, or leads round in circles. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  return asked.catch((thrown: unknown) => {
    if (absent.has(codeOf(thrown) ?? '')) return null;
    throw thrown;
  });
}

/** Where a path below `base` really lies; null where nothing does, or where a link leads out of `base`. */
async function realBelow(base: string, path: string): Promise<string | null> {
  if (!isPlainPath(path)) return null;
  const root = await orNull(realpath(base));
  const real = root === null ? null : await orNull(realpath(join(root, path)));
  return real?.startsWith(root + sep) ? real : null;
}

/** A regular file below `base`; null where there is none. Throws an OperationError where it cannot be read. */
async function fileBelow(base: string, path: string): Promise<Uint8Array | null> {
  const real = await realBelow(base, path);
  if (real === null) return null;
  const read = await readRegularFile(real, largestFile);
  if (read.state === 'read') return read.bytes;
  if (read.state === 'gone' || read.state === 'not a file') return null;
  const why = read.state === 'too large' ? `it has ${read.size} bytes` : read.why;
  throw new OperationError(`cannot read ${real}: ${why}`);
}

/** One file of a triage packet; null where there is none, or the name leads elsewhere. */
export function packetFile(config: Config, folder: string, file: string): Promise<Uint8Array | null> {
  return isPlain(folder) ? fileBelow(packets(config), `${folder}/${file}`) : Promise.resolve(null);
}

/** One file of a report; null where there is none, or the name leads elsewhere. */
export function reportFile(config: Config, name: string, format: string): Promise<Uint8Array | null> {
  return isFormat(format) ? fileBelow(reportsDirectory(config), `${name}.${format}`) : Promise.resolve(null);
}

/** The packet that an entry of the ledger names, with the files that may be asked for; null where it is gone. */
export async function packetView(config: Config, path: string): Promise<PacketView | null> {
  const folder = basename(path);
  const real = await realBelow(packets(config), folder);
  const found = real === null ? null : await orNull(readdir(real, { recursive: true, withFileTypes: true }));
  if (real === null || found === null) return null;
  const files = found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(real, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
  return { folder, files: files.filter(isPlainPath).sort() };
}

const summary = z.object({ title: z.string(), state: z.string() });

async function summaryOf(config: Config, name: string): Promise<z.infer<typeof summary>> {
  try {
    const bytes = await reportFile(config, name, 'json');
    return summary.parse(JSON.parse(Buffer.from(bytes ?? []).toString()));
  } catch {
    return { title: 'cannot be read', state: 'unreadable' };
  }
}

const isDated = (name: string) => /^\d{4}-\d{2}-\d{2}/.test(name);

/** The newest days first and then the last sessions, so that the days of a year leave a place for sessions. */
function newest(names: readonly string[]): string[] {
  const sorted = [...names].sort((one, other) => other.localeCompare(one, 'en', { numeric: true }));
  const sessions = sorted.filter((name) => !isDated(name)).slice(0, mostSessions);
  return [...sorted.filter(isDated).slice(0, mostReports - sessions.length), ...sessions];
}

/** The reports of this source, the newest day first: the newest 400. One that cannot be read says so. */
export async function listReports(config: Config): Promise<ReportListing[]> {
  const folder = sourceFolder(config.sourceName);
  const real = await realBelow(reportsDirectory(config), folder);
  const found = real === null ? null : await orNull(readdir(real, { withFileTypes: true }));
  const files = (found ?? [])
    .filter((entry) => entry.isFile() && isPlain(entry.name))
    .map(({ name }) => name);
  const stems = files.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  const listed: ReportListing[] = [];
  for (const stem of newest(stems)) {
    const name = `${folder}/${stem}`;
    const formats = files
      .filter((file) => file.startsWith(`${stem}.`))
      .map((file) => file.slice(stem.length + 1))
      .filter(isFormat);
    listed.push({ name, ...(await summaryOf(config, name)), formats: formats.sort() });
  }
  return listed;
}
