import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { readArtifact } from '../../src/artifacts/read.ts';
import { readArtifacts } from '../../src/artifacts/read-many.ts';
import { parseArtifactName } from '../../src/core/names.ts';
import { sampleBytes } from './samples.ts';

const fileName = 'gametime-etl_adlernest-R1-1771448345.json';
const name = parseArtifactName(fileName)!;

let base: string;
let path: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'read-'));
  path = join(base, fileName);
});
afterEach(() => rm(base, { recursive: true, force: true }));

const listed = () => ({ path, name, place: base });

async function read() {
  const artifact = await readArtifact(listed());
  assert.ok(!('ignored' in artifact));
  return artifact;
}

test('readArtifact() reads, hashes and parses a file', async () => {
  const bytes = sampleBytes('1.6.2/quote');
  await writeFile(path, bytes);
  await utimes(path, 1771448346.9, 1771448346.9);
  const { content, ...facts } = await read();
  assert.equal(content!.alliesPlayers[0]!.name, 'wa"js');
  assert.deepEqual(facts, {
    path,
    safeMap: 'etl_adlernest',
    number: 1,
    endUnix: 1771448345,
    finished: true,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    modifiedUnix: 1771448346,
    damage: null,
    unreadable: null,
  });
});

test('readArtifact() reads an unfinished file too', async () => {
  path = join(base, `${fileName}.part`);
  await writeFile(path, sampleBytes('1.7.2/normal'));
  const artifact = await readArtifact({ path, name: parseArtifactName(`${fileName}.part`)!, place: base });
  assert.ok('content' in artifact && artifact.content !== null && artifact.sha256 !== null);
  assert.equal(artifact.finished, false);
});

describe('readArtifact() measures before it reads', () => {
  for (const [bytes, damage] of [
    [1_048_576, 'it does not begin as an artifact does'],
    [1_048_577, 'larger than 1 MiB (1048577 bytes)'],
    [2_000_000, 'larger than 1 MiB (2000000 bytes)'],
  ] as const)
    test(`${bytes} bytes`, async () => {
      await writeFile(path, Buffer.alloc(bytes, 0x61));
      const artifact = await read();
      assert.equal(artifact.damage, damage);
      assert.equal(artifact.bytes, bytes);
      assert.equal(artifact.sha256 === null, bytes > 1_048_576);
      assert.equal(artifact.content, null);
    });
});

describe('readArtifact() calls damaged, and does not open, what is no file', () => {
  const refused = async (why: string) => {
    const { damage, content, sha256 } = await readArtifact(listed());
    assert.deepEqual({ damage, content, sha256 }, { damage: why, content: null, sha256: null });
  };

  test('a symbolic link, wherever it leads', async () => {
    await symlink('/etc/passwd', path);
    await refused('it is a symbolic link');
    await rm(path);
    await symlink('/nowhere', path);
    await refused('it is a symbolic link');
  });

  test('a directory', async () => {
    await mkdir(path);
    await refused('it is a directory');
  });

  test('a named pipe, without waiting for a writer', { timeout: 5000 }, async () => {
    execFileSync('mkfifo', [path]);
    await refused('it is a named pipe');
  });

  describe('and', () => {
    const server = createServer();
    let socket: string;
    before(async () => {
      socket = join(await mkdtemp(join(tmpdir(), 'socket-')), 'gametime-x-R1-1.json');
      await new Promise<void>((resolve) => server.listen(socket, resolve));
    });
    after(() => server.close());
    test('a socket', async () => {
      path = socket;
      await refused('it is a socket');
    });
  });

  test('a device', async () => {
    path = '/dev/null';
    await refused('it is a device');
  });
});

test('readArtifact() says that a file vanished since it was listed', async () => {
  const artifact = await read();
  assert.equal(artifact.unreadable, 'it vanished while it was read');
  assert.deepEqual([artifact.sha256, artifact.content, artifact.damage], [null, null, null]);
});

const root = process.getuid?.() === 0;
test('readArtifact() says that a file may not be read', {
  skip: root && 'root may read everything',
}, async () => {
  await writeFile(path, sampleBytes('1.7.2/normal'));
  await chmod(path, 0);
  assert.equal((await read()).unreadable, 'permission denied');
});

test('readArtifacts() reads many files, keeps their order and says which is none', async () => {
  const files = [];
  for (let number = 0; number < 40; number++) {
    const own = join(base, `gametime-supply-R1-${number}.json`);
    if (number === 7) await symlink('/etc/passwd', own);
    else await writeFile(own, sampleBytes('1.7.2/normal'));
    files.push({ path: own, name: parseArtifactName(`gametime-supply-R1-${number}.json`)!, place: base });
  }
  for (const threads of [1, 2, 4]) {
    const artifacts = await readArtifacts(files, { threads });
    const paths = artifacts.map((artifact) => artifact.path);
    assert.deepEqual(
      paths,
      files.map((file) => file.path),
    );
    const faults = artifacts.flatMap(({ damage }) => (damage === null ? [] : [damage]));
    assert.deepEqual(faults, ['it is a symbolic link']);
  }
  assert.deepEqual(await readArtifacts([]), []);
});
