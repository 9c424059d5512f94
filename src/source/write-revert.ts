import { refuse } from '../core/refusal.ts';
import { type RowChange, rowName } from '../core/row-change.ts';
import type { Database } from '../database.ts';
import { locksOfChanges, takeAdvisoryLocks } from './locks.ts';
import { readChangedRows, sameRow, writeChanges } from './row-writes.ts';
import { referencesToCaptures, type SourceSchema } from './schema.ts';
import { type BeforeCommit, type Written, writing } from './writing.ts';

/** A revert as it was recorded. */
export interface RevertRequest {
  /** What undoes the repair: inverted changes, in the order in which they are to be written. */
  changes: readonly RowChange[];
  at: string;
  schema: SourceSchema;
  beforeCommit?: BeforeCommit;
}

async function assertUnreferenced(database: Database, request: RevertRequest): Promise<void> {
  const deleted = request.changes.filter(({ table, after }) => table === 'lua_round_teams' && after === null);
  if (deleted.length === 0) return;
  const references = await referencesToCaptures(database);
  for (const change of deleted) {
    for (const reference of references) {
      const found = await database
        .knex(reference.table)
        .join(
          'lua_round_teams',
          `${reference.table}.${reference.column}`,
          `lua_round_teams.${reference.target}`,
        )
        .where({
          'lua_round_teams.match_id': change.key.match_id,
          'lua_round_teams.round_number': change.key.round_number,
        } as object)
        .limit(1)
        .select(database.knex.raw('1'));
      if (found.length > 0)
        refuse(
          'referenced',
          `${reference.table}.${reference.column} refers to capture ${change.key.match_id} R${change.key.round_number}`,
        );
    }
  }
}

/** A slot that the restored row needs and that somebody else has taken since. */
async function assertSlotsFree(database: Database, request: RevertRequest): Promise<void> {
  const own = new Set(request.changes.map((change) => JSON.stringify(change.key)));
  for (const change of request.changes) {
    const roundId = change.after?.round_id;
    if (change.table !== 'lua_round_teams' || typeof roundId !== 'number') continue;
    const holders = await database
      .knex('lua_round_teams')
      .select('id', 'match_id', 'round_number')
      .where({ round_id: roundId });
    const taken = holders.find(
      ({ match_id, round_number }) => !own.has(JSON.stringify({ match_id, round_number })),
    );
    if (taken !== undefined)
      refuse(
        'slot_taken',
        `capture ${taken.id} (${taken.match_id} R${taken.round_number}) is linked to round ${roundId} by now`,
      );
  }
}

/** Undoes exactly what one repair group changed, if every row is still as it left it. */
export async function writeRevert(database: Database, request: RevertRequest): Promise<Written> {
  return writing(database, async (inside) => {
    await takeAdvisoryLocks(inside, () => locksOfChanges(request.changes));
    const current = await readChangedRows(inside, request.changes, { lock: true });
    request.changes.forEach((change, at) => {
      if (sameRow(current[at]!, change.before)) return;
      const state = current[at] === null ? 'is gone' : 'has changed';
      refuse('changed_since', `${rowName(change)} ${state} since the repair`);
    });
    await assertUnreferenced(inside, request);
    await assertSlotsFree(inside, request);
    const { changes, at: capturedAt, schema } = request;
    await writeChanges(inside, [{ changes, capturedAt }], schema.columns);
    await request.beforeCommit?.();
  });
}
