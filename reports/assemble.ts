import type { Cause } from '../src/core/cause.ts';
import {
  type Coverage,
  type CoverageRow,
  coverageOf,
  coveredTotal,
  expectedTotal,
  openOrder,
  openTotal,
  stateOf as stateOfRow,
  unevenSums,
} from '../src/core/coverage.ts';
import { countsOfDays, r2Of, seriesOf } from '../src/core/coverage-series.ts';
import { delaysOf, rescuedOf } from '../src/core/delays.ts';
import type { Incident } from '../src/core/incident.ts';
import { fileName, normaliseMap } from '../src/core/names.ts';
import { playedText } from '../src/core/round-text.ts';
import { addDays, localText } from '../src/core/time.ts';
import type { Verdict } from '../src/core/verdict.ts';
import type { DoneRepair, ReportFacts } from './facts.ts';
import {
  type NamedCoverage,
  type Report,
  type ReportException,
  type RoundLine,
  reportFormat,
} from './model.ts';
import { stateOf, titleOf } from './title.ts';
import { unseenSince, unseenText } from './unseen.ts';

/** So many days the charts show. */
export const seriesDays = 30;

/** The last day of a window: the one that the days before it are compared with. */
export const lastDayOf = (window: Report['window']) => (window.kind === 'day' ? window.day : window.until);

/** A row whose time cannot be read belongs to every window of days (DESIGN, Which rounds are expected). */
function inWindow({ window, rows }: ReportFacts): CoverageRow[] {
  if (window.kind === 'session') return rows.filter(({ round }) => round.session === window.session);
  return rows.filter(({ round, playedUnix }) => playedUnix === null || round.date === window.day);
}

/** The rows of a window that are of its day, or of its session: not those that belong to every day. */
function ownRows(rows: readonly CoverageRow[], window: Report['window']): CoverageRow[] {
  return rows.filter(({ playedUnix }) => window.kind === 'session' || playedUnix !== null);
}

/** The same rows as the source counts them: by the text of their date, readable or not. */
const asCounted = (rows: readonly CoverageRow[], window: Report['window']) =>
  rows.filter(({ round }) => window.kind === 'session' || round.date === window.day).length;

function nameOf({
  round,
}: CoverageRow): Pick<RoundLine, 'roundId' | 'matchId' | 'map' | 'number' | 'session' | 'played'> {
  const { id: roundId, matchId, map, number, session } = round;
  return { roundId, matchId, map, number, session, played: playedText(round) };
}

/** In the order of play; ids decide between rounds of one second. */
function byPlay(a: CoverageRow, b: CoverageRow): number {
  return (a.playedUnix ?? 0) - (b.playedUnix ?? 0) || a.round.id - b.round.id;
}

/** Lost first, then what people have to decide, then what is open; in the order of play. */
const exceptionOrder: readonly Verdict[] = ['lost', ...openOrder];

/**
 * What the ledger says of a round that has this verdict now. Where the verdict is not its last one, no audit has
 * looked since: its old reason would speak of a look that nobody took. A revert says so itself.
 */
function aboutIncident(
  incident: Incident | undefined,
  of: { verdict: Verdict; packet: string | undefined; unseen: string },
) {
  const { verdict, packet, unseen } = of;
  const isSaid = incident !== undefined && (incident.verdict === verdict || incident.verdict === null);
  return {
    reason: isSaid ? incident.reason : null,
    because: isSaid && incident.because !== '' ? incident.because : unseen,
    cause: (incident?.cause ?? null) as unknown as ReportException['cause'] & Cause,
    incident: incident?.id ?? null,
    packet: packet ?? null,
  };
}

function exceptionsOf(rows: readonly CoverageRow[], facts: ReportFacts): ReportException[] {
  const { incidents, packets } = facts;
  const states = new Set(['lost', 'open', 'setAside']);
  const rank = ({ verdict }: CoverageRow) => exceptionOrder.indexOf(verdict!);
  return rows
    .filter((row) => states.has(stateOfRow(row) ?? ''))
    .sort((a, b) => rank(a) - rank(b) || byPlay(a, b))
    .map((row) => ({
      ...nameOf(row),
      verdict: row.verdict!,
      ...aboutIncident(incidents.get(row.key), {
        verdict: row.verdict!,
        packet: packets.get(row.key),
        unseen: unseenText(incidents.get(row.key), row.waits, facts),
      }),
      ...(row.playedUnix === null ? { because: 'its date or time cannot be read' } : {}),
      setAside: row.setAside,
    }));
}

/** A written-off round that a person reopened is lost no more, until the next audit says so again. */
function verdictNow(status: Incident['status'], verdict: Incident['verdict']): Verdict {
  if (status === 'written_off') return 'lost';
  return verdict === null || verdict === 'lost' ? 'unchecked' : verdict;
}

/** A round of an earlier day, as its incident remembers it. */
function earlierException(incident: Incident, packets: ReadonlyMap<string, string>): ReportException[] {
  const { round, status, verdict } = incident;
  if (round === null) return [];
  const { roundId, matchId, map, number, session } = round;
  const now = verdictNow(status, verdict);
  return [
    {
      ...{ roundId, matchId, map, number, session, played: playedText(round) },
      verdict: now,
      ...aboutIncident(incident, {
        verdict: now,
        packet: packets.get(incident.key),
        unseen: unseenSince(incident),
      }),
      setAside: null,
    },
  ];
}

function roundLine(row: CoverageRow, zone: string): RoundLine[] {
  const state = stateOfRow(row);
  if (state === null || state === 'exempt') return [];
  const { verdict, cause, moduleVersion, flags, waits } = row;
  const waitsUntil = state === 'pending' && waits !== null ? localText(waits.untilUnix, zone) : null;
  return [{ ...nameOf(row), state, verdict: verdict!, cause, moduleVersion, flags: [...flags], waitsUntil }];
}

/** The rows by a name, each group counted; in the order of the names. */
function splitBy(rows: readonly CoverageRow[], nameOfRow: (row: CoverageRow) => string): NamedCoverage[] {
  const groups = new Map<string, CoverageRow[]>();
  for (const row of rows) {
    const name = nameOfRow(row);
    const known = groups.get(name);
    if (known) known.push(row);
    else groups.set(name, [row]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({ name, coverage: coverageOf(own) }));
}

const sessionName = ({ round }: CoverageRow) => (round.session === null ? 'none' : String(round.session));

function splitsOf(rows: readonly CoverageRow[]): Report['splits'] {
  const expected = rows.filter(({ exempt }) => exempt === null);
  const missed = expected.filter(({ cause }) => cause !== null);
  return {
    number: splitBy(expected, ({ round }) => `R${round.number}`),
    map: splitBy(expected, ({ round }) => normaliseMap(round.map) || '?'),
    session: splitBy(expected, sessionName),
    moduleVersion: splitBy(expected, ({ moduleVersion }) => moduleVersion ?? 'unknown'),
    cause: splitBy(missed, ({ cause }) => cause!),
  };
}

function sessionsOf(rows: readonly CoverageRow[], zone: string): Report['sessions'] {
  const numbers = [...new Set(rows.map(({ round }) => round.session))];
  const sessions = numbers.map((session) => {
    const own = rows.filter(({ round }) => round.session === session).sort(byPlay);
    return { session, coverage: coverageOf(own), rounds: own.flatMap((row) => roundLine(row, zone)) };
  });
  return sessions
    .filter(({ coverage }) => expectedTotal(coverage) > 0)
    .sort((a, b) => (a.session ?? Number.MAX_SAFE_INTEGER) - (b.session ?? Number.MAX_SAFE_INTEGER));
}

/** The name of a round in the key of its incident, for one that was never a gap. */
function nameInKey(key: string) {
  const [map = '', number = '', played = ''] = key.split('|');
  return { map, number: Number(number) || null, played };
}

function repairLine({ summary, entry, at, reverted }: DoneRepair, incidents: ReportFacts['incidents']) {
  const { kind, roundId, matchId, incident: key, path, sha256, captureId, deltaSeconds } = summary;
  const round = incidents.get(key)?.round ?? null;
  const named =
    round === null
      ? { ...nameInKey(key), session: null }
      : { map: round.map, number: round.number, session: round.session, played: playedText(round) };
  const from = path === null ? `capture ${captureId}` : fileName(path);
  return { roundId, matchId, ...named, kind, from, sha256, deltaSeconds, at, entry, reverted };
}

/** Everything whose sums must hold, by name. */
function sums(report: Pick<Report, 'coverage' | 'sessions' | 'splits' | 'series'>): [string, Coverage][] {
  const { coverage, sessions, splits, series } = report;
  return [
    ['the window', coverage],
    ...sessions.map((one): [string, Coverage] => [`session ${one.session}`, one.coverage]),
    ...Object.entries(splits).flatMap(([by, parts]) =>
      parts.map((part): [string, Coverage] => [`${by} ${part.name}`, part.coverage]),
    ),
    ...countsOfDays(series),
  ];
}

/** What does not add up, in sentences (DESIGN, "What must always add up"). */
function discrepanciesOf(
  report: Pick<Report, 'coverage' | 'sessions' | 'splits' | 'series'>,
  counted: { rows: number; inSource: number },
): string[] {
  const expected = expectedTotal(report.coverage);
  const { cause: _, ...whole } = report.splits;
  const total = (parts: readonly { coverage: Coverage }[]) =>
    parts.reduce((sum, { coverage }) => sum + expectedTotal(coverage), 0);
  return [
    ...unevenSums(sums(report)),
    ...Object.entries({ ...whole, sessions: report.sessions })
      .filter(([, parts]) => total(parts) !== expected)
      .map(([by, parts]) => `by ${by}: ${total(parts)} rounds in all, and ${expected} in the window`),
    ...(counted.rows === counted.inSource
      ? []
      : [`the source counts ${counted.inSource} rows in the window, ${counted.rows} were judged`]),
  ];
}

const between = (rows: readonly CoverageRow[], since: string, until: string) =>
  rows.filter(({ round, playedUnix }) => {
    const date = round.date ?? '';
    return playedUnix !== null && date >= since && date <= until;
  });

function r2CoveredOf(rows: readonly CoverageRow[]) {
  const coverage = coverageOf(rows.filter(({ round }) => round.number === 2));
  return { expected: expectedTotal(coverage), covered: coveredTotal(coverage) };
}

/** The report of what was read. The same facts in any order give the same report. */
export function assemble(facts: ReportFacts): Report {
  const { source, zone, window, asOf, incidents, packets, auditor, ledger, checkpoint } = facts;
  const rows = inWindow(facts).sort(byPlay);
  const until = lastDayOf(window);
  const since = addDays(until, 1 - seriesDays);
  const all = [...facts.rows].sort(byPlay);
  const coverage = coverageOf(rows);
  const series = seriesOf(all, { since, until });
  const sessions = sessionsOf(rows, zone);
  const splits = splitsOf(rows);
  const own = ownRows(rows, window);
  const played = coverageOf(own);
  const discrepancies = discrepanciesOf(
    { coverage, sessions, splits, series },
    { rows: asCounted(rows, window), inSource: facts.countedRows },
  );
  const timeless = openTotal(coverage) - openTotal(played);
  const state = stateOf(played, timeless);
  const earlier = {
    writtenOff: facts.writtenOffEarlier.flatMap((incident) => earlierException(incident, packets)),
    open: facts.openEarlier.flatMap((incident) => earlierException(incident, packets)),
  };
  const r2 = r2Of(all, until);
  const r2Covered = r2CoveredOf(own);
  const news = { discrepancies, earlier, r2, auditor, r2Covered, timeless };
  const title = titleOf({ source, window, coverage: played, ...news });
  const last30 = between(all, since, until);
  return {
    format: reportFormat,
    ...{ source, zone, window, asOf, state, title, discrepancies, coverage },
    exceptions: exceptionsOf(rows, facts),
    earlier,
    sessions,
    splits,
    series,
    last14: coverageOf(between(all, addDays(until, -13), until)),
    last30: coverageOf(last30),
    r2,
    delays: delaysOf(rows),
    rescued: rescuedOf(rows),
    rescued30: rescuedOf(last30),
    repairs: facts.repairs.map((repair) => repairLine(repair, incidents)),
    duplicates: facts.duplicates.map(({ day: _, map, number, received, stored, lines }) => ({
      ...{ map, number, received, stored },
      lines: [...lines],
    })),
    auditor,
    ledger,
    checkpoint,
  };
}
