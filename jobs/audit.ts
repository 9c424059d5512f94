import { keepArtifact } from '../src/artifacts/keep.ts';
import type { Config } from '../src/config.ts';
import { foldEntry, keptArtifacts, type Source, withLedgerToRead, withSource } from '../src/context.ts';
import { assertAddsUp, type Counts, count } from '../src/core/counts.ts';
import type { Json } from '../src/core/model.ts';
import { findOrphans, findWrongLinks } from '../src/core/orphans.ts';
import { type EntryDraft, gapEntries, placeEntries } from '../src/core/record.ts';
import { openVerdicts } from '../src/core/verdict.ts';
import { OperationError } from '../src/errors.ts';
import { append } from '../src/ledger/append.ts';
import { head, lastEntryOf } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import type { Log } from '../src/log.ts';
import { type AuditResult, auditResult } from './audit-result.ts';
import { type Observation, observe } from './observe.ts';
import { makePlan, type Plan } from './planning.ts';
import type { Progress } from './progress.ts';
import { type Moment, type Outcomes, repairAll } from './repairing.ts';
import { newRunId, type Run, runJob } from './run.ts';
import { instantsOf, type Scope, windowOf } from './scope.ts';
import { settleInterrupted } from './settle.ts';

/** How one audit is asked for. */
export interface AuditRequest {
  config: Config;
  log: Log;
  scope: Scope;
  /** The fingerprint that the plan must have; anything else writes nothing. */
  expect?: string;
  nowMs: number;
  progress: Progress;
  reached?: (moment: Moment) => void | Promise<void>;
}

/** One look with its plan. */
interface Look {
  observation: Observation;
  plan: Plan;
  counts: Counts;
}

async function look(
  request: AuditRequest,
  of: { source: Source; ledger: Ledger | null; when: string },
): Promise<Look> {
  const { config, scope, nowMs, progress } = request;
  const { source, ledger } = of;
  const observation = await observe({
    config,
    source,
    ledger,
    scope,
    nowUnix: Math.floor(nowMs / 1000),
    progress,
  });
  const plan = await makePlan(observation.situation, source);
  const counts = count(plan.assessments);
  assertAddsUp(observation.situation.facts.judged.length, counts, of.when);
  return { observation, plan, counts };
}

/** Copies every artifact that a verdict other than `covered` rests on: the server cleans up. */
async function keepEvidence(request: AuditRequest, plan: Plan): Promise<void> {
  const directory = keptArtifacts(request.config);
  for (const { seen } of plan.assessments)
    for (const { path, sha256 } of seen) {
      if (path === null || sha256 === null) continue;
      const kept = await keepArtifact(directory, { path, sha256 });
      if (typeof kept === 'object')
        request.log.warn({ path, why: kept.failed }, 'could not keep a copy of an artifact');
    }
}

/** Which of the places were unreadable when the ledger last spoke of them. */
async function knownPlaces(ledger: Ledger, source: string, names: readonly string[]) {
  const known = new Map<string, 'unreadable' | 'readable'>();
  for (const name of names) {
    const last = await lastEntryOf(ledger, source, `place:${name}`, ['place.unreadable', 'place.readable']);
    if (last !== null) known.set(name, last.kind === 'place.unreadable' ? 'unreadable' : 'readable');
  }
  return known;
}

/** Writes down what was found: places that failed or returned, gaps found, changed, written off, closed. */
async function record(
  request: AuditRequest,
  of: { run: Run; source: Source; seen: Look },
): Promise<EntryDraft[]> {
  const { run, source, seen } = of;
  const { places } = seen.observation.situation.facts;
  const known = await knownPlaces(
    run.ledger,
    source.name,
    places.map(({ name }) => name),
  );
  const about = { source: source.name, run: run.id };
  const drafts = [
    ...placeEntries(places, known, about),
    ...gapEntries({
      ...about,
      assessments: seen.plan.assessments,
      incidents: seen.observation.incidents,
      places,
      looksForVanished: request.scope.kind === 'lookback' || request.scope.kind === 'all',
    }),
  ];
  await append(run.ledger, drafts, run.at);
  return drafts;
}

/** Why no repair may be made in this run, or null. */
function stopped(request: AuditRequest, plan: Plan): 'repair_off' | 'max_repairs' | null {
  const { repair, maxRepairs } = request.config;
  const repairs = plan.planned.reduce((sum, { group }) => sum + group.wants.length, 0);
  if (repairs === 0) return null;
  if (!repair) return 'repair_off';
  return maxRepairs > 0 && repairs > maxRepairs && request.expect === undefined ? 'max_repairs' : null;
}

/** A plan over MAX_REPAIRS is written down once, not at every run. */
async function recordStop(
  request: AuditRequest,
  of: { run: Run; source: Source; plan: Plan },
): Promise<void> {
  const { run, source, plan } = of;
  const last = await lastEntryOf(run.ledger, source.name, 'plan', ['plan.stopped']);
  const said = last === null ? null : (foldEntry(last).body as { fingerprint?: string }).fingerprint;
  if (said === plan.fingerprint) return;
  const repairs = plan.planned.reduce((sum, { group }) => sum + group.wants.length, 0);
  const body = { run: run.id, fingerprint: plan.fingerprint, repairs, limit: request.config.maxRepairs };
  await append(run.ledger, [{ kind: 'plan.stopped', source: source.name, key: 'plan', body }], run.at);
}

async function repair(
  request: AuditRequest,
  of: { run: Run; source: Source; plan: Plan },
): Promise<Outcomes> {
  const { run, source, plan } = of;
  const why = stopped(request, plan);
  if (why === 'max_repairs') await recordStop(request, of);
  if (why !== null)
    return new Map(
      plan.planned.flatMap(({ group }) => group.wants.map(({ key }) => [key, `refused (${why})`])),
    );
  const { config, progress, reached } = request;
  return repairAll(plan.planned, { config, source, run, fingerprint: plan.fingerprint, progress, reached });
}

/** What is true after the repairs is read, not assumed; where none was tried, nothing has changed. */
async function lookAgain(
  request: AuditRequest,
  of: { run: Run; source: Source; before: Look; outcomes: Outcomes },
): Promise<Look> {
  if (of.outcomes.size === 0 || stopped(request, of.before.plan) !== null) return of.before;
  const after = await look(request, { source: of.source, ledger: of.run.ledger, when: 'after the repairs' });
  await record(request, { run: of.run, source: of.source, seen: after });
  return after;
}

function assertExpected(request: AuditRequest, plan: Plan): void {
  if (request.expect === undefined || request.expect === plan.fingerprint) return;
  throw new OperationError(
    `the plan is not the expected one, nothing was written: expected ${request.expect}, found ${plan.fingerprint}; ` +
      'look at `roundwarden plan` again',
  );
}

/** True where something is left to do, and nobody has excused or held it; or a place could not be read. */
function leavesOpen(seen: Look): boolean {
  const { incidents, situation } = seen.observation;
  if (situation.facts.places.some(({ unreadable }) => unreadable !== null)) return true;
  return seen.plan.assessments.some(({ key, verdict }) => {
    if (verdict === null || !openVerdicts.has(verdict)) return false;
    const incident = incidents.get(key);
    return !incident?.excused && !incident?.held;
  });
}

function resultOf(
  request: AuditRequest,
  of: {
    runId: string;
    source: Source;
    before: Look;
    after: Look;
    outcomes: Outcomes | null;
    ledgerHead: AuditResult['ledger'];
  },
): AuditResult {
  const { before, after } = of;
  const { situation } = before.observation;
  const window = windowOf(request.scope);
  const range = instantsOf(window, request.config.zone);
  const orphans =
    request.scope.kind === 'round' ? { captures: [], artifacts: [] } : findOrphans(situation, range);
  return auditResult({
    run: of.runId,
    source: of.source.name,
    window,
    before: { ...before.plan, counts: before.counts },
    after: after.counts,
    incidents: before.observation.incidents,
    outcomes: of.outcomes,
    orphans,
    wrongLinks: findWrongLinks(situation),
    places: situation.facts.places,
    ignored: before.observation.ignored,
    ledger: of.ledgerHead,
    open: leavesOpen(after),
  });
}

export function exitCodeOf(result: AuditResult): number {
  return result.open ? 3 : 0;
}

/** What an audit would do: reads, matches, judges and plans, and writes nothing anywhere. */
export async function planAudit(request: AuditRequest): Promise<AuditResult> {
  return withSource(request.config, { readOnly: true }, (source) =>
    withLedgerToRead(request.config, async (ledger) => {
      const before = await look(request, { source, ledger, when: 'of the plan' });
      assertExpected(request, before.plan);
      const ledgerHead = ledger === null ? null : await head(ledger);
      const runId = newRunId(request.nowMs);
      return resultOf(request, { runId, source, before, after: before, outcomes: null, ledgerHead });
    }),
  );
}

/**
 * One cycle: what a crash left is closed; the source and the artifacts are read, matched and judged; the
 * findings are written down; the repairs are made; what is true afterwards is read again and written down.
 */
export async function audit(request: AuditRequest): Promise<AuditResult> {
  const end = await runJob(request.config, { command: 'audit', nowMs: request.nowMs }, (run) =>
    withSource(request.config, {}, async (source) => {
      const settled = await settleInterrupted(run, source);
      const before = await look(request, { source, ledger: run.ledger, when: 'before the repairs' });
      assertExpected(request, before.plan);
      await keepEvidence(request, before.plan);
      await record(request, { run, source, seen: before });
      const outcomes = await repair(request, { run, source, plan: before.plan });
      const after = await lookAgain(request, { run, source, before, outcomes });

      const ledgerHead = await head(run.ledger);
      const result = resultOf(request, { runId: run.id, source, before, after, outcomes, ledgerHead });
      request.log.debug({ run: run.id, settled: settled.length }, 'audit finished');
      return { exitCode: exitCodeOf(result), summary: summaryOf(result), result };
    }),
  );
  return end.result;
}

/** What the record of runs keeps of an audit. */
function summaryOf(result: AuditResult): Json {
  const { window, rowsRead, counts, after, fingerprint, ledger, state } = result;
  return { window, rowsRead, counts, after, fingerprint, ledger, state } as unknown as Json;
}
