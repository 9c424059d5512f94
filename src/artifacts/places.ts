import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Place } from '../core/model.ts';
import { type ArtifactName, parseArtifactName, plainArtifactEnd } from '../core/names.ts';
import { plainError } from '../errors.ts';
import { alternatives, expand, isGlob } from './expand.ts';

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
  /** Where it is one directory: then its files are sorted, and each is there once. */
  directory?: string;
  place: Place;
  files: ListedFile[];
  ignored: Ignored[];
}

/** Which files are asked for, by the ends of their rounds, unix seconds. */
export type Near = (endUnix: number) => boolean;

const everyFile: Near = () => true;

/** The ends of rounds, unix seconds, as far as a place tells them: they are not kept one by one. */
type Ends = Pick<Place, 'count' | 'oldestUnix' | 'newestUnix'>;

function addEnd(ends: Ends, end: number): void {
  ends.count += 1;
  if (ends.oldestUnix === null || end < ends.oldestUnix) ends.oldestUnix = end;
  if (ends.newestUnix === null || end > ends.newestUnix) ends.newestUnix = end;
}

const noEnds = (): Ends => ({ count: 0, oldestUnix: null, newestUnix: null });

/** A place with what it holds, by the ends of its rounds, unix seconds. */
export function placeWith(name: string, all: Iterable<number>, unreadable: string | null): Place {
  const ends = noEnds();
  for (const end of all) addEnd(ends, end);
  return { name, unreadable, ...ends };
}

function unreadablePlace(name: string, why: string): Found {
  return { place: placeWith(name, [], why), files: [], ignored: [] };
}

/** Names of one directory; a path is `prefix` and the name. */
interface Names {
  prefix: string;
  names: readonly string[];
}

/** Takes from names what is an artifact: adds the ends of all to `ends`, and gives as files those that are asked for. */
function sortOut(
  place: string,
  { prefix, names }: Names,
  { near, ends }: { near: Near; ends: Ends },
): Omit<Found, 'place'> {
  const files: ListedFile[] = [];
  const ignored: Ignored[] = [];
  const spelled = !prefix.includes('\ufffd');
  for (const base of names) {
    const end = spelled ? plainArtifactEnd(base) : -1;
    if (end >= 0) addEnd(ends, end);
    if (end >= 0 && !near(end)) continue;
    const name = parseArtifactName(base);
    if (name && spelled && !base.includes('\ufffd')) {
      if (end < 0 && name.finished) addEnd(ends, name.endUnix);
      if (near(name.endUnix)) files.push({ path: prefix + base, name, place });
    } else if (base.startsWith('gametime-'))
      ignored.push({ path: prefix + base, why: 'its name is not gametime-<map>-R<number>-<end>.json' });
  }
  return { files, ignored };
}

/** A place that holds these names. Without a finished artifact name it counts as unreadable (DESIGN, "Places"). */
function placeOfNames(place: string, directories: readonly Names[], near: Near): Found {
  const ends = noEnds();
  const found = directories.map((names) => sortOut(place, names, { near, ends }));
  const unreadable = ends.count === 0 ? 'it lists no artifact' : null;
  return {
    place: { name: place, unreadable, ...ends },
    files: found.length === 1 ? found[0]!.files : found.flatMap(({ files }) => files),
    ignored: found.flatMap(({ ignored }) => ignored),
  };
}

/** A place that holds these paths, of which those are files that are asked for. */
export function placeOf(place: string, paths: readonly string[], near: Near = everyFile): Found {
  const each = paths.map((path) => {
    const base = basename(path);
    return { prefix: path.slice(0, path.length - base.length), names: [base] };
  });
  return placeOfNames(place, each, near);
}

/** By the characters of their paths; readdir has sorted names by their bytes, which is nearly always the same. */
function inOrder<T extends { path: string }>(items: T[]): T[] {
  const isSorted = items.every(({ path }, at) => at === 0 || items[at - 1]!.path <= path);
  return isSorted ? items : items.sort(byPath);
}

async function listDirectory(directory: string, near: Near): Promise<Found> {
  try {
    const names = await readdir(directory);
    const prefix = join(directory, 'x').slice(0, -1);
    const found = placeOfNames(directory, [{ prefix, names }], near);
    return { ...found, files: inOrder(found.files), ignored: inOrder(found.ignored), directory };
  } catch (thrown) {
    return unreadablePlace(directory, plainError(thrown));
  }
}

/** True for the path of an artifact, finished or not. */
function isArtifactPath(path: string): boolean {
  return parseArtifactName(basename(path)) !== null && !path.includes('\ufffd');
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
async function listAlternative(pattern: string, near: Near): Promise<Found[]> {
  if (!isGlob(pattern)) return [await listDirectory(pattern, near)];
  const { matches, unreadable } = await expand(pattern);
  const founds: Found[] = unreadable.map(({ path, why }) => unreadablePlace(path, why));
  const paths: string[] = [];
  for (const path of matches) {
    if (await isPlace(path)) founds.push(await listDirectory(path, near));
    else paths.push(path);
  }
  if (matches.length === 0 && founds.length === 0) return [unreadablePlace(pattern, 'nothing matches it')];
  // A stray file beside matched directories is no place; files alone are one, artifacts or not.
  const own = placeOf(pattern, paths, near);
  const hasFiles = paths.some((path) => isArtifactPath(path));
  return founds.length > 0 && !hasFiles ? founds : [...founds, own];
}

async function listGlob(pattern: string, near: Near): Promise<Found[]> {
  const founds: Found[] = [];
  for (const alternative of alternatives(pattern)) founds.push(...(await listAlternative(alternative, near)));
  return founds;
}

function byPath(one: { path: string }, other: { path: string }): number {
  if (one.path === other.path) return 0;
  return one.path < other.path ? -1 : 1;
}

const realOf = (directory: string) => realpath(directory).catch(() => directory);

/** True where no file of one place can be one of another too: each is a directory of its own. */
async function areApart(founds: readonly Found[]): Promise<boolean> {
  const directories = founds.flatMap(({ directory }) => directory ?? []);
  if (directories.length < founds.length) return false;
  if (directories.length < 2) return true;
  return new Set(await Promise.all(directories.map(realOf))).size === directories.length;
}

/** The first of those that are the same file, reached by different ways to its directory. */
async function eachFileOnce<T extends { path: string }>(files: readonly T[]): Promise<T[]> {
  const realDirectories = new Map<string, string>();
  const byRealPath = new Map<string, T>();
  for (const file of files) {
    const directory = dirname(file.path);
    const real = realDirectories.get(directory) ?? (await realOf(directory));
    realDirectories.set(directory, real);
    const realFile = join(real, basename(file.path));
    if (!byRealPath.has(realFile)) byRealPath.set(realFile, file);
  }
  return [...byRealPath.values()].sort(byPath);
}

/** What all places hold, by path, each real file once. */
async function joined(founds: readonly Found[]): Promise<Pick<Found, 'files' | 'ignored'>> {
  const [first, ...others] = founds.filter(({ files, ignored }) => files.length + ignored.length > 0);
  if (first === undefined) return { files: [], ignored: [] };
  const files = others.length === 0 ? first.files : founds.flatMap((found) => found.files);
  const ignored = founds.flatMap((found) => found.ignored);
  // By far the most often: one directory, whose files are sorted.
  if (others.length === 0 && first.directory !== undefined) return { files, ignored };
  if (await areApart([first, ...others])) return { files: files.sort(byPath), ignored: ignored.sort(byPath) };
  return { files: await eachFileOnce(files), ignored: await eachFileOnce(ignored) };
}

/**
 * Lists the artifact places: directories, not recursively, and globs of directories or files. Each matched
 * directory is a place of its own; matched files are one place under the glob's name. A place that cannot
 * be read, or that lists no finished artifact, says why (DESIGN, "Places"). Opens no file and does not throw
 * for what the file system says. With `near` only the files of rounds that ended then are answered; places and ignored
 * files are complete in any case.
 */
export async function listPlaces(
  paths: readonly string[],
  { near = everyFile }: { near?: Near } = {},
): Promise<Listing> {
  const places = new Map<string, Found>();
  for (const path of paths) {
    for (const found of isGlob(path) ? await listGlob(path, near) : [await listDirectory(path, near)]) {
      if (!places.has(found.place.name)) places.set(found.place.name, found);
    }
  }
  const founds = [...places.values()];
  return {
    places: founds.map(({ place }) => place),
    ...(await joined(founds)),
  };
}
