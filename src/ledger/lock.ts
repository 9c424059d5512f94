import { type Database, limitTransaction } from '../database.ts';

/** The first half of the advisory keys that are ours ("RW"); the second says what is locked. */
const ours = 0x5257;
const locks = { migrate: 1, append: 2 };
const defaultSchema = 'roundwarden';

/**
 * Makes every other process that wants the same lock wait until the transaction `inside` ends; waits for it so many seconds
 * at most. On SQLite the transaction itself is that lock: it is IMMEDIATE.
 */
export async function lockLedger(
  inside: Database,
  lock: keyof typeof locks,
  { seconds = 15 }: { seconds?: number } = {},
): Promise<void> {
  await limitTransaction(inside, seconds);
  if (inside.dialect === 'sqlite') return;
  const { schema = defaultSchema } = inside;
  // Ledgers in other schemas of one database do not wait for each other.
  if (schema === defaultSchema)
    await inside.knex.raw('select pg_advisory_xact_lock(?, ?)', [ours, locks[lock]]);
  else await inside.knex.raw('select pg_advisory_xact_lock(?, hashtext(?))', [ours, `${schema} ${lock}`]);
}

/** A transaction on the ledger waits 15 s for a lock at most. */
export const limitLedger = (inside: Database) => limitTransaction(inside, 15);
