import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * The text formats of the C2SP: signed notes (c2sp.org/signed-note), and checkpoints, which are notes that say a
 * tree head (c2sp.org/tlog-checkpoint). Nothing here signs or verifies: the core has no Ed25519.
 */

/** A text that is not what it should be. Who read it says where from. */
export class NoteError extends Error {
  override name = 'NoteError';
}

/** The one kind of signature that is made and checked here; the byte stands before every key. */
const ed25519 = 1;
const keyBytes = 32;
/** No note that is worth reading is longer. */
const longestNote = 1_000_000;
const mostSignatures = 100;

const idPattern = /^[0-9a-f]{8}$/;

/** Base64 of RFC 4648, section 4. */
export function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The bytes that this base64 spells, or null where it is not the one spelling of any. */
export function bytesOfBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return base64(bytes) === text ? bytes : null;
}

/** The 32 bytes of a SHA-256 in base64, or null. */
export function hashOfBase64(text: string): Uint8Array | null {
  const bytes = bytesOfBase64(text);
  return bytes?.length === 32 ? bytes : null;
}

/** A key that verifies: its name, its id of 8 hex digits, and 32 bytes. */
export interface VerifierKey {
  name: string;
  id: string;
  publicKey: Uint8Array;
}

/** A key that signs: the seed of RFC 8032, 32 bytes. Whether `id` is its own, its public key tells. */
export interface PrivateKey {
  name: string;
  id: string;
  seed: Uint8Array;
}

/** True for what may name a key: no space of any kind, no plus, nothing unseen. */
export function isKeyName(name: string): boolean {
  return /^[^\s+\p{C}\p{Z}]+$/u.test(name) && name.isWellFormed();
}

/** The verifier key of that name; its id follows from both. */
export function verifierKeyOf(name: string, publicKey: Uint8Array): VerifierKey {
  const typed = concatBytes(Uint8Array.of(ed25519), publicKey);
  const id = bytesToHex(sha256(concatBytes(utf8ToBytes(`${name}\n`), typed))).slice(0, 8);
  return { name, id, publicKey };
}

/** `NAME+ID`: how a key is spoken of. */
export const keyLabel = ({ name, id }: { name: string; id: string }): string => `${name}+${id}`;

const withType = (bytes: Uint8Array) => base64(concatBytes(Uint8Array.of(ed25519), bytes));

/** The key as `NAME+ID+BASE64`, which the tools of this field read. */
export function verifierKeyText(key: VerifierKey): string {
  return `${keyLabel(key)}+${withType(key.publicKey)}`;
}

/** The key as `PRIVATE+KEY+NAME+ID+BASE64`. */
export function privateKeyText(key: PrivateKey): string {
  return `PRIVATE+KEY+${keyLabel(key)}+${withType(key.seed)}`;
}

/** `NAME+ID+BASE64`, in which only the last part may hold a plus. */
function splitKey(text: string, what: string): { name: string; id: string; bytes: Uint8Array } {
  const [name = '', id = '', ...rest] = text.split('+');
  const typed = bytesOfBase64(rest.join('+'));
  if (!isKeyName(name) || !idPattern.test(id) || typed === null || typed.length === 0)
    throw new NoteError(`it is no ${what}`);
  if (typed[0] !== ed25519)
    throw new NoteError(`it is of kind ${typed[0]}, and this version knows Ed25519 alone (kind ${ed25519})`);
  if (typed.length !== 1 + keyBytes) throw new NoteError(`it is no ${what}: its length is wrong`);
  return { name, id, bytes: typed.subarray(1) };
}

/** Reads `NAME+ID+BASE64`. Throws a NoteError where it is none, or its id is not its own. */
export function parseVerifierKey(text: string): VerifierKey {
  const { name, id, bytes } = splitKey(text, 'verifier key: expected NAME+ID+BASE64');
  const key = verifierKeyOf(name, bytes);
  if (key.id !== id) throw new NoteError('it was changed or cut: its id is not that of its name and bytes');
  return key;
}

/** Reads `PRIVATE+KEY+NAME+ID+BASE64`. Throws a NoteError, which never holds any of it. */
export function parsePrivateKey(text: string): PrivateKey {
  const what = 'private key: expected PRIVATE+KEY+NAME+ID+BASE64, as `roundwarden ledger key` writes it';
  const prefix = 'PRIVATE+KEY+';
  if (!text.startsWith(prefix)) throw new NoteError(`it is no ${what}`);
  const { name, id, bytes } = splitKey(text.slice(prefix.length), what);
  return { name, id, seed: bytes };
}

export interface NoteSignature {
  name: string;
  id: string;
  signature: Uint8Array;
}

/** A text, which ends in a line break, and who signed it; nothing is verified yet. */
export interface Note {
  text: string;
  signatures: NoteSignature[];
}

/** One signature as it stands below a note, without its line break. */
function signatureLine({ name, id, signature }: NoteSignature): string {
  const idBytes = Uint8Array.from(id.match(/../g)!, (pair) => Number.parseInt(pair, 16));
  return `— ${name} ${base64(concatBytes(idBytes, signature))}`;
}

/** The note as it is handed on. */
export function noteText({ text, signatures }: Note): string {
  return `${text}\n${signatures.map((one) => `${signatureLine(one)}\n`).join('')}`;
}

/** Reads a signed note. Throws a NoteError that says what is wrong with it. */
export function parseNote(note: string): Note {
  if (note.length > longestNote) throw new NoteError('it is too long to be a signed note');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\0-\x09\x0b-\x1f]/.test(note) || !note.isWellFormed())
    throw new NoteError('it holds characters that no signed note may hold');
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw new NoteError('it is no signed note: no empty line parts a text from its signatures');
  if (!note.endsWith('\n')) throw new NoteError('it is cut: the last line does not end');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > mostSignatures) throw new NoteError('it has too many signatures');
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = '', encoded = '', ...more] = line.split(' ');
  const bytes = bytesOfBase64(encoded);
  if (dash !== '—' || more.length > 0 || !isKeyName(name) || bytes === null || bytes.length < 5)
    throw new NoteError('it is no signed note: a line below the text is no signature ("— NAME BASE64")');
  return { name, id: bytesToHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

/** Whether `signature` is that key's over these bytes. */
export type VerifySignature = (key: VerifierKey, message: Uint8Array, signature: Uint8Array) => boolean;

/** Who signed a note, of the keys that are known: `forged` where a signature is said to be a known key's and is not. */
export type Signers =
  | { state: 'signed'; by: VerifierKey[] }
  | { state: 'unknown' }
  | { state: 'forged'; key: VerifierKey };

/** Verifies the signatures of the keys that are known, and ignores all others. */
export function signersOf(note: Note, keys: readonly VerifierKey[], verify: VerifySignature): Signers {
  const message = utf8ToBytes(note.text);
  const by: VerifierKey[] = [];
  for (const { name, id, signature } of note.signatures) {
    const key = keys.find((one) => one.name === name && one.id === id);
    if (key === undefined) continue;
    if (!verify(key, message, signature)) return { state: 'forged', key };
    if (!by.includes(key)) by.push(key);
  }
  return by.length === 0 ? { state: 'unknown' } : { state: 'signed', by };
}

/** What a checkpoint says. */
export interface Checkpoint {
  /** Names the log: the name of the key that signs for it. */
  origin: string;
  size: number;
  root: Uint8Array;
  /** Lines that others may add; they are signed, and mean nothing here. */
  extensions: string[];
}

/** The text of a checkpoint, to be signed. */
export function checkpointText({ origin, size, root, extensions }: Checkpoint): string {
  return [origin, String(size), base64(root), ...extensions].map((line) => `${line}\n`).join('');
}

/** A number without leading zeroes that is exact, or null. */
export function sizeOf(text: string): number | null {
  const size = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(size) ? size : null;
}

/** Reads the text of a note as a checkpoint. Throws a NoteError where it is none. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...extensions] = text.replace(/\n$/, '').split('\n');
  const what = 'it is no checkpoint: expected the origin, the number of entries and the root, a line each';
  const [count, hash] = [sizeOf(size), hashOfBase64(root)];
  if (origin === '' || count === null || hash === null || extensions.includes('')) throw new NoteError(what);
  return { origin, size: count, root: hash, extensions };
}
