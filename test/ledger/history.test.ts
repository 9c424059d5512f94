import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { rows } from '../../src/database.ts';
import { append } from '../../src/ledger/append.ts';
import type { Entry } from '../../src/ledger/chain.ts';
import { eachEntry, lastPlaceEntries } from '../../src/ledger/entries.ts';
import { incidentsByKeys } from '../../src/ledger/incidents.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { isHeld } from '../../src/ledger/migrations.ts';
import { forEachDatabase } from '../databases.ts';
import { at, draft, freshLedger } from './ledgers.ts';

/** The last entry on each place by reading all of them, as reports did before: the reference. */
async function byReadingAll(ledger: Ledger, source: string): Promise<Entry[]> {
  const last = new Map<string, Entry>();
  for await (const entry of eachEntry(ledger, { source, kinds: ['place.unreadable', 'place.readable'] }))
    last.set(entry.key, entry);
  return [...last.values()];
}

const someDrafts = fc.array(
  fc.record({
    kind: fc.constantFrom('place.unreadable', 'place.readable', 'note'),
    source: fc.constantFrom('stats', 'other'),
    key: fc.constantFrom('place:a', 'place:b', 'place:c', 'place:d'),
  }),
  { minLength: 1, maxLength: 12 },
);

forEachDatabase('a long history', (kind) => {
  test('has the same last word on each place as all of its entries, in the same order', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await fc.assert(
      fc.asyncProperty(someDrafts, async (drafts) => {
        await append(
          ledger,
          drafts.map(({ kind: said, source, key }) => ({ ...draft(said, key), source })),
          at,
        );
        for (const source of ['stats', 'other', 'nobody'])
          assert.deepEqual(await lastPlaceEntries(ledger, source), await byReadingAll(ledger, source));
      }),
      { numRuns: 25, verbose: 1 },
    );
  });

  test('is not read from its beginning to know what is asked at each audit and report', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    if (kind !== 'sqlite') return;
    const planOf = async (sql: string) => {
      const plan = await rows<{ detail: string }>(ledger.database, `explain query plan ${sql}`);
      return plan.map(({ detail }) => detail).join('; ');
    };
    const places = `select min(seq), max(seq) from entries
      where source = ? and kind in ('place.unreadable', 'place.readable') group by key`;
    assert.match(await planOf(places.replace('?', `'a'`)), /COVERING INDEX entries_of_places/);
    const bare = `select id from runs where started_at < 'a' and not state = 'running' and summary is not null
      order by started_at limit 100`;
    assert.match(await planOf(bare), /runs_with_summary/);
    const waiting = 'select state, count(*), min(created_at) from outbox group by state';
    assert.match(await planOf(waiting), /COVERING INDEX outbox_by_age/);
    const held = `select id from incidents where source = 'a' and ${isHeld} order by id`;
    assert.match(await planOf(held), /held_incidents/);
  });

  test('has its incidents looked up by their keys, also where it has just grown and nobody has counted it', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const { knex, dialect } = ledger.database;
    await knex.raw(
      `insert into incidents (source, key, id, is_open, last_seq, state)
       with recursive many (n) as (select 1 union all select n + 1 from many where n < 60000)
       select 'stats', 'map|' || n, n, 1, n, '{"held":null,"note":"a text as long as many are"}' from many`,
    );
    const asked: { sql: string; bindings: Knex.RawBinding[] }[] = [];
    knex.on('query', (query) => asked.push(query));
    const keys = Array.from({ length: 400 }, (_, n) => `map|${100 * n + 1}`);
    const found = await incidentsByKeys(ledger, 'stats', [...keys, keys[0]!]);
    assert.deepEqual(
      found.map(({ key }) => key),
      keys,
    );
    if (dialect === 'sqlite') return;
    const [{ sql, bindings }] = asked as [(typeof asked)[0]];
    const plan = await knex.raw(`explain ${sql.replaceAll(/\$\d/g, '?')}`, bindings);
    const text = JSON.stringify(plan.rows);
    assert.match(text, /Index Cond: \(\(source = 'stats'::text\) AND \(key = /);
    assert.doesNotMatch(text, /Seq Scan on incidents|Filter: \(key/);
  });
});
