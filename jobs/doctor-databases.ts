import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { fileTime } from '../src/core/expected.ts';
import { closeDatabase, type Database, describeUrl, openDatabase } from '../src/database.ts';
import { codeOf, messageOf } from '../src/errors.ts';
import { missingKeys, newestRounds } from '../src/source/look.ts';
import { inspectRights, type Purpose, type Rights, rightText } from '../src/source/rights.ts';
import { inspectSource } from '../src/source/schema.ts';
import { type Area, alone, type Check, checksOf } from './doctor-check.ts';
import { checkIndexes } from './doctor-indexes.ts';
import { checkTransport } from './doctor-transport.ts';

const { ok, problem, warning } = checksOf('source');

const mends: Readonly<Record<string, string>> = {
  '28P01': 'correct the password',
  '28000': 'correct the user, or let it in (pg_hba.conf)',
  '3D000': 'correct the name of the database, or create it',
  ECONNREFUSED: 'start PostgreSQL, or correct host and port',
  ENOTFOUND: 'correct the host',
  EAI_AGAIN: 'correct the host, or mend name resolution',
  ETIMEDOUT: 'correct the host, or open the way to it (firewall)',
};

/** The code of what a failure rests on. */
function rootCode(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? (codeOf(thrown) ?? '') : rootCode(cause);
}

/** A message without the password of the address that it is about. */
function withoutPassword(text: string, url: string): string {
  if (describeUrl(url).dialect === 'sqlite') return text;
  const { password } = new URL(url);
  if (password === '') return text;
  return text.replaceAll(decodeURIComponent(password), '***').replaceAll(password, '***');
}

/** A database that could not be opened: which setting names it, and what to do. */
export function unopened(area: Area, of: { setting: string; url: string; thrown: unknown }): Check {
  const { setting, url, thrown } = of;
  const isFile = describeUrl(url).dialect === 'sqlite';
  const mend = mends[rootCode(thrown)] ?? (isFile ? 'correct the path' : 'correct it');
  const what = withoutPassword(messageOf(thrown), url);
  return checksOf(area).problem(setting, what, `${mend} in ${setting} (or in the file ${setting}_FILE)`);
}

/** The database of the source, open, or the one line that says why not. */
export async function openSource(config: Config): Promise<{ source: Source | null; checks: Check[] }> {
  const { sourceUrl: url, sourceName: name } = config;
  const setting = 'SOURCE_DATABASE_URL';
  let database: Database;
  try {
    database = await openDatabase(url, { readOnly: true });
  } catch (thrown) {
    return { source: null, checks: [unopened('source', { setting, url, thrown })] };
  }
  try {
    const schema = await inspectSource(database);
    const reached = ok(setting, `${database.label} answers (${database.dialect})`);
    return { source: { database, schema, name }, checks: [reached] };
  } catch (thrown) {
    await closeDatabase(database);
    const mend = `point ${setting} to the database of the pipeline, or grant SELECT on its tables (docs/security.md)`;
    return { source: null, checks: [problem('source tables', messageOf(thrown), mend)] };
  }
}

function checkColumns({ schema }: Source): Check {
  const { rounds, captures, spawns } = schema.columns;
  const sizes = `rounds ${rounds.size}, lua_round_teams ${captures.size}, lua_spawn_stats ${spawns?.size ?? 0} columns`;
  if (spawns !== null) return ok('columns', sizes);
  return warning(
    'columns',
    'there is no table lua_spawn_stats, or this role may not see it: spawn rows are not repaired',
    'if the pipeline has it, grant SELECT on it (docs/security.md)',
  );
}

async function checkKeys({ database, schema }: Source): Promise<Check> {
  const missing = await missingKeys(database, schema);
  const oneEach = schema.uniqueRoundId ? 'one capture per round' : 'a round may have several captures';
  if (missing.length === 0) return ok('constraints', `unique keys are there; ${oneEach}`);
  return warning(
    'constraints',
    `no unique key on ${missing.join(' and ')}: the pipeline may store a row twice`,
    'apply the migrations of the pipeline',
  );
}

function mendRights({ role, lacking }: Rights, dialect: Database['dialect']): string {
  if (dialect === 'sqlite') return 'give the user of Roundwarden these rights on the file and its directory';
  const quoted = role.replaceAll('"', '""');
  const name = /^[a-z_][a-z0-9_]*$/.test(role) ? role : `"${quoted}"`;
  return lacking.map((right) => `GRANT ${rightText(right)} TO ${name};`).join(' ');
}

/** One line for what a role lacks, or for what it has too much of. */
async function checkRights(
  source: Pick<Source, 'database' | 'schema'>,
  of: { name: string; purpose: Purpose },
): Promise<Check> {
  const { database, schema } = source;
  const rights = await inspectRights(database, schema, of.purpose);
  const { role, lacking, beyond } = rights;
  if (lacking.length > 0)
    return problem(
      of.name,
      `${role} lacks ${lacking.map(rightText).join(', ')}`,
      mendRights(rights, database.dialect),
    );
  if (beyond.length === 0) return ok(of.name, `${role} has what it needs, and no more`);
  return warning(
    of.name,
    `${role} may do more than is needed: ${beyond.join(', ')}`,
    'use a role with the rights in docs/security.md',
  );
}

/** The role that reverts: the same tables, and it may delete. */
async function checkRevert(config: Config, source: Source): Promise<Check[]> {
  const { sourceRevertUrl: url } = config;
  if (source.database.dialect === 'sqlite' && url === config.sourceUrl) return [];
  const name = 'rights for revert';
  if (url === config.sourceUrl) {
    const { lacking } = await inspectRights(source.database, source.schema, 'revert');
    if (lacking.every(({ privilege }) => privilege !== 'DELETE')) return [];
    const mend = 'give it a role of its own (docs/security.md)';
    return [warning(name, 'SOURCE_REVERT_URL is not set, and this role may not delete', mend)];
  }
  let database: Database;
  try {
    database = await openDatabase(url, { readOnly: true });
  } catch (thrown) {
    return [unopened('source', { setting: 'SOURCE_REVERT_URL', url, thrown })];
  }
  try {
    const { schema } = source;
    return [await checkRights({ database, schema }, { name, purpose: 'revert' })];
  } finally {
    await closeDatabase(database);
  }
}

/** Columns, constraints, indexes and rights of a source that is open. */
export async function checkSource(config: Config, source: Source): Promise<Check[]> {
  const purpose = config.repair ? 'write' : 'read';
  const way = { setting: 'SOURCE_DATABASE_URL', url: config.sourceUrl, database: source.database };
  return [
    ...(await alone('source', 'encryption', () => checkTransport('source', way))),
    checkColumns(source),
    ...(await alone('source', 'constraints', () => checkKeys(source))),
    ...(await alone('source', 'indexes', () => checkIndexes(source))),
    ...(await alone('source', 'rights', () => checkRights(source, { name: 'rights', purpose }))),
    ...(config.repair ? await alone('source', 'rights for revert', () => checkRevert(config, source)) : []),
    ...(await alone('source', 'rounds', () => checkRounds(config, source))),
  ];
}

async function checkRounds(config: Config, source: Source): Promise<Check> {
  const [newest] = await newestRounds(source.database, source.schema, 1);
  if (newest === undefined)
    return warning('rounds', 'there is not one round', 'nothing to do before one is played');
  return ok('rounds', `the newest is ${newest.id}, ${newest.date} ${newest.time} (${config.zone})`);
}

/** The file times of the newest rounds, unix seconds; those that cannot be read are left out. */
export async function newestPlayed(config: Config, source: Source): Promise<{ id: number; unix: number }[]> {
  const rounds = await newestRounds(source.database, source.schema, newestLooked);
  return rounds.flatMap((round) => {
    const instants = fileTime(round, config.zone)?.instants ?? [];
    return instants.length === 0 ? [] : [{ id: round.id, unix: Math.min(...instants) }];
  });
}

const newestLooked = 50;
