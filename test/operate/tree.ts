import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Environment, runCommand } from '../failure/scene.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** An empty working directory that goes when `work` is done. */
export async function inDirectory<T>(
  work: (place: { directory: string; environment: Environment }) => Promise<T>,
  environment: Environment = {},
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-operate-'));
  try {
    return await work({ directory, environment });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The words that may follow each command (`''` is the program), as the program itself completes them. */
export async function commandTree(): Promise<{ script: string; words: Map<string, string[]> }> {
  return inDirectory(async (place) => {
    const { stdout, stderr, code } = await runCommand(place, ['completion', 'bash']);
    if (code !== 0) throw new Error(stderr);
    const lines = [...stdout.matchAll(/^ {4}"([a-z -]*)"\) words="([^"]*)" ;;$/gm)];
    return { script: stdout, words: new Map(lines.map(([, path, words]) => [path!, words!.split(' ')])) };
  });
}

/** What is wrong with a command line after `roundwarden`, by the tree; null where it can be read. */
export function problemOfLine(line: string, words: ReadonlyMap<string, string[]>): string | null {
  const parts = line
    .replaceAll(/"[^"]*"/g, 'TEXT')
    .split(/\s+/)
    .filter((part) => part !== '');
  let at = '';
  for (const part of parts) {
    const next = `${at} ${part}`.trim();
    if (words.has(next)) at = next;
    else if (part.startsWith('--') && part !== '--help' && !words.get(at)!.includes(part.split('=')[0]!))
      return `"${line}": ${at || 'roundwarden'} has no ${part}`;
    else if (at === '' && !part.startsWith('-')) return `"${line}": there is no command ${part}`;
  }
  return null;
}
