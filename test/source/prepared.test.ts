import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { closeDatabase, type Database, openDatabase, transact } from '../../src/database.ts';
import { withPrepared } from '../../src/database-prepared.ts';

describe('withPrepared()', () => {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-prepared-'));
  let database: Database;

  before(async () => {
    database = await openDatabase(`sqlite:${join(directory, 'one.sqlite')}`, { create: true });
  });
  after(async () => {
    await closeDatabase(database);
    rmSync(directory, { recursive: true, force: true });
  });

  const all = (sql: string, ...bound: unknown[]) => withPrepared(database, sql, (one) => one.all(bound));
  const insert = (value: unknown) =>
    withPrepared(database, 'insert into shelf (name) values (?)', ({ run }) => run([value]));
  const names = () => all('select name from shelf order by rowid');

  test('runs the same statement again, whatever became of its table meanwhile', async () => {
    await database.knex.raw('create table shelf (name text)');
    assert.equal(await insert('one'), 1);
    assert.deepEqual(await names(), [['one']]);
    await database.knex.raw('alter table shelf add column size integer');
    assert.equal(await insert('two'), 1);
    assert.deepEqual(await names(), [['one'], ['two']]);
    await database.knex.raw('drop table shelf');
    await assert.rejects(names(), /no such table: shelf/);
    await database.knex.raw('create table shelf (size integer, name text unique)');
    assert.equal(await insert('three'), 1);
    assert.deepEqual(await names(), [['three']]);
  });

  test('runs it again after it was refused, and sees what was rolled back', async () => {
    await assert.rejects(insert('three'), /UNIQUE constraint failed/);
    const failing = transact(database, async () => {
      await insert('four');
      assert.deepEqual(await names(), [['three'], ['four']]);
      throw new Error('not this time');
    });
    await assert.rejects(failing, /not this time/);
    assert.deepEqual(await names(), [['three']]);
    assert.equal(await insert('five'), 1);
  });

  test('runs more statements than it keeps', async () => {
    for (let turn = 0; turn < 2; turn++)
      for (let at = 0; at < 200; at++) assert.deepEqual(await all(`select ${at}, ?`, turn), [[at, turn]]);
    assert.deepEqual(await names(), [['three'], ['five']]);
  });
});
