import { existsSync, statSync } from 'node:fs';
import { closeDatabase, describeUrl, openDatabase } from '../database.ts';
import { OperationError } from '../errors.ts';
import { headFileIn, readHead } from './head.ts';
import type { Fold, Ledger } from './ledger.ts';
import { appliedMigrations, assertMigrated, ledgerSchema, migrate } from './migrations.ts';

export interface LedgerOptions {
  url: string;
  /** Where its tables are (PostgreSQL). Default `roundwarden`. */
  schema?: string;
  /** Where `head.json` lies; null keeps none. */
  dataDir: string | null;
  fold: Fold;
  /** A person accepts that the ledger is gone, and that a new one begins. Default false. */
  acceptsLoss?: boolean;
}

/**
 * Opens the ledger, creates it where there is none, and brings it to this version. Opened `readOnly`, it is
 * never created or changed, and the answer is null where there is no ledger yet. Throws an OperationError where
 * there is none, although the head file says that there was one: it is not made anew.
 */
export async function openLedger(options: LedgerOptions & { readOnly?: false }): Promise<Ledger>;
export async function openLedger(options: LedgerOptions & { readOnly?: boolean }): Promise<Ledger | null>;
export async function openLedger(options: LedgerOptions & { readOnly?: boolean }): Promise<Ledger | null> {
  const { url, schema = ledgerSchema, dataDir, fold, readOnly = false } = options;
  const path = describeUrl(url).path;
  const headFile = dataDir === null ? null : headFileIn(dataDir);
  if (path !== null && !options.acceptsLoss) assertNotLost(path, headFile);
  if (readOnly && path !== null && !existsSync(path)) return null;
  const database = await openDatabase(url, { schema, create: !readOnly, readOnly });
  try {
    const applied = await appliedMigrations(database);
    if (applied === null && !options.acceptsLoss) assertNeverWas(database.label, headFile);
    if (!readOnly) await migrate(database, applied);
    else if (applied !== null) assertMigrated(database, applied);
    if (!readOnly || applied !== null) return { database, headFile, fold };
  } catch (thrown) {
    await closeDatabase(database);
    throw thrown;
  }
  await closeDatabase(database);
  return null;
}

const hasContent = (path: string) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;

/** An empty file is an empty database to SQLite, and a missing one is made: neither may pass for the ledger. */
function assertNotLost(path: string, headFile: string | null): void {
  if (existsSync(path) && (hasContent(path) || hasContent(`${path}-wal`))) return;
  assertNeverWas(path, headFile);
}

/** Throws an OperationError where there is no ledger, although the head file has seen its entries. */
function assertNeverWas(label: string, headFile: string | null): void {
  const file = headFile === null ? null : readHead(headFile);
  if (file === null || file.seq === 0) return;
  throw new OperationError(
    `there is no ledger in ${label}, although head.json of ${file.at} says that it had entry ${file.seq}: ` +
      'put the last backup in its place; where there is none, ' +
      '`roundwarden ledger accept-restore --reason "..."` begins a new one; nothing was written',
  );
}

/** Closes its database; the ledger must not be used after. */
export async function closeLedger(ledger: Ledger): Promise<void> {
  await closeDatabase(ledger.database);
}
