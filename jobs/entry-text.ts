import { basename } from 'node:path';
import type { FoldEntry } from '../src/core/incident.ts';
import type { RepairSummary } from '../src/core/plan.ts';
import { printable } from './printable.ts';

const repairText = ({ kind, roundId, path, captureId }: RepairSummary) =>
  `${kind} round ${roundId} from ${captureId === null ? basename(path ?? '') : `capture ${captureId}`}`;

/** What an entry of the ledger says, in one line for people. */
export function entryText(entry: FoldEntry): string {
  const body = (entry.body ?? {}) as Record<string, unknown>;
  const repairs = (body.repairs ?? []) as RepairSummary[];
  const parts = [
    body.verdict ?? body.as,
    ...repairs.map(repairText),
    body.because ?? body.reason ?? body.why,
    body.by && `by ${body.by}`,
  ];
  return printable(parts.filter(Boolean).join(', '));
}
