import { z } from 'zod';
import { causeCodes } from '../../core/cause.ts';
import { isBlank } from '../../core/harmless.ts';
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
  since: optional(z.string().refine(isDay)),
  round: optional(wholeNumber),
  page: optional(wholeNumber),
};

/** Reads fields of an address one by one; those that could not be read are null, and their names are kept. */
function reader<Fields extends Record<string, z.ZodType>>(fields: Fields, query: Record<string, string>) {
  const unread: string[] = [];
  const read = <Name extends keyof Fields & string>(name: Name) => {
    const parsed = fields[name]!.safeParse(query[name]);
    if (!parsed.success) unread.push(name);
    return (parsed.success ? parsed.data : null) as z.output<Fields[Name]> | null;
  };
  return { read, unread };
}

/** The filter that an address asks for, and the names of the fields that could not be read: those restrict nothing. */
export function incidentFilter(query: Record<string, string>): { filter: IncidentFilter; unread: string[] } {
  const { read, unread } = reader(incidentQuery, query);
  const filter = {
    status: read('status') ?? ('unclosed' as const),
    verdict: read('verdict'),
    cause: read('cause'),
    map: read('map') || null,
    day: read('day'),
    since: read('since'),
    round: read('round'),
    page: read('page') ?? 1,
  };
  return { filter, unread };
}

const ledgerFields = {
  at: optional(wholeNumber),
  before: optional(wholeNumber),
  kind: optional(z.enum(entryKinds)),
};

/**
 * Which part of the ledger an address asks for, and the names of the fields that could not be read. `at` is an entry
 * that has to be on the page.
 */
export function ledgerQuery(query: Record<string, string>) {
  const { read, unread } = reader(ledgerFields, query);
  const [at, before, kind] = [read('at'), read('before'), read('kind')];
  return { at, page: at === null ? { before, kind } : { before: at + 1, kind: null }, unread };
}

const reason = z
  .string()
  .trim()
  .max(longestReason, {
    error: ({ input }) => {
      const [typed, most] = [String(input).length, longestReason].map((count) => count.toLocaleString('en'));
      return `This has ${typed} characters, and the ledger takes ${most} at most.`;
    },
  });
/** A text that people can see: blanks and characters without a width are none. */
const needed = (message: string) => reason.refine((text) => !isBlank(text), message);

/** A decision as a form sends it. The messages are for the person who filled it in. */
const decisionForm = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['acknowledge', 'reopen']), reason }),
  z.object({ kind: z.literal('note'), reason: needed('A note needs its text.') }),
  z.object({ kind: z.literal('hold'), reason: needed('A hold needs its reason.') }),
  z.object({ kind: z.literal('excuse'), reason: needed('An excuse needs its reason.') }),
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
