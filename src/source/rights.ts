import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { canonicalIdColumn, type Table, timingColumns } from '../core/rows.ts';
import { type Database, rows } from '../database.ts';
import { currentRole, hasPrivilege, ownsTable } from '../database-rights.ts';
import { plainError } from '../errors.ts';
import { referencesToCaptures, type SourceSchema } from './schema.ts';

/** One right on a table (or on some of its columns), or on a sequence. */
export interface Right {
  privilege: string;
  on: string;
  /** Null for the whole of it. */
  columns: readonly string[] | null;
  sequence: boolean;
}

/** What a role may do, against what it needs. */
export interface Rights {
  role: string;
  lacking: Right[];
  /** More than is needed, in words. */
  beyond: string[];
}

/** What a role is for: a reader audits with REPAIR=off, a writer repairs, a reverter may delete too. */
export type Purpose = 'read' | 'write' | 'revert';

const whole = (privilege: string, on: string): Right => ({ privilege, on, columns: null, sequence: false });

function tablesOf(schema: SourceSchema): Table[] {
  return ['rounds', 'lua_round_teams', ...(schema.columns.spawns ? (['lua_spawn_stats'] as const) : [])];
}

/** The columns of `rounds` that a repair fills, as far as this source has them. */
function filledColumns(schema: SourceSchema): string[] {
  return [...Object.values(timingColumns), canonicalIdColumn].filter((column) =>
    schema.columns.rounds.has(column),
  );
}

/** The sequence that gives a table its ids; null where nothing has to be granted for it. */
async function sequenceOf(database: Database, table: string): Promise<string | null> {
  const [found] = await rows<{ sequence: string | null }>(
    database,
    `select coalesce(to_regclass(pg_get_serial_sequence(?, 'id')), to_regclass(?))::text as sequence
     from pg_catalog.pg_attribute
     where attrelid = to_regclass(?) and attname = 'id' and not attisdropped and attidentity = ''`,
    [table, `${table}_id_seq`, table],
  );
  return found?.sequence ?? null;
}

/** Exactly what docs/security.md grants. */
async function neededRights(database: Database, schema: SourceSchema, purpose: Purpose): Promise<Right[]> {
  const tables = tablesOf(schema);
  const needed = tables.map((table) => whole('SELECT', table));
  if (purpose === 'read') return needed;
  for (const table of tables.slice(1)) {
    needed.push(whole('INSERT', table), whole('UPDATE', table));
    if (purpose === 'revert') needed.push(whole('DELETE', table));
    const sequence = await sequenceOf(database, table);
    if (sequence !== null) needed.push({ ...whole('USAGE', sequence), sequence: true });
  }
  needed.push({ ...whole('UPDATE', 'rounds'), columns: filledColumns(schema) });
  if (purpose === 'revert')
    for (const { table } of await referencesToCaptures(database)) needed.push(whole('SELECT', table));
  return needed;
}

/** Those of some columns on which the role does not have a right. */
async function columnsWithout(database: Database, right: Right): Promise<string[]> {
  const found = await rows<{ name: string }>(
    database,
    `select attname as name from pg_catalog.pg_attribute
     where attrelid = to_regclass(?) and attnum > 0 and not attisdropped
       and not has_column_privilege(attrelid, attnum, ?)`,
    [right.on, right.privilege],
  );
  return found.map(({ name }) => name).filter((name) => right.columns!.includes(name));
}

async function lackingOf(database: Database, right: Right): Promise<Right[]> {
  if (right.columns === null) return (await hasPrivilege(database, right)) ? [] : [right];
  const columns = await columnsWithout(database, right);
  return columns.length === 0 ? [] : [{ ...right, columns }];
}

/** The columns of `rounds` that the role may change without need. */
async function columnsBeyond(database: Database, schema: SourceSchema): Promise<string[]> {
  if (await hasPrivilege(database, whole('UPDATE', 'rounds'))) return ['UPDATE on every column of rounds'];
  const filled = filledColumns(schema);
  const others = [...schema.columns.rounds].filter((column) => !filled.includes(column));
  const right = { ...whole('UPDATE', 'rounds'), columns: others };
  const refused = new Set(await columnsWithout(database, right));
  const allowed = others.filter((column) => !refused.has(column));
  return allowed.length === 0 ? [] : [`UPDATE (${allowed.join(', ')}) on rounds`];
}

async function rightsBeyond(database: Database, schema: SourceSchema, purpose: Purpose): Promise<string[]> {
  const beyond: string[] = [];
  for (const table of tablesOf(schema)) {
    const unwanted = ['TRUNCATE'];
    if (table === 'rounds') unwanted.push('INSERT', 'DELETE');
    else if (purpose !== 'revert') unwanted.push('DELETE');
    for (const privilege of unwanted)
      if (await hasPrivilege(database, whole(privilege, table))) beyond.push(`${privilege} on ${table}`);
  }
  return [...beyond, ...(await columnsBeyond(database, schema))];
}

/** A superuser may do everything, and an owner may give itself everything: nothing else is worth naming then. */
async function masteryOf(database: Database, schema: SourceSchema): Promise<{ role: string; as: string[] }> {
  const { role, superuser } = await currentRole(database);
  if (superuser) return { role, as: ['everything: it is a superuser'] };
  const owned: string[] = [];
  for (const table of tablesOf(schema)) if (await ownsTable(database, table)) owned.push(table);
  return { role, as: owned.length === 0 ? [] : [`everything on ${owned.join(', ')}: it owns them`] };
}

/** An SQLite file is read and written as a whole, and its directory holds the journal. */
function fileRights({ label }: Database, purpose: Purpose): Rights {
  const path = resolve(label);
  const asked: [string, number, string][] = [['read', constants.R_OK, path]];
  if (purpose !== 'read')
    asked.push(['write', constants.W_OK, path], ['write', constants.W_OK, dirname(path)]);
  const lacking = asked.flatMap(([privilege, mode, on]) => {
    try {
      accessSync(on, mode);
      return [];
    } catch (thrown) {
      return [whole(privilege, `${on} (${plainError(thrown)})`)];
    }
  });
  return { role: 'this user', lacking, beyond: [] };
}

/** What the role of this connection lacks for its purpose, and what it may do beyond it. Reads catalogs only. */
export async function inspectRights(
  database: Database,
  schema: SourceSchema,
  purpose: Purpose,
): Promise<Rights> {
  if (database.dialect === 'sqlite') return fileRights(database, purpose);
  const { role, as } = await masteryOf(database, schema);
  const needed = await neededRights(database, schema, purpose);
  const lacking: Right[] = [];
  for (const right of needed) lacking.push(...(await lackingOf(database, right)));
  return { role, lacking, beyond: as.length > 0 ? as : await rightsBeyond(database, schema, purpose) };
}

/** `UPDATE (end_reason) ON rounds`, as GRANT takes it. */
export function rightText({ privilege, columns, on, sequence }: Right): string {
  const what = columns === null ? privilege : `${privilege} (${columns.join(', ')})`;
  return `${what} ON ${sequence ? 'SEQUENCE ' : ''}${on}`;
}
