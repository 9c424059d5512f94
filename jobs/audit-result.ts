import type { Cause } from '../src/core/cause.ts';
import { type Counts, expectedCount, total } from '../src/core/counts.ts';
import type { DuplicateIngestion } from '../src/core/duplicates.ts';
import type { Incident } from '../src/core/incident.ts';
import type { Place } from '../src/core/model.ts';
import type { Orphans, WrongLink } from '../src/core/orphans.ts';
import { type PlannedGroup, type RepairSummary, summarise } from '../src/core/plan.ts';
import type { RowChange } from '../src/core/row-change.ts';
import { utcText } from '../src/core/time.ts';
import type { Assessment, Flag, Reason, Verdict } from '../src/core/verdict.ts';
import type { DayRange } from '../src/source/read.ts';
import type { HeldLine } from './held.ts';
import type { Outcomes } from './repairing.ts';

export type Action = 'relink' | 'backfill' | 'complete' | 'write_off' | 'held' | 'none';

/** One expected round that was not covered when the run began. */
export interface VerdictLine {
  roundId: number;
  /** Its incident, where the ledger knows one. */
  incident: number | null;
  matchId: string | null;
  map: string | null;
  round: number | null;
  session: number | null;
  /** UTC. */
  playedAt: string | null;
  /** Local text of the server, as it stands on the row. */
  date: string | null;
  time: string | null;
  verdict: Verdict;
  reason: Reason;
  because: string;
  flags: readonly Flag[];
  cause: Cause | null;
  candidate: {
    kind: 'capture' | 'artifact';
    path?: string;
    captureId?: number;
    deltaSeconds: number | null;
    sha256: string | null;
  } | null;
  action: Action;
  outcome: string | null;
}

/** A repair group with the rows that it changes, as `plan` prints it. */
export interface PlanLine {
  repairs: readonly RepairSummary[];
  changes: readonly RowChange[];
  outcome: string;
}

/** What `audit --json` prints. */
export interface AuditResult {
  run: string;
  source: string;
  /** Days of the server, both included; `asked` is the options that ask for it. */
  window: { from: string | null; to: string | null; asked: string };
  fingerprint: string;
  /** `clean`, `open`, or one of the states that are neither green nor red. */
  state: 'clean' | 'open' | 'no_rounds' | 'nothing_checked';
  rowsRead: number;
  counts: Counts;
  after: Counts;
  /** The flags of covered rounds, counted. */
  flags: Partial<Record<Flag, number>>;
  verdicts: readonly VerdictLine[];
  plan: readonly PlanLine[];
  /** What people hold, in the window and before it; of an audit of a part, what that part has. */
  held: readonly HeldLine[];
  orphans: Orphans;
  wrongLinks: readonly WrongLink[];
  places: readonly Place[];
  ignored: readonly { path: string; why: string }[];
  /** Logs that could not be read, or not to their end; they decide no verdict. */
  unreadLogs: readonly { path: string; why: string }[];
  /** Rounds of the window that the bot received or stored twice within a minute, by day of the server. */
  duplicates: { perDay: Record<string, number>; rounds: readonly DuplicateIngestion[] };
  ledger: { seq: number; hash: string } | null;
  /** Why no repair was made, or would be: `repair_off`, `max_repairs`. */
  stopped: 'repair_off' | 'max_repairs' | null;
  /** MAX_REPAIRS of this run. */
  limit: number;
  open: boolean;
}

/** What the result is made of. `outcomes` is null in a dry run. */
export type ResultParts = Pick<
  AuditResult,
  | 'run'
  | 'source'
  | 'after'
  | 'held'
  | 'orphans'
  | 'wrongLinks'
  | 'places'
  | 'ignored'
  | 'unreadLogs'
  | 'duplicates'
  | 'ledger'
  | 'stopped'
  | 'limit'
  | 'open'
> & {
  window: DayRange;
  /** The window as options. */
  asked: string;
  before: {
    assessments: readonly Assessment[];
    planned: readonly PlannedGroup[];
    fingerprint: string;
    counts: Counts;
  };
  incidents: ReadonlyMap<string, Incident>;
  outcomes: Outcomes | null;
};

function candidateOf({ candidate }: Assessment): VerdictLine['candidate'] {
  if (candidate === null) return null;
  const { kind, path, captureId, deltaSeconds, sha256 } = candidate;
  if (kind === 'artifact') return { kind, path: path!, deltaSeconds, sha256 };
  return { kind, captureId: captureId!, deltaSeconds, sha256: null };
}

/** What the audit does about a round, and what became of it. */
function doneAbout(assessment: Assessment, parts: ResultParts): { action: Action; outcome: string | null } {
  const { key, verdict, want } = assessment;
  const incident = parts.incidents.get(key);
  if (want !== null && incident?.held) return { action: 'held', outcome: null };
  const planned = (action: Action, outcome: string | null) => ({
    action,
    outcome: parts.outcomes === null ? 'planned' : outcome,
  });
  if (want !== null)
    return planned(want.kind === 'relink' ? 'relink' : want.kind, parts.outcomes?.get(key) ?? null);
  if (verdict === 'lost' && incident?.status !== 'written_off') return planned('write_off', 'done');
  return { action: 'none', outcome: null };
}

function verdictLine(assessment: Assessment, parts: ResultParts): VerdictLine {
  const { round, playedUnix } = assessment;
  return {
    roundId: round.id,
    incident: parts.incidents.get(assessment.key)?.id ?? null,
    matchId: round.matchId,
    map: round.map,
    round: round.number,
    session: round.session,
    playedAt: playedUnix === null ? null : utcText(playedUnix),
    date: round.date,
    time: round.time,
    verdict: assessment.verdict!,
    reason: assessment.reason!,
    because: assessment.because,
    flags: assessment.flags,
    cause: assessment.cause,
    candidate: candidateOf(assessment),
    ...doneAbout(assessment, parts),
  };
}

function countFlags(assessments: readonly Assessment[]): Partial<Record<Flag, number>> {
  const counts: Partial<Record<Flag, number>> = {};
  for (const { verdict, flags } of assessments)
    if (verdict === 'covered') for (const flag of flags) counts[flag] = (counts[flag] ?? 0) + 1;
  return counts;
}

function stateOf(parts: ResultParts): AuditResult['state'] {
  const expected = expectedCount(parts.after);
  if (expected === 0 && !parts.open) return 'no_rounds';
  if (expected > 0 && parts.after.unchecked === expected) return 'nothing_checked';
  return parts.open ? 'open' : 'clean';
}

/** One document that says everything about a run. */
export function auditResult(parts: ResultParts): AuditResult {
  const { before, outcomes } = parts;
  const gaps = before.assessments.filter(({ verdict }) => verdict !== null && verdict !== 'covered');
  return {
    run: parts.run,
    source: parts.source,
    window: { from: parts.window.since, to: parts.window.until, asked: parts.asked },
    fingerprint: before.fingerprint,
    state: stateOf(parts),
    rowsRead: total(before.counts),
    counts: before.counts,
    after: parts.after,
    flags: countFlags(before.assessments),
    verdicts: gaps.map((assessment) => verdictLine(assessment, parts)),
    plan: before.planned.map(({ group, changes }) => ({
      repairs: group.wants.map(summarise),
      changes,
      outcome: outcomes === null ? 'planned' : (outcomes.get(group.wants[0].key) ?? 'planned'),
    })),
    held: parts.held,
    orphans: parts.orphans,
    wrongLinks: parts.wrongLinks,
    places: parts.places,
    ignored: parts.ignored,
    unreadLogs: parts.unreadLogs,
    duplicates: parts.duplicates,
    ledger: parts.ledger,
    stopped: parts.stopped,
    limit: parts.limit,
    open: parts.open,
  };
}

/** What an audit that came to its end exits with: 3 where something is open. */
export function exitCodeOf({ open }: AuditResult): number {
  return open ? 3 : 0;
}
