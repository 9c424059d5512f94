import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { counted } from '../core/counted.ts';
import { OperationError } from '../errors.ts';
import { makeOwnDirectory } from '../own-directory.ts';
import { replaceFile } from '../replace-file.ts';
import { emptyHead, type Head } from './chain.ts';
import { entryBySeq, head } from './entries.ts';
import type { Ledger } from './ledger.ts';

const headDocument = z.object({
  seq: z.int().nonnegative(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  count: z.int().nonnegative(),
  at: z.string(),
});

/** Where the head of the ledger is kept. */
export const headFileIn = (dataDir: string) => join(dataDir, 'head.json');

/** What `head.json` holds: the ledger's head as this host last saw it. */
export type HeadFile = z.infer<typeof headDocument>;

/**
 * `equal`; `ahead`: the ledger has grown past the file, as after a crash or on another host; `behind`: it has
 * fewer entries than the file; `diverged`: it has another entry in that place; `absent`: there is no file.
 */
export type HeadState = 'equal' | 'ahead' | 'behind' | 'diverged' | 'absent';

export interface HeadComparison {
  state: HeadState;
  file: HeadFile | null;
  ledger: Head;
}

/** Writes the head file anew; throws an OperationError where it cannot be written. */
export function writeHead(file: string, content: HeadFile): void {
  try {
    makeOwnDirectory(dirname(file));
    replaceFile(file, `${JSON.stringify(content)}\n`);
  } catch (cause) {
    throw new OperationError(
      `cannot write ${file}, although the ledger did grow to entry ${content.seq}; nothing else is lost`,
      { cause },
    );
  }
}

/** The head file's content, or null where there is none; throws an OperationError where it cannot be read. */
export function readHead(file: string): HeadFile | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new OperationError(
      `cannot read ${file}, which says how far the ledger had come; let this user read it`,
      { cause },
    );
  }
  try {
    return headDocument.parse(JSON.parse(text));
  } catch {
    throw new OperationError(
      `cannot compare the ledger with ${file}: the file is damaged; look at it, then ${mend}`,
    );
  }
}

const mend = 'run `roundwarden ledger accept-restore --reason "..."`';

/** Compares the ledger with the head file. An entry is committed before it gets into the file: the file is read first. */
export async function compareHead(ledger: Ledger): Promise<HeadComparison> {
  const file = ledger.headFile === null ? null : readHead(ledger.headFile);
  const now = await head(ledger);
  return { state: await stateOf(ledger, file, now), file, ledger: now };
}

async function stateOf(ledger: Ledger, file: HeadFile | null, now: Head): Promise<HeadState> {
  if (file === null) return 'absent';
  if (file.seq > now.seq) return 'behind';
  if (file.seq === now.seq) return file.hash === now.hash ? 'equal' : 'diverged';
  const seen = file.seq === 0 ? emptyHead : await entryBySeq(ledger, file.seq);
  return seen?.hash === file.hash ? 'ahead' : 'diverged';
}

/** What a person must know of a comparison, or null where the ledger may be used. */
export function headProblem({ state, file, ledger }: HeadComparison): string | null {
  if (file === null || (state !== 'behind' && state !== 'diverged')) return null;
  const what = state === 'behind' ? 'is behind what it once was' : 'has another history than it once had';
  const missing = state === 'behind' ? `: ${counted(file.seq - ledger.seq, 'entry', 'entries')} missing` : '';
  return `the ledger ${what}: head.json of ${file.at} says entry ${file.seq} with hash ${file.hash}, the ledger ends at entry ${ledger.seq} with hash ${ledger.hash}${missing}`;
}

/** Throws an OperationError where the ledger lost entries that the head file has seen. */
export async function assertNotBehind(ledger: Ledger): Promise<void> {
  const problem = headProblem(await compareHead(ledger));
  if (problem !== null)
    throw new OperationError(
      `${problem}; if an older copy was restored on purpose, ${mend}; nothing was written`,
    );
}
