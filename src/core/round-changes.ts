import { canonicalRoundId } from './canonical.ts';
import { fileTime, ownTiming, present } from './expected.ts';
import type { Round, Timing } from './model.ts';
import type { Gain } from './preconditions.ts';
import { refuse } from './refusal.ts';
import type { ChangeFacts, RowChange, StoredCapture } from './row-change.ts';
import { timingRow } from './rows.ts';
import { gainedTiming } from './slots.ts';
import { gainTiming, withoutTimingOf } from './timing.ts';

interface RoundState {
  timing: Timing;
  canonicalId: string | null;
}

const canonicalOf = (round: Round, timing: Timing) =>
  present(timing.startUnix) ? canonicalRoundId(timing.startUnix, round.map, round.number ?? 0) : null;

/** The row of a round after the captures that leave it: their values go, and the canonical id made of them. */
function afterLeaving(round: Round, state: RoundState, leaving: readonly StoredCapture[]): RoundState {
  let { timing, canonicalId } = state;
  for (const capture of leaving.filter(({ roundId }) => roundId === round.id)) {
    const cleared = withoutTimingOf(timing, capture.timing);
    if (cleared === timing) continue;
    if (canonicalId === canonicalOf(round, capture.timing)) canonicalId = null;
    timing = cleared;
  }
  return { timing, canonicalId };
}

function afterGaining(
  gain: Gain,
  state: RoundState,
  facts: ChangeFacts,
  freed: ReadonlySet<string>,
): RoundState {
  const { round } = facts.rounds.get(gain.want.round.id)!;
  const gained = gainedTiming(gain.want);
  const played = fileTime(round, facts.zone);
  const foreign = played !== null && ownTiming(round, played) === 'foreign' && gain.want.kind !== 'complete';
  const timing = gainTiming(state.timing, gained, { foreign });
  if (timing === null) {
    // Spawn rows may be completed where the timing is not ours to touch.
    if (gain.want.kind === 'complete') return state;
    refuse('timing_in_the_way', `round ${round.id} carries another start or end than its candidate`);
  }
  const own = canonicalOf(round, timing);
  const stale =
    foreign && state.canonicalId !== null && state.canonicalId === canonicalOf(round, state.timing);
  const current = stale ? null : state.canonicalId;
  const holder = own === null ? undefined : facts.canonicalHolders.get(own);
  const free = holder === undefined || holder === round.id || freed.has(own!);
  return { timing, canonicalId: current ?? (free ? own : null) };
}

/** The timing of every round that loses or gains a capture (DESIGN, Timing follows the capture). */
export function roundChanges(
  gains: readonly Gain[],
  leaving: readonly StoredCapture[],
  facts: ChangeFacts,
): RowChange[] {
  const states = new Map<number, RoundState>();
  const freed = new Set<string>();
  for (const [id, { round, canonicalId }] of facts.rounds) {
    const state = afterLeaving(round, { timing: round.timing, canonicalId }, leaving);
    states.set(id, state);
    if (canonicalId !== null && state.canonicalId === null) freed.add(canonicalId);
  }
  for (const gain of gains) {
    const id = gain.want.round.id;
    states.set(id, afterGaining(gain, states.get(id)!, facts, freed));
  }
  return [...facts.rounds].flatMap(([id, { round, canonicalId }]): RowChange[] => {
    const columns = facts.columns.rounds;
    const state = states.get(id)!;
    const before = timingRow(round.timing, canonicalId, columns);
    const after = timingRow(state.timing, state.canonicalId, columns);
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    return [{ after, before, key: { id }, table: 'rounds' }];
  });
}
