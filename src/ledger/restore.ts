import type { Json } from '../core/model.ts';
import { messageOf, OperationError } from '../errors.ts';
import { append } from './append.ts';
import type { Entry } from './chain.ts';
import { compareHead, type HeadComparison, writeHead } from './head.ts';
import type { Ledger } from './ledger.ts';

export interface RestoreDecision {
  reason: string;
  /** Who says so. */
  by: string;
  /** UTC, ISO 8601 with milliseconds. */
  at: string;
}

/**
 * Records that a person accepts a ledger which is behind its head file (or whose head file is damaged), and
 * makes the present head the one that counts. Throws an OperationError where there is nothing to accept.
 */
export async function acceptRestore(ledger: Ledger, decision: RestoreDecision): Promise<Entry> {
  const lost = await whatIsLost(ledger);
  const draft = {
    kind: 'ledger.restored',
    source: '',
    key: '',
    body: { reason: decision.reason, by: decision.by, ...lost },
  };
  const [entry] = await append({ ...ledger, headFile: null }, [draft], decision.at);
  const { seq, hash, at } = entry!;
  if (ledger.headFile !== null) writeHead(ledger.headFile, { seq, hash, count: seq, at });
  return entry!;
}

async function whatIsLost(ledger: Ledger): Promise<{ [name: string]: Json }> {
  let comparison: HeadComparison;
  try {
    comparison = await compareHead(ledger);
  } catch (damage) {
    return { headBefore: null, damage: messageOf(damage) };
  }
  const { state, file } = comparison;
  if (state === 'behind' || state === 'diverged') return { headBefore: file, state };
  throw new OperationError(`there is no restore to accept: the ledger is not behind head.json (${state})`);
}
