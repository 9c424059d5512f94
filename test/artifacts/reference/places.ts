import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { alternatives, expand, isGlob } from '../../../src/artifacts/expand.ts';
import type { Place } from '../../../src/core/model.ts';
import { type ArtifactName, parseArtifactName } from '../../../src/core/names.ts';
import { plainError } from '../../../src/errors.ts';

/** A file whose name is that of an artifact, finished or not. */
export interface ListedFile {
  path: string;
  name: ArtifactName;
  /** The name of the place that it was found in. */
  place: string;
}

/** A file that looks like an artifact and is none. */
export interface Ignored {
  path: string;
  why: string;
}

/** What the configured places hold. Files and ignored files are sorted by path, each real file once. */
export interface Listing {
  places: Place[];
  files: ListedFile[];
  ignored: Ignored[];
}

/** What one place holds. */
export interface Found {
  place: Place;
  files: ListedFile[];
  ignored: Ignored[];
}

/** A place with what it holds, by the ends of its rounds, unix seconds. */
export function placeWith(name: string, ends: readonly number[], unreadable: string | null): Place {
  const end = (of: (one: number, other: number) => number) =>
    ends.length === 0 ? null : ends.reduce((one, other) => of(one, other));
  return { name, unreadable, count: ends.length, oldestUnix: end(Math.min), newestUnix: end(Math.max) };
}

function unreadablePlace(name: string, why: string): Found {
  return { place: placeWith(name, [], why), files: [], ignored: [] };
}

/** A place that holds these paths. Without a finished artifact name it counts as unreadable (DESIGN, "Places"). */
export function placeOf(place: string, paths: readonly string[]): Found {
  const files: ListedFile[] = [];
  const ignored: Ignored[] = [];
  for (const path of paths) {
    const name = parseArtifactName(basename(path));
    if (name && !path.includes('\ufffd')) files.push({ path, name, place });
    else if (basename(path).startsWith('gametime-'))
      ignored.push({ path, why: 'its name is not gametime-<map>-R<number>-<end>.json' });
  }
  const ends = files.filter(({ name }) => name.finished).map(({ name }) => name.endUnix);
  const unreadable = ends.length === 0 ? 'it lists no artifact' : null;
  return { place: placeWith(place, ends, unreadable), files, ignored };
}

async function listDirectory(directory: string): Promise<Found> {
  try {
    const names = await readdir(directory);
    return placeOf(
      directory,
      names.map((name) => join(directory, name)),
    );
  } catch (thrown) {
    return unreadablePlace(directory, plainError(thrown));
  }
}

async function isPlace(path: string): Promise<boolean> {
  if (parseArtifactName(basename(path))) return false;
  // What cannot be looked at might be a place; listing it says why it is not readable.
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => true,
  );
}

/** One alternative of a glob: each matched directory is a place, matched files are one, and so is what may not be read. */
async function listAlternative(pattern: string): Promise<Found[]> {
  if (!isGlob(pattern)) return [await listDirectory(pattern)];
  const { matches, unreadable } = await expand(pattern);
  const founds: Found[] = unreadable.map(({ path, why }) => unreadablePlace(path, why));
  const paths: string[] = [];
  for (const path of matches) {
    if (await isPlace(path)) founds.push(await listDirectory(path));
    else paths.push(path);
  }
  if (matches.length === 0 && founds.length === 0) return [unreadablePlace(pattern, 'nothing matches it')];
  // A stray file beside matched directories is no place; files alone are one, artifacts or not.
  const own = placeOf(pattern, paths);
  return founds.length > 0 && own.files.length === 0 ? founds : [...founds, own];
}

async function listGlob(pattern: string): Promise<Found[]> {
  const founds: Found[] = [];
  for (const alternative of alternatives(pattern)) founds.push(...(await listAlternative(alternative)));
  return founds;
}

function byPath(one: { path: string }, other: { path: string }): number {
  if (one.path === other.path) return 0;
  return one.path < other.path ? -1 : 1;
}

/** The first of those that are the same file, reached by different ways to its directory. */
async function eachFileOnce<T extends { path: string }>(files: T[]): Promise<T[]> {
  const realDirectories = new Map<string, string>();
  const byRealPath = new Map<string, T>();
  for (const file of files) {
    const directory = dirname(file.path);
    const real = realDirectories.get(directory) ?? (await realpath(directory).catch(() => directory));
    realDirectories.set(directory, real);
    const realFile = join(real, basename(file.path));
    if (!byRealPath.has(realFile)) byRealPath.set(realFile, file);
  }
  return [...byRealPath.values()].sort(byPath);
}

/**
 * Lists the artifact places: directories, not recursively, and globs of directories or files. Each matched
 * directory is a place of its own; matched files are one place under the glob's name. A place that cannot
 * be read, or that lists no finished artifact, says why (DESIGN, "Places"). Opens no file and does not throw
 * for what the file system says.
 */
export async function listPlaces(paths: readonly string[]): Promise<Listing> {
  const places = new Map<string, Found>();
  for (const path of paths) {
    for (const found of isGlob(path) ? await listGlob(path) : [await listDirectory(path)]) {
      if (!places.has(found.place.name)) places.set(found.place.name, found);
    }
  }
  const founds = [...places.values()];
  return {
    places: founds.map(({ place }) => place),
    files: await eachFileOnce(founds.flatMap(({ files }) => files)),
    ignored: await eachFileOnce(founds.flatMap(({ ignored }) => ignored)),
  };
}
