import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseArtifact, parserVersion } from '../../src/artifacts/parse.ts';
import { stampOf } from '../../src/artifacts/stamp.ts';
import { edited, everySample, sampleBytes } from './samples.ts';

/** What each version of the parser makes of every sample. A published line never changes: add one, with the next number. */
const readings: Record<number, string> = {
  1: '86f8d9c2866eed9dfce6237cb4ca5dd45ecd3741d3bf65f6772b768ebc8346cc',
};

test('the number of the parser grows whenever it says something else of a file', () => {
  const said = everySample().map((sample) => parseArtifact(sampleBytes(sample)));
  const normal = '1.7.2/normal';
  const damaged = [
    ['"441 sec"', '"441"'],
    ['"round":1', '"round":"1"'],
    ['v1.7.2', ''],
    ['\\"vid\\"', '7'],
  ].map(([from, to]) => parseArtifact(edited(normal, from!, to!)));
  const hash = createHash('sha256')
    .update(JSON.stringify([said, damaged]))
    .digest('hex');
  assert.equal(hash, readings[parserVersion], 'raise parserVersion in src/artifacts/parse.ts');
});

test('a stamp is of a regular file alone, and another after each change', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-stamp-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'a');
  writeFileSync(path, 'one');
  const first = stampOf(path)!;
  assert.deepEqual(stampOf(path)!.text, first.text);
  assert.equal(first.settled, false, 'it was changed a moment ago');
  assert.equal(stampOf(path, Date.now() + 10_000)!.settled, true);
  // Whoever sets the time of modification back does not set that of the change.
  utimesSync(path, 1_771_448_345, 1_771_448_345);
  const second = stampOf(path)!;
  assert.notEqual(second.text, first.text);
  assert.equal(second.settled, false);
  linkSync(path, join(directory, 'b'));
  symlinkSync(path, join(directory, 'c'));
  mkdirSync(join(directory, 'd'));
  assert.equal(stampOf(join(directory, 'b'))!.text, stampOf(path)!.text);
  for (const other of ['c', 'd', 'none']) assert.equal(stampOf(join(directory, other)), null);
});
