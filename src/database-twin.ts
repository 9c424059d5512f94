import { setImmediate } from 'node:timers/promises';
import { closeDatabase, type Database, type Reader, readerOf, rows, snapshot } from './database.ts';

/*
 * Two connections that see one moment, so that two processes of a server can look through a long history
 * (docs/decisions/0022). SQLite, which works in the thread that asks it, has none.
 */

/** A second connection, and the moment that it sees. */
interface Twin {
  second: Database;
  moment: string;
}

/** Opens a second connection and has it export its moment. */
async function openTwin(database: Database): Promise<Twin> {
  const second = await database.another!();
  try {
    await rows(second, 'begin transaction isolation level repeatable read read only');
    const [exported] = await rows<{ moment: string }>(second, 'select pg_export_snapshot() as moment');
    const { moment } = exported!;
    // No place for a value is taken where it is used: what it is has to be plain.
    if (!/^[\dA-F-]+$/.test(moment)) throw new Error(`a moment named ${moment} cannot be taken over`);
    return { second, moment };
  } catch (thrown) {
    await closeDatabase(second);
    throw thrown;
  }
}

/**
 * A snapshot with a twin: `inside.twin` sees what `inside` sees, and answers at the same time. Without one on SQLite, and where
 * the server takes no second connection or leads it elsewhere: a twin saves time, and nothing depends on it.
 */
export async function snapshotOfTwo<T>(
  database: Database,
  work: (inside: Database) => Promise<T>,
): Promise<T> {
  if (database.dialect === 'sqlite' || database.another === undefined) return snapshot(database, work);
  const twin = await openTwin(database).catch(() => null);
  if (twin === null) return snapshot(database, work);
  let isRefused = false;
  try {
    return await snapshot(database, async (inside) => {
      await rows(inside, `set transaction snapshot '${twin.moment}'`).catch((thrown) => {
        isRefused = true;
        throw thrown;
      });
      return await work({ ...inside, twin: readerOf(twin.second) });
    });
  } catch (thrown) {
    if (!isRefused) throw thrown;
    return await snapshot(database, work);
  } finally {
    await closeDatabase(twin.second);
  }
}

type Piece = (reader: Reader) => Promise<void>;

/**
 * Has work done by both connections of a snapshot, or by the one that there is: whichever has time takes the next piece. A
 * piece that the twin does not finish is done once more by the first connection.
 */
export async function shareOut(database: Database, work: readonly Piece[]): Promise<void> {
  const left = new Set(work);
  const untaken = work.values();
  const take = async (reader: Reader, pieces: Iterable<Piece>) => {
    for (const piece of pieces) {
      await piece(reader);
      left.delete(piece);
      // Others get their turn: SQLite has kept this thread at work.
      await setImmediate();
    }
  };
  const { twin } = database;
  const helped = Promise.allSettled(twin === undefined ? [] : [take(twin, untaken)]);
  const own = readerOf(database);
  await take(own, untaken);
  await helped;
  await take(own, left);
}
