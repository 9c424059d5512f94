import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OperationError } from '../../src/errors.ts';
import { append } from '../../src/ledger/append.ts';
import { readEntries } from '../../src/ledger/entries.ts';
import { assertNotBehind, compareHead, readHead, writeHead } from '../../src/ledger/head.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { acceptRestore } from '../../src/ledger/restore.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { forEachDatabase } from '../databases.ts';
import { at, draft, fill, freshLedger } from './ledgers.ts';

const decision = { reason: 'the disk died', by: 'anna', at: '2026-02-15T08:00:00.000Z' };
const note = [draft('note', 'adlernest')];

/** As if an older copy of the database had been put in place: the file is ahead of it. */
function pretendRestored(ledger: Ledger): void {
  writeHead(ledger.headFile!, { seq: 12, hash: 'e'.repeat(64), count: 12, at });
}

async function stateOf(ledger: Ledger): Promise<string> {
  return (await compareHead(ledger)).state;
}

forEachDatabase('head.json', (kind) => {
  test('is absent, equal, or older than the ledger, and all three are fine', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    assert.equal(await stateOf(ledger), 'absent');
    await fill(ledger);
    assert.equal(await stateOf(ledger), 'equal');
    // A crash between the commit and the file leaves the file as it was.
    const file = ledger.headFile!;
    copyFileSync(file, `${file}.before`);
    await append(ledger, note, at);
    copyFileSync(`${file}.before`, file);
    assert.equal(await stateOf(ledger), 'ahead');
    await assertNotBehind(ledger);
    assert.deepEqual((await verifyChain(ledger)).problems, []);
    await append(ledger, note, at);
    assert.equal(await stateOf(ledger), 'equal');
    assert.equal(readHead(file)?.seq, 12);
  });

  test('a ledger that is behind it refuses to run and to grow, and says what both say', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const last = (await fill(ledger)).at(-1)!;
    pretendRestored(ledger);
    assert.equal(await stateOf(ledger), 'behind');
    const refusal = (thrown: Error) => {
      assert.ok(thrown instanceof OperationError);
      for (const part of ['entry 12', 'e'.repeat(64), 'entry 10', last.hash, 'accept-restore --reason'])
        assert.ok(thrown.message.includes(part), thrown.message);
      return true;
    };
    await assert.rejects(assertNotBehind(ledger), refusal);
    await assert.rejects(append(ledger, note, at), refusal);
    assert.equal((await readEntries(ledger, { limit: 100 })).length, 10);
    assert.equal(readHead(ledger.headFile!)?.seq, 12);
  });

  test('a ledger with another entry in its place refuses, however long it has grown', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await fill(ledger);
    for (const seq of [9, 10]) {
      writeHead(ledger.headFile!, { seq, hash: 'e'.repeat(64), count: seq, at });
      assert.equal(await stateOf(ledger), 'diverged');
      await assert.rejects(append(ledger, note, at), /another history/);
    }
  });

  test('accept-restore is an entry that keeps the head that was lost, and the ledger runs again', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await fill(ledger);
    pretendRestored(ledger);
    const entry = await acceptRestore(ledger, decision);
    assert.equal(entry.kind, 'ledger.restored');
    assert.deepEqual(JSON.parse(entry.body), {
      by: 'anna',
      reason: 'the disk died',
      state: 'behind',
      headBefore: { seq: 12, hash: 'e'.repeat(64), count: 12, at },
    });
    assert.equal(await stateOf(ledger), 'equal');
    await append(ledger, note, at);
    assert.deepEqual((await verifyChain(ledger)).problems, []);
  });

  test('accept-restore refuses where nothing was restored', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await assert.rejects(acceptRestore(ledger, decision), /no restore to accept/);
    await fill(ledger);
    await assert.rejects(acceptRestore(ledger, decision), /no restore to accept/);
    assert.equal((await readEntries(ledger, { limit: 100 })).length, 10);
  });

  test('a damaged file is said to be so, and can be accepted', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await fill(ledger);
    for (const damage of ['', '{"seq":', '{"seq":"10"}', 'null']) {
      writeFileSync(ledger.headFile!, damage);
      await assert.rejects(assertNotBehind(ledger), /head\.json: the file is damaged/);
      await assert.rejects(append(ledger, note, at), OperationError);
      assert.match((await verifyChain(ledger)).problems[0]!.what, /damaged/);
    }
    const { body } = await acceptRestore(ledger, decision);
    assert.match(body, /"headBefore":null/);
    await assertNotBehind(ledger);
  });

  test('a ledger without a data directory keeps no head', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const alone = { ...ledger, headFile: null };
    await fill(alone);
    assert.equal(await stateOf(alone), 'absent');
    assert.equal(readHead(ledger.headFile!), null);
  });

  test('a file that cannot be written says that the ledger did grow', async (t) => {
    const { ledger, place } = await freshLedger(t, kind);
    const blocker = join(place.dataDir, 'blocked');
    const blocked = { ...ledger, headFile: join(blocker, 'head.json') };
    const inside = async () => writeFileSync(blocker, 'a file where the directory should be');
    await assert.rejects(append(blocked, note, at, { inside }), /although the ledger did grow to entry 1/);
    assert.equal((await readEntries(ledger, { limit: 100 })).length, 1);
  });
});
