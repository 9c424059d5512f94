import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../../src/core/model.ts';
import { canonicalText } from '../../src/ledger/canonical.ts';
import { checkLink, emptyHead, entryHash, linkEntries } from '../../src/ledger/chain.ts';
import { at, draft } from './ledgers.ts';

const spellings: [Json, string][] = [
  [null, 'null'],
  [{ b: 1, a: [true, false, null] }, '{"a":[true,false,null],"b":1}'],
  [{ ä: 'ö', a: 'z', Z: 1 }, '{"Z":1,"a":"z","ä":"ö"}'],
  [{ '\u{1f600}': 1, '\ufb33': 2 }, '{"\u{1f600}":1,"\ufb33":2}'],
  ['\u0000\u001f"\\/\n', '"\\u0000\\u001f\\"\\\\/\\n"'],
  [[0, -0, 1.5, 1e-7, 0.1 + 0.2], '[0,0,1.5,1e-7,0.30000000000000004]'],
  [2 ** 53 - 1, '9007199254740991'],
  [JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
  [{}, '{}'],
];

test('canonicalText() gives each value its one spelling', () => {
  for (const [value, text] of spellings) assert.equal(canonicalText(value), text);
});

const refused: [string, unknown][] = [
  ['NaN', Number.NaN],
  ['infinity', [Number.POSITIVE_INFINITY]],
  ['undefined', { a: undefined }],
  ['a hole', [undefined]],
  ['an integer beyond 2^53', { id: 2 ** 53 }],
  ['a huge integer', -1e300],
  ['a bigint', 1n],
  ['a date', new Date(0)],
  ['a function', () => 1],
  ['a lone surrogate', '\ud800'],
];

test('canonicalText() refuses what JSON cannot hold exactly', () => {
  for (const [name, value] of refused) assert.throws(() => canonicalText(value as Json), name);
  assert.throws(() => canonicalText({ rows: [{ id: 2 ** 60 }] }), /value\.rows\[0\]\.id/);
});

test('canonicalText() is read back as the same value and does not depend on the order of names', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const exact = JSON.parse(JSON.stringify(value), (_, item) => exactNumber(item)) as Json;
      const text = canonicalText(exact);
      assert.equal(canonicalText(JSON.parse(text)), text);
      assert.deepEqual(JSON.parse(text), exact);
    }),
  );
});

function exactNumber(value: unknown): unknown {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? String(value) : value;
}

test('an entry is hashed over the hash before it and one canonical document', () => {
  const [entry] = linkEntries(emptyHead, [draft('found', 'goldrush', { b: 'ä', a: 1 })], at);
  const document = `{"at":"${at}","body":{"a":1,"b":"ä"},"key":"goldrush","kind":"found","seq":1,"source":"stats"}`;
  const expected = createHash('sha256')
    .update('0'.repeat(64) + document, 'utf8')
    .digest('hex');
  assert.equal(entry?.hash, expected);
  assert.equal(entryHash(entry!), expected);
});

test('a member that is the digest of another one stands in the body as it is spelled (property)', () => {
  const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
  const value = fc
    .jsonValue({ maxDepth: 3 })
    .map((made) => JSON.parse(JSON.stringify(made), (_, item) => exactNumber(item)) as Json);
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('a', 'changes', 'hash', 'run', 'ä'), value),
      value,
      (more, changes) => {
        const body = { ...more, changes };
        const [entry] = linkEntries(
          emptyHead,
          [{ ...draft('x', 'k', body), digests: { hash: 'changes' } }],
          at,
        );
        const whole = { ...body, hash: sha256(canonicalText(changes)) };
        assert.equal(entry!.body, canonicalText(whole));
        assert.equal(entryHash(entry!), entry!.hash);
      },
    ),
  );
});

test('linkEntries() continues the chain and refuses a time that is not UTC with milliseconds', () => {
  const entries = linkEntries({ seq: 6, hash: 'f'.repeat(64) }, [draft('a', 'k'), draft('b', 'k')], at);
  assert.deepEqual(
    entries.map(({ seq, prevHash }) => ({ seq, prevHash })),
    [
      { seq: 7, prevHash: 'f'.repeat(64) },
      { seq: 8, prevHash: entries[0]!.hash },
    ],
  );
  for (const wrong of ['2026-02-14T20:00:00Z', '2026-02-14 20:00:00.000', '2026-02-14T20:00:00.000+01:00'])
    assert.throws(() => linkEntries(emptyHead, [draft('a', 'k')], wrong), /UTC/);
});

test('checkLink() says what is wrong with an entry', () => {
  const [first, second] = linkEntries(emptyHead, [draft('a', 'k'), draft('b', 'k')], at);
  const cases: [object, RegExp | null][] = [
    [{}, null],
    [{ seq: 3 }, /hole/],
    [{ prevHash: '1'.repeat(64) }, /does not continue/],
    [{ kind: 'c' }, /was changed/],
    [{ body: '{ }' }, /not canonical/],
    [{ body: '{' }, /cannot be hashed/],
    [{ body: '{"a":1,"a":2}' }, /not canonical/],
    [{ body: '12345678901234567890' }, /cannot be hashed/],
    [{ body: '['.repeat(100_000) + ']'.repeat(100_000) }, /cannot be hashed/],
    [{ at: 'yesterday' }, /UTC/],
  ];
  for (const [change, expected] of cases) {
    const problem = checkLink(first!, { ...second!, ...change });
    if (expected === null) assert.equal(problem, null);
    else assert.match(problem ?? '', expected);
  }
});
