import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { closeDeadRuns, finishRun, lastRuns, startRun } from '../../src/ledger/runs.ts';
import { forEachDatabase } from '../databases.ts';
import { freshLedger } from './ledgers.ts';

const started = { command: 'audit', host: 'a', pid: process.pid };
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
        ...started,
        id: 'r2',
        startedAt: minute(2),
        finishedAt: minute(4),
        state: 'failed',
        exitCode: 1,
        summary: null,
        error: 'no disk',
      },
      {
        ...started,
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

  test('of processes that are gone on this host are marked failed', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const cases = [
      { id: 'dead', pid: dead, host: 'a' },
      { id: 'dead elsewhere', pid: dead, host: 'b' },
      { id: 'alive', pid: process.ppid, host: 'a' },
      { id: 'this one', pid: process.pid, host: 'a' },
      { id: 'an earlier process with our number', pid: process.pid, host: 'a' },
      { id: 'done', pid: dead, host: 'a' },
    ];
    for (const run of cases) await startRun(database, { ...run, command: 'audit', startedAt: minute(1) });
    await finishRun(database, 'done', { state: 'finished', exitCode: 0, at: minute(2) });
    const closed = await closeDeadRuns(database, { host: 'a', own: ['this one'], at: minute(3) });
    assert.deepEqual(closed.sort(), ['an earlier process with our number', 'dead']);
    const failed = await lastRuns(database, { state: 'failed', limit: 9 });
    assert.deepEqual(failed.map(({ id }) => id).sort(), closed);
    for (const { error, finishedAt, exitCode } of failed)
      assert.deepEqual(
        [error, finishedAt, exitCode],
        ['the process ended without finishing', minute(3), null],
      );
  });
});
