import type { Cause } from './cause.ts';
import type { UsableArtifact } from './doubles.ts';
import type { ExemptReason } from './expected.ts';
import type { Capture, Round } from './model.ts';

/** The verdicts, in the order in which they are asked (DESIGN, Verdicts). */
export const verdicts = [
  'covered',
  'pending',
  'relinkable',
  'recoverable',
  'damaged',
  'ambiguous',
  'conflict',
  'unchecked',
  'missing',
  'lost',
] as const;
export type Verdict = (typeof verdicts)[number];

/** The verdicts that leave something to do (DESIGN, "Open"). */
export const openVerdicts: ReadonlySet<Verdict> = new Set([
  'relinkable',
  'recoverable',
  'damaged',
  'ambiguous',
  'conflict',
  'unchecked',
  'missing',
]);

/** Why a verdict holds. `explain` prints the sentence of each (`because`). */
export type Reason =
  | 'bad_time'
  | 'linked'
  | 'within_grace'
  | 'several_captures'
  | 'capture_fits_several'
  | 'link_unprovable'
  | 'unlinked'
  | 'dangling'
  | 'misplaced'
  | 'slot_taken'
  | 'key_taken'
  | 'timing_in_the_way'
  | 'capture_not_sane'
  | 'several_artifacts'
  | 'artifact_fits_several'
  | 'doubles_differ'
  | 'artifact'
  | 'not_whole'
  | 'place_unreadable'
  | 'artifact_unreadable'
  | 'nothing_fits_yet'
  | 'nothing_fits';

/** Remarks that do not change a verdict. */
export const flags = [
  'timing_not_propagated',
  'no_spawn_rows',
  'foreign_timing',
  'number_differs',
  'weak_distance',
  'time_moved',
  'duration_differs',
  'bare_message',
] as const;
export type Flag = (typeof flags)[number];

/** A capture or an artifact that was looked at for a round. */
export interface SeenCandidate {
  kind: 'capture' | 'artifact';
  /** Of a capture. */
  captureId: number | null;
  /** Of an artifact. */
  path: string | null;
  sha256: string | null;
  /** File time minus end, seconds; null where the candidate has no readable end in reach. */
  deltaSeconds: number | null;
  /** What is remarkable about it, for people. */
  note: string;
}

/** A repair that one verdict asks for. The artifact of a stored capture brings spawn rows that it lacks altogether. */
export type Want = {
  round: Round;
  key: string;
  /** Proven: the timing on the row is not the round's own. */
  foreignTiming: boolean;
  /** Captures that a person released from this round. */
  releases: readonly number[];
  deltaSeconds: number;
} & (
  | { kind: 'relink'; capture: Capture; artifact: UsableArtifact | null }
  | { kind: 'backfill'; artifact: UsableArtifact }
  | { kind: 'complete'; capture: Capture; artifact: UsableArtifact | null }
);

/** What the audit says of one row. */
export interface Assessment {
  round: Round;
  key: string;
  /** File time (the later one on the repeated hour until a candidate decides); null where unreadable. */
  playedUnix: number | null;
  /** Set on rows that are not expected; they have no verdict. */
  exempt: ExemptReason | null;
  verdict: Verdict | null;
  reason: Reason | null;
  /** The reason in a sentence, with its facts. */
  because: string;
  flags: readonly Flag[];
  /** The candidate that the verdict rests on. */
  candidate: SeenCandidate | null;
  /** Everything that was looked at. */
  seen: readonly SeenCandidate[];
  /** The repair it asks for, held or not. */
  want: Want | null;
  /** Why the pipeline missed it; null where it did not, or where it was not asked. */
  cause: Cause | null;
}
