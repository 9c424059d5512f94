/** The whole numbers of a text in which they are separated by commas; a million of them make no million texts. */
export function wholeNumbers(list: string | null, count: number): Float64Array {
  const numbers = new Float64Array(count);
  if (list === null) return numbers;
  let [at, number, sign] = [0, 0, 1];
  for (let index = 0; index <= list.length; index++) {
    const character = index === list.length ? 44 : list.charCodeAt(index);
    if (character === 45) sign = -1;
    else if (character !== 44) number = number * 10 + character - 48;
    else {
      numbers[at++] = sign * number;
      [number, sign] = [0, 1];
    }
  }
  return numbers;
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

/** A list of ids of an answer. */
export function idsOf(found: Found, column: string): number[] {
  const text = textOf(found, column);
  return text === null ? [] : text.split(',').map(Number);
}
