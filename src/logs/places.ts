import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { glob } from 'glob';
import { plainError } from '../errors.ts';

/** A log, or a part of one, that could not be read or not to its end. */
export interface LogProblem {
  path: string;
  why: string;
}

/** The files of one log: the one that grows, and its rotated and gzipped parts; the oldest first. */
export interface FoundLogs {
  files: string[];
  problems: LogProblem[];
}

const isGlob = (path: string) => /[*?[\]{}]/.test(path);

/** True for `<log>`, and for the names that rotation gives its older parts: `.1`, `.2.gz`, `-20260211`, `.gz`. */
function isPartOf(log: string, name: string): boolean {
  if (name === log) return true;
  const rest = name.startsWith(log) ? name.slice(log.length) : '';
  return /^(\.\d+|[.-]\d{4}-?\d{2}-?\d{2}([-T_]?\d+)?)?(\.gz)?$/.test(rest) && rest !== '';
}

async function partsOf(path: string): Promise<FoundLogs> {
  try {
    const names = await readdir(dirname(path));
    const parts = names
      .filter((name) => isPartOf(basename(path), name))
      .map((name) => join(dirname(path), name));
    return { files: parts, problems: parts.length === 0 ? [{ path, why: 'it does not exist' }] : [] };
  } catch (thrown) {
    return { files: [], problems: [{ path, why: plainError(thrown) }] };
  }
}

async function matchesOf(pattern: string): Promise<FoundLogs> {
  const files = await glob(pattern, { nodir: true, absolute: false });
  return { files, problems: files.length === 0 ? [{ path: pattern, why: 'nothing matches it' }] : [] };
}

/** Finds the files of the configured paths and globs; a path brings its rotated parts with it. Does not throw. */
export async function findLogs(paths: readonly string[]): Promise<FoundLogs> {
  const found: FoundLogs = { files: [], problems: [] };
  for (const path of paths) {
    const { files, problems } = isGlob(path) ? await matchesOf(path) : await partsOf(path);
    found.files.push(...files);
    found.problems.push(...problems);
  }
  const dated = await Promise.all(
    [...new Set(found.files)].map(async (path) => {
      const age = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      );
      return { path, age };
    }),
  );
  const files = dated.sort((a, b) => a.age - b.age || (a.path < b.path ? -1 : 1)).map(({ path }) => path);
  return { files, problems: found.problems };
}
