import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { databaseKinds, hasRealPostgres } from '../databases.ts';
import {
  bodyOf,
  type Ended,
  ofKind,
  readLedger,
  runAudit,
  runCommand,
  using,
  withScene,
  withSettings,
} from '../failure/scene.ts';

const count = z.int().nonnegative();
const counts = z
  .looseObject({
    ...Object.fromEntries(
      [
        'covered',
        'pending',
        'relinkable',
        'recoverable',
        'damaged',
        'ambiguous',
        'conflict',
        'unchecked',
        'missing',
        'lost',
      ].map((verdict) => [verdict, count]),
    ),
    exempt: z.object({ summary: count, invalid: count, status: count, bots: count, before_capture: count }),
  })
  .required();

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const artifact = z.object({ kind: z.literal('artifact'), path: z.string(), sha256: sha256.nullable() });
const capture = z.object({ kind: z.literal('capture'), captureId: z.int() });
const candidate = z.union([artifact, capture]).and(z.looseObject({ deltaSeconds: z.int().nullable() }));
const cause = z.object({
  code: z.string(),
  also: z.array(z.string()),
  evidence: z.array(z.looseObject({ file: z.string(), line: z.int(), text: z.string() })),
});

/** What DESIGN promises of `audit --json`. */
const auditDocument = z.looseObject({
  run: z.string().min(1),
  source: z.literal('scene'),
  window: z.object({ from: z.string().nullable(), to: z.string().nullable() }),
  fingerprint: sha256,
  counts,
  after: counts,
  verdicts: z.array(
    z.looseObject({
      roundId: z.int(),
      matchId: z.string(),
      map: z.string(),
      round: z.int(),
      session: z.int().nullable(),
      playedAt: z.iso.datetime(),
      verdict: z.string(),
      reason: z.string(),
      flags: z.array(z.string()),
      cause: cause.nullable(),
      candidate: candidate.nullable(),
      action: z.enum(['relink', 'backfill', 'complete', 'write_off', 'held', 'none']),
      outcome: z.string().nullable(),
    }),
  ),
  held: z.array(z.looseObject({ incident: z.int(), by: z.string(), at: z.string(), reason: z.string() })),
  orphans: z.looseObject({ captures: z.array(z.unknown()), artifacts: z.array(z.unknown()) }),
  ledger: z.looseObject({ seq: count, hash: sha256 }),
});

const total = (of: z.infer<typeof counts>) =>
  Object.entries(of).reduce(
    (sum, [name, value]) =>
      sum + (name === 'exempt' ? Object.values(value as object).reduce((a, b) => a + b, 0) : Number(value)),
    0,
  );

/** One JSON document on standard output, and on standard error nothing but lines of the log. */
function documentOf(ended: Ended): unknown {
  for (const line of ended.stderr.split('\n').filter(Boolean)) {
    const parsed = JSON.parse(line) as { level?: number };
    assert.equal(typeof parsed.level, 'number', 'a line of the log');
  }
  return JSON.parse(ended.stdout);
}

test('--json prints one document for every command, and logs on standard error only', async (t) => {
  await withScene({ source: 'sqlite', environment: { LOG_LEVEL: 'debug', REPAIR: 'off' } }, async (first) => {
    assert.equal((await runCommand(first, ['audit', '--all'])).code, 3);
    const scene = withSettings(first, { REPAIR: 'on' });
    const { entries } = await readLedger(scene);
    const gaps = ofKind(entries, 'gap.found').filter((entry) => bodyOf(entry).verdict === 'recoverable');
    const [one, two] = gaps.map(({ seq }) => String(seq));
    const { candidate: chosen } = bodyOf(gaps[0]) as { candidate: { sha256: string } };
    const decided = ['--by', 'ann', '--reason', 'a test', '--json'];
    const incident = z.looseObject({ id: z.int(), key: z.string(), status: z.string() });

    const commands: readonly [readonly string[], number, z.ZodType][] = [
      [['plan', '--all', '--json'], 3, auditDocument],
      [['audit', '--all', '--dry-run', '--json'], 3, auditDocument],
      [['explain', '9856', '--json'], 0, z.looseObject({ assessment: z.looseObject({}) })],
      [['incidents', 'list', '--json'], 0, z.array(incident).length(10)],
      [['incidents', 'list', '--all', '--json'], 0, z.array(incident).length(32)],
      [['incidents', 'show', one!, '--json'], 0, incident],
      [['incidents', 'ack', one!, ...decided], 0, incident],
      [['incidents', 'excuse', one!, ...decided], 0, incident],
      [['incidents', 'hold', two!, ...decided], 0, incident],
      [['incidents', 'note', two!, 'look', '--by', 'ann', '--json'], 0, incident],
      [['incidents', 'reopen', one!, ...decided], 0, incident],
      [['incidents', 'resolve', one!, `artifact:${chosen.sha256}`, ...decided], 0, incident],
      [['audit', '--all', '--json'], 0, auditDocument],
      [['ledger', 'head', '--json'], 0, z.looseObject({ seq: z.int(), hash: sha256, count: z.int() })],
      [['ledger', 'tail', '-n', '3', '--json'], 0, z.array(z.looseObject({ seq: z.int() })).length(3)],
      [['ledger', 'verify', '--json'], 0, z.looseObject({ chain: z.looseObject({ problems: z.tuple([]) }) })],
    ];
    for (const [args, code, schema] of commands)
      await t.test(args.join(' ').slice(0, 60), async () => {
        const ended = await runCommand(scene, args);
        assert.equal(ended.code, code, ended.stderr);
        schema.parse(documentOf(ended));
      });

    await t.test('revert', async () => {
      const repairs = ofKind((await readLedger(scene)).entries, 'repair.started');
      const ended = await runCommand(scene, ['revert', String(repairs[0]!.seq), '--json']);
      assert.equal(ended.code, 0, ended.stderr);
      z.looseObject({ reverts: z.literal(repairs[0]!.seq), entry: z.int() }).parse(documentOf(ended));
    });

    await t.test('ledger export prints one entry per line', async () => {
      const ended = await runCommand(scene, ['ledger', 'export', '--json']);
      assert.equal(ended.code, 0, ended.stderr);
      const seqs = ended.stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { seq: number }).seq);
      assert.deepEqual(
        seqs,
        seqs.map((_, at) => at + 1),
      );
      assert.equal(seqs.length, (await readLedger(scene)).entries.length);
    });

    await t.test('demo', async () => {
      const ended = await runCommand({ directory: scene.directory, environment: {} }, ['demo', '--json']);
      assert.equal(ended.code, 0, ended.stderr);
      z.looseObject({ days: z.array(z.looseObject({ day: z.string() })).length(4) }).parse(documentOf(ended));
    });
  });
});

test('audit --json holds what it promises, and its numbers add up before and after', async () => {
  await withScene({ source: 'sqlite' }, async (scene) => {
    const document = auditDocument.parse(documentOf(await runCommand(scene, ['audit', '--all', '--json'])));
    assert.equal(total(document.counts), 61);
    assert.equal(total(document.after), 61);
    const { covered } = document.counts as unknown as { covered: number };
    assert.equal(document.verdicts.length, 40 - covered);
    const outcomes = new Set(document.verdicts.map(({ action, outcome }) => `${action}: ${outcome}`));
    assert.deepEqual([...outcomes].sort(), ['backfill: done', 'write_off: done']);
    const planned = auditDocument.parse(
      documentOf(
        await runCommand(scene, ['plan', '--since', '2026-02-16', '--until', '2026-02-16', '--json']),
      ),
    );
    assert.deepEqual(planned.window, { from: '2026-02-16', to: '2026-02-16' });
    assert.equal(total(planned.counts), 18);
  });
});

test('.env is read from the working directory, and the real environment wins', async () => {
  await withScene({ source: 'sqlite' }, async (scene) => {
    const { SOURCE_NAME: _, ...environment } = scene.environment;
    writeFileSync(join(scene.directory, '.env'), 'SOURCE_NAME=from-the-file\nREPAIR=off\n');
    const named = async (more: Record<string, string>) => {
      const ended = await runCommand({ ...scene, environment: { ...environment, ...more } }, [
        'plan',
        '--all',
        '--json',
      ]);
      return (JSON.parse(ended.stdout) as { source: string }).source;
    };
    assert.equal(await named({}), 'from-the-file');
    assert.equal(await named({ SOURCE_NAME: 'real' }), 'real');
    writeFileSync(join(scene.directory, '.env'), 'REPAIR=perhaps\n');
    const ended = await runCommand({ ...scene, environment }, ['plan']);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /REPAIR is "perhaps": expected on or off/);
  });
});

/** Every file below a directory as bytes, read as Latin-1. */
function everything(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('a password from a file works, and stands nowhere afterwards', {
  skip: !hasRealPostgres && 'needs a server that takes a password: set TEST_DATABASE_URL',
}, async () => {
  await withScene({ source: 'postgres' }, async (scene) => {
    const url = new URL(scene.sourceUrl);
    url.password = 'hunter2-in-a-file';
    const secrets = join(scene.directory, 'secrets');
    mkdirSync(secrets);
    const file = join(secrets, 'source-url');
    writeFileSync(file, `${url.href}\n`);
    const { SOURCE_DATABASE_URL: _, SOURCE_NAME: __, ...rest } = scene.environment;
    const environment = { ...rest, SOURCE_DATABASE_URL_FILE: file, LOG_LEVEL: 'trace' };
    const said: string[] = [];
    const commands = [
      ['audit', '--all', '--json'],
      ['audit', '--all'],
      ['explain', '9822'],
      ['incidents', 'list', '--all'],
      ['ledger', 'export'],
      ['ledger', 'verify'],
      ['audit', '--round', '4711'],
    ];
    for (const args of commands) {
      const { code, stdout, stderr } = await runCommand({ ...scene, environment }, args);
      assert.ok(code === 0 || code === 2, stderr);
      said.push(stdout, stderr);
    }
    const [audited] = said;
    const { source } = JSON.parse(audited!) as { source: string };
    assert.equal(source, `${url.hostname}/${url.port}${url.pathname}`);
    assert.doesNotMatch(said.join('\n'), /hunter2/);
    assert.doesNotMatch(everything(scene.config.dataDir), /hunter2/);
  });
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

for (const source of databaseKinds)
  test(`no control character of a name reaches a terminal (${source})`, async () => {
    await withScene({ source }, async (scene) => {
      await using(scene.sourceUrl, ({ knex }) =>
        knex('rounds')
          .where({ id: 9856 })
          .update({ map_name: 'evil\u001b[2J\u009bmap\r\n', match_id: 'x\u0007y' }),
      );
      await runAudit(scene);
      const commands = [
        ['plan', '--all'],
        ['audit', '--all'],
        ['explain', '9856'],
        ['incidents', 'list', '--all'],
        ['ledger', 'tail', '-n', '100'],
      ];
      for (const args of commands) {
        const { stdout, stderr } = await runCommand(scene, args);
        assert.match(stdout, /evil/, `${args.join(' ')}: ${stderr}`);
        assert.doesNotMatch(stdout + stderr, control, args.join(' '));
      }
    });
  });

test('a plan that MAX_REPAIRS stopped is named by `ledger tail`, with its numbers', async () => {
  await withScene({ source: 'sqlite', environment: { MAX_REPAIRS: '9' } }, async (scene) => {
    await runCommand(scene, ['audit', '--all']);
    const { code, stdout } = await runCommand(scene, ['ledger', 'tail', '-n', '1']);
    assert.equal(code, 0);
    assert.match(stdout, /plan\.stopped .*10 repairs, MAX_REPAIRS is 9/);
  });
});

test('what is held is listed with what is open, and the audit names its incident', async () => {
  await withScene({ source: 'sqlite' }, async (scene) => {
    await runAudit(scene);
    const [started] = ofKind((await readLedger(scene)).entries, 'repair.started');
    const said = ['--by', 'ann', '--reason', 'of another server'];
    await runCommand(scene, ['revert', String(started!.seq), ...said]);
    const listed = JSON.parse((await runCommand(scene, ['incidents', 'list', '--json'])).stdout);
    assert.equal(listed.length, 1);
    const [{ id, round }] = listed;
    const line = `1 round held, not repaired, by ann: of another server: round ${round.roundId} (incident ${id}); \`roundwarden incidents reopen ${id}\` has the next audit repair it\n`;
    // The rounds of the incident lie long before the window of a cycle.
    for (const args of [['audit'], ['audit', '--all'], ['plan']]) {
      const { stdout } = await runCommand(scene, args);
      assert.ok(stdout.includes(line), stdout);
    }
    const decided = new RegExp(
      `held by ann at \\S+: of another server; \`roundwarden incidents reopen ${id}\` ends that\\n`,
    );
    for (const args of [
      ['explain', String(round.roundId)],
      ['incidents', 'show', String(id)],
    ])
      assert.match((await runCommand(scene, args)).stdout, decided);
    const other = await runCommand(scene, ['audit', '--round', '9856']);
    assert.doesNotMatch(other.stdout, /held/);
    const { held } = JSON.parse((await runCommand(scene, ['audit', '--json'])).stdout) as AuditResult;
    assert.deepEqual(
      held.map(({ at: _, ...rest }) => rest),
      [
        {
          incident: id,
          roundId: round.roundId,
          map: round.map,
          round: round.number,
          date: round.date,
          time: round.time,
          verdict: 'recoverable',
          by: 'ann',
          reason: 'of another server',
        },
      ],
    );
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;
test('on a narrow terminal no word of an explanation is broken', {
  skip: !hasScript && 'script is not installed',
}, async () => {
  await withScene({ source: 'sqlite' }, async ({ directory, environment }) => {
    const main = fileURLToPath(new URL('../../jobs/main.ts', import.meta.url));
    const explain = `${process.execPath} --import ${import.meta.resolve('tsx')} ${main} explain 9856`;
    const command = `stty cols 50 && ${explain}`;
    const { stdout } = spawnSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd: directory,
      env: { ...environment, PATH: process.env.PATH, TERM: 'xterm', NO_COLOR: '1' },
      encoding: 'utf8',
    });
    const said = stdout.replaceAll('\r\n', '\n');
    assert.match(
      said,
      /\n {2}lost \(nothing_fits\): no capture and no artifact\n {2}fits; the artifact place was read/,
    );
  });
});
