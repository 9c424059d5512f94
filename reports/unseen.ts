import type { CoverageRow } from '../src/core/coverage.ts';
import type { Incident } from '../src/core/incident.ts';
import { localText } from '../src/core/time.ts';
import type { ReportFacts } from './facts.ts';

const sinceThen = 'and no audit has looked at it since';

/** Why the last verdict of an incident is not that of its round any more, as a sentence. */
export function unseenSince({ status, closed, verdict }: Incident): string {
  if (status === 'open' && verdict === 'lost') return `it was reopened, ${sinceThen}`;
  if (closed?.as === 'covered') return `it was covered and is so no more, ${sinceThen}`;
  if (closed?.as === 'exempt') return `it was exempt and is so no more, ${sinceThen}`;
  if (closed?.as === 'vanished') return `its row was gone and is back, ${sinceThen}`;
  return 'no audit has looked at it since the last entry about it';
}

/**
 * Why there is no verdict of an audit about a round that is not covered, as a sentence. An audit that meets a round
 * while it waits for its capture calls it pending and writes nothing: of such a round it would not be true that none
 * has looked at it yet.
 */
export function unseenText(
  incident: Incident | undefined,
  waits: CoverageRow['waits'],
  { auditStarts, zone }: Pick<ReportFacts, 'auditStarts' | 'zone'>,
): string {
  if (incident !== undefined) return unseenSince(incident);
  const wasMet =
    waits !== null && auditStarts.some((unix) => unix >= waits.fromUnix && unix < waits.untilUnix);
  return wasMet
    ? `it waited for its capture until ${localText(waits.untilUnix, zone)}, ${sinceThen}`
    : 'no audit has looked at it yet';
}
