import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import type { Json } from '../../src/core/model.ts';
import { append } from '../../src/ledger/append.ts';
import { canonicalText, isCanonical } from '../../src/ledger/canonical.ts';
import {
  checkLink,
  type Entry,
  emptyHead,
  entryHash,
  linkEntries,
  withBody,
} from '../../src/ledger/chain.ts';
import { spellUnhashed, withHashes } from '../../src/ledger/digests.ts';
import { eachEntry } from '../../src/ledger/entries.ts';
import { incidentToRow } from '../../src/ledger/incidents.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { emptyProjections, project } from '../../src/ledger/projections.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { compareProjections } from '../../src/ledger/verify-projections.ts';
import { forEachDatabase } from '../databases.ts';
import { at, draft, freshLedger, testFold } from './ledgers.ts';

/** What may be a name: plain ones, numbers, which an object holds first, and what is special to JavaScript. */
const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom(
    'a',
    'b',
    'body',
    '0',
    '10',
    '9',
    '4294967295',
    '-1',
    '01',
    '__proto__',
    'toString',
    '\ufb33',
    '\u{1f600}',
    '\\ud',
    '',
  ),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('"', '\\', '\\ud800', '\u0000', '\u001f', '\u2028', '\u007f', '\ud800', '\udc00x', 'ä📥'),
);
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(-0, 1e21, 1e-7, 2 ** 53, 2 ** 53 - 1, 0.1 + 0.2),
);
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    number,
    fc.constantFrom(null, true, false, undefined),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 6 }),
    fc.dictionary(fc.string({ minLength: 2, maxLength: 3 }), fc.nat(9), { minKeys: 33, maxKeys: 40 }),
  ),
}));

/** As it was: one walk that refuses, then the library. */
function plainText(value: unknown): string {
  const refuse = (item: unknown): void => {
    if (item === null || typeof item === 'string' || typeof item === 'boolean') return;
    if (typeof item === 'number') {
      if (Number.isFinite(item) && (!Number.isInteger(item) || Number.isSafeInteger(item))) return;
    } else if (typeof item === 'object') {
      for (const one of Array.isArray(item) ? [...item] : Object.values(item)) refuse(one);
      return;
    }
    throw new TypeError('inexact');
  };
  refuse(value);
  return canonicalize(value)!;
}

const orThrown = <T>(work: () => T): T | 'thrown' => {
  try {
    return work();
  } catch {
    return 'thrown';
  }
};

test('canonicalText() spells and refuses what the library does, and isCanonical() knows it (property)', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const plain = orThrown(() => plainText(value));
      assert.equal(
        orThrown(() => canonicalText(value as Json)),
        plain,
      );
      const spelled = orThrown(() => JSON.stringify(value)) ?? 'null';
      for (const one of [plain, spelled, spelled.replace(':', ': '), spelled.replace('e', '\\u0065')]) {
        const parsed = orThrown(() => JSON.parse(one) as Json);
        if (parsed === 'thrown') continue;
        assert.equal(
          orThrown(() => isCanonical(one, parsed)),
          orThrown(() => plainText(parsed) === one),
          one,
        );
      }
    }),
    { numRuns: 5_000, verbose: true },
  );
});

const hex = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');

test('a body is spelled with the hashes of its members as one that had them (property)', () => {
  const object = fc.dictionary(name, anyValue, { maxKeys: 6 }) as fc.Arbitrary<{ [name: string]: Json }>;
  const digests = fc.dictionary(name, fc.nat(5), { maxKeys: 3 });
  fc.assert(
    fc.property(object, digests, (body, of) => {
      const members = Object.keys(body).filter((one) => !Object.hasOwn(of, one));
      fc.pre(members.length > 0);
      const hashed = Object.entries(of).map(([one, nth]) => [one, members[nth % members.length]!] as const);
      const whole = () => {
        const own = hashed.map(([one, member]) => [one, hex(plainText(body[member]))] as const);
        return plainText(Object.fromEntries([...Object.entries(body), ...own]));
      };
      assert.equal(
        orThrown(() => withHashes(spellUnhashed(body, Object.fromEntries(hashed)))),
        orThrown(whole),
      );
    }),
    { numRuns: 2_000 },
  );
});

test('a hash of a member that is not there is refused', () =>
  assert.throws(() => spellUnhashed({ a: 1 }, { hash: 'changes' })));

/** As it was: the canonical JSON of one object. */
function plainHash({ seq, at: time, kind, source, key, body, prevHash }: Entry): string {
  const document = plainText({ seq, at: time, kind, source, key, body: JSON.parse(body) as Json });
  return hex(prevHash + document);
}

test('the document that is put together is the canonical JSON of the entry (property)', () => {
  fc.assert(
    fc.property(anyValue, text, text, text, (body, kind, source, key) => {
      const linked = orThrown(() => linkEntries(emptyHead, [{ kind, source, key, body: body as Json }], at));
      const plain = orThrown(() => {
        const entry = {
          seq: 1,
          at,
          kind,
          source,
          key,
          body: plainText(body),
          prevHash: emptyHead.hash,
          hash: '',
        };
        return { ...entry, hash: plainHash(entry) };
      });
      assert.deepEqual(linked === 'thrown' ? linked : linked[0], plain);
      if (linked === 'thrown') return;
      assert.equal(entryHash(linked[0]!), linked[0]!.hash);
      assert.equal(checkLink(emptyHead, linked[0]!), null);
    }),
    { numRuns: 3_000, verbose: true },
  );
});

/** As it was: everything is folded in memory, and then compared. */
async function plainProjections(ledger: Ledger) {
  const fresh = emptyProjections();
  for await (const entry of eachEntry(ledger))
    project(testFold, fresh, withBody(entry, JSON.parse(entry.body) as Json));
  return await compareProjections(ledger, fresh);
}

const keys = ['a', 'b', 'c', 'd'];
const step = fc.record({
  kind: fc.constantFrom('found', 'note', 'closed', 'repair.started', 'run'),
  key: fc.constantFrom(...keys, ''),
});
type Change = { key: string; to: 'gone' | 'stale' | 'open' | 'other' | 'moved' };
const change: fc.Arbitrary<Change> = fc.record({
  key: fc.constantFrom(...keys),
  to: fc.constantFrom('gone', 'stale', 'open', 'other', 'moved'),
});

/** Makes of a stored incident what no entry says; `stale` is what it was before its last entry. */
async function falsify(ledger: Ledger, { key, to }: Change): Promise<void> {
  const table = () => ledger.database.knex('incidents').where({ key });
  if (to === 'gone') await table().delete();
  if (to === 'open') await table().update({ is_open: 7 });
  if (to === 'other') await table().update({ state: '{}' });
  if (to === 'moved') await table().update({ id: 1_000 + key.charCodeAt(0) });
  if (to !== 'stale') return;
  const fresh = emptyProjections();
  const own: Entry[] = [];
  for await (const entry of eachEntry(ledger, { key })) own.push(entry);
  for (const entry of own.slice(0, -1))
    project(testFold, fresh, withBody(entry, JSON.parse(entry.body) as Json));
  for (const incident of fresh.incidents.values()) {
    const { is_open, last_seq, state } = incidentToRow(incident);
    await table().update({ is_open, last_seq, state });
  }
}

forEachDatabase('verifyChain() while it reads', (kind) => {
  test('finds what is found where everything is in memory (property)', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const guards =
      kind === 'postgres'
        ? ['alter table entries disable trigger user']
        : ['stay_equal', 'stay', 'are_new'].map((guard) => `drop trigger entries_${guard}`);
    for (const statement of guards) await ledger.database.knex.raw(statement);
    const alone = { ...ledger, headFile: null };
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.array(change, { maxLength: 2 }),
        async (steps, changes) => {
          for (const table of ['entries', 'incidents', 'open_repairs'])
            await ledger.database.knex(table).delete();
          await append(
            alone,
            steps.map(({ kind: what, key }) => draft(what, key)),
            at,
          );
          assert.deepEqual((await verifyChain(alone)).problems, []);
          for (const one of changes) await falsify(ledger, one);
          const hashes: string[] = [];
          const { problems, count } = await verifyChain(alone, { each: (hash) => hashes.push(hash) });
          assert.deepEqual(problems, await plainProjections(alone));
          assert.deepEqual([count, hashes.length], [steps.length, steps.length]);
        },
      ),
      { numRuns: 60, verbose: true },
    );
  });

  test('entries are stored as they were made, whatever they hold', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const odd = ['"', '\\', "'", '?', '$1', '{}', 'a\tb\nc', '\u2028', 'ä📥', '\u007f', '\\u0000', ''];
    const drafts = odd.map((item, at) => ({
      ...draft(item, `${item}${at}`, { [item]: `${item}\u0000` }),
      source: item,
    }));
    const made = await append(ledger, drafts, at);
    const stored: Entry[] = [];
    for await (const entry of eachEntry(ledger)) stored.push(entry);
    assert.deepEqual(stored, made);
  });
});
