import { existsSync } from 'node:fs';
import type { Config } from '../src/config.ts';
import { closeDatabase, describeUrl, openDatabase } from '../src/database.ts';
import { appliedMigrations, migrate, migrations, pendingMigrations } from '../src/ledger/migrations.ts';
import { colours, say, table } from './print.ts';

/** The schema of the ledger before and after: names of migrations, in their order. */
export interface Migrated {
  /** The ledger, without a password. */
  ledger: string;
  dryRun: boolean;
  /** What it had seen already. */
  before: readonly string[];
  /** What this process applied; another one may have been first. */
  applied: string[];
  /** What is still missing: only in a dry run. */
  pending: string[];
}

/**
 * Brings the ledger to the newest schema, in one locked transaction (decision 0001); every command that writes
 * does so by itself. A dry run changes and creates nothing. Throws where a newer version made the ledger.
 */
export async function migrateLedger(config: Config, { dryRun }: { dryRun: boolean }): Promise<Migrated> {
  const { ledgerUrl: url, ledgerSchema: schema } = config;
  const { label, path } = describeUrl(url);
  if (dryRun && path !== null && !existsSync(path))
    return { ledger: label, dryRun, before: [], applied: [], pending: migrations.map(({ name }) => name) };
  const database = await openDatabase(url, { schema, create: !dryRun, readOnly: dryRun });
  try {
    const before = await appliedMigrations(database);
    const applied = dryRun ? [] : await migrate(database, before);
    const pending = pendingMigrations(database, dryRun ? before : await appliedMigrations(database));
    return { ledger: label, dryRun, before: before ?? [], applied, pending };
  } finally {
    await closeDatabase(database);
  }
}

/** 3 where a dry run found something to do. */
export const migratedExitCode = ({ pending }: Migrated) => (pending.length > 0 ? 3 : 0);

/** The schema for people. */
export function printMigrated({ ledger, dryRun, before, applied, pending }: Migrated): void {
  const state = (name: string) => {
    if (applied.includes(name)) return colours.green('applied now');
    if (pending.includes(name)) return colours.yellow('pending');
    return before.includes(name) ? 'applied before' : 'applied by another process';
  };
  say(
    table(
      ['migration', 'state'],
      migrations.map(({ name }) => [name, state(name)]),
    ),
  );
  const done =
    applied.length === 0 ? 'has the newest schema; nothing was to be done' : 'has the newest schema now';
  say(
    dryRun && pending.length > 0
      ? `\n${ledger} lacks ${pending.length} of ${migrations.length}; \`roundwarden migrate\` applies them`
      : `\n${ledger} ${done}`,
  );
}
