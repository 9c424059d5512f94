const [comma, minus, zero] = [44, 45, 48];

/**
 * The whole numbers of a text in which they are separated by commas, so many at most; a million of them make no million
 * texts.
 */
export function wholeNumbers(list: string | null, most: number): Float64Array {
  const numbers = new Float64Array(most);
  if (list === null) return numbers.subarray(0, 0);
  let [at, number, sign] = [0, 0, 1];
  for (let index = 0; index < list.length; index++) {
    const character = list.charCodeAt(index);
    if (character >= zero) number = number * 10 + character - zero;
    else if (character === minus) sign = -1;
    else if (character === comma) {
      numbers[at++] = sign * number;
      [number, sign] = [0, 1];
    }
  }
  numbers[at++] = sign * number;
  return numbers.subarray(0, at);
}

/** How many numbers follow a greater one. */
function lateOnes(numbers: Float64Array): number {
  let [late, greatest] = [0, Number.NEGATIVE_INFINITY];
  for (let at = 0; at < numbers.length; at++)
    if (numbers[at]! < greatest) late++;
    else greatest = numbers[at]!;
  return late;
}

/**
 * Sorts numbers in place, ascending. Where most are in order, as rows come in the order of play, only those that follow a
 * greater one are sorted, and merged into the others.
 */
export function sortNearlySorted(numbers: Float64Array): Float64Array {
  const late = new Float64Array(lateOnes(numbers));
  if (late.length > numbers.length / 8) return numbers.sort();
  let [kept, left, greatest] = [0, 0, Number.NEGATIVE_INFINITY];
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at]!;
    if (number < greatest) late[left++] = number;
    else numbers[kept++] = greatest = number;
  }
  late.sort();
  // From the end on: what is not yet merged stands before the place that is written.
  for (let at = numbers.length - 1; left > 0; at--)
    numbers[at] = kept > 0 && numbers[kept - 1]! > late[left - 1]! ? numbers[--kept]! : late[--left]!;
  return numbers;
}

/** A row of an answer. */
export type Found = Record<string, unknown>;

/** A text of an answer, or null. */
export const textOf = (found: Found, column: string) =>
  found[column] == null ? null : String(found[column]);
