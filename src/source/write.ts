import { sameJson } from '../core/canonical.ts';
import { buildChanges } from '../core/change.ts';
import type { Json } from '../core/model.ts';
import { type Refusal, Refused, refuse } from '../core/refusal.ts';
import type { RowChange } from '../core/row-change.ts';
import { type ChangeBasis, isSameBasis, isUntouched } from '../core/untouched.ts';
import type { Want } from '../core/verdict.ts';
import type { Database } from '../database.ts';
import { OperationError } from '../errors.ts';
import { type LoadedFacts, loadFacts } from './facts.ts';
import { guardLinks, locksOf, locksOfChanges, takeAdvisoryLocks } from './locks.ts';
import { rivalsInReach } from './rivals.ts';
import { writeChanges } from './row-writes.ts';
import type { SourceSchema } from './schema.ts';
import { isAnswered, refusalOf, transactWriting, type Written } from './writing.ts';

/** One repair group as it was planned and recorded. */
export interface GroupRequest {
  wants: readonly Want[];
  changes: readonly RowChange[];
  /** The other rounds in reach of its candidates, as the plan knew them. */
  rivals: readonly number[];
  /** Where nothing but its round bore on it: what its changes were built for. */
  untouched?: ChangeBasis;
  /** The `at` of its `repair.started`: the `captured_at` of every row that it inserts. */
  capturedAt: string;
}

/** What all groups of a batch are written with. */
export interface Writing {
  schema: SourceSchema;
  zone: string;
  /** Called with the groups that were written, before the commit; what it throws rolls all of them back. */
  beforeCommit?: (written: readonly GroupRequest[]) => void | Promise<void>;
}

/**
 * Makes repair groups true, each whole or not at all: in one transaction under the pipeline's locks, with every
 * precondition asked again on locked rows, exact row counts, and the written rows read back (DESIGN, Repairs). The groups
 * share no row that one of them writes and another one reads (`batchesOf`), so that each is asked what it would be asked
 * alone. How each ended, in the order of `requests`; a refusal undoes its own group only. Null where the transaction of
 * several groups was not to be had, by a lock or a fault: nothing is written then, and they are written one by one.
 */
export async function writeGroups(
  database: Database,
  requests: readonly GroupRequest[],
  writing: Writing,
): Promise<Written[] | null> {
  let committing = false;
  try {
    return await transactWriting(database, async (inside) => {
      const refusals = await recheck(inside, requests, writing);
      const ready = requests.filter((request) => !refusals.has(request));
      for (const [request, refusal] of await writeReady(inside, ready, writing.schema))
        refusals.set(request, refusal);
      committing = true;
      const written = requests.filter((request) => !refusals.has(request));
      if (written.length > 0) await writing.beforeCommit?.(written);
      return requests.map((request) => endOf(refusals.get(request)));
    });
  } catch (thrown) {
    if (requests.length === 1) return [endOf(refusalOf(thrown))];
    // Where the commit itself got no answer, nobody knows what it came to: the next run finds out.
    if (thrown instanceof OperationError || (committing && !isAnswered(thrown))) throw thrown;
    return null;
  }
}

const endOf = (refusal: Refusal | undefined): Written =>
  refusal === undefined ? { written: true } : { written: false, refusal };

type Refusals = Map<GroupRequest, Refusal>;

/** Takes every lock, reads every row that bears on the groups, and asks each group's preconditions again. */
async function recheck(
  inside: Database,
  requests: readonly GroupRequest[],
  { schema, zone }: Writing,
): Promise<Refusals> {
  const wants = requests.flatMap((request) => request.wants);
  await takeAdvisoryLocks(inside, () => [
    ...locksOf(wants),
    ...requests.flatMap(({ changes }) => locksOfChanges(changes)),
  ]);
  await guardLinks(inside, schema);
  const rivals = await rivalsInReach(inside, wants, zone);
  const facts = await loadFacts(inside, wants, { schema, zone, lock: true });
  const refusals: Refusals = new Map();
  for (const request of requests) {
    const refusal = refusalIn(() => assertAsPlanned(request, { rivals, facts }));
    if (refusal !== null) refusals.set(request, refusal);
  }
  return refusals;
}

function refusalIn(check: () => void): Refusal | null {
  try {
    check();
    return null;
  } catch (thrown) {
    if (thrown instanceof Refused) return thrown.refusal;
    throw thrown;
  }
}

function assertAsPlanned(
  request: GroupRequest,
  now: { rivals: ReadonlyMap<number, readonly number[]>; facts: LoadedFacts },
): void {
  const { wants, changes, untouched } = request;
  assertNoNewRival(request, now.rivals);
  const facts = now.facts.of(wants);
  // Found as the plan had found it, it would be built as it was.
  if (untouched !== undefined && isSameBasis(untouched, facts) && isUntouched(wants, facts)) return;
  const built = buildChanges(wants, facts);
  if ('refusal' in built) throw new Refused(built.refusal.reason, built.refusal.because);
  if (!sameJson(built.changes as unknown as Json, changes as unknown as Json))
    refuse('changed_since_planned', 'the rows are not what they were when the plan was made');
}

function assertNoNewRival(
  { wants, rivals }: GroupRequest,
  now: ReadonlyMap<number, readonly number[]>,
): void {
  const known = new Set(rivals);
  for (const { round } of wants) {
    const appeared = now.get(round.id)?.find((id) => !known.has(id));
    if (appeared !== undefined)
      refuse(
        'rival_appeared',
        `round ${appeared} is in reach of what is planned for round ${round.id}, and was not there before`,
      );
  }
}

/** Writes all groups in a few statements; where one of them does not go, each by itself. */
async function writeReady(
  inside: Database,
  ready: readonly GroupRequest[],
  schema: SourceSchema,
): Promise<Refusals> {
  if (ready.length === 0) return new Map();
  const refusal = await attempt(inside, ready, schema);
  if (refusal === null) return new Map();
  if (ready.length === 1) return new Map([[ready[0]!, refusal]]);
  const refusals: Refusals = new Map();
  for (const request of ready) {
    const own = await attempt(inside, [request], schema);
    if (own !== null) refusals.set(request, own);
  }
  return refusals;
}

/** Writes some groups, or undoes what it wrote of them and says why. */
async function attempt(
  inside: Database,
  requests: readonly GroupRequest[],
  { columns }: SourceSchema,
): Promise<Refusal | null> {
  await inside.knex.raw('savepoint repairs');
  try {
    await writeChanges(inside, requests, columns);
    await inside.knex.raw('release savepoint repairs');
    return null;
  } catch (thrown) {
    const refusal = refusalOf(thrown);
    await inside.knex.raw('rollback to savepoint repairs');
    await inside.knex.raw('release savepoint repairs');
    return refusal;
  }
}
