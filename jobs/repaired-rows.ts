import { foldEntry, type Source } from '../src/context.ts';
import { hashOf } from '../src/core/canonical.ts';
import type { EntryKind } from '../src/core/incident.ts';
import type { Json, Row } from '../src/core/model.ts';
import { type RowChange, rowName } from '../src/core/row-change.ts';
import { eachEntry } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { isOverwritten } from '../src/source/recover.ts';
import { readChangedRows } from '../src/source/row-writes.ts';
import type { StartedBody } from './settle.ts';

/** One row that a repair wrote, and what it is now. */
export interface RowCheck {
  table: string;
  key: Row;
  /** The seq of the `repair.started` that wrote it last. */
  repair: number;
  /** `overwritten`: the live pipeline stored the same capture itself since; reported, no alarm. */
  state: 'intact' | 'overwritten' | 'changed' | 'deleted';
}

interface Standing {
  change: RowChange;
  repair: number;
  at: string;
}

const kinds: readonly EntryKind[] = ['repair.started', 'repair.done', 'revert.started', 'revert.done'];
/** The rows that repairs left behind, as the last of them meant each; what was reverted is nobody's claim. */
async function standingRows(ledger: Ledger, source: string): Promise<Standing[]> {
  const open = new Map<number, { body: StartedBody; at: string }>();
  const claims = new Map<string, Standing[]>();
  for await (const raw of eachEntry(ledger, { source, kinds })) {
    const entry = foldEntry(raw);
    if (entry.kind.endsWith('.started')) {
      open.set(entry.seq, { body: entry.body as unknown as StartedBody, at: entry.at });
      continue;
    }
    const { started } = entry.body as { started: number };
    const found = open.get(started);
    if (found === undefined) continue;
    open.delete(started);
    for (const change of found.body.changes) {
      const earlier = claims.get(rowName(change)) ?? [];
      // A revert gives the row back to the repair before it, if there was one.
      if (entry.kind === 'revert.done') claims.set(rowName(change), earlier.slice(0, -1));
      else claims.set(rowName(change), [...earlier, { change, repair: started, at: found.at }]);
    }
  }
  return [...claims.values()].flatMap((all) => all.slice(-1));
}

/** Compares every row that repairs of this source left behind with what stands there now, hash by hash. */
export async function checkRepairedRows(ledger: Ledger, source: Source): Promise<RowCheck[]> {
  const standing = await standingRows(ledger, source.name);
  const present = await readChangedRows(
    source.database,
    standing.map(({ change }) => change),
    { lock: false },
  );
  const checks: RowCheck[] = [];
  for (const [index, { change, repair, at }] of standing.entries()) {
    const now = present[index]!;
    const { table, key } = change;
    checks.push({ table, key, repair, state: await stateOf(source, { change, now, at }) });
  }
  return checks;
}

async function stateOf(
  source: Source,
  of: { change: RowChange; now: Row | null; at: string },
): Promise<RowCheck['state']> {
  const { change, now, at } = of;
  if (now === null) return change.after === null ? 'intact' : 'deleted';
  if (hashOf(now as Json) === hashOf(change.after as Json)) return 'intact';
  return (await isOverwritten(source.database, { change, now, at })) ? 'overwritten' : 'changed';
}
