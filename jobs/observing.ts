import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import type { Incident } from '../src/core/incident.ts';
import type { Capture, Round } from '../src/core/model.ts';
import { incidentsByKeys, openIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { canSettle } from '../src/source/settling.ts';
import type { ReadPlaces } from './artifacts-near.ts';
import type { Settled } from './history.ts';
import type { Progress } from './progress.ts';
import type { Scope } from './scope.ts';
import type { Visit } from './visit.ts';

/** What is looked at, with what, and when. */
export interface Observing {
  config: Config;
  source: Source;
  ledger: Ledger | null;
  scope: Scope;
  /** Read no artifact: enough to know which rounds are covered, and nothing of what else they are. */
  capturesOnly?: boolean;
  /** Judge every row of a whole history, and let SQL settle none: what the tests hold the other way against. */
  judgesAll?: boolean;
  /** How many ids of a whole history SQL looks at in one pass; the default suits everybody but tests. */
  pass?: number;
  /** Look at the rows of these incidents, open or not by now, instead of those that are open. */
  openKeys?: readonly string[];
  /** What this run has found on other hosts and in retry buffers; they are visited where it has not yet. */
  visit?: Visit;
  nowUnix: number;
  progress: Progress;
}

/** Whether SQL settles what it can of a whole history, so that the core need not judge every row (docs/decisions/0019). */
export const letsSqlSettle = ({ scope, capturesOnly, judgesAll, source }: Observing): boolean =>
  scope.kind === 'all' && !capturesOnly && !judgesAll && canSettle(source.schema);

/** The rows that bear on a scope, and what the places hold of its time. */
export interface NearRows extends ReadPlaces {
  judged: Round[];
  /** Rows that may claim a candidate, besides those that captures point to. */
  near: Round[];
  captures: Capture[];
  settled: Settled | null;
  /** The SHA-256 of everything that the places hold; those artifacts that bear on none of the rows are let go. */
  found: ReadonlySet<string>;
}

/** Every open incident, or those that are asked for, open or not. */
export async function openStored(asked: Observing): Promise<Incident[]> {
  const { ledger, source, openKeys } = asked;
  if (ledger === null || asked.scope.kind === 'round') return [];
  const stored = await (openKeys === undefined
    ? openIncidents(ledger, source.name)
    : incidentsByKeys(ledger, source.name, openKeys));
  return stored.map(({ state }) => state as unknown as Incident);
}

/** Items of which some stand twice, each once. */
export function uniqueById<T extends { id: number }>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item.id, item])).values()];
}
