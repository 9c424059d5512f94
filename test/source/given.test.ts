import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeDatabase, openDatabase, readerOf, snapshot } from '../../src/database.ts';
import { givenTable } from '../../src/source/given.ts';
import { forEachDatabase, openTestDatabase } from '../databases.ts';

forEachDatabase('Given rows', (kind) => {
  test('are a table with exactly their values, joined or looked up', async (t) => {
    const place = await openTestDatabase(kind);
    const database = await openDatabase(place.url, { create: true });
    t.after(async () => {
      await closeDatabase(database);
      await place.close();
    });
    const texts = ['2026-02-14', '', 'null', 'NULL', '"', '\\', '{a,b}', "it's", ' ', '?', 'ä'];
    const numbers = texts.map((_, at) => at - 3);
    await snapshot(database, async (inside) => {
      const reader = readerOf(inside);
      const { table, lookup, bindings } = await givenTable(reader, {
        name: 'given_texts',
        columns: { name: { type: 'text', values: texts }, number: { type: 'bigint', values: numbers } },
        key: 'name',
      });
      const expected = texts.map((name, at) => ({ name, number: numbers[at]! }));
      for (const from of [table, lookup])
        assert.deepEqual(
          await reader.rows(`select name, number from ${from} order by number`, bindings),
          expected,
        );
    });
  });
});
