import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseArtifactName } from '../../src/core/names.ts';
import { judgeArtifact } from '../../src/core/sane.ts';
import { artifactAt, edited, sampleBytes, samplePaths } from './samples.ts';

/** Long after every sample was written. */
const nowUnix = 1_785_000_000;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'artifacts-'));
});
after(() => rm(directory, { recursive: true }));

/** Judges a file of that name and content, last changed `ageSeconds` before now. */
/** `ageSeconds` is how long ago the file was touched, `at` when it is judged. */
async function judge(name: string, bytes: Uint8Array, ageSeconds = 3600, at = nowUnix) {
  const path = join(directory, name);
  await writeFile(path, bytes);
  await utimes(path, at - ageSeconds, at - ageSeconds);
  const judged = judgeArtifact(await artifactAt(path), at);
  return judged.state === 'usable' ? 'usable' : `${judged.state}: ${judged.why}`;
}

async function judgeSample(path: string) {
  const copy = join(directory, basename(path));
  await copyFile(path, copy);
  await utimes(copy, nowUnix - 3600, nowUnix - 3600);
  const judged = judgeArtifact(await artifactAt(copy), nowUnix);
  return judged.state === 'usable' ? 'usable' : `${judged.state}: ${judged.why}`;
}

describe('what goes wrong with artifacts (DOMAIN, section 3) is judged right', () => {
  const invented = /^damaged: .*warm-up is 1771447153 s/;
  const cases: [string, RegExp][] = [
    ['1.6.2/pauseint', /^damaged: it is empty$/],
    ['1.6.2/pausefrac', /^damaged: it is empty$/],
    ['1.6.0/pauseint', /^damaged: its duration is 0 s; its pauses are 521 s$/],
    ['1.6.0/pausefrac', /^damaged: its duration is 0 s; its pauses are 7311 s$/],
    ['1.7.2/pausefrac', /^usable$/],
    ['1.6.0/ctrl', /^usable$/],
    ['1.6.2/quote', /^usable$/],
    ['1.6.2/surr', /^usable$/],
    ['1.6.0/backslash', /^usable$/],
    ['1.7.2/utf8', /^usable$/],
    ['1.7.2/oddmap', /^usable$/],
    ['1.6.2/r2frac', /^usable$/],
    ['1.6.2/r2cap', /^usable$/],
    ['1.6.0/reload_intermission', /^damaged: its start 0 is before 2020; .*its duration is 1771447873 s/],
    ['1.6.2/reload_intermission', invented],
    ['1.7.2/reload_intermission', invented],
    ['1.6.2/restart_midround', /^damaged: 44 s without a winner is a restart, not a round$/],
    ['1.7.2/restart_midround', /^damaged: 44 s without a winner is a restart, not a round$/],
    // A ghost has a winner; only that no round fits it tells it apart.
    ['1.6.2/ghost7', /^usable$/],
  ];
  for (const [folder, expected] of cases)
    test(folder, async () => assert.match(await judgeSample(samplePaths(folder)[0]!), expected));

  test('both files of an intermission flicker are usable, and are one round by their start', async () => {
    const paths = samplePaths('1.6.0/doublefire');
    assert.equal(paths.length, 2);
    const artifacts = await Promise.all(paths.map(artifactAt));
    const starts = artifacts.map(({ content }) => content!.timing.startUnix);
    assert.deepEqual(starts, [1771447904, 1771447904]);
    assert.deepEqual(await Promise.all(paths.map(judgeSample)), ['usable', 'usable']);
  });
});

describe('an artifact is not usable', () => {
  const name = 'gametime-etl_adlernest-R1-1771448345.json';
  const whole = sampleBytes('1.7.2/normal');
  const cases: [string, string, Uint8Array, RegExp][] = [
    ['cut off', name, whole.subarray(0, 3000), /^damaged: it is cut off/],
    [
      'under the name of another map',
      name.replace('etl_adlernest', 'supply'),
      whole,
      /^damaged: its name says map/,
    ],
    ['under another number', name.replace('R1', 'R2'), whole, /^damaged: its name says R2, not R1$/],
    ['under another end', name.replace('345.', '346.'), whole, /^damaged: its name says end 1771448346/],
    ['with an unfinished name', `${name}.part`, whole, /^damaged: its name is unfinished$/],
    [
      'with 2 MB of noise',
      name,
      Buffer.alloc(2_000_000, 0xa5),
      /^damaged: larger than 1 MiB \(2000000 bytes\)$/,
    ],
    [
      'with numbers beyond bigint',
      name,
      edited('1.7.2/normal', '1771447904', '9'.repeat(25)),
      /^damaged: meta is/,
    ],
  ];
  for (const [what, file, bytes, expected] of cases)
    test(what, async () => assert.match(await judge(file, bytes), expected));

  test('while it is still being written', async () => {
    const soon = parseArtifactName(name)!.endUnix + 90;
    const writing = 'unreadable: it is still being written';
    assert.equal(await judge(name, whole.subarray(0, 3000), 60, soon), writing);
    assert.equal(await judge(name, new Uint8Array(), 60, soon), writing);
    assert.equal(await judge(name, whole, 1, soon), 'usable');
    assert.match(await judge(name, new Uint8Array(), 60), /^damaged: it is empty$/);
  });
});
