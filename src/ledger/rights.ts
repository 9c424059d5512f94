import type { Database } from '../database.ts';
import { currentRole, hasPrivilege, ownsTable } from '../database-rights.ts';
import { ledgerSchema } from './migrations.ts';

/** What the role of a connection may do to entries that are there, and who it is. */
export interface LedgerRights {
  role: string;
  /** In words; empty where the role can only add. */
  beyond: string[];
}

/**
 * Whether the role could take the guards of the ledger away: a superuser and an owner can, and so can whom UPDATE,
 * DELETE or TRUNCATE was granted, as far as the triggers let them. Null on SQLite, where who writes owns the file.
 */
export async function inspectLedgerRights(database: Database): Promise<LedgerRights | null> {
  if (database.dialect === 'sqlite') return null;
  const entries = `${database.schema ?? ledgerSchema}.entries`;
  const { role, superuser } = await currentRole(database);
  if (superuser) return { role, beyond: ['everything: it is a superuser'] };
  if (await ownsTable(database, entries))
    return { role, beyond: ['everything on the entries: it owns them'] };
  const beyond: string[] = [];
  for (const privilege of ['UPDATE', 'DELETE', 'TRUNCATE'])
    if (await hasPrivilege(database, { privilege, on: entries })) beyond.push(`${privilege} on the entries`);
  return { role, beyond };
}
