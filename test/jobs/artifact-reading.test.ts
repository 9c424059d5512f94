import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { filesWithoutIndex, readListed, storeNews } from '../../jobs/artifact-reading.ts';
import { listPlaces } from '../../src/artifacts/places.ts';
import { readArtifacts } from '../../src/artifacts/read-many.ts';
import { insideAny } from '../../src/core/orphans.ts';
import { rows } from '../../src/database.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { everySample, sampleBytes } from '../artifacts/samples.ts';
import { forEachDatabase } from '../databases.ts';
import { freshLedger } from '../ledger/ledgers.ts';

const seed = Number(process.env.FUZZ_SEED ?? 20_260_211);
console.log(`# artifact-reading seed ${seed}`);

const samples = everySample().map(sampleBytes);
const always = [{ fromUnix: Number.MIN_SAFE_INTEGER, toUnix: Number.MAX_SAFE_INTEGER }];
/** By now every change is old, as it is some minutes after a round. */
const later = () => Date.now() + 60_000;
/** Longer than a tick of the file system's clock. */
const tick = () => sleep(15);

const nameOf = (index: number) =>
  `gametime-${index % 2 === 0 ? 'supply' : 'te_valhalla_b2_1'}-R1-${1_771_448_000 + (index >> 1)}.json`;

type Directory = { path: string; base: string };

function makeDirectory(t: { after(work: () => void): void }, count: number): Directory {
  const base = mkdtempSync(join(tmpdir(), 'roundwarden-index-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const path = join(base, 'gametimes');
  mkdirSync(path);
  for (let index = 0; index < count; index++)
    writeFileSync(join(path, nameOf(index)), samples[index % samples.length]!);
  return { path, base };
}

const indexed = async ({ database }: Ledger) =>
  (await rows<{ name: string }>(database, 'select name from artifact_index order by name')).map(
    ({ name }) => name,
  );

/** Reads through the index, holds it against direct reading, and stores the news; answers how many were not read. */
async function readBoth(
  ledger: Ledger,
  directories: readonly string[],
  of: { ranges?: typeof always; nowMs?: number; source?: string } = {},
): Promise<number> {
  const { ranges = always, nowMs = later(), source = 'test' } = of;
  const near = (end: number) => insideAny(ranges, end);
  const { files } = await listPlaces(directories, { near });
  const reading = await readListed(files, { ledger, source, ranges, nowMs });
  const direct = await readArtifacts(files);
  assert.deepStrictEqual(reading.artifacts, direct);
  // Contents are compared as texts: their order is the same too.
  assert.equal(JSON.stringify(reading.artifacts), JSON.stringify(direct));
  await storeNews(ledger, source, reading.news);
  return reading.indexed.size;
}

/** What somebody, or the game server, may do to a file. */
const deed = fc.record({
  what: fc.constantFrom(
    'create',
    'rewrite',
    'append',
    'touch',
    'copy back',
    'link',
    'directory',
    'remove',
    'rename',
    'lock',
  ),
  file: fc.nat({ max: 40 }),
  other: fc.nat({ max: 260 }),
});

const put: Record<string, (path: string, other: { path: string; sample: Buffer }) => void> = {
  create: (path, { sample }) => writeFileSync(path, sample),
  // The same size, and another map or player.
  rewrite: (path) => writeFileSync(path, readFileSync(path, 'latin1').replaceAll('0', '1'), 'latin1'),
  append: (path) => writeFileSync(path, ' ', { flag: 'a' }),
  touch: (path) => utimesSync(path, 1_771_448_345, 1_771_448_345.25),
  'copy back': (path) => {
    const { atime, mtime } = lstatSync(path);
    writeFileSync(path, readFileSync(path, 'latin1').replaceAll('2', '3'), 'latin1');
    utimesSync(path, atime, mtime);
  },
  link: (path, other) => {
    renameSync(path, `${path}.kept`);
    symlinkSync(other.path, path);
  },
  directory: (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  remove: (path) => rmSync(path, { recursive: true }),
  rename: (path, other) => {
    if (!existsSync(other.path)) renameSync(path, other.path);
  },
  lock: (path) => chmodSync(path, 0o400),
};

function doDeed(
  { path }: Directory,
  { what, file, other }: { what: string; file: number; other: number },
): void {
  const own = join(path, nameOf(file));
  const isFile = lstatSync(own, { throwIfNoEntry: false })?.isFile();
  if (what !== 'create' && !isFile) return;
  try {
    put[what]!(own, { path: join(path, nameOf(other)), sample: samples[other % samples.length]! });
  } catch (thrown) {
    // What stands in the way of a deed (a directory, a link to nowhere, a locked file) stays.
    if (!/EISDIR|ENOENT|ELOOP|EACCES|ENOTDIR|ENOTEMPTY/.test(String(thrown))) throw thrown;
  }
}

forEachDatabase('Artifacts read through the index', (kind) => {
  test('are those that are read directly, whatever was done to the files in between', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(deed, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        async (steps) => {
          const ending: (() => void)[] = [];
          const directory = makeDirectory({ after: (work) => ending.push(work) }, filesWithoutIndex + 40);
          try {
            await readBoth(ledger, [directory.path]);
            for (const deeds of steps) {
              await tick();
              for (const each of deeds) doDeed(directory, each);
              await tick();
              taken += await readBoth(ledger, [directory.path]);
            }
          } finally {
            for (const end of ending) end();
          }
        },
      ),
      { seed, numRuns: 15 },
    );
    assert.ok(taken > 15 * filesWithoutIndex, `only ${taken} were taken from the index`);
  });

  test('are all taken from it where nothing changed, and read where their bytes were changed a moment ago', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const before = Date.now();
    const { path } = makeDirectory(t, 1100);
    assert.equal(await readBoth(ledger, [path], { nowMs: before }), 0);
    assert.deepEqual(await indexed(ledger), [], 'nothing that young is remembered');
    assert.equal(await readBoth(ledger, [path]), 0);
    assert.deepEqual(await indexed(ledger), readdirSync(path).sort());
    assert.equal(await readBoth(ledger, [path]), 1100);
    assert.equal(
      await readBoth(ledger, [path], { source: 'another' }),
      0,
      'of another source nothing is taken',
    );
  });

  test('are forgotten when they are gone, as far as their time was looked at', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const { path } = makeDirectory(t, 600);
    await readBoth(ledger, [path]);
    for (const index of [0, 599]) rmSync(join(path, nameOf(index)));
    const late = [{ fromUnix: 1_771_448_100, toUnix: Number.MAX_SAFE_INTEGER }];
    assert.equal(await readBoth(ledger, [path], { ranges: late }), 399);
    assert.deepEqual(
      (await indexed(ledger)).filter((name) => !existsSync(join(path, name))),
      [nameOf(0)],
    );
    assert.equal(await readBoth(ledger, [path]), 598);
    assert.deepEqual(await indexed(ledger), readdirSync(path).sort());
  });

  test('are read anew where the index holds no artifact, or that of another parser', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const { path } = makeDirectory(t, 300);
    await readBoth(ledger, [path]);
    const knex = ledger.database.knex;
    await knex('artifact_index')
      .where({ name: nameOf(7) })
      .update({ artifact: '{"broken' });
    await knex('artifact_index')
      .where({ name: nameOf(8) })
      .update({ artifact: '[]' });
    const other = knex.raw("'0' || substr(stamp, 2)");
    await knex('artifact_index')
      .where({ name: nameOf(9) })
      .update({ stamp: other });
    assert.equal(await readBoth(ledger, [path]), 297);
    assert.equal(await readBoth(ledger, [path]), 300);
  });

  test('are read directly where they are few, and where there is no ledger', async (t) => {
    const { ledger } = await freshLedger(t, kind);
    const { path } = makeDirectory(t, filesWithoutIndex);
    await readBoth(ledger, [path]);
    assert.deepEqual(await indexed(ledger), []);
    writeFileSync(join(path, nameOf(500)), samples[0]!);
    const { files } = await listPlaces([path]);
    const { artifacts, news } = await readListed(files, { ledger: null, source: 'test', ranges: always });
    assert.deepEqual(artifacts, await readArtifacts(files));
    assert.deepEqual(news, { read: [], gone: [] });
  });
});
