import { setImmediate } from 'node:timers/promises';
import type { Database } from '../database.ts';
import { valueRows } from '../database-prepared.ts';

/** How something is read page by page: what comes after a number by which it ascends, up to `size` of it. */
export interface Paging<T> {
  size: number;
  read(after: number): Promise<T[]>;
  numberOf(item: T): number;
  /** So many pages are asked for before they are due: whoever is asked reads while others are looked at. */
  ahead: number;
}

/** All items, page by page. Pages after the next one are asked for as if the numbers had no holes; if they have, anew. */
export async function* eachPage<T>({ size, read, numberOf, ahead }: Paging<T>): AsyncGenerator<T[]> {
  let asked: { after: number; page: Promise<T[]> }[] = [];
  const ask = (after: number) => {
    const page = read(after);
    // Whoever stops before it is looked at has another failure to tell.
    page.catch(() => undefined);
    asked.push({ after, page });
  };
  const askAhead = (after: number, count: number) => {
    if (asked[0]?.after !== after) asked = [];
    while (asked.length < count) ask(asked.length === 0 ? after : asked.at(-1)!.after + size);
  };
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    askAhead(after, 1);
    const page = await asked.shift()!.page;
    const isLast = page.length < size;
    if (!isLast) {
      after = numberOf(page.at(-1)!);
      askAhead(after, ahead);
    }
    // What was asked is on its way before the work begins; and SQLite, which answers at once, holds up no timer.
    await setImmediate();
    if (page.length > 0) yield page;
    if (isLast) return;
  }
}

/** Which rows are read: lists of the values of `columns`, of which the first is a number that ascends. */
export interface TablePages {
  table: 'entries' | 'incidents';
  columns: readonly string[];
  size: number;
}

/** A page of rows. Binds the number after which it begins. */
export const pageSql = ({ table, columns: [by, ...more], size }: TablePages): string =>
  `select ${[by, ...more]} from ${table} where ${by} > ? order by ${by} limit ${size}`;

/** All rows of a table. SQLite reads in this thread: there a page is gone when the next one is read. */
export function pagesOf(database: Database, pages: TablePages): Paging<unknown[]> {
  const sql = pageSql(pages);
  return {
    size: pages.size,
    read: (after) => valueRows(database, sql, [after]),
    numberOf: ([number]) => number as number,
    ahead: database.dialect === 'postgres' ? 1 : 0,
  };
}
