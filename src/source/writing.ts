import { type Refusal, Refused } from '../core/refusal.ts';
import { type Database, isLockTimeout, transact } from '../database.ts';
import { messageOf, OperationError } from '../errors.ts';
import { limitWaiting } from './locks.ts';

/** What a repair or a revert came to. A refusal left the source as it was. */
export type Written = { written: true } | { written: false; refusal: Refusal };

/** Called after the writes, before the commit; what it throws rolls them back. */
export type BeforeCommit = () => void | Promise<void>;

/**
 * Runs writes in one transaction that gives up on a lock after two seconds, and turns refusals into values. What
 * `work` says in an OperationError is no refusal of the source, and is thrown on.
 */
export async function writing(
  database: Database,
  work: (inside: Database) => Promise<void>,
): Promise<Written> {
  try {
    await transactWriting(database, work);
    return { written: true };
  } catch (thrown) {
    return { written: false, refusal: refusalOf(thrown) };
  }
}

/** One transaction that gives up on a lock after two seconds. */
export function transactWriting<T>(database: Database, work: (inside: Database) => Promise<T>): Promise<T> {
  return transact(database, async (inside) => {
    await limitWaiting(inside);
    return work(inside);
  });
}

/** What was thrown, as the refusal that it is; throws it on where it is none. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof OperationError) throw thrown;
  if (thrown instanceof Refused) return thrown.refusal;
  if (isLockTimeout(thrown))
    return { reason: 'busy', because: 'somebody else holds a lock on these rows; tried again next run' };
  if (isRejection(thrown)) return { reason: 'rejected', because: messageOf(thrown) };
  throw thrown;
}

/** Whether the database answered that it will not do what it was asked, so that nothing of it was done. */
export const isAnswered = (thrown: unknown): boolean => isLockTimeout(thrown) || isRejection(thrown);

/**
 * The database refused these values or this role, is read-only, or gave up on the statement: nothing was written, and
 * the rest of the run may still go well.
 */
function isRejection(thrown: unknown): boolean {
  return /^(22|23|25006|42|57014|SQLITE_CONSTRAINT|SQLITE_READONLY)/.test(
    String((thrown as { code?: unknown }).code ?? ''),
  );
}
