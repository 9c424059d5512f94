import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import {
  closeDatabase,
  type Database,
  type Dialect,
  type Reader,
  readerOf,
  rows,
  snapshot,
} from './database.ts';
import { snapshotOfTwoThreads } from './database-thread.ts';

/*
 * Two connections that see one moment, so that two processors can look through a long history (docs/decisions/0022).
 */

/** A second connection in a transaction, and the moment that it sees. */
interface Twin {
  reader: Reader;
  moment: string;
  close(): Promise<void>;
}

/** Opens a second connection and has it export its moment. It is held: one that is lost is not replaced by another. */
async function openTwin(database: Database): Promise<Twin> {
  const second = await database.another!();
  let held: Knex.Transaction | undefined;
  const close = async () => {
    await held?.rollback().catch(() => undefined);
    await closeDatabase(second);
  };
  try {
    held = await second.knex.transaction({ isolationLevel: 'repeatable read', readOnly: true });
    const inside = { ...second, knex: held };
    const [exported] = await rows<{ moment: string }>(inside, 'select pg_export_snapshot() as moment');
    const { moment } = exported!;
    // No place for a value is taken where it is used: what it is has to be plain.
    if (!/^[\dA-F-]+$/.test(moment)) throw new Error(`a moment named ${moment} cannot be taken over`);
    return { reader: readerOf(inside), moment, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/**
 * A snapshot with a twin: `inside.twin` sees what `inside` sees, and answers at the same time. Without one where the server
 * takes no second connection or leads it elsewhere: a twin saves time, and nothing depends on it.
 */
export async function snapshotOfTwo<T>(
  database: Database,
  work: (inside: Database) => Promise<T>,
): Promise<T> {
  if (database.dialect === 'sqlite') return snapshotOfTwoThreads(database, work);
  if (database.another === undefined) return snapshot(database, work);
  const twin = await openTwin(database).catch(() => null);
  if (twin === null) return snapshot(database, work);
  let isTwo = false;
  try {
    return await snapshot(database, async (inside) => {
      await rows(inside, `set transaction snapshot '${twin.moment}'`);
      isTwo = true;
      return await work({ ...inside, twin: twin.reader });
    });
  } catch (thrown) {
    if (isTwo) throw thrown;
  } finally {
    await twin.close();
  }
  // Nothing was asked yet. Where a pooler has no connection left for the first one, the twin had it.
  return snapshot(database, work);
}

/** A piece of work, by what a connection was prepared to. */
type Piece<P> = (prepared: P) => Promise<void>;

/** So many pieces the twin is given at once: in its thread, it goes on while this one is kept at work by SQLite. */
const piecesAhead: Record<Dialect, number> = { sqlite: 2, postgres: 1 };

/**
 * Has work done by both connections of a snapshot, or by the one that there is: whichever has time takes the next piece. A
 * piece that the twin does not finish is done once more by the first connection. Each connection is prepared once, and both
 * before the first piece is begun: while SQLite keeps this thread at work, the twin's questions would wait.
 */
export async function shareOut<P>(
  database: Database,
  of: { prepare: (reader: Reader) => Promise<P>; work: readonly Piece<P>[] },
): Promise<void> {
  const left = new Set(of.work);
  const untaken = of.work.values();
  const take = async (prepared: P, pieces: Iterable<Piece<P>>) => {
    for (const piece of pieces) {
      await piece(prepared);
      left.delete(piece);
      // Others get their turn: SQLite has kept this thread at work.
      await setImmediate();
    }
  };
  const readers = [readerOf(database), ...(database.twin === undefined ? [] : [database.twin])];
  const [own, other] = await Promise.allSettled(readers.map(of.prepare));
  if (own!.status === 'rejected') throw own!.reason;
  const helping =
    other?.status === 'fulfilled' ? Array<P>(piecesAhead[database.dialect]).fill(other.value) : [];
  const helped = Promise.allSettled(helping.map((prepared) => take(prepared, untaken)));
  try {
    await take(own!.value, untaken);
  } finally {
    // Where the first connection fails, nothing more is begun, and nothing is under way afterwards.
    for (const _ of untaken);
    await helped;
  }
  await take(own!.value, left);
}
