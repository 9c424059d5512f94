import type { FoldEntry } from '../core/incident.ts';
import { incidentToRow, type StoredIncident, storedIncidents } from './incidents.ts';
import type { Incident, Ledger } from './ledger.ts';
import { isSpellingOf, toBytes } from './members.ts';
import { emptyProjections, incidentName, type Projections, project } from './projections.ts';
import type { Problem } from './verify.ts';

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
  /** By id: the rows of the incidents in `projections`. */
  rows: Map<number, StoredIncident>;
  /** By id: the rows of those that begin within the entries that are read next. */
  next: Map<number, StoredIncident>;
  /** What is stored, in order, and what was read of it and begins later. */
  stored: AsyncGenerator<StoredIncident[]>;
  later: StoredIncident[];
}

export const freshWatch = (ledger: Ledger): Watch => ({
  fits: true,
  met: 0,
  projections: emptyProjections(),
  rows: new Map(),
  next: new Map(),
  stored: storedIncidents(ledger),
  later: [],
});

/** Prepares for entries with a seq up to this one. */
export async function expectIncidents(watch: Watch, upTo: number): Promise<void> {
  if (watch.next.size > 0) watch.fits = false;
  if (!watch.fits) return;
  while (watch.later.length === 0 || watch.later.at(-1)!.id <= upTo) {
    const { value, done } = await watch.stored.next();
    if (done) break;
    watch.later.push(...value);
  }
  const isLater = watch.later.findIndex(({ id }) => id > upTo);
  const expected = watch.later.splice(0, isLater === -1 ? watch.later.length : isLater);
  for (const row of expected) watch.next.set(row.id, row);
}

/** Folds the next entry, and holds what it completes against what is stored. */
export function watchEntry(ledger: Ledger, watch: Watch, entry: FoldEntry): void {
  if (!watch.fits) return;
  try {
    for (const incident of project(ledger.fold, watch.projections, entry))
      watch.fits &&= isAsStored(watch, incident);
  } catch {
    watch.fits = false;
  }
  if (watch.fits) return;
  watch.projections = emptyProjections();
  watch.rows.clear();
  watch.next.clear();
}

/** Whether an incident that has just changed is, or can still become, what is stored. */
function isAsStored(watch: Watch, incident: Incident): boolean {
  const { id, lastSeq } = incident;
  const row = id === lastSeq ? begin(watch, incident) : watch.rows.get(id);
  if (row === undefined || row.last_seq < lastSeq) return false;
  if (row.last_seq > lastSeq) return true;
  watch.projections.incidents.delete(incidentName(incident.source, incident.key));
  watch.rows.delete(id);
  return row.is_open === (incident.isOpen ? 1 : 0) && isSpellingOf(toBytes(row.state), incident.state);
}

function begin(watch: Watch, { id, source, key }: Incident): StoredIncident | undefined {
  const row = watch.next.get(id);
  if (row === undefined || row.source !== source || row.key !== key) return undefined;
  watch.next.delete(id);
  watch.rows.set(id, row);
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
  for await (const page of storedIncidents(ledger))
    for (const stored of page) {
      const name = incidentName(stored.source, stored.key);
      const expected = incidents.get(name);
      incidents.delete(name);
      const problem = compareIncident(stored, expected);
      if (problem !== null) problems.push(problem);
    }
  for (const incident of incidents.values())
    problems.push({ seq: incident.id, what: `${title(incident)} has entries but is not stored` });
  return problems;
}

function compareIncident(stored: StoredIncident, expected: Incident | undefined): Problem | null {
  if (expected === undefined) return { seq: null, what: `${title(stored)} rests on no entry` };
  const columns = differences(stored, incidentToRow(expected));
  if (columns.length === 0) return null;
  return { seq: expected.id, what: `${title(stored)} differs from its entries in ${columns.join(', ')}` };
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
