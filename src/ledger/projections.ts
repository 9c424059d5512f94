import { chunks, type Database } from '../database.ts';
import type { Entry } from './chain.ts';
import { incidentsByKeys, incidentToRow } from './incidents.ts';
import type { Fold, Incident, Ledger } from './ledger.ts';

/** What entries amount to: incidents by `incidentName`, and the source of each open repair by its seq. */
export interface Projections {
  incidents: Map<string, Incident>;
  openRepairs: Map<number, string>;
}

export function emptyProjections(): Projections {
  return { incidents: new Map(), openRepairs: new Map() };
}

/** One name for the two columns that identify an incident. */
export function incidentName(source: string, key: string): string {
  return JSON.stringify([source, key]);
}

/**
 * Folds one entry into `projections`. The one place where entries turn into incidents and open repairs. Throws
 * where an entry would begin several incidents: an incident's number is its first entry's, and stands for it alone.
 */
export function project(fold: Fold, projections: Projections, entry: Entry): void {
  const { incidents } = projections;
  const { seq, source } = entry;
  const keys = new Set(fold.affects(entry));
  const begun = [...keys].filter((key) => !incidents.has(incidentName(source, key)));
  if (begun.length > 1)
    throw new Error(
      `cannot fold entry ${seq} (${entry.kind}): it would begin ${begun.length} incidents (${begun.join(', ')}); each needs a first entry of its own`,
    );
  for (const key of keys) {
    const name = incidentName(source, key);
    const before = incidents.get(name);
    const { state, isOpen } = fold.apply(before?.state ?? null, entry, key);
    incidents.set(name, { id: before?.id ?? seq, source, key, isOpen, lastSeq: seq, state });
  }
  const { opens, closes } = fold.repair(entry);
  if (opens !== undefined) projections.openRepairs.set(opens, source);
  if (closes !== undefined) projections.openRepairs.delete(closes);
}

/** Folds new entries into the stored projections, inside the transaction that appends them. */
export async function storeProjections(ledger: Ledger, entries: readonly Entry[]): Promise<void> {
  const projections = await loadAffected(ledger, entries);
  for (const entry of entries) project(ledger.fold, projections, entry);
  await storeIncidents(ledger.database, [...projections.incidents.values()]);
  await storeOpenRepairs(ledger, entries, projections.openRepairs);
}

async function loadAffected(ledger: Ledger, entries: readonly Entry[]): Promise<Projections> {
  const keysOf = new Map<string, Set<string>>();
  for (const entry of entries) {
    const keys = keysOf.get(entry.source) ?? new Set();
    for (const key of ledger.fold.affects(entry)) keys.add(key);
    keysOf.set(entry.source, keys);
  }
  const projections = emptyProjections();
  for (const [source, keys] of keysOf)
    for (const incident of await incidentsByKeys(ledger, source, [...keys]))
      projections.incidents.set(incidentName(source, incident.key), incident);
  return projections;
}

async function storeIncidents(database: Database, incidents: readonly Incident[]): Promise<void> {
  for (const chunk of chunks(incidents))
    await database
      .knex('incidents')
      .insert(chunk.map(incidentToRow))
      .onConflict(['source', 'key'])
      .merge(['is_open', 'last_seq', 'state']);
}

async function storeOpenRepairs(
  ledger: Ledger,
  entries: readonly Entry[],
  open: ReadonlyMap<number, string>,
): Promise<void> {
  const closed = entries.flatMap((entry) => ledger.fold.repair(entry).closes ?? []);
  for (const chunk of chunks(closed))
    await ledger.database.knex('open_repairs').whereIn('seq', chunk).delete();
  const opened = [...open].map(([seq, source]) => ({ seq, source }));
  for (const chunk of chunks(opened)) await ledger.database.knex('open_repairs').insert(chunk);
}
