import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** When a file, or the youngest of a directory, was last written; a directory is when it gains or loses a file. */
function writtenMs(path: string): number {
  const state = statSync(path);
  if (!state.isDirectory()) return state.mtimeMs;
  return Math.max(state.mtimeMs, ...readdirSync(path).map((name) => writtenMs(join(path, name))));
}

const madeOf = ['src', 'jobs', 'reports', 'build', 'package-lock.json'];

function find(): string | null {
  try {
    const builtMs = writtenMs(join(root, 'dist/jobs/program.cjs'));
    const isYoungest = madeOf.every((name) => writtenMs(join(root, name)) < builtMs);
    return isYoungest ? join(root, 'dist/jobs/main.js') : null;
  } catch {
    return null;
  }
}

let found: string | null | undefined;

/**
 * The command line as `npm run build` made it, which starts several times faster than its sources do; null where there is
 * none, or one of its sources is younger.
 */
export function builtCommand(): string | null {
  if (found === undefined) found = find();
  return found;
}
