import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  addLeaf,
  consistencyRanges,
  emptyFrontier,
  inclusionRanges,
  type LeafRange,
  leafHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  walkPrefixes,
  walkRanges,
} from '../../src/core/merkle.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const fromHex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** The definitions of RFC 6962, section 2.1, word for word, over another SHA-256. */
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  const n = leaves.length;
  if (n === 0) return sha256();
  if (n === 1) return sha256(Uint8Array.of(0), leaves[0]!);
  const k = largestPower(n);
  return sha256(Uint8Array.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

function largestPower(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

function path(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  const n = leaves.length;
  if (n === 1) return [];
  const k = largestPower(n);
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))];
}

function subproof(m: number, leaves: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  const n = leaves.length;
  if (m === n) return whole ? [] : [mth(leaves)];
  const k = largestPower(n);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), whole), mth(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
}

function rootOfLeaves(leaves: readonly Uint8Array[]): Uint8Array {
  const frontier = emptyFrontier();
  for (const leaf of leaves) addLeaf(frontier, leafHash(leaf));
  return rootOf(frontier);
}

function rootsOfRanges(ranges: readonly LeafRange[], leaves: readonly Uint8Array[]): Uint8Array[] {
  const walk = walkRanges(ranges);
  for (const leaf of leaves) walk.add(leafHash(leaf));
  return walk.roots();
}

const inclusionProof = (index: number, leaves: readonly Uint8Array[]) =>
  rootsOfRanges(inclusionRanges(index, leaves.length), leaves);
const consistencyProof = (old: number, leaves: readonly Uint8Array[]) =>
  rootsOfRanges(consistencyRanges(old, leaves.length), leaves);

/** The eight leaves by which implementations of Certificate Transparency are compared, and their trees. */
const known = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const knownLeaves = known.map(fromHex);
const knownRoots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const a = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7';
const b = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e';
const c = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4';
const d = 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b';
const e = 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0';

describe('the known trees of Certificate Transparency', () => {
  test('have the roots that were published, from none to eight leaves', () => {
    for (const [size, root] of knownRoots.entries())
      assert.equal(hex(rootOfLeaves(knownLeaves.slice(0, size))), root, `${size} leaves`);
  });

  const paths: readonly [number, number, string[]][] = [
    [0, 1, []],
    [0, 8, [a, b, c]],
    [5, 8, [d, e, knownRoots[4]!]],
    [2, 3, [knownRoots[2]!]],
    [1, 5, [knownRoots[1]!, b, d]],
  ];
  for (const [index, size, proof] of paths)
    test(`have the published proof of leaf ${index} among ${size}`, () => {
      assert.deepEqual(inclusionProof(index, knownLeaves.slice(0, size)).map(hex), proof);
      const tree = { size, root: fromHex(knownRoots[size]!) };
      const leaf = leafHash(knownLeaves[index]!);
      assert.equal(verifyInclusion(tree, { index, leaf }, proof.map(fromHex)), true);
    });

  const steps: readonly [number, number, string[]][] = [
    [1, 1, []],
    [1, 8, [a, b, c]],
    [6, 8, ['0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a', e, knownRoots[4]!]],
    [2, 5, [b, d]],
  ];
  for (const [old, size, proof] of steps)
    test(`have the published proof from ${old} to ${size} leaves`, () => {
      assert.deepEqual(consistencyProof(old, knownLeaves.slice(0, size)).map(hex), proof);
      const [before, now] = [old, size].map((n) => ({ size: n, root: fromHex(knownRoots[n]!) }));
      assert.equal(verifyConsistency(before!, now!, proof.map(fromHex)), true);
    });
});

describe('a tree of any size', () => {
  const leaves = Array.from({ length: 42 }, (_, index) => sha256(Uint8Array.of(index)));

  test('is that of the recursive definition, and so are all its proofs (every size up to 41)', () => {
    const walk = walkPrefixes(leaves.map((_, size) => size));
    for (const leaf of leaves) walk.add(leafHash(leaf));
    for (let size = 1; size < leaves.length; size += 1) {
      const part = leaves.slice(0, size);
      assert.equal(hex(walk.rootAt(size)!), hex(mth(part)));
      for (let index = 0; index < size; index += 1)
        assert.deepEqual(inclusionProof(index, part), path(index, part), `leaf ${index} of ${size}`);
      for (let old = 1; old <= size; old += 1)
        assert.deepEqual(consistencyProof(old, part), subproof(old, part, true), `${old} to ${size}`);
    }
  });

  test('begins with the empty tree, and knows no root that was not asked for or not reached', () => {
    const walk = walkPrefixes([0, 2, 9]);
    assert.equal(hex(walk.rootAt(0)!), knownRoots[0]);
    for (const leaf of leaves.slice(0, 3)) walk.add(leafHash(leaf));
    assert.equal(walk.size(), 3);
    assert.equal(hex(walk.rootAt(2)!), hex(mth(leaves.slice(0, 2))));
    assert.deepEqual([walk.rootAt(3), walk.rootAt(9)], [null, null]);
  });

  test('keeps one hash for each bit of its size', () => {
    const frontier = emptyFrontier();
    for (const leaf of leaves) addLeaf(frontier, leaf);
    assert.equal(frontier.roots.length, [...leaves.length.toString(2)].filter((bit) => bit === '1').length);
  });

  test('has no proof of what is outside', () => {
    for (const [index, size] of [
      [-1, 3],
      [3, 3],
      [0, 0],
      [0.5, 3],
    ] as const)
      assert.throws(() => inclusionRanges(index, size), RangeError);
    for (const [old, size] of [
      [0, 3],
      [4, 3],
    ] as const)
      assert.throws(() => consistencyRanges(old, size), RangeError);
  });

  const large = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 });

  test('may be larger than 2^32: the ranges still cover all but the leaf, once', () => {
    fc.assert(
      fc.property(large, large, (one, other) => {
        const [index, size] = one < other ? [one, other] : [other, one + 1];
        const ranges = [...inclusionRanges(index, size), { from: index, to: index + 1 }];
        const inOrder = ranges.sort((x, y) => x.from - y.from);
        assert.equal(inOrder[0]!.from, 0);
        assert.equal(inOrder.at(-1)!.to, size);
        for (const [at, range] of inOrder.slice(1).entries()) assert.equal(range.from, inOrder[at]!.to);
        assert.ok(ranges.length <= 54);
      }),
    );
  });
});

/** A tree of leaves that all differ, with a place in it, and one bit of one of the hashes that will be checked. */
const scene = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 130 }).chain((contents) =>
  fc.record({
    leaves: fc.constant(contents.map((content, index) => Uint8Array.of(index, ...content))),
    index: fc.nat(contents.length - 1),
    bit: fc.nat(),
  }),
);

/** Each hash of a claim with that one bit of it flipped, one claim after the other. */
function flips(hashes: readonly Uint8Array[], bit: number): Uint8Array[][] {
  return hashes.map((_, at) =>
    hashes.map((hash, other) => {
      if (other !== at) return hash;
      const flipped = Uint8Array.from(hash);
      const place = bit % (hash.length * 8);
      flipped[place >> 3]! ^= 1 << (place & 7);
      return flipped;
    }),
  );
}

describe('a proof', () => {
  test('of inclusion verifies, and with one bit flipped, one hash more or less, or another place or size does not', () => {
    fc.assert(
      fc.property(scene, ({ leaves, index, bit }) => {
        const size = leaves.length;
        const tree = { size, root: mth(leaves) };
        const at = { index, leaf: leafHash(leaves[index]!) };
        const proof = inclusionProof(index, leaves);
        assert.equal(verifyInclusion(tree, at, proof), true);
        for (const [root, own, ...rest] of flips([tree.root, at.leaf, ...proof], bit))
          assert.equal(verifyInclusion({ size, root: root! }, { index, leaf: own! }, rest), false);
        assert.equal(verifyInclusion(tree, at, [...proof, tree.root]), false);
        if (proof.length > 0) assert.equal(verifyInclusion(tree, at, proof.slice(1)), false);
        for (const wrong of [-1, size, 0.5, Number.NaN])
          assert.equal(verifyInclusion(tree, { ...at, index: wrong }, proof), false);
        for (const other of [index - 1, index + 1])
          assert.equal(verifyInclusion(tree, { ...at, index: other }, proof), false);
        assert.equal(verifyInclusion(tree, { index, leaf: leafHash(leaves[index]!.slice(1)) }, proof), false);
      }),
    );
  });

  test('of consistency verifies, and with one bit flipped, one hash more or less, or sizes swapped does not', () => {
    fc.assert(
      fc.property(scene, ({ leaves, index, bit }) => {
        const old = { size: index + 1, root: mth(leaves.slice(0, index + 1)) };
        const now = { size: leaves.length, root: mth(leaves) };
        const proof = consistencyProof(old.size, leaves);
        assert.equal(verifyConsistency(old, now, proof), true);
        for (const [before, after, ...rest] of flips([old.root, now.root, ...proof], bit))
          assert.equal(verifyConsistency({ ...old, root: before! }, { ...now, root: after! }, rest), false);
        assert.equal(verifyConsistency(old, now, [...proof, now.root]), false);
        if (proof.length > 0) assert.equal(verifyConsistency(old, now, proof.slice(1)), false);
        if (old.size < now.size) assert.equal(verifyConsistency(now, old, proof), false);
      }),
    );
  });

  test('from the empty tree is empty', () => {
    const [empty, now] = [
      { size: 0, root: mth([]) },
      { size: 8, root: fromHex(knownRoots[8]!) },
    ];
    assert.equal(verifyConsistency(empty, now, []), true);
    assert.equal(verifyConsistency(empty, now, [now.root]), false);
    assert.equal(verifyConsistency({ size: 0, root: now.root }, now, []), false);
  });
});
