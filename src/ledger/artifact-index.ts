import { z } from 'zod';
import { chunks, type Database, rows } from '../database.ts';

/*
 * What artifacts said when they were last read, so that the next run needs not read them again. Nothing rests on it: it
 * may be emptied at any time, and no entry of the ledger speaks of it.
 */

/** Which file of a source's places; `endUnix` stands in its name too. */
export interface IndexKey {
  directory: string;
  endUnix: number;
  name: string;
}

/** What a file said: `stamp` is its state then, `artifact` what was read, packed. */
export interface IndexRow extends IndexKey {
  stamp: string;
  artifact: string;
}

const indexRow = z.object({ end_unix: z.int(), name: z.string(), stamp: z.string(), artifact: z.string() });

/** Rows that are in memory at a time. */
const pageSize = 500;

/** The rows of a directory whose rounds ended in a range, half-open, some hundred at a time; by end and name. */
export async function* indexedPages(
  database: Database,
  of: { source: string; directory: string; range: { fromUnix: number; toUnix: number } },
): AsyncGenerator<IndexRow[]> {
  const { source, directory, range } = of;
  for (let after: Pick<IndexRow, 'endUnix' | 'name'> = { endUnix: range.fromUnix, name: '' }; ; ) {
    const found = await rows(
      database,
      `select end_unix, name, stamp, artifact from artifact_index
       where source = ? and directory = ? and (end_unix, name) > (?, ?) and end_unix < ?
       order by end_unix, name limit ${pageSize}`,
      [source, directory, after.endUnix, after.name, range.toUnix],
    );
    const page = found.map((row): IndexRow => {
      const { end_unix: endUnix, name, stamp, artifact } = indexRow.parse(row);
      return { directory, endUnix, name, stamp, artifact };
    });
    yield page;
    if (page.length < pageSize) return;
    after = page.at(-1)!;
  }
}

/** Stores what files said, some hundred in a statement; what was known of them before is replaced. */
export async function saveIndexed(
  database: Database,
  source: string,
  indexed: readonly IndexRow[],
): Promise<void> {
  for (const piece of chunks(indexed)) {
    const places = piece.map(() => '(?, ?, ?, ?, ?, ?)').join(', ');
    const values = piece.flatMap(({ directory, endUnix, name, stamp, artifact }) => [
      source,
      directory,
      endUnix,
      name,
      stamp,
      artifact,
    ]);
    await rows(
      database,
      `insert into artifact_index (source, directory, end_unix, name, stamp, artifact) values ${places}
       on conflict (source, directory, end_unix, name)
       do update set stamp = excluded.stamp, artifact = excluded.artifact`,
      values,
    );
  }
}

/** Forgets files that are there no more. */
export async function forgetIndexed(
  database: Database,
  source: string,
  gone: readonly IndexKey[],
): Promise<void> {
  for (const piece of chunks(gone)) {
    const places = piece.map(() => '(?, cast(? as bigint), ?)').join(', ');
    const values = piece.flatMap(({ directory, endUnix, name }) => [directory, endUnix, name]);
    await rows(
      database,
      `delete from artifact_index where source = ? and (directory, end_unix, name) in (values ${places})`,
      [source, ...values],
    );
  }
}
