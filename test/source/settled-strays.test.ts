import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { clearSpans, uniformDays } from '../../src/core/time.ts';
import { closeDatabase, openDatabase, snapshot } from '../../src/database.ts';
import { createSource, fillSource } from '../../src/source/create.ts';
import { existing } from '../../src/source/query.ts';
import { readStrayCaptures } from '../../src/source/read-captures.ts';
import { captureColumns, roundColumns } from '../../src/source/rows.ts';
import { inspectSource } from '../../src/source/schema.ts';
import { readSettled } from '../../src/source/settled.ts';
import { forEachDatabase, openTestDatabase } from '../databases.ts';

const zone = 'Europe/Ljubljana';
const [captureSince, lastDay] = ['2026-01-24', '2026-02-20'];
const rules = {
  days: uniformDays(captureSince, lastDay, zone),
  spans: clearSpans(captureSince, lastDay, zone),
  exemptBefore: captureSince,
  captureSince,
};

const ids = [10, 11, 12, 13, 14, 15, 16, 17];
const row = fc.record({
  round_number: fc.constantFrom(0, 1, 2, 3),
  round_date: fc.constantFrom('2026-01-10', '2026-02-14', null),
});
/** Some rows of the ids, and links to them, to ids between them, and to ids beyond. */
const sources = fc.record({
  rows: fc.dictionary(fc.constantFrom(...ids.map(String)), row),
  links: fc.uniqueArray(fc.constantFrom(5, ...ids, 30), { maxLength: 4 }),
  unlinked: fc.boolean(),
});

forEachDatabase('captures that are linked to no round', (kind) => {
  test('are noticed while a history is looked through, wherever their link leads (property)', async () => {
    const place = await openTestDatabase(kind);
    const database = await openDatabase(place.url, { create: true });
    try {
      await createSource(database);
      const schema = await inspectSource(database);
      await fc.assert(
        fc.asyncProperty(sources, async ({ rows, links, unlinked }) => {
          await database.knex('lua_round_teams').delete();
          await database.knex('rounds').delete();
          await fillSource(database, {
            rounds: Object.entries(rows).map(([id, more]) => ({ id: Number(id), match_id: id, ...more })),
            captures: [...links, ...(unlinked ? [null] : [])].map((roundId, at) => ({
              ...{ match_id: `m${at}`, round_number: 1, round_id: roundId },
            })),
          });
          const settled = await snapshot(database, (inside) =>
            readSettled(inside, schema, { rules, pass: 3, onPass: () => undefined }),
          );
          const strays = await readStrayCaptures(database, schema);
          assert.equal(settled.hasStrays, strays.length > 0);
          assert.equal(settled.rows, Object.keys(rows).length);
        }),
        { numRuns: 150, verbose: 1 },
      );
    } finally {
      await closeDatabase(database);
      await place.close();
    }
  });
});

test('A history is looked through by a role that may see no more columns than an audit reads (postgres)', async () => {
  const place = await openTestDatabase('postgres');
  const database = await openDatabase(place.url, { create: true });
  const role = `reader_${randomBytes(4).toString('hex')}`;
  const { knex } = database;
  try {
    await createSource(database);
    await fillSource(database, { rounds: [{ id: 1, match_id: 'm', round_number: 0 }] });
    const schema = await inspectSource(database);
    await knex.raw(`create role ${role}`);
    const [{ schema: own }] = (await knex.raw(`select current_schema() as schema`)).rows;
    await knex.raw(`grant usage on schema ${own} to ${role}`);
    await knex.raw(`grant select (${existing(roundColumns, schema.columns.rounds)}) on rounds to ${role}`);
    await knex.raw(
      `grant select (${existing(captureColumns, schema.columns.captures)}) on lua_round_teams to ${role}`,
    );
    await knex.raw(`set role ${role}`);
    await assert.rejects(knex.raw('select * from rounds'), /permission denied/);
    const settled = await snapshot(database, (inside) =>
      readSettled(inside, schema, { rules, onPass: () => undefined }),
    );
    assert.equal(settled.rows, 1);
    await knex.raw('reset role');
    await knex.raw(`drop owned by ${role}`);
    await knex.raw(`drop role ${role}`);
  } finally {
    await closeDatabase(database);
    await place.close();
  }
});
