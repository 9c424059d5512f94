import { readdir, realpath } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { readRegularFile } from '../src/artifacts/file.ts';
import type { Config } from '../src/config.ts';
import { packetsDirectory } from '../src/context.ts';
import { codeOf, OperationError } from '../src/errors.ts';
import type { PacketView, ReportListing } from '../src/web/desk.ts';
import { isOfDay, listReports, reportsDirectory, sourceFolder } from './report-files.ts';

const largestFile = 64 * 1024 * 1024;
/** So many reports are listed; among them so many of sessions. */
const mostReports = 400;
const mostSessions = 50;

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
  return isPlain(folder) ? fileBelow(packetsDirectory(config), `${folder}/${file}`) : Promise.resolve(null);
}

/** One file of a report; null where there is none, or the name leads elsewhere. */
export function reportFile(config: Config, name: string, format: string): Promise<Uint8Array | null> {
  return isFormat(format) ? fileBelow(reportsDirectory(config), `${name}.${format}`) : Promise.resolve(null);
}

/** The packet that an entry of the ledger names, with the files that may be asked for; null where it is gone. */
export async function packetView(config: Config, path: string): Promise<PacketView | null> {
  const folder = basename(path);
  const real = await realBelow(packetsDirectory(config), folder);
  const found = real === null ? null : await orNull(readdir(real, { recursive: true, withFileTypes: true }));
  if (real === null || found === null) return null;
  const files = found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(real, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
  return { folder, files: files.filter(isPlainPath).sort() };
}

/** The reports of this source, the newest first: up to 50 sessions, and as many days as make 400 with them. */
export async function listOwnReports(config: Config): Promise<ReportListing[]> {
  const own = listReports(config).filter(({ name }) =>
    name.startsWith(`${sourceFolder(config.sourceName)}/`),
  );
  const sessions = own.filter((report) => !isOfDay(report)).slice(0, mostSessions);
  const days = own.filter(isOfDay).slice(0, mostReports - sessions.length);
  return [...days, ...sessions].map(({ name, title, state, formats }) => ({ name, title, state, formats }));
}
