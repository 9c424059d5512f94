import canonicalize from 'canonicalize';
import type { Json } from '../core/model.ts';
import { isPlainText, spellUsual } from '../core/spelling.ts';

/**
 * The one spelling of a JSON value (RFC 8785). Throws on what JSON cannot hold exactly: NaN, infinity,
 * undefined, objects with a class, lone surrogates, and integers beyond 2^53, which must be text already.
 */
export function canonicalText(value: Json): string {
  if (typeof value === 'string' && isPlainText(value)) return `"${value}"`;
  const spelled = spellUsual(value, isExact);
  if (spelled !== null) return spelled;
  refuseInexact(value, 'value');
  return canonicalize(value)!;
}

/** Whether `text` is the canonical text of `value`, which was parsed from it. Throws where canonicalText() does. */
export function isCanonical(text: string, value: Json): boolean {
  if (isInOrder(value) && !mayHoldLoneSurrogate(text) && JSON.stringify(value) === text) return true;
  return canonicalText(value) === text;
}

/** JSON.stringify escapes them, RFC 8785 refuses them; an escaped backslash before `ud` looks the same, and is looked at. */
const mayHoldLoneSurrogate = (text: string) => text.includes('\\ud');

/** Whether a parsed value has all its names in order, and only numbers that are exact. */
function isInOrder(value: Json): boolean {
  if (typeof value === 'number') return isExact(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  const names = Object.keys(value);
  for (let at = 0; at < names.length; at++) {
    if (at > 0 && names[at - 1]! > names[at]!) return false;
    if (!isInOrder(value[names[at]!]!)) return false;
  }
  return true;
}

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
