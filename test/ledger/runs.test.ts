import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { closeDeadRuns, finishRun, lastRuns, startRun } from '../../src/ledger/runs.ts';
import { forEachDatabase } from '../databases.ts';
import { freshLedger } from './ledgers.ts';

const us = { host: 'a', pid: process.pid, table: 'a table', started: '5' };
const started = { command: 'audit', process: us, fence: 3 };
const recorded = { command: 'audit', host: 'a', pid: process.pid };
const minute = (number: number) => `2026-02-14T20:0${number}:00.000Z`;

forEachDatabase('runs', (kind) => {
  test('are recorded with how they ended, the last first', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await startRun(database, { ...started, id: 'r1', startedAt: minute(1) });
    await startRun(database, { ...started, id: 'r2', startedAt: minute(2) });
    await startRun(database, { ...started, id: 'r3', command: 'report', startedAt: minute(3) });
    await finishRun(database, 'r1', { state: 'finished', exitCode: 3, summary: { open: 2 }, at: minute(2) });
    await finishRun(database, 'r2', { state: 'failed', exitCode: 1, error: 'no disk', at: minute(4) });
    assert.deepEqual(await lastRuns(database, { command: 'audit', limit: 5 }), [
      {
        ...recorded,
        id: 'r2',
        startedAt: minute(2),
        finishedAt: minute(4),
        state: 'failed',
        exitCode: 1,
        summary: null,
        error: 'no disk',
      },
      {
        ...recorded,
        id: 'r1',
        startedAt: minute(1),
        finishedAt: minute(2),
        state: 'finished',
        exitCode: 3,
        summary: { open: 2 },
        error: null,
      },
    ]);
    const ids = async (filter: object) =>
      (await lastRuns(database, { limit: 5, ...filter })).map(({ id }) => id);
    assert.deepEqual(await ids({}), ['r3', 'r2', 'r1']);
    assert.deepEqual(await ids({ limit: 1 }), ['r3']);
    assert.deepEqual(await ids({ state: 'finished' }), ['r1']);
  });

  test('of processes that are gone, and those that were taken over, are marked failed', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const cases = [
      { id: 'dead', pid: dead },
      { id: 'dead elsewhere', pid: dead, host: 'b' },
      { id: 'dead in a container', pid: dead, table: 'another table' },
      { id: 'stuck elsewhere', pid: dead, host: 'b', fence: 2 },
      { id: 'stuck in a container', pid: dead, table: 'another table', fence: 2 },
      { id: 'alive', pid: process.ppid, started: undefined },
      { id: 'this one', pid: process.pid },
      { id: 'an earlier process with our number', pid: process.pid },
      { id: 'done', pid: dead },
    ];
    for (const { id, fence = 3, ...process } of cases)
      await startRun(database, {
        ...started,
        id,
        fence,
        process: { ...us, ...process },
        startedAt: minute(1),
      });
    await finishRun(database, 'done', { state: 'finished', exitCode: 0, at: minute(2) });
    const closed = await closeDeadRuns(database, { ...started, id: 'this one' }, minute(3));
    const failed = await lastRuns(database, { state: 'failed', limit: 9 });
    assert.deepEqual(failed.map(({ id }) => id).sort(), closed.sort());
    for (const { finishedAt, exitCode } of failed)
      assert.deepEqual([finishedAt, exitCode], [minute(3), null]);
    const ended = 'the process ended without finishing';
    const taken = 'run this one took over: the lease of this one ended before it was prolonged';
    assert.deepEqual(Object.fromEntries(failed.map(({ id, error }) => [id, error])), {
      dead: ended,
      'an earlier process with our number': ended,
      'stuck elsewhere': taken,
      'stuck in a container': taken,
    });
  });

  test('of an earlier version, which say neither table nor lease, are known by host and number', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const old = { command: 'audit', started_at: minute(1), state: 'running' };
    for (const [id, host, pid] of [
      ['dead', 'a', dead],
      ['dead elsewhere', 'b', dead],
      ['our number', 'a', process.pid],
      ['alive', 'a', process.ppid],
    ] as const)
      await database.knex('runs').insert({ ...old, id, host, pid });
    const closed = await closeDeadRuns(database, { ...started, id: 'this one' }, minute(3));
    assert.deepEqual(closed, ['dead', 'our number']);
  });
});
