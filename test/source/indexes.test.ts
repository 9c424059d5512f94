import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkIndexes, rowsThatMatter } from '../../jobs/doctor-indexes.ts';
import { closeDatabase, openDatabase } from '../../src/database.ts';
import { createSource } from '../../src/source/create.ts';
import { missingIndexes } from '../../src/source/indexes.ts';
import { inspectSource } from '../../src/source/schema.ts';
import { type DatabaseKind, forEachDatabase, openTestDatabase } from '../databases.ts';

/** A source as the pipeline makes it, to be changed. */
async function inSource(
  kind: DatabaseKind,
  work: (of: {
    run(...statements: string[]): Promise<void>;
    missing(): Promise<string[]>;
    check(): ReturnType<typeof checkIndexes>;
  }) => Promise<void>,
): Promise<void> {
  const place = await openTestDatabase(kind);
  const database = await openDatabase(place.url, { create: true });
  const source = async () => ({ database, schema: await inspectSource(database), name: 'test' });
  try {
    await createSource(database);
    await work({
      run: async (...statements) => {
        for (const statement of statements) await database.knex.raw(statement);
      },
      missing: async () =>
        (await missingIndexes(database, await inspectSource(database))).map(
          ({ table, columns }) => `${table} ${columns}`,
        ),
      check: async () => checkIndexes(await source()),
    });
  } finally {
    await closeDatabase(database);
    await place.close();
  }
}

const pipelineLacks = ['lua_round_teams round_start_unix', 'lua_spawn_stats round_end_unix'];
const byDate = 'rounds round_date';

/** Puts more rows into `rounds` than a table that nobody feels has. */
const fillRounds = (rows: number) =>
  `insert into rounds (match_id, round_number) with recursive n(n) as
     (select 1 union all select n + 1 from n where n < ${rows}) select 'm' || n, 1 from n`;

forEachDatabase('the indexes of a source', (kind) => {
  test('are seen: unique keys by their first column, and every plain index', async () =>
    inSource(kind, async ({ run, missing }) => {
      assert.deepEqual(await missing(), pipelineLacks);
      await run('create index a on lua_round_teams (round_start_unix, id)');
      await run('create index b on lua_spawn_stats (round_end_unix)');
      assert.deepEqual(await missing(), []);
    }));

  test('do not count where they are partial, on an expression, or begin with another column', async () =>
    inSource(kind, async ({ run, missing }) => {
      await run(
        'drop index rounds_date',
        `create index partial on rounds (round_date) where round_date > '2026'`,
        'create index expression on rounds (lower(round_date))',
        'create index behind on rounds (map_name, round_date)',
        'create index after_expression on rounds (lower(map_name), round_date)',
      );
      assert.deepEqual(await missing(), [byDate, ...pipelineLacks]);
      await run('create index whole on rounds (round_date, lower(map_name))');
      assert.deepEqual(await missing(), pipelineLacks);
    }));

  test('are proposed as SQL where the table is large enough to feel it, and what is proposed helps', async () =>
    inSource(kind, async ({ run, missing, check }) => {
      await run('drop index rounds_date', fillRounds(rowsThatMatter));
      assert.deepEqual(
        (await check()).map(({ state, name, mend }) => [state, name, mend]),
        [['ok', 'indexes', null]],
      );
      await run(`insert into rounds (match_id, round_number) values ('one more', 1)`);
      const [proposal, ...others] = await check();
      assert.deepEqual(others, []);
      assert.deepEqual([proposal!.state, proposal!.name], ['warning', 'index of rounds']);
      assert.match(proposal!.what, /rounds \(round_date\).*each audit and report/);
      const sql = /CREATE INDEX (CONCURRENTLY )?\S+ ON rounds \(round_date\);$/.exec(proposal!.mend!);
      assert.equal(sql?.[1], kind === 'sqlite' ? undefined : 'CONCURRENTLY ');
      await run(sql![0]);
      assert.deepEqual(await missing(), pipelineLacks);
      assert.equal((await check())[0]!.state, 'ok');
    }));
});
