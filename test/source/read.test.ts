import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Row } from '../../src/core/model.ts';
import { closeDatabase, openDatabase } from '../../src/database.ts';
import { createSource, fillSource } from '../../src/source/create.ts';
import { readWindow } from '../../src/source/read.ts';
import { inspectSource } from '../../src/source/schema.ts';
import { forEachDatabase, openTestDatabase } from '../databases.ts';

const row = (id: number, round_date: string | null, round_time: string | null): Row => ({
  id,
  match_id: `match ${id}`,
  round_number: 1,
  round_date,
  round_time,
  map_name: 'supply',
});

/** Dates and times outside the window of March 2026, and whether they belong to it all the same. */
const outside: [string | null, string | null, boolean][] = [
  ['2026-02-28', '235959', false],
  ['2026-04-01', '000000', false],
  ['2028-02-29', '120000', false],
  ['2027-02-29', '120000', true],
  ['2100-02-29', '120000', true],
  ['2026-04-31', '120000', true],
  ['2026-06-31', '120000', true],
  ['2026-00-10', '120000', true],
  ['2026-13-01', '120000', true],
  ['2026-01-00', '120000', true],
  ['2026-01-32', '120000', true],
  ['1970-01-01', '120000', true],
  ['9999-12-31', '120000', true],
  ['0000-01-01', '120000', true],
  ['2026-1-5', '120000', true],
  ['2026-01-05 ', '120000', true],
  ['2026-01-05', '12:00:00', false],
  ['2026-01-05', '24:00:00', true],
  ['2026-01-05', '240000', true],
  ['2026-01-05', '126000', true],
  ['2026-01-05', '120060', true],
  ['2026-01-05', '1200', true],
  ['2026-01-05', '12:0000', true],
  ['2026-01-05', '1200:00', true],
  ['2026-01-05', '120000\n', true],
  ['2026-01-05\n', '120000', true],
  ['2026-01-05', '12٠٠00', true],
  ['2٠26-01-05', '120000', true],
  ['2026-01-05', ' 120000', true],
  ['2026-01-05', '', true],
  ['', '120000', true],
  ['2026-01-05', null, true],
  [null, '120000', true],
  [null, null, true],
];

forEachDatabase('readWindow()', (kind) => {
  it('gives the rows of its days, and every row whose date or time cannot be read', async () => {
    const test = await openTestDatabase(kind);
    const database = await openDatabase(test.url, { create: true });
    try {
      await createSource(database);
      const inside = [
        row(1, '2026-03-01', '000000'),
        row(2, '2026-03-31', '23:59:59'),
        row(3, '2026-03-15', '9'),
      ];
      await fillSource(database, {
        rounds: [...inside, ...outside.map(([date, time], at) => row(100 + at, date, time))],
      });
      const schema = await inspectSource(database);
      const days = { since: '2026-03-01', until: '2026-03-31' };
      const found = (await readWindow(database, schema, days)).map(({ id }) => id);
      const expected = outside.flatMap(([, , belongs], at) => (belongs ? [100 + at] : []));
      assert.deepEqual(found, [1, 2, 3, ...expected]);
      const all = await readWindow(database, schema, { since: null, until: null });
      assert.equal(all.length, inside.length + outside.length);
      const fromApril = await readWindow(database, schema, { since: '2026-04-01', until: null });
      assert.deepEqual(
        fromApril.filter(({ id }) => id < 103).map(({ id }) => id),
        [3, 101, 102],
      );
    } finally {
      await closeDatabase(database);
      await test.close();
    }
  });

  it('looks for those that cannot be read among the newest 2,000 ids, and the known ones, where it is not to look at all', async () => {
    const test = await openTestDatabase(kind);
    const database = await openDatabase(test.url, { create: true });
    try {
      await createSource(database);
      const spoiled = [1, 2, 3, 1000].map((id) => row(id, '2026-01-05', null));
      await fillSource(database, { rounds: [...spoiled, row(2002, '2026-03-10', '120000')] });
      const schema = await inspectSource(database);
      const days = { since: '2026-03-01', until: '2026-03-31' };
      const found = async (unreadable: Parameters<typeof readWindow>[3]) =>
        (await readWindow(database, schema, days, unreadable)).map(({ id }) => id);
      assert.deepEqual(await found('everywhere'), [1, 2, 3, 1000, 2002]);
      assert.deepEqual(await found({ knownIds: [] }), [3, 1000, 2002]);
      assert.deepEqual(await found({ knownIds: [1, 77] }), [1, 3, 1000, 2002]);
    } finally {
      await closeDatabase(database);
      await test.close();
    }
  });
});
