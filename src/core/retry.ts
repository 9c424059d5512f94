import type { Refusal } from './incident.ts';

const firstWaitMinutes = 15;
const longestWaitMinutes = 24 * 60;
/** What the database itself refuses; every other refusal is about a moment that has passed. */
const forGood: ReadonlySet<string> = new Set(['rejected', 'not_as_planned']);

/**
 * Whether a repair that was refused for good may be tried again: at once where its rows have changed, else
 * after a time that doubles, so that a row which the database never takes does not fill the ledger.
 */
export function mayTryAgain(refusal: Refusal | null, hash: string, nowMs: number): boolean {
  if (refusal === null || refusal.hash !== hash || !forGood.has(refusal.reason)) return true;
  const waitMinutes = Math.min(longestWaitMinutes, firstWaitMinutes * 2 ** (refusal.times - 1));
  return nowMs - Date.parse(refusal.at) >= waitMinutes * 60_000;
}
