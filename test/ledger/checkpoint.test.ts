import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import {
  addLeaf,
  consistencyRanges,
  emptyFrontier,
  inclusionRanges,
  leafHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  walkPrefixes,
} from '../../src/core/merkle.ts';
import { checkpointText, isKeyName, parseVerifierKey, verifierKeyText } from '../../src/core/signed-note.ts';
import { chunks } from '../../src/database.ts';
import { OperationError, UsageError } from '../../src/errors.ts';
import { append } from '../../src/ledger/append.ts';
import { type Entry, emptyHead, entryHash, linkEntries } from '../../src/ledger/chain.ts';
import {
  acceptedRestore,
  compareHeads,
  disagreement,
  leafOfEntry,
  rootsAt,
  rootsOfRanges,
} from '../../src/ledger/checkpoint.ts';
import {
  keepCheckpoint,
  latestKept,
  readCheckpoint,
  readCheckpoints,
} from '../../src/ledger/checkpoint-files.ts';
import { judgeSigners, newKey, signerOf, signNote } from '../../src/ledger/checkpoint-key.ts';
import { entryToRow } from '../../src/ledger/entries.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { forEachDatabase } from '../databases.ts';
import { at, draft, fill, freshLedger } from './ledgers.ts';

function rootOfEntries(entries: readonly Entry[]): Uint8Array {
  const frontier = emptyFrontier();
  for (const entry of entries) addLeaf(frontier, leafHash(Buffer.from(entryHash(entry), 'hex')));
  return rootOf(frontier);
}

/** Many small entries, written past `append`, which would fold them one by one. */
async function fillWith(ledger: Ledger, count: number): Promise<Entry[]> {
  const drafts = Array.from({ length: count }, (_, index) => draft('note', '', { index }));
  const entries = linkEntries(emptyHead, drafts, at);
  for (const chunk of chunks(entries.map(entryToRow))) await ledger.database.knex('entries').insert(chunk);
  return entries;
}

forEachDatabase('The tree over a ledger', (kind) => {
  test('holds the hash of each entry, at every size', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const entries = await fill(ledger);
    const sizes = [...entries.keys(), entries.length];
    const walk = await rootsAt(ledger, sizes, entries.length);
    for (const size of sizes)
      assert.deepEqual(walk.rootAt(size), rootOfEntries(entries.slice(0, size)), `${size} entries`);
  });

  test('is read in pages, and up to the entry that is asked for', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const entries = await fillWith(ledger, 5_203);
    const walk = await rootsAt(ledger, [5_000, 5_101, 5_203], 5_101);
    assert.equal(walk.size(), 5_101);
    assert.deepEqual(walk.rootAt(5_000), rootOfEntries(entries.slice(0, 5_000)));
    assert.deepEqual(walk.rootAt(5_101), rootOfEntries(entries.slice(0, 5_101)));
    assert.equal(walk.rootAt(5_203), null);
    const [old, now] = [5_000, 5_101].map((size) => ({ size, root: walk.rootAt(size)! }));
    const steps = await rootsOfRanges(ledger, consistencyRanges(5_000, 5_101));
    assert.equal(verifyConsistency(old!, now!, steps), true);
    const path = await rootsOfRanges(ledger, inclusionRanges(5_054, 5_101));
    const leaf = leafOfEntry(entries[5_054]!.hash);
    assert.equal(verifyInclusion(now!, { index: 5_054, leaf }, path), true);
    assert.equal(
      verifyInclusion(now!, { index: 5_054, leaf: leafOfEntry(entries[5_055]!.hash) }, path),
      false,
    );
  });

  test('is not made over a hole, nor beyond the end', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const entries = await fill(ledger);
    await assert.rejects(rootsAt(ledger, [], entries.length + 1), /entry 11 is not in the ledger/);
    const { knex, dialect } = ledger.database;
    await knex.raw(
      dialect === 'postgres' ? 'alter table entries disable trigger user' : 'drop trigger entries_stay',
    );
    await knex('entries').where({ seq: 4 }).delete();
    await assert.rejects(
      rootsAt(ledger, [], entries.length),
      (thrown) => thrown instanceof OperationError && /entry 4 is not in the ledger/.test(thrown.message),
    );
  });

  test('knows the restore that a person accepted, and only where it explains what is missing', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    await fill(ledger);
    assert.equal(await acceptedRestore(ledger, 20), null);
    const body = { reason: 'a test', by: 'ann', headBefore: { seq: 25 }, state: 'behind' };
    await append(ledger, [draft('ledger.restored', '', body)], at);
    await append(ledger, [draft('ledger.restored', '', { reason: 'a test', headBefore: null })], at);
    for (const [size, entry] of [
      [10, null],
      [11, 11],
      [25, 11],
      [26, null],
    ] as const)
      assert.equal(await acceptedRestore(ledger, size), entry, `${size} entries`);
  });
});

describe('Older heads against a ledger', () => {
  const entries = linkEntries(
    emptyHead,
    Array.from({ length: 9 }, (_, n) => draft('note', '', { n })),
    at,
  );
  const heads = [3, 5, 8, 12].map((size) => ({ size, root: rootOfEntries(entries.slice(0, size)) }));

  function compared(own: readonly Entry[]) {
    const walk = walkPrefixes(heads.map(({ size }) => size));
    for (const { hash } of own) walk.add(leafOfEntry(hash));
    return compareHeads(heads, walk).map((agreement, index) => disagreement(heads[index]!, agreement));
  }

  test('are contained, or the ledger is too short for them', async () => {
    const [first, second, third, fourth] = compared(entries);
    assert.deepEqual([first, second, third], [null, null, null]);
    assert.match(fourth!, /^it vouches for 12 entries, and the ledger has 9: its end was cut off/);
  });

  test('say between which entries it was rewritten', async () => {
    const rewritten = linkEntries(
      entries[5]!,
      [6, 7, 8].map((n) => draft('note', '', { forged: n })),
      at,
    );
    const [first, second, third] = compared([...entries.slice(0, 6), ...rewritten]);
    assert.deepEqual([first, second], [null, null]);
    assert.match(third!, /^the first 8 entries are not those .*: one of the entries 6 to 8 was changed/);
  });

  test('say that it was rewritten from the first one', async () => {
    const all = compared(
      linkEntries(
        emptyHead,
        entries.map((_, n) => draft('note', '', { forged: n })),
        at,
      ),
    );
    assert.match(all[0]!, /one of the entries 1 to 3 was changed/);
    assert.match(all[2]!, /one of the entries 1 to 8 was changed/);
  });
});

describe('Who signed a checkpoint', () => {
  const [one, other] = ['log.example/one', 'log.example/other'].map(newKey);
  const root = rootOfEntries([]);
  const signed = (origin: string, by = one!) => {
    const said = { origin, size: 0, root, extensions: [] };
    return { said, note: signNote(checkpointText(said), signerOf(by.privateText)) };
  };

  test('counts where the key is known and names the ledger', () => {
    const good = judgeSigners(signed('log.example/one'), [one!.key, other!.key]);
    assert.deepEqual(good, { signedBy: [`log.example/one+${one!.key.id}`], why: null });
  });

  const cases: readonly [string, ReturnType<typeof signed>, RegExp][] = [
    [
      'an unknown key',
      signed('log.example/one', other!),
      /it is signed by log.example\/other\+.*, and the key that counts is log.example\/one\+/,
    ],
    [
      'another ledger',
      signed('log.example/two'),
      /it is of the ledger log.example\/two, and its signer is log.example\/one\+/,
    ],
    [
      'a text that was changed',
      { ...signed('log.example/one'), note: signed('log.example/one').note.replace('\n0\n', '\n1\n') },
      /the signature of log.example\/one\+.* is wrong/,
    ],
    [
      'a new key of the same name',
      signed('log.example/one', newKey('log.example/one')),
      /it is signed by log.example\/one\+.*, and the key that counts is log.example\/one\+/,
    ],
  ];
  for (const [what, checkpoint, why] of cases)
    test(`does not count with ${what}`, () => {
      assert.match(judgeSigners(checkpoint, [one!.key]).why!, why);
    });

  test('is named by a key that can be written and read', () => {
    assert.deepEqual(parseVerifierKey(verifierKeyText(one!.key)), one!.key);
    for (const wrong of ['', 'a b', 'a+b', 'a\nb', 'a\u00a0b', 'a\u200bb', '\ud800']) {
      assert.equal(isKeyName(wrong), false, JSON.stringify(wrong));
      assert.throws(() => newKey(wrong), UsageError);
    }
  });
});

describe('Files of checkpoints', () => {
  const { privateText } = newKey('log.example');
  const signer = signerOf(privateText);
  const noteOf = (size: number) =>
    signNote(
      checkpointText({ origin: 'log.example', size, root: rootOfEntries([]), extensions: [] }),
      signer,
    );
  const nowMs = Date.parse('2026-02-17T06:10:00.123Z');

  function freshDirectory(t: TestContext): string {
    const directory = mkdtempSync(join(tmpdir(), 'roundwarden-checkpoints-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    return directory;
  }

  test('are kept by their time, none twice and none replaced, and the latest is found', (t) => {
    const directory = join(freshDirectory(t), 'checkpoints');
    assert.equal(latestKept(directory), null);
    const first = keepCheckpoint(directory, noteOf(1), nowMs);
    assert.equal(first, join(directory, '20260217T061000123Z.checkpoint'));
    assert.equal(keepCheckpoint(directory, noteOf(1), nowMs + 1), first);
    const second = keepCheckpoint(directory, noteOf(2), nowMs + 86_400_000);
    assert.deepEqual(readdirSync(directory).length, 2);
    assert.equal(latestKept(directory)?.said.size, 2);
    assert.deepEqual(
      readCheckpoints([directory, first]).map(({ file }) => file),
      [first, second, first],
    );
    assert.throws(() => keepCheckpoint(directory, noteOf(3), nowMs + 86_400_000), OperationError);
    assert.equal(readCheckpoint(second).note, noteOf(2));
  });

  test('that came by mail are read: other line breaks, empty lines around', (t) => {
    const file = join(freshDirectory(t), 'mail.txt');
    writeFileSync(file, `\r\n\r\n${noteOf(7).replaceAll('\n', '\r\n')}\r\n\r\n`);
    const read = readCheckpoint(file);
    assert.equal(read.note, noteOf(7));
    assert.deepEqual(judgeSigners(read, [signer.key]).why, null);
  });

  test('that are none are refused by their name', (t) => {
    const directory = freshDirectory(t);
    const write = (name: string, content: string | Uint8Array) => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    mkdirSync(join(directory, 'empty'));
    const wrong: readonly [string, RegExp][] = [
      [join(directory, 'absent'), /cannot read .*absent: it does not exist/],
      [join(directory, 'empty'), /there is no .checkpoint file in .*empty/],
      [write('text', 'some text'), /cannot use .*text: it is no signed note/],
      [write('bytes', Uint8Array.of(0xff, 0xfe)), /bytes is no text in UTF-8/],
      [write('poem', signNote('roses\nare\nred\n', signer)), /cannot use .*poem: it is no checkpoint/],
    ];
    for (const [path, why] of wrong)
      assert.throws(
        () => readCheckpoints([path]),
        (thrown) => thrown instanceof UsageError && why.test(thrown.message),
        path,
      );
  });
});
