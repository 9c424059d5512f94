import { configuredChannels } from '../src/alert/channel.ts';
import { type Source, withLedgerToRead, withSourceBeside } from '../src/context.ts';
import { duplicateIngestion, duplicatesPerDay } from '../src/core/duplicates.ts';
import type { Json } from '../src/core/model.ts';
import { findOrphans, findWrongLinks } from '../src/core/orphans.ts';
import { openVerdicts } from '../src/core/verdict.ts';
import { messageOf, OperationError } from '../src/errors.ts';
import { head } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { partAudit, pruneRuns, wholeAudit } from '../src/ledger/runs.ts';
import type { DayRange } from '../src/source/read.ts';
import { alertPeople } from './alerting.ts';
import { storeNews } from './artifact-reading.ts';
import { type AuditResult, auditResult, exitCodeOf } from './audit-result.ts';
import { cycleScope } from './audits-so-far.ts';
import { firstLook } from './first-look.ts';
import { withHeartbeat } from './heartbeat.ts';
import { type HeldLine, heldIn } from './held.ts';
import { ingestLogs, type LogReading } from './log-evidence.ts';
import { type AuditRequest, type Look, look } from './look.ts';
import { type Plan, repairCount } from './planning.ts';
import { keepEvidence, record, recordStop } from './recording.ts';
import { type Outcomes, repairAll } from './repairing.ts';
import { newRunId, type Run, runJob } from './run.ts';
import { asOptions, instantsOf, isWhole, type Scope, windowOf } from './scope.ts';
import { settleInterrupted } from './settle.ts';
import { assertSourceKnown, assertSourceSet } from './source-settings.ts';
import { mayStop } from './stopping.ts';

/** Why no repair may be made in this run, or null. */
function stopped(request: AuditRequest, plan: Plan): 'repair_off' | 'max_repairs' | null {
  const { repair, maxRepairs } = request.config;
  const repairs = repairCount(plan);
  if (repairs === 0) return null;
  if (!repair) return 'repair_off';
  return maxRepairs > 0 && repairs > maxRepairs && request.expect === undefined ? 'max_repairs' : null;
}

async function repair(
  request: AuditRequest,
  of: { run: Run; source: Source; before: Look },
): Promise<Outcomes> {
  const { run, source, before } = of;
  const { plan } = before;
  const why = stopped(request, plan);
  if (why === 'max_repairs') await recordStop(request, { run, source, plan });
  if (why !== null)
    return new Map(
      plan.planned.flatMap(({ group }) => group.wants.map(({ key }) => [key, `refused (${why})`])),
    );
  const { config, progress, reached, batchSize, ahead, signal } = request;
  const { incidents } = before.observation;
  return repairAll(plan.planned, {
    config,
    source,
    run,
    fingerprint: plan.fingerprint,
    incidents,
    progress,
    reached,
    batchSize,
    ahead,
    signal,
  });
}

/** What is true after the repairs is read, not assumed; where none was tried, nothing has changed. */
async function lookAgain(
  request: AuditRequest,
  of: { run: Run; source: Source; before: Look; reading: LogReading; outcomes: Outcomes },
): Promise<Look> {
  if (of.outcomes.size === 0 || stopped(request, of.before.plan) !== null) return of.before;
  // The same rows as before: those whose gap was open, and those whose gap this run has found.
  const { observation, plan } = of.before;
  const found = plan.assessments.filter(({ verdict }) => verdict !== null && verdict !== 'covered');
  const openKeys = [...new Set([...observation.openKeys, ...found.map(({ key }) => key)])];
  const after = await look(request, {
    source: of.source,
    ledger: of.run.ledger,
    when: 'after the repairs',
    openKeys,
    reading: of.reading,
    logs: of.before,
    visit: of.before.observation.visit,
  });
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

/**
 * True where something is left to do, and nobody has excused or held it; where a place could not be read;
 * and where MAX_REPAIRS stopped the plan.
 */
function leavesOpen(request: AuditRequest, seen: Look): boolean {
  const { incidents, situation } = seen.observation;
  if (stopped(request, seen.plan) === 'max_repairs') return true;
  if (situation.facts.places.some(({ unreadable }) => unreadable !== null)) return true;
  return seen.plan.assessments.some(({ key, verdict }) => {
    if (verdict === null || !openVerdicts.has(verdict)) return false;
    const incident = incidents.get(key);
    return !incident?.excused && !incident?.held;
  });
}

/** Duplicate ingestion on the days of the window. */
function duplicatesIn(window: DayRange, seen: Look, zone: string): AuditResult['duplicates'] {
  const rounds = duplicateIngestion(seen.lines, zone).filter(
    ({ day }) =>
      (window.since === null || day >= window.since) && (window.until === null || day <= window.until),
  );
  return { perDay: duplicatesPerDay(rounds), rounds };
}

function resultOf(
  request: AuditRequest,
  of: {
    runId: string;
    source: Source;
    before: Look;
    after: Look;
    outcomes: Outcomes | null;
    held: readonly HeldLine[];
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
    asked: asOptions(request.scope),
    limit: request.config.maxRepairs,
    before: { ...before.plan, counts: before.counts },
    after: after.counts,
    incidents: before.observation.incidents,
    outcomes: of.outcomes,
    held: of.held,
    orphans,
    wrongLinks: findWrongLinks(situation),
    places: situation.facts.places,
    ignored: before.observation.ignored,
    unreadLogs: before.unreadLogs,
    duplicates: duplicatesIn(window, before, request.config.zone),
    ledger: of.ledgerHead,
    stopped: stopped(request, before.plan),
    open: leavesOpen(request, after),
  });
}

/** An audit as people ask for it: of a scope, or of what a cycle looks at, which the ledger says. */
export type AuditAsked = Omit<AuditRequest, 'scope'> & { scope: Scope | 'cycle' };

/** The ledger is asked inside the run that has it open: a cycle under cron opens it once. */
async function withScope(asked: AuditAsked, ledger: Ledger | null): Promise<AuditRequest> {
  const { config, scope, nowMs } = asked;
  return { ...asked, scope: scope === 'cycle' ? await cycleScope(config, ledger, nowMs) : scope };
}

/** What an audit would do: reads, matches, judges and plans, and writes nothing anywhere. */
export async function planAudit(asked: AuditAsked): Promise<AuditResult> {
  assertSourceSet(asked.config);
  return withSourceBeside(asked.config, { readOnly: true }, (useSource) =>
    withLedgerToRead(asked.config, async (ledger) => {
      await assertSourceKnown(asked.config, ledger);
      const request = await withScope(asked, ledger);
      return useSource((source) => planWith(request, { source, ledger }));
    }),
  );
}

async function planWith(
  request: AuditRequest,
  { source, ledger }: { source: Source; ledger: Ledger | null },
): Promise<AuditResult> {
  const before = await firstLook(request, { source, ledger, when: 'of the plan', reading: null });
  assertExpected(request, before.plan);
  const ledgerHead = ledger === null ? null : await head(ledger);
  const runId = newRunId(request.nowMs);
  return resultOf(request, {
    runId,
    source,
    before,
    after: before,
    outcomes: null,
    held: await heldIn(ledger, source.name, { scope: request.scope, ...before.plan }),
    ledgerHead,
  });
}

/**
 * One cycle: what a crash left is closed; the source and the artifacts are read, matched and judged; the
 * findings are written down; the repairs are made; what is true afterwards is read again and written down.
 * Asked to end by its `signal`, it throws what the signal says, between two batches of repairs or steps. One that looks at
 * everything it should is watched by the heartbeat.
 */
export async function audit(asked: AuditAsked): Promise<AuditResult> {
  return looksAtAll(asked)
    ? withHeartbeat(asked, (began) => cycle(asked, began))
    : cycle(asked, () => undefined);
}

const looksAtAll = ({ scope }: AuditAsked) => scope === 'cycle' || isWhole(scope);

async function cycle(asked: AuditAsked, began: (run: string) => void): Promise<AuditResult> {
  const beganMs = performance.now();
  const { config, nowMs, log, lease } = asked;
  const command = looksAtAll(asked) ? wholeAudit : partAudit;
  assertSourceSet(config);
  const end = await withSourceBeside(config, {}, (useSource) =>
    runJob(config, { command, nowMs, log, lease }, async (run) => {
      began(run.id);
      await mayStop(asked.signal);
      await assertSourceKnown(config, run.ledger);
      const request = await withScope(asked, run.ledger);
      const result = await useSource((source) => auditWith(request, { run, source }));
      // What a long run queued is due now, and what it claims must stay claimed.
      await deliverNews(request, run, Math.round(performance.now() - beganMs));
      await forgetOldRuns(request, run);
      return { exitCode: exitCodeOf(result), summary: summaryOf(request, result), result };
    }),
  );
  return end.result;
}

async function auditWith(
  request: AuditRequest,
  { run, source }: { run: Run; source: Source },
): Promise<AuditResult> {
  const goOn = () => mayStop(request.signal);
  const looking = { source, ledger: run.ledger, when: 'before the repairs' };
  const unread = { ...looking, reading: null };
  // An unexpected plan writes nothing at all, so it is asked for before anything is closed.
  if (request.expect !== undefined) assertExpected(request, (await look(request, unread)).plan);
  await settleInterrupted(run, source);
  const reading = await readLogs(request, run);
  await goOn();
  const before = await firstLook(request, { ...looking, reading });
  assertExpected(request, before.plan);
  await indexArtifacts(request, run, { source, seen: before });
  await goOn();
  await keepEvidence(request, before.plan);
  await record(request, { run, source, seen: before });
  await goOn();
  const outcomes = await repair(request, { run, source, before });
  await goOn();
  const after = await lookAgain(request, { run, source, before, reading, outcomes });
  await alertPeople(request, { run, source, seen: after });
  const ledgerHead = await head(run.ledger);
  const held = await heldIn(run.ledger, source.name, { scope: request.scope, ...before.plan });
  return resultOf(request, { runId: run.id, source, before, after, outcomes, held, ledgerHead });
}

/** Stores what is new in the logs; one that cannot be read is said, and decides nothing. */
async function readLogs(request: AuditRequest, run: Run): Promise<LogReading> {
  const reading = await ingestLogs(request.config, run.ledger, {
    readAt: run.at,
    progress: request.progress,
  });
  for (const { path, why } of reading.problems) request.log.warn({ path, why }, 'could not read a log');
  return reading;
}

/** Remembers what was read of the artifacts. It fails no audit: what is not remembered is read again. */
async function indexArtifacts(
  { log }: AuditRequest,
  { ledger }: Run,
  of: { source: Source; seen: Look },
): Promise<void> {
  await storeNews(ledger, of.source.name, of.seen.observation.news).catch((thrown) =>
    log.warn({ why: messageOf(thrown) }, 'could not remember what was read of the artifacts'),
  );
}

/** Sends what is queued. A channel that fails is said, and fails no audit: it is tried again. */
async function deliverNews(request: AuditRequest, run: Run, tookMs: number): Promise<void> {
  const { config, log, signal } = request;
  if (configuredChannels(config).length === 0) return;
  const { channelsOf } = await import('../src/alert/channels.ts');
  const { deliver, warnUndelivered } = await import('./deliver.ts');
  const nowMs = request.nowMs + tookMs;
  const report = await deliver(run.ledger.database, { channels: channelsOf(config), nowMs, signal });
  warnUndelivered(log, report, 'could not deliver an alert');
}

const dayMs = 86_400_000;
/** What an audit came to is looked at for so long; that it ran is kept as long as reports are, which count it. */
const summaryDays = 30;

/** Keeps the record of runs from growing for ever: a few rows each time. It fails no audit. */
async function forgetOldRuns({ config, log, nowMs }: AuditRequest, run: Run): Promise<void> {
  const before = (days: number) => new Date(nowMs - days * dayMs).toISOString();
  const { reportKeepDays } = config;
  await pruneRuns(run.ledger.database, {
    before: reportKeepDays === 0 ? null : before(Math.max(reportKeepDays, summaryDays)),
    summariesBefore: before(summaryDays),
  }).catch((thrown) => log.warn({ why: messageOf(thrown) }, 'could not forget old runs'));
}

/** What the record of runs keeps of an audit. By `scope` the next one knows whether the day had a full one. */
function summaryOf({ scope }: AuditRequest, result: AuditResult): Json {
  const { window, rowsRead, counts, after, fingerprint, ledger, state } = result;
  const summary = { scope: scope.kind, window, rowsRead, counts, after, fingerprint, ledger, state };
  return summary as unknown as Json;
}

export type { AuditRequest };
