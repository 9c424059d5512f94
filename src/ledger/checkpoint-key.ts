import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import {
  isKeyName,
  keyLabel,
  NoteError,
  noteText,
  parseNote,
  parsePrivateKey,
  privateKeyText,
  signersOf,
  type VerifierKey,
  type VerifySignature,
  verifierKeyOf,
} from '../core/signed-note.ts';
import { UsageError } from '../errors.ts';

/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410). */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** A key that can sign, and the key by which others verify it. */
export interface Signer {
  key: VerifierKey;
  privateKey: KeyObject;
}

const publicBytes = (key: KeyObject) =>
  new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length));

/** Reads `PRIVATE+KEY+NAME+ID+BASE64`. Throws a NoteError, which holds nothing of it, where its parts do not fit. */
export function signerOf(text: string): Signer {
  const { name, id, seed } = parsePrivateKey(text);
  const der = Buffer.concat([privatePrefix, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const key = verifierKeyOf(name, publicBytes(privateKey));
  if (key.id !== id) throw new NoteError('the private key was changed or cut: its id is not its own');
  return { key, privateKey };
}

/** A new pair of keys: the text of the private one, and the one by which others verify. Throws a UsageError. */
export function newKey(name: string): { privateText: string; key: VerifierKey } {
  if (!isKeyName(name))
    throw new UsageError(`"${name}" cannot name a key: it must be there, without spaces and without +`);
  const { privateKey } = generateKeyPairSync('ed25519');
  const seed = new Uint8Array(
    privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(privatePrefix.length),
  );
  const key = verifierKeyOf(name, publicBytes(privateKey));
  return { key, privateText: privateKeyText({ name, id: key.id, seed }) };
}

/** The text, which ends in a line break, with the signature of that key below it. */
export function signNote(text: string, { key, privateKey }: Signer): string {
  const signature = new Uint8Array(sign(null, Buffer.from(text), privateKey));
  return noteText({ text, signatures: [{ ...key, signature }] });
}

/** Whether the signature is that key's: Ed25519. False for whatever is no key or no signature. */
export const verifySignature: VerifySignature = ({ publicKey }, message, signature) => {
  try {
    const der = Buffer.concat([publicPrefix, publicKey]);
    return verify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
};

/** Why a checkpoint counts for nothing with these keys, or null; and who signed it, as `NAME+ID`. */
export function judgeSigners(
  checkpoint: { note: string; said: { origin: string } },
  keys: readonly VerifierKey[],
): { signedBy: string[]; why: string | null } {
  const note = parseNote(checkpoint.note);
  const { origin } = checkpoint.said;
  const signers = signersOf(note, keys, verifySignature);
  if (signers.state === 'forged')
    return {
      signedBy: [],
      why: `the signature of ${keyLabel(signers.key)} is wrong: the text was changed, or that key never signed it`,
    };
  if (signers.state === 'unknown') {
    const [by, known] = [note.signatures, keys].map((some) => some.map(keyLabel).join(', '));
    return { signedBy: [], why: `it is signed by ${by}, and the key that counts is ${known}` };
  }
  const signedBy = signers.by.map(keyLabel);
  if (signers.by.some(({ name }) => name === origin)) return { signedBy, why: null };
  return { signedBy, why: `it is of the ledger ${origin}, and its signer is ${signedBy.join(', ')}` };
}
