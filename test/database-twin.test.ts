import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, renameSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { closeDatabase, type Database, openDatabase, type Reader, readerOf, rows } from '../src/database.ts';
import { snapshotOfTwoThreads } from '../src/database-thread.ts';
import { shareOut, snapshotOfTwo } from '../src/database-twin.ts';
import {
  type DatabaseKind,
  openTestDatabase,
  skipWithoutConnections,
  type TestDatabase,
} from './databases.ts';

const kind = 'postgres';

/** A database that one connection writes, and another one reads; it is there while a suite runs. */
function twoConnections(of: DatabaseKind) {
  const world = {} as { test: TestDatabase; writing: Database; reading: Database };
  before(async () => {
    world.test = await openTestDatabase(of);
    world.writing = await openDatabase(world.test.url, { create: true });
    await rows(world.writing, 'create table played (id integer primary key, map text)');
    world.reading = await openDatabase(world.test.url, { readOnly: true });
  });
  after(async () => {
    for (const database of [world.reading, world.writing]) await closeDatabase(database);
    await world.test.close();
  });
  return world;
}

const playIn = (writing: Database, map: string) =>
  rows(writing, 'insert into played (id, map) select count(*) + 1, ? from played', [map]);
const asItIs = async (reader: Reader) => reader;
const count = async (reader: Reader) =>
  Number((await reader.rows<{ count: number }>('select count(*) as count from played'))[0]!.count);

function itSeesOneMoment(world: ReturnType<typeof twoConnections>) {
  it('sees one moment on both, whoever writes meanwhile', async () => {
    await playIn(world.writing, 'supply');
    const seen = await snapshotOfTwo(world.reading, async (inside) => {
      assert.ok(inside.twin, 'there is a twin');
      const first = await count(readerOf(inside));
      await playIn(world.writing, 'te_escape2');
      return [first, await count(inside.twin), await count(readerOf(inside))];
    });
    assert.deepEqual(seen, [seen[0], seen[0], seen[0]]);
    await snapshotOfTwo(world.reading, async (inside) => {
      assert.deepEqual(
        [await count(inside.twin!), await count(readerOf(inside))],
        [seen[0]! + 1, seen[0]! + 1],
      );
    });
  });
}

describe('A snapshot of two connections', { skip: skipWithoutConnections(kind) }, () => {
  const world = twoConnections(kind);
  const play = (map: string) => playIn(world.writing, map);
  itSeesOneMoment(world);

  it('takes values, and tells what is wrong with a question', async () => {
    await play('braundorf');
    await snapshotOfTwo(world.reading, async (inside) => {
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
    await snapshotOfTwo(world.reading, async (inside) => {
      await assert.rejects(inside.twin!.rows(`delete from played`), /read-?only/);
    });
    assert.ok((await count(readerOf(world.writing))) > 0);
  });

  it('gives the work back, and throws what it throws', async () => {
    const thrown = new Error('the work went wrong');
    await assert.rejects(
      snapshotOfTwo(world.reading, async () => Promise.reject(thrown)),
      (got) => got === thrown,
    );
    assert.equal(await snapshotOfTwo(world.reading, async () => 'done'), 'done');
  });

  it('does without a twin where a second connection is not to be had', async () => {
    const alone = { ...world.reading, another: async () => Promise.reject(new Error('too many clients')) };
    const seen = await snapshotOfTwo(
      alone,
      async (inside) => [inside.twin, await count(readerOf(inside))] as const,
    );
    assert.equal(seen[0], undefined);
    assert.ok(seen[1] > 0);
  });

  it('begins anew without a twin whose moment cannot be taken over: it is in another database', async () => {
    const other = await openTestDatabase(kind);
    const misled = { ...world.reading, another: () => openDatabase(other.url, { readOnly: true }) };
    const seen = await snapshotOfTwo(
      misled,
      async (inside) => [inside.twin, await count(readerOf(inside))] as const,
    );
    assert.equal(seen[0], undefined);
    assert.ok(seen[1] > 0);
    await other.close();
  });

  it('does without a twin where moments cannot be exported, and leaves no connection behind', async () => {
    const role = `nobody_${randomBytes(4).toString('hex')}`;
    await rows(world.writing, `create role ${role} login`);
    await rows(world.writing, `grant select on played to ${role}`);
    await rows(world.writing, 'revoke execute on function pg_export_snapshot() from public');
    const url = new URL(world.test.url);
    url.username = role;
    const restricted = await openDatabase(url.href, { readOnly: true });
    try {
      const seen = await snapshotOfTwo(restricted, async (inside) => [
        inside.twin,
        await count(readerOf(inside)),
      ]);
      assert.equal(seen[0], undefined);
      const own = () => rows(world.writing, 'select 1 from pg_stat_activity where usename = ?', [role]);
      // A process of the server ends a moment after its connection.
      for (let tries = 0; tries < 100 && (await own()).length > 1; tries++) await sleep(50);
      assert.equal((await own()).length, 1);
    } finally {
      await closeDatabase(restricted);
      await rows(world.writing, `drop owned by ${role}`);
      await rows(world.writing, `drop role ${role}`);
    }
  });

  it('shares work out between both, each piece once', async () => {
    await snapshotOfTwo(world.reading, async (inside) => {
      const by: (string | undefined)[] = [];
      const pieces = Array.from({ length: 40 }, (_, at) => async (reader: Reader) => {
        await count(reader);
        assert.equal(by[at], undefined, `piece ${at} is done once`);
        by[at] = reader === inside.twin ? 'twin' : 'own';
      });
      await shareOut(inside, { prepare: asItIs, work: pieces });
      assert.equal(by.length, 40);
      assert.deepEqual([...new Set(by)].sort(), ['own', 'twin']);
    });
  });

  it('does what the twin fails with by itself', async () => {
    await snapshotOfTwo(world.reading, async (inside) => {
      const broken: Reader = {
        dialect: inside.dialect,
        rows: async () => Promise.reject(new Error('gone')),
      };
      const done: number[] = [];
      const pieces = Array.from({ length: 10 }, (_, at) => async (reader: Reader) => {
        await count(reader);
        done.push(at);
      });
      await shareOut({ ...inside, twin: broken }, { prepare: asItIs, work: pieces });
      assert.deepEqual(
        done.sort((a, b) => a - b),
        [...Array(10).keys()],
      );
    });
  });

  it('throws what the first connection fails with, and lets the twin begin nothing more', async () => {
    const begun: Reader[] = [];
    const pieces = Array.from({ length: 40 }, () => async (reader: Reader) => {
      begun.push(reader);
      if (reader.rows !== twinRows) await reader.rows('select map from nowhere');
      await count(reader);
    });
    let twinRows: Reader['rows'] | undefined;
    await assert.rejects(
      snapshotOfTwo(world.reading, async (inside) => {
        twinRows = inside.twin!.rows;
        await shareOut(inside, { prepare: asItIs, work: pieces });
      }),
      /nowhere/,
    );
    const then = begun.length;
    assert.ok(then < 40, `${then} pieces were begun`);
    await setImmediate();
    assert.equal(begun.length, then);
  });

  it('is not replaced by another connection when it is lost: its work is done by the first one', async () => {
    await snapshotOfTwo(world.reading, async (inside) => {
      const before = await count(readerOf(inside));
      const [found] = await inside.twin!.rows<{ pid: number }>('select pg_backend_pid() as pid');
      await play('adlernest');
      await rows(world.writing, 'select pg_terminate_backend(?)', [found!.pid]);
      await assert.rejects(inside.twin!.rows('select 1'));
      await assert.rejects(inside.twin!.rows('select 1'));
      const counts: number[] = [];
      const pieces = Array.from({ length: 10 }, (_, at) => async (reader: Reader) => {
        counts[at] = await count(reader);
      });
      await shareOut(inside, { prepare: asItIs, work: pieces });
      assert.deepEqual(counts, Array(10).fill(before));
    });
  });
});

describe('A snapshot of two threads', () => {
  const world = twoConnections('sqlite');
  const play = (map: string) => playIn(world.writing, map);

  /** The same database, in which somebody plays before, or after, one of its statements. */
  function meanwhile(when: 'before' | 'after', statement: string): Database {
    const raw = async (sql: string, ...more: unknown[]) => {
      if (sql === statement && when === 'before') await play('supply');
      const found = await (world.reading.knex.raw as (...all: unknown[]) => Promise<unknown>)(sql, ...more);
      if (sql === statement && when === 'after') await play('supply');
      return found;
    };
    return {
      ...world.reading,
      knex: new Proxy(world.reading.knex, {
        get: (knex, name) => (name === 'raw' ? raw : Reflect.get(knex, name)),
      }),
    };
  }

  itSeesOneMoment(world);

  for (const [when, statement] of [
    ['before', 'begin'],
    ['after', 'begin'],
    ['after', 'select 1 from sqlite_master'],
  ] as const)
    it(`has no twin where somebody writes ${when} \`${statement}\`, and both could differ`, async () => {
      const seen = await snapshotOfTwo(meanwhile(when, statement), async (inside) => inside.twin);
      assert.equal(seen, undefined);
    });

  it('takes values, makes tables of its own, and tells what is wrong with a question', async () => {
    await snapshotOfTwo(world.reading, async (inside) => {
      const twin = inside.twin!;
      await twin.rows('create temp table own (map text)');
      await twin.rows('insert into temp.own values (?)', ['braundorf']);
      assert.deepEqual(await twin.rows('select map from own where map = ?', ['braundorf']), [
        { map: 'braundorf' },
      ]);
      await assert.rejects(twin.rows('select map from nowhere'), /no such table: nowhere/);
      await assert.rejects(twin.rows('delete from played'), /readonly/);
    });
  });

  it('does what a thread that ends has begun by itself', async () => {
    await snapshotOfTwo(world.reading, async (inside) => {
      const before = await count(readerOf(inside));
      // More than the thread has memory for.
      const tooMuch =
        'with recursive n (n) as (select 1 union all select n + 1 from n where n < 1000000) select n, n as more from n';
      await assert.rejects(inside.twin!.rows(tooMuch));
      await assert.rejects(inside.twin!.rows('select 1'));
      const counts: number[] = [];
      const pieces = Array.from({ length: 10 }, (_, at) => async (reader: Reader) => {
        counts[at] = await count(reader);
      });
      await shareOut(inside, { prepare: asItIs, work: pieces });
      assert.deepEqual(counts, Array(10).fill(before));
    });
  });

  it('gives the work back, throws what it throws, and leaves no thread behind', async () => {
    const thrown = new Error('the work went wrong');
    await assert.rejects(
      snapshotOfTwo(world.reading, async () => Promise.reject(thrown)),
      (got) => got === thrown,
    );
    let twin: Reader | undefined;
    assert.equal(
      await snapshotOfTwo(world.reading, async (inside) => {
        twin = inside.twin;
        return 'done';
      }),
      'done',
    );
    await assert.rejects(twin!.rows('select 1'), /has ended/);
  });

  it('does without a twin where its file cannot be opened a second time', async () => {
    const moved = {
      ...world.reading,
      file: { ...world.reading.file!, path: `${world.reading.file!.path}.gone` },
    };
    assert.equal(await snapshotOfTwo(moved, async (inside) => inside.twin), undefined);
  });

  it('does without a twin where another file has taken the place of the first one', async () => {
    const other = await openTestDatabase('sqlite');
    const database = await openDatabase(other.url, { create: true });
    await rows(database, 'create table played (id integer primary key, map text)');
    const { path } = database.file!;
    copyFileSync(path, `${path}.new`);
    renameSync(`${path}.new`, path);
    assert.equal(await snapshotOfTwo(database, async (inside) => inside.twin), undefined);
    await closeDatabase(database);
    await other.close();
  });

  it('does without a twin where no thread can be started', async () => {
    const start = () => {
      throw new Error('no more threads');
    };
    const seen = await snapshotOfTwoThreads(
      world.reading,
      async (inside) => [inside.twin, await count(readerOf(inside))],
      start,
    );
    assert.deepEqual(seen, [undefined, await count(readerOf(world.writing))]);
  });
});

for (const mode of ['wal', 'delete'])
  describe(`A snapshot of two threads leaves nothing locked (${mode})`, () => {
    it('and sees one moment', async () => {
      const test = await openTestDatabase('sqlite');
      const writing = await openDatabase(test.url, { create: true });
      await rows(writing, `pragma journal_mode = ${mode}`);
      await rows(writing, 'create table played (id integer primary key)');
      const reading = await openDatabase(test.url, { readOnly: true });
      const tooMuch =
        'with recursive n (n) as (select 1 union all select n + 1 from n where n < 1000000) select n from n';
      for (const ends of [true, false]) {
        await snapshotOfTwo(reading, async (inside) => {
          assert.deepEqual(
            await inside.twin!.rows('select count(*) as count from played'),
            await rows(inside, 'select count(*) as count from played'),
          );
          if (!ends) await assert.rejects(inside.twin!.rows(tooMuch));
        });
        await rows(writing, 'insert into played default values');
        const [checked] = await rows<{ busy: number }>(writing, 'pragma wal_checkpoint(truncate)');
        assert.equal(checked!.busy, 0);
      }
      for (const database of [reading, writing]) await closeDatabase(database);
      await test.close();
    });
  });
