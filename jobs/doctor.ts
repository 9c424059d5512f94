import type { Config } from '../src/config.ts';
import type { Source } from '../src/context.ts';
import { counted } from '../src/core/counted.ts';
import { printable } from '../src/core/printable.ts';
import { closeDatabase } from '../src/database.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { closeLedger } from '../src/ledger/open.ts';
import {
  type Area,
  acceptanceAreas,
  alone,
  areas,
  type Check,
  type CheckState,
  type Examination,
} from './doctor-check.ts';
import { checkClock, checkFuture } from './doctor-clock.ts';
import { readConfig } from './doctor-config.ts';
import { checkSource, newestPlayed, openSource } from './doctor-databases.ts';
import { checkFleet, checkReplica } from './doctor-fleet.ts';
import { checkHosts } from './doctor-host.ts';
import { checkAlerts, checkLedger, openLedgerToRead } from './doctor-ledger.ts';
import { checkLogs, type LogsExamined } from './doctor-logs.ts';
import { checkModule } from './doctor-module.ts';
import { checkCoverage, checkDuplicates, checkPackets } from './doctor-pipeline.ts';
import { checkPlaces, lookAtPlaces } from './doctor-places.ts';
import { colours, say, table, widthOf, wrapped } from './print.ts';

/** What is asked of the doctor. */
export interface DoctorRequest {
  environment: Readonly<Record<string, string | undefined>>;
  /** Only the acceptance criteria of the February work. */
  acceptance: boolean;
  nowMs: number;
}

/** Every check, in the order of its areas. */
export interface DoctorReport {
  at: string;
  acceptance: boolean;
  /** False where the configuration is wrong: nothing else was looked at then. */
  configured: boolean;
  checks: Check[];
}

/** What was opened; null where it could not be. */
interface Opened {
  source: Source | null;
  ledger: Ledger | null;
}

/** Everything that checks are given, and the file times of the newest rounds. */
async function prepare(opened: Opened, request: DoctorRequest, config: Config) {
  const { acceptance, nowMs } = request;
  const { source } = opened;
  const played = source === null ? [] : await newestPlayed(config, source).catch(() => []);
  const past = played.filter(({ unix }) => unix <= nowMs / 1000).map(({ unix }) => unix);
  const playedUnix = past.length === 0 ? null : Math.max(...past);
  const places = await lookAtPlaces(config, nowMs);
  const asked: Examination = { config, nowMs, acceptance, ...opened, places, playedUnix };
  return { asked, played };
}

/** The checks of everything that could be opened; the acceptance rests on the logs too. */
async function examineOpened(opened: Opened, request: DoctorRequest, config: Config): Promise<Check[]> {
  const { source, ledger } = opened;
  const { asked, played } = await prepare(opened, request, config);
  let logs: LogsExamined = { checks: [], events: [], consoleFiles: [], botRead: false };
  const work: readonly [Area, string, () => Promise<Check[]>][] = [
    ['configuration', 'FLEET_DATABASE_URL', () => checkFleet(config, request.environment)],
    ['source', 'source', async () => (source === null ? [] : checkSource(config, source))],
    ['source', 'SOURCE_READ_URL', async () => (source === null ? [] : checkReplica(config, source))],
    ['ledger', 'ledger', async () => (ledger === null ? [] : checkLedger(asked, ledger))],
    ['directories', 'directories', () => checkPlaces(config, asked.places)],
    [
      'logs',
      'logs',
      async () => {
        logs = await checkLogs(asked);
        return logs.checks;
      },
    ],
    ['clock', 'clock', async () => [...(await checkClock(asked)), ...checkFuture(asked, played)]],
    ['alerts', 'alerts', () => checkAlerts(asked)],
    ['hosts', 'hosts', () => checkHosts(asked)],
    ['pipeline', 'lua_modules', () => checkModule(asked, logs.consoleFiles)],
    ['pipeline', 'duplicate ingestion', async () => checkDuplicates(asked, logs.events, logs.botRead)],
    ['pipeline', 'R2 coverage', () => checkCoverage(asked)],
    ['pipeline', 'triage packets', () => checkPackets(asked)],
  ];
  const checks: Check[] = [];
  for (const [area, name, check] of work)
    if (!asked.acceptance || acceptanceAreas.has(area) || area === 'logs')
      checks.push(...(await alone(area, name, check)));
  return checks;
}

/** Opens what there is to open, and closes it again; what cannot be opened is one line. */
async function examineAll(request: DoctorRequest, config: Config): Promise<Check[]> {
  const { source, checks: ofSource } = await openSource(config);
  try {
    const { ledger, checks: ofLedger } = await openLedgerToRead(config);
    try {
      return [...ofSource, ...ofLedger, ...(await examineOpened({ source, ledger }, request, config))];
    } finally {
      if (ledger !== null) await closeLedger(ledger);
    }
  } finally {
    if (source !== null) await closeDatabase(source.database);
  }
}

/** Looks at everything that an audit needs, and at the hosts. Writes nothing, and changes nothing. */
export async function examine(request: DoctorRequest): Promise<DoctorReport> {
  const { acceptance, nowMs } = request;
  const at = new Date(nowMs).toISOString();
  const { config, checks: ofSettings } = readConfig(request.environment);
  if (config === null) return { at, acceptance, configured: false, checks: ofSettings };
  const all = [...ofSettings, ...(await examineAll(request, config))];
  const asked = acceptance ? all.filter(({ area }) => acceptanceAreas.has(area)) : all;
  const checks = areas.flatMap((area) => asked.filter((check) => check.area === area));
  return { at, acceptance, configured: true, checks };
}

/** How many checks came to each state. */
export function countChecks(checks: readonly Check[]): Record<CheckState, number> {
  const counts = { ok: 0, note: 0, problem: 0, warning: 0, unchecked: 0 };
  for (const { state } of checks) counts[state] += 1;
  return counts;
}

/** 0 all well (notes and warnings too), 2 the configuration is wrong, 3 a problem, or something could not be checked. */
export function doctorExitCode({ configured, acceptance, checks }: DoctorReport): number {
  if (!configured) return 2;
  const { ok, problem, unchecked } = countChecks(checks);
  const isWell = acceptance ? ok === checks.length : problem + unchecked === 0;
  return isWell ? 0 : 3;
}

const words: Record<CheckState, string> = {
  ok: colours.green('ok'),
  note: colours.cyan('note'),
  problem: colours.red('problem'),
  warning: colours.yellow('warning'),
  unchecked: colours.yellow('could not check'),
};

/** The report as one document. */
export function doctorDocument(report: DoctorReport) {
  return { ...report, counts: countChecks(report.checks), exitCode: doctorExitCode(report) };
}

function summary(counts: Record<CheckState, number>): string {
  const { ok, note, problem, warning, unchecked } = counts;
  const notes = note === 0 ? [] : [counted(note, 'note')];
  const warnings = warning === 0 ? [] : [counted(warning, 'warning')];
  const rest = [counted(problem, 'problem'), `${unchecked} could not be checked`];
  return [`${ok} ok`, ...notes, ...warnings, ...rest].join(', ');
}

/** What a check says in a column of so many characters, a line below the other. */
function wordsOf({ what, mend }: Check, width: number): string {
  const said = wrapped(printable(what), width);
  if (mend === null) return said;
  const advice = wrapped(`-> ${printable(mend)}`, width).split('\n');
  return [said, ...advice.map((line) => colours.cyan(line))].join('\n');
}

function tableOf(checks: readonly Check[], width: number): string {
  const rows = checks.map((check, at) => [
    checks[at - 1]?.area === check.area ? '' : colours.bold(check.area),
    words[check.state],
    printable(check.name),
    wordsOf(check, width),
  ]);
  return table(['area', 'state', 'check', 'what, and what to do'], rows);
}

/** The same where there is no room for columns: each check with what it says below it. */
function listOf(checks: readonly Check[], columns: number): string {
  const indent = '  ';
  return checks
    .flatMap((check, at) => [
      ...(checks[at - 1]?.area === check.area ? [] : ['', colours.bold(check.area)]),
      `${indent}${words[check.state]}  ${printable(check.name)}`,
      ...wordsOf(check, columns - 2 * indent.length)
        .split('\n')
        .map((line) => indent + indent + line),
    ])
    .slice(1)
    .join('\n');
}

/** The least that is worth a column of its own. */
const narrowest = 50;

/** The report for people, as wide as their terminal: every check, and what to do about each that is not ok. */
export function printDoctor(report: DoctorReport): void {
  const { checks } = report;
  const { isTTY } = process.stdout;
  const columns = widthOf(process.stdout.columns);
  const names = Math.max(...checks.map(({ name }) => name.length));
  const taken = 'configuration'.length + 'could not check'.length + names + 6;
  if (!isTTY) say(tableOf(checks, Number.POSITIVE_INFINITY));
  else if (columns - taken >= narrowest) say(tableOf(checks, columns - taken));
  else say(listOf(checks, columns));
  const counts = countChecks(report.checks);
  const paint = doctorExitCode(report) === 0 ? colours.green : colours.red;
  say(`\n${paint(summary(counts))}`);
}
