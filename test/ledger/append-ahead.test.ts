import assert from 'node:assert/strict';
import { copyFileSync, renameSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { rows, transact } from '../../src/database.ts';
import { type AppendMemory, append } from '../../src/ledger/append.ts';
import { appendAhead, openWriter, type Writer } from '../../src/ledger/append-ahead.ts';
import { startAppending } from '../../src/ledger/append-thread.ts';
import type { EntryDraft } from '../../src/ledger/chain.ts';
import { head } from '../../src/ledger/entries.ts';
import { readHead } from '../../src/ledger/head.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { lockLedger } from '../../src/ledger/lock.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { type DatabaseKind, forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { at, draft, fill, freshLedger, type Place, testFold } from './ledgers.ts';

const anything = () => undefined;

/** A ledger with ten entries, and who writes it ahead. */
async function withWriter(t: TestContext, kind: DatabaseKind) {
  const { ledger, place } = await freshLedger(t, kind);
  await fill(ledger);
  const writer = await openWriter(ledger);
  assert.ok(writer !== null);
  t.after(() => writer.close());
  return { ledger, place, writer };
}

const stored = async ({ database }: Ledger) => ({
  incidents: await rows(database, 'select * from incidents order by id'),
  repairs: await rows(database, 'select * from open_repairs order by seq'),
  entries: await rows(database, 'select * from entries order by seq'),
});

/** Appends ahead, and waits for it. */
async function appended(
  ledger: Ledger,
  writer: Writer,
  { drafts, memory }: { drafts: readonly EntryDraft[]; memory?: AppendMemory },
): Promise<boolean> {
  return (await appendAhead(ledger, drafts, { at, writer, memory, check: anything })).stored;
}

const notes = ['goldrush', 'adlernest'].map((key) => draft('note', key, { text: 'ä \ud83d\ude00' }));

/** Somebody else with a connection of their own does something between the linking of entries and their writing. */
const meanwhile = (writer: Writer, work: () => Promise<unknown>): Writer => ({
  close: () => writer.close(),
  async write(addition) {
    await work();
    return writer.write(addition);
  },
});

async function asSomebody(place: Place, work: (ledger: Ledger) => Promise<unknown>): Promise<void> {
  const other = await openLedger({ ...place, fold: testFold });
  try {
    await work(other);
  } finally {
    await closeLedger(other);
  }
}

forEachDatabase('an append that is not waited for', (kind) => {
  test('adds what append() adds, whoever else appends in between (property)', async (t) => {
    const { ledger, writer } = await withWriter(t, kind);
    const { ledger: plain } = await freshLedger(t, 'sqlite');
    await fill(plain);
    const key = fc.constantFrom('goldrush', 'adlernest', 'goldrush+adlernest', '');
    const what = fc.constantFrom('found', 'note', 'closed', 'repair.started', 'repair.done');
    const drafts = fc.array(fc.tuple(what, key, fc.nat(20)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), drafts), { maxLength: 6 }), async (turns) => {
        const memory: AppendMemory = { last: null };
        for (const [isOwn, of] of turns) {
          const added = of.map(([one, other, started]) => draft(one, other, { started }));
          if (isOwn) assert.equal(await appended(ledger, writer, { drafts: added, memory }), true);
          else await append(ledger, added, at);
          await append(plain, added, at);
        }
        assert.deepEqual(await stored(ledger), await stored(plain));
        const { seq, hash } = await head(ledger);
        assert.deepEqual(readHead(ledger.headFile!), { seq, hash, count: seq, at });
      }),
      { numRuns: kind === 'sqlite' ? 40 : 15 },
    );
    assert.deepEqual((await verifyChain(ledger)).problems, []);
  });

  test('adds what append() adds where that is much, also after what cannot be spelled', async (t) => {
    const { ledger, writer } = await withWriter(t, kind);
    const { ledger: plain } = await freshLedger(t, 'sqlite');
    await fill(plain);
    const kinds = ['found', 'note', 'repair.started', 'closed'];
    const many = Array.from({ length: 330 }, (_, nth) =>
      draft(kinds[nth % kinds.length]!, `round ${nth % 130}`, { nth, text: 'ä' }),
    );
    const wrong = [...many, draft('note', 'goldrush', { number: Number.NaN })];
    const before = await stored(ledger);
    await assert.rejects(appended(ledger, writer, { drafts: wrong }), /canonical JSON: NaN/);
    assert.deepEqual(await stored(ledger), before);
    // Nothing is begun any more that others would have to wait for, however soon the thread came to it.
    await sleep(300);
    for (const one of [ledger, plain]) await append(one, notes, at);
    assert.equal(await appended(ledger, writer, { drafts: many }), true);
    await append(plain, many, at);
    assert.deepEqual(await stored(ledger), await stored(plain));
  });

  test('says which its entries will be before they are written, and asks before that', async (t) => {
    const { ledger, writer } = await withWriter(t, kind);
    let release = () => {};
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = meanwhile(writer, () => waiting);
    let seen: unknown;
    const { firstSeq, stored: isStored } = await appendAhead(ledger, notes, {
      ...{ at, writer: slow },
      check: (incidents) => {
        seen = [...incidents.values()].map(({ lastSeq }) => lastSeq);
      },
    });
    assert.deepEqual(seen, [11, 12]);
    assert.equal((await head(ledger)).seq, 10);
    release();
    assert.equal(await isStored, true);
    const added = await rows(
      ledger.database,
      'select seq, key, body from entries where seq > 10 order by seq',
    );
    const body = '{"text":"ä \ud83d\ude00"}';
    assert.deepEqual(added, [
      { seq: firstSeq, key: 'goldrush', body },
      { seq: firstSeq + 1, key: 'adlernest', body },
    ]);
    const check = () => {
      throw new Error('not that');
    };
    await assert.rejects(appendAhead(ledger, notes, { at, writer, check }), /not that/);
    assert.equal((await head(ledger)).seq, 12);
  });

  test('adds nothing where somebody else has appended since it was linked', {
    skip: skipWithoutConnections(kind),
  }, async (t) => {
    const { ledger, place, writer } = await withWriter(t, kind);
    const memory: AppendMemory = { last: null };
    const late = meanwhile(writer, () =>
      asSomebody(place, (other) => append(other, [draft('note', 'goldrush')], at)),
    );
    assert.equal(await appended(ledger, late, { drafts: notes, memory }), false);
    assert.equal((await head(ledger)).seq, 11);
    assert.equal(readHead(ledger.headFile!)!.seq, 11);
    assert.equal(memory.last, null);
    assert.equal(await appended(ledger, writer, { drafts: notes, memory }), true);
    assert.deepEqual((await verifyChain(ledger)).problems, []);
  });

  test('adds nothing where another run has taken over', { skip: skipWithoutConnections(kind) }, async (t) => {
    const { ledger, place } = await freshLedger(t, kind);
    const lease = { name: 'work', fence: 1, token: 'ours', acquired_at: at, expires_at: at };
    const holder = JSON.stringify({ host: 'a', pid: 1, runId: 'r1' });
    await ledger.database.knex('leases').insert({ ...lease, holder });
    const fenced: Ledger = { ...ledger, fence: { name: 'work', number: 1, token: 'ours' } };
    const writer = (await openWriter(fenced))!;
    t.after(() => writer.close());
    assert.equal(await appended(fenced, writer, { drafts: notes }), true);
    const late = meanwhile(writer, () =>
      asSomebody(place, ({ database }) => database.knex('leases').update({ token: 'theirs', fence: 2 })),
    );
    assert.equal(await appended(fenced, late, { drafts: notes }), false);
    assert.equal((await head(ledger)).seq, 2);
    await assert.rejects(append(fenced, notes, at), /took over/);
  });

  test('adds nothing where it cannot be written, as append() says then, and goes on afterwards', async (t) => {
    const { ledger, writer } = await withWriter(t, kind);
    const before = await stored(ledger);
    const { knex } = ledger.database;
    await knex.raw('alter table open_repairs rename to elsewhere');
    const starts = [draft('repair.started', 'goldrush')];
    assert.equal(await appended(ledger, writer, { drafts: starts }), false);
    await assert.rejects(append(ledger, starts, at), /open_repairs/);
    await knex.raw('alter table elsewhere rename to open_repairs');
    assert.deepEqual(await stored(ledger), before);
    assert.equal(readHead(ledger.headFile!)!.seq, 10);
    assert.equal(await appended(ledger, writer, { drafts: starts }), true);
  });

  test('asks the ledger what it has where the answer is lost', async (t) => {
    const { ledger, writer } = await withWriter(t, kind);
    const answering = (after: boolean): Writer => ({
      close: () => writer.close(),
      async write(addition) {
        if (after) await writer.write(addition);
        throw new Error('the connection was lost');
      },
    });
    assert.equal(await appended(ledger, answering(false), { drafts: notes }), false);
    assert.equal((await head(ledger)).seq, 10);
    const memory: AppendMemory = { last: null };
    assert.equal(await appended(ledger, answering(true), { drafts: notes, memory }), true);
    const { seq, hash } = await head(ledger);
    assert.deepEqual([seq, memory.last?.head.hash, readHead(ledger.headFile!)?.hash], [12, hash, hash]);
  });

  test('waits for a lock of somebody else no longer than a second', {
    skip: skipWithoutConnections(kind),
  }, async (t) => {
    const { ledger, place, writer } = await withWriter(t, kind);
    await asSomebody(place, async ({ database }) => {
      await transact(database, async (inside) => {
        await lockLedger(inside, 'append');
        assert.equal(await appended(ledger, writer, { drafts: notes }), false);
      });
    });
    assert.equal((await head(ledger)).seq, 10);
    assert.equal(await appended(ledger, writer, { drafts: notes }), true);
  });
});

test('a thread that ends leaves nothing behind, or all (sqlite)', async (t) => {
  const { ledger } = await freshLedger(t, 'sqlite');
  await fill(ledger);
  const worker = startAppending();
  const writer = (await openWriter(ledger, () => worker))!;
  const many = Array.from({ length: 5_000 }, (_, nth) => draft('found', `round ${nth}`));
  const { stored: isStored } = await appendAhead(ledger, many, { at, writer, check: anything });
  await worker.terminate();
  const found = await isStored;
  assert.equal((await head(ledger)).seq, found ? 5_010 : 10);
  assert.deepEqual((await verifyChain(ledger)).problems, []);
  assert.equal(await appended(ledger, writer, { drafts: notes }), false);
  await append(ledger, notes, at);
});

test('there is no writer where no thread starts, and where another file is in the place of the ledger (sqlite)', async (t) => {
  const { ledger } = await freshLedger(t, 'sqlite');
  const none = () => {
    throw new Error('no more threads');
  };
  assert.equal(await openWriter(ledger, none), null);
  const { path } = ledger.database.file!;
  copyFileSync(path, `${path}.copy`);
  renameSync(`${path}.copy`, path);
  assert.equal(await openWriter(ledger), null);
});
