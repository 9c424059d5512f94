import { ageSeconds, fileTime } from './expected.ts';
import type { Incident } from './incident.ts';
import type { MessageGap } from './message.ts';
import type { Round } from './model.ts';
import { spokesmen } from './record.ts';
import { type Assessment, openVerdicts, type Verdict } from './verdict.ts';

/** A gap of an alert group, as it was last seen. */
export type AlertGap = MessageGap & {
  /** Its incident's key. */
  key: string;
  playedUnix: number | null;
  verdict: Verdict;
};

/** The gaps of one session that people were told of together, from the first alert to the last gap's end. */
export interface AlertGroup {
  /** Keeps its name when causes change or rounds join. */
  key: string;
  /** When people were told first; UTC with milliseconds. Tells one episode of a session from the next. */
  openedAt: string;
  level: 'alert' | 'urgent';
  /** Every gap that it has had, in the order of play. */
  gaps: readonly AlertGap[];
}

/** How a gap of a group ended. */
export type Ending = 'arrived late' | 'repaired' | 'written off' | 'not expected any more' | 'vanished';

/** Something that people are to be told, once. */
export type AlertNews = { group: AlertGroup } & (
  | { level: 'alert'; gaps: readonly AlertGap[] }
  | { level: 'urgent'; gaps: readonly AlertGap[]; why: 'half_an_hour' | 'two_r2' }
  | { level: 'recovery'; endings: readonly { gap: AlertGap; ending: Ending }[]; seconds: number }
);

/** What one run decides about alerts: what is said, and every group that differs from before. */
export interface AlertDecision {
  news: readonly AlertNews[];
  changed: readonly AlertGroup[];
  /** Keys of the groups that are over. */
  closed: readonly string[];
  /** Rounds without a capture that are still the live pipeline's to mend: for the log, nobody is told. */
  notes: readonly Assessment[];
}

/** What deciding about alerts needs. */
export interface AlertFacts {
  /** Every judged row as it is after the run. */
  assessments: readonly Assessment[];
  /** By key, as the ledger knows them after the run. */
  incidents: ReadonlyMap<string, Incident>;
  /** The groups that people have been told of. */
  groups: readonly AlertGroup[];
  zone: string;
  nowUnix: number;
  settleHours: number;
}

const noteSeconds = 120;
const urgentSeconds = 30 * 60;

/** The name of the group that a gap begins: its session, or its day and map where it has none. */
function alertGroupKey(round: Round): string {
  return round.session === null
    ? `day ${round.date ?? '?'}, ${round.map ?? '?'}`
    : `session ${round.session}`;
}

/** Seconds that a gap has been one; of a round whose time cannot be read, since it was found. */
function ageOf(facts: AlertFacts, { round, key }: Assessment): number {
  const played = fileTime(round, facts.zone);
  if (played !== null) return ageSeconds(round, played, facts);
  const found = facts.incidents.get(key)?.openedAt;
  return found === undefined ? 0 : facts.nowUnix - Date.parse(found) / 1000;
}

/** A gap that somebody has to look at, and that nobody has acknowledged, excused or held. */
function isLoud(facts: AlertFacts, { key, verdict }: Assessment): boolean {
  if (verdict === null || !openVerdicts.has(verdict)) return false;
  const incident = facts.incidents.get(key);
  return !incident?.acknowledged && !incident?.excused && !incident?.held;
}

const played = ({ date, time }: Round) =>
  `${date ?? '?'} ${(time ?? '?').replace(/^(\d{2})(\d{2})(\d{2})$/, '$1:$2:$3')}`;

/** A gap as an alert names it. */
function alertGap({ round, key, playedUnix, verdict, because, cause }: Assessment): AlertGap {
  const { id: roundId, matchId, map, number, session } = round;
  const why = cause === null ? because : `${cause.code}: ${cause.because}`;
  return {
    key,
    roundId,
    matchId,
    map,
    number,
    session,
    played: played(round),
    playedUnix,
    verdict: verdict!,
    because: why,
  };
}

const inOrder = (gaps: readonly AlertGap[]) =>
  [...gaps].sort((a, b) => (a.playedUnix ?? 0) - (b.playedUnix ?? 0) || a.roundId - b.roundId);

/** Two second rounds in a row, of those the session has played, are gaps. */
function twoR2InARow(facts: AlertFacts, group: string, loud: ReadonlySet<string>): boolean {
  const second = facts.assessments
    .filter(({ round, verdict }) => round.number === 2 && verdict !== null && alertGroupKey(round) === group)
    .sort((a, b) => (a.playedUnix ?? 0) - (b.playedUnix ?? 0));
  return second.some(({ key }, at) => at > 0 && loud.has(key) && loud.has(second[at - 1]!.key));
}

type Loud = ReadonlyMap<string, readonly Assessment[]>;

/** The loud gaps by group; one that a group knows stays in it, whatever its session became. */
function loudByGroup(facts: AlertFacts): Map<string, Assessment[]> {
  const groupOf = new Map(
    facts.groups.flatMap(({ key, gaps }) => gaps.map((gap) => [gap.key, key] as const)),
  );
  const byGroup = new Map<string, Assessment[]>();
  for (const assessment of facts.assessments) {
    if (!isLoud(facts, assessment)) continue;
    const group = groupOf.get(assessment.key) ?? alertGroupKey(assessment.round);
    const known = byGroup.get(group);
    if (known) known.push(assessment);
    else byGroup.set(group, [assessment]);
  }
  return byGroup;
}

function urgency(
  facts: AlertFacts,
  key: string,
  loud: readonly Assessment[],
): 'half_an_hour' | 'two_r2' | null {
  if (twoR2InARow(facts, key, new Set(loud.map((gap) => gap.key)))) return 'two_r2';
  return loud.some((gap) => ageOf(facts, gap) >= urgentSeconds) ? 'half_an_hour' : null;
}

/** A group that has loud gaps: opened, joined, or raised to urgent. */
function raise(
  facts: AlertFacts,
  of: { key: string; before: AlertGroup | undefined; loud: readonly Assessment[] },
): { group: AlertGroup; news: AlertNews[] } | null {
  const { key, before, loud } = of;
  // Gaps that are found long after are history: they stand in the report and in the list of incidents.
  const history = loud.every((gap) => ageOf(facts, gap) >= facts.settleHours * 3600);
  if (before === undefined && history) return null;
  const now = loud.map(alertGap);
  const names = new Set(now.map((gap) => gap.key));
  const gaps = inOrder([...(before?.gaps ?? []).filter((gap) => !names.has(gap.key)), ...now]);
  const openedAt = before?.openedAt ?? new Date(facts.nowUnix * 1000).toISOString();
  const why = before?.level === 'urgent' ? null : urgency(facts, key, loud);
  const group: AlertGroup = {
    key,
    openedAt,
    level: why === null ? (before?.level ?? 'alert') : 'urgent',
    gaps,
  };
  const said = inOrder(now);
  if (why !== null) return { group, news: [{ group, level: 'urgent', gaps: said, why }] };
  return { group, news: before === undefined ? [{ group, level: 'alert', gaps: said }] : [] };
}

/** How the ledger says that a gap ended whose row this run did not look at; null where people have silenced it. */
function unjudgedEnding(incident: Incident | undefined): Ending | null {
  if (incident?.excused || incident?.held || incident?.acknowledged) return null;
  if (incident?.status === 'written_off') return 'written off';
  if (incident?.closed?.as === 'exempt') return 'not expected any more';
  if (incident?.closed?.as !== 'covered') return 'vanished';
  return incident.closed.by === 'repair' ? 'repaired' : 'arrived late';
}

/** How a gap that is not open any more ended; null where it is one, and people have silenced it. */
function endingOf(facts: AlertFacts, gap: AlertGap, judged: ReadonlyMap<string, Assessment>): Ending | null {
  const now = judged.get(gap.key);
  if (now === undefined) return unjudgedEnding(facts.incidents.get(gap.key));
  if (now.exempt !== null) return 'not expected any more';
  if (now.verdict === 'lost') return 'written off';
  if (now.verdict !== 'covered') return null;
  return facts.incidents.get(gap.key)?.closed?.by === 'repair' ? 'repaired' : 'arrived late';
}

/** A group without loud gaps is over: one line where something healed, silence where people had silenced it all. */
function finish(facts: AlertFacts, group: AlertGroup, judged: ReadonlyMap<string, Assessment>): AlertNews[] {
  const endings = group.gaps.flatMap((gap) => {
    const ending = endingOf(facts, gap, judged);
    return ending === null ? [] : [{ gap, ending }];
  });
  if (endings.length === 0) return [];
  const first = group.gaps.reduce<number>(
    (earliest, { playedUnix }) => Math.min(earliest, playedUnix ?? earliest),
    Date.parse(group.openedAt) / 1000,
  );
  return [{ group, level: 'recovery', endings, seconds: facts.nowUnix - first }];
}

const sameGroup = (a: AlertGroup | undefined, b: AlertGroup) =>
  a !== undefined && JSON.stringify(a) === JSON.stringify(b);

function raiseAll(facts: AlertFacts, byGroup: Loud, known: ReadonlyMap<string, AlertGroup>) {
  return [...byGroup].flatMap(([key, loud]) => raise(facts, { key, before: known.get(key), loud }) ?? []);
}

/**
 * Decides what people are told after a run (DOMAIN, section 6): one alert when the first gap of a session is
 * past the grace time, one urgent after 30 minutes or two second rounds in a row, one line when the last gap
 * is gone. Looks at what is true now and at what has been said, so that a run twice, late, or after a crash
 * says nothing twice and forgets nothing.
 */
export function decideAlerts(seen: AlertFacts): AlertDecision {
  // One row speaks for each incident: after a re-import the old row may stand beside the new one.
  const judged = spokesmen(seen.assessments);
  const facts = { ...seen, assessments: [...judged.values()] };
  const known = new Map(facts.groups.map((group) => [group.key, group]));
  const byGroup = loudByGroup(facts);
  const raised = raiseAll(facts, byGroup, known);
  // A gap that was imported anew is pending: its group is neither loud nor over.
  const waits = ({ gaps }: AlertGroup) => gaps.some(({ key }) => judged.get(key)?.verdict === 'pending');
  const over = facts.groups.filter((group) => !byGroup.has(group.key) && !waits(group));
  return {
    news: [...raised.flatMap(({ news }) => news), ...over.flatMap((group) => finish(facts, group, judged))],
    changed: raised.flatMap(({ group }) => (sameGroup(known.get(group.key), group) ? [] : [group])),
    closed: over.map(({ key }) => key),
    notes: facts.assessments.filter(
      (assessment) => assessment.verdict === 'pending' && ageOf(facts, assessment) >= noteSeconds,
    ),
  };
}
