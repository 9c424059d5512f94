import { seriesDays } from '../reports/assemble.ts';
import type { Config } from '../src/config.ts';
import { withLedgerToRead, withSource } from '../src/context.ts';
import { type CoverageRow, coverageOf, openOrder } from '../src/core/coverage.ts';
import { seriesDiscrepancies, seriesOf } from '../src/core/coverage-series.ts';
import type { Incident } from '../src/core/incident.ts';
import { addDays, localDay } from '../src/core/time.ts';
import { messageOf } from '../src/errors.ts';
import { head } from '../src/ledger/entries.ts';
import { openIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { deadLetters, outboxCounts } from '../src/ledger/outbox.ts';
import { lastRuns, type Run, wholeAudit } from '../src/ledger/runs.ts';
import type { Measurements, Overview, RunLine } from '../src/web/desk.ts';
import { readCoverage } from './coverage.ts';
import { historyDays, unreadablePlaces } from './report-facts.ts';

const coverageDays = 14;
const mostRuns = 20;
const mostDeadLetters = 20;

const noOutbox = { queued: 0, sent: 0, dead: 0, oldestQueuedAt: null };

function runLine({ id, command, startedAt, finishedAt, state, exitCode, error }: Run): RunLine {
  return { id, command, startedAt, finishedAt, state, exitCode, error };
}

async function lastAudit({ database }: Ledger): Promise<RunLine | null> {
  const [run] = await lastRuns(database, { command: wholeAudit, state: 'finished', limit: 1 });
  return run === undefined ? null : runLine(run);
}

async function openOnes(ledger: Ledger, source: string): Promise<Incident[]> {
  const stored = await openIncidents(ledger, source);
  return stored.map(({ state }) => state as unknown as Incident).reverse();
}

async function knownOf(ledger: Ledger | null, source: string) {
  if (ledger === null)
    return {
      lastAudit: null,
      runs: [],
      open: [],
      unreadablePlaces: [],
      outbox: noOutbox,
      deadLetters: [],
      head: null,
    };
  const { database } = ledger;
  const dead = await deadLetters(database, mostDeadLetters);
  return {
    lastAudit: await lastAudit(ledger),
    runs: (await lastRuns(database, { limit: mostRuns })).map(runLine),
    open: await openOnes(ledger, source),
    unreadablePlaces: await unreadablePlaces(ledger, source),
    outbox: await outboxCounts(database),
    deadLetters: dead.map(({ channel, key, error }) => ({ channel, key, why: error ?? '' })),
    head: await head(ledger),
  };
}

/** Rows since a day of the server; one whose time cannot be read is on none. The figures of a report count so too. */
function ofDaysSince(rows: readonly CoverageRow[], since: string): CoverageRow[] {
  return rows.filter(({ round, playedUnix }) => playedUnix !== null && (round.date ?? '') >= since);
}

async function coverageRows(
  config: Config,
  asked: { ledger: Ledger | null; since: string; until: string; nowMs: number },
): Promise<CoverageRow[]> {
  return withSource(config, { readOnly: true }, (source) => readCoverage({ config, source, ...asked }));
}

/** The figures, or why there are none: the source may be down while the ledger answers. */
async function figuresOf(
  config: Config,
  asked: { ledger: Ledger | null; nowMs: number },
): Promise<Pick<Overview, 'figures' | 'whyNoFigures'>> {
  const until = localDay(Math.floor(asked.nowMs / 1000), config.zone);
  const since = addDays(until, 1 - seriesDays);
  try {
    const rows = await coverageRows(config, { ...asked, since: addDays(since, -historyDays), until });
    const coverage = coverageOf(ofDaysSince(rows, addDays(until, 1 - coverageDays)));
    const series = seriesOf(rows, { since, until });
    const discrepancies = seriesDiscrepancies(series, { coverage, days: coverageDays });
    return { figures: { coverage, series, discrepancies }, whyNoFigures: null };
  } catch (thrown) {
    return { figures: null, whyNoFigures: messageOf(thrown) };
  }
}

/** What the first page shows. Throws an OperationError where the ledger cannot be read. */
export async function readOverview(config: Config, nowMs: number): Promise<Overview> {
  const { sourceName: source, zone } = config;
  return withLedgerToRead(config, async (ledger) => ({
    source,
    zone,
    now: new Date(nowMs).toISOString(),
    ...(await knownOf(ledger, source)),
    ...(await figuresOf(config, { ledger, nowMs })),
  }));
}

/** How many incidents are open, by verdict; one that no audit has judged since a person reopened it is unchecked. */
function countByVerdict(open: readonly Incident[]): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(openOrder.map((verdict) => [verdict, 0]));
  for (const { verdict } of open) {
    // A written-off round that was reopened still carries its last verdict.
    const name = verdict === null || verdict === 'lost' ? 'unchecked' : verdict;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

async function coverageByNumber(
  config: Config,
  asked: { ledger: Ledger | null; nowMs: number },
): Promise<Measurements['coverage']> {
  const until = localDay(Math.floor(asked.nowMs / 1000), config.zone);
  const since = addDays(until, 1 - coverageDays);
  const all = await coverageRows(config, { ...asked, since, until }).catch(() => null);
  if (all === null) return null;
  const rows = ofDaysSince(all, since);
  const ofNumber = (number: number) => coverageOf(rows.filter(({ round }) => round.number === number));
  return { r1: ofNumber(1), r2: ofNumber(2) };
}

/** What is measured. Throws an OperationError where the ledger cannot be read. */
export async function measure(config: Config, nowMs: number): Promise<Measurements> {
  return withLedgerToRead(config, async (ledger) => ({
    coverage: await coverageByNumber(config, { ledger, nowMs }),
    openByVerdict: countByVerdict(ledger === null ? [] : await openOnes(ledger, config.sourceName)),
    lastAudit: ledger === null ? null : await lastAudit(ledger),
    outbox: ledger === null ? noOutbox : await outboxCounts(ledger.database),
    ledgerSeq: ledger === null ? 0 : (await head(ledger)).seq,
  }));
}

/** Whether there is a ledger that answers, and when the last audit ended. Does not throw. */
export async function readHealth(config: Config): Promise<{ ok: boolean; lastAuditAt: string | null }> {
  try {
    return await withLedgerToRead(config, async (ledger) =>
      ledger === null
        ? { ok: false, lastAuditAt: null }
        : { ok: true, lastAuditAt: (await lastAudit(ledger))?.finishedAt ?? null },
    );
  } catch {
    return { ok: false, lastAuditAt: null };
  }
}
