import { checkCapture, checkRound, checkSlots, type Gain, leavingCaptures } from './preconditions.ts';
import { type Refusal, Refused } from './refusal.ts';
import { roundChanges } from './round-changes.ts';
import type { ChangeFacts, RowChange, StoredCapture } from './row-change.ts';
import { captureRow, hashedPart } from './rows.ts';
import { releasedSpawnChanges, spawnChanges } from './spawn-changes.ts';
import type { Want } from './verdict.ts';

function captureChanges(
  gains: readonly Gain[],
  leaving: readonly StoredCapture[],
  facts: ChangeFacts,
): RowChange[] {
  const targets = new Map(
    gains.flatMap(({ want }) => (want.kind === 'relink' ? [[want.capture.id, want.round.id]] : [])),
  );
  const moves = leaving.map((capture): RowChange => {
    const before = hashedPart(capture.row);
    return {
      after: { ...before, round_id: targets.get(capture.id) ?? null },
      before,
      key: { match_id: capture.matchId, round_number: capture.number },
      table: 'lua_round_teams',
    };
  });
  const inserts = gains.flatMap(({ want, matchId, number }): RowChange[] => {
    if (want.kind !== 'backfill') return [];
    const options = { roundId: want.round.id, zone: facts.zone, columns: facts.columns.captures };
    const after = captureRow(want.artifact.content, options);
    return [
      { after, before: null, key: { match_id: matchId, round_number: number }, table: 'lua_round_teams' },
    ];
  });
  return [...moves, ...inserts];
}

/** By table and key: of spawn rows the number comes before the player. */
function inOrder(changes: readonly RowChange[]): RowChange[] {
  const named = changes.map((change) => {
    const { id, match_id, round_number, player_guid } = change.key;
    return { change, name: JSON.stringify([change.table, { id, match_id, round_number, player_guid }]) };
  });
  return named.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ change }) => change);
}

/**
 * The exact rows that a repair group changes, or why it may not be made (DESIGN, Repairs). Asked once for
 * the plan and once more inside the transaction, with the rows locked: both answers must be the same.
 */
export function buildChanges(
  wants: readonly Want[],
  facts: ChangeFacts,
): { changes: RowChange[] } | { refusal: Refusal } {
  try {
    for (const want of wants) checkRound(want, facts);
    const gains = wants.map((want) => checkCapture(want, facts));
    const leaving = leavingCaptures(gains, facts);
    checkSlots(gains, leaving, facts);
    const changes = [
      ...captureChanges(gains, leaving, facts),
      ...gains.flatMap((gain) => spawnChanges(gain, facts)),
      ...releasedSpawnChanges(leaving, gains, facts),
      ...roundChanges(gains, leaving, facts),
    ];
    return { changes: inOrder(changes) };
  } catch (thrown) {
    if (thrown instanceof Refused) return { refusal: thrown.refusal };
    throw thrown;
  }
}
