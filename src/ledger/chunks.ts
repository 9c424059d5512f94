const chunkSize = 500;

/** The items in pieces that one statement can bind. None where there are no items. */
export function chunks<T>(items: readonly T[]): T[][] {
  const pieces: T[][] = [];
  for (let from = 0; from < items.length; from += chunkSize) pieces.push(items.slice(from, from + chunkSize));
  return pieces;
}
