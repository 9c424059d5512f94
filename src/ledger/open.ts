import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { closeDatabase, type Database, describeUrl, openDatabase } from '../database.ts';
import type { Fold, Ledger } from './ledger.ts';
import { appliedMigrations, assertMigrated, ledgerSchema, migrate } from './migrations.ts';

export interface LedgerOptions {
  url: string;
  /** Where `head.json` lies; null keeps none. */
  dataDir: string | null;
  fold: Fold;
}

/**
 * Opens the ledger, creates it where there is none, and brings it to this version. Opened `readOnly`, it is
 * never created or changed, and the answer is null where there is no ledger yet.
 */
export async function openLedger(options: LedgerOptions & { readOnly?: false }): Promise<Ledger>;
export async function openLedger(options: LedgerOptions & { readOnly?: boolean }): Promise<Ledger | null>;
export async function openLedger(options: LedgerOptions & { readOnly?: boolean }): Promise<Ledger | null> {
  const { url, dataDir, fold, readOnly = false } = options;
  const path = describeUrl(url).path;
  if (readOnly && path !== null && !existsSync(path)) return null;
  const database = await openDatabase(url, { schema: ledgerSchema, create: !readOnly, readOnly });
  try {
    const found = await prepare(database, readOnly);
    if (found) return { database, headFile: dataDir === null ? null : join(dataDir, 'head.json'), fold };
  } catch (thrown) {
    await closeDatabase(database);
    throw thrown;
  }
  await closeDatabase(database);
  return null;
}

/** False where there is no ledger and none may be made. */
async function prepare(database: Database, readOnly: boolean): Promise<boolean> {
  if (!readOnly) await migrate(database);
  else if ((await appliedMigrations(database)) === null) return false;
  else await assertMigrated(database);
  return true;
}

/** Closes its database; the ledger must not be used after. */
export async function closeLedger(ledger: Ledger): Promise<void> {
  await closeDatabase(ledger.database);
}
