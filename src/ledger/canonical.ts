import canonicalize from 'canonicalize';
import { isInOrder, mayHoldLoneSurrogate, type Spelled, spellUsual } from '../core/canonical.ts';
import type { Json } from '../core/model.ts';

/**
 * The one spelling of a JSON value (RFC 8785). Throws on what JSON cannot hold exactly: NaN, infinity,
 * undefined, objects with a class, lone surrogates, and integers beyond 2^53, which must be text already.
 */
export function canonicalText(value: Json): string {
  if (typeof value === 'string' && isPlainText(value)) return `"${value}"`;
  return spellUsual(value, isExact)?.text ?? spellUnusual(value);
}

/** The same, with the value that it spells: parsed from it, or with the names in order as if it were. */
export function canonicalSpelling(value: Json): Spelled<Json> {
  const spelled = spellUsual(value, isExact);
  if (spelled !== null) return spelled;
  const text = spellUnusual(value);
  return { text, ordered: JSON.parse(text) as Json };
}

function spellUnusual(value: Json): string {
  refuseInexact(value, 'value');
  return canonicalize(value)!;
}

/** Whether `text` is the canonical text of `value`, which was parsed from it. Throws where canonicalText() does. */
export function isCanonical(text: string, value: Json): boolean {
  if (isInOrder(value, isExact) && !mayHoldLoneSurrogate(text) && JSON.stringify(value) === text) return true;
  return canonicalText(value) === text;
}

/** Whether a text stands in JSON as it is, each character in one byte. */
export const isPlainText = (text: string) => /^[ !#-[\]-~]*$/.test(text);

/** Whether JSON holds a number exactly. */
export const isExact = (value: number) =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));

function refuseInexact(value: unknown, path: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (isExact(value)) return;
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseInexact(item, `${path}[${index}]`);
    return;
  } else if (isPlainObject(value)) {
    for (const [name, item] of Object.entries(value)) refuseInexact(item, `${path}.${name}`);
    return;
  }
  throw new TypeError(`cannot write ${path} as canonical JSON: ${String(value)} (${typeof value})`);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
