import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeDatabase, type Database, openDatabase, rows } from '../src/database.ts';
import { keepingConnections } from '../src/database-kept.ts';
import { openTestDatabase, skipWithoutConnections, type TestDatabase } from './databases.ts';
import { openLine } from './torture/faults/cut.ts';

const pidOf = async (database: Database) =>
  (await rows<{ pid: number }>(database, 'select pg_backend_pid() as pid'))[0]!.pid;

describe('connections that are kept', { skip: skipWithoutConnections('postgres') }, () => {
  let made: TestDatabase;
  let watching: Database;
  before(async () => {
    made = await openTestDatabase('postgres');
    watching = await openDatabase(made.url);
    await watching.knex.raw('create table things (id integer)');
  });
  after(async () => {
    await closeDatabase(watching);
    await made.close();
  });

  /** Opens, has it used, and closes: which connection it was. */
  async function used(
    options: Parameters<typeof openDatabase>[1] = {},
    use: (database: Database) => Promise<unknown> = async () => undefined,
  ): Promise<number> {
    const database = await openDatabase(made.url, options);
    const pid = await pidOf(database);
    await use(database);
    await closeDatabase(database);
    return pid;
  }

  const isThere = async (pid: number) =>
    (await rows(watching, 'select 1 from pg_stat_activity where pid = ?', [pid])).length > 0;

  /** A server sees an end a moment later. */
  async function assertGone(pid: number): Promise<void> {
    for (const began = performance.now(); (await isThere(pid)) && performance.now() - began < 10_000; )
      await sleep(10);
    assert.equal(await isThere(pid), false);
  }

  test('are opened once, and closed in the end', async () => {
    const pids = await keepingConnections(async () => [await used(), await used(), await used()]);
    assert.equal(new Set(pids).size, 1);
    await assertGone(pids[0]!);
  });

  test('are not kept where nobody asks for it', async () => {
    const first = await used();
    await assertGone(first);
    assert.notEqual(await used(), first);
  });

  test('are closed where what used them fails', async () => {
    let pid = 0;
    const failing = keepingConnections(async () => {
      pid = await used();
      throw new Error('this work fails');
    });
    await assert.rejects(failing, /this work fails/);
    await assertGone(pid);
  });

  test('two that are in use at the same time are two, and both are kept', async () => {
    const two = async () => {
      const pids = new Set<number>();
      pids.add(await used({}, async () => pids.add(await used())));
      return pids;
    };
    await keepingConnections(async () => {
      const pids = await two();
      assert.equal(pids.size, 2);
      assert.deepEqual(await two(), pids);
    });
  });

  test('one that only reads is never lent to whoever writes, nor one of another schema', async () => {
    await keepingConnections(async () => {
      const reading = await used({ readOnly: true });
      const writing = await used({}, (database) => database.knex.raw('insert into things values (1)'));
      const inSchema = await used({ schema: 'elsewhere' });
      assert.equal(new Set([reading, writing, inSchema]).size, 3);
      const again = await used({ readOnly: true }, (database) =>
        assert.rejects(() => database.knex.raw('insert into things values (2)'), /read-only transaction/),
      );
      assert.equal(again, reading);
    });
  });

  test('one that the server has ended is opened anew', async () => {
    await keepingConnections(async () => {
      const ended = await used();
      await rows(watching, 'select pg_terminate_backend(?)', [ended]);
      await assertGone(ended);
      assert.notEqual(await used(), ended);
    });
  });

  test('one that was left in a transaction is lent to nobody, and what it wrote is not there', async () => {
    await keepingConnections(async () => {
      const left = await used({}, async ({ knex }) => {
        await knex.raw('begin');
        await knex.raw('insert into things values (77)');
      });
      const next = await used({}, async (database) => {
        assert.deepEqual(await rows(database, 'select id from things where id = 77'), []);
      });
      assert.notEqual(next, left);
      await assertGone(left);
    });
  });

  test('one that still works as it is closed is not kept', async () => {
    await keepingConnections(async () => {
      const database = await openDatabase(made.url);
      const pid = await pidOf(database);
      const working = rows(database, 'select pg_sleep(0.2)');
      await sleep(50);
      await closeDatabase(database);
      await working;
      assert.notEqual(await used(), pid);
    });
  });

  test('one that says nothing any more is given up within seconds', async () => {
    const line = await openLine(Number(new URL(made.url).port || 5432));
    const open = () => openDatabase(line.through(made.url));
    try {
      await keepingConnections(async () => {
        const first = await open();
        const pid = await pidOf(first);
        await closeDatabase(first);
        line.swallow();
        const second = await open();
        assert.notEqual(await pidOf(second), pid);
        await closeDatabase(second);
      });
    } finally {
      await line.close();
    }
  });

  test('one that is too old is closed, used or not', async () => {
    await keepingConnections(
      async () => {
        const unused = await used();
        await assertGone(unused);
        const old = await used({}, () => sleep(150));
        await assertGone(old);
      },
      { longestMs: 100 },
    );
  });
});

test('a file is opened each time: another one may stand in its place', async () => {
  const { url, close } = await openTestDatabase('sqlite');
  try {
    await keepingConnections(async () => {
      const first = await openDatabase(url, { create: true });
      await closeDatabase(first);
      const second = await openDatabase(url, { create: true });
      assert.notEqual(second.knex, first.knex);
      await closeDatabase(second);
    });
  } finally {
    await close();
  }
});
