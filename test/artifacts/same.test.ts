import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { readLaidOut } from '../../src/artifacts/laid-out.ts';
import { type Packed, unpack } from '../../src/artifacts/packed.ts';
import { parseArtifact, parseMessage } from '../../src/artifacts/parse.ts';
import { type ListedFile, listPlaces } from '../../src/artifacts/places.ts';
import { readArtifacts, threadsFor } from '../../src/artifacts/read-many.ts';
import { toUtf8 } from '../../src/artifacts/text.ts';
import { newBoard, noteAccepted } from '../../src/artifacts/thread-board.ts';
import { type Answer, type Order, readInThreads, startReader } from '../../src/artifacts/threads.ts';
import { parseArtifactName, plainArtifactEnd } from '../../src/core/names.ts';
import * as plainly from './reference/parse.ts';
import * as plainPlaces from './reference/places.ts';
import { everySample, sampleBytes } from './samples.ts';

/* What was made fast says what the plain way says: test/artifacts/reference. */

const seed = Number(process.env.FUZZ_SEED ?? 20_260_211);
console.log(`# same seed ${seed}`);

const root = fileURLToPath(new URL('../../', import.meta.url));
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

test('a normal artifact of every version is read by its layout, not built as JSON', () => {
  for (const version of ['1.6.0', '1.6.2', '1.6.4', '1.7.2'])
    assert.notEqual(readLaidOut(sampleBytes(`${version}/normal`)), null, version);
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
  let laidOut = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...small),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (bytes, changes) => {
        const changed = apply(bytes, changes);
        if (readLaidOut(toUtf8(changed).utf8) !== null) laidOut++;
        assertSame(changed);
      },
    ),
    { seed, numRuns: 1500 },
  );
  assert.ok(laidOut > 10, `only ${laidOut} were read as laid out`);
});

/** Mostly what stands in an artifact, now and then what does not. */
const mostly = (usual: fc.Arbitrary<string>, odd: fc.Arbitrary<string>) =>
  fc.oneof({ arbitrary: usual, weight: 150 }, { arbitrary: odd, weight: 1 });
const oddText = fc.oneof(
  fc.constantFrom(
    '\\u0000',
    '\\ud83d',
    '\\\\',
    '\\"',
    '"',
    '\0',
    '\x01',
    '\x7f',
    '\x85',
    '\u2028',
    '\ufeff',
    '\t',
    '\\n',
  ),
  fc.constantFrom('x'.repeat(65), 'č'.repeat(64), '\u{1f600}'.repeat(40), '\u{1f600}'.repeat(65), ' ', ''),
  fc.string({ unit: 'binary' }),
);
const visibleText = (maxLength: number) =>
  fc.string({ unit: 'grapheme-ascii', maxLength }).map((text) => text.replace(/["\\]/g, '^'));
const oddNumber = fc.constantFrom(
  '-1',
  '-0',
  '01',
  '007',
  '1.5',
  '1e3',
  '2147483647',
  '2147483648',
  '999999999',
  '1000000000',
  '9007199254740993',
  '',
  ' 1',
  'null',
);
const smallNumber = mostly(fc.nat({ max: 500 }).map(String), oddNumber);
const wholeNumber = mostly(
  fc.oneof(fc.nat({ max: 500 }), fc.nat({ max: 1_771_448_345 })).map(String),
  oddNumber,
);
const guidText = mostly(
  fc
    .constantFrom(
      '0000000000000000000000E587CA5F01',
      '0000000000000000000000E587CA5F02',
      'A',
      'OMNIBOT01',
      '',
    )
    .chain((guid) => fc.nat({ max: 99 }).map((number) => guid.slice(0, -2) + number)),
  oddText,
);
const nameText = mostly(
  fc.oneof(
    visibleText(20),
    fc.string({ unit: 'grapheme', maxLength: 70 }).map((text) => text.replace(/["\\\p{Cc}]/gu, '')),
  ),
  oddText,
);
const player = fc.record({
  guid: guidText,
  name: nameText,
  numbers: fc.array(smallNumber, { minLength: 5, maxLength: 5 }),
});
const pauses = mostly(
  fc.constantFrom(
    '[]',
    '[{\\"n\\":1,\\"start\\":1771448000,\\"end\\":1771448012,\\"sec\\":12}]',
    '[{\\"n\\":1.25,\\"why\\":\\"x\\"}, null]',
  ),
  fc.constantFrom(
    '{}',
    '[',
    '[-0]',
    '[1e400]',
    '[9007199254740993]',
    '[\\"\\\\u0000\\"]',
    '[\\"\x7f\\"]',
    '[{\\"__proto__\\":{}}]',
    '',
    '[] ',
  ),
);

/** An artifact as the module lays it out, from values as they stand in the file. */
const artifactText = fc
  .record({
    map: mostly(fc.constantFrom('supply', 'te_valhalla b2.1', 'etl_adlernest'), oddText),
    round: mostly(fc.constantFrom('0', '1', '2'), oddNumber),
    times: fc.tuple(smallNumber, wholeNumber, wholeNumber, smallNumber),
    winner: mostly(fc.constantFrom('0', '1', '2', 'Axis', ' allies ', ''), oddText),
    minutes: mostly(fc.constantFrom('12', '7.375', '0', '12.5'), oddNumber),
    reason: mostly(fc.constantFrom('objective', 'time_expired', 'Map Change', ''), oddText),
    caller: guidText,
    callerName: nameText,
    players: fc.array(player, { maxLength: 6 }),
    pauses,
    footer: mostly(
      fc.constantFrom('v1.6.0', 'v1.6.3', 'v1.6.4', 'v1.7.2', 'v1.7.2-beta.20260811.1'),
      fc.constantFrom('', 'v1', 'v1.7.2+č'),
    ),
    other: mostly(fc.constantFrom('0.0.0.0', 'Čas · Zeit'), oddText),
    twice: mostly(fc.constant(''), fc.constantFrom('map', 'round', 'end')),
    end: mostly(fc.constantFrom('', '\n'), fc.constantFrom(' ', '\n\n', 'x')),
  })
  .map((of) => {
    const [playtime, start, end, warmup] = of.times;
    const own = (what: string, value: string) => (of.twice === what ? `${value}0` : value);
    const field = (name: string, value: string) =>
      `                {"name": "${name}", "value": "${value}", "inline": true}`;
    const list = (team: number) =>
      `[${of.players
        .filter((_, index) => index % 2 === team)
        .map(({ guid, name }) => `{\\"guid\\":\\"${guid}\\",\\"name\\":\\"${name}\\"}`)
        .join(',')}]`;
    const spawns = of.players.map(
      ({ guid, name, numbers: [spawns, deaths, dead, average, most] }) =>
        `{"guid":"${guid}","name":"${name}","spawns":${spawns},"deaths":${deaths},"dead_seconds":${dead},"avg_respawn":${average},"max_respawn":${most}}`,
    );
    return `{"meta":{"map":"${of.map}","round":${of.round},"round_start_unix":${start},"round_end_unix":${end},"actual_duration_seconds":${playtime},"warmup_seconds":${warmup},"pause_seconds":0,"pause_count":0,"server_ip":"${of.other}","server_port":"27960","match_id":"${end}","spawn_stats":[${spawns.join(',')}]},"payload":{
        "username": "ET:Legacy Stats",
        "content": "STATS_READY",
        "embeds": [{
            "title": "Round Complete: ${of.map}",
            "description": "${of.other}",
            "color": 3447003,
            "fields": [
${[
  field('Map', own('map', of.map)),
  field('Round', own('round', of.round)),
  field('Winner', of.winner),
  field('Defender', '1'),
  field('Lua_Playtime', `${playtime} sec`),
  field('Lua_Timelimit', `${of.minutes} min`),
  field('Lua_Pauses', `1 (${warmup} sec)`),
  field('Lua_EndReason', of.reason),
  field('Lua_Warmup', `${warmup} sec`),
  field('Lua_WarmupStart', start),
  field('Lua_RoundStart', start),
  field('Lua_RoundEnd', own('end', end)),
  field('Lua_SurrenderTeam', '0'),
  field('Lua_SurrenderCaller', of.caller),
  field('Lua_SurrenderCallerName', of.callerName),
  field('Lua_AxisScore', of.round),
  field('Lua_AlliesScore', warmup),
  field('Axis_JSON', list(0)),
  field('Allies_JSON', list(1)),
  field('Lua_Pauses_JSON', of.pauses),
  field('Lua_SpawnSummary', of.other),
].join(',\n')}
            ],
            "footer": {"text": "Slomix Lua Webhook ${of.footer}"}
        }]
    }}${of.end}`;
  });

test('an artifact of any values is read as the plain way reads it, word for word where it is damaged', () => {
  const runs = Number(process.env.SAME_RUNS ?? 1500);
  let laidOut = 0;
  fc.assert(
    fc.property(artifactText, fc.constantFrom('utf8', 'latin1'), (text, encoding) => {
      const bytes = Buffer.from(text, encoding);
      if (readLaidOut(toUtf8(bytes).utf8) !== null) laidOut++;
      assertSame(bytes);
    }),
    { seed, numRuns: runs },
  );
  assert.ok(laidOut > runs / 10 && laidOut < runs, `${laidOut} of ${runs} were read by their layout`);
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

  const unpacked = (answers: readonly Answer[]) =>
    answers.flatMap(({ piece, packed }) =>
      (JSON.parse(packed) as Packed[]).map((one, index) => unpack(one, files[piece.from + index]!)),
    );

  test('in the same order', async () => {
    const here = await readArtifacts(files, { threads: 1 });
    assert.equal(here.length, 501);
    for (const threads of [2, 3]) assert.deepEqual(await readInThreads(files, threads), here);
  });

  test('and answer piece by piece until nothing is left: what they send is what is read here', async () => {
    const answers: Answer[] = [];
    const board = newBoard();
    const reader = startReader();
    await new Promise<void>((done, failed) => {
      reader.on('error', failed);
      reader.on('message', (answer: Answer | null) => {
        if (answer === null) return done();
        answers.push(answer);
        noteAccepted(board);
      });
      reader.postMessage({ paths: files.map(({ path }) => path), board } satisfies Order);
    });
    await reader.terminate();
    const here = await readArtifacts(files, { threads: 1 });
    const read = unpacked(answers);
    assert.deepEqual(read, here);
    // Contents are compared as texts: their order is the same too.
    assert.equal(JSON.stringify(read), JSON.stringify(here));
  });

  test('while this thread is busy with something else', async () => {
    const many = Array.from({ length: 8 }, () => files).flat();
    const board = newBoard();
    const reader = startReader();
    const online = new Promise((done) => reader.once('online', done));
    reader.postMessage({ paths: many.map(({ path }) => path), board } satisfies Order);
    await online;
    // Nothing is heard or answered in between: this thread only waits, as in a statement of SQLite.
    const clock = new Int32Array(new SharedArrayBuffer(4));
    const takenAfter = (pieces: number) => {
      for (let waits = 0; Atomics.load(board, 0) < pieces * 64 && waits < 600; waits++)
        Atomics.wait(clock, 0, 0, 100);
      Atomics.wait(clock, 0, 0, 300);
      return Atomics.load(board, 0) / 64;
    };
    // It stops by itself where 32 answers lie unread and one more is made, and goes on with each that is accepted.
    assert.equal(takenAfter(33), 33);
    noteAccepted(board);
    assert.equal(takenAfter(34), 34);
    await reader.terminate();
  });

  const beyond = `const from = paths.length - 1;
    parentPort.postMessage({ piece: { from, to: from + 2 }, packed: "[[null,0,0,null,null,null],[null,0,0,null,null,null]]" });`;
  const busy = (program: string) => `
    const { parentPort } = require('worker_threads');
    parentPort.on('message', ({ paths, board }) => { ${program} });`;
  for (const [how, program] of [
    ['cannot start', 'throw new Error("no")'],
    ['ends at once', 'process.exit(1)'],
    ['answers with nonsense', busy('parentPort.postMessage("{}");')],
    ['answers with too little', busy('parentPort.postMessage({ piece: { from: 0, to: 3 }, packed: "[]" });')],
    ['answers for files that are not there', busy(beyond)],
    ['ends while it reads', busy('Atomics.add(board, 0, 100); process.exit(0);')],
    [
      'takes much, and says that it is done',
      busy('Atomics.add(board, 0, 400); parentPort.postMessage(null);'),
    ],
  ] as const)
    test(`also where a thread ${how}`, async () => {
      const here = await readArtifacts(files, { threads: 1 });
      const start = () => new Worker(program, { eval: true, execArgv: [] });
      assert.deepEqual(await readInThreads(files, 3, start), here);
    });

  test('and what was built of the reader answers the same', async () => {
    const built = join(base, 'built');
    await mkdir(built);
    await symlink(join(root, 'node_modules'), join(built, 'node_modules'));
    await writeFile(join(built, 'package.json'), '{"type":"module"}');
    const config = {
      extends: join(root, 'tsconfig.build.json'),
      compilerOptions: { noCheck: true, rootDir: root, outDir: built },
      include: [],
      files: ['threads.ts', 'reader-worker.ts'].map((name) => join(root, 'src/artifacts', name)),
    };
    await writeFile(join(built, 'tsconfig.json'), JSON.stringify(config));
    const node = (args: string[]) => promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
    await node([join(root, 'node_modules/typescript/bin/tsc'), '-p', built]);
    const paths = JSON.stringify(files.map(({ path }) => path));
    const program = `
      import { newBoard } from './src/artifacts/thread-board.js';
      import { startReader } from './src/artifacts/threads.js';
      const reader = startReader();
      const answers = [];
      reader.on('message', (answer) => {
        if (answer !== null) return answers.push(answer);
        console.log(JSON.stringify(answers));
        reader.terminate();
      });
      reader.postMessage({ paths: ${paths}, board: newBoard() });`;
    await writeFile(join(built, 'ask.js'), program);
    const { stdout } = await node([join(built, 'ask.js')]);
    assert.deepEqual(unpacked(JSON.parse(stdout) as Answer[]), await readArtifacts(files, { threads: 1 }));
  });

  test('and there are two above two thousand files, where there are processors', () => {
    const threads = (files: number, processors: number) => threadsFor(files, { processors });
    assert.deepEqual(
      [threads(2000, 8), threads(2001, 8), threads(50_000, 2), threads(50_000, 1)],
      [1, 2, 2, 1],
    );
  });

  test('and beside a server that is at work only above twenty thousand', () => {
    const threads = (files: number, processors: number) =>
      threadsFor(files, { besideServer: true, processors });
    assert.deepEqual([threads(20_000, 8), threads(20_001, 8), threads(20_001, 1)], [1, 2, 1]);
  });

  test('also where there can be no thread', async () => {
    const start = () => {
      throw new Error('no threads here');
    };
    assert.deepEqual(await readInThreads(files, 2, start), await readArtifacts(files, { threads: 1 }));
  });
});
