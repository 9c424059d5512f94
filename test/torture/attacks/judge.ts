import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { verifyLedger } from '../../../jobs/ledger.ts';
import { incidentFold } from '../../../src/context.ts';
import { OperationError, UsageError } from '../../../src/errors.ts';
import { assertNotBehind } from '../../../src/ledger/head.ts';
import { closeLedger, openLedger } from '../../../src/ledger/open.ts';
import { type Ended, withSettings } from '../../failure/scene.ts';
import { bundled, startBundled } from '../bundle.ts';
import type { Honest } from './honest.ts';

/** By what an attack was shown. Each is asked without the others. */
export interface Shown {
  /** By re-hashing the entries and folding them anew. */
  chain: boolean;
  /** By `head.json`, which every run compares before its first write: it refuses to write. */
  headFile: boolean;
  /** By the last head, kept outside. */
  anchor: boolean;
  /** By the last signed checkpoint, kept outside. */
  checkpoint: boolean;
  /** By a head and by a checkpoint of an earlier time. */
  older: { anchor: boolean; checkpoint: boolean };
}

/** Holds the ledger against everything that may be known of it; `older`: the number of an earlier entry. */
export async function judge(honest: Honest, older: number): Promise<Shown> {
  const { scene, head, entries, signer } = honest;
  const nowhere = join(scene.directory, 'nowhere');
  mkdirSync(nowhere, { recursive: true });
  const { ledgerUrl } = scene.config;
  const config = { ...withSettings(scene, { DATA_DIR: nowhere }).config, ledgerUrl };
  const request = {
    anchors: [head, { seq: older, hash: entries[older - 1]!.hash }],
    checkpoints: { files: [head.seq, older].map(honest.checkpointOf), keys: [signer.key] },
    rows: false,
  };
  const check = await verifyLedger(config, request).catch((thrown: unknown) => {
    // There is no ledger, and it says so.
    if (thrown instanceof UsageError) return null;
    throw thrown;
  });
  const [anchor, olderAnchor] = check?.chain.anchors.map(({ ok }) => !ok) ?? [true, true];
  const [checkpoint, olderCheckpoint] = check?.checkpoints.map(({ ok }) => !ok) ?? [true, true];
  return {
    chain: check === null || check.chain.problems.length > 0,
    headFile: await refusesToRun(honest),
    anchor: anchor!,
    checkpoint: checkpoint!,
    older: { anchor: olderAnchor!, checkpoint: olderCheckpoint! },
  };
}

/** Asked as every run asks before its first write. A ledger that is gone is made anew by that, where it may be. */
async function refusesToRun({ scene }: Honest): Promise<boolean> {
  const { ledgerUrl: url, dataDir } = scene.config;
  try {
    const ledger = await openLedger({ url, dataDir, fold: incidentFold });
    await assertNotBehind(ledger).finally(() => closeLedger(ledger));
    return false;
  } catch (thrown) {
    if (thrown instanceof OperationError && /head\.json/.test(thrown.message)) return true;
    throw thrown;
  }
}

/** How a command ended, and the first line in which it says what it found. */
function said({ code, stdout, stderr }: Ended): string {
  const lines = `${stderr}\n${stdout}`.split('\n').map((line) => line.trim());
  const dull =
    /^$|entries read and re-hashed|^neither anchor|^anchor \d+ is in|^anchored through|^repaired rows|^ledger head|^signed for/;
  const [first = ''] = lines.filter((line) => !dull.test(line));
  return `exit ${code}: ${shortened(first)}`;
}

/** What differs each time: hashes, moments, runs, keys and places. */
function shortened(line: string): string {
  const plain = line
    .replace(/[0-9a-f]{64}/g, 'HASH')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\d{8}T\d{6}Z-[0-9a-f]{6}/g, 'RUN')
    .replace(/\+[0-9a-f]{8}\b/g, '+ID')
    .replace(/there is no ledger in \S+,/, 'there is no ledger in PLACE,')
    .replace(/(?<=^|\s)(?:\/[\w.-]+)+\/(?=[\w.-]+)/g, '');
  return plain.length > 160 ? `${plain.slice(0, 157)}...` : plain;
}

/** What the commands come to that a person has; the audit last, because it may write. */
export async function commandsSay(honest: Honest): Promise<{ command: string; said: string }[]> {
  const { scene, head } = honest;
  const file = await bundled('jobs/main.ts');
  const checkpoint = honest.checkpointOf(head.seq).file;
  const commands = [
    { command: 'ledger verify', args: ['ledger', 'verify'] },
    { command: '--anchor', args: ['ledger', 'verify', '--anchor', `${head.seq} ${head.hash}`] },
    { command: '--checkpoint', args: ['ledger', 'verify', '--checkpoint', checkpoint] },
    { command: 'audit', args: ['audit', '--all'] },
  ];
  const all: { command: string; said: string }[] = [];
  for (const { command, args } of commands)
    all.push({ command, said: said(await startBundled(file, args, scene).ended) });
  return all;
}
