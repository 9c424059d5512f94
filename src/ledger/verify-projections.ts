import { incidentToRow, storedIncidents } from './incidents.ts';
import type { Ledger } from './ledger.ts';
import { incidentName, type Projections } from './projections.ts';
import type { Problem } from './verify.ts';

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
