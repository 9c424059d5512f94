import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { append } from '../../src/ledger/append.ts';
import { startInspecting } from '../../src/ledger/inspect-thread.ts';
import { eachPage } from '../../src/ledger/pages.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { at, draft, freshLedger } from './ledgers.ts';

test('pages that are asked for ahead are those that are read one by one (property)', async () => {
  const numbers = fc
    .uniqueArray(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer()), { maxLength: 40 })
    .map((some) => some.sort((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(
      numbers,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 4 }),
      async (all, size, ahead) => {
        const pages: number[][] = [];
        const read = async (after: number) => all.filter((number) => number > after).slice(0, size);
        for await (const page of eachPage({ size, ahead, read, numberOf: (number) => number }))
          pages.push(page);
        assert.deepEqual(pages.flat(), all);
        assert.ok(pages.every((page) => page.length > 0 && page.length <= size));
      },
    ),
    { numRuns: 500 },
  );
});

const entries = 1_234;

/** A ledger of some pages in which entries are missing, and some were changed. */
async function damagedLedger(t: Parameters<typeof freshLedger>[0]) {
  const { ledger } = await freshLedger(t, 'sqlite');
  const drafts = Array.from({ length: entries }, (_, nth) => draft('found', `round ${nth}`, { nth }));
  await append(ledger, drafts, at);
  const { knex } = ledger.database;
  for (const guard of ['stay_equal', 'stay', 'are_new']) await knex.raw(`drop trigger entries_${guard}`);
  await knex('entries').whereBetween('seq', [150, 420]).delete();
  await knex('entries').whereIn('seq', [7, 700, 1_100]).update({ body: '{"nth":-1}' });
  return ledger;
}

/** A thread as it is, with what becomes of it at each of its answers. */
const watched = (onAnswer: (worker: Worker, answers: number) => void) => () => {
  const worker = startInspecting();
  let answers = 0;
  worker.on('message', () => onAnswer(worker, ++answers));
  return worker;
};

test('a thread that inspects finds what is found without it, in every page', async (t) => {
  const ledger = await damagedLedger(t);
  const hashes: string[] = [];
  const alone = await verifyChain(ledger, { each: (hash) => hashes.push(hash) });
  assert.equal(alone.count, entries - 271);
  assert.ok(alone.problems.length > 271, 'entries that are gone have incidents that are not');
  let answered = 0;
  const [byThread, start] = [[] as string[], watched((_, answers) => (answered = answers))];
  const helped = await verifyChain(ledger, {
    each: (hash) => byThread.push(hash),
    helped: { from: 0, start },
  });
  assert.deepEqual(helped, alone);
  assert.deepEqual(byThread, hashes);
  // It was asked for its beginning, and for the pages of two walks.
  assert.ok(answered > 20, `${answered} answers`);
});

test('where the thread ends in the middle, this one reads on', async (t) => {
  const ledger = await damagedLedger(t);
  const alone = await verifyChain(ledger);
  for (const last of [1, 4, 5, 6, 9]) {
    let ended = 0;
    const start = watched((worker, answers) => {
      if (answers === last) {
        ended++;
        void worker.terminate();
      }
    });
    assert.deepEqual(await verifyChain(ledger, { helped: { from: 0, start } }), alone, `after ${last}`);
    assert.equal(ended, 1);
  }
});

test('where no thread can be started, and of few entries, it does without', async (t) => {
  const ledger = await damagedLedger(t);
  const alone = await verifyChain(ledger);
  let asked = 0;
  const start = () => {
    asked++;
    throw new Error('no more threads');
  };
  assert.deepEqual(await verifyChain(ledger, { helped: { from: 0, start } }), alone);
  assert.deepEqual(await verifyChain(ledger, { helped: { from: entries + 1, start } }), alone);
  assert.equal(asked, 1);
});
