import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Config } from '../src/config.ts';
import { incidentFold, keptArtifacts, packetsDirectory, placeLists } from '../src/context.ts';
import { counted } from '../src/core/counted.ts';
import { describeUrl } from '../src/database.ts';
import { noLedgerYet, OperationError, UsageError } from '../src/errors.ts';
import {
  type Copied,
  checkCopy,
  checkPostgres,
  copySqlite,
  dumpPostgres,
  removeCopy,
  sumOf,
  syncFile,
} from '../src/ledger/backup.ts';
import { headFileIn, readHead } from '../src/ledger/head.ts';
import { makeOwnDirectory } from '../src/own-directory.ts';
import { replaceFile } from '../src/replace-file.ts';
import { copyArtifacts, copyFiles, copyPackets, type EvidenceCopied } from './backup-evidence.ts';
import { checkpointsDirectory } from './checkpoint.ts';
import { colours, say } from './print.ts';
import type { Progress } from './progress.ts';

export interface BackupRequest {
  config: Config;
  /** A directory, or the name of one new file that ends in `.sqlite` or `.dump`; null for `DATA_DIR/backups`. */
  to: string | null;
  /** So many backups stay in the directory, this one counted; null removes none. */
  keep: number | null;
  nowMs: number;
  progress: Progress;
}

/** What stands beside each backup of a directory, as JSON. */
export interface Backup {
  at: string;
  /** The file of the ledger, its size, and its SHA-256. */
  file: string;
  bytes: number;
  sha256: string;
  /** Which ledger this is, without a password. */
  ledger: string;
  kind: 'sqlite' | 'postgres';
  schema: string | null;
  /** The last entry in it: compare with the heads in your reports. A dump may hold later ones too. */
  head: { seq: number; hash: string; count: number };
  artifacts: EvidenceCopied | null;
  packets: EvidenceCopied | null;
  /** The lists by which copies of files of other hosts are found. */
  lists: EvidenceCopied | null;
  checkpoints: EvidenceCopied | null;
}

type Evidence = Pick<Backup, 'artifacts' | 'packets' | 'lists' | 'checkpoints'>;
const noEvidence: Evidence = { artifacts: null, packets: null, lists: null, checkpoints: null };

/** A backup, where it lies, and the older ones that were removed after it. */
export interface BackupMade extends Backup {
  path: string;
  removed: string[];
}

const backupName = /^ledger-\d{8}T\d{6}Z-\d+\.(sqlite|dump)$/;
const unfinishedName = /^\.ledger-.*\.tmp$/;
const dayMs = 24 * 3_600_000;

/** A failure of any part, said as what it means: the live ledger and the older backups are as they were. */
function failed(thrown: unknown, ledger: string): never {
  if (thrown instanceof UsageError) throw thrown;
  throw new OperationError(
    `cannot back up the ledger ${ledger}; the ledger and older backups are untouched, no new one was left`,
    { cause: thrown },
  );
}

/** Makes the copy under a name that nobody takes for a backup, and answers with what is in it. */
async function copyLedger(unfinished: string, { config, progress }: BackupRequest): Promise<Copied> {
  const { path } = describeUrl(config.ledgerUrl);
  // Before the copy: an entry is committed before it gets into the file, so the copy must hold this head.
  const seen = readHead(headFileIn(config.dataDir));
  const options = { fold: incidentFold, seen };
  if (path === null) {
    progress.step('reading the chain', 0, 2);
    const place = { url: config.ledgerUrl, schema: config.ledgerSchema };
    const before = await checkPostgres(place, options);
    progress.step('dumping the ledger', 1, 2);
    await dumpPostgres(place, unfinished, before);
    return before;
  }
  await copySqlite(resolve(path), unfinished, (done, total) =>
    progress.step('copying the ledger', done, total),
  );
  progress.step('reading the copy', 1, 1);
  return checkCopy(unfinished, options);
}

/** Older backups beyond `keep`, by name and so by time, and what interrupted ones left a day ago. */
function removeOld(directory: string, made: string, { keep, nowMs }: BackupRequest): string[] {
  const names = readdirSync(directory).sort();
  for (const name of names.filter((one) => unfinishedName.test(one)))
    if (nowMs - statSync(join(directory, name)).mtimeMs > dayMs) removeCopy(join(directory, name));
  if (keep === null) return [];
  const others = names.filter((name) => backupName.test(name) && name !== made);
  const old = others.slice(0, Math.max(0, others.length - (keep - 1)));
  for (const name of old) {
    rmSync(join(directory, name), { force: true });
    rmSync(join(directory, `${name}.json`), { force: true });
  }
  return old;
}

/** A name that appears at once and whole, and survives a power cut. */
function finish(unfinished: string, path: string): void {
  renameSync(unfinished, path);
  syncFile(dirname(path));
}

function writeManifest(path: string, backup: Backup): void {
  const unfinished = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  replaceFile(path, `${JSON.stringify(backup, null, 2)}\n`, { mode: 0o600, unfinished });
  syncFile(dirname(path));
}

const endingOf = (url: string) => (describeUrl(url).dialect === 'sqlite' ? 'sqlite' : 'dump');

function target({ config, to, keep }: BackupRequest): { directory: string; file: string | null } {
  const path = resolve(to ?? join(config.dataDir, 'backups'));
  const [, ending] = /\.(sqlite|dump)$/.exec(path) ?? [];
  if (ending === undefined) return { directory: path, file: null };
  if (ending !== endingOf(config.ledgerUrl))
    throw new UsageError(`--to ${to}: the copy of this ledger ends in .${endingOf(config.ledgerUrl)}`);
  if (keep !== null) throw new UsageError('--keep counts the backups of a directory; --to names a file');
  if (existsSync(path)) throw new UsageError(`${path} is there already; a backup never replaces a file`);
  return { directory: dirname(path), file: path };
}

/**
 * Backs up the ledger while others write to it, and into a directory also the kept artifacts with their lists, the
 * triage packets and the checkpoints that are not there yet. The copy is read back whole before it gets its name, and
 * only then are older ones removed. Throws an OperationError where anything of the ledger's copy fails.
 */
export async function backup(request: BackupRequest): Promise<BackupMade> {
  const { config, nowMs, progress } = request;
  const { label: ledger, dialect: kind, path: live } = describeUrl(config.ledgerUrl);
  if (live !== null && !existsSync(live)) throw noLedgerYet();
  const { directory, file } = target(request);
  const at = new Date(nowMs).toISOString();
  const stamp = at.replace(/[-:]|\.\d+/g, '');
  const unfinished = join(directory, `.ledger-${stamp}.${process.pid}.tmp`);
  let done: Omit<Backup, keyof Evidence> & { path: string };
  try {
    makeOwnDirectory(directory);
    const { head, count, schema } = await copyLedger(unfinished, request);
    const path = file ?? join(directory, `ledger-${stamp}-${head.seq}.${endingOf(config.ledgerUrl)}`);
    const sum = await sumOf(unfinished);
    finish(unfinished, path);
    done = { at, file: basename(path), ...sum, ledger, kind, schema, head: { ...head, count }, path };
  } catch (thrown) {
    removeCopy(unfinished);
    failed(thrown, ledger);
  }
  if (file !== null) return { ...done, ...noEvidence, removed: [] };
  progress.step('copying evidence', 0, 1);
  const evidence = await copyEvidence(config, directory);
  const { path, ...manifest } = done;
  writeManifest(`${path}.json`, { ...manifest, ...evidence });
  const removed = notCopied(evidence).length === 0 ? removeOld(directory, done.file, request) : [];
  return { ...done, ...evidence, removed };
}

async function copyEvidence(config: Config, directory: string): Promise<Evidence> {
  // The lists first: what they name is kept before they name it.
  const lists = await copyFiles(placeLists(config), join(directory, 'places'));
  const artifacts = await copyArtifacts(keptArtifacts(config), join(directory, 'artifacts'));
  const packets = await copyPackets(packetsDirectory(config), join(directory, 'packets'));
  const checkpoints = await copyFiles(checkpointsDirectory(config), join(directory, 'checkpoints'));
  return { artifacts, packets, lists, checkpoints };
}

function notCopied({ artifacts, packets, lists, checkpoints }: Evidence): string[] {
  return [artifacts, packets, lists, checkpoints].flatMap((copied) => copied?.failed ?? []);
}

/** 3 where the ledger is safe and some of its evidence is not. */
export function backupExitCode(made: Backup): number {
  return notCopied(made).length > 0 ? 3 : 0;
}

const evidenceText = ({ total, copied }: EvidenceCopied, what: string) =>
  `${counted(total, what)} (${copied} new)`;

/** A backup for people: what it holds, and what it is proven by. */
export function printBackup(made: BackupMade): void {
  const { path, bytes, head, artifacts, packets, removed } = made;
  const verb = made.kind === 'sqlite' ? 'opened and re-hashed' : 'read back';
  say(`${path}`);
  say(`  ${counted(head.count, 'entry', 'entries')}, ${(bytes / 1e6).toFixed(1)} MB, ${colours.green(verb)}`);
  say(`  head ${head.seq} ${head.hash}`);
  if (artifacts !== null)
    say(`  ${evidenceText(artifacts, 'artifact')}, ${evidenceText(packets!, 'packet')}`);
  if (removed.length > 0) say(`  removed: ${removed.join(', ')}`);
  const problems = notCopied(made);
  for (const problem of problems) say(colours.red(`  not copied: ${problem}`));
  if (problems.length > 0) say('  no older backup was removed, because of what could not be copied');
}
