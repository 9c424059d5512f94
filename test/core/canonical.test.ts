import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { advisoryLockKey, canonicalJson, canonicalRoundId, hashOf } from '../../src/core/canonical.ts';

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
