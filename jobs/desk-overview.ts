import { seriesDays } from '../reports/assemble.ts';
import type { Config } from '../src/config.ts';
import { withLedgerToRead, withSource } from '../src/context.ts';
import { type CoverageRow, coverageOf, openOrder } from '../src/core/coverage.ts';
import { seriesOf } from '../src/core/coverage-series.ts';
import type { Incident } from '../src/core/incident.ts';
import { addDays, localDay } from '../src/core/time.ts';
import { head } from '../src/ledger/entries.ts';
import { openIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { deadLetters, outboxCounts } from '../src/ledger/outbox.ts';
import { lastRuns, type Run } from '../src/ledger/runs.ts';
import type { Measurements, Overview, RunLine } from '../src/web/desk.ts';
import { readCoverage } from './coverage.ts';
import { unreadablePlaces } from './report-facts.ts';

const coverageDays = 14;
/** Days before the series, by which its second rounds are judged: as many as a report reads. */
const historyDays = 30;
const mostRuns = 20;
const mostDeadLetters = 20;

const noOutbox = { queued: 0, sent: 0, dead: 0, oldestQueuedAt: null };

function runLine({ id, command, startedAt, finishedAt, state, exitCode, error }: Run): RunLine {
  return { id, command, startedAt, finishedAt, state, exitCode, error };
}

async function lastAudit({ database }: Ledger): Promise<RunLine | null> {
  const [run] = await lastRuns(database, { command: 'audit', state: 'finished', limit: 1 });
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

/** What the first page shows. Throws an OperationError where the ledger or the source cannot be read. */
export async function readOverview(config: Config, nowMs: number): Promise<Overview> {
  const { sourceName: source, zone } = config;
  const until = localDay(Math.floor(nowMs / 1000), zone);
  const since = addDays(until, 1 - seriesDays);
  return withLedgerToRead(config, async (ledger) => {
    const known = await knownOf(ledger, source);
    const from = addDays(since, -historyDays);
    const rows = await coverageRows(config, { ledger, since: from, until, nowMs });
    return {
      source,
      zone,
      now: new Date(nowMs).toISOString(),
      ...known,
      coverage: coverageOf(ofDaysSince(rows, addDays(until, 1 - coverageDays))),
      series: seriesOf(rows, { since, until }),
    };
  });
}

/** How many incidents are open, by verdict; one that no audit has judged since it was reopened is unchecked. */
function countByVerdict(open: readonly Incident[]): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(openOrder.map((verdict) => [verdict, 0]));
  for (const { verdict } of open) {
    const name = verdict ?? 'unchecked';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** What is measured. Throws an OperationError where the ledger or the source cannot be read. */
export async function measure(config: Config, nowMs: number): Promise<Measurements> {
  const until = localDay(Math.floor(nowMs / 1000), config.zone);
  const since = addDays(until, 1 - coverageDays);
  return withLedgerToRead(config, async (ledger) => {
    const rows = ofDaysSince(await coverageRows(config, { ledger, since, until, nowMs }), since);
    const ofNumber = (number: number) => coverageOf(rows.filter(({ round }) => round.number === number));
    return {
      coverage: { r1: ofNumber(1), r2: ofNumber(2) },
      openByVerdict: countByVerdict(ledger === null ? [] : await openOnes(ledger, config.sourceName)),
      lastAudit: ledger === null ? null : await lastAudit(ledger),
      outbox: ledger === null ? noOutbox : await outboxCounts(ledger.database),
      ledgerSeq: ledger === null ? 0 : (await head(ledger)).seq,
    };
  });
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
