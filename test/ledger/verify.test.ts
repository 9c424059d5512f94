import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../src/database.ts';
import { append } from '../../src/ledger/append.ts';
import { type Entry, type Head, linkEntries } from '../../src/ledger/chain.ts';
import { entryToRow, head } from '../../src/ledger/entries.ts';
import type { Helped } from '../../src/ledger/inspect-thread.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { type Verification, verifyChain } from '../../src/ledger/verify.ts';
import { type DatabaseKind, forEachDatabase } from '../databases.ts';
import { at, draft, fill, freshLedger } from './ledgers.ts';

/** What somebody does who owns the database. */
async function dropGuards(database: Database): Promise<void> {
  const statements =
    database.dialect === 'postgres'
      ? ['alter table entries disable trigger user']
      : ['stay_equal', 'stay', 'are_new'].map((name) => `drop trigger entries_${name}`);
  for (const statement of statements) await database.knex.raw(statement);
}

/** `entries` without any constraint, so that a row can hold anything. */
async function dropConstraints(database: Database): Promise<void> {
  await database.knex.raw('create table loose as select * from entries');
  await database.knex.raw('drop table entries');
  await database.knex.raw('alter table loose rename to entries');
}

async function rewriteFrom(ledger: Ledger, entries: readonly Entry[], from: number): Promise<void> {
  const drafts = entries
    .slice(from - 1)
    .map(({ kind, source, key, body }) => ({ kind, source, key, body: JSON.parse(body) }));
  drafts[0]!.body = { forged: true };
  const forged = linkEntries(entries[from - 2]!, drafts, at);
  await ledger.database.knex('entries').where('seq', '>=', from).delete();
  await ledger.database.knex('entries').insert(forged.map(entryToRow));
}

interface Tampering {
  name: string;
  change(ledger: Ledger, entries: readonly Entry[]): Promise<unknown>;
  /** The problems that are found, as `seq: what`. */
  found: RegExp[];
}

const table = (ledger: Ledger) => ledger.database.knex('entries');

const tamperings: Tampering[] = [
  {
    name: 'a changed body',
    change: (ledger) => table(ledger).where({ seq: 8 }).update({ body: '{"text":"2"}' }),
    found: [/^8: entry 8 was changed/],
  },
  {
    name: 'a changed time',
    change: (ledger) => table(ledger).where({ seq: 8 }).update({ at: '2026-02-14T20:00:00.001Z' }),
    found: [/^8: entry 8 was changed/],
  },
  {
    name: 'another spelling of the same body',
    change: (ledger) => table(ledger).where({ seq: 8 }).update({ body: '{"text": "two"}' }),
    found: [/^8: the body of entry 8 is not canonical/],
  },
  {
    name: 'a deleted entry',
    change: (ledger) => table(ledger).where({ seq: 8 }).delete(),
    found: [
      /^9: entry 9 follows entry 8: there is a hole|^9: entry 9 follows entry 7: there is a hole/,
      /adlernest/,
    ],
  },
  {
    name: 'a deleted first entry',
    change: (ledger) => table(ledger).where({ seq: 1 }).delete(),
    found: [/^2: entry 2 follows entry 0: there is a hole/, /goldrush/],
  },
  {
    name: 'two entries that changed places',
    async change(ledger) {
      await table(ledger).where({ seq: 8 }).update({ seq: 99 });
      await table(ledger).where({ seq: 9 }).update({ seq: 8 });
      await table(ledger).where({ seq: 99 }).update({ seq: 9 });
    },
    found: [/^8: entry 8 does not continue entry 7.*was changed/, /^9: .*was changed/, /^10: /],
  },
  {
    name: 'an inserted entry',
    async change(ledger, entries) {
      const [forged] = linkEntries(entries[9]!, [draft('excused', 'adlernest')], at);
      await table(ledger).insert({ ...entryToRow(forged!), hash: 'f'.repeat(64) });
    },
    found: [/^11: entry 11 was changed/],
  },
  {
    name: 'a cut tail',
    change: (ledger) => table(ledger).where('seq', '>', 9).delete(),
    found: [/^10: the ledger is behind what it once was: head.json .* says entry 10 .* ends at entry 9/],
  },
  {
    name: 'everything deleted',
    change: (ledger) => table(ledger).delete(),
    found: [/^10: .*behind/, /incident/, /incident/, /repair/],
  },
  {
    name: 'a history rewritten with hashes that fit',
    change: (ledger, entries) => rewriteFrom(ledger, entries, 8),
    found: [/^10: the ledger has another history than it once had/],
  },
  {
    name: 'an empty column',
    async change(ledger) {
      await dropConstraints(ledger.database);
      await table(ledger).where({ seq: 8 }).update({ body: null });
    },
    found: [/^8: entry 8 is damaged/, /adlernest/],
  },
  {
    name: 'a body that is not JSON',
    change: (ledger) => table(ledger).where({ seq: 8 }).update({ body: '{"text":' }),
    found: [/^8: entry 8 cannot be hashed/],
  },
  {
    name: 'a body of a started repair that the fold cannot read',
    change: (ledger) => table(ledger).where({ seq: 4 }).update({ body: '"' }),
    found: [/^4: entry 4 cannot be hashed/],
  },
  {
    name: 'a row without a number',
    async change(ledger, entries) {
      await dropConstraints(ledger.database);
      await table(ledger).insert({ ...entryToRow(entries[0]!), seq: null });
    },
    found: [/^null: 1 entries have no number of their own/],
  },
  {
    name: 'a row twice',
    async change(ledger, entries) {
      await dropConstraints(ledger.database);
      await table(ledger).insert(entryToRow(entries[9]!));
    },
    found: [/^10: entry 10 follows entry 10/],
  },
  {
    name: 'an incident closed by hand',
    change: (ledger) => ledger.database.knex('incidents').where({ key: 'adlernest' }).update({ is_open: 0 }),
    found: [/^2: the incident "adlernest" of stats differs from its entries in is_open/],
  },
  {
    name: 'an incident with another story',
    change: (ledger) =>
      ledger.database.knex('incidents').where({ id: 1 }).update({ state: '{', last_seq: 4 }),
    found: [/^1: the incident "goldrush" of stats differs from its entries in last_seq, state/],
  },
  {
    name: 'an incident removed',
    change: (ledger) => ledger.database.knex('incidents').where({ id: 1 }).delete(),
    found: [/^1: the incident "goldrush" of stats has entries but is not stored/],
  },
  {
    name: 'an incident made up',
    change: (ledger) =>
      ledger.database
        .knex('incidents')
        .insert({ source: 'stats', key: 'oasis', id: 77, is_open: 1, last_seq: 77, state: '{}' }),
    found: [/^null: the incident "oasis" of stats rests on no entry/],
  },
  {
    name: 'an open repair removed',
    change: (ledger) => ledger.database.knex('open_repairs').delete(),
    found: [/^6: the repair 6 of stats is open, but is not stored so/],
  },
  {
    name: 'an open repair made up',
    change: (ledger) => ledger.database.knex('open_repairs').insert({ seq: 3, source: 'stats' }),
    found: [/^3: the repair 3 of stats is stored as open, but is not/],
  },
];

function assertFound({ problems }: Verification, expected: readonly RegExp[]): void {
  const lines = problems.map(({ seq, what }) => `${seq}: ${what}`);
  for (const pattern of expected)
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `${pattern} is not among\n${lines.join('\n')}`,
    );
}

async function filledLedger(t: Parameters<typeof freshLedger>[0], kind: DatabaseKind) {
  const { ledger } = await freshLedger(t, kind);
  return { ledger, entries: await fill(ledger) };
}

/** Where entries are on SQLite a thread inspects them, of however few there are in these tests. */
const byThread: Helped = { from: 0 };

const ways = (kind: DatabaseKind): [string, Helped | undefined][] =>
  kind === 'sqlite'
    ? [
        ['', undefined],
        [' by a thread', byThread],
      ]
    : [['', undefined]];

forEachDatabase('verifyChain()', (kind) => {
  for (const [by, helped] of ways(kind)) itVerifies(kind, { by, helped });
});

function itVerifies(kind: DatabaseKind, { by, helped }: { by: string; helped: Helped | undefined }) {
  const verify = (ledger: Ledger, options: { anchors?: readonly Head[] } = {}) =>
    verifyChain(ledger, { ...options, helped });

  test(`finds nothing wrong with a ledger as it was written${by}`, async (t) => {
    const { ledger, entries } = await filledLedger(t, kind);
    const { seq, hash } = entries[9]!;
    assert.deepEqual(await verify(ledger), {
      count: 10,
      head: { seq, hash },
      problems: [],
      anchors: [],
      anchoredThrough: null,
    });
  });

  test(`finds nothing wrong with an empty ledger${by}`, async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const { count, problems } = await verify(ledger, { anchors: [] });
    assert.deepEqual({ count, problems }, { count: 0, problems: [] });
  });

  for (const { name, change, found } of tamperings)
    test(`finds ${name}${by}`, async (t) => {
      const { ledger, entries } = await filledLedger(t, kind);
      await dropGuards(ledger.database);
      await change(ledger, entries);
      assertFound(await verify(ledger), found);
    });

  test(`an anchor vouches for the entries up to it, and for no broken chain${by}`, async (t) => {
    const { ledger, entries } = await filledLedger(t, kind);
    const anchors = [entries[3]!, entries[6]!, entries[8]!].map(({ seq, hash }) => ({ seq, hash }));
    const whole = await verify(ledger, { anchors });
    assert.deepEqual(
      whole.anchors.map(({ ok }) => ok),
      [true, true, true],
    );
    assert.equal(whole.anchoredThrough, 9);
    await dropGuards(ledger.database);
    await table(ledger).where({ seq: 6 }).update({ body: '{"forged":true}' });
    assert.equal((await verify(ledger, { anchors })).anchoredThrough, 4);
  });

  test(`an anchor finds a rewritten and a cut history where there is no head file${by}`, async (t) => {
    const { ledger, entries } = await filledLedger(t, kind);
    const alone = { ...ledger, headFile: null };
    const anchors = [entries[5]!, entries[9]!].map(({ seq, hash }) => ({ seq, hash }));
    await dropGuards(ledger.database);
    await rewriteFrom(ledger, entries, 8);
    const rewritten = await verify(alone, { anchors });
    assert.equal(rewritten.anchoredThrough, 6);
    assert.deepEqual(rewritten.problems, []);
    assert.match(rewritten.anchors[1]!.why!, /was rewritten/);
    await table(ledger).where('seq', '>', 7).delete();
    const cut = await verify(alone, { anchors });
    assert.match(cut.anchors[1]!.why!, /entry 10 is gone: the ledger ends at entry 7/);
  });

  test(`lists a thousand problems and counts the rest${by}`, async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await append(
      ledger,
      Array.from({ length: 1500 }, () => draft('run', '')),
      at,
    );
    await dropGuards(ledger.database);
    await table(ledger).update({ kind: 'forged' });
    const { problems } = await verify(ledger);
    assert.equal(problems.length, 1001);
    assert.deepEqual(problems[1000], { seq: null, what: '500 more problems' });
  });

  test(`leaves the ledger ready for the next append${by}`, async (t) => {
    const { ledger } = await filledLedger(t, kind);
    await verify(ledger);
    await append(ledger, [draft('note', 'adlernest')], at);
    assert.equal((await head(ledger)).seq, 11);
  });
}
