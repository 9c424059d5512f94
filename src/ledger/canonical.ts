import canonicalize from 'canonicalize';
import type { Json } from '../core/model.ts';
import { isPlainText, spellUsual } from '../core/spelling.ts';

/**
 * The one spelling of a JSON value (RFC 8785). Throws on what JSON cannot hold exactly: NaN, infinity,
 * undefined, objects with a class, lone surrogates, and integers beyond 2^53, which must be text already.
 */
export function canonicalText(value: Json): string {
  if (typeof value === 'string' && isPlainText(value)) return `"${value}"`;
  if (isInOrder(value)) return JSON.stringify(value);
  const spelled = spellUsual(value, isExact);
  if (spelled !== null) return spelled;
  refuseInexact(value, 'value');
  return canonicalize(value)!;
}

/** Whether `text` is the canonical text of `value`, which was parsed from it. Throws where canonicalText() does. */
export const isCanonical = (text: string, value: Json): boolean => canonicalText(value) === text;

/** Whether JSON.stringify() spells a value canonically: every name in its order, and nothing that is unusual. */
function isInOrder(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
    case 'number':
      return isExact(value);
    case 'boolean':
      return true;
    case 'object':
      if (value === null) return true;
      if (Array.isArray(value)) return isListInOrder(value);
      return Object.getPrototypeOf(value) === Object.prototype && isObjectInOrder(value);
    default:
      return false;
  }
}

function isListInOrder(list: readonly unknown[]): boolean {
  // By their places: what a list leaves out is no value.
  for (let at = 0; at < list.length; at++) if (!isInOrder(list[at])) return false;
  return true;
}

function isObjectInOrder(object: object): boolean {
  let last = '';
  for (const name in object) {
    if (name < last || !name.isWellFormed()) return false;
    last = name;
  }
  for (const name in object) if (!isInOrder((object as Record<string, unknown>)[name])) return false;
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
