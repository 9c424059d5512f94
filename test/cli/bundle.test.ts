import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Sqlite from 'better-sqlite3';
import { compile, unsealed } from '../../build/compiled.mjs';
import { type Packed, unpack } from '../../src/artifacts/packed.ts';
import { readArtifacts } from '../../src/artifacts/read-many.ts';
import { newBoard } from '../../src/artifacts/thread-board.ts';
import type { Answer, Order } from '../../src/artifacts/threads.ts';
import { parseArtifactName } from '../../src/core/names.ts';
import type { Place, Question } from '../../src/database-thread.ts';
import type { Done, Opening, Told } from '../../src/ledger/append-thread.ts';
import { canonicalText } from '../../src/ledger/canonical.ts';
import { emptyHead, linkEntries, spelled } from '../../src/ledger/chain.ts';
import { entryToRow } from '../../src/ledger/entries.ts';
import { entryColumns } from '../../src/ledger/entry-values.ts';
import { soundEntries } from '../../src/ledger/inspect.ts';
import type { MembersOfKinds } from '../../src/ledger/inspect-thread.ts';
import { toBytes } from '../../src/ledger/members.ts';
import { everySample, samplePaths } from '../artifacts/samples.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const directory = mkdtempSync(join(tmpdir(), 'roundwarden-built-'));
const built = join(directory, 'dist', 'jobs', 'main.js');
const program = join(directory, 'dist', 'jobs', 'program.cjs');
const compiled = `${program}.cache`;

/** What packages ask for where it is there, and is not here. */
const absent = new Set(['pg-cloudflare', 'pg-native', 'pg-query-stream', 'sqlite3']);

function codeIsTaken(text: Buffer, file: Buffer): boolean {
  const code = unsealed(text, file);
  return code !== undefined && compile(text, { path: program, code }).cachedDataRejected === false;
}

/** Runs the built program, or the one of the checkout, somewhere else. */
function run(program: 'built' | 'checkout', words: readonly string[], settings: Record<string, string> = {}) {
  const cwd = join(directory, program);
  mkdirSync(cwd, { recursive: true });
  const node = program === 'built' ? [built] : ['--import', 'tsx', join(root, 'jobs/main.ts')];
  const imports =
    program === 'built' ? node : ['--import', join(root, 'node_modules/tsx/dist/loader.mjs'), node[2]!];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, TZ: 'America/Sao_Paulo', ...settings };
  const { status, stdout, stderr } = spawnSync(process.execPath, [...imports, ...words], {
    cwd,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

before(() => {
  for (const name of ['node_modules', 'test']) symlinkSync(join(root, name), join(directory, name));
  copyFileSync(join(root, 'package.json'), join(directory, 'package.json'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const out = join(directory, 'dist');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', out]);
  for (const step of ['build/bundle.mjs', 'build/code-cache.mjs'])
    execFileSync(process.execPath, [join(root, step), out]);
});
after(() => rmSync(directory, { recursive: true, force: true }));

describe('the built program', () => {
  it('starts from code that was compiled at the build, and that belongs to it', () => {
    assert.equal(codeIsTaken(readFileSync(program), readFileSync(compiled)), true);
  });

  it('takes no code that is damaged in a bit, cut short, or of a program with other bytes', () => {
    const [text, code] = [readFileSync(program), readFileSync(compiled)];
    const changed = (bytes: Buffer, at: number, to: number) => {
      const copy = Buffer.from(bytes);
      copy[at] = to;
      return copy;
    };
    // A letter in the last line changes no length, which is all that V8 would compare.
    const other = changed(text, text.lastIndexOf('run'), 'R'.charCodeAt(0));
    assert.equal(unsealed(other, code), undefined);
    for (const at of [0, 31, 32, 40, code.length >> 1, code.length - 1])
      assert.equal(unsealed(text, changed(code, at, code[at]! ^ 1)), undefined, `byte ${at}`);
    for (const length of [0, 31, 32, code.length - 1])
      assert.equal(unsealed(text, code.subarray(0, length)), undefined, `${length} bytes`);
  });

  it('runs as well where there is no such code, or code that it cannot take', () => {
    const whole = readFileSync(compiled);
    const expected = run('checkout', ['audit', '--help']);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 1]! ^= 1;
    try {
      for (const file of [damaged, Buffer.alloc(0), null]) {
        if (file === null) rmSync(compiled);
        else writeFileSync(compiled, file);
        assert.deepEqual(run('built', ['audit', '--help']), expected);
      }
    } finally {
      writeFileSync(compiled, whole);
    }
    // Other flags of V8, for which it compiles other code; and a start that keeps the lines of the source.
    for (const flag of ['--interpreted-frames-native-stack', '--enable-source-maps'])
      assert.deepEqual(run('built', ['audit', '--help'], { NODE_OPTIONS: flag }), expected, flag);
  });

  it('asks for no package that is an ES module alone, which older Node.js 20 warns of', () => {
    const text = readFileSync(program, 'utf8');
    assert.doesNotMatch(text, /\bimport\("/);
    const asked = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name!);
    const ours = [...new Set(asked)].filter((name) => !isBuiltin(name) && !absent.has(name));
    assert.ok(ours.includes('hono'), ours.join());
    for (const name of ours)
      execFileSync(process.execPath, ['--no-experimental-require-module', '-e', `require('${name}')`], {
        cwd: directory,
      });
  });

  it('says the same of itself as the checkout', () => {
    for (const words of [['--help'], ['audit', '--help'], ['completion', 'bash']])
      assert.deepEqual(run('built', words), run('checkout', words));
  });

  it('ends with 2 and every problem where the configuration is wrong', () => {
    const wrong = { GRACE_MINUTES: 'soon', SERVER_TIMEZONE: 'Nowhere/Town', SOURCE_DATABASE_URL: 'x' };
    const ended = run('built', ['audit'], wrong);
    assert.equal(ended.status, 2);
    assert.deepEqual(ended, run('checkout', ['audit'], wrong));
  });

  it('lives through the incident of February as the checkout does', () => {
    const document = (program: 'built' | 'checkout') => {
      const { status, stdout, stderr } = run(program, ['demo', '--json']);
      assert.equal(status, 0, stderr);
      return stdout.replaceAll(/\b[0-9a-f]{6,}\b|\d{8}T\d{6}Z|\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '');
    };
    assert.equal(document('built'), document('checkout'));
  });

  const ofDemo = {
    DATA_DIR: 'data/demo',
    SOURCE_DATABASE_URL: 'sqlite:data/demo/source.sqlite',
    LEDGER_DATABASE_URL: 'sqlite:data/demo/ledger.sqlite',
  };

  it('writes a report, with what only reports need, which fits the schema that is built with it', () => {
    const made = run('built', ['report', '--date', '2026-02-16', '--json'], ofDemo);
    assert.equal(made.status, 0, made.stderr);
    assert.ok(readdirSync(join(directory, 'built/data/demo/reports')).some((name) => name.endsWith('.html')));
    const schema = readFileSync(join(directory, 'dist/reports/report.schema.json'), 'utf8');
    assert.equal(schema, readFileSync(join(root, 'reports/report.schema.json'), 'utf8'));
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(schema));
    assert.equal(validate(JSON.parse(made.stdout)), true, JSON.stringify(validate.errors));
  });

  it('makes a mail with its charts, and says that nobody takes it', () => {
    const nobody = {
      SMTP_URL: 'smtp://127.0.0.1:9?requireTLS=false',
      MAIL_FROM: 'auditor@example.org',
      MAIL_TO: 'operator@example.org',
    };
    const words = ['report', '--date', '2026-02-16', '--send', '--json'];
    const sent = run('built', words, { ...ofDemo, ...nobody });
    assert.equal(sent.status, 3, sent.stderr);
    assert.match(sent.stdout, /ECONNREFUSED/);
  });

  it('serves its pages and its figures', async () => {
    const token = 'a token of more than some characters';
    const settings = { ...ofDemo, WEB_LISTEN: '127.0.0.1:0', WEB_TOKEN: token };
    const serving = spawn(process.execPath, [built, 'serve'], {
      cwd: join(directory, 'built'),
      env: { PATH: process.env.PATH, ...settings },
    });
    try {
      const [said] = (await once(serving.stdout, 'data')) as [Buffer];
      const at = /http:\/\/\S+/.exec(said.toString())![0];
      for (const [path, expected] of [
        ['/', /<!doctype html>/i],
        ['/metrics', /^# HELP roundwarden_/m],
      ] as const) {
        const answer = await fetch(new URL(path, at), { headers: { authorization: `Bearer ${token}` } });
        assert.match(await answer.text(), expected);
        assert.equal(answer.status, 200, path);
      }
    } finally {
      serving.kill();
      await once(serving, 'exit');
    }
  });

  it('has a thread that reads artifacts as the checkout does, and loads no package for it', async () => {
    const file = join(directory, 'dist/src/artifacts/reader-worker.js');
    const imported = [...readFileSync(file, 'utf8').matchAll(/\bfrom"([^"]+)"/g)].map(([, name]) => name!);
    assert.ok(imported.length > 0 && imported.every(isBuiltin), imported.join());
    const paths = everySample().flatMap(samplePaths);
    const named = paths.flatMap((path) => {
      const name = parseArtifactName(basename(path));
      return name === null ? [] : [{ path, name, place: dirname(path) }];
    });
    assert.ok(named.length > 10);
    const thread = new Worker(file);
    const answers: Answer[] = [];
    await new Promise<void>((done, failed) => {
      thread.on('error', failed);
      thread.on('message', (answer: Answer | null) => void (answer === null ? done() : answers.push(answer)));
      thread.postMessage({ paths: named.map(({ path }) => path), board: newBoard() } satisfies Order);
    });
    const read = answers.flatMap(({ packed }) => JSON.parse(packed) as Packed[]);
    assert.deepEqual(
      read.map((one, at) => unpack(one, named[at]!)),
      await readArtifacts(named, { threads: 1 }),
    );
  });

  it('has a thread that asks an SQLite database', async () => {
    const path = join(directory, 'asked.sqlite');
    const database = new Sqlite(path);
    database.exec("create table played (map text); insert into played values ('supply')");
    database.close();
    const thread = new Worker(join(directory, 'dist/src/database-worker.js'));
    thread.postMessage({ path } satisfies Place);
    thread.postMessage({ sql: 'select map from played', bindings: [] } satisfies Question);
    const [answer] = await once(thread, 'message');
    await thread.terminate();
    assert.deepEqual(answer, { rows: [{ map: 'supply' }] });
  });

  it('has a thread that inspects a ledger as the checkout does', async () => {
    const body = { cause: 'no webhook – ä', more: [1, 2], verdict: 'lost' };
    const written = { kind: 'gap.found', source: 'stats', key: 'a', body };
    const entries = linkEntries(
      emptyHead,
      [written, { ...written, kind: 'run' }],
      '2026-02-14T20:00:00.000Z',
    );
    const rows = entries.map((entry) => Object.values(entryToRow(entry)));
    const path = join(directory, 'inspected.sqlite');
    const database = new Sqlite(path);
    database.exec(`create table entries (${entryColumns})`);
    const insert = database.prepare(`insert into entries values (${entryColumns.map(() => '?')})`);
    for (const row of rows) insert.run(row);
    database.close();
    const members = { reads: new Set(['verdict']), passes: new Set(['cause']) };
    const thread = new Worker(join(directory, 'dist/src/ledger/inspect-worker.js'));
    thread.postMessage({ path } satisfies Place);
    const told: MembersOfKinds = new Map([['gap.found', members]]);
    thread.postMessage({ sql: 'select * from entries order by seq', bindings: [], told } satisfies Question);
    const [answer] = await once(thread, 'message');
    await thread.terminate();
    const sound = soundEntries(rows, (kind) => (kind === 'gap.found' ? members : null));
    assert.deepEqual(answer, { rows: sound });
    assert.deepEqual(
      sound!.map((entry) => entry.at(-1)),
      [
        { text: '{"verdict":"lost"}', handedOn: ['cause', toBytes('"no webhook – ä"')] },
        { text: canonicalText(body), handedOn: [] },
      ],
    );
  });

  it('has a thread that writes a ledger as the checkout does', async () => {
    const path = join(directory, 'written.sqlite');
    const database = new Sqlite(path);
    database.exec(`create table entries (${entryColumns}); create table leases (name, token)`);
    const at = '2026-02-14T20:00:00.000Z';
    const body = { changes: [1, 'ä'], run: 'x' };
    const drafts = [{ kind: 'run', source: '', key: '', body, digests: { hash: 'changes' } }];
    const [entry] = linkEntries(emptyHead, drafts, at);
    const thread = new Worker(join(directory, 'dist/src/ledger/append-worker.js'));
    const told = async (messages: (Opening | Told)[]) => {
      for (const message of messages) thread.postMessage(message);
      return (await once(thread, 'message'))[0] as Done;
    };
    const addition: Told[] = [
      { before: emptyHead, at, fence: null },
      { drafts: drafts.map(spelled) },
      { sql: 'insert into leases values (?, ?)', rows: [['work', 'ours']] },
      'all',
    ];
    assert.deepEqual(await told([{ path, patienceSeconds: 1 }]), { head: null });
    assert.deepEqual(await told(addition), { head: { seq: 1, hash: entry!.hash } });
    assert.deepEqual(await told(addition), { head: null });
    await thread.terminate();
    assert.deepEqual(database.prepare('select hash, token from entries, leases').all(), [
      { hash: entry!.hash, token: 'ours' },
    ]);
    database.close();
  });
});
