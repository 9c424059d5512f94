import { cpSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { formats } from '../reports/format.ts';
import { type Config, parseConfig } from '../src/config.ts';
import { headLine } from '../src/core/head-line.ts';
import type { Row } from '../src/core/model.ts';
import { printable } from '../src/core/printable.ts';
import { playedText } from '../src/core/round-text.ts';
import { closeDatabase, openDatabase } from '../src/database.ts';
import { OperationError } from '../src/errors.ts';
import type { Log } from '../src/log.ts';
import { makeOwnDirectory } from '../src/own-directory.ts';
import { createSource, fillSource } from '../src/source/create.ts';
import { audit, planAudit } from './audit.ts';
import type { AuditResult } from './audit-result.ts';
import { findAbove } from './find-above.ts';
import { colours, equation, say, table } from './print.ts';
import type { Progress } from './progress.ts';
import { makeReport } from './report.ts';

/** How people start this program where they have started the demo. */
function invoked(): string {
  const program = process.argv[1] ?? 'roundwarden';
  if (basename(program) === 'roundwarden') return 'roundwarden';
  return `${program.endsWith('.ts') ? 'npx tsx' : 'node'} ${relative(process.cwd(), program)}`;
}

/** The February 2026 incident, as it lies in the repository. */
function findFixture(): string {
  const path = findAbove('test', 'fixtures', 'incident-2026-02');
  if (path === null)
    throw new OperationError('the demo needs test/fixtures/incident-2026-02 of the repository');
  return path;
}

const readRows = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Row[];

/** Builds the incident anew in an embedded database; what an earlier demo left there is replaced. */
async function buildIncident(directory: string, fixture: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  makeOwnDirectory(directory);
  // Where GAMETIME_PATHS looks by default, so that every command finds them.
  for (const name of ['gametimes', 'logs', 'etconsole.log'])
    cpSync(join(fixture, name), join(directory, name), { recursive: true });
  const database = await openDatabase(`sqlite:${join(directory, 'source.sqlite')}`, { create: true });
  try {
    await createSource(database);
    const rounds = readRows(join(fixture, 'rounds.json'));
    const captures = readRows(join(fixture, 'lua_round_teams.json'));
    await fillSource(database, { rounds, captures });
  } finally {
    await closeDatabase(database);
  }
}

/** One day of the incident: rounds that should have a capture, and how many have none. */
export interface DemoDay {
  day: string;
  rounds: number;
  missingBefore: number;
  missing: number;
  missingR2: number;
  r2Ids: number[];
}

/** The expected rounds per day, and the gaps among them before and after the repairs. */
export function daysOf(rounds: readonly Row[], before: AuditResult, after: AuditResult): DemoDay[] {
  const played = rounds.filter((row) => row.round_number === 1 || row.round_number === 2);
  const days = [...new Set(played.map((row) => String(row.round_date)))].sort().reverse();
  return days.map((day) => {
    const gaps = (result: AuditResult) => result.verdicts.filter(({ date }) => date === day);
    const left = gaps(after);
    const r2 = left.filter(({ round }) => round === 2);
    return {
      day,
      rounds: played.filter((row) => row.round_date === day).length,
      missingBefore: gaps(before).length,
      missing: left.length,
      missingR2: r2.length,
      r2Ids: r2.map(({ roundId }) => roundId),
    };
  });
}

function demoConfig(directory: string): Config {
  return parseConfig({
    DATA_DIR: directory,
    SOURCE_NAME: 'demo',
    WEBHOOK_LOG: join(directory, 'logs', 'webhook.log'),
    CONSOLE_LOG: join(directory, 'etconsole.log'),
    LOG_LEVEL: 'warn',
  });
}

function sayRepairs(result: AuditResult): void {
  const repaired = result.verdicts.filter(
    ({ outcome, action }) => outcome === 'done' && action !== 'write_off',
  );
  say(colours.bold(`\n${repaired.length} rounds repaired`));
  say(
    table(
      ['round', 'played', 'map', 'R', 'repair', 'from', 'distance'],
      repaired.map(({ candidate, ...line }) => [
        line.roundId,
        playedText(line),
        printable(line.map ?? ''),
        line.round,
        line.action,
        printable(candidate?.path?.split('/').at(-1) ?? `capture ${candidate?.captureId}`),
        `${candidate?.deltaSeconds} s`,
      ]),
    ),
  );
}

function sayWriteOffs(result: AuditResult): void {
  const lost = result.verdicts.filter(({ action }) => action === 'write_off');
  say(colours.bold(`\n${lost.length} rounds written off: no capture, no artifact in any place`));
  say(
    table(
      ['round', 'played', 'map', 'R', 'cause'],
      lost.map((line) => [
        line.roundId,
        playedText(line),
        printable(line.map ?? ''),
        line.round,
        line.cause?.code ?? '',
      ]),
    ),
  );
}

/** The reports of the incident's days, as the mornings after would have had them. */
async function writeReports(
  config: Config,
  days: readonly DemoDay[],
  { nowMs, progress }: { nowMs: number; progress: Progress },
): Promise<{ reports: string[]; index: string }> {
  const reports: string[] = [];
  let index = '';
  for (const [at, { day }] of [...days].reverse().entries()) {
    const made = await makeReport({ config, asked: { day }, formats, nowMs });
    reports.push(...made.paths.filter((path) => path.endsWith('.html')));
    index = made.index;
    progress.step('writing reports', at + 1, days.length);
  }
  return { reports, index };
}

/** The February 2026 incident, end to end: built, audited, repaired, written off. Can be run again. */
export async function demo(request: { directory: string; log: Log; nowMs: number; progress: Progress }) {
  const fixture = findFixture();
  await buildIncident(request.directory, fixture);
  const config = demoConfig(request.directory);
  const asked = { config, scope: { kind: 'all' } as const, ...request };
  const first = await audit(asked);
  const second = await planAudit(asked);
  const days = daysOf(readRows(join(fixture, 'rounds.json')), first, second);
  return { days, first, second, ...(await writeReports(config, days, request)) };
}

export type DemoResult = Awaited<ReturnType<typeof demo>>;

/** The demo for people. */
export function printDemo(result: DemoResult, directory: string): void {
  const { days, first, second, reports, index } = result;
  say(colours.bold('The incident of February 2026, audited and repaired in an embedded database\n'));
  say(
    table(
      ['day', 'rounds', 'missing before', 'missing after', 'missing R2', 'rounds that miss R2'],
      days.map(({ day, rounds, missingBefore, missing, missingR2, r2Ids }) => [
        day,
        rounds,
        missingBefore,
        missing,
        missingR2,
        r2Ids.join(', '),
      ]),
    ),
  );
  sayRepairs(first);
  sayWriteOffs(first);
  say(`\nbefore ${equation(first.counts)}`);
  say(`after  ${equation(second.counts)}`);
  say(headLine(second.ledger));
  say(colours.bold('\nReports: open one in a browser'));
  for (const path of reports) say(`  ${path}`);
  say(`  ${index} lists them`);
  say(`
Look around:    DATA_DIR=${directory} SOURCE_NAME=demo ${invoked()} explain 9856 --packet
                (also: incidents, report, serve, ledger verify, ledger tail, revert SEQ)
Triage packets: ${directory}/packets, one folder for each round that was written off
Your own data:  put these into .env and begin with \`${invoked()} plan\`, which writes nothing
                SOURCE_DATABASE_URL=postgres://roundwarden@localhost/stats
                SOURCE_NAME=production
                GAMETIME_PATHS=/srv/gametimes        directories or globs, comma-separated
                SERVER_TIMEZONE=Europe/Ljubljana     the zone of the game server's clock`);
}
