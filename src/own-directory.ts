import { mkdirSync } from 'node:fs';

/**
 * Makes a directory, and those above it that are missing, for our user alone: ledger, evidence and reports hold names and
 * ids of players. One that is there keeps its mode, which is its owner's to choose. Throws what the file system says.
 */
export function makeOwnDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
