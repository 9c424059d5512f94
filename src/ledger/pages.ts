import { setImmediate } from 'node:timers/promises';
import type { Database } from '../database.ts';
import { valueRows } from '../database-prepared.ts';

/** How something is read page by page: what comes after the place of an item, up to `size` of it. */
export interface Paging<T> {
  size: number;
  read(after: unknown): Promise<T[]>;
  /** Reads a page that could not be read so. */
  instead?(after: unknown): Promise<T[]>;
  /** By what items ascend: usually a number. */
  placeOf(item: T): unknown;
  /**
   * So many pages are asked for before they are due: whoever is asked reads while others are looked at. It changes nothing
   * but the time: a page is taken for one place only.
   */
  ahead: number;
}

/** Whether a page that ends at `next` came further than one that ended at `after`. */
const isFurther = (next: unknown, after: unknown) =>
  typeof next !== 'number' || typeof after !== 'number' ? next !== after : next > after;

/**
 * All items, page by page. Pages after the next one are asked for as if numbers had no holes; where they have, anew. Ends
 * where it comes no further: more items than a page has may have one place, and would come again and again.
 */
export async function* eachPage<T>(paging: Paging<T>): AsyncGenerator<T[]> {
  const { size, placeOf, ahead } = paging;
  let requests: { after: unknown; page: Promise<T[]> }[] = [];
  const request = (after: unknown) => {
    const page = paging.read(after);
    // Whoever stops before it is looked at has another failure to tell.
    page.catch(() => undefined);
    requests.push({ after, page });
  };
  const requestFrom = (after: unknown, count: number) => {
    if (requests[0]?.after !== after) requests = [];
    if (requests.length === 0 && count > 0) request(after);
    for (let last = requests.at(-1)?.after; requests.length < count && typeof last === 'number'; ) {
      last += size;
      request(last);
    }
  };
  const take = async (after: unknown) => {
    requestFrom(after, 1);
    const { page } = requests.shift()!;
    return await (paging.instead === undefined ? page : page.catch(() => paging.instead!(after)));
  };
  for (let after: unknown = Number.MIN_SAFE_INTEGER; ; ) {
    const page = await take(after);
    const isLast = page.length < size;
    if (!isLast) {
      const place = placeOf(page.at(-1)!);
      if (!isFurther(place, after)) return;
      after = place;
      requestFrom(after, ahead);
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

/** A page of rows. Binds what it comes after. */
export const pageSql = ({ table, columns, by = columns[0], size }: TablePages & { by?: string }): string =>
  `select ${columns} from ${table} where ${by} > ? order by ${by} limit ${size}`;

/** All rows of a table. SQLite reads in this thread: there a page is gone when the next one is read. */
export function pagesOf(database: Database, pages: TablePages): Paging<unknown[]> {
  const sql = pageSql(pages);
  return {
    size: pages.size,
    read: (after) => valueRows(database, sql, [after]),
    placeOf: ([number]) => number,
    ahead: database.dialect === 'postgres' ? 1 : 0,
  };
}
