import type { Source } from '../src/context.ts';
import { decisionOf } from '../src/core/candidates.ts';
import { buildChanges } from '../src/core/change.ts';
import { classify } from '../src/core/classify.ts';
import { incidentKey } from '../src/core/expected.ts';
import { fingerprint, groupRepairs, type PlannedGroup } from '../src/core/plan.ts';
import type { Situation } from '../src/core/situation.ts';
import { isUntouched } from '../src/core/untouched.ts';
import type { Assessment, Reason, Want } from '../src/core/verdict.ts';
import { loadFacts } from '../src/source/facts.ts';
import { rivalsInReach } from '../src/source/rivals.ts';

/** What an audit would do: every verdict, the exact repairs, and their fingerprint. */
export interface Plan {
  assessments: readonly Assessment[];
  planned: readonly PlannedGroup[];
  fingerprint: string;
}

/** How many repairs a plan has, in all its groups. */
export function repairCount(plan: Plan): number {
  return plan.planned.reduce((sum, { group }) => sum + group.wants.length, 0);
}

/** What stands in the way of a repair, found only when its rows were read, as a reason of `conflict`. */
const conflictReason: Record<string, Reason> = {
  spawn_link_taken: 'slot_taken',
  spawn_key_taken: 'key_taken',
  slot_taken: 'slot_taken',
  capture_exists: 'key_taken',
  timing_in_the_way: 'timing_in_the_way',
};

function asConflict(
  assessment: Assessment,
  refusals: ReadonlyMap<Want, { reason: string; because: string }>,
): Assessment {
  const refusal = assessment.want === null ? undefined : refusals.get(assessment.want);
  if (refusal === undefined) return assessment;
  if (assessment.verdict === 'covered') return { ...assessment, want: null };
  const reason = conflictReason[refusal.reason] ?? 'slot_taken';
  return { ...assessment, verdict: 'conflict', reason, because: refusal.because, want: null };
}

/** The ids of the captures of a situation by their starts. */
function captureIdsByStart({ facts }: Situation): (startUnix: number) => readonly number[] {
  const idsByStart = new Map<number | null, number[]>();
  for (const { id, timing } of facts.captures) {
    const ids = idsByStart.get(timing.startUnix);
    if (ids) ids.push(id);
    else idsByStart.set(timing.startUnix, [id]);
  }
  return (startUnix) => idsByStart.get(startUnix) ?? [];
}

/**
 * Judges the rows and works out the exact row changes of every repair that nobody holds. Writes nothing. `isWhole` says
 * that the situation holds every capture of the source with a start that one of its artifacts has.
 */
export async function makePlan(
  situation: Situation,
  source: Source,
  { isWhole = false }: { isWhole?: boolean } = {},
): Promise<Plan> {
  const assessments = classify(situation);
  const wants = assessments.flatMap(({ want, key }) =>
    want === null || decisionOf(situation, key).held ? [] : [want],
  );
  const { zone } = situation.rules;
  const facts = await loadFacts(source.database, wants, {
    schema: source.schema,
    zone,
    lock: false,
    ...(isWhole ? { captureIdsByStart: captureIdsByStart(situation) } : {}),
  });
  const rivals = await rivalsInReach(source.database, wants, zone);
  const basis = { columns: source.schema.columns, zone };
  const planned: PlannedGroup[] = [];
  const refusals = new Map<Want, { reason: string; because: string }>();
  for (const group of groupRepairs(wants, situation.linkedTo)) {
    const own = facts.of(group.wants);
    const built = buildChanges(group.wants, own);
    if ('refusal' in built) for (const want of group.wants) refusals.set(want, built.refusal);
    else if (built.changes.length > 0) {
      const near = group.wants.flatMap((want) => rivals.get(want.round.id) ?? []);
      const untouched = isUntouched(group.wants, own) ? basis : undefined;
      planned.push({ group, changes: built.changes, rivals: near, untouched });
    }
  }
  const identityOf = (roundId: number) => {
    const round = situation.roundById.get(roundId);
    return round === undefined ? 'gone' : incidentKey(round);
  };
  return {
    assessments: assessments.map((assessment) => asConflict(assessment, refusals)),
    planned,
    fingerprint: fingerprint(planned, identityOf),
  };
}
