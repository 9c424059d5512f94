import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type PrefixWalk, verifyConsistency, verifyInclusion } from '../src/core/merkle.ts';
import type { Json } from '../src/core/model.ts';
import { printable } from '../src/core/printable.ts';
import { parseCheckpoint, parseNote, type VerifierKey } from '../src/core/signed-note.ts';
import { type ConsistencyProof, type InclusionProof, parseProof } from '../src/core/tlog-proof.ts';
import { plainError, UsageError } from '../src/errors.ts';
import { canonicalText } from '../src/ledger/canonical.ts';
import { type Entry, entryHash } from '../src/ledger/chain.ts';
import { acceptedRestore, compareHeads, disagreement, leafOfEntry } from '../src/ledger/checkpoint.ts';
import {
  type FiledCheckpoint,
  readCheckpoint,
  readingNote,
  readNoteFile,
} from '../src/ledger/checkpoint-files.ts';
import { judgeSigners } from '../src/ledger/checkpoint-key.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { colours, say } from './print.ts';

/** What became of one checkpoint that was held against the ledger. */
export interface CheckpointCheck {
  file: string;
  origin: string;
  size: number;
  /** `NAME+ID` of the known keys whose signatures are good. */
  signedBy: string[];
  /** Whether it counts at all: signed by a known key, for the ledger of that name. */
  counts: boolean;
  ok: boolean;
  why: string | null;
}

/** Holds checkpoints against the ledger that was walked. Only those that a known key signed say where it differs. */
export async function checkCheckpoints(
  ledger: Ledger,
  of: { checkpoints: readonly FiledCheckpoint[]; keys: readonly VerifierKey[]; walk: PrefixWalk },
): Promise<CheckpointCheck[]> {
  const judged = of.checkpoints.map((filed) => ({ filed, ...judgeSigners(filed, of.keys) }));
  const trusted = judged.filter(({ why }) => why === null).map(({ filed }) => filed.said);
  const agreements = compareHeads(trusted, of.walk);
  const checks: CheckpointCheck[] = [];
  for (const { filed, signedBy, why } of judged) {
    const { origin, size } = filed.said;
    const about = { file: filed.file, origin, size, signedBy, counts: why === null };
    const agreement = agreements[trusted.indexOf(filed.said)];
    const problem = why ?? disagreement(filed.said, agreement!);
    const restored = problem !== null && why === null ? await acceptedRestore(ledger, size) : null;
    const note =
      restored === null
        ? ''
        : `; entry ${restored} records that a restore was accepted, which lost what was written before it`;
    checks.push({ ...about, ok: problem === null, why: problem === null ? null : problem + note });
  }
  return checks;
}

/** What a proof was found to be, without any ledger. */
export interface ProofCheck {
  kind: 'inclusion' | 'consistency';
  origin: string;
  /** Of the checkpoint that it leads to. */
  size: number;
  /** The size of the older checkpoint, or null. */
  oldSize: number | null;
  /** The entry that is proven, or null. */
  entry: Entry | null;
  signedBy: string[];
  ok: boolean;
  why: string | null;
}

/** An entry as `ledger export` prints it, with its body as a value. */
const exportedEntry = z.object({
  seq: z.int().positive(),
  at: z.string(),
  kind: z.string(),
  source: z.string(),
  key: z.string(),
  body: z.unknown(),
  prevHash: z.string(),
  hash: z.string(),
});

function entryFrom(value: unknown, seq: number): Entry | null {
  const parsed = exportedEntry.safeParse(value);
  if (!parsed.success || parsed.data.seq !== seq) return null;
  try {
    return { ...parsed.data, body: canonicalText(parsed.data.body as Json) };
  } catch {
    return null;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Finds an entry in what `ledger export` or `ledger tail --json` printed. Throws a UsageError where it is not there. */
async function entryInFile(file: string, seq: number): Promise<Entry> {
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const entry = entryFrom(jsonOf(line), seq);
      if (entry !== null) return entry;
    }
    const whole = jsonOf(readFileSync(file, 'utf8'));
    for (const one of Array.isArray(whole) ? whole : [whole]) {
      const entry = entryFrom(one, seq);
      if (entry !== null) return entry;
    }
  } catch (thrown) {
    throw new UsageError(`cannot read ${file}: ${plainError(thrown)}`);
  }
  throw new UsageError(`entry ${seq} is not in ${file}: expected what \`roundwarden ledger export\` prints`);
}

async function provenEntry(file: string, proof: InclusionProof, entryFile: string | null): Promise<Entry> {
  const seq = proof.index + 1;
  if (entryFile !== null) return entryInFile(entryFile, seq);
  if (proof.extra === null)
    throw new UsageError(`${file} holds no entry: give what \`ledger export\` printed with --entry FILE`);
  const entry = entryFrom(jsonOf(new TextDecoder().decode(proof.extra)), seq);
  if (entry === null) throw new UsageError(`${file} holds no entry ${seq}, although it is about that one`);
  return entry;
}

const whyNoPart = 'the hashes do not lead from the entry to the root: the entry or the proof was changed';

function whyNotIncluded(entry: Entry, proof: InclusionProof, filed: FiledCheckpoint): string | null {
  const hash = entryHash(entry);
  if (hash !== entry.hash)
    return `the entry was changed: its hash would be ${hash}, and it says ${entry.hash}`;
  const at = { index: proof.index, leaf: leafOfEntry(hash) };
  return verifyInclusion(filed.said, at, proof.hashes) ? null : whyNoPart;
}

function whyInconsistent(
  old: FiledCheckpoint,
  proof: ConsistencyProof,
  filed: FiledCheckpoint,
): string | null {
  if (old.said.size !== proof.oldSize)
    return `it begins at ${proof.oldSize} entries, and ${old.file} vouches for ${old.said.size}`;
  if (old.said.origin !== filed.said.origin)
    return `${old.file} is of the ledger ${old.said.origin}, and it leads to one of ${filed.said.origin}`;
  return verifyConsistency(old.said, filed.said, proof.hashes)
    ? null
    : `the hashes do not lead from ${old.file} to the newer checkpoint`;
}

/**
 * Checks a proof by nothing but itself and the keys: no ledger, no database. `entry` names a file with the entry
 * where the proof holds none; `old` the older checkpoint of a proof of consistency. Throws a UsageError where a
 * file is not what it should be.
 */
export async function checkProof(asked: {
  proof: string;
  entry: string | null;
  old: string | null;
  keys: readonly VerifierKey[];
}): Promise<ProofCheck> {
  const file = asked.proof;
  const proof = readingNote(file, readNoteFile(file), parseProof);
  const said = readingNote(file, proof.checkpoint, (note) => parseCheckpoint(parseNote(note).text));
  const filed = { file, note: proof.checkpoint, said };
  const { signedBy, why } = judgeSigners(filed, asked.keys);
  const { origin, size } = said;
  if (proof.kind === 'inclusion') {
    const entry = await provenEntry(file, proof, asked.entry);
    const problem = why ?? whyNotIncluded(entry, proof, filed);
    return {
      kind: 'inclusion',
      origin,
      size,
      oldSize: null,
      entry,
      signedBy,
      ok: problem === null,
      why: problem,
    };
  }
  if (asked.old === null)
    throw new UsageError(`${file} leads from an older checkpoint: name its file with --checkpoint`);
  const old = readCheckpoint(asked.old);
  const problem = why ?? judgeSigners(old, asked.keys).why ?? whyInconsistent(old, proof, filed);
  const { oldSize } = proof;
  return {
    kind: 'consistency',
    origin,
    size,
    oldSize,
    entry: null,
    signedBy,
    ok: problem === null,
    why: problem,
  };
}

/** Checked checkpoints for people. */
export function printCheckpoints(checks: readonly CheckpointCheck[]): void {
  for (const { file, size, signedBy, ok, why } of checks)
    say(
      ok
        ? colours.green(
            `${printable(file)}: the first ${size} entries are those that ${printable(signedBy.join(', '))} signed`,
          )
        : colours.red(`${printable(file)}: ${printable(why!)}`),
    );
}

/** A checked proof for people. */
export function printProof(check: ProofCheck): void {
  const { kind, origin, size, oldSize, entry, signedBy, ok, why } = check;
  const log = `the ledger ${printable(origin)}, as ${printable(signedBy.join(', '))} signed it at ${size} entries`;
  if (!ok) say(colours.red(`nothing is proven: ${printable(why!)}`));
  else if (kind === 'consistency')
    say(colours.green(`${log}, begins with the ${oldSize} entries of the older checkpoint`));
  else {
    say(colours.green(`entry ${entry!.seq} is in ${log}`));
    say(`${entry!.at} ${[entry!.kind, entry!.source, entry!.key].map(printable).join(' ')}`);
    say(printable(entry!.body));
    say(`hash ${entry!.hash}`);
  }
}
