import { setImmediate } from 'node:timers/promises';
import {
  type LeafRange,
  leafHash,
  type PrefixWalk,
  type TreeHead,
  walkPrefixes,
  walkRanges,
} from '../core/merkle.ts';
import { OperationError } from '../errors.ts';
import type { Head } from './chain.ts';
import { eachEntry } from './entries.ts';
import type { Ledger } from './ledger.ts';

/**
 * The tree over a ledger. Leaf `seq - 1` holds the 32 bytes of the entry's hash: that hash covers the entry and,
 * by `prev_hash`, all before it, and whoever has one exported entry can compute it.
 */

/** The hash of the leaf of the entry with that hash (64 hex digits; whatever else a row holds is another leaf). */
export function leafOfEntry(hash: string): Uint8Array {
  const isHash = /^[0-9a-f]{64}$/.test(hash);
  return leafHash(Buffer.from(hash, isHash ? 'hex' : 'utf8'));
}

const pageSize = 5_000;

/** The hashes of the entries 1 to `through`, read in pages. Throws an OperationError where one is not there. */
async function* eachHash(ledger: Ledger, through: number): AsyncGenerator<string> {
  for (let after = 0; after < through; ) {
    const page: Head[] = await ledger.database
      .knex('entries')
      .select('seq', 'hash')
      .where('seq', '>', after)
      .andWhere('seq', '<=', through)
      .orderBy('seq')
      .limit(pageSize);
    for (const { seq, hash } of page) {
      if (seq !== after + 1) throw absent(after + 1);
      yield hash;
      after = seq;
    }
    if (page.length === 0) throw absent(after + 1);
    // SQLite answers at once: without this a long ledger would hold up timers and signals.
    await setImmediate();
  }
}

const absent = (seq: number) =>
  new OperationError(
    `cannot make a checkpoint: entry ${seq} is not in the ledger; run \`roundwarden ledger verify\``,
  );

/** The roots over the first entries at these sizes, none beyond `through`, from one walk over the hashes. */
export async function rootsAt(
  ledger: Ledger,
  sizes: readonly number[],
  through: number,
): Promise<PrefixWalk> {
  const walk = walkPrefixes(sizes);
  for await (const hash of eachHash(ledger, through)) walk.add(leafOfEntry(hash));
  return walk;
}

/** The roots of these subtrees, in their order. */
export async function rootsOfRanges(ledger: Ledger, ranges: readonly LeafRange[]): Promise<Uint8Array[]> {
  const walk = walkRanges(ranges);
  const through = Math.max(0, ...ranges.map(({ to }) => to));
  for await (const hash of eachHash(ledger, through)) walk.add(leafOfEntry(hash));
  return walk.roots();
}

/** What an older tree head and a ledger have to do with each other. */
export type Agreement =
  | { state: 'contained' }
  | { state: 'shorter'; entries: number }
  /** `agreesThrough`: the largest other head, below this one, that the ledger does contain. */
  | { state: 'differs'; agreesThrough: number };

/** What each head and the ledger that was walked have to do with each other, in their order. */
export function compareHeads(heads: readonly TreeHead[], walk: PrefixWalk): Agreement[] {
  const contained = heads.map(({ size, root }) => {
    const own = walk.rootAt(size);
    return own !== null && Buffer.from(own).equals(root);
  });
  return heads.map(({ size }, at) => {
    if (contained[at]) return { state: 'contained' };
    if (size > walk.size()) return { state: 'shorter', entries: walk.size() };
    const below = heads.filter((head, other) => contained[other] && head.size < size);
    return { state: 'differs', agreesThrough: Math.max(0, ...below.map((head) => head.size)) };
  });
}

/** What a person must know of a head that the ledger does not contain, or null. */
export function disagreement({ size }: { size: number }, agreement: Agreement): string | null {
  if (agreement.state === 'contained') return null;
  if (agreement.state === 'shorter')
    return `it vouches for ${size} entries, and the ledger has ${agreement.entries}: its end was cut off, or an older copy was restored`;
  const from = agreement.agreesThrough + 1;
  const where = from === size ? `entry ${size} was` : `one of the entries ${from} to ${size} was`;
  return `the first ${size} entries are not those that it vouches for: ${where} changed, and all hashes after it made to fit`;
}

/** The entry by which a person accepted a restore that lost entries up to `size`, or null. */
export async function acceptedRestore(ledger: Ledger, size: number): Promise<number | null> {
  for await (const { seq, body } of eachEntry(ledger, { kinds: ['ledger.restored'] })) {
    const { headBefore } = JSON.parse(body) as { headBefore?: { seq?: number } | null };
    if (seq <= size && (headBefore?.seq ?? 0) >= size) return seq;
  }
  return null;
}
