import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { listPlaces } from '../../src/artifacts/places.ts';

const root = process.getuid?.() === 0;
const r1 = 'gametime-supply-R1-1771448036.json';
const r2 = 'gametime-supply-R2-1771448700.json';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'places-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function put(...paths: string[]) {
  for (const path of paths) {
    await mkdir(join(base, path, '..'), { recursive: true });
    await writeFile(join(base, path), '');
  }
}

/** What a listing says, with paths relative to the test's directory. */
async function list(...paths: string[]) {
  const { places, files, ignored } = await listPlaces(paths.map((path) => join(base, path)));
  const short = (path: string) => path.replace(`${base}/`, '');
  return {
    places: places.map((place) => ({ ...place, name: short(place.name) })),
    files: files.map(({ path, place }) => `${short(path)} in ${short(place)}`),
    ignored: ignored.map(({ path, why }) => `${short(path)}: ${why}`),
  };
}

const readable = { unreadable: null, count: 2, oldestUnix: 1771448036, newestUnix: 1771448700 };
const empty = { count: 0, oldestUnix: null, newestUnix: null };

test('listPlaces() of nothing is nothing', async () => {
  assert.deepEqual(await listPlaces([]), { places: [], files: [], ignored: [] });
});

test('listPlaces() lists a directory, sorted, and does not go into directories below it', async () => {
  await put(`a/${r2}`, `a/${r1}`, `a/below/gametime-x-R1-1.json`, 'a/readme.txt', 'a/gametime-x-R3-1.json');
  assert.deepEqual(await list('a'), {
    places: [{ name: 'a', ...readable }],
    files: [`a/${r1} in a`, `a/${r2} in a`],
    ignored: ['a/gametime-x-R3-1.json: its name is not gametime-<map>-R<number>-<end>.json'],
  });
});

test('listPlaces() reads the name of a map that holds dashes, digits and R1', async () => {
  await put('a/gametime-mp-R1-2-b4-R2-1771448700.json');
  const { files } = await listPlaces([join(base, 'a')]);
  const name = { safeMap: 'mp-r1-2-b4', number: 2, endUnix: 1771448700, finished: true };
  assert.deepEqual(files[0]!.name, name);
});

test('listPlaces() makes a place of each directory that a glob matches', async () => {
  await put(`s1/gt/${r1}`, `s1/gt/${r2}`, `s2/gt/${r1}`, `s2/gt/${r2}`, 's3/other/x', 'readme');
  const listing = await list('*/gt');
  assert.deepEqual(listing.places, [
    { name: 's1/gt', ...readable },
    { name: 's2/gt', ...readable },
  ]);
  assert.equal(listing.files.length, 4);
});

test('listPlaces() makes one place of the files that a glob matches', async () => {
  await put(`s1/${r1}`, `s2/${r2}`, 's2/readme.json');
  assert.deepEqual(await list('*/*.json'), {
    places: [{ name: '*/*.json', ...readable }],
    files: [`s1/${r1} in */*.json`, `s2/${r2} in */*.json`],
    ignored: [],
  });
});

test('listPlaces() calls an alternative in braces that is not there unreadable', async () => {
  await put(`gt/s1/${r1}`, `gt/s1/${r2}`);
  assert.deepEqual((await list('gt/{s1,s2}')).places, [
    { name: 'gt/s1', ...readable },
    { name: 'gt/s2', unreadable: 'it does not exist', ...empty },
  ]);
});

test('listPlaces() calls a directory that its glob may not look into unreadable', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async () => {
  await put(`gt/s1/gametimes/${r1}`, `gt/s1/gametimes/${r2}`, 'gt/s2/gametimes/x');
  await chmod(join(base, 'gt/s2'), 0o000);
  const { places } = await list('gt/*/gametimes');
  await chmod(join(base, 'gt/s2'), 0o755);
  assert.deepEqual(
    places.map(({ unreadable }) => unreadable),
    ['permission denied', null],
  );
});

test('listPlaces() is not confused by a stray file beside the directories of a glob', async () => {
  await put(`gt/s1/${r1}`, `gt/s1/${r2}`, 'gt/readme.txt');
  assert.deepEqual((await list('gt/*')).places, [{ name: 'gt/s1', ...readable }]);
});

test('listPlaces() lists a file once, however often and by whatever way it is reached', async () => {
  await put(`a/${r1}`, `a/${r2}`);
  await symlink(join(base, 'a'), join(base, 'b'));
  const listing = await list('a', 'a', '*', `a/gametime-*.json`, 'b');
  assert.deepEqual(listing.files, [`a/${r1} in a`, `a/${r2} in a`]);
  const names = ['a', 'b', 'a/gametime-*.json'];
  assert.deepEqual(
    listing.places,
    names.map((name) => ({ name, ...readable })),
  );
});

test('listPlaces() lists unfinished names, but does not count them', async () => {
  await put(`a/${r1}.part`);
  assert.deepEqual(await list('a'), {
    places: [{ name: 'a', unreadable: 'it lists no artifact', ...empty }],
    files: [`a/${r1}.part in a`],
    ignored: [],
  });
  await put(`a/${r1}`, `a/${r2}`);
  assert.deepEqual((await list('a')).places, [{ name: 'a', ...readable }]);
});

describe('listPlaces() says why a place counts as unreadable', () => {
  const cases: [string, string, string][] = [
    ['a directory that is not there', 'none', 'it does not exist'],
    ['a file', 'a/file', 'it is not a directory'],
    ['a directory without an artifact', 'a', 'it lists no artifact'],
    ['a glob without a match', 'x*/gametime-*.json', 'nothing matches it'],
    ['a glob of files without an artifact', 'a/*', 'it lists no artifact'],
  ];
  for (const [what, path, unreadable] of cases)
    test(what, async () => {
      await put('a/file');
      assert.deepEqual((await list(path)).places, [{ name: path, unreadable, ...empty }]);
    });

  test('a directory that may not be read', { skip: root && 'root may read everything' }, async () => {
    await put(`a/${r1}`, `b/${r1}`);
    await chmod(join(base, 'a'), 0);
    try {
      assert.equal((await list('a')).places[0]!.unreadable, 'permission denied');
      const { places } = await list('*/gametime-*.json');
      assert.deepEqual(
        places.map(({ unreadable, count }) => [unreadable, count]),
        [
          ['permission denied', 0],
          [null, 1],
        ],
      );
    } finally {
      await chmod(join(base, 'a'), 0o700);
    }
  });
});
