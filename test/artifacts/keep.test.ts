import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { keepArtifact, openKept } from '../../src/artifacts/keep.ts';
import { listPlaces } from '../../src/artifacts/places.ts';
import { readArtifacts } from '../../src/artifacts/read-many.ts';
import { artifactAt, sampleBytes } from './samples.ts';

const fileName = 'gametime-etl_adlernest-R1-1771448345.json';

let base: string;
let kept: string;
let path: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'keep-'));
  kept = join(base, 'data', 'artifacts');
  await mkdir(join(base, 'place'));
  path = join(base, 'place', fileName);
  await writeFile(path, sampleBytes('1.6.2/utf8'));
  await utimes(path, 1771448346, 1771448346);
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function identity() {
  const { sha256 } = await artifactAt(path);
  return { path, sha256: sha256! };
}

test('keepArtifact() copies the bytes once, for the owner alone, and leaves nothing else behind', async () => {
  const artifact = await identity();
  assert.equal(await keepArtifact(kept, artifact), 'kept');
  assert.equal(await keepArtifact(kept, artifact), 'already');
  assert.deepEqual(await readdir(kept), [artifact.sha256]);
  const copy = join(kept, artifact.sha256);
  assert.deepEqual(await readFile(copy), sampleBytes('1.6.2/utf8'));
  assert.equal((await stat(copy)).mode & 0o777, 0o600);
});

test('openKept() is the artifact as it was, after the original is gone', async () => {
  const original = await artifactAt(path);
  const artifact = await identity();
  await keepArtifact(kept, artifact);
  await rm(path);
  assert.deepEqual(await openKept(kept, artifact), { ...original, path: join(kept, artifact.sha256) });
  assert.equal(await keepArtifact(kept, artifact), 'already');
});

test('keepArtifact() in two runs at once makes one copy', async () => {
  const artifact = await identity();
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => keepArtifact(kept, artifact)));
  assert.ok(outcomes.every((outcome) => outcome === 'kept' || outcome === 'already'));
  assert.deepEqual(await readdir(kept), [artifact.sha256]);
});

test('keepArtifact() refuses what is not the artifact that was read', async () => {
  const artifact = await identity();
  const refusal = async (why: RegExp, given = artifact) => {
    const outcome = await keepArtifact(kept, given);
    assert.match(typeof outcome === 'string' ? outcome : outcome.failed, why);
  };
  await refusal(/is no SHA-256$/, { path, sha256: '../../place/x' });
  await writeFile(path, 'something else');
  await refusal(/has changed since it was read$/);
  await writeFile(path, Buffer.alloc(2_000_000));
  await refusal(/has grown to 2000000 bytes$/);
  await rm(path);
  await refusal(/is not there any more$/);
  await symlink('/etc/passwd', path);
  await refusal(/it is a symbolic link$/);
  await assert.rejects(readdir(kept), { code: 'ENOENT' });
});

test('keepArtifact() says that it cannot write', async () => {
  await writeFile(join(base, 'data'), 'a file where the directory should be');
  const outcome = await keepArtifact(kept, await identity());
  assert.ok(typeof outcome === 'object' && outcome.failed.startsWith(`cannot write to ${kept}: `));
});

test('openKept() trusts no copy that was changed, and keepArtifact() replaces it', async () => {
  const artifact = await identity();
  await keepArtifact(kept, artifact);
  await writeFile(join(kept, artifact.sha256), 'forged');
  assert.equal(await openKept(kept, artifact), null);
  assert.equal(await keepArtifact(kept, artifact), 'kept');
  assert.equal((await openKept(kept, artifact))!.sha256, artifact.sha256);
});

test('openKept() is null where there is no copy, no SHA-256 or no artifact name', async () => {
  const artifact = await identity();
  assert.equal(await openKept(kept, artifact), null);
  await keepArtifact(kept, artifact);
  assert.equal(await openKept(kept, { ...artifact, sha256: `../artifacts/${artifact.sha256}` }), null);
  assert.equal(await openKept(kept, { ...artifact, path: '/a/readme.txt' }), null);
});

test('listing, reading and keeping change nothing in the place', async () => {
  await writeFile(join(base, 'place', 'gametime-x-R1-5.json.part'), 'half');
  await symlink('/etc/passwd', join(base, 'place', 'gametime-x-R1-6.json'));
  const state = async () => {
    const names = (await readdir(join(base, 'place'))).sort();
    const facts = names.map(async (name) => {
      const { mtimeMs, ctimeMs, size, ino, mode } = await stat(join(base, 'place', name));
      return {
        name,
        mtimeMs,
        ctimeMs,
        size,
        ino,
        mode,
        text: await readFile(join(base, 'place', name), 'hex'),
      };
    });
    return { directory: (await stat(join(base, 'place'))).mtimeMs, files: await Promise.all(facts) };
  };
  const before = await state();
  const { files } = await listPlaces([join(base, 'place')]);
  const artifacts = await readArtifacts(files);
  const hashed = artifacts.filter(({ sha256 }) => sha256 !== null);
  assert.deepEqual([artifacts.length, hashed.length], [3, 2]);
  for (const { path: own, sha256 } of hashed)
    assert.equal(await keepArtifact(kept, { path: own, sha256: sha256! }), 'kept');
  assert.deepEqual(await state(), before);
});
