import type { FoldEntry } from '../core/incident.ts';
import { incidentToRow, storedBetween, storedIncidents } from './incidents.ts';
import type { Ledger } from './ledger.ts';
import { emptyProjections, incidentName, type Projections, project } from './projections.ts';
import type { Problem } from './verify.ts';

type StoredRow = ReturnType<typeof incidentToRow>;

/**
 * The stored incidents, held against the entries while those are read in order. An incident is held in memory from
 * its first entry to the one that is stored as its last, where it must have become what is stored. So memory grows
 * with the incidents whose story is under way at one moment. It only tells that all fit, or that some do not.
 */
export interface Watch {
  /** False from the first difference on: then nothing is held or compared any more. */
  fits: boolean;
  /** Stored incidents that were met. */
  met: number;
  projections: Projections;
  /** By name: the rows of the incidents in `projections`. */
  rows: Map<string, StoredRow>;
  /** By id: the rows of those that begin within the entries that are read next. */
  next: Map<number, StoredRow>;
}

export const freshWatch = (): Watch => ({
  fits: true,
  met: 0,
  projections: emptyProjections(),
  rows: new Map(),
  next: new Map(),
});

/** Prepares for entries with a seq after one and up to another. */
export async function expectIncidents(
  ledger: Ledger,
  watch: Watch,
  seqs: { after: number; upTo: number },
): Promise<void> {
  if (watch.next.size > 0) watch.fits = false;
  watch.next = watch.fits
    ? new Map((await storedBetween(ledger, seqs)).map((row) => [row.id, row]))
    : new Map();
}

/** Folds the next entry, and holds what it completes against what is stored. */
export function watchEntry(ledger: Ledger, watch: Watch, entry: FoldEntry): void {
  if (!watch.fits) return;
  try {
    const changed = project(ledger.fold, watch.projections, entry);
    watch.fits = changed.every((name) => isAsStored(watch, name, entry.seq));
  } catch {
    watch.fits = false;
  }
  if (watch.fits) return;
  watch.projections = emptyProjections();
  watch.rows.clear();
  watch.next.clear();
}

function isAsStored(watch: Watch, name: string, seq: number): boolean {
  const incident = watch.projections.incidents.get(name)!;
  const row = incident.id === seq ? begin(watch, name, seq) : watch.rows.get(name);
  if (row === undefined || row.last_seq < seq) return false;
  if (row.last_seq > seq) return true;
  watch.projections.incidents.delete(name);
  watch.rows.delete(name);
  return differences(row, incidentToRow(incident)).length === 0;
}

function begin(watch: Watch, name: string, id: number): StoredRow | undefined {
  const row = watch.next.get(id);
  if (row === undefined || incidentName(row.source, row.key) !== name) return undefined;
  watch.next.delete(id);
  watch.rows.set(name, row);
  watch.met += 1;
  return row;
}

/** Whether all that is stored was met, and all that was met is stored. Asked after the last entry. */
export async function fitsAll(ledger: Ledger, watch: Watch): Promise<boolean> {
  if (!watch.fits || watch.next.size > 0 || watch.rows.size > 0) return false;
  const stored = await ledger.database.knex('incidents').count({ total: '*' }).first();
  if (stored?.total !== watch.met) return false;
  return (await compareOpenRepairs(ledger, watch.projections)).length === 0;
}

/** How the stored incidents and open repairs differ from what the entries amount to, by key. Empties `fresh`. */
export async function compareProjections(ledger: Ledger, fresh: Projections): Promise<Problem[]> {
  return [...(await compareIncidents(ledger, fresh)), ...(await compareOpenRepairs(ledger, fresh))];
}

async function compareIncidents(ledger: Ledger, { incidents }: Projections): Promise<Problem[]> {
  const problems: Problem[] = [];
  for await (const stored of storedIncidents(ledger)) {
    const name = incidentName(stored.source, stored.key);
    const expected = incidents.get(name);
    incidents.delete(name);
    const columns = expected ? differences(stored, incidentToRow(expected)) : null;
    if (columns === null) problems.push({ seq: null, what: `${title(stored)} rests on no entry` });
    else if (columns.length > 0)
      problems.push({
        seq: expected!.id,
        what: `${title(stored)} differs from its entries in ${columns.join(', ')}`,
      });
  }
  for (const incident of incidents.values())
    problems.push({ seq: incident.id, what: `${title(incident)} has entries but is not stored` });
  return problems;
}

function title({ source, key }: { source: string; key: string }): string {
  return `the incident "${key}" of ${source}`;
}

function differences<T extends object>(stored: T, expected: T): string[] {
  const columns = Object.keys(expected) as (keyof T & string)[];
  return columns.filter((column) => stored[column] !== expected[column]);
}

async function compareOpenRepairs(ledger: Ledger, { openRepairs }: Projections): Promise<Problem[]> {
  const problems: Problem[] = [];
  const stored: { seq: number; source: string }[] = await ledger.database
    .knex('open_repairs')
    .select('seq', 'source')
    .orderBy('seq');
  for (const { seq, source } of stored) {
    if (openRepairs.get(seq) !== source)
      problems.push({ seq, what: `the repair ${seq} of ${source} is stored as open, but is not` });
    else openRepairs.delete(seq);
  }
  for (const [seq, source] of openRepairs)
    problems.push({ seq, what: `the repair ${seq} of ${source} is open, but is not stored so` });
  return problems;
}
