import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { planAudit } from '../jobs/audit.ts';
import { closeDatabase, type Dialect, openDatabase, rows } from '../src/database.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { history, lastDay } from './history.ts';
import { byTurns, type Finding, type Goal, peakMegabytes, ratioFinding } from './measure.ts';
import { firstDay } from './source-data.ts';

const atMost = 2;
const atMostMegabytes = 200;
/** The small one is half of the other on as many days: what the last days cost weighs as much in both. */
const sizes = {
  rounds: { full: 1_000_000, small: 500_000 },
  roundsPerDay: { full: 410, small: 206 },
  artifacts: { full: 10_000, small: 5_000 },
};

/** Seconds of the day of six digits. */
const secondsOf = (digits: string) => `(${digits} - 40 * (${digits} / 100) - 2400 * (${digits} / 10000))`;

const truths: Record<Dialect, string> = {
  sqlite: '(r.is_valid is null or r.is_valid <> 0) and (r.is_bot_round is null or r.is_bot_round = 0)',
  postgres: 'r.is_valid is not false and r.is_bot_round is not true',
};

/**
 * The bare anti-join that counts the same gaps: expected rounds without a linked capture of their number, map and times,
 * 0 to 3 s before their file as text (DESIGN, "SQL may count"). Less does not count the same: some rounds of the history
 * carry another one's capture with its timing.
 */
function antiJoin(dialect: Dialect): string {
  const file = secondsOf('cast(r.round_time as integer)');
  const end = secondsOf('cast(substr(c.match_id, 12) as integer)');
  return `select count(*) as gaps from rounds r
    where r.round_number in (1, 2) and r.round_date >= '${firstDay}' and ${truths[dialect]}
      and (r.round_status is null or r.round_status in ('completed', 'substitution'))
      and not exists (select 1 from lua_round_teams c where c.round_id = r.id
        and c.round_number = r.round_number and c.map_name = r.map_name
        and c.round_start_unix = r.round_start_unix and c.round_end_unix = r.round_end_unix
        and substr(c.match_id, 1, 10) = r.round_date and ${file} - ${end} between 0 and 3)`;
}

const program = fileURLToPath(new URL('../jobs/main.js', import.meta.url));

/** The most memory that \`audit --all --dry-run\` takes as a process of its own, megabytes; null where it cannot be told. */
async function peakOf(settings: Record<string, string>): Promise<number | null> {
  const child = spawn(process.execPath, [program, 'audit', '--all', '--dry-run'], {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<number | null>((done) => child.on('exit', done));
  let peak: number | null = null;
  while (child.exitCode === null && child.signalCode === null) {
    peak = peakMegabytes(child.pid!) ?? peak;
    await sleep(10);
  }
  const code = await ended;
  if (code !== 3) throw new Error(`audit --all --dry-run ended with ${code}, and there are gaps`);
  return peak;
}

async function measure(dialect: Dialect, options: BenchOptions): Promise<Finding> {
  const rounds = options.sizeOf(sizes.rounds);
  const artifacts = sizes.artifacts[options.scale];
  const made = await history(dialect, options, {
    history: {
      rounds,
      lastDay,
      roundsPerDay: sizes.roundsPerDay[options.scale],
      gapShare: 0.01,
      seed: options.seed,
    },
    artifacts: { of: artifacts, ofGaps: true },
  });
  const database = await openDatabase(made.sourceUrl, { readOnly: true });
  try {
    const [counted] = await rows<{ gaps: number }>(database, antiJoin(dialect));
    const { verdicts } = await planAudit(made.request);
    if (verdicts.length !== Number(counted!.gaps))
      throw new Error(`the audit finds ${verdicts.length} gaps, the anti-join ${counted!.gaps}`);
    const samples = await byTurns(options.times, {
      product: () => planAudit(made.request),
      limit: () => rows(database, antiJoin(dialect)),
    });
    const peak = await peakOf(made.settings);
    const memory: Goal[] =
      peak === null ? [] : [{ of: 'peak memory', is: peak, unit: 'MB', atMost: atMostMegabytes }];
    const size = `${dialect}, ${rounds.toLocaleString('en')} rounds, ${verdicts.length.toLocaleString('en')} gaps, ${artifacts.toLocaleString('en')} artifacts`;
    return ratioFinding(
      { measure: 'audit --all --dry-run', size, limit: 'the bare anti-join' },
      { samples, atMost, goals: memory },
    );
  } finally {
    await closeDatabase(database);
  }
}

/** An audit of a long history against the one query that it cannot do without. */
export const bench: Bench = {
  id: 'full-audit',
  about: 'audit --all --dry-run against the bare anti-join that counts the same gaps',
  async run(options) {
    const findings: Finding[] = [];
    for (const dialect of options.dialects) findings.push(await measure(dialect, options));
    return findings;
  },
};
