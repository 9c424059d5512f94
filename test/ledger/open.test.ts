import assert from 'node:assert/strict';
import { existsSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { closeDatabase, describeUrl, openDatabase, rows } from '../../src/database.ts';
import { append } from '../../src/ledger/append.ts';
import { head } from '../../src/ledger/entries.ts';
import { compareHead } from '../../src/ledger/head.ts';
import { acquireLease, workLease } from '../../src/ledger/lease.ts';
import { appliedMigrations, migrate, migrations } from '../../src/ledger/migrations.ts';
import { closeLedger, openLedger } from '../../src/ledger/open.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { forEachDatabase, skipWithoutConnections } from '../databases.ts';
import { at, child, draft, fill, freshLedger, freshPlace, testFold } from './ledgers.ts';

forEachDatabase('openLedger()', (kind) => {
  test('creates a ledger once and finds it again', async (t) => {
    const place = await freshPlace(t, kind);
    for (const seq of [1, 2]) {
      const ledger = await openLedger({ ...place, fold: testFold });
      await append(ledger, [draft('found', 'goldrush')], at);
      assert.equal((await head(ledger)).seq, seq);
      await closeLedger(ledger);
    }
  });

  test('never creates one that is only to be read', async (t) => {
    const place = await freshPlace(t, kind);
    assert.equal(await openLedger({ ...place, fold: testFold, readOnly: true }), null);
    const { path } = describeUrl(place.url);
    if (path !== null) assert.equal(existsSync(path), false);
    const database = await openDatabase(place.url, { create: true });
    await database.knex.raw('create table somebody (id integer)');
    await closeDatabase(database);
    assert.equal(await openLedger({ ...place, fold: testFold, readOnly: true }), null);
  });

  test('reads and verifies without writing', async (t) => {
    const place = await freshPlace(t, kind);
    const writer = await openLedger({ ...place, fold: testFold });
    await fill(writer);
    await closeLedger(writer);
    const reader = await openLedger({ ...place, fold: testFold, readOnly: true });
    assert.ok(reader);
    assert.deepEqual((await verifyChain(reader)).problems, []);
    assert.equal((await compareHead(reader)).state, 'equal');
    await assert.rejects(append(reader, [draft('note', 'goldrush')], at), /read-?only/);
    assert.equal((await head(reader)).seq, 10);
    await closeLedger(reader);
  });

  test('refuses a ledger that a newer version made, and changes nothing', async (t) => {
    const place = await freshPlace(t, kind);
    const ledger = await openLedger({ ...place, fold: testFold });
    await ledger.database.knex('migrations').insert({ name: '999-later', applied_at: '' });
    await closeLedger(ledger);
    for (const readOnly of [false, true])
      await assert.rejects(
        openLedger({ ...place, fold: testFold, readOnly }),
        /made by a newer Roundwarden \(it has 999-later\)/,
      );
  });

  test('asks to be run once where an older version made what is only to be read', async (t) => {
    const place = await freshPlace(t, kind);
    const ledger = await openLedger({ ...place, fold: testFold });
    await ledger.database
      .knex('migrations')
      .where({ name: migrations.at(-1)!.name })
      .delete();
    await closeLedger(ledger);
    await assert.rejects(openLedger({ ...place, fold: testFold, readOnly: true }), /an older Roundwarden/);
  });

  test('a lost ledger beside a head file is not taken for a new one', async (t) => {
    const { ledger, place } = await freshLedger(t, kind);
    await fill(ledger);
    await assert.rejects(
      freshPlaceBeside(t, place.dataDir),
      /there is no ledger in .* that it had entry \d+/,
    );
    const empty = await freshPlaceBeside(t, place.dataDir, { acceptsLoss: true });
    await assert.rejects(append(empty, [draft('found', 'goldrush')], at), /ends at entry 0/);
  });

  test('a ledger whose file is gone or empty is not made anew', { skip: kind !== 'sqlite' }, async (t) => {
    const { ledger, place } = await freshLedger(t, kind);
    await fill(ledger);
    await closeLedger(ledger);
    const path = place.url.slice('sqlite:'.length);
    for (const spoil of [() => truncateSync(path), () => rmSync(path)]) {
      spoil();
      for (const readOnly of [false, true])
        await assert.rejects(
          openLedger({ ...place, fold: testFold, readOnly }),
          /put the last backup in its place/,
        );
    }
    assert.equal(existsSync(path), false);
  });

  test('migrate() costs one query where nothing is missing, and none where it is told so', async (t) => {
    const { database } = (await freshLedger(t, kind)).ledger;
    const applied = await appliedMigrations(database);
    const queries: string[] = [];
    database.knex.on('query', ({ sql }) => queries.push(sql));
    assert.deepEqual(await migrate(database, applied), []);
    assert.equal(queries.length, 0);
    assert.deepEqual(await migrate(database), []);
    assert.equal(queries.length, 1);
  });

  test('a migration that fails leaves nothing half done', async (t) => {
    const place = await freshPlace(t, kind);
    const database = await openDatabase(place.url, { create: true, schema: 'roundwarden' });
    await database.knex.raw('create schema if not exists roundwarden').catch(() => undefined);
    await database.knex.raw('create table leases (id integer)');
    await assert.rejects(migrate(database), /leases/);
    await assert.rejects(rows(database, 'select * from entries'), /entries/);
    await database.knex.raw('drop table leases');
    await migrate(database);
    assert.deepEqual(await rows(database, 'select * from entries'), []);
    await closeDatabase(database);
  });

  test('six processes that create one ledger at once create it once', {
    skip: skipWithoutConnections(kind),
  }, async (t) => {
    const place = await freshPlace(t, kind);
    await Promise.all(Array.from({ length: 6 }, () => child('open', place)));
    const ledger = await openLedger({ ...place, fold: testFold });
    const names = await rows<{ name: string }>(ledger.database, 'select name from migrations order by name');
    await closeLedger(ledger);
    assert.deepEqual(
      names.map(({ name }) => name),
      migrations.map(({ name }) => name),
    );
  });
});

/** Another, empty ledger with the data directory of the first. */
async function freshPlaceBeside(
  t: Parameters<typeof freshPlace>[0],
  dataDir: string,
  options: { acceptsLoss?: boolean } = {},
) {
  const { url } = await freshPlace(t, 'sqlite');
  const ledger = await openLedger({ url, dataDir, fold: testFold, ...options });
  t.after(() => closeLedger(ledger));
  return ledger;
}

test('two ledgers in two schemas of one PostgreSQL have each their own chain, head and lease', async (t) => {
  const place = await freshPlace(t, 'postgres');
  const dataDirs = { one: join(place.dataDir, 'one'), two: join(place.dataDir, 'two') };
  for (const [schema, dataDir] of Object.entries(dataDirs)) {
    const ledger = await openLedger({ url: place.url, schema, dataDir, fold: testFold });
    await append(ledger, [draft('found', `map of ${schema}`)], at);
    assert.equal((await head(ledger)).seq, 1);
    const holder = { host: schema, pid: 1, runId: schema };
    const asked = { name: workLease, holder, nowMs: Date.parse(at), ttlMs: 60_000 };
    const lease = await acquireLease(ledger.database, asked);
    assert.ok(lease.ok && lease.fence === 1);
    assert.equal((await compareHead(ledger)).state, 'equal');
    await closeLedger(ledger);
  }
  const usual = await openLedger({ ...place, fold: testFold, readOnly: true });
  assert.equal(usual, null);
});
