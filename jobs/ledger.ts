import type { Config } from '../src/config.ts';
import { foldEntry, incidentFold, withLedger, withLedgerToRead, withSource } from '../src/context.ts';
import { entryText } from '../src/core/entry-text.ts';
import { headLine } from '../src/core/head-line.ts';
import { walkPrefixes } from '../src/core/merkle.ts';
import { printable } from '../src/core/printable.ts';
import type { VerifierKey } from '../src/core/signed-note.ts';
import { noLedgerYet, OperationError, UsageError } from '../src/errors.ts';
import type { Entry, Head } from '../src/ledger/chain.ts';
import { leafOfEntry } from '../src/ledger/checkpoint.ts';
import type { FiledCheckpoint } from '../src/ledger/checkpoint-files.ts';
import { eachEntry, head, readEntries } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { acceptRestore } from '../src/ledger/restore.ts';
import { type Verification, verifyChain } from '../src/ledger/verify.ts';
import { type CheckpointCheck, checkCheckpoints, printCheckpoints } from './checkpoint-check.ts';
import { colours, say, table } from './print.ts';
import { noProgress, type Progress } from './progress.ts';
import { checkRepairedRows, type RowCheck } from './repaired-rows.ts';
import { runJob } from './run.ts';

/** Opens the ledger for reading. Throws a UsageError where there is none yet. */
export async function reading<T>(config: Config, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  return withLedgerToRead(config, (ledger) => {
    if (ledger === null) throw noLedgerYet();
    return work({ ...ledger, fold: incidentFold });
  });
}

/** `N hash`, wherever it was seen: a report, a mail, the output of `ledger head`. */
export function parseAnchor(line: string): Head {
  const found = /(\d+)[^0-9a-f]+([0-9a-f]{64})/.exec(line);
  if (found === null) throw new UsageError(`"${line}" is no head: expected its number and its 64 hex digits`);
  return { seq: Number(found[1]), hash: found[2]! };
}

/** The chain and the repaired rows. `rows` is null where the source was not asked. */
export interface LedgerCheck {
  chain: Verification;
  /** The checkpoints that were held against it. */
  checkpoints: CheckpointCheck[];
  /** The last entry up to which the chain is whole and a checkpoint vouches for it, or null. */
  checkpointedThrough: number | null;
  rows: RowCheck[] | null;
}

/** What the ledger is held against. */
export interface VerifyRequest {
  anchors: readonly Head[];
  checkpoints?: { files: readonly FiledCheckpoint[]; keys: readonly VerifierKey[] };
  rows: boolean;
}

/** The last entry before the first problem that a good checkpoint reaches. */
function vouchedThrough(chain: Verification, checkpoints: readonly CheckpointCheck[]): number | null {
  const whole = (size: number) => chain.problems.every(({ seq }) => seq === null || seq > size);
  const sizes = checkpoints.filter(({ ok, size }) => ok && whole(size)).map(({ size }) => size);
  return sizes.length === 0 ? null : Math.max(...sizes);
}

/** So many entries are read before it is told. */
const entriesPerStep = 1_000;

/** Re-hashes every entry, and every row that a repair of this source wrote. */
export async function verifyLedger(
  config: Config,
  options: VerifyRequest,
  progress: Progress = noProgress,
): Promise<LedgerCheck> {
  const { files, keys } = options.checkpoints ?? { files: [], keys: [] };
  return reading(config, async (ledger) => {
    const walk = walkPrefixes(files.map(({ said }) => said.size));
    const { seq: total } = await head(ledger);
    let read = 0;
    const each = (hash: string) => {
      if (files.length > 0) walk.add(leafOfEntry(hash));
      if (++read % entriesPerStep === 0) progress.step('verifying', read, Math.max(read, total));
    };
    // The head of an empty ledger anchors nothing.
    const anchors = options.anchors.filter(({ seq }) => seq > 0);
    const chain = await verifyChain(ledger, { anchors, each }).finally(() => progress.stop());
    const checkpoints = await checkCheckpoints(ledger, { checkpoints: files, keys, walk });
    const asked = options.rows && chain.problems.length === 0;
    const rows = asked
      ? await withSource(config, { readOnly: true }, (source) => checkRepairedRows(ledger, source)).catch(
          (cause) => {
            throw new OperationError(
              'cannot compare the repaired rows (--no-rows verifies the chain alone)',
              { cause },
            );
          },
        )
      : null;
    return { chain, checkpoints, checkpointedThrough: vouchedThrough(chain, checkpoints), rows };
  });
}

const isBroken = ({ chain, checkpoints }: LedgerCheck) =>
  chain.problems.length > 0 ||
  chain.anchors.some(({ ok }) => !ok) ||
  checkpoints.some(({ ok, counts }) => counts && !ok);

/** Nothing is wrong with what is there, but its head file has seen later entries. */
function isCutShort({ chain, checkpoints }: LedgerCheck): boolean {
  const { problems, anchors, head } = chain;
  const isOnlyBehind = problems.length === 1 && (problems[0]!.seq ?? 0) > head.seq;
  return isOnlyBehind && anchors.every(({ ok }) => ok) && checkpoints.every(({ ok }) => ok);
}

const isUnproven = ({ checkpoints }: LedgerCheck) => checkpoints.some(({ counts }) => !counts);

/** 0 intact, 1 the chain is broken or not what an anchor or a checkpoint says, 3 repaired rows were changed or deleted. */
export function verifyExitCode(check: LedgerCheck): number {
  const { rows } = check;
  if (isBroken(check) || isUnproven(check)) return 1;
  return rows?.some(({ state }) => state === 'changed' || state === 'deleted') ? 3 : 0;
}

/** What it all comes to. */
function lastLine(check: LedgerCheck): string {
  if (isCutShort(check))
    return colours.red('The entries that are there are as they were written; the newest ones are missing.');
  if (isBroken(check)) return colours.red('The ledger is not what was written.');
  if (isUnproven(check))
    return colours.yellow('The chain is intact, but a checkpoint that was given does not count.');
  return colours.green('The chain is intact.');
}

/** A verification for people. */
export function printVerification(check: LedgerCheck): void {
  const { chain, checkpoints, checkpointedThrough, rows } = check;
  say(`${chain.count} entries read and re-hashed`);
  for (const { seq, what } of chain.problems)
    say(colours.red(`${seq === null ? 'ledger' : `entry ${seq}`}: ${printable(what)}`));
  for (const { seq, ok, why } of chain.anchors)
    say(ok ? colours.green(`anchor ${seq} is in the chain`) : colours.red(`anchor ${seq}: ${why}`));
  printCheckpoints(checkpoints);
  if (chain.anchors.length + checkpoints.length === 0)
    say(
      colours.dim(
        'neither anchor nor checkpoint was given: a ledger rewritten from some entry on, with its head file, would not show',
      ),
    );
  if (chain.anchoredThrough !== null)
    say(`anchored through entry ${chain.anchoredThrough} of ${chain.head.seq}`);
  if (checkpointedThrough !== null)
    say(`signed for through entry ${checkpointedThrough} of ${chain.head.seq}`);
  const through = Math.max(chain.anchoredThrough ?? 0, checkpointedThrough ?? 0);
  if (through > 0 && through < chain.head.seq)
    say(colours.dim(`what came after entry ${through} is vouched for by nothing from outside yet`));
  if (rows !== null) {
    const count = (state: RowCheck['state']) => rows.filter((row) => row.state === state).length;
    say(
      `repaired rows: ${count('intact')} intact, ${count('overwritten')} overwritten by the live pipeline, ${count('changed')} changed, ${count('deleted')} deleted`,
    );
    for (const row of rows)
      if (row.state !== 'intact')
        say(`  ${row.state}: ${row.table} ${printable(JSON.stringify(row.key))} (repair ${row.repair})`);
  }
  say(headLine(chain.head));
  say(lastLine(check));
}

/** An entry as one line of NDJSON, its body as a value. */
export const exportedEntry = (entry: Entry) => JSON.stringify({ ...entry, body: foldEntry(entry).body });

/** Every entry as one line of NDJSON, bodies as values. */
export async function exportLedger(config: Config, write: (line: string) => Promise<void>): Promise<void> {
  await reading(config, async (ledger) => {
    for await (const entry of eachEntry(ledger)) await write(exportedEntry(entry));
  });
}

/** The last entries, oldest first. */
export async function tailLedger(config: Config, count: number): Promise<Entry[]> {
  return reading(config, async (ledger) => {
    const { seq } = await head(ledger);
    return readEntries(ledger, { afterSeq: Math.max(0, seq - count), limit: count });
  });
}

export async function ledgerHead(config: Config): Promise<Head> {
  return reading(config, head);
}

/** Entries for people. */
export function printEntries(entries: readonly Entry[]): void {
  if (entries.length === 0) {
    say('the ledger has no entry yet');
    return;
  }
  const rows = entries.map((entry) => {
    const { seq, at, kind, source, key } = entry;
    return [seq, at, kind, printable(source), printable(key), entryText(foldEntry(entry))];
  });
  say(table(['seq', 'at', 'entry', 'source', 'about', 'what'], rows));
}

/** Accepts a ledger that is behind its head file, which is itself an entry. */
export async function acceptRestored(
  config: Config,
  said: { by: string; reason: string; nowMs: number },
): Promise<Entry> {
  const { by, reason, nowMs } = said;
  // Where the file of the ledger is gone, this begins a new one; nobody else may.
  await withLedger(config, async () => undefined, { acceptsLoss: true });
  const end = await runJob(
    config,
    { command: 'accept-restore', nowMs, acceptsRestore: true },
    async (run) => {
      const entry = await acceptRestore(run.ledger, { by, reason, at: run.at });
      return { exitCode: 0, summary: { seq: entry.seq }, result: entry };
    },
  );
  return end.result;
}
