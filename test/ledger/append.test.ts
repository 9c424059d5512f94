import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { rows } from '../../src/database.ts';
import { type AppendMemory, type AppendOptions, append } from '../../src/ledger/append.ts';
import { eachEntry, entryBySeq, head, lastEntryOf, readEntries } from '../../src/ledger/entries.ts';
import { readHead } from '../../src/ledger/head.ts';
import {
  incidentById,
  incidentsByKeys,
  listIncidents,
  openIncidents,
  openRepairs,
} from '../../src/ledger/incidents.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { incidentName } from '../../src/ledger/projections.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { at, child, draft, fill, freshLedger, freshPlace, testFold } from './ledgers.ts';

forEachDatabase('the ledger', (kind) => {
  test('append() continues the chain and keeps the head', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    assert.deepEqual(await head(ledger), { seq: 0, hash: '0'.repeat(64) });
    const entries = await fill(ledger);
    assert.deepEqual(await readEntries(ledger, { limit: 100 }), entries);
    assert.deepEqual(await head(ledger), { seq: 10, hash: entries[9]!.hash });
    assert.deepEqual(readHead(ledger.headFile!), { seq: 10, hash: entries[9]!.hash, count: 10, at });
    assert.deepEqual(await append(ledger, [], at), []);
  });

  test('entries are read by page, key, source and kind', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await fill(ledger);
    const seqs = async (page: object) =>
      (await readEntries(ledger, { limit: 3, ...page })).map(({ seq }) => seq);
    assert.deepEqual(await seqs({}), [1, 2, 3]);
    assert.deepEqual(await seqs({ afterSeq: 8 }), [9, 10]);
    assert.deepEqual(await seqs({ key: 'goldrush', afterSeq: 1 }), [3, 4, 5]);
    assert.deepEqual(await seqs({ kinds: ['found', 'closed'] }), [1, 2, 5]);
    assert.deepEqual(await seqs({ source: 'another' }), []);
    assert.equal((await lastEntryOf(ledger, 'stats', 'adlernest', ['note', 'found']))?.seq, 9);
    assert.equal(await lastEntryOf(ledger, 'stats', 'adlernest', ['closed']), null);
    assert.equal((await entryBySeq(ledger, 2))?.body, '{"note":"ä"}');
  });

  test('eachEntry() crosses its pages without losing or repeating an entry', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const drafts = Array.from({ length: 2001 }, (_, index) => draft('note', `map ${index % 700}`));
    await append(ledger, drafts, at);
    let expected = 0;
    for await (const { seq } of eachEntry(ledger)) assert.equal(seq, ++expected);
    assert.equal(expected, 2001);
    assert.equal((await openIncidents(ledger, 'stats')).length, 700);
  });

  test('append() folds what it remembers of incidents as it folds what is stored (property)', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const { ledger: plain } = await freshLedger(t, 'sqlite');
    const key = fc.constantFrom('goldrush', 'adlernest', 'supply', 'goldrush+adlernest', '');
    const what = fc.constantFrom('found', 'note', 'closed', 'repair.started');
    const drafts = fc.array(fc.tuple(what, key), { minLength: 1, maxLength: 4 });
    // By somebody else; in a transaction that fails; or with the memory.
    const turn = fc.tuple(fc.constantFrom('other', 'failing', 'own', 'own', 'own'), drafts);
    await append(
      ledger,
      ['goldrush', 'adlernest', 'supply'].map((one) => draft('found', one)),
      at,
    );
    await append(
      plain,
      ['goldrush', 'adlernest', 'supply'].map((one) => draft('found', one)),
      at,
    );
    const stored = async ({ database }: Ledger) => ({
      incidents: await rows(database, 'select * from incidents order by id'),
      repairs: await rows(database, 'select * from open_repairs order by seq'),
      entries: await rows(database, 'select * from entries order by seq'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { maxLength: 8 }), async (turns) => {
        const memory: AppendMemory = { last: null };
        for (const [who, of] of turns) {
          const added = of.map(([one, other]) => draft(one, other, { of: one }));
          const inside = () => Promise.reject(new Error('not this time'));
          if (who === 'failing')
            await assert.rejects(append(ledger, added, at, { memory, inside }), /this time/);
          else {
            await append(ledger, added, at, who === 'own' ? { memory } : {});
            await append(plain, added, at);
          }
        }
        assert.deepEqual(await stored(ledger), await stored(plain));
      }),
      { numRuns: kind === 'sqlite' ? 40 : 15 },
    );
    assert.deepEqual((await verifyChain(ledger)).problems, []);
  });

  test('append() says what its entries made of the incidents, and does not read again what it remembers', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const memory: AppendMemory = { last: null };
    const kinds = async (drafted: string, options: AppendOptions) => {
      let seen: unknown;
      const check: AppendOptions['check'] = (incidents) => {
        seen = incidents.get(incidentName('stats', 'goldrush'))!.state;
      };
      await append(ledger, [draft(drafted, 'goldrush')], at, { ...options, check });
      return (seen as { kinds: string[] }).kinds;
    };
    assert.deepEqual(await kinds('found', { memory }), ['found']);
    await ledger.database.knex('incidents').update({ state: '{"kinds":["forged"]}' });
    assert.deepEqual(await kinds('note', { memory }), ['found', 'note']);
    await ledger.database.knex('incidents').update({ state: '{"kinds":["stored"]}' });
    assert.deepEqual(await kinds('note', {}), ['stored', 'note']);
    assert.deepEqual(await kinds('note', { memory }), ['stored', 'note', 'note']);
  });

  test('incidents and open repairs are folded with the entries', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await fill(ledger);
    const goldrush = {
      id: 1,
      source: 'stats',
      key: 'goldrush',
      isOpen: false,
      lastSeq: 5,
      state: { kinds: ['found', 'repair.started', 'repair.done', 'closed'] },
    };
    assert.deepEqual(await incidentById(ledger, 1), goldrush);
    assert.deepEqual(await incidentsByKeys(ledger, 'stats', ['unknown', 'goldrush']), [goldrush]);
    assert.deepEqual(await incidentsByKeys(ledger, 'another', ['goldrush']), []);
    const ids = async (page: object) =>
      (await listIncidents(ledger, { limit: 5, ...page })).map(({ id }) => id);
    assert.deepEqual(await ids({}), [1, 2]);
    assert.deepEqual(await ids({ afterId: 1 }), [2]);
    assert.deepEqual(await ids({ openOnly: true }), [2]);
    assert.deepEqual(await ids({ source: 'another' }), []);
    assert.deepEqual(
      (await openRepairs(ledger, 'stats')).map(({ seq }) => seq),
      [6],
    );
  });

  test('an entry may belong to several incidents, but begin only one', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await append(ledger, [draft('found', 'a'), draft('found', 'a+b')], at);
    assert.deepEqual(
      (await listIncidents(ledger, { limit: 5 })).map(({ id, key, lastSeq }) => ({ id, key, lastSeq })),
      [
        { id: 1, key: 'a', lastSeq: 2 },
        { id: 2, key: 'b', lastSeq: 2 },
      ],
    );
    await assert.rejects(append(ledger, [draft('found', 'c+d')], at), /would begin 2 incidents \(c, d\)/);
    assert.equal((await head(ledger)).seq, 2);
  });

  test('a repair may open and close in one append', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await append(ledger, [draft('repair.started', 'a'), draft('repair.done', 'a', { started: 1 })], at);
    assert.deepEqual(await openRepairs(ledger, 'stats'), []);
  });

  test('what is written inside is there exactly when the entries are', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await ledger.database.knex.raw('create table notices (seq integer)');
    const queue = (fails: boolean) =>
      append(ledger, [draft('found', 'goldrush')], at, {
        inside: async (database, entries) => {
          await database.knex('notices').insert({ seq: entries[0]!.seq });
          if (fails) throw new Error('full');
        },
      });
    await assert.rejects(queue(true), /full/);
    assert.deepEqual(await rows(ledger.database, 'select seq from notices'), []);
    assert.equal((await head(ledger)).seq, 0);
    assert.deepEqual(await openIncidents(ledger, 'stats'), []);
    assert.equal(readHead(ledger.headFile!), null);
    await queue(false);
    assert.deepEqual(await rows(ledger.database, 'select seq from notices'), [{ seq: 1 }]);
  });

  const refusals: [string, string][] = [
    ['update', `update entries set body = '{}' where seq = 1`],
    ['delete', 'delete from entries where seq = 1'],
    kind === 'postgres'
      ? ['truncate', 'truncate entries']
      : ['replace', `insert or replace into entries select * from entries where seq = 1`],
  ];
  for (const [name, statement] of refusals)
    test(`the entries table refuses ${name}`, async (t) => {
      const { ledger } = await freshLedger(t, kind);
      const entries = await fill(ledger);
      await assert.rejects(ledger.database.knex.raw(statement), /the ledger only grows/);
      assert.deepEqual(await readEntries(ledger, { limit: 100 }), entries);
    });

  test('several processes append at once without a hole', {
    skip: skipWithoutConnections(kind),
  }, async (t) => {
    const place = await freshPlace(t, kind);
    await Promise.all(['one', 'two', 'three', 'four'].map((name) => child('append', place, name)));
    const ledger = await openLedger({ ...place, fold: testFold });
    const { count, problems } = await verifyChain(ledger);
    await closeLedger(ledger);
    assert.deepEqual({ count, problems }, { count: 200, problems: [] });
    assert.deepEqual(readdirSync(place.dataDir), ['head.json']);
  });

  test('a database that rolls back by itself in the middle of an append, as SQLite does, leaves nothing behind', {
    skip: kind === 'postgres' && 'ends the transaction and takes nothing more in it',
  }, async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await fill(ledger);
    const before = await listIncidents(ledger, { limit: 100 });
    await rows(
      ledger.database,
      `create trigger full before insert on entries when new.seq = 13
       begin select raise(rollback, 'disk I/O error'); end`,
    );
    const drafts = ['a', 'b', 'c', 'd', 'e'].map((key) => draft('found', key));
    await assert.rejects(append(ledger, drafts, at), /disk I\/O error/);
    assert.deepEqual(await listIncidents(ledger, { limit: 100 }), before);
    assert.equal((await head(ledger)).seq, 10);
    await rows(ledger.database, 'drop trigger full');
    await append(ledger, drafts, at);
    assert.deepEqual((await verifyChain(ledger)).problems, []);
  });

  test('a process that is killed while it appends leaves nothing behind', async (t) => {
    const place = await freshPlace(t, kind);
    await assert.rejects(child('append-and-die', place));
    const ledger = await openLedger({ ...place, fold: testFold });
    await append(ledger, [draft('found', 'goldrush')], at);
    const { count, problems } = await verifyChain(ledger);
    await closeLedger(ledger);
    assert.deepEqual({ count, problems }, { count: 1, problems: [] });
  });
});
