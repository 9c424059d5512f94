import { basename, join, relative } from 'node:path';
import { lastDayOf, seriesDays } from '../reports/assemble.ts';
import type { DoneRepair, ReportFacts } from '../reports/facts.ts';
import type { Report } from '../reports/model.ts';
import type { Config } from '../src/config.ts';
import { foldEntry, packetsDirectory, type Source } from '../src/context.ts';
import { duplicateIngestion } from '../src/core/duplicates.ts';
import type { FoldEntry, Incident } from '../src/core/incident.ts';
import { readLogLines } from '../src/core/log-lines.ts';
import type { RepairSummary } from '../src/core/plan.ts';
import { addDays, dayStart, isDay, localDay, utcText } from '../src/core/time.ts';
import { watch } from '../src/core/watch.ts';
import { UsageError } from '../src/errors.ts';
import {
  eachEntry,
  entriesBetween,
  entriesBySeq,
  head,
  lastEntryOf,
  lastPlaceEntries,
} from '../src/ledger/entries.ts';
import { incidentsByKeys, openIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { deadLetters, outboxCounts } from '../src/ledger/outbox.ts';
import { firstRunAt, lastRuns, partAudit, runsBetween, wholeAudit } from '../src/ledger/runs.ts';
import { datesOfSession } from '../src/source/look.ts';
import { ticksBetween } from './audit-ticks.ts';
import { stretchOf } from './audits-so-far.ts';
import { both } from './both.ts';
import { checkpointFact } from './checkpoint.ts';
import { observeCoverage } from './coverage.ts';
import { gatherEvents } from './log-evidence.ts';

/** Which report is asked for. */
export type Asked = { day: string } | { session: number };

/** What facts are read from. `ledger` is null where there is none yet. */
export interface Reading {
  config: Config;
  source: Source;
  ledger: Ledger | null;
  nowMs: number;
}

/** As many days before the charts are read as they show: the history by which second rounds are judged. */
export const historyDays = 30;

const stamp = (unix: number) => new Date(unix * 1000).toISOString();

/** The days of the server that a report is about. */
async function windowOf({ source, config, nowMs }: Reading, asked: Asked): Promise<Report['window']> {
  if ('day' in asked) {
    if (asked.day > localDay(Math.floor(nowMs / 1000), config.zone))
      throw new UsageError(`${asked.day} has not begun on the server: nothing can be said of it yet`);
    return { kind: 'day', day: asked.day };
  }
  const { session } = asked;
  const dates = await datesOfSession(source.database, source.schema, session);
  if (dates.length === 0) throw new UsageError(`there is no session ${session} in ${source.name}`);
  const days = dates.filter((date) => date !== null && isDay(date)).sort();
  const [since, until] = [days[0], days.at(-1)];
  if (since == null || until == null)
    throw new UsageError(`no row of session ${session} in ${source.name} has a date that can be read`);
  return { kind: 'session', session, since, until };
}

/** A window as instants, half-open. */
interface Span {
  fromUnix: number;
  toUnix: number;
}

function spanOf(window: Report['window'], zone: string): Span {
  const since = window.kind === 'day' ? window.day : window.since;
  return { fromUnix: dayStart(since, zone), toUnix: dayStart(addDays(lastDayOf(window), 1), zone) };
}

/** Repairs of the window's rounds, and those made in the window. */
async function repairsOf(
  { source, ledger }: Reading,
  of: { span: Span; known: ReadonlyMap<number, FoldEntry>; keys: ReadonlySet<string> },
): Promise<DoneRepair[]> {
  if (ledger === null) return [];
  const times = { from: stamp(of.span.fromUnix), to: stamp(of.span.toUnix) };
  const ends = await entriesBetween(ledger, { source: source.name, kinds: ['repair.done'], ...times });
  const madeThen = ends.map((entry) => (foldEntry(entry).body as { started: number }).started);
  const reverted = new Map<number, string[]>();
  for await (const entry of eachEntry(ledger, { source: source.name, kinds: ['revert.done'] })) {
    const { reverts, incidents } = foldEntry(entry).body as { reverts: number; incidents: string[] };
    reverted.set(reverts, incidents);
  }
  // An incident forgets a repair that was reverted; its round's report does not.
  const undone = [...reverted].filter(([, keys]) => keys.some((key) => of.keys.has(key)));
  const more = [...madeThen, ...undone.map(([seq]) => seq)];
  const unknown = (await entriesBySeq(ledger, more)).filter(({ seq }) => !of.known.has(seq));
  const now = new Set(madeThen);
  const all = [...of.known.values(), ...unknown.map(foldEntry)].sort((a, b) => a.seq - b.seq);
  return all.flatMap(({ seq, at, body }) =>
    ((body as { repairs?: RepairSummary[] }).repairs ?? [])
      .filter(({ incident }) => now.has(seq) || of.keys.has(incident))
      .map((summary) => ({ summary, entry: seq, at, reverted: reverted.has(seq) })),
  );
}

/** Earlier rounds that the ledger wrote off in the window, and those that it still has open. */
async function earlierOf({ source, ledger }: Reading, of: { span: Span; since: string }) {
  if (ledger === null) return { writtenOffEarlier: [], openEarlier: [] };
  // Without a readable time it belongs to every day, and stands among the rows of this one.
  const isEarlier = ({ round }: Incident) =>
    round !== null && round.date !== null && round.playedAt !== null && round.date < of.since;
  const times = { from: stamp(of.span.fromUnix), to: stamp(of.span.toUnix) };
  const entries = await entriesBetween(ledger, { source: source.name, kinds: ['gap.written_off'], ...times });
  const keys = [...new Set(entries.map(({ key }) => key))];
  const asIncidents = (stored: Awaited<ReturnType<typeof incidentsByKeys>>) =>
    stored.map(({ state }) => state as unknown as Incident);
  const written = asIncidents(await incidentsByKeys(ledger, source.name, keys));
  const open = asIncidents(await openIncidents(ledger, source.name));
  return {
    writtenOffEarlier: written.filter((one) => one.status === 'written_off' && isEarlier(one)),
    openEarlier: open.filter(isEarlier),
  };
}

/** The folder of each triage packet that was written with a write-off, below DATA_DIR as it is called now, not as it was then. */
async function packetsOf(
  { config, source, ledger }: Reading,
  keys: readonly string[],
): Promise<Map<string, string>> {
  const packets = new Map<string, string>();
  if (ledger === null) return packets;
  const base = relative(config.dataDir, packetsDirectory(config));
  for (const key of keys) {
    const entry = await lastEntryOf(ledger, source.name, key, ['gap.written_off']);
    const { packet } = (entry === null ? {} : foldEntry(entry).body) as { packet?: { path: string } | null };
    if (packet) packets.set(key, join(base, basename(packet.path)));
  }
  return packets;
}

/** Rounds that came in twice, as far as the stored lines of the bot's log tell. */
async function duplicatesOf({ config, ledger }: Reading, span: Span, days: { since: string; until: string }) {
  const { events } = await gatherEvents(config, ledger, { windows: [span], fresh: false });
  const found = duplicateIngestion(readLogLines(events, config.zone), config.zone);
  return found.filter(({ day }) => day >= days.since && day <= days.until);
}

/** The places whose last word in the ledger is that they cannot be read. */
export async function unreadablePlaces(ledger: Ledger, source: string) {
  const last = await lastPlaceEntries(ledger, source);
  return last.map(foldEntry).flatMap(({ kind, at, body }) => {
    const { place, why } = body as { place: string; why: string | null };
    return kind === 'place.unreadable' ? [{ place, since: at, why: why ?? '' }] : [];
  });
}

/** When the audits began, of a part too, that may have met a round of the window while it waited for its capture. */
async function auditStartsOf({ ledger, nowMs }: Reading, span: Span): Promise<number[]> {
  if (ledger === null) return [];
  const dayAfter = span.toUnix + 86_400;
  const times = { from: stamp(span.fromUnix), to: stamp(Math.min(dayAfter, Math.floor(nowMs / 1000) + 1)) };
  const runs = [
    ...(await runsBetween(ledger.database, { command: wholeAudit, ...times })),
    ...(await runsBetween(ledger.database, { command: partAudit, ...times })),
  ];
  return runs.filter(({ state }) => state === 'finished').map((run) => stretchOf(run).fromUnix);
}

/** A run that began so long before the window may still be at work in it. */
const longestRun = 6 * 3_600;
const mostLetters = 20;

async function auditorOf({ config, source, ledger, nowMs }: Reading, span: Span): Promise<Report['auditor']> {
  if (ledger === null)
    return {
      ...{ lastAuditAt: null, runs: { expected: 0, finished: 0, failed: 0 }, blindSeconds: 0 },
      ...{ longestBlind: null, unreadablePlaces: [], deadLetters: [] },
      outbox: { queued: 0, sent: 0, dead: 0, oldestQueuedAt: null },
    };
  const { database } = ledger;
  const first = await firstRunAt(database, wholeAudit);
  const there = first === null ? span.toUnix : Math.floor(Date.parse(first) / 1000);
  const fromUnix = Math.max(span.fromUnix, there);
  const untilUnix = Math.min(span.toUnix, Math.floor(nowMs / 1000));
  const times = { from: stamp(span.fromUnix - longestRun), to: stamp(span.toUnix) };
  const runs = await runsBetween(database, { command: wholeAudit, ...times });
  const own = runs.filter(({ startedAt }) => startedAt >= stamp(span.fromUnix));
  const finished = runs.filter(({ state }) => state === 'finished');
  const watched = watch({
    // As far as time has come, since the auditor was first there.
    ticks: ticksBetween(config.auditCron, { fromUnix, toUnix: untilUnix }),
    untilUnix,
    runs: finished.map(stretchOf),
  });
  const [lastAudit] = await lastRuns(database, { command: wholeAudit, state: 'finished', limit: 1 });
  const { longestBlind, expected, blindSeconds } = watched;
  return {
    lastAuditAt: lastAudit?.finishedAt ?? null,
    runs: {
      expected,
      finished: own.filter(({ state }) => state === 'finished').length,
      failed: own.filter(({ state }) => state === 'failed').length,
    },
    blindSeconds,
    longestBlind:
      longestBlind === null
        ? null
        : { from: utcText(longestBlind.fromUnix), to: utcText(longestBlind.toUnix) },
    unreadablePlaces: await unreadablePlaces(ledger, source.name),
    outbox: await outboxCounts(database),
    deadLetters: (await deadLetters(database, mostLetters)).map(({ channel, key, error }) => ({
      ...{ channel, key, why: error ?? '' },
    })),
  };
}

/** What the ledger says of the days of a report, whatever their rows are. */
async function toldByLedger(
  reading: Reading,
  { span, since, until }: { span: Span; since: string; until: string },
) {
  return {
    ...(await earlierOf(reading, { span, since })),
    auditStarts: await auditStartsOf(reading, span),
    duplicates: await duplicatesOf(reading, span, { since, until }),
    auditor: await auditorOf(reading, span),
  };
}

/** Everything that a report is made of. Reads the source and the ledger, and writes nothing. */
export async function readReportFacts(reading: Reading, asked: Asked): Promise<ReportFacts> {
  const { config, source, ledger, nowMs } = reading;
  const window = await windowOf(reading, asked);
  const span = spanOf(window, config.zone);
  const until = lastDayOf(window);
  const since = window.kind === 'day' ? window.day : window.since;
  const first = addDays(until, 1 - seriesDays - historyDays);
  const [covered, told] = await both(
    observeCoverage({
      ...{ config, source, ledger, nowMs, until },
      since: since < first ? since : first,
      counting:
        window.kind === 'day' ? { since: window.day, until: window.day } : { session: window.session },
    }),
    toldByLedger(reading, { span, since, until }),
  );
  const isIn = ({ round }: (typeof covered.rows)[number]) =>
    window.kind === 'day' ? round.date === window.day : round.session === window.session;
  const keys = new Set(covered.rows.filter(isIn).map(({ key }) => key));
  const repairs = await repairsOf(reading, { span, known: covered.repairs, keys });
  const spokenOf = [...told.writtenOffEarlier, ...told.openEarlier];
  const repaired = repairs.map(({ summary }) => summary.incident);
  const missing = [...new Set(repaired)].filter((key) => !covered.incidents.has(key));
  const more = ledger === null ? [] : await incidentsByKeys(ledger, source.name, missing);
  const incidents = new Map([
    ...covered.incidents,
    ...more.map(({ key, state }) => [key, state as unknown as Incident] as const),
  ]);
  const end = ledger === null ? null : await head(ledger);
  // A round that was reopened is lost no more, and has its packet still.
  const unclosed = [...keys].filter((key) => (incidents.get(key)?.status ?? 'closed') !== 'closed');
  return {
    source: source.name,
    zone: config.zone,
    window,
    asOf: utcText(Math.floor(nowMs / 1000)),
    rows: covered.rows,
    countedRows: covered.countedRows,
    incidents,
    packets: await packetsOf(reading, [...unclosed, ...spokenOf.map(({ key }) => key)]),
    ...told,
    repairs,
    ledger: end,
    checkpoint: await checkpointFact(config, ledger, end),
  };
}
