import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../src/core/model.ts';
import type { Database } from '../../src/database.ts';
import { auditsUntil, finishRun, lastRuns, pruneRuns, startRun } from '../../src/ledger/runs.ts';
import { forEachDatabase } from '../databases.ts';
import { freshLedger } from './ledgers.ts';

const us = { host: 'a', pid: process.pid };
const at = (minute: number) => `2026-02-14T20:${String(minute).padStart(2, '0')}:00.000Z`;

interface Recorded {
  minute: number;
  command?: string;
  state?: 'finished' | 'failed' | 'running';
  summary?: Json;
}

async function recordRun(
  database: Database,
  { minute, command = 'audit', state, summary }: Recorded,
): Promise<void> {
  const id = `r${String(minute).padStart(2, '0')}`;
  await startRun(database, { id, command, process: us, fence: minute, startedAt: at(minute) });
  if (state === 'running') return;
  const end = {
    state: state ?? 'finished',
    exitCode: state === 'failed' ? 1 : 0,
    at: at(minute + 1),
  } as const;
  await finishRun(database, id, { ...end, summary: summary ?? { scope: 'lookback' } });
}

const idsOf = async (database: Database) =>
  (await lastRuns(database, { limit: 500 })).map(({ id }) => id).sort();

forEachDatabase('of the runs that are recorded, those', (kind) => {
  test('of whole audits say what was last done: up to now, finished or not, and of the whole history', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    assert.deepEqual(await auditsUntil(database, at(9)), {
      lastFinished: null,
      lastFullAt: null,
      lastState: null,
    });
    await recordRun(database, { minute: 1, summary: { scope: 'all', window: { since: null } } });
    await recordRun(database, { minute: 3 });
    await recordRun(database, { minute: 4, command: 'audit of a part', summary: { scope: 'all' } });
    await recordRun(database, { minute: 5, state: 'failed' });
    await recordRun(database, { minute: 6, command: 'report' });
    await recordRun(database, { minute: 30, summary: { scope: 'all' } });
    const finished = { startedAt: at(3), finishedAt: at(4), state: 'finished' };
    assert.deepEqual(await auditsUntil(database, at(9)), {
      ...{ lastFinished: finished, lastFullAt: at(1), lastState: 'failed' },
    });
    assert.deepEqual((await auditsUntil(database, at(4))).lastState, 'finished');
    assert.deepEqual((await auditsUntil(database, at(30))).lastFullAt, at(30));
  });

  test('that are old are forgotten, those that are younger lose what they came to, and one at work stays', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    await recordRun(database, { minute: 0, state: 'running' });
    for (const minute of [1, 2, 3, 4, 5, 6]) await recordRun(database, { minute });
    assert.deepEqual(await pruneRuns(database, { before: at(3), summariesBefore: at(5) }), {
      runs: 2,
      summaries: 2,
    });
    assert.deepEqual(await idsOf(database), ['r00', 'r03', 'r04', 'r05', 'r06']);
    const summaries = (await lastRuns(database, { limit: 9 })).map(({ id, summary }) => [
      id,
      summary !== null,
    ]);
    assert.deepEqual(Object.fromEntries(summaries), {
      r00: false,
      r03: false,
      r04: false,
      r05: true,
      r06: true,
    });
    assert.deepEqual(await pruneRuns(database, { before: at(3), summariesBefore: at(5) }), {
      runs: 0,
      summaries: 0,
    });
    assert.deepEqual(await pruneRuns(database, { before: null, summariesBefore: at(0) }), {
      runs: 0,
      summaries: 0,
    });
  });

  test('that are very many are forgotten a hundred at a time, the oldest first', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const rows = Array.from({ length: 130 }, (_, second) => ({
      id: `s${String(second).padStart(3, '0')}`,
      ...{ command: 'audit', host: 'a', pid: 1, state: 'finished' },
      started_at: new Date(Date.parse(at(0)) + second * 1000).toISOString(),
    }));
    for (let first = 0; first < rows.length; first += 50)
      await database.knex('runs').insert(rows.slice(first, first + 50));
    assert.equal((await pruneRuns(database, { before: at(59), summariesBefore: at(59) })).runs, 100);
    assert.deepEqual((await idsOf(database))[0], 's100');
    assert.equal((await pruneRuns(database, { before: at(59), summariesBefore: at(59) })).runs, 30);
  });
});
