import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { type Packed, unpack } from '../../src/artifacts/packed.ts';
import { parseArtifact, parseMessage } from '../../src/artifacts/parse.ts';
import { type ListedFile, listPlaces } from '../../src/artifacts/places.ts';
import { readArtifacts } from '../../src/artifacts/read-many.ts';
import { readTemplate } from '../../src/artifacts/template.ts';
import { decodeText } from '../../src/artifacts/text.ts';
import { readInThreads, startReader } from '../../src/artifacts/threads.ts';
import { parseArtifactName, plainArtifactEnd } from '../../src/core/names.ts';
import * as plainly from './reference/parse.ts';
import * as plainPlaces from './reference/places.ts';
import { everySample, sampleBytes } from './samples.ts';

/* What was made fast says what the plain way says: test/artifacts/reference. */

const seed = Number(process.env.FUZZ_SEED ?? 20_260_211);
console.log(`# same seed ${seed}`);

const samples = everySample().map(sampleBytes);
const small = samples.filter((bytes) => bytes.length > 0 && bytes.length < 5000);

/** Minus zero is none in JSON, in a ledger and in a database. */
const withoutMinusZero = (value: unknown): unknown => {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutMinusZero(item)]));
};

function assertSame(bytes: Uint8Array): void {
  assert.deepEqual(parseArtifact(bytes), withoutMinusZero(plainly.parseArtifact(bytes)));
  assert.deepEqual(parseMessage(bytes), withoutMinusZero(plainly.parseMessage(bytes)));
}

test('every sample is read as the plain way reads it', () => {
  for (const bytes of samples) assertSame(bytes);
});

test('a normal artifact of every version is taken apart as a template, not built as JSON', () => {
  for (const version of ['1.6.0', '1.6.2', '1.6.4', '1.7.2'])
    assert.notEqual(readTemplate(decodeText(sampleBytes(`${version}/normal`)).text), null, version);
});

/** What can be put anywhere: pieces of the format, and bytes that mean something in it. */
const piece = fc.oneof(
  fc
    .constantFrom(
      '"',
      '\\',
      '\\"',
      '\\\\"',
      '\n',
      '\r\n',
      '\t',
      ' ',
      '\u00a0',
      '\u2028',
      '\0',
      '\x7f',
      '-0',
      '-',
      '0',
      '1e3',
      '.5',
      '\\u0000',
      '\\ud800',
      '\\x',
      '{',
      '}',
      '},',
      '[]',
      'null',
      'true',
      '"}',
      '\ufeff',
      '", "inline": true},\n',
      '", "inline": false}\n',
      '", "inline": ',
      '},"payload":{',
      '"payload":',
      '{"meta":',
      '                {"name": "Map", "value": "etl_adlernest", "inline": true},\n',
      '                {"name": "map", "value": "x", "inline": true},\n',
      '                {"name": "duration", "value": "441 sec", "inline": true},\n',
      '            "color": 3447003,\n',
      '            ],\n',
      'Slomix Lua Webhook v1.6.3',
      '"guid":1,',
      '"spawns":-0,',
      '"__proto__":{},',
      '2147483648',
      '9007199254740993',
      '[{"guid":"A","name":"b"}]',
    )
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
);
const change = fc.record({ at: fc.nat(), drop: fc.oneof(fc.constant(0), fc.nat({ max: 30 })), put: piece });

function apply(bytes: Buffer, changes: readonly { at: number; drop: number; put: Buffer }[]): Buffer {
  return changes.reduce((changed, { at, drop, put }) => {
    const from = at % (changed.length + 1);
    return Buffer.concat([changed.subarray(0, from), put, changed.subarray(from + drop)]);
  }, bytes);
}

test('a changed artifact is read as the plain way reads it, word for word where it is damaged', () => {
  let byTemplate = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...small),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (bytes, changes) => {
        const changed = apply(bytes, changes);
        if (readTemplate(decodeText(changed).text) !== null) byTemplate++;
        assertSame(changed);
      },
    ),
    { seed, numRuns: 1500 },
  );
  assert.ok(byTemplate > 75, `only ${byTemplate} were taken apart as a template`);
});

test('a changed line of an artifact is read as the plain way reads it', () => {
  const line = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('double', 'drop', 'swap', 'lower', 'inline', 'dense'),
  });
  const alter = (text: string, { at, how }: { at: number; how: string }): string => {
    const lines = text.split('\n');
    const index = at % lines.length;
    const own = lines[index]!;
    if (how === 'double') lines.splice(index, 0, own);
    if (how === 'drop') lines.splice(index, 1);
    if (how === 'swap') [lines[index], lines[0]] = [lines[0]!, own];
    if (how === 'lower') lines[index] = own.toLowerCase();
    if (how === 'inline') lines[index] = own.replace('true', 'false');
    if (how === 'dense') lines[index] = own.replace('": "', '":"');
    return lines.join('\n');
  };
  fc.assert(
    fc.property(fc.constantFrom(...small), fc.array(line, { minLength: 1, maxLength: 2 }), (bytes, changes) =>
      assertSame(Buffer.from(changes.reduce(alter, bytes.toString('latin1')), 'latin1')),
    ),
    { seed, numRuns: 800 },
  );
});

const nameParts = fc
  .array(
    fc.constantFrom(
      'gametime-',
      '.gametime-',
      'Gametime-',
      'supply',
      'mp-R1-2',
      '-R1-',
      '-R2-',
      '-R0-',
      '-R3-',
      '-r1-',
      '1771448036',
      '0',
      '123456789012',
      '1234567890123',
      '.json',
      '.json.part',
      '.JSON',
      '-',
      '\n',
      '\u2028',
      '\ufffd',
      'é',
      ' ',
      '',
    ),
    { maxLength: 7 },
  )
  .map((parts) => parts.join(''));

test('plainArtifactEnd() says nothing that parseArtifactName() does not say', () => {
  let plain = 0;
  const near = fc.oneof(
    nameParts,
    nameParts.map((part) => `gametime-${part}-R1-1771448036.json`),
  );
  fc.assert(
    fc.property(near, (name) => {
      const end = plainArtifactEnd(name);
      const parsed = parseArtifactName(name);
      if (end < 0) return;
      plain++;
      assert.deepEqual([parsed?.finished, parsed?.endUnix, name.includes('\ufffd')], [true, end, false]);
    }),
    { seed, numRuns: 5000 },
  );
  assert.ok(plain > 500, `only ${plain} were plain`);
  assert.equal(plainArtifactEnd('gametime-etl_adlernest-R1-1771448345.json'), 1_771_448_345);
});

describe('places are listed as the plain way lists them', () => {
  let base: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'same-'));
    const name = fc.oneof(
      nameParts.filter((text) => text !== '' && text !== '.' && text !== '..'),
      fc.nat({ max: 99 }).map((end) => `gametime-supply-R1-${end}.json`),
      fc.constantFrom(
        'gametime-\ue000-R1-5.json',
        'gametime-\u{1f600}-R1-6.json',
        'gametime-z-R1-7.json.part',
      ),
    );
    const names = fc.sample(fc.array(name, { minLength: 1, maxLength: 40 }), { seed, numRuns: 5 });
    for (const [index, own] of names.entries()) {
      const directory = join(base, index === 3 ? 'odd\ufffd' : `s${index}`);
      await mkdir(directory);
      for (const file of own) await writeFile(join(directory, file), '');
    }
    await mkdir(join(base, 'empty'));
    await symlink(join(base, 's1'), join(base, 'link'));
  });
  after(() => rm(base, { recursive: true, force: true }));

  test('whichever they are, and whatever is asked for', async () => {
    const path = fc.constantFrom(
      's0',
      's1',
      's1/',
      's2',
      's4',
      'odd\ufffd',
      'link',
      'empty',
      'none',
      '*',
      's*',
      '{s0,none}',
      '*/*.json',
      's1/*',
      'odd*/*',
    );
    const range = fc.tuple(
      fc.constantFrom(-1, 0, 5, 50, 1_771_448_036),
      fc.constantFrom(5, 60, 2_000_000_000, 1e13),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(path, { maxLength: 4 }), range, async (paths, [from, to]) => {
        const own = paths.map((each) => `${base}/${each}`);
        const near = (end: number) => end >= from && end < to;
        const all = await plainPlaces.listPlaces(own);
        assert.deepEqual(await listPlaces(own), all);
        const files = all.files.filter(({ name }) => near(name.endUnix));
        assert.deepEqual(await listPlaces(own, { near }), { ...all, files });
      }),
      { seed, numRuns: 100 },
    );
  });
});

describe('threads read what is read here', () => {
  let files: ListedFile[];
  let base: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'threads-'));
    for (let index = 0; index < 500; index++) {
      const own = join(base, `gametime-etl_adlernest-R1-${index}.json`);
      if (index % 50 === 7) await symlink('/etc/passwd', own);
      else if (index % 50 === 8) await mkdir(own);
      else await writeFile(own, samples[index % samples.length]!);
    }
    files = (await listPlaces([base])).files;
    const gone = 'gametime-gone-R1-1.json';
    files.push({ path: join(base, gone), name: parseArtifactName(gone)!, place: base });
  });
  after(() => rm(base, { recursive: true, force: true }));

  test('in the same order', async () => {
    const here = await readArtifacts(files, { threads: 1 });
    assert.equal(here.length, 501);
    for (const threads of [2, 3]) assert.deepEqual(await readInThreads(files, threads), here);
  });

  test('and answer: what they send is what is read here', async () => {
    const answer = new Promise((done, failed) => {
      const reader = startReader();
      reader.on('error', failed);
      reader.on('message', (text: string) => {
        const packed = JSON.parse(text) as Packed[];
        done(packed.map((one, index) => unpack(one, files[index]!)));
        reader.terminate();
      });
      reader.postMessage(files.map(({ path }) => path));
    });
    const here = await readArtifacts(files, { threads: 1 });
    assert.deepEqual(await answer, here);
    // Contents are compared as texts: their order is the same too.
    assert.equal(JSON.stringify(await answer), JSON.stringify(here));
  });

  for (const [how, program] of [
    ['cannot start', 'throw new Error("no")'],
    ['ends at once', 'process.exit(1)'],
    [
      'answers with nonsense',
      'require("worker_threads").parentPort.on("message", function () { this.postMessage("{}") })',
    ],
    ['ends while it reads', 'require("worker_threads").parentPort.on("message", () => process.exit(0))'],
  ] as const)
    test(`also where a thread ${how}`, async () => {
      const here = await readArtifacts(files, { threads: 1 });
      const start = () => new Worker(program, { eval: true, execArgv: [] });
      assert.deepEqual(await readInThreads(files, 3, start), here);
    });

  test('also where there can be no thread', async () => {
    const start = () => {
      throw new Error('no threads here');
    };
    assert.deepEqual(await readInThreads(files, 2, start), await readArtifacts(files, { threads: 1 }));
  });
});
