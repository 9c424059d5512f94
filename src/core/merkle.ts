import { sha256 } from '@noble/hashes/sha2.js';

/**
 * The Merkle tree hash of RFC 6962 (section 2.1, as RFC 9162 words it), in which `DATA[0]` is the oldest leaf.
 * Trees are never held: a walk over the leaves keeps one hash for each bit of their number. Sizes are whole
 * numbers up to 2^53 - 1, so nothing here may use the operators on bits, which end at 32.
 */

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

function hashTogether(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The hash of one leaf: its prefix keeps it from ever being taken for a node. */
export const leafHash = (data: Uint8Array): Uint8Array => hashTogether(leafPrefix, data);

/** The hash of the node above two subtrees. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  hashTogether(nodePrefix, left, right);

/** The root of the tree without leaves. */
export const emptyRoot: Uint8Array = hashTogether();

/** True where both hold the same bytes. Not for secrets: it takes longer, the more is equal. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** A tree as far as it has grown: the roots of its perfect subtrees, the largest first, at most 53. */
export interface Frontier {
  size: number;
  roots: Uint8Array[];
}

/** The tree without leaves. */
export const emptyFrontier = (): Frontier => ({ size: 0, roots: [] });

/** Adds the next leaf, given by its `leafHash`, in place. */
export function addLeaf(frontier: Frontier, leaf: Uint8Array): void {
  let whole = leaf;
  for (let size = frontier.size; size % 2 === 1; size = (size - 1) / 2)
    whole = nodeHash(frontier.roots.pop()!, whole);
  frontier.roots.push(whole);
  frontier.size += 1;
}

/** The root of the tree as far as it has grown. */
export function rootOf({ roots }: Frontier): Uint8Array {
  return roots.length === 0 ? emptyRoot : roots.reduceRight((right, left) => nodeHash(left, right));
}

/** The roots of the same tree at several sizes, from one walk over its leaves. */
export interface PrefixWalk {
  add(leaf: Uint8Array): void;
  /** How many leaves were added. */
  size(): number;
  /** The root of the first `size` leaves; null where that size was not asked for, or not reached. */
  rootAt(size: number): Uint8Array | null;
}

/** Begins a walk that remembers the roots at these sizes. */
export function walkPrefixes(sizes: Iterable<number>): PrefixWalk {
  const asked = new Set(sizes);
  const frontier = emptyFrontier();
  const roots = new Map<number, Uint8Array>();
  const look = () => {
    if (asked.has(frontier.size)) roots.set(frontier.size, rootOf(frontier));
  };
  look();
  return {
    add(leaf) {
      addLeaf(frontier, leaf);
      look();
    },
    size: () => frontier.size,
    rootAt: (size) => roots.get(size) ?? null,
  };
}

/** Leaves by their index, half-open. In a proof each one is a subtree, whose root is one hash of the proof. */
export interface LeafRange {
  from: number;
  to: number;
}

/** The largest power of two below `count`, which is at least 2: where RFC 6962 splits a tree. */
function splitOf(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

/** The subtrees whose roots prove that the leaf `index` is in the tree of `size` leaves; the leaf's sibling first. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  assertSizes(0 <= index && index < size, [index, size]);
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    ranges.unshift(index < middle ? { from: middle, to } : { from, to: middle });
    if (index < middle) to = middle;
    else from = middle;
  }
  return ranges;
}

/** The subtrees whose roots prove that the tree of `size` leaves begins with that of `oldSize`, in the RFC's order. */
export function consistencyRanges(oldSize: number, size: number): LeafRange[] {
  assertSizes(0 < oldSize && oldSize <= size, [oldSize, size]);
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to !== oldSize) {
    const middle = from + splitOf(to - from);
    ranges.unshift(oldSize <= middle ? { from: middle, to } : { from, to: middle });
    if (oldSize <= middle) to = middle;
    else from = middle;
  }
  // Who checks knows the root of the old tree already, where that is a subtree of its own.
  return from === 0 ? ranges : [{ from, to }, ...ranges];
}

function assertSizes(holds: boolean, sizes: readonly number[]): void {
  if (!holds || !sizes.every(Number.isSafeInteger))
    throw new RangeError(`there is no proof between ${sizes.join(' and ')} leaves`);
}

/** The roots of several subtrees that share no leaf, from one walk over the leaves of the tree. */
export interface RangeWalk {
  add(leaf: Uint8Array): void;
  /** In the order in which the ranges were asked for. */
  roots(): Uint8Array[];
}

/** Begins a walk over the leaves from the first one on. */
export function walkRanges(ranges: readonly LeafRange[]): RangeWalk {
  const parts = ranges.map((range) => ({ ...range, frontier: emptyFrontier() }));
  const inOrder = [...parts].sort((a, b) => a.from - b.from);
  let [at, next] = [0, 0];
  return {
    add(leaf) {
      const part = inOrder[next];
      if (part !== undefined && at >= part.from) addLeaf(part.frontier, leaf);
      at += 1;
      if (part !== undefined && at >= part.to) next += 1;
    },
    roots: () => parts.map(({ frontier }) => rootOf(frontier)),
  };
}

/** A tree head: how many leaves, and their root. */
export interface TreeHead {
  size: number;
  root: Uint8Array;
}

/**
 * True where `proof` shows that the leaf with that hash is number `index`, counted from 0, of the tree (RFC 9162,
 * section 2.1.3.2). Takes anything and never throws.
 */
export function verifyInclusion(
  tree: TreeHead,
  { index, leaf }: { index: number; leaf: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= tree.size) return false;
  let [place, last] = [index, tree.size - 1];
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(sibling, hash);
      [place, last] = upToRightChild(place, last);
    } else hash = nodeHash(hash, sibling);
    [place, last] = above(place, last);
  }
  return last === 0 && sameBytes(hash, tree.root);
}

const above = (place: number, last: number): [number, number] => [
  Math.floor(place / 2),
  Math.floor(last / 2),
];

/** Climbs while the node stands alone at the right edge, where a level adds no hash. */
function upToRightChild(place: number, last: number): [number, number] {
  let [p, l] = [place, last];
  while (p % 2 === 0 && p !== 0) [p, l] = above(p, l);
  return [p, l];
}

/**
 * True where `proof` shows that the tree `now` begins with the leaves of `old` (RFC 9162, section 2.1.4.2). Every
 * tree begins with the empty one. Takes anything and never throws.
 */
export function verifyConsistency(old: TreeHead, now: TreeHead, proof: readonly Uint8Array[]): boolean {
  if (old.size > now.size) return false;
  if (old.size === now.size) return proof.length === 0 && sameBytes(old.root, now.root);
  if (old.size === 0) return proof.length === 0 && sameBytes(old.root, emptyRoot);
  let [place, last] = [old.size - 1, now.size - 1];
  while (place % 2 === 1) [place, last] = above(place, last);
  const path = place === 0 ? [old.root, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined || proof.length === 0) return false;
  let [oldHash, hash] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      oldHash = nodeHash(sibling, oldHash);
      hash = nodeHash(sibling, hash);
      [place, last] = upToRightChild(place, last);
    } else hash = nodeHash(hash, sibling);
    [place, last] = above(place, last);
  }
  return last === 0 && sameBytes(oldHash, old.root) && sameBytes(hash, now.root);
}
