import { base64, bytesOfBase64, hashOfBase64, NoteError, sizeOf } from './signed-note.ts';

/** Proofs as text: c2sp.org/tlog-proof for one entry, and the request of c2sp.org/tlog-witness for a newer head. */

/** That one entry is in the tree of a checkpoint. */
export interface InclusionProof {
  kind: 'inclusion';
  /** Counted from 0. */
  index: number;
  /** The leaf's sibling first. */
  hashes: Uint8Array[];
  /** What was said along with it. It is no part of what is proven. */
  extra: Uint8Array | null;
  /** The checkpoint, a signed note. */
  checkpoint: string;
}

/** That the tree of a checkpoint begins with the first `oldSize` leaves of an older one. */
export interface ConsistencyProof {
  kind: 'consistency';
  oldSize: number;
  hashes: Uint8Array[];
  checkpoint: string;
}

const header = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^53 leaves is no higher; a proof of consistency has one hash more. */
const mostHashes = 64;

/** A proof as text. */
export function proofText(proof: InclusionProof | ConsistencyProof): string {
  const head =
    proof.kind === 'consistency'
      ? [`old ${proof.oldSize}`]
      : [header, ...(proof.extra === null ? [] : [`extra ${base64(proof.extra)}`]), `index ${proof.index}`];
  const lines = [...head, ...proof.hashes.map(base64)];
  return `${lines.join('\n')}\n\n${proof.checkpoint}`;
}

/** Reads either kind of proof. Throws a NoteError that says what is wrong with it. */
export function parseProof(text: string): InclusionProof | ConsistencyProof {
  const end = text.indexOf('\n\n');
  if (end < 0) throw new NoteError('it is no proof: no empty line parts it from its checkpoint');
  const checkpoint = text.slice(end + 2);
  const [first = '', ...rest] = text.slice(0, end).split('\n');
  if (first.startsWith('old '))
    return { kind: 'consistency', oldSize: numberOf(first, 'old'), hashes: hashesOf(rest), checkpoint };
  if (first !== header)
    throw new NoteError(
      first.startsWith('c2sp.org/tlog-proof@')
        ? `it is a proof of another version (${first.slice(0, 40)}); this one reads ${header}`
        : `it is no proof: it begins with neither ${header} nor "old N"`,
    );
  const extra = rest[0]?.startsWith('extra ') ? extraOf(rest.shift()!) : null;
  const index = numberOf(rest.shift() ?? '', 'index');
  return { kind: 'inclusion', index, hashes: hashesOf(rest), extra, checkpoint };
}

function numberOf(line: string, name: string): number {
  const number = line.startsWith(`${name} `) ? sizeOf(line.slice(name.length + 1)) : null;
  if (number === null) throw new NoteError(`it is no proof: expected "${name} N"`);
  return number;
}

function extraOf(line: string): Uint8Array {
  const bytes = bytesOfBase64(line.slice('extra '.length));
  if (bytes === null) throw new NoteError('its extra line is no base64');
  return bytes;
}

function hashesOf(lines: readonly string[]): Uint8Array[] {
  if (lines.length > mostHashes) throw new NoteError('it is no proof: it has too many hashes');
  return lines.map((line) => {
    const hash = hashOfBase64(line);
    if (hash === null) throw new NoteError('it is no proof: a line is no hash of 32 bytes');
    return hash;
  });
}
