import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGone, ownProcess } from '../../src/ledger/process.ts';

const us = ownProcess();
const other = { ...us, started: undefined, pid: process.ppid };
const deadPid = spawnSync(process.execPath, ['-e', '']).pid;
const skip = !existsSync('/proc/self/ns/pid') && 'needs /proc';

async function until(holds: () => boolean): Promise<void> {
  for (const before = Date.now(); !holds(); await sleep(20))
    if (Date.now() - before > 30_000) throw new Error('what the test waits for did not happen');
}

describe('a process', () => {
  test('is known to have ended by its number, on its own host', () => {
    assert.equal(isGone({ ...other, pid: deadPid }), true);
    assert.equal(isGone({ ...other, pid: deadPid, host: 'elsewhere' }), false);
    assert.equal(isGone(other), false);
    assert.equal(isGone(us), false);
  });

  test('of another table on a host of the same name is not known to have ended', () => {
    assert.equal(isGone({ ...other, pid: deadPid, table: 'boot pid:[2]' }), false);
    const { table: _, ...tableless } = us;
    assert.equal(isGone({ ...other, pid: deadPid, table: 'boot pid:[2]' }, tableless), false);
  });

  test('that names no table is taken to be of the table of its host', () => {
    const { host } = us;
    assert.equal(isGone({ host, pid: deadPid }), true);
    assert.equal(isGone({ host, pid: process.ppid }), false);
    assert.equal(isGone({ host, pid: deadPid }, { host, pid: process.pid }), true);
  });

  test('names its table and its start where there is /proc', { skip }, () => {
    assert.match(us.table!, /^[0-9a-f-]{36} pid:\[\d+\]$/);
    assert.match(us.started!, /^\d+$/);
    assert.deepEqual(ownProcess(), us);
  });

  test('has ended where another one has its number by now', { skip }, () => {
    assert.equal(isGone({ ...us, started: `${Number(us.started) - 1}` }), true);
  });

  test('has ended where only its parent does not know it yet', { skip }, async () => {
    // The shell becomes a program that never asks for its children.
    const parent: ChildProcess = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 600']);
    try {
      const [printed] = (await once(parent.stdout!, 'data')) as [Buffer];
      const zombie = { ...other, pid: Number(printed.toString()) };
      await until(() => isGone(zombie));
      process.kill(zombie.pid, 0);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
