import type { Database } from '../database.ts';

/** The first half of the advisory keys that are ours ("RW"); the second says what is locked. */
const ours = 0x5257;
const locks = { migrate: 1, append: 2 };

/**
 * Makes every other process that wants the same lock wait until the transaction `inside` ends, 15 s at most.
 * On SQLite the transaction itself is that lock: it is IMMEDIATE.
 */
export async function lockLedger(inside: Database, lock: keyof typeof locks): Promise<void> {
  await limitTransaction(inside);
  if (inside.dialect === 'postgres')
    await inside.knex.raw('select pg_advisory_xact_lock(?, ?)', [ours, locks[lock]]);
}

/**
 * A transaction on the ledger waits 15 s for a lock at most, and is ended by the server where its process stands
 * still in the middle of it for 30 s: others must be able to take over. SQLite has a limit of 5 s for waiting.
 */
export async function limitTransaction(inside: Database): Promise<void> {
  if (inside.dialect === 'sqlite') return;
  await inside.knex.raw(
    `select set_config('lock_timeout', '15s', true), set_config('idle_in_transaction_session_timeout', '30s', true)`,
  );
}
