import assert from 'node:assert/strict';
import { it } from 'node:test';
import { closeDatabase, type Database, openDatabase } from '../../src/database.ts';
import { OperationError } from '../../src/errors.ts';
import { createSource, type SchemaVersion } from '../../src/source/create.ts';
import { inspectSource, referencesToCaptures } from '../../src/source/schema.ts';
import { type DatabaseKind, forEachDatabase, openTestDatabase } from '../databases.ts';

async function inSource(
  kind: DatabaseKind,
  version: SchemaVersion | null,
  work: (database: Database) => Promise<void>,
): Promise<void> {
  const test = await openTestDatabase(kind);
  try {
    const database = await openDatabase(test.url, { create: true });
    try {
      if (version !== null) await createSource(database, version);
      await work(database);
    } finally {
      await closeDatabase(database);
    }
  } finally {
    await test.close();
  }
}

/** What makes the source unusable, and what the message has to name. */
const broken: [string, readonly string[], RegExp][] = [
  ['rounds', ['drop table rounds'], /it lacks rounds\.id, .*rounds\.map_name$/],
  [
    'lua_round_teams',
    ['drop table lua_round_teams'],
    /it lacks lua_round_teams\.id, .*lua_round_teams\.round_id$/,
  ],
  ['one column', ['alter table rounds rename column round_time to played'], /it lacks rounds\.round_time$/],
  [
    'one column of each',
    [
      'alter table rounds rename column round_date to day',
      'alter table lua_round_teams rename column round_end_unix to ended',
    ],
    /it lacks rounds\.round_date, lua_round_teams\.round_end_unix$/,
  ],
];

const added = ['is_valid', 'round_canonical_id', 'map_play_seq'];

forEachDatabase('inspectSource()', (kind) => {
  for (const version of ['february', 'august'] as const) {
    it(`finds the columns that the schema of ${version} has, and no other`, () =>
      inSource(kind, version, async (database) => {
        const { columns } = await inspectSource(database);
        assert.deepEqual(
          added.map((column) => columns.rounds.has(column)),
          added.map(() => version === 'august'),
        );
        assert.equal(columns.rounds.size, version === 'august' ? 31 : 28);
        assert.equal(columns.captures.size, 26);
        assert.equal(columns.spawns?.size, 14);
        assert.deepEqual(await referencesToCaptures(database), []);
      }));
  }

  for (const [what, statements, message] of broken) {
    it(`says what an audit cannot do without where ${what} is missing`, () =>
      inSource(kind, 'august', async (database) => {
        for (const statement of statements) await database.knex.raw(statement);
        await assert.rejects(inspectSource(database), (thrown: unknown) => {
          assert.equal(thrown instanceof OperationError, true);
          assert.match((thrown as Error).message, /^source .* is not the audited system/);
          assert.match((thrown as Error).message, message);
          return true;
        });
      }));
  }

  it('says so of an empty database', () =>
    inSource(kind, null, async (database) => {
      await assert.rejects(inspectSource(database), OperationError);
    }));

  it('does without the table of spawn rows', () =>
    inSource(kind, 'august', async (database) => {
      await database.knex.raw('drop table lua_spawn_stats');
      assert.equal((await inspectSource(database)).columns.spawns, null);
    }));

  it('finds the foreign keys that point at captures, and no other', () =>
    inSource(kind, 'august', async (database) => {
      await database.knex.raw(
        `create table round_correlations (id integer primary key, round_id integer references rounds(id),
           r1_lua_id integer references lua_round_teams(id), r2_lua_id integer references lua_round_teams(id))`,
      );
      await database.knex.raw(
        `create table notes (match_id varchar(64), round_number integer,
           foreign key (match_id, round_number) references lua_round_teams (match_id, round_number))`,
      );
      const references = await referencesToCaptures(database);
      const pairs = references.map(({ table, column, target }) => `${table}.${column} -> ${target}`);
      for (const expected of ['round_correlations.r1_lua_id -> id', 'round_correlations.r2_lua_id -> id'])
        assert.equal(pairs.includes(expected), true, expected);
      assert.equal(pairs.includes('notes.match_id -> match_id'), true);
      assert.equal(
        pairs.some((pair) => pair.startsWith('round_correlations.round_id')),
        false,
      );
    }));
});
