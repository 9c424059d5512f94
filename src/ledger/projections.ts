import type { FoldEntry } from '../core/incident.ts';
import { incidentsByKeys, incidentTarget, incidentToRow } from './incidents.ts';
import type { Fold, Incident, Ledger } from './ledger.ts';
import { deleting, inserting, type TableWrite, type Target, writeRows } from './table-writes.ts';

/** What entries amount to: incidents by `incidentName`, and the source of each open repair by its seq. */
export interface Projections {
  incidents: Map<string, Incident>;
  openRepairs: Map<number, string>;
}

export function emptyProjections(): Projections {
  return { incidents: new Map(), openRepairs: new Map() };
}

/** One name for the two columns that identify an incident: the length in front keeps two pairs apart. */
export function incidentName(source: string, key: string): string {
  return `${source.length} ${source} ${key}`;
}

/**
 * Folds one entry into `projections`, and answers with the incidents that it changed, as they are now. The one place
 * where entries turn into incidents and open repairs. Throws
 * where an entry would begin several incidents: an incident's number is its first entry's, and stands for it alone.
 */
export function project(fold: Fold, projections: Projections, entry: FoldEntry): Incident[] {
  const { incidents, openRepairs } = projections;
  const { seq, source } = entry;
  const affected = fold.affects(entry);
  const keys = affected.length > 1 ? [...new Set(affected)] : affected;
  if (keys.length > 1) assertBeginsOne(incidents, entry, keys);
  const changed = keys.map((key) => {
    const name = incidentName(source, key);
    const before = incidents.get(name);
    const { state, isOpen } = fold.apply(before?.state ?? null, entry, key);
    const incident = { id: before?.id ?? seq, source, key, isOpen, lastSeq: seq, state };
    incidents.set(name, incident);
    return incident;
  });
  const { opens, closes } = fold.repair(entry);
  if (opens !== undefined) openRepairs.set(opens, source);
  if (closes !== undefined) openRepairs.delete(closes);
  return changed;
}

function assertBeginsOne(
  incidents: ReadonlyMap<string, Incident>,
  { seq, kind, source }: FoldEntry,
  keys: readonly string[],
): void {
  const begun = keys.filter((key) => !incidents.has(incidentName(source, key)));
  if (begun.length > 1)
    throw new Error(
      `cannot fold entry ${seq} (${kind}): it would begin ${begun.length} incidents (${begun.join(', ')}); each needs a first entry of its own`,
    );
}

const openRepairTarget: Target = { table: 'open_repairs', columns: ['seq', 'source'] };

/** The incidents that new entries tell of, by `incidentName`, as they are then; and what is to be written of it. */
export interface Folding {
  incidents: ReadonlyMap<string, Incident>;
  writes: readonly TableWrite[];
}

/** Folds new entries onto the stored projections, and writes nothing. What is `known` of incidents need not be read. */
export async function foldNew(
  ledger: Ledger,
  entries: readonly FoldEntry[],
  known: ReadonlyMap<string, Incident> = new Map(),
): Promise<Folding> {
  const projections = await loadAffected(ledger, entries, known);
  for (const entry of entries) project(ledger.fold, projections, entry);
  const { incidents, openRepairs } = projections;
  const closed = entries.flatMap((entry) => ledger.fold.repair(entry).closes ?? []);
  const rowOf = ([seq, source]: [number, string]) => ({ seq, source });
  const writes = [
    inserting(incidentTarget, { items: [...incidents.values()], rowOf: incidentToRow }),
    deleting('open_repairs', 'seq', closed),
    inserting(openRepairTarget, { items: [...openRepairs], rowOf }),
  ];
  return { incidents, writes };
}

/** Folds new entries into the stored projections, inside the transaction that appends them. */
export async function storeProjections(ledger: Ledger, entries: readonly FoldEntry[]): Promise<void> {
  const { writes } = await foldNew(ledger, entries);
  for (const write of writes) await writeRows(ledger.database, write);
}

async function loadAffected(
  ledger: Ledger,
  entries: readonly FoldEntry[],
  known: ReadonlyMap<string, Incident>,
): Promise<Projections> {
  const projections = emptyProjections();
  const unknown = new Map<string, Set<string>>();
  for (const entry of entries)
    for (const key of ledger.fold.affects(entry)) {
      const name = incidentName(entry.source, key);
      const incident = known.get(name);
      if (incident !== undefined) projections.incidents.set(name, incident);
      else unknown.set(entry.source, (unknown.get(entry.source) ?? new Set()).add(key));
    }
  for (const [source, keys] of unknown)
    for (const incident of await incidentsByKeys(ledger, source, [...keys]))
      projections.incidents.set(incidentName(source, incident.key), incident);
  return projections;
}
