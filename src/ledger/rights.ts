import { type Database, rows } from '../database.ts';
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
  const entries = `${ledgerSchema}.entries`;
  const [found] = await rows<{ role: string; superuser: boolean; owner: boolean }>(
    database,
    `select current_user::text as role,
       exists (select 1 from pg_catalog.pg_roles where rolname = current_user and rolsuper) as superuser,
       exists (select 1 from pg_catalog.pg_class
               where oid = to_regclass(?) and pg_has_role(current_user, relowner, 'USAGE')) as owner`,
    [entries],
  );
  const role = found?.role ?? 'unknown';
  if (found?.superuser) return { role, beyond: ['everything: it is a superuser'] };
  if (found?.owner) return { role, beyond: ['everything on the entries: it owns them'] };
  const beyond: string[] = [];
  for (const privilege of ['UPDATE', 'DELETE', 'TRUNCATE']) {
    const [{ has } = { has: false }] = await rows<{ has: boolean }>(
      database,
      'select has_table_privilege(to_regclass(?), ?) as has',
      [entries, privilege],
    );
    if (has) beyond.push(`${privilege} on the entries`);
  }
  return { role, beyond };
}
