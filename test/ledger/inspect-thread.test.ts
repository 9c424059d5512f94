import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { append } from '../../src/ledger/append.ts';
import { canonicalText } from '../../src/ledger/canonical.ts';
import { type Entry, linkEntries, linkSpelled } from '../../src/ledger/chain.ts';
import { eachEntry, entryToRow, head } from '../../src/ledger/entries.ts';
import { type InspectedRow, inspectRow, ofSound, soundEntries } from '../../src/ledger/inspect.ts';
import { startInspecting } from '../../src/ledger/inspect-thread.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { eachPage } from '../../src/ledger/pages.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { at, draft, freshLedger } from './ledgers.ts';

const pagesOver = async <T>(
  all: readonly T[],
  of: {
    size: number;
    ahead: number;
    isAfter: (item: T, after: unknown) => boolean;
    failing?: ReadonlySet<unknown>;
  },
) => {
  const pages: T[][] = [];
  const pageAfter = (after: unknown) => all.filter((item) => of.isAfter(item, after)).slice(0, of.size);
  const paging = {
    size: of.size,
    ahead: of.ahead,
    async read(after: unknown) {
      if (of.failing?.has(after)) throw new Error(`nothing after ${after}`);
      return pageAfter(after);
    },
    instead: async (after: unknown) => pageAfter(after),
    placeOf: (item: T) => item,
  };
  for await (const page of eachPage(paging)) pages.push(page);
  assert.ok(pages.every((page) => page.length > 0 && page.length <= of.size));
  return pages.flat();
};

test('pages that are asked for ahead, or anew, are those that are read one by one (property)', async () => {
  const numbers = fc
    .uniqueArray(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer()), { maxLength: 40 })
    .map((some) => some.sort((a, b) => a - b));
  const failing = fc.array(fc.integer({ min: 1, max: 40 })).map((some) => new Set<unknown>(some));
  const sizes = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 4 }));
  const isAfter = (item: number, after: unknown) => item > (after as number);
  await fc.assert(
    fc.asyncProperty(numbers, sizes, failing, async (all, [size, ahead], failing) => {
      assert.deepEqual(await pagesOver(all, { size, ahead, isAfter, failing }), all);
    }),
    { numRuns: 500 },
  );
});

test('pages go on after a text, and end where they come no further', async () => {
  const mixed = [1, 2, 3, '001', '002', '1', '7'];
  const rank = (item: unknown) => mixed.indexOf(item as number);
  for (const ahead of [0, 1, 4]) {
    const all = await pagesOver(mixed, {
      size: 2,
      ahead,
      isAfter: (item, after) => rank(item) > rank(after),
    });
    assert.deepEqual(all, mixed);
    // A driver may round numbers, so that the same ones come again and again.
    const same = await pagesOver([2 ** 62, 2 ** 62, 2 ** 62], { size: 2, ahead, isAfter: () => true });
    assert.deepEqual(same, Array(2).fill(2 ** 62));
  }
});

const withoutBody = ({ entry, ...rest }: InspectedRow) => ({
  ...rest,
  entry: entry && { ...entry, body: undefined },
});

test('a page is handed over as it would be inspected, or not at all (property)', () => {
  const body = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('\ud800', '\ufffd', 2 ** 60));
  /** A column, and what it becomes. */
  const spoiled = fc.constantFrom<[number, (value: unknown) => unknown]>(
    [0, (seq) => `0${seq}`],
    [1, () => 'yesterday'],
    [5, (text) => `${text} `],
    [5, () => null],
    [5, (text) => text],
    [7, () => 'f'.repeat(64)],
  );
  let [sure, unsure] = [0, 0];
  fc.assert(
    fc.property(fc.array(fc.tuple(body, fc.array(spoiled, { maxLength: 1 })), { maxLength: 4 }), (made) => {
      const spellable = made.filter(([value]) => {
        try {
          return canonicalText(value as never) !== '';
        } catch {
          return false;
        }
      });
      const entries = linkEntries(
        { seq: 0, hash: '0'.repeat(64) },
        spellable.map(([value]) => draft('x', 'k', value as never)),
        at,
      );
      const page = entries.map((entry, nth) => {
        const row: unknown[] = Object.values(entryToRow(entry));
        for (const [column, spoil] of spellable[nth]![1]) row[column] = spoil(row[column]);
        return row;
      });
      const sound = soundEntries(page, () => null);
      const inspected = page.map((row) => inspectRow(row, () => null));
      if (sound === null) unsure++;
      else {
        sure++;
        assert.deepEqual(sound.map(ofSound).map(withoutBody), inspected.map(withoutBody));
        assert.ok(inspected.every(({ content }) => content.what === null));
      }
    }),
    { numRuns: 2_000 },
  );
  assert.ok(sure > 500 && unsure > 200, `${sure} and ${unsure}`);
});

const entries = 1_234;

async function longLedger(t: Parameters<typeof freshLedger>[0]) {
  const { ledger } = await freshLedger(t, 'sqlite');
  const drafts = Array.from({ length: entries }, (_, nth) => draft('found', `round ${nth}`, { nth }));
  await append(ledger, drafts, at);
  const { knex } = ledger.database;
  for (const guard of ['stay_equal', 'stay', 'are_new']) await knex.raw(`drop trigger entries_${guard}`);
  return ledger;
}

/** A ledger of some pages in which entries are missing, and some were changed. */
async function damagedLedger(t: Parameters<typeof freshLedger>[0]) {
  const ledger = await longLedger(t);
  const { knex } = ledger.database;
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

/** What is found with a thread is what is found without one. */
async function assertSame(ledger: Ledger, start = startInspecting) {
  const alone = await verifyChain(ledger);
  assert.deepEqual(await verifyChain(ledger, { helped: { from: 0, start } }), alone);
  return alone;
}

test('a thread that inspects finds what is found without it, in every page', async (t) => {
  const ledger = await damagedLedger(t);
  const [alone, byThread] = [[] as string[], [] as string[]];
  const found = await verifyChain(ledger, { each: (hash) => alone.push(hash) });
  assert.equal(found.count, entries - 271);
  assert.ok(found.problems.length > 271, 'entries that are gone have incidents that are not');
  let answered = 0;
  const start = watched((_, answers) => {
    answered = answers;
  });
  const helped = await verifyChain(ledger, {
    each: (hash) => byThread.push(hash),
    helped: { from: 0, start },
  });
  assert.deepEqual(helped, found);
  assert.deepEqual(byThread, alone);
  // It was asked for its beginning, and for the pages of two walks.
  assert.ok(answered > 20, `${answered} answers`);
});

test('where the thread ends in the middle, this one reads on', async (t) => {
  const ledger = await damagedLedger(t);
  for (const last of [1, 4, 5, 6, 9]) {
    let ended = 0;
    const start = watched((worker, answers) => {
      if (answers !== last) return;
      ended++;
      void worker.terminate();
    });
    await assertSame(ledger, start);
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

test('a page that is longer than the memory of the thread is read by this one: the process would end', async (t) => {
  const ledger = await longLedger(t);
  const long = `"${'x'.repeat(120_000_000)}"`;
  await ledger.database.knex('entries').where({ seq: 700 }).update({ body: long });
  const { problems } = await assertSame(ledger);
  assert.deepEqual(problems[0], { seq: 700, what: 'entry 700 was changed: its hash is another' });
});

test('a body that is nested too deep to be looked at is told of as without the thread', async (t) => {
  const ledger = await longLedger(t);
  const last = await head(ledger);
  const deep = `${'['.repeat(7_000)}${']'.repeat(7_000)}`;
  const [linked] = linkSpelled(last, [{ ...draft('found', 'deep'), text: deep, holes: [] }], at);
  await ledger.database.knex('entries').insert(entryToRow(linked!));
  await assertSame({ ...ledger, headFile: null });
});

test('numbers that are texts, or that the driver rounds, end no page too early and none never', async (t) => {
  const ledger = { ...(await longLedger(t)), headFile: null };
  const { knex } = ledger.database;
  const some: Entry[] = [];
  for await (const entry of eachEntry(ledger)) if (entry.seq <= 250) some.push(entry);
  await knex.raw('create table loose as select * from entries where false');
  await knex.raw('create table looser (seq, at, kind, source, key, body, prev_hash, hash)');
  for (const table of ['loose', 'entries']) await knex.raw(`drop table ${table}`);
  await knex.raw('alter table looser rename to entries');
  const insert = async (seqOf: (seq: number) => unknown) => {
    for (const entry of some)
      await knex('entries').insert({ ...entryToRow(entry), seq: seqOf(entry.seq) as number });
  };
  await insert((seq) => seq);
  await insert((seq) => String(seq).padStart(5, '0'));
  assert.equal((await assertSame(ledger)).count, 500);
  await knex('entries').delete();
  for (const entry of some)
    await knex.raw(
      `insert into entries select 4611686018427387904 + ?, at, kind, source, key, body, prev_hash, hash
       from (select ? as at, ? as kind, ? as source, ? as key, ? as body, ? as prev_hash, ? as hash)`,
      Object.values(entryToRow(entry)) as never,
    );
  const { problems } = await assertSame(ledger);
  assert.match(problems.map(({ what }) => what).join('\n'), /^50 entries have no number of their own$/m);
});
