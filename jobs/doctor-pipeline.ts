import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { foldEntry, packetsDirectory } from '../src/context.ts';
import { classify } from '../src/core/classify.ts';
import { counted } from '../src/core/counted.ts';
import { duplicateIngestion, duplicatesPerDay } from '../src/core/duplicates.ts';
import type { Incident } from '../src/core/incident.ts';
import type { LogEvent } from '../src/core/log-event.ts';
import { readLogLines } from '../src/core/log-lines.ts';
import { safeMap } from '../src/core/names.ts';
import { isFull, type R2Coverage, r2Coverage, r2Since, r2Text } from '../src/core/r2-coverage.ts';
import { addDays, localDay } from '../src/core/time.ts';
import { eachEntry } from '../src/ledger/entries.ts';
import { listIncidents } from '../src/ledger/incidents.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { type Check, checksOf, type Examination } from './doctor-check.ts';
import { observe } from './observe.ts';
import { noProgress } from './progress.ts';

const { ok, problem, warning, unchecked } = checksOf('pipeline');

/** What hangs on something that could not be opened: only the acceptance says so, elsewhere one line is enough. */
function unasked({ acceptance }: Examination, name: string, why: string): Check[] {
  return acceptance ? [unchecked(name, why, 'see `roundwarden doctor`')] : [];
}

const duplicateDays = 7;

/** Rounds that came in twice within a minute in the last days (DOMAIN, section 5). */
export function checkDuplicates(asked: Examination, events: readonly LogEvent[], readable: boolean): Check[] {
  const name = 'duplicate ingestion';
  const { config, nowMs } = asked;
  if (!readable) return unasked(asked, name, "because the bot's log could not be read (WEBHOOK_LOG)");
  const since = addDays(localDay(Math.floor(nowMs / 1000), config.zone), 1 - duplicateDays);
  const all = duplicateIngestion(readLogLines(events, config.zone), config.zone);
  const recent = all.filter(({ day }) => day >= since);
  if (recent.length === 0) return [ok(name, `none in the last ${duplicateDays} days`)];
  const days = Object.entries(duplicatesPerDay(recent)).map(([day, count]) => `${day}: ${count}`);
  const [line] = recent.at(-1)!.lines;
  const where = line === undefined ? '' : `; the last at ${line.file}:${line.line}`;
  return [
    problem(
      name,
      `${counted(recent.length, 'round')} came in more than once (${days.join(', ')})${where}`,
      'two paths deliver the same signal: leave one bot, one log_monitor.sh, and no et-stats-webhook.service',
    ),
  ];
}

function coverageText({ last, before, trend }: R2Coverage): string {
  const figures = `${r2Text(last)} since ${last.since}, before that ${r2Text(before)}`;
  return `${trend.replaceAll('_', ' ')}: ${figures}`;
}

function judgeCoverage(coverage: R2Coverage): Check {
  const name = 'R2 coverage';
  const what = coverageText(coverage);
  const mend = '`roundwarden incidents list --all` names the rounds, `roundwarden explain ROUND` their cause';
  if (coverage.trend === 'improving' || isFull(coverage.last)) return ok(name, what);
  if (coverage.trend === 'worse') return problem(name, what, mend);
  if (coverage.trend === 'same') return warning(name, what, mend);
  return warning(name, what, 'nothing to do before more rounds are played');
}

/** The second rounds of the last 14 days against those of the 14 before, judged as an audit would. */
export async function checkCoverage(asked: Examination): Promise<Check[]> {
  const { config, source, ledger, nowMs } = asked;
  if (source === null) return unasked(asked, 'R2 coverage', 'because the source could not be opened');
  const nowUnix = Math.floor(nowMs / 1000);
  const today = localDay(nowUnix, config.zone);
  const scope = { kind: 'days', since: r2Since(today), until: today } as const;
  // Only captures count here, and no artifact makes a round covered.
  const asking = { config, source, ledger, scope, capturesOnly: true, nowUnix, progress: noProgress };
  const seen = await observe(asking);
  return [judgeCoverage(r2Coverage(classify(seen.situation), today))];
}

/** By incident key: the folder's name in the last entry that wrote the round off. */
async function packetNames(ledger: Ledger, source: string): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for await (const entry of eachEntry(ledger, { source, kinds: ['gap.written_off'] })) {
    const { packet } = foldEntry(entry).body as { packet?: { path?: string } | null };
    if (typeof packet?.path === 'string') names.set(entry.key, basename(packet.path));
  }
  return names;
}

async function writtenOff(ledger: Ledger, source: string): Promise<Incident[]> {
  const found: Incident[] = [];
  for (let afterId = 0; ; ) {
    const page = await listIncidents(ledger, { source, afterId, limit: 1000 });
    found.push(...page.map(({ state }) => state as unknown as Incident));
    if (page.length < 1000) return found.filter(({ status }) => status === 'written_off');
    afterId = page.at(-1)!.id;
  }
}

/** Whether a folder is a packet of a round: as its entry names it, or written later beside it (`@time`). */
function isPacketOf(
  folder: string,
  of: { named: string | undefined; source: string; roundId: number },
): boolean {
  const name = folder.replace(/@[^@]*$/, '');
  if (name === of.named) return true;
  return name.startsWith(`${safeMap(of.source)}-`) && name.endsWith(`-${of.roundId}`);
}

const mostNamed = 5;

/** A triage packet for every miss that remains. */
export async function checkPackets(asked: Examination): Promise<Check[]> {
  const name = 'triage packets';
  const { config, ledger } = asked;
  if (ledger === null) return unasked(asked, name, 'because there is no ledger that could be opened');
  const { sourceName: source } = config;
  const names = await packetNames(ledger, source);
  const folders = await readdir(packetsDirectory(config)).catch(() => []);
  const misses = await writtenOff(ledger, source);
  const without = misses.filter(({ key, round }) => {
    const of = { named: names.get(key), source, roundId: round?.roundId ?? 0 };
    return !folders.some((folder) => !folder.endsWith('.tmp') && isPacketOf(folder, of));
  });
  const each = `${counted(misses.length, 'round is', 'rounds are')} written off`;
  if (without.length === 0)
    return [ok(name, misses.length === 0 ? 'no round is written off' : `${each}, each with its packet`)];
  const ids = without.map(({ round }) => round?.roundId ?? '?');
  const listed = ids.slice(0, mostNamed).join(', ') + (ids.length > mostNamed ? ', ...' : '');
  return [
    problem(
      name,
      `${each}, ${without.length} without a packet: ${listed}`,
      `\`roundwarden explain ${ids[0]} --packet\`, for each of them`,
    ),
  ];
}
