import type { Entry } from './chain.ts';

/** The columns of `entries`, in the order in which the whole ledger is read. */
export const entryColumns = ['seq', 'at', 'kind', 'source', 'key', 'body', 'prev_hash', 'hash'] as const;

type Values = [number, string, string, string, string, string, string, string];

/**
 * The entry in a row of `entries` that is a list of what is in `entryColumns`, or null where a column is missing or of
 * another type. By hand: the whole ledger is read through it.
 */
export function entryOfValues(row: readonly unknown[]): Entry | null {
  const [seq, at, kind, source, key, body, prevHash, hash] = row as readonly unknown[] as Values;
  if (!Number.isSafeInteger(seq)) return null;
  for (let column = 1; column < entryColumns.length; column++)
    if (typeof row[column] !== 'string') return null;
  return { seq, at, kind, source, key, body, prevHash, hash };
}

/** An entry as such a list. */
export function valuesOfEntry({ seq, at, kind, source, key, body, prevHash, hash }: Entry): Values {
  return [seq, at, kind, source, key, body, prevHash, hash];
}
