/**
 * Canonical JSON (RFC 8785) of a value without anything unusual, all numbers in which are allowed; else null. Written
 * straight into one text, by what is remembered of the names of objects: rows are many, and have the same ones.
 */
export function spellUsual(value: unknown, allows: (number: number) => boolean): string | null {
  switch (typeof value) {
    case 'string':
      return spellText(value);
    case 'number':
      return allows(value) ? `${value}` : null;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return spellList(value, allows);
      return Object.getPrototypeOf(value) === Object.prototype
        ? spellObject(value as Record<string, unknown>, allows)
        : null;
    default:
      return null;
  }
}

/** Characters that JSON escapes, and halves of pairs, which may stand alone. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them.
const special = /["\\\u0000-\u001f\ud800-\udfff]/;

function spellText(text: string): string | null {
  if (!special.test(text)) return `"${text}"`;
  return text.isWellFormed() ? JSON.stringify(text) : null;
}

function spellList(list: readonly unknown[], allows: (number: number) => boolean): string | null {
  let text = '[';
  // By their places: what a list leaves out is no value, and unusual.
  for (let at = 0; at < list.length; at++) {
    const item = spellUsual(list[at], allows);
    if (item === null) return null;
    text += at === 0 ? item : `,${item}`;
  }
  return `${text}]`;
}

function spellObject(object: Record<string, unknown>, allows: (number: number) => boolean): string | null {
  const shape = shapeOf(Object.keys(object));
  if (shape === null) return null;
  const { sorted, before } = shape;
  let text = '{';
  for (let at = 0; at < sorted.length; at++) {
    const item = spellUsual(object[sorted[at]!], allows);
    if (item === null) return null;
    text += before[at]! + item;
  }
  return `${text}}`;
}

/** The names of an object as it has them, in order, and each as it stands before its value. */
export interface Shape {
  names: readonly string[];
  sorted: readonly string[];
  before: readonly string[];
  /** Each stands in JSON as it is, each character in one byte. */
  isPlain: boolean;
}

/** By the number of names. What has many names, or stands where there are many shapes, is worked out each time. */
const shapes = new Map<number, Shape[]>();
const mostNames = 64;
const mostShapes = 32;

/** Whether a text stands in JSON as it is, each character in one byte. */
export const isPlainText = (text: string) => /^[ !#-[\]-~]*$/.test(text);

/** Null where a name is unusual: one that is not well-formed, and `toJSON`, which has a meaning of its own. */
export function shapeOf(names: readonly string[]): Shape | null {
  const alike = shapes.get(names.length) ?? [];
  for (const shape of alike) if (hasNames(shape, names)) return shape;
  if (names.some((name) => name === 'toJSON' || !name.isWellFormed())) return null;
  // By their UTF-16 units, as RFC 8785 wants them.
  const sorted = [...names].sort();
  const before = sorted.map((name, at) => `${at === 0 ? '' : ','}${JSON.stringify(name)}:`);
  const shape = { names, sorted, before, isPlain: names.every(isPlainText) };
  if (names.length <= mostNames && alike.length < mostShapes) shapes.set(names.length, [...alike, shape]);
  return shape;
}

function hasNames(shape: Shape, names: readonly string[]): boolean {
  for (let at = 0; at < names.length; at++) if (shape.names[at] !== names[at]) return false;
  return true;
}
