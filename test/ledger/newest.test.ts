import assert from 'node:assert/strict';
import { test } from 'node:test';
import { append } from '../../src/ledger/append.ts';
import { newestEntries } from '../../src/ledger/entries.ts';
import { eachNewestIncident } from '../../src/ledger/incidents.ts';
import { forEachDatabase } from '../databases.ts';
import { at, draft, fill, freshLedger } from './ledgers.ts';

forEachDatabase('the newest', (kind) => {
  test('entries come first, before a seq, and as the filter admits them', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const entries = await fill(ledger);
    assert.deepEqual(await newestEntries(ledger, { limit: 100 }), [...entries].reverse());
    const seqs = async (page: object) =>
      (await newestEntries(ledger, { limit: 3, ...page })).map(({ seq }) => seq);
    assert.deepEqual(await seqs({}), [10, 9, 8]);
    assert.deepEqual(await seqs({ before: null }), [10, 9, 8]);
    assert.deepEqual(await seqs({ before: 3 }), [2, 1]);
    assert.deepEqual(await seqs({ before: 1 }), []);
    assert.deepEqual(await seqs({ kinds: ['note'], before: 9 }), [8, 7]);
    assert.deepEqual(await seqs({ key: 'goldrush' }), [5, 4, 3]);
    assert.deepEqual(await seqs({ source: 'another' }), []);
  });

  test('incidents of a source come first, across its pages, each once', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const drafts = Array.from({ length: 2_002 }, (_, index) => ({
      ...draft('found', `map ${index}`),
      source: index % 2 === 0 ? 'stats' : 'other',
    }));
    await append(ledger, drafts, at);
    const ids: number[] = [];
    for await (const { id, source } of eachNewestIncident(ledger, 'stats')) {
      assert.equal(source, 'stats');
      ids.push(id);
    }
    assert.deepEqual(
      ids,
      Array.from({ length: 1_001 }, (_, index) => 2_001 - 2 * index),
    );
    for await (const found of eachNewestIncident(ledger, 'another')) assert.fail(found.key);
  });
});
