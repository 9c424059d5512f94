import type { FoldEntry } from './incident.ts';
import { fileName } from './names.ts';
import type { RepairSummary } from './plan.ts';
import { printable } from './printable.ts';

const repairText = ({ kind, roundId, path, captureId }: RepairSummary) =>
  `${kind} round ${roundId} from ${captureId === null ? fileName(path ?? '') : `capture ${captureId}`}`;

/** Between other parts a sentence needs no end of its own. */
const withoutStop = (text: unknown) => (typeof text === 'string' ? text.replace(/\.\s*$/, '') : text);

/** What an entry of the ledger says, in one line for people. */
export function entryText(entry: FoldEntry): string {
  const body = (entry.body ?? {}) as Record<string, unknown>;
  // A stopped plan only says how many there were.
  const repairs = Array.isArray(body.repairs) ? (body.repairs as RepairSummary[]) : [];
  const cause = body.cause as { code: string } | null | undefined;
  const verb = entry.kind.startsWith('revert.') ? 'undo ' : '';
  const parts = [
    body.verdict ?? body.as,
    ...repairs.map((repair) => verb + repairText(repair)),
    entry.kind === 'plan.stopped' && `${body.repairs} repairs, MAX_REPAIRS is ${body.limit}`,
    cause?.code && `cause ${cause.code}`,
    body.title,
    withoutStop(body.because ?? body.reason ?? body.why),
    body.by && `by ${body.by}`,
  ];
  return printable(parts.filter(Boolean).join(', '));
}
