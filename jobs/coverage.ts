import type { Config } from '../src/config.ts';
import { foldEntry, type Source } from '../src/context.ts';
import { classify } from '../src/core/classify.ts';
import type { CoverageRow } from '../src/core/coverage.ts';
import { coverageRows } from '../src/core/coverage-row.ts';
import type { FoldEntry, Incident } from '../src/core/incident.ts';
import type { RepairSummary } from '../src/core/plan.ts';
import { snapshot } from '../src/database.ts';
import { entriesBySeq } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { countRounds } from '../src/source/look.ts';
import { observe } from './observe.ts';
import { noProgress } from './progress.ts';

/** Whose coverage is asked for, and of which days of the server, both included. */
export interface CoverageRequest {
  config: Config;
  source: Source;
  ledger: Ledger | null;
  since: string;
  until: string;
  nowMs: number;
  /** Also count these rows in the source, at the very moment at which the rows are read. */
  counting?: Parameters<typeof countRounds>[1];
}

/** The `repair.started` entries of some incidents, by seq. */
async function repairsOf(
  ledger: Ledger | null,
  incidents: Iterable<Incident>,
): Promise<Map<number, FoldEntry>> {
  const seqs = [...new Set([...incidents].flatMap(({ repairs }) => repairs))];
  const entries = ledger === null ? [] : await entriesBySeq(ledger, seqs);
  return new Map(entries.map((entry) => [entry.seq, foldEntry(entry)]));
}

function kindsByKey(
  incidents: ReadonlyMap<string, Incident>,
  repairs: ReadonlyMap<number, FoldEntry>,
): Map<string, RepairSummary['kind'][]> {
  const kinds = new Map<string, RepairSummary['kind'][]>();
  for (const [key, incident] of incidents) {
    const own = incident.repairs.flatMap((seq) => {
      const body = repairs.get(seq)?.body as { repairs?: RepairSummary[] } | undefined;
      return (body?.repairs ?? []).filter((repair) => repair.incident === key).map(({ kind }) => kind);
    });
    if (own.length > 0) kinds.set(key, own);
  }
  return kinds;
}

/** The rows of some days with what the ledger knows of them. Reads no artifact, and writes nothing. */
export async function observeCoverage(asked: CoverageRequest): Promise<{
  rows: CoverageRow[];
  incidents: ReadonlyMap<string, Incident>;
  repairs: ReadonlyMap<number, FoldEntry>;
  /** 0 where no count was asked for. */
  countedRows: number;
}> {
  const { config, ledger, since, until, counting } = asked;
  return snapshot(asked.source.database, async (database) => {
    const { situation, incidents } = await observe({
      config,
      source: { ...asked.source, database },
      ledger,
      scope: { kind: 'days', since, until },
      capturesOnly: true,
      nowUnix: Math.floor(asked.nowMs / 1000),
      progress: noProgress,
    });
    const repairs = await repairsOf(ledger, incidents.values());
    const repairKinds = kindsByKey(incidents, repairs);
    const rows = coverageRows(situation, classify(situation), { incidents, repairKinds });
    const countedRows = counting === undefined ? 0 : await countRounds(database, counting);
    return { rows, incidents, repairs, countedRows };
  });
}

/** The same, the rows only. */
export async function readCoverage(asked: CoverageRequest): Promise<CoverageRow[]> {
  return (await observeCoverage(asked)).rows;
}
