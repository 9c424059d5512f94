import { setImmediate } from 'node:timers/promises';
import type { Database } from '../database.ts';
import { valueRows } from '../database-prepared.ts';

/** Which rows are read: lists of the values of `columns`, of which the first is a number that ascends. */
export interface Pages {
  table: 'entries' | 'incidents';
  columns: readonly string[];
  size: number;
}

/**
 * All rows of a table, page by page. A server is asked for the next page before this one is given, so that it reads
 * while what it sent is looked at. SQLite reads in this process: there a page is gone when the next one is read.
 */
export async function* eachPage(database: Database, pages: Pages): AsyncGenerator<unknown[][]> {
  const { table, columns, size } = pages;
  const [by] = columns;
  const sql = `select ${columns} from ${table} where ${by} > ? order by ${by} limit ${size}`;
  const read = (after: unknown) => {
    const page = valueRows(database, sql, [after]);
    // Whoever stops before it is looked at has another failure to tell.
    page.catch(() => undefined);
    return page;
  };
  const readsAhead = database.dialect === 'postgres';
  let next: Promise<unknown[][]> | null = null;
  for (let after: unknown = Number.MIN_SAFE_INTEGER; ; ) {
    const page: unknown[][] = await (next ?? read(after));
    after = page.at(-1)?.[0];
    const isLast: boolean = page.length < size;
    next = readsAhead && !isLast ? read(after) : null;
    // What was asked is on its way before the work begins; and SQLite, which answers at once, holds up no timer.
    await setImmediate();
    if (page.length > 0) yield page;
    if (isLast) return;
  }
}
