import { configuredChannels } from '../src/alert/channel.ts';
import type { Config } from '../src/config.ts';
import { incidentFold } from '../src/context.ts';
import { counted } from '../src/core/counted.ts';
import { messageOf } from '../src/errors.ts';
import { openRepairs, otherSource } from '../src/ledger/incidents.ts';
import { holderText, isFree, type Lease, ledgerNow, readLease, workLease } from '../src/ledger/lease.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { openLedger } from '../src/ledger/open.ts';
import { deadLetters, outboxCounts } from '../src/ledger/outbox.ts';
import { isGone, ownProcess } from '../src/ledger/process.ts';
import { inspectLedgerRights } from '../src/ledger/rights.ts';
import { lastRuns, type Run, wholeAudit } from '../src/ledger/runs.ts';
import { verifyChain } from '../src/ledger/verify.ts';
import { alone, type Check, checksOf, type Examination, utcTime } from './doctor-check.ts';
import { unopened } from './doctor-databases.ts';
import { checkTransport } from './doctor-transport.ts';
import { checkRepairedRows } from './repaired-rows.ts';

const { ok, problem, warning, unchecked } = checksOf('ledger');
const alerts = checksOf('alerts');

const setting = 'LEDGER_DATABASE_URL';
const auditOnce = 'run `roundwarden audit` once';

/** The ledger, open for reading, or the one line that says why not. */
export async function openLedgerToRead(config: Config): Promise<{ ledger: Ledger | null; checks: Check[] }> {
  const { ledgerUrl: url, ledgerSchema: schema, dataDir } = config;
  try {
    const ledger = await openLedger({ url, schema, dataDir, fold: incidentFold, readOnly: true });
    if (ledger !== null) return { ledger, checks: [] };
    return { ledger: null, checks: [unchecked(setting, 'there is no ledger yet', auditOnce)] };
  } catch (thrown) {
    const why = messageOf(thrown);
    if (/an older Roundwarden made it/.test(why))
      return { ledger: null, checks: [problem(setting, why, auditOnce)] };
    if (/newer Roundwarden/.test(why))
      return { ledger: null, checks: [problem(setting, why, 'install the newer Roundwarden again')] };
    return { ledger: null, checks: [unopened('ledger', { setting, url, thrown })] };
  }
}

/** One line for the whole of `ledger verify`: the chain, the head file, the incidents. */
async function checkChain(ledger: Ledger): Promise<Check> {
  const { problems, count, head } = await verifyChain(ledger);
  const [first] = problems;
  if (first === undefined)
    return ok('verify', `${counted(count, 'entry', 'entries')}, the chain is intact; head ${head.seq}`);
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const behind = /^the ledger is behind/.test(first.what);
  const mend = behind
    ? 'if a backup was restored on purpose: `roundwarden ledger accept-restore --reason "..."`'
    : 'compare with heads in your reports: `roundwarden ledger verify --anchor "SEQ HASH"`';
  return problem('verify', `${first.what}${more}`, mend);
}

async function checkRows({ source }: Examination, ledger: Ledger): Promise<Check[]> {
  if (source === null) return [];
  const rows = await checkRepairedRows(ledger, source);
  const touched = rows.filter(({ state }) => state === 'changed' || state === 'deleted');
  if (touched.length === 0) return [ok('repaired rows', `${counted(rows.length, 'row')}, none was touched`)];
  const what = `${touched.length} of ${rows.length} were changed or deleted since`;
  return [problem('repaired rows', what, '`roundwarden ledger verify` names them')];
}

/** A name that the ledger has not heard of begins a history of its own. */
async function checkName({ config }: Examination, ledger: Ledger): Promise<Check[]> {
  const { sourceName, isNamed } = config;
  const other = await otherSource(ledger, sourceName);
  if (other === null) return [];
  const what = `the ledger has the history of "${other}", and none of "${sourceName}"`;
  const mend = `set SOURCE_NAME=${other} if it is the same source`;
  return [isNamed ? warning('SOURCE_NAME', what, mend) : problem('SOURCE_NAME', what, mend)];
}

async function checkOpenRepairs({ config }: Examination, ledger: Ledger): Promise<Check> {
  const open = await openRepairs(ledger, config.sourceName);
  if (open.length === 0) return ok('open repairs', 'none');
  const what = `${counted(open.length, 'repair')} begun and not closed: entry ${open[0]!.seq}`;
  return warning('open repairs', what, 'the next audit closes it; nothing to do unless none runs');
}

async function checkLease({ nowMs }: Examination, { database }: Ledger): Promise<Check> {
  const lease = await readLease(database, workLease);
  if (lease === null || lease.token === '') return ok('lease', 'free');
  const by = holderText(lease);
  if (isGone(lease.holder)) return ok('lease', `free: ${by} is gone`);
  const now = { nowMs: await ledgerNow(database, nowMs), us: ownProcess() };
  if (isFree(lease, now)) return ok('lease', `free: that of ${by} ended at ${lease.expiresAt}`);
  return ok('lease', `held by ${by} since ${lease.acquiredAt}, until ${lease.expiresAt}`);
}

/** Whether the role of every day could take the guards of the entries away. */
async function checkLedgerRole({ database }: Ledger): Promise<Check[]> {
  const rights = await inspectLedgerRights(database);
  if (rights === null) return [];
  const { role, beyond } = rights;
  if (beyond.length === 0) return [ok('ledger role', `${role} can add entries, and cannot change them`)];
  return [
    warning(
      'ledger role',
      `${role} may do more than add: ${beyond.join(', ')}`,
      'use the role for a ledger in docs/security.md',
    ),
  ];
}

const cronMinutes = 60;
const cronLine =
  'run it by cron: `*/3 * * * * cd /opt/roundwarden && node dist/jobs/main.js audit --json >> audit.log`';

/** A run is at work while it has the lease: that is free where its process is gone. */
function isAtWork({ state, id }: Run, lease: Lease | null): boolean {
  return state === 'running' && lease?.token !== '' && lease?.holder.runId === id && !isGone(lease.holder);
}

function runText(run: Run, lease: Lease | null): string {
  const { startedAt, exitCode, state } = run;
  const working = isAtWork(run, lease) ? 'still at work' : 'its process is gone';
  const how = state === 'running' ? working : `exit code ${exitCode ?? 'unknown'}`;
  return `${utcTime(Date.parse(startedAt))}, ${how}`;
}

/** Whether audits run. Without a source they fail and nothing is known to be owed: that has its own line. */
async function checkRuns({ source, nowMs, playedUnix }: Examination, { database }: Ledger): Promise<Check[]> {
  if (source === null) return [];
  const [run] = await lastRuns(database, { command: wholeAudit, limit: 1 });
  if (run === undefined) return [unchecked('last audit', 'there was none yet', auditOnce)];
  const lease = await readLease(database, workLease);
  const said = runText(run, lease);
  const minutes = Math.floor((nowMs - Date.parse(run.startedAt)) / 60_000);
  if (minutes > cronMinutes && playedUnix !== null)
    return [problem('last audit', `${said}: ${minutes} minutes ago`, cronLine)];
  if (run.state === 'failed')
    return [problem('last audit', `${said}: ${run.error ?? 'failed'}`, 'run `roundwarden audit` by hand')];
  if (run.state === 'running' && !isAtWork(run, lease))
    return [warning('last audit', said, 'the next audit goes on where it stopped')];
  return [ok('last audit', said)];
}

/** The ledger itself: whole, not behind, worked on by one, and lately. */
export async function checkLedger(asked: Examination, ledger: Ledger): Promise<Check[]> {
  const way = { setting, url: asked.config.ledgerUrl, database: ledger.database };
  return [
    ok(setting, `${ledger.database.label} answers (${ledger.database.dialect})`),
    ...(await alone('ledger', 'ledger role', () => checkLedgerRole(ledger))),
    ...(await alone('ledger', 'encryption', () => checkTransport('ledger', way))),
    ...(await alone('ledger', 'verify', () => checkChain(ledger))),
    ...(await alone('ledger', 'repaired rows', () => checkRows(asked, ledger))),
    ...(await alone('ledger', 'SOURCE_NAME', () => checkName(asked, ledger))),
    ...(await alone('ledger', 'open repairs', () => checkOpenRepairs(asked, ledger))),
    ...(await alone('ledger', 'lease', () => checkLease(asked, ledger))),
    ...(await alone('ledger', 'last audit', () => checkRuns(asked, ledger))),
  ];
}

const patienceMs = 60 * 60_000;

async function checkOutbox({ nowMs }: Examination, { database }: Ledger): Promise<Check[]> {
  const { queued, sent, dead, oldestQueuedAt } = await outboxCounts(database);
  const lines: Check[] = [];
  if (dead > 0) {
    const [last] = await deadLetters(database, 1);
    const what = `${counted(dead, 'message')} given up, the last by ${last?.channel}: ${last?.error ?? 'no reason'}`;
    lines.push(
      alerts.problem('dead letters', what, 'mend the channel, then `roundwarden notify --retry-dead`'),
    );
  }
  const waits = oldestQueuedAt !== null && nowMs - Date.parse(oldestQueuedAt) > patienceMs;
  const what = `${queued} waiting, ${sent} sent, ${dead} given up`;
  if (waits)
    lines.push(
      alerts.warning(
        'outbox',
        `${what}; the oldest waits since ${oldestQueuedAt}`,
        '`roundwarden notify` says why',
      ),
    );
  else lines.push(alerts.ok('outbox', what));
  return lines;
}

/** Whether people are told, and whether what they should know has left. */
export async function checkAlerts(asked: Examination): Promise<Check[]> {
  const names = configuredChannels(asked.config);
  const channels =
    names.length === 0
      ? alerts.warning(
          'channels',
          'none is set up: nobody is told',
          'set DISCORD_WEBHOOK_URL, SMTP_URL with MAIL_FROM and MAIL_TO, or ALERT_WEBHOOK_URL',
        )
      : alerts.ok('channels', `${names.join(', ')}; \`roundwarden notify --test\` tries them`);
  const { ledger } = asked;
  const outbox = ledger === null ? [] : await alone('alerts', 'outbox', () => checkOutbox(asked, ledger));
  return [channels, ...outbox];
}
