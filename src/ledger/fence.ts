import { OperationError } from '../errors.ts';
import { holderText, readLease } from './lease.ts';
import type { Ledger } from './ledger.ts';

/** Whether the run that this ledger was opened for has its lease still; see assertFence(). */
export async function hasFence({ database, fence }: Ledger, options: { share: boolean }): Promise<boolean> {
  return fence === undefined || (await readLease(database, fence.name, options))?.token === fence.token;
}

/**
 * Throws an OperationError where the run that this ledger was opened for has lost its lease. Does nothing for those
 * who hold none. Inside a transaction with `share`, nobody takes the lease before that transaction has ended.
 */
export async function assertFence(ledger: Ledger, options: { share: boolean }): Promise<void> {
  if (ledger.fence === undefined) return;
  const { name, number, token } = ledger.fence;
  const lease = await readLease(ledger.database, name, options);
  if (lease?.token === token) return;
  if (lease === null || lease.fence <= number)
    throw new OperationError(
      `the lease of this run, number ${number}, is not in the ledger ${ledger.database.label} any more: it was given back, or an older ledger was put in place; this run writes nothing more`,
    );
  throw new OperationError(
    `${holderText(lease)} took over at ${lease.acquiredAt}, with number ${lease.fence} after this run's ${number}: the lease of this run had ended before it was prolonged; this run writes nothing more`,
  );
}
