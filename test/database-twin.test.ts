import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { closeDatabase, type Database, openDatabase, type Reader, rows } from '../src/database.ts';
import { shareOut, snapshotOfTwo } from '../src/database-twin.ts';
import { openTestDatabase, skipWithoutConnections, type TestDatabase } from './databases.ts';

const kind = 'postgres';

describe('A snapshot of two connections', { skip: skipWithoutConnections(kind) }, () => {
  let test: TestDatabase;
  let writing: Database;
  let reading: Database;

  before(async () => {
    test = await openTestDatabase(kind);
    writing = await openDatabase(test.url, { create: true });
    await rows(writing, 'create table played (id integer primary key, map text)');
    reading = await openDatabase(test.url, { readOnly: true });
  });

  after(async () => {
    for (const database of [reading, writing]) await closeDatabase(database);
    await test.close();
  });

  const play = (map: string) =>
    rows(writing, 'insert into played (id, map) select count(*) + 1, ? from played', [map]);
  const count = async (reader: Reader) =>
    Number((await reader.rows<{ count: number }>('select count(*) as count from played'))[0]!.count);
  const own = (inside: Database): Reader => ({
    dialect: inside.dialect,
    rows: (sql, bindings) => rows(inside, sql, bindings),
  });

  it('sees one moment on both, whoever writes meanwhile', async () => {
    await play('supply');
    const seen = await snapshotOfTwo(reading, async (inside) => {
      assert.ok(inside.twin, 'there is a twin');
      const first = await count(own(inside));
      await play('te_escape2');
      return [first, await count(inside.twin), await count(own(inside))];
    });
    assert.deepEqual(seen, [seen[0], seen[0], seen[0]]);
    await snapshotOfTwo(reading, async (inside) => {
      assert.deepEqual([await count(inside.twin!), await count(own(inside))], [seen[0]! + 1, seen[0]! + 1]);
    });
  });

  it('takes values, and tells what is wrong with a question', async () => {
    await play('braundorf');
    await snapshotOfTwo(reading, async (inside) => {
      const found = await inside.twin!.rows<{ map: string }>('select map from played where map = ?', [
        'braundorf',
      ]);
      assert.deepEqual(
        found.map(({ map }) => map),
        ['braundorf'],
      );
      await assert.rejects(inside.twin!.rows('select map from nowhere'), /nowhere/);
    });
  });

  it('writes on neither', async () => {
    await snapshotOfTwo(reading, async (inside) => {
      await assert.rejects(inside.twin!.rows(`delete from played`), /read-?only/);
    });
    assert.ok((await count(own(writing))) > 0);
  });

  it('gives the work back, and throws what it throws', async () => {
    const thrown = new Error('the work went wrong');
    await assert.rejects(
      snapshotOfTwo(reading, async () => Promise.reject(thrown)),
      (got) => got === thrown,
    );
    assert.equal(await snapshotOfTwo(reading, async () => 'done'), 'done');
  });

  it('does without a twin where a second connection is not to be had', async () => {
    const alone = { ...reading, another: async () => Promise.reject(new Error('too many clients')) };
    const seen = await snapshotOfTwo(
      alone,
      async (inside) => [inside.twin, await count(own(inside))] as const,
    );
    assert.equal(seen[0], undefined);
    assert.ok(seen[1] > 0);
  });

  it('begins anew without a twin whose moment cannot be taken over: it is in another database', async () => {
    const other = await openTestDatabase(kind);
    const misled = { ...reading, another: () => openDatabase(other.url, { readOnly: true }) };
    const seen = await snapshotOfTwo(
      misled,
      async (inside) => [inside.twin, await count(own(inside))] as const,
    );
    assert.equal(seen[0], undefined);
    assert.ok(seen[1] > 0);
    await other.close();
  });

  it('shares work out between both, each piece once', async () => {
    await snapshotOfTwo(reading, async (inside) => {
      const by: (string | undefined)[] = [];
      const pieces = Array.from({ length: 40 }, (_, at) => async (reader: Reader) => {
        await count(reader);
        assert.equal(by[at], undefined, `piece ${at} is done once`);
        by[at] = reader === inside.twin ? 'twin' : 'own';
      });
      await shareOut(inside, pieces);
      assert.equal(by.length, 40);
      assert.deepEqual([...new Set(by)].sort(), ['own', 'twin']);
    });
  });

  it('does what the twin fails with by itself', async () => {
    await snapshotOfTwo(reading, async (inside) => {
      const broken: Reader = {
        dialect: inside.dialect,
        rows: async () => Promise.reject(new Error('gone')),
      };
      const done: number[] = [];
      const pieces = Array.from({ length: 10 }, (_, at) => async (reader: Reader) => {
        await count(reader);
        done.push(at);
      });
      await shareOut({ ...inside, twin: broken }, pieces);
      assert.deepEqual(
        done.sort((a, b) => a - b),
        [...Array(10).keys()],
      );
    });
  });

  it('throws what the first connection fails with', async () => {
    await snapshotOfTwo(reading, async (inside) => {
      const piece = async (reader: Reader) => void (await reader.rows('select map from nowhere'));
      await assert.rejects(shareOut(inside, [piece]), /nowhere/);
    }).catch((thrown) => assert.match(String(thrown), /aborted|nowhere/));
  });
});
