import { canonicalJson } from '../core/canonical.ts';
import { buildChanges } from '../core/change.ts';
import type { Json } from '../core/model.ts';
import { refuse } from '../core/refusal.ts';
import type { RowChange } from '../core/row-change.ts';
import type { Want } from '../core/verdict.ts';
import type { Database } from '../database.ts';
import { loadFacts } from './facts.ts';
import { guardLinks, lockKeysOf, lockKeysOfChanges, takeAdvisoryLocks } from './locks.ts';
import { rivalsInReach } from './rivals.ts';
import { writeChanges } from './row-writes.ts';
import type { SourceSchema } from './schema.ts';
import { type BeforeCommit, type Written, writing } from './writing.ts';

async function assertNoNewRival(database: Database, request: GroupRequest): Promise<void> {
  const { wants, rivals, schema, zone } = request;
  const known = new Set(rivals);
  for (const [roundId, others] of await rivalsInReach(database, wants, { schema, zone })) {
    const appeared = others.find((id) => !known.has(id));
    if (appeared !== undefined)
      refuse(
        'rival_appeared',
        `round ${appeared} is in reach of what is planned for round ${roundId}, and was not there before`,
      );
  }
}

/** One repair group as it was planned and recorded. */
export interface GroupRequest {
  wants: readonly Want[];
  changes: readonly RowChange[];
  /** The other rounds in reach of its candidates, as the plan knew them. */
  rivals: readonly number[];
  /** The `at` of its `repair.started`: the `captured_at` of every row that it inserts. */
  capturedAt: string;
  schema: SourceSchema;
  zone: string;
  beforeCommit?: BeforeCommit;
}

/**
 * Makes one repair group true, whole or not at all: under the pipeline's locks, with every precondition
 * asked again on locked rows, exact row counts, and the written rows read back (DESIGN, Repairs).
 */
export async function writeGroup(database: Database, request: GroupRequest): Promise<Written> {
  const { wants, changes, capturedAt, schema, zone } = request;
  return writing(database, async (inside) => {
    await takeAdvisoryLocks(inside, [...lockKeysOf(wants), ...lockKeysOfChanges(changes)]);
    await guardLinks(inside, schema);
    await assertNoNewRival(inside, request);
    const facts = (await loadFacts(inside, wants, { schema, zone, lock: true })).of(wants);
    const built = buildChanges(wants, facts);
    if ('refusal' in built) return refuse(built.refusal.reason, built.refusal.because);
    if (canonicalJson(built.changes as unknown as Json) !== canonicalJson(changes as unknown as Json))
      refuse('changed_since_planned', 'the rows are not what they were when the plan was made');
    await writeChanges(inside, changes, { capturedAt, columns: schema.columns });
    await request.beforeCommit?.();
  });
}
