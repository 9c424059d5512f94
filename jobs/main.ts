#!/usr/bin/env node
import './utc.ts';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { type Config, parseConfig, readEnvironment } from '../src/config.ts';
import { addDays, isDay, localDay } from '../src/core/time.ts';
import { LeaseHeldError, messageOf, OperationError, UsageError } from '../src/errors.ts';
import { openLog } from '../src/log.ts';
import type { Deciding, Filter } from './incidents.ts';
import { noProgress, terminalProgress } from './progress.ts';
import type { Scope } from './scope.ts';

/** What every command is given: `--json` and the moment, taken once. */
interface Shared {
  json: boolean;
  nowMs: number;
}

const exitCodes = `
Exit codes: 0 clean; 1 the run failed; 2 wrong usage or configuration; 3 ran, and something is open;
4 another run holds the lease.`;

const program = new Command('roundwarden')
  .description(
    'Finds played rounds without a capture, repairs what can be repaired, and keeps a ledger of what is lost.',
  )
  .addHelpText('after', exitCodes)
  .showHelpAfterError('(see --help)')
  .exitOverride();

const settings = (): Config => parseConfig(readEnvironment(process.env));
const shared = (options: { json?: boolean }): Shared => ({ json: options.json === true, nowMs: Date.now() });
const progressOf = (json: boolean) => (json ? noProgress : terminalProgress());

/** Registers a command; its action answers with the exit code. */
function command(parent: Command, usage: string, description: string, isDefault = false): Command {
  return parent
    .command(usage, { isDefault })
    .description(description)
    .option('--json', 'one document on standard output')
    .exitOverride();
}

type Action<A extends unknown[]> = (...given: A) => Promise<number>;

/** The exit code of an action becomes the process's. */
function ends<A extends unknown[]>(action: Action<A>) {
  return async (...given: A): Promise<void> => {
    process.exitCode = await action(...given);
  };
}

function wholeNumber(text: string, what: string): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number < 2 ** 31))
    throw new UsageError(`${what} is "${text}": expected a whole number below 2147483648`);
  return number;
}

function day(text: string | undefined, option: string): string | null {
  if (text === undefined) return null;
  if (!isDay(text)) throw new UsageError(`${option} is "${text}": expected a day, YYYY-MM-DD`);
  return text;
}

interface ScopeOptions {
  since?: string;
  until?: string;
  all?: boolean;
  round?: string;
}

function scopeOf(options: ScopeOptions, config: Config, nowMs: number): Scope {
  const [since, until] = [day(options.since, '--since'), day(options.until, '--until')];
  const days = since !== null || until !== null;
  if ([days, options.all === true, options.round !== undefined].filter(Boolean).length > 1)
    throw new UsageError('--since/--until, --all and --round exclude each other');
  if (since !== null && until !== null && since > until)
    throw new UsageError(`--since ${since} is after --until ${until}`);
  if (options.round !== undefined) return { kind: 'round', roundId: wholeNumber(options.round, '--round') };
  if (options.all) return { kind: 'all' };
  if (days) return { kind: 'days', since, until };
  const today = localDay(Math.floor(nowMs / 1000), config.zone);
  return { kind: 'lookback', since: addDays(today, -config.lookbackDays), until: today };
}

function withScope(of: Command): Command {
  return of
    .option('--since <day>', 'from this day of the server on (YYYY-MM-DD)')
    .option('--until <day>', 'up to and including this day of the server')
    .option('--all', 'the whole history')
    .option('--round <id>', 'one round only')
    .option('--expect <fingerprint>', 'go on only if the plan has this fingerprint');
}

type AuditOptions = ScopeOptions & { json?: boolean; dryRun?: boolean; expect?: string };

async function runAudit(options: AuditOptions, kind: 'audit' | 'plan'): Promise<number> {
  const { json, nowMs } = shared(options);
  const config = settings();
  const { audit, exitCodeOf, planAudit } = await import('./audit.ts');
  const progress = progressOf(json);
  const scope = scopeOf(options, config, nowMs);
  const request = { config, log: openLog(config.logLevel), scope, expect: options.expect, nowMs, progress };
  const dryRun = kind === 'plan' || options.dryRun === true;
  const result = await (dryRun ? planAudit(request) : audit(request)).finally(() => progress.stop());
  const print = await import('./audit-print.ts');
  const { sayJson } = await import('./print.ts');
  if (json) sayJson(result);
  else if (dryRun) print.printPlan(result);
  else print.printAudit(result, { dryRun: false });
  return exitCodeOf(result);
}

withScope(command(program, 'audit', 'one cycle: read, match, judge, repair, record'))
  .option('--dry-run', 'write nothing, like plan')
  .action(ends((options: AuditOptions) => runAudit(options, 'audit')));

withScope(
  command(program, 'plan', 'what an audit would do: the exact repairs and their fingerprint; writes nothing'),
).action(ends((options: AuditOptions) => runAudit(options, 'plan')));

command(program, 'explain <roundId>', 'everything that is known of one round').action(
  ends(async (roundId: string, options: { json?: boolean }) => {
    const { json, nowMs } = shared(options);
    const config = settings();
    const { explain, printExplanation } = await import('./explain.ts');
    const explanation = await explain({ config, roundId: wholeNumber(roundId, 'ROUND_ID'), nowMs });
    const { sayJson } = await import('./print.ts');
    if (json) sayJson(explanation);
    else printExplanation(explanation, config.zone);
    return 0;
  }),
);

const incidents = program.command('incidents').description('review the gaps').exitOverride();

command(incidents, 'list', 'open incidents, oldest first', true)
  .option('--all', 'closed ones too')
  .option('--unclosed', 'open, held, excused and written off')
  .action(
    ends(async (options: { json?: boolean; all?: boolean; unclosed?: boolean }) => {
      const filter: Filter = options.all ? 'all' : options.unclosed ? 'unclosed' : 'open';
      const { listAll, printIncidents } = await import('./incidents.ts');
      const found = await listAll(settings(), filter);
      const { sayJson } = await import('./print.ts');
      if (options.json) sayJson(found);
      else printIncidents(found, filter);
      return 0;
    }),
  );

command(incidents, 'show <id>', 'one incident').action(
  ends(async (id: string, options: { json?: boolean }) => {
    const { printIncident, showIncident } = await import('./incidents.ts');
    const incident = await showIncident(settings(), wholeNumber(id, 'ID'));
    const { sayJson } = await import('./print.ts');
    if (options.json) sayJson(incident);
    else printIncident(incident);
    return 0;
  }),
);

interface DecideOptions {
  json?: boolean;
  by?: string;
  reason?: string;
}

/** Who said so, where nobody says: whoever is logged in. */
function person(by: string | undefined): string {
  if (by !== undefined) return by;
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

async function runDecision(id: string, deciding: Deciding, options: DecideOptions): Promise<number> {
  const { json, nowMs } = shared(options);
  const { decide, printIncident } = await import('./incidents.ts');
  const by = person(options.by);
  const reason = options.reason ?? '';
  const incident = await decide(settings(), { id: wholeNumber(id, 'ID'), deciding, by, reason, nowMs });
  const { sayJson } = await import('./print.ts');
  if (json) sayJson(incident);
  else printIncident(incident);
  return 0;
}

function decision(usage: string, description: string, needs: { reason: boolean }): Command {
  const reason = new Option('--reason <text>', 'why');
  return command(incidents, usage, description)
    .option('--by <name>', 'who says so (default: the user who is logged in)')
    .addOption(needs.reason ? reason.makeOptionMandatory() : reason);
}

const simple: [
  string,
  string,
  Exclude<Deciding['kind'], 'incident.resolved' | 'incident.released'>,
  boolean,
][] = [
  ['ack <id>', 'silent until its verdict changes', 'incident.acknowledged', false],
  ['excuse <id>', 'silent and closed; later evidence is still repaired', 'incident.excused', true],
  ['hold <id>', 'no audit repairs it until it is reopened', 'incident.held', true],
  ['reopen <id>', 'ends a hold, an excuse, an acknowledgement, a resolution', 'incident.reopened', false],
];
for (const [usage, description, kind, reason] of simple)
  decision(usage, description, { reason }).action(
    ends((id: string, options: DecideOptions) => runDecision(id, { kind }, options)),
  );

decision('note <id> <text>', 'adds a note', { reason: false }).action(
  ends((id: string, text: string, options: DecideOptions) =>
    runDecision(id, { kind: 'incident.noted' }, { ...options, reason: text }),
  ),
);

decision(
  'resolve <id> [candidate]',
  'chooses capture:ID or artifact:SHA256; the next audit writes it under every other rule',
  {
    reason: false,
  },
)
  .option('--release <capture>', 'clears a wrong holder of the round instead')
  .action(
    ends((id: string, candidate: string | undefined, options: DecideOptions & { release?: string }) => {
      if ((candidate === undefined) === (options.release === undefined))
        throw new UsageError('give either a candidate or --release CAPTURE');
      const deciding: Deciding =
        options.release === undefined
          ? { kind: 'incident.resolved', candidate: candidate! }
          : { kind: 'incident.released', captureId: wholeNumber(options.release, '--release') };
      return runDecision(id, deciding, options);
    }),
  );

const ledger = program.command('ledger').description('the append-only record').exitOverride();

command(ledger, 'verify', 'every entry re-hashed, every repaired row compared')
  .option('--anchor <line...>', 'a head seen outside, "SEQ HASH"; may be given several times')
  .option('--no-rows', 'the chain only, without asking the source')
  .action(
    ends(async (options: { json?: boolean; anchor?: string[]; rows: boolean }) => {
      const { parseAnchor, printVerification, verifyExitCode, verifyLedger } = await import('./ledger.ts');
      const anchors = (options.anchor ?? []).map(parseAnchor);
      const check = await verifyLedger(settings(), { anchors, rows: options.rows });
      const { sayJson } = await import('./print.ts');
      if (options.json) sayJson(check);
      else printVerification(check);
      return verifyExitCode(check);
    }),
  );

command(ledger, 'export', 'every entry, one per line (NDJSON)').action(
  ends(async () => {
    const { exportLedger } = await import('./ledger.ts');
    await exportLedger(settings(), async (line) => {
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
    });
    return 0;
  }),
);

command(ledger, 'tail', 'the last entries')
  .option('-n, --lines <count>', 'how many', '20')
  .action(
    ends(async (options: { json?: boolean; lines: string }) => {
      const { printEntries, tailLedger } = await import('./ledger.ts');
      const entries = await tailLedger(settings(), wholeNumber(options.lines, '--lines'));
      const { sayJson } = await import('./print.ts');
      if (options.json) sayJson(entries.map((entry) => ({ ...entry, body: JSON.parse(entry.body) })));
      else printEntries(entries);
      return 0;
    }),
  );

command(ledger, 'head', 'number and hash of the last entry: keep it outside').action(
  ends(async (options: { json?: boolean }) => {
    const { ledgerHead } = await import('./ledger.ts');
    const head = await ledgerHead(settings());
    const { headLine, say, sayJson } = await import('./print.ts');
    if (options.json) sayJson({ ...head, count: head.seq });
    else say(headLine(head));
    return 0;
  }),
);

command(ledger, 'accept-restore', 'goes on with a ledger that was restored from a backup; itself an entry')
  .requiredOption('--reason <text>', 'why')
  .option('--by <name>', 'who says so (default: the user who is logged in)')
  .action(
    ends(async (options: { json?: boolean; reason: string; by?: string }) => {
      const { json, nowMs } = shared(options);
      const { acceptRestored } = await import('./ledger.ts');
      const entry = await acceptRestored(settings(), {
        by: person(options.by),
        reason: options.reason,
        nowMs,
      });
      const { headLine, say, sayJson } = await import('./print.ts');
      if (json) sayJson(entry);
      else say(`accepted; ${headLine(entry)}`);
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

command(program, 'demo', 'the February 2026 incident, end to end, in an embedded database').action(
  ends(async (options: { json?: boolean }) => {
    const { json, nowMs } = shared(options);
    const directory = join('data', 'demo');
    const { demo, printDemo } = await import('./demo.ts');
    const progress = progressOf(json);
    const result = await demo({ directory, log: openLog('warn'), nowMs, progress }).finally(() =>
      progress.stop(),
    );
    const { sayJson } = await import('./print.ts');
    if (json) sayJson(result);
    else printDemo(result, directory);
    return 0;
  }),
);

/** Which exit code a failure has (DESIGN, Commands). */
function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  if (thrown instanceof UsageError) return 2;
  return thrown instanceof LeaseHeldError ? 4 : 1;
}

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = exitCodeOf(thrown);
  const expected =
    thrown instanceof UsageError || thrown instanceof OperationError || thrown instanceof LeaseHeldError;
  // A defect of the program shows where it is; everything else is said in full by its message.
  if (expected) process.stderr.write(`roundwarden: ${messageOf(thrown)}\n`);
  else if (!(thrown instanceof CommanderError))
    process.stderr.write(`roundwarden: ${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
}
