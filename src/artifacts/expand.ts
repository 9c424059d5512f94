import fs from 'node:fs';
import { Glob } from 'glob';
import { plainError } from '../errors.ts';

/** What a glob came to: the paths that it matches, and what could not be looked at on the way. */
export interface Expansion {
  matches: string[];
  /** Directories that glob passes over without a word, each with the reason. */
  unreadable: { path: string; why: string }[];
}

/** True for a path that is to be expanded. */
export function isGlob(path: string): boolean {
  return /[*?[\]{}]/.test(path);
}

/** `{a,b}` spelled out: each alternative was named by a person, so each must be there. */
export function alternatives(pattern: string): string[] {
  return new Glob(pattern, {}).patterns.map((alternative) => alternative.globString());
}

const harmless = new Set(['ENOENT', 'ENOTDIR']);

/** Expands one alternative of a glob. A directory that may not be read must not look like an empty one. */
export async function expand(pattern: string): Promise<Expansion> {
  const faults = new Map<string, string>();
  const note = (path: unknown, thrown: unknown) => {
    if (!harmless.has((thrown as NodeJS.ErrnoException).code ?? ''))
      faults.set(String(path), plainError(thrown));
  };
  const noting = async <T>(path: unknown, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      note(path, thrown);
      throw thrown;
    }
  };
  const watched = {
    ...fs,
    readdir(
      path: string,
      options: { withFileTypes: true },
      done: (fault: Error | null, entries?: fs.Dirent[]) => void,
    ) {
      fs.readdir(path, options, (fault, entries) => {
        if (fault) note(path, fault);
        done(fault, entries);
      });
    },
    promises: {
      ...fs.promises,
      lstat: (path: string) => noting(path, fs.promises.lstat(path)),
      readdir: (path: string, options: { withFileTypes: true }) =>
        noting(path, fs.promises.readdir(path, options)),
    },
  };
  const matches = await new Glob(pattern, { fs: watched as unknown as typeof fs }).walk();
  return { matches: matches.sort(), unreadable: [...faults].map(([path, why]) => ({ path, why })) };
}
