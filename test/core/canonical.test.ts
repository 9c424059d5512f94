import assert from 'node:assert/strict';
import { test } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import {
  advisoryLockKey,
  canonicalJson,
  canonicalRoundId,
  hashOf,
  sameJson,
} from '../../src/core/canonical.ts';
import type { Json } from '../../src/core/model.ts';

test("advisoryLockKey() gives the live pipeline's keys (DOMAIN, section 4)", () => {
  assert.equal(advisoryLockKey('supply', 2, 1770843050), 3468189130674762689n);
  assert.equal(advisoryLockKey('te_escape2', 1, 1771969065), 4385433345188225751n);
});

test('advisoryLockKey() trims and lower-cases the map, as the pipeline does, and strips no colour codes', () => {
  assert.equal(advisoryLockKey('  Supply ', 2, 1770843050), 3468189130674762689n);
  assert.notEqual(advisoryLockKey('^1supply', 2, 1770843050), 3468189130674762689n);
});

test('advisoryLockKey() is a signed 64-bit number and differs by map, number and start', () => {
  const keys = new Set<bigint>();
  for (const map of ['supply', 'goldrush'])
    for (const number of [1, 2]) for (const start of [1, 2, 3]) keys.add(advisoryLockKey(map, number, start));
  assert.equal(keys.size, 12);
  for (const key of keys) assert.equal(BigInt.asIntN(64, key), key);
});

test("canonicalRoundId() gives the pipeline's ids (DOMAIN, section 4)", () => {
  assert.equal(canonicalRoundId(1770843050, 'supply', 2), 'cbc1d1c5d2df0235');
  assert.equal(canonicalRoundId(1771969065, 'te_escape2', 1), 'e39142451aed3430');
  assert.equal(canonicalRoundId(1770843050, ' ^1Supply^7 ', 2), 'cbc1d1c5d2df0235');
});

test('hashOf() does not depend on the order of keys, but on every value', () => {
  assert.equal(hashOf({ b: [1, null], a: 'ž' }), hashOf({ a: 'ž', b: [1, null] }));
  assert.notEqual(hashOf({ a: 1 }), hashOf({ a: '1' }));
  assert.notEqual(hashOf([1, 2]), hashOf([2, 1]));
  assert.equal(hashOf({}), '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
});

test('canonicalJson() is JSON that says the same', () => {
  const anyJson = fc.jsonValue();
  fc.assert(
    fc.property(anyJson, (value) => {
      const text = canonicalJson(value as never);
      assert.equal(canonicalJson(JSON.parse(text)), text);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 500 },
  );
});

/** Names that engines order or treat in their own way, and values that are seldom. */
const anyJson = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }) as fc.Arbitrary<Json>;
const oddName = fc.constantFrom('10', '9', '1a', '__proto__', 'toJSON', 'é', '😀', '', 'b', 'a', 'A');
const oddJson = fc.oneof(anyJson, fc.dictionary(oddName, anyJson, { maxKeys: 6 }) as fc.Arbitrary<Json>);

test('canonicalJson() spells every value as the library does, and refuses what it refuses', () => {
  const spelled = (spell: (value: Json) => unknown, value: Json) => {
    try {
      return spell(value);
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };
  fc.assert(
    fc.property(oddJson, (value) =>
      assert.equal(spelled(canonicalJson, value), spelled(canonicalize as typeof canonicalJson, value)),
    ),
  );
  for (const value of [
    -0,
    1e21,
    1e-7,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '\ud800',
    { a: '\udc00' },
    '\u2028',
  ])
    assert.equal(spelled(canonicalJson, value), spelled(canonicalize as typeof canonicalJson, value));
});

test('sameJson() says whether the canonical spellings are the same', () => {
  const pair = fc.oneof(
    fc.tuple(oddJson, oddJson),
    oddJson.map((value): [Json, Json] => [value, structuredClone(value)]),
    fc.tuple(oddJson, oddJson).map(([one, other]): [Json, Json] => [
      { a: one, b: other },
      { b: other, a: one },
    ]),
  );
  fc.assert(
    fc.property(pair, ([one, other]) =>
      assert.equal(sameJson(one, other), canonicalize(one) === canonicalize(other)),
    ),
  );
});

test('canonicalJson() spells objects of the same names in any order, and of more kinds than it remembers', () => {
  const names = Array.from({ length: 60 }, (_, at) => `name${at}`);
  const few = fc.shuffledSubarray(names, { minLength: 3, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(few, { maxLength: 200 }), (all) => {
      const objects = all.map((some) => Object.fromEntries(some.map((one, at) => [one, at])));
      assert.equal(canonicalJson(objects), canonicalize(objects));
    }),
  );
});
