import { z } from 'zod';
import { causeCodes } from '../../core/cause.ts';
import { entryKinds, longestReason } from '../../core/incident.ts';
import { isDay } from '../../core/time.ts';
import { verdicts } from '../../core/verdict.ts';
import type { IncidentFilter, WebDecision } from '../desk.ts';

/** A form sends a field that was left empty as ''. */
const given = (value: unknown) => (value === '' || value === undefined ? null : value);
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(given, schema.nullable());

const wholeNumber = z
  .string()
  .regex(/^[1-9]\d{0,14}$/)
  .transform(Number);

const incidentQuery = {
  status: optional(z.enum(['open', 'unclosed', 'all'])),
  verdict: optional(z.enum(verdicts)),
  cause: optional(z.enum(causeCodes)),
  map: optional(z.string().trim().max(64)),
  day: optional(z.string().refine(isDay)),
  round: optional(wholeNumber),
  page: optional(wholeNumber),
};

/** The filter that an address asks for, and the names of the fields that could not be read: those restrict nothing. */
export function incidentFilter(query: Record<string, string>): { filter: IncidentFilter; unread: string[] } {
  const unread: string[] = [];
  const read = <K extends keyof typeof incidentQuery>(name: K) => {
    const parsed = incidentQuery[name].safeParse(query[name]);
    if (!parsed.success) unread.push(name);
    return (parsed.success ? parsed.data : null) as z.output<(typeof incidentQuery)[K]>;
  };
  const filter = {
    status: read('status') ?? ('unclosed' as const),
    verdict: read('verdict'),
    cause: read('cause'),
    map: read('map') || null,
    day: read('day'),
    round: read('round'),
    page: read('page') ?? 1,
  };
  return { filter, unread };
}

/** Which part of the ledger an address asks for. `at` is an entry that has to be on the page. */
export function ledgerQuery(query: Record<string, string>) {
  const seq = (text: string | undefined) => optional(wholeNumber).safeParse(text).data ?? null;
  const at = seq(query.at);
  const before = at === null ? seq(query.before) : at + 1;
  const kind = optional(z.enum(entryKinds)).safeParse(query.kind).data ?? null;
  return { at, page: { before, kind: at === null ? kind : null } };
}

const reason = z.string().trim().max(longestReason, 'This is longer than 2,000 characters.');
const needed = reason.min(1, 'This has to be filled in.');

/** A decision as a form sends it. The messages are for the person who filled it in. */
const decisionForm = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['acknowledge', 'reopen']), reason }),
  z.object({ kind: z.enum(['note', 'hold', 'excuse']), reason: needed }),
  z.object({
    kind: z.literal('resolve'),
    reason,
    candidate: z
      .string('Choose one of the candidates.')
      .regex(/^(?:capture:\d{1,15}|artifact:[0-9a-f]{64})$/, 'Choose one of the candidates.'),
  }),
]);

/** What was typed into a form of a decision, right or wrong. */
export interface Typed {
  kind: string;
  reason: string;
  candidate: string;
}

/** What a form sent, as a decision or as what is wrong with it. */
export function readDecision(
  form: Record<string, string | undefined>,
): { typed: Typed } & ({ decision: WebDecision; problem: null } | { decision: null; problem: string }) {
  // A browser sends the line ends of a text as CRLF.
  const reasonText = (form.reason ?? '').replace(/\r\n/g, '\n');
  const typed = { kind: form.kind ?? '', reason: reasonText, candidate: form.candidate ?? '' };
  const parsed = decisionForm.safeParse(typed);
  if (parsed.success) return { typed, decision: parsed.data, problem: null };
  const [issue] = parsed.error.issues;
  const problem =
    issue?.path[0] === 'kind' ? 'This is no decision.' : (issue?.message ?? 'It cannot be read.');
  return { typed, decision: null, problem };
}

const segment = /^[A-Za-z0-9_@.-]+$/;

/** True for a relative path of plain names: what leads elsewhere, up or through an encoding, is none. */
export function isPlainPath(path: string): boolean {
  return path.split('/').every((part) => segment.test(part) && part !== '.' && !part.includes('..'));
}
