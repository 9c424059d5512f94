import { resolve } from 'node:path';
import type { Knex } from 'knex';
import type pg from 'pg';

/* How the drivers of both databases are told to connect, and what they make of values. */

const int8 = 20;
const timestampWithoutZone = 1114;
const timestampWithZone = 1184;
const date = 1082;

/** bigint as number where it is exact, zone-less times as the text they are, instants as ISO 8601 in UTC. */
const typesOf = (types: typeof pg.types) => ({
  getTypeParser(oid: number, format?: string) {
    if (oid === int8) return (text: string) => (Number.isSafeInteger(Number(text)) ? Number(text) : text);
    if (oid === timestampWithoutZone || oid === date) return (text: string) => text;
    if (oid === timestampWithZone) {
      const parse = types.getTypeParser(timestampWithZone, 'text') as (text: string) => Date;
      return (text: string) => parse(text).toISOString();
    }
    return types.getTypeParser(oid, format as 'text');
  },
});

/** knex says on standard output what it then throws; there it would stand inside a `--json` document. */
const silent = () => undefined;
const log = { debug: silent, warn: silent, error: silent, deprecate: silent };

/**
 * How long a server may keep silent: that long until it lets us in; and one that is gone without a word (a cable, a
 * suspended host) is noticed by the operating system, which waits for it forever otherwise.
 */
const patience = { connectionTimeoutMillis: 10_000, keepAlive: true, keepAliveInitialDelayMillis: 30_000 };

/** Connections to a PostgreSQL for a library that has its own statements; to be ended by who asked for them. */
export async function openPool(url: string, max: number): Promise<pg.Pool> {
  const { Pool } = (await import('pg')).default;
  const pool = new Pool({ connectionString: url, max, ...patience });
  // One that is lost while it is idle is opened anew.
  pool.on('error', () => undefined);
  return pool;
}

/**
 * What knex is told of a database, `path` being its file on SQLite. The driver of PostgreSQL is loaded for PostgreSQL
 * alone: most runs are on SQLite, and short.
 */
export async function knexConfiguration(
  url: string,
  path: string | null,
  options: { schema?: string; readOnly: boolean },
): Promise<Knex.Config> {
  if (path !== null) {
    return {
      log,
      client: 'better-sqlite3',
      connection: { filename: resolve(path), options: { readonly: options.readOnly } },
      useNullAsDefault: true,
    };
  }
  const { types } = (await import('pg')).default;
  return {
    log,
    client: 'pg',
    // Said here, it is not asked of each connection; knex looks at it for nothing but columns of JSON in a new table.
    version: '12',
    connection: {
      connectionString: url,
      ...patience,
      application_name: 'roundwarden',
      types: typesOf(types),
    },
    searchPath: options.schema ? [options.schema] : undefined,
    // One connection: the program is sequential, and an outer handle used inside a transaction shows at once.
    pool: { min: 0, max: 1, afterCreate: options.readOnly ? refuseWrites : undefined },
    acquireConnectionTimeout: 15_000,
  };
}

/** By a statement, because poolers and embedded servers ignore or refuse settings in the startup packet. */
function refuseWrites(client: pg.Client, done: (error: Error | null) => void): void {
  client.query('set default_transaction_read_only = on', (error) => done(error));
}
