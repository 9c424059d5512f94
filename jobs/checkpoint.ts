import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../src/config.ts';
import {
  consistencyRanges,
  inclusionRanges,
  verifyConsistency,
  verifyInclusion,
} from '../src/core/merkle.ts';
import {
  checkpointText,
  keyLabel,
  NoteError,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  type VerifierKey,
  verifierKeyText,
} from '../src/core/signed-note.ts';
import { proofText } from '../src/core/tlog-proof.ts';
import { codeOf, OperationError, plainError, UsageError } from '../src/errors.ts';
import type { Head } from '../src/ledger/chain.ts';
import {
  acceptedRestore,
  compareHeads,
  disagreement,
  leafOfEntry,
  rootsAt,
  rootsOfRanges,
} from '../src/ledger/checkpoint.ts';
import {
  type FiledCheckpoint,
  keepCheckpoint,
  latestKept,
  readCheckpoint,
} from '../src/ledger/checkpoint-files.ts';
import { newKey, type Signer, signerOf, signNote } from '../src/ledger/checkpoint-key.ts';
import { entryBySeq, head } from '../src/ledger/entries.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { makeOwnDirectory } from '../src/own-directory.ts';
import { exportedEntry, reading } from './ledger.ts';

/** Where every checkpoint that was signed here is kept. */
export const checkpointsDirectory = (config: Config) => join(config.dataDir, 'checkpoints');

/** The name of a new key where nobody names one. It says which log a checkpoint is of. */
export const defaultKeyName = ({ sourceName }: Config) =>
  `roundwarden/${sourceName.replace(/[\s+\p{C}\p{Z}]+/gu, '-')}`;

/** Where a new private key goes where nobody says where. */
export const defaultKeyFile = ({ dataDir }: Config) => join(dataDir, 'checkpoint.key');

/** Makes a pair of keys and writes the private one, for its owner alone. Throws a UsageError where the file exists. */
export function makeKey(options: { name: string; out: string }): { file: string; verifier: string } {
  const { privateText, key } = newKey(options.name);
  try {
    makeOwnDirectory(dirname(options.out));
    writeFileSync(options.out, `${privateText}\n`, { flag: 'wx', mode: 0o600 });
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST')
      throw new UsageError(`${options.out} exists: no key is ever overwritten; name another file with --out`);
    throw new OperationError(`cannot write ${options.out}: ${plainError(thrown)}; no key was made`);
  }
  return { file: options.out, verifier: verifierKeyText(key) };
}

/** The key that CHECKPOINT_KEY holds, or null. Throws a UsageError where its parts do not fit. */
function signerFrom({ checkpointKey }: Config): Signer | null {
  if (checkpointKey === null) return null;
  try {
    return signerOf(checkpointKey);
  } catch (thrown) {
    if (thrown instanceof NoteError) throw new UsageError(`CHECKPOINT_KEY cannot be used: ${thrown.message}`);
    throw thrown;
  }
}

const howToMakeKey =
  'there is no CHECKPOINT_KEY: `roundwarden ledger key` makes one, and CHECKPOINT_KEY_FILE names its file';

function needSigner(config: Config): Signer {
  const signer = signerFrom(config);
  if (signer === null) throw new UsageError(howToMakeKey);
  return signer;
}

/** The key by which others verify what CHECKPOINT_KEY signs. */
export const ownVerifier = (config: Config): string => verifierKeyText(needSigner(config).key);

/** The keys that count: those that are given, or CHECKPOINT_VERIFIER's, or the one that signs here. Throws a UsageError. */
export function verifiersFrom(config: Config, given: readonly string[]): VerifierKey[] {
  const texts = given.length > 0 ? given : config.checkpointVerifiers;
  if (texts.length > 0) return texts.map(verifierFrom);
  const signer = signerFrom(config);
  if (signer !== null) return [signer.key];
  throw new UsageError(
    'no key is known by which to verify: give it with --key NAME+ID+BASE64, or set CHECKPOINT_VERIFIER',
  );
}

function verifierFrom(text: string): VerifierKey {
  try {
    return parseVerifierKey(text.trim());
  } catch (thrown) {
    if (thrown instanceof NoteError)
      throw new UsageError(`cannot verify by the key given: ${thrown.message}`);
    throw thrown;
  }
}

/**
 * The ledger up to `at`, signed; null where there is no key. Whoever signs two histories is worth nothing as a
 * witness, so it throws an OperationError where the ledger does not contain what was signed here last, unless a
 * person accepted a restore that explains it.
 */
export async function signHead(config: Config, ledger: Ledger, at: Head): Promise<string | null> {
  const signer = signerFrom(config);
  if (signer === null) return null;
  const latest = latestKept(checkpointsDirectory(config));
  const sizes = latest === null ? [at.seq] : [at.seq, latest.said.size];
  const walk = await rootsAt(ledger, sizes, at.seq);
  if (latest !== null) {
    const [agreement] = compareHeads([latest.said], walk);
    const why = disagreement(latest.said, agreement!);
    if (why !== null && (await acceptedRestore(ledger, latest.said.size)) === null)
      throw new OperationError(
        `no checkpoint was signed, because the ledger is not the one of ${latest.file}: ${why}; once you know why, move that file elsewhere`,
      );
  }
  const said = { origin: signer.key.name, size: at.seq, root: walk.rootAt(at.seq)!, extensions: [] };
  return signNote(checkpointText(said), signer);
}

/** What a report carries: the checkpoint, or why there is none; null without a key. */
export async function checkpointFact(
  config: Config,
  ledger: Ledger | null,
  at: Head | null,
): Promise<{ note: string | null; problem: string | null } | null> {
  if (config.checkpointKey === null || ledger === null || at === null) return null;
  try {
    return { note: await signHead(config, ledger, at), problem: null };
  } catch (thrown) {
    // The report has more to say than this; it says so in red.
    if (thrown instanceof OperationError || thrown instanceof UsageError)
      return { note: null, problem: thrown.message };
    throw thrown;
  }
}

/** Keeps the checkpoint of a report, where it has one. */
export function keepReported(config: Config, fact: { note: string | null } | null, nowMs: number): void {
  if (fact?.note != null) keepCheckpoint(checkpointsDirectory(config), fact.note, nowMs);
}

/** A checkpoint as it was made now, and where it is kept. */
export interface MadeCheckpoint extends FiledCheckpoint {
  signedBy: string;
}

async function makeOf(config: Config, ledger: Ledger, nowMs: number): Promise<MadeCheckpoint> {
  const { key } = needSigner(config);
  const note = (await signHead(config, ledger, await head(ledger)))!;
  const file = keepCheckpoint(checkpointsDirectory(config), note, nowMs);
  return { file, note, said: parseCheckpoint(parseNote(note).text), signedBy: keyLabel(key) };
}

/** Signs the ledger as it is, and keeps what was signed. */
export async function makeCheckpoint(config: Config, nowMs: number): Promise<MadeCheckpoint> {
  needSigner(config);
  return reading(config, (ledger) => makeOf(config, ledger, nowMs));
}

/** A proof as text, for whoever has no ledger. */
export interface MadeProof {
  kind: 'inclusion' | 'consistency';
  /** The entry, or the size of the older checkpoint. */
  of: number;
  /** Of the checkpoint that it leads to. */
  size: number;
  proof: string;
}

const notOfThisLedger = ({ file }: FiledCheckpoint) =>
  new OperationError(
    `cannot prove anything: the ledger is not the one of ${file}; \`roundwarden ledger verify --checkpoint\` says more`,
  );

/**
 * Proves that an entry is in the ledger that a checkpoint vouches for: one that is given, or one that is made now.
 * The proof holds the entry too. Throws a UsageError where the checkpoint is too old for it.
 */
export async function proveEntry(
  config: Config,
  asked: { seq: number; checkpoint: string | null; nowMs: number },
): Promise<MadeProof> {
  const { seq, checkpoint, nowMs } = asked;
  const given = checkpoint === null ? null : readCheckpoint(checkpoint);
  if (given === null) needSigner(config);
  return reading(config, async (ledger) => {
    const entry = await entryBySeq(ledger, seq);
    if (entry === null) throw new UsageError(`there is no entry ${seq} in the ledger`);
    const filed = given ?? (await makeOf(config, ledger, nowMs));
    const { size } = filed.said;
    if (seq > size)
      throw new UsageError(`${filed.file} vouches for ${size} entries only: entry ${seq} came later`);
    const index = seq - 1;
    if (size > (await head(ledger)).seq) throw notOfThisLedger(filed);
    const hashes = await rootsOfRanges(ledger, inclusionRanges(index, size));
    if (!verifyInclusion(filed.said, { index, leaf: leafOfEntry(entry.hash) }, hashes))
      throw notOfThisLedger(filed);
    const extra = new TextEncoder().encode(exportedEntry(entry));
    const proof = proofText({ kind: 'inclusion', index, hashes, extra, checkpoint: filed.note });
    return { kind: 'inclusion', of: seq, size, proof };
  });
}

/** Proves that the ledger of now begins with that of an older checkpoint: what a witness asks for before it signs. */
export async function proveGrowth(
  config: Config,
  asked: { since: string; nowMs: number },
): Promise<MadeProof> {
  const old = readCheckpoint(asked.since);
  needSigner(config);
  return reading(config, async (ledger) => {
    const { note, said } = await makeOf(config, ledger, asked.nowMs);
    const [from, to] = [old.said.size, said.size];
    if (from > to) throw notOfThisLedger(old);
    const hashes = from === 0 ? [] : await rootsOfRanges(ledger, consistencyRanges(from, to));
    if (!verifyConsistency(old.said, said, hashes)) throw notOfThisLedger(old);
    const proof = proofText({ kind: 'consistency', oldSize: from, hashes, checkpoint: note });
    return { kind: 'consistency', of: from, size: to, proof };
  });
}
