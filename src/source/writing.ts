import { type Refusal, Refused } from '../core/refusal.ts';
import { type Database, isLockTimeout, transact } from '../database.ts';
import { messageOf } from '../errors.ts';
import { limitWaiting } from './locks.ts';

/** What a repair or a revert came to. A refusal left the source as it was. */
export type Written = { written: true } | { written: false; refusal: Refusal };

/** Points at which a test may kill the process: after the writes, before the commit. */
export type BeforeCommit = () => void | Promise<void>;

/** Runs writes in one transaction that gives up on a lock after two seconds, and turns refusals into values. */
export async function writing(
  database: Database,
  work: (inside: Database) => Promise<void>,
): Promise<Written> {
  try {
    await transact(database, async (inside) => {
      await limitWaiting(inside);
      await work(inside);
    });
    return { written: true };
  } catch (thrown) {
    if (thrown instanceof Refused) return { written: false, refusal: thrown.refusal };
    if (isLockTimeout(thrown))
      return {
        written: false,
        refusal: {
          reason: 'busy',
          because: 'somebody else holds a lock on these rows; tried again next run',
        },
      };
    if (isRejection(thrown))
      return { written: false, refusal: { reason: 'rejected', because: messageOf(thrown) } };
    throw thrown;
  }
}

/** The database refused these values or this role: nothing was written, and other repairs may still go well. */
function isRejection(thrown: unknown): boolean {
  return /^(22|23|42|SQLITE_CONSTRAINT|SQLITE_READONLY)/.test(
    String((thrown as { code?: unknown }).code ?? ''),
  );
}
