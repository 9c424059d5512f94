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
