import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The path of what lies beside this program or above it, from source and from what was built; null where nothing does. */
export function findAbove(...parts: readonly string[]): string | null {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    const path = join(at, ...parts);
    if (existsSync(path)) return path;
    if (at === dirname(at)) return null;
  }
}
