import { join } from 'node:path';
import type { Command } from 'commander';
import { isDay } from '../src/core/time.ts';
import { UsageError } from '../src/errors.ts';
import {
  command,
  commandOfAll,
  ends,
  endsForAll,
  endsForEach,
  person,
  progressOf,
  settings,
  shared,
  wholeNumber,
} from './command-line.ts';
import type { Scope } from './scope.ts';

function day(text: string | undefined, option: string): string | null {
  if (text === undefined) return null;
  if (!isDay(text)) throw new UsageError(`${option} is "${text}": expected a day, YYYY-MM-DD`);
  return text;
}

function fingerprintOf(text: string | undefined): string | undefined {
  if (text === undefined || /^[0-9a-f]{64}$/.test(text)) return text;
  throw new UsageError(`--expect is "${text}": expected a fingerprint, 64 hex digits, as \`plan\` prints it`);
}

interface ScopeOptions {
  since?: string;
  until?: string;
  all?: boolean;
  round?: string;
}

function scopeOf(options: ScopeOptions): Scope | 'cycle' {
  const [since, until] = [day(options.since, '--since'), day(options.until, '--until')];
  const days = since !== null || until !== null;
  if ([days, options.all === true, options.round !== undefined].filter(Boolean).length > 1)
    throw new UsageError('--since/--until, --all and --round exclude each other');
  if (since !== null && until !== null && since > until)
    throw new UsageError(`--since ${since} is after --until ${until}`);
  if (options.round !== undefined) return { kind: 'round', roundId: wholeNumber(options.round, '--round') };
  if (options.all) return { kind: 'all' };
  if (days) return { kind: 'days', since, until };
  return 'cycle';
}

function withScope(of: Command): Command {
  return of
    .option('--since <day>', 'from this day of the server on (YYYY-MM-DD)')
    .option('--until <day>', 'up to and including this day of the server')
    .option('--all', 'the whole history')
    .option('--round <id>', 'one round only')
    .option('--expect <fingerprint>', 'go on only if the plan has this fingerprint');
}

/** A round and a plan are one server's. */
const isOfOne = ({ round, expect }: AuditOptions) => round !== undefined || expect !== undefined;

type AuditOptions = ScopeOptions & { json?: boolean; dryRun?: boolean; expect?: string };

async function runAudit(options: AuditOptions, kind: 'audit' | 'plan'): Promise<number> {
  const { json, nowMs } = shared(options);
  const config = settings();
  const { audit, planAudit } = await import('./audit.ts');
  const { exitCodeOf } = await import('./audit-result.ts');
  const progress = progressOf(json);
  const dryRun = kind === 'plan' || options.dryRun === true;
  const scope = scopeOf(options);
  const expect = fingerprintOf(options.expect);
  const { openLog } = await import('../src/log.ts');
  const log = openLog(config.logLevel);
  const request = { config, log, scope, expect, nowMs, progress };
  const run = async () => {
    if (dryRun) return planAudit(request);
    const { stopOnSignals } = await import('./stopping.ts');
    const { signal, done } = stopOnSignals({ log });
    return audit({ ...request, signal }).finally(done);
  };
  const result = await run().finally(() => progress.stop());
  const print = await import('./audit-print.ts');
  const { sayJson } = await import('./print.ts');
  if (json) sayJson(result);
  else if (dryRun) print.printPlan(result);
  else print.printAudit(result, { dryRun: false });
  return exitCodeOf(result);
}

/** audit, plan, explain, revert, demo. */
export function addAuditCommands(program: Command): void {
  withScope(command(program, 'audit', 'one cycle: read, match, judge, repair, record'))
    .option('--dry-run', 'write nothing, like plan')
    .action(endsForEach((options: AuditOptions) => runAudit(options, 'audit'), isOfOne));

  withScope(
    command(
      program,
      'plan',
      'what an audit would do: the exact repairs and their fingerprint; writes nothing',
    ),
  ).action(endsForEach((options: AuditOptions) => runAudit(options, 'plan'), isOfOne));

  command(program, 'explain <roundId>', 'everything that is known of one round')
    .option('--packet', 'also write its triage packet: a folder with a page, rows, log lines, checksums')
    .action(
      ends(async (roundId: string, options: { json?: boolean; packet?: boolean }) => {
        const { json, nowMs } = shared(options);
        const config = settings();
        const { explain, printExplanation } = await import('./explain.ts');
        const asked = { roundId: wholeNumber(roundId, 'ROUND_ID'), packet: options.packet === true };
        const explanation = await explain({ config, ...asked, nowMs });
        const { sayJson } = await import('./print.ts');
        if (json) sayJson(explanation);
        else printExplanation(explanation, config.zone);
        return 0;
      }),
    );

  command(program, 'revert <seq>', 'undoes one repair group and holds its incidents')
    .option('--reason <text>', 'why', '')
    .option('--by <name>', 'who says so (default: the user who is logged in)')
    .option('--force', 'also a repair whose end is not certain')
    .action(
      ends(async (seq: string, options: { json?: boolean; reason: string; by?: string; force?: boolean }) => {
        const { json, nowMs } = shared(options);
        const { revert } = await import('./revert.ts');
        const { force = false, reason } = options;
        const asked = { seq: wholeNumber(seq, 'SEQ'), force, by: person(options.by), reason, nowMs };
        const result = await revert({ config: settings(), ...asked });
        const { say, sayJson } = await import('./print.ts');
        if (json) sayJson(result);
        else
          say(
            `repair ${result.reverts} is undone (entry ${result.entry}, ${result.changes.length} rows); ` +
              'its incidents are held until `roundwarden incidents reopen`',
          );
        return 0;
      }),
    );

  commandOfAll(program, 'demo', 'the February 2026 incident, end to end, in an embedded database').action(
    endsForAll(async (options: { json?: boolean }) => {
      const { json, nowMs } = shared(options);
      const directory = join('data', 'demo');
      const { demo, printDemo } = await import('./demo.ts');
      const progress = progressOf(json);
      const { openLog } = await import('../src/log.ts');
      const result = await demo({ directory, log: openLog('warn'), nowMs, progress }).finally(() =>
        progress.stop(),
      );
      const { sayJson } = await import('./print.ts');
      if (json) sayJson(result);
      else printDemo(result, directory);
      return 0;
    }),
  );
}
