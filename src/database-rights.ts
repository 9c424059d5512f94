import { type Database, rows } from './database.ts';

/** Who this connection is, and whether it may do everything (PostgreSQL). */
export async function currentRole(database: Database): Promise<{ role: string; superuser: boolean }> {
  const [who] = await rows<{ role: string; superuser: boolean }>(
    database,
    `select current_user::text as role,
       exists (select 1 from pg_catalog.pg_roles where rolname = current_user and rolsuper) as superuser`,
  );
  return who!;
}

/** Whether the role owns a table, and so may give itself every right on it (PostgreSQL). */
export async function ownsTable(database: Database, table: string): Promise<boolean> {
  const found = await rows(
    database,
    `select 1 from pg_catalog.pg_class
     where oid = to_regclass(?) and pg_has_role(current_user, relowner, 'USAGE')`,
    [table],
  );
  return found.length > 0;
}

/** Whether the role has a right on the whole of a table or sequence (PostgreSQL). */
export async function hasPrivilege(
  database: Database,
  { privilege, on, sequence = false }: { privilege: string; on: string; sequence?: boolean },
): Promise<boolean> {
  const asked = sequence ? 'has_sequence_privilege' : 'has_table_privilege';
  const sql = `select ${asked}(to_regclass(?), ?) as has`;
  const [found] = await rows<{ has: boolean }>(database, sql, [on, privilege]);
  return found?.has === true;
}

/** Whether the connection is encrypted on its way (PostgreSQL); a pooler may hand it on in the clear behind that. */
export async function isEncrypted({ knex: handle }: Database): Promise<boolean> {
  const connection = (await handle.client.acquireConnection()) as {
    connection: { stream: { encrypted?: boolean } };
  };
  try {
    return connection.connection.stream.encrypted === true;
  } finally {
    await handle.client.releaseConnection(connection);
  }
}
