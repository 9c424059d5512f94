import { foldEntry } from '../src/context.ts';
import type { FoldEntry } from '../src/core/incident.ts';
import type { RowChange } from '../src/core/row-change.ts';
import { eachEntry } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';

/** What the ledger says of one round. */
interface About {
  key: string;
  roundId: number;
}

/** The entries under a round's own key: found by index, however long the ledger is. */
export async function ownEntries(ledger: Ledger, source: string, { key }: About): Promise<FoldEntry[]> {
  const found: FoldEntry[] = [];
  for await (const entry of eachEntry(ledger, { source, key })) found.push(foldEntry(entry));
  return found;
}

/** Its own entries, those of repairs that it was part of, and every repair that changed its row. */
export async function allEntries(ledger: Ledger, source: string, of: About): Promise<FoldEntry[]> {
  const found: FoldEntry[] = [];
  for await (const entry of eachEntry(ledger, { source })) {
    const folded = foldEntry(entry);
    const { incidents, changes } = (folded.body ?? {}) as { incidents?: string[]; changes?: RowChange[] };
    const touched = changes?.some(({ table, key: row }) => table === 'rounds' && row.id === of.roundId);
    if (folded.key === of.key || incidents?.includes(of.key) || touched) found.push(folded);
  }
  return found;
}
