import type { Config } from '../src/config.ts';
import { foldEntry, incidentFold, withLedgerToRead } from '../src/context.ts';
import { affectedIncidents } from '../src/core/fold.ts';
import { noLedgerYet, OperationError } from '../src/errors.ts';
import { eachEntry, head, newestEntries } from '../src/ledger/entries.ts';
import { incidentsByKeys } from '../src/ledger/incidents.ts';
import { closeLedger, openLedger } from '../src/ledger/open.ts';
import type { LedgerPage, VerifyView } from '../src/web/desk.ts';
import { exportedEntry, type LedgerCheck, parseAnchor, verifyLedger } from './ledger.ts';
import type { RowCheck } from './repaired-rows.ts';

const pageSize = 100;

/** Up to 100 entries of every source, the newest first. */
export async function ledgerPage(
  config: Config,
  page: { before: number | null; kind: string | null },
): Promise<LedgerPage> {
  return withLedgerToRead(config, async (ledger) => {
    if (ledger === null) return { entries: [], head: null, before: null };
    const kinds = page.kind === null ? undefined : [page.kind];
    // One more than is shown tells whether there are older ones.
    const found = await newestEntries(ledger, { before: page.before, kinds, limit: pageSize + 1 });
    const shown = found.slice(0, pageSize);
    const folded = shown.map(foldEntry);
    const about = folded.map((entry) => (entry.source === config.sourceName ? affectedIncidents(entry) : []));
    const incidents = await incidentsByKeys(ledger, config.sourceName, about.flat());
    const ids = new Map(incidents.map(({ key, id }) => [key, id]));
    const entries = shown.map(({ prevHash, hash }, at) => ({
      ...folded[at]!,
      ...{ prevHash, hash },
      incidents: about[at]!.flatMap((key) => ids.get(key) ?? []),
    }));
    const before = found.length > pageSize ? entries.at(-1)!.seq : null;
    return { entries, head: await head(ledger), before };
  });
}

/** The chain with the repaired rows, and the chain alone where the source cannot be asked. */
async function check(config: Config, anchor: string | null): Promise<LedgerCheck> {
  const anchors = anchor === null ? [] : [parseAnchor(anchor)];
  return verifyLedger(config, { anchors, rows: true }).catch((thrown: unknown) => {
    if (!(thrown instanceof OperationError)) throw thrown;
    return verifyLedger(config, { anchors, rows: false });
  });
}

function countStates(rows: readonly RowCheck[]): NonNullable<VerifyView['rows']> {
  const counts = { intact: 0, overwritten: 0, changed: 0, deleted: 0 };
  for (const { state } of rows) counts[state] += 1;
  return counts;
}

/** Re-hashes the whole ledger and compares the repaired rows. Throws a UsageError where the anchor is none. */
export async function verifyView(config: Config, anchor: string | null): Promise<VerifyView> {
  const { chain, rows } = await check(config, anchor);
  const { count, head: end, problems, anchors } = chain;
  return { count, head: end, problems, anchors, rows: rows === null ? null : countStates(rows) };
}

/**
 * Every entry as one line of NDJSON, without its line break: what `ledger export` prints. The ledger is closed at
 * the end, and where the reader stops before. Throws a UsageError where there is none yet.
 */
export async function* exportedLines(config: Config): AsyncGenerator<string> {
  const { ledgerUrl: url, dataDir } = config;
  const ledger = await openLedger({ url, dataDir, fold: incidentFold, readOnly: true });
  if (ledger === null) throw noLedgerYet();
  try {
    for await (const entry of eachEntry(ledger)) yield exportedEntry(entry);
  } finally {
    await closeLedger(ledger);
  }
}
