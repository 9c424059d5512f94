import type { Json } from '../core/model.ts';
import { chunks, type Database, oneOf, rows } from '../database.ts';
import { valueRows } from '../database-prepared.ts';
import { OperationError } from '../errors.ts';
import { canonicalText } from './canonical.ts';
import type { Entry } from './chain.ts';
import { entryFromRow } from './entries.ts';
import { entryColumns } from './entry-values.ts';
import type { Incident, Ledger } from './ledger.ts';
import { isHeld } from './migrations.ts';
import { eachPage, pagesOf } from './pages.ts';
import type { Target } from './table-writes.ts';

const storedColumns = ['id', 'source', 'key', 'is_open', 'last_seq', 'state'] as const;

/** Where incidents are stored: one that is there gets its new story. */
export const incidentTarget: Target = {
  table: 'incidents',
  columns: storedColumns,
  conflict: `on conflict (source, key) do update
    set is_open = excluded.is_open, last_seq = excluded.last_seq, state = excluded.state`,
};

/** An incident as it is stored: `is_open` is 0 or 1 on both databases. */
export function incidentToRow(incident: Incident) {
  return {
    source: incident.source,
    key: incident.key,
    id: incident.id,
    is_open: incident.isOpen ? 1 : 0,
    last_seq: incident.lastSeq,
    state: canonicalText(incident.state),
  };
}

/** A row of `incidents`. */
export type StoredIncident = ReturnType<typeof incidentToRow>;

/**
 * The incident in a row of `incidents`; throws an OperationError where the row is damaged. By hand: an append reads those of
 * all its entries through it.
 */
function incidentFromRow({ source, key, id, is_open, last_seq, state }: StoredIncident): Incident {
  const isWhole =
    [source, key, state].every((text) => typeof text === 'string') &&
    [id, is_open, last_seq].every((number) => Number.isSafeInteger(number));
  const value = isWhole ? parsed(state) : undefined;
  if (value === undefined)
    throw new OperationError(
      `cannot read incident ${id} of the ledger: it is damaged; run \`roundwarden ledger verify\``,
    );
  return { id, source, key, isOpen: is_open === 1, lastSeq: last_seq, state: value };
}

/** The value that a text spells; undefined where it is no JSON. */
function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function incidents(ledger: Ledger) {
  return ledger.database.knex('incidents').select(...storedColumns);
}

/** A source that incidents are of, where there are some and none is of this one; null otherwise. */
export async function otherSource({ database }: Ledger, source: string): Promise<string | null> {
  const own = await database.knex('incidents').select('id').where({ source }).first();
  if (own !== undefined) return null;
  const other: { source: string } | undefined = await database.knex('incidents').select('source').first();
  return other?.source ?? null;
}

/** The open incidents of a source, oldest first. */
export async function openIncidents(ledger: Ledger, source: string): Promise<Incident[]> {
  const rows = await incidents(ledger).where({ is_open: 1, source }).orderBy('id');
  return rows.map(incidentFromRow);
}

/** The incidents of a source that somebody holds, oldest first; none of them is open. */
export async function heldIncidents({ database }: Ledger, source: string): Promise<Incident[]> {
  const sql = `select ${storedColumns} from incidents where source = ? and ${isHeld} order by id`;
  return (await rows<StoredIncident>(database, sql, [source])).map(incidentFromRow);
}

/**
 * Looks up key by key. PostgreSQL is told so, because it reads every incident of the source where its statistics do not
 * say how many those are, and of a table that has just grown they do not.
 */
function keyLookUp(database: Database, keys: readonly string[]): { sql: string; bindings: unknown[] } {
  if (database.dialect === 'sqlite') {
    const { condition, binding } = oneOf(database, keys);
    const sql = `select ${storedColumns} from incidents where key ${condition} and source = ?`;
    return { sql, bindings: [binding] };
  }
  const one = `select ${storedColumns} from incidents where key = given.name and source = ? limit 1`;
  const sql = `select found.* from unnest(?::text[]) as given (name) cross join lateral (${one}) as found`;
  return { sql, bindings: [keys] };
}

/** The incidents of a source that have one of these keys, oldest first. */
export async function incidentsByKeys(
  { database }: Ledger,
  source: string,
  keys: readonly string[],
): Promise<Incident[]> {
  const found: Incident[] = [];
  for (const chunk of chunks([...new Set(keys)])) {
    const { sql, bindings } = keyLookUp(database, chunk);
    for (const values of await valueRows(database, sql, [...bindings, source]))
      found.push(incidentFromRow(rowOfValues(values)));
  }
  return found.sort((a, b) => a.id - b.id);
}

/** The incident whose first entry has that seq, or null. */
export async function incidentById(ledger: Ledger, id: number): Promise<Incident | null> {
  const row = await incidents(ledger).where({ id }).first();
  return row ? incidentFromRow(row) : null;
}

export interface IncidentPage {
  source?: string;
  openOnly?: boolean;
  /** Only incidents with a greater id. Default 0: from the oldest. */
  afterId?: number;
  limit: number;
}

/** Up to `limit` incidents, oldest first. */
export async function listIncidents(ledger: Ledger, page: IncidentPage): Promise<Incident[]> {
  const query = incidents(ledger).where('id', '>', page.afterId ?? 0);
  if (page.source !== undefined) query.where('source', page.source);
  if (page.openOnly) query.where('is_open', 1);
  const rows = await query.orderBy('id').limit(page.limit);
  return rows.map(incidentFromRow);
}

/** Every incident of a source, the newest first, read in pages of 500. */
export async function* eachNewestIncident(ledger: Ledger, source: string): AsyncGenerator<Incident> {
  const size = 500;
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const rows = await incidents(ledger)
      .where({ source })
      .where('id', '<', before)
      .orderBy('id', 'desc')
      .limit(size);
    const page = rows.map(incidentFromRow);
    yield* page;
    if (page.length < size) return;
    before = page.at(-1)!.id;
  }
}

/** A row whose values stand in the order of `storedColumns`, whatever they are. */
function rowOfValues(values: readonly unknown[]): StoredIncident {
  const [id, source, key, is_open, last_seq, state] = values as [
    number,
    string,
    string,
    number,
    number,
    string,
  ];
  return { source, key, id, is_open, last_seq, state };
}

/** Every row of `incidents`, oldest first, as it is stored, whatever it holds; in pages. */
export async function* storedIncidents(ledger: Ledger): AsyncGenerator<StoredIncident[]> {
  const pages = { table: 'incidents', columns: storedColumns, size: 100 } as const;
  for await (const page of eachPage(pagesOf(ledger.database, pages))) yield page.map(rowOfValues);
}

/** The `repair.started` entries of a source that no later entry has closed, oldest first. */
export async function openRepairs(ledger: Ledger, source: string): Promise<Entry[]> {
  const rows = await ledger.database
    .knex('entries')
    .select(entryColumns)
    .whereIn('seq', ledger.database.knex('open_repairs').select('seq').where({ source }))
    .orderBy('seq');
  return rows.map(entryFromRow);
}
