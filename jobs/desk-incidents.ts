import type { Config } from '../src/config.ts';
import { withLedgerToRead } from '../src/context.ts';
import type { Cause } from '../src/core/cause.ts';
import { type Incident, isAskedFor } from '../src/core/incident.ts';
import { normaliseMap } from '../src/core/names.ts';
import { UsageError } from '../src/errors.ts';
import { eachNewestIncident, incidentById } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import {
  decisionEntries,
  type IncidentFilter,
  type IncidentPage,
  type WebDecision,
} from '../src/web/desk.ts';
import { type Deciding, decide } from './incidents.ts';

const pageSize = 50;

function isWanted(incident: Incident, filter: IncidentFilter): boolean {
  const { status, verdict, cause, map, day, since, round } = filter;
  const code = (incident.cause as unknown as Cause | null)?.code ?? null;
  return (
    isAskedFor[status](incident) &&
    (verdict === null || incident.verdict === verdict) &&
    (cause === null || code === cause) &&
    (map === null || normaliseMap(incident.round?.map ?? null).includes(normaliseMap(map))) &&
    (day === null || incident.round?.date === day) &&
    (since === null || (incident.round?.date ?? '') >= since) &&
    (round === null || incident.round?.roundId === round)
  );
}

/** One page of this source's incidents, the newest first. */
export async function incidentPage(config: Config, filter: IncidentFilter): Promise<IncidentPage> {
  return withLedgerToRead(config, async (ledger) => {
    const found: Incident[] = [];
    let total = 0;
    const from = (Math.max(1, filter.page) - 1) * pageSize;
    if (ledger !== null)
      for await (const { state } of eachNewestIncident(ledger, config.sourceName)) {
        const incident = state as unknown as Incident;
        if (!isWanted(incident, filter)) continue;
        if (total >= from && total < from + pageSize) found.push(incident);
        total += 1;
      }
    return { incidents: found, total, pageSize };
  });
}

/** An incident of this source, or null: nothing of another one is reached from these pages. */
export async function ownIncident(ledger: Ledger, source: string, id: number): Promise<Incident | null> {
  const stored = await incidentById(ledger, id);
  return stored?.source === source ? (stored.state as unknown as Incident) : null;
}

function decidingOf(decision: WebDecision): Deciding {
  if (decision.kind === 'resolve') return { kind: decisionEntries.resolve, candidate: decision.candidate };
  return { kind: decisionEntries[decision.kind] };
}

/** Writes down what a person decided on a page. Throws a UsageError where it cannot be decided so. */
export async function decideOnPage(
  config: Config,
  said: { id: number; decision: WebDecision; by: string; nowMs: number },
): Promise<void> {
  const { id, decision, by, nowMs } = said;
  const reason = decision.reason.trim();
  const source = config.sourceName;
  const known = await withLedgerToRead(config, async (ledger) =>
    ledger === null ? null : ownIncident(ledger, source, id),
  );
  if (known === null) throw new UsageError(`there is no incident ${id} of ${source}`);
  await decide(config, { id, deciding: decidingOf(decision), by, reason, nowMs });
}
