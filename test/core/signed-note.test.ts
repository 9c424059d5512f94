import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  base64,
  bytesOfBase64,
  checkpointText,
  NoteError,
  noteText,
  parseCheckpoint,
  parseNote,
  parsePrivateKey,
  parseVerifierKey,
  privateKeyText,
  signersOf,
  verifierKeyText,
} from '../../src/core/signed-note.ts';
import { parseProof, proofText } from '../../src/core/tlog-proof.ts';
import { signerOf, signNote, verifySignature } from '../../src/ledger/checkpoint-key.ts';

/** The examples of Go's sumdb/note. */
const verifier = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const privateKey = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const enoch = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const text =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peterLine =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const enochLine =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';
const note = `${text}\n${peterLine}`;

const open = (signed: string, ...keys: string[]) =>
  signersOf(parseNote(signed), keys.map(parseVerifierKey), verifySignature);

describe('keys', () => {
  test('of Go are read, and written as they were', () => {
    assert.equal(verifierKeyText(parseVerifierKey(verifier)), verifier);
    assert.equal(privateKeyText(parsePrivateKey(privateKey)), privateKey);
    assert.equal(verifierKeyText(signerOf(privateKey).key), verifier);
  });

  test('that were cut or changed anywhere are refused', () => {
    for (const [whole, read] of [
      [verifier, parseVerifierKey],
      [privateKey, signerOf],
    ] as const) {
      for (let from = 0; from <= whole.length; from += 1)
        for (let to = from + 1; to <= whole.length; to += 1)
          if (from > 0 || to < whole.length) assert.throws(() => read(whole.slice(from, to)), NoteError);
      for (let at = 0; at < whole.length; at += 1) {
        const changed =
          whole.slice(0, at) + String.fromCharCode(whole.charCodeAt(at) + 1) + whole.slice(at + 1);
        assert.throws(() => read(changed), NoteError, changed);
      }
    }
  });

  test('of another length or kind are refused, and the kind is named', () => {
    const long = 'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==';
    assert.throws(() => parseVerifierKey(long), NoteError);
    const future = 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    assert.throws(() => parseVerifierKey(future), /of kind 101, and this version knows Ed25519 alone/);
  });

  test('that are refused never stand in the message', () => {
    for (const wrong of [privateKey.slice(0, -4), `${privateKey}AAAA`, privateKey.replace('c7', 'd7')])
      assert.throws(
        () => signerOf(wrong),
        (thrown) => thrown instanceof NoteError && !thrown.message.includes('AYEKFALV'),
      );
  });
});

describe('a signed note', () => {
  test('is signed as Go signs it', () => {
    assert.equal(signNote(text, signerOf(privateKey)), note);
  });

  test('is read and verified, and written as it was', () => {
    assert.equal(noteText(parseNote(note)), note);
    assert.equal(parseNote(note).text, text);
    const signers = open(note, verifier);
    assert.deepEqual(signers.state === 'signed' && signers.by.map(verifierKeyText), [verifier]);
  });

  test('may be signed by several, and those that are unknown are ignored', () => {
    const both = note + enochLine;
    const by = (...keys: string[]) => {
      const signers = open(both, ...keys);
      return signers.state === 'signed' ? signers.by.map(({ name }) => name) : signers.state;
    };
    assert.deepEqual(by(verifier), ['PeterNeumann']);
    assert.deepEqual(by(enoch), ['EnochRoot']);
    assert.deepEqual(by(verifier, enoch), ['PeterNeumann', 'EnochRoot']);
    assert.equal(by(), 'unknown');
    assert.deepEqual(open(note + peterLine, verifier), open(note, verifier));
  });

  test('with a signature that is wrong is forged, whoever else signed it', () => {
    const forged = `${text}\n${peterLine.replace('SffcvI', 'SffcvJ')}${enochLine}`;
    assert.equal(open(forged, verifier, enoch).state, 'forged');
    assert.equal(open(note.replace('answer', 'Answer'), verifier).state, 'forged');
    assert.equal(
      open(`${text}\n${peterLine.slice(0, 60)}ABCD${peterLine.slice(60)}`, verifier).state,
      'forged',
    );
  });

  test('may hold empty lines: the last one parts it from its signatures', () => {
    const poem = signNote('one\n\n\ntwo\n', signerOf(privateKey));
    assert.equal(parseNote(poem).text, 'one\n\n\ntwo\n');
    assert.equal(open(poem, verifier).state, 'signed');
  });

  const wrong: readonly [string, string, RegExp][] = [
    ['no signature', text, /no empty line/],
    ['nothing below the text', `${text}\n`, /is no signature/],
    ['a last line that does not end', note.slice(0, -1), /is cut/],
    ['a control character', `\x01${note}`, /characters/],
    ['a carriage return', note.replace('\n', '\r\n'), /characters/],
    ['half of a character', `\ud800${note}`, /characters/],
    ['a name with a space', note.replace('— PeterNeumann', '— Bad Name'), /is no signature/],
    ['a name with a plus', note.replace('— PeterNeumann', '— Bad+Name'), /is no signature/],
    ['another line below', `${note}Unexpected line.\n`, /is no signature/],
    ['another dash', note.replace('—', '-'), /is no signature/],
    ['a signature that is no base64', note.replace('AM=', 'A='), /is no signature/],
    ['too many signatures', `${text}\n${peterLine.repeat(101)}`, /too many/],
    ['more than anybody reads', `${'x'.repeat(1_000_000)}${note}`, /too long/],
  ];
  for (const [what, signed, why] of wrong)
    test(`with ${what} is refused`, () => {
      assert.throws(
        () => parseNote(signed),
        (thrown) => thrown instanceof NoteError && why.test(thrown.message),
      );
    });

  test('is never read but refused or as it was, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(note.length), fc.nat(9), (put, at, cut) => {
        const changed = note.slice(0, at) + put + note.slice(at + cut);
        try {
          const read = parseNote(changed);
          assert.equal(noteText(read), changed);
          if (changed !== note && read.text !== text)
            assert.notEqual(open(changed, verifier).state, 'signed');
        } catch (thrown) {
          assert.ok(thrown instanceof NoteError, String(thrown));
        }
      }),
    );
  });
});

describe('a checkpoint', () => {
  /** The example of c2sp.org/tlog-checkpoint. */
  const example = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';

  test('is read and written as it was, with extension lines that others may add', () => {
    const { origin, size, extensions } = parseCheckpoint(example);
    assert.deepEqual([origin, size, extensions], ['example.com/behind-the-sofa', 20_852_163, []]);
    for (const one of [example, `${example}more\nand more\n`])
      assert.equal(checkpointText(parseCheckpoint(one)), one);
  });

  const [origin, size, root] = example.split('\n') as [string, string, string];
  const wrong: readonly [string, string][] = [
    ['no origin', `\n${size}\n${root}\n`],
    ['no size', `${origin}\n\n${root}\n`],
    ['a leading zero', `${origin}\n0${size}\n${root}\n`],
    ['a negative size', `${origin}\n-1\n${root}\n`],
    ['a size beyond 2^53', `${origin}\n9007199254740992\n${root}\n`],
    ['no root', `${origin}\n${size}\n`],
    ['a root of 31 bytes', `${origin}\n${size}\n${base64(new Uint8Array(31))}\n`],
    ['a root in another spelling', `${origin}\n${size}\n${root.replace('I=', 'J=')}\n`],
    ['an empty extension line', `${example}\nmore\n`],
  ];
  for (const [what, one] of wrong)
    test(`with ${what} is refused`, () => assert.throws(() => parseCheckpoint(one), NoteError));
});

describe('base64', () => {
  test('has one spelling for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.equal(base64(bytes), Buffer.from(bytes).toString('base64'));
        assert.deepEqual(bytesOfBase64(base64(bytes)), bytes);
      }),
    );
    for (const wrong of ['A', 'AB', 'AB=', 'AB==\n', 'AAB=', 'A===', '====', 'AA-_', ' AAAA'])
      assert.equal(bytesOfBase64(wrong), null, wrong);
  });
});

describe('a proof', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const hashes = fc.array(hash, { maxLength: 60 });

  test('of either kind is read as it was written', () => {
    const inclusion = fc.record({
      kind: fc.constant('inclusion' as const),
      index: fc.maxSafeNat(),
      hashes,
      extra: fc.option(fc.uint8Array()),
      checkpoint: fc.constant(note),
    });
    const consistency = fc.record({
      kind: fc.constant('consistency' as const),
      oldSize: fc.maxSafeNat(),
      hashes,
      checkpoint: fc.constant(note),
    });
    fc.assert(
      fc.property(fc.oneof(inclusion, consistency), (proof) =>
        assert.deepEqual(parseProof(proofText(proof)), { ...proof }),
      ),
    );
  });

  const wrong: readonly [string, string, RegExp][] = [
    ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 0\n', /no empty line/],
    [
      'a version that is not known',
      `c2sp.org/tlog-proof@v2\nindex 0\n\n${note}`,
      /another version \(c2sp.org\/tlog-proof@v2\)/,
    ],
    ['another beginning', `index 0\n\n${note}`, /begins with neither/],
    ['no index', `c2sp.org/tlog-proof@v1\n\n${note}`, /expected "index N"/],
    ['an index that is none', `c2sp.org/tlog-proof@v1\nindex 01\n\n${note}`, /expected "index N"/],
    ['an old size that is none', `old x\n\n${note}`, /expected "old N"/],
    ['extra that is no base64', `c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\n${note}`, /extra line/],
    ['a hash that is none', `c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n${note}`, /no hash of 32 bytes/],
    ['too many hashes', `old 1\n${`${base64(new Uint8Array(32))}\n`.repeat(65)}\n${note}`, /too many hashes/],
  ];
  for (const [what, proof, why] of wrong)
    test(`with ${what} is refused`, () => {
      assert.throws(
        () => parseProof(proof),
        (thrown) => thrown instanceof NoteError && why.test(thrown.message),
      );
    });
});
