import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { acquireLease } from '../../src/ledger/lease.ts';
import { openTestDatabase } from '../databases.ts';
import {
  dumpSource,
  type Environment,
  ofKind,
  readLedger,
  runAudit,
  runCommand,
  startCommand,
  startLine,
  using,
  withScene,
  withSettings,
} from '../failure/scene.ts';
import { assertSaid, inEmptyDirectory } from './said.ts';

const listing = (directory: string) => readdirSync(directory, { recursive: true }).sort();

/** A port on which nobody listens. */
async function refusingPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

describe('an audit exits', () => {
  test('0 where nothing is open, also the second time, and 1 where the plan is not the expected one', async () => {
    await withScene({ source: 'sqlite' }, async (scene) => {
      assertSaid(
        await runCommand(scene, ['audit', '--all', '--expect', '0'.repeat(64)]),
        1,
        /the plan is not the expected one, nothing was written: expected 0+, found [0-9a-f]{64}/,
      );
      assert.deepEqual((await readLedger(scene)).entries, []);
      for (const _ of [1, 2]) {
        const { code, stderr } = await runCommand(scene, ['audit', '--all']);
        assert.deepEqual([code, stderr], [0, '']);
      }
      const { runs } = await readLedger(scene);
      assert.deepEqual(
        runs.map(({ state, exitCode }) => [state, exitCode]),
        [
          ['finished', 0],
          ['finished', 0],
          ['failed', 1],
        ],
      );
    });
  });

  const open: readonly [string, Environment, RegExp][] = [
    ['repairs are off', { REPAIR: 'off' }, /refused \(repair_off\)/],
    ['there are more repairs than the limit', { MAX_REPAIRS: '9' }, /audit --all --expect [0-9a-f]{64}/],
    ['a place cannot be read', { GAMETIME_PATHS: '/nowhere/at/all' }, /unreadable, it does not exist/],
  ];
  for (const [why, settings, message] of open)
    test(`3 where something is left, because ${why}`, async () => {
      await withScene({ source: 'sqlite', environment: settings }, async (scene) => {
        for (const command of ['plan', 'audit']) {
          const { code, stdout } = await runCommand(scene, [command, '--all']);
          assert.equal(code, 3);
          if (command === 'audit') assert.match(stdout, message);
        }
      });
    });

  test('4 where another run holds the lease, and names it', async () => {
    await withScene({ source: 'sqlite' }, async (scene) => {
      await runAudit(scene);
      const entries = (await readLedger(scene)).entries.length;
      const nowMs = Date.now();
      await using(scene.config.ledgerUrl, async (database) => {
        const holder = { host: hostname(), pid: process.pid, runId: 'another-run' };
        await acquireLease(database, { name: 'work', holder, nowMs, ttlMs: 300_000 });
      });
      const commands = [
        ['audit', '--all'],
        ['revert', '1'],
        ['ledger', 'accept-restore', '--reason', 'x'],
      ];
      const named = new RegExp(
        `run another-run \\(process ${process.pid} on ${hostname()}\\) is at work since`,
      );
      for (const args of commands) assertSaid(await runCommand(scene, args), 4, named);
      assertSaid(await runCommand(scene, ['audit', '--json']), 4, named, { document: true });
      const now = await readLedger(scene);
      assert.equal(now.entries.length, entries);
      assert.equal(now.runs.length, 1);
      assert.equal((await runCommand(scene, ['plan', '--all'])).code, 0, 'reading needs no lease');
    });
  });
});

describe('a wrong configuration', () => {
  const wrong = {
    SOURCE_DATABASE_URL: 'mysql://root:hunter2@h/db',
    GRACE_MINUTES: 'soon',
    REPAIR: 'maybe',
    SERVER_TIMEZONE: 'nowhere',
  };
  const commands = [['audit'], ['plan'], ['explain', '1'], ['ledger', 'verify'], ['revert', '1']];
  for (const args of commands)
    test(`is reported whole by ${args.join(' ')}, exit 2, and nothing is made`, async () => {
      await inEmptyDirectory(async (place) => {
        const ended = await runCommand({ ...place, environment: wrong }, args);
        assertSaid(ended, 2, /the configuration has 4 problem\(s\):/);
        for (const name of Object.keys(wrong)) assert.match(ended.stderr, new RegExp(`- ${name}\\b`));
        assert.doesNotMatch(ended.stderr, /hunter2/);
        assert.deepEqual(listing(place.directory), []);
      });
    });
});

describe('a wrong usage exits 2 and makes nothing', () => {
  const cases: readonly [readonly string[], RegExp][] = [
    [['audits'], /unknown command 'audits'/],
    [['audit', '--al'], /unknown option '--al'/],
    [['audit', '--since'], /argument missing/],
    [['audit', '--since', 'yesterday'], /--since is "yesterday": expected a day, YYYY-MM-DD/],
    [['audit', '--until', '2026-02-30'], /--until is "2026-02-30": expected a day/],
    [['audit', '--since', '2026-02-11', '--until', '2026-02-10'], /--since 2026-02-11 is after --until/],
    [['audit', '--all', '--round', '1'], /exclude each other/],
    [['audit', '--round', '2147483648'], /expected a whole number below 2147483648/],
    [['explain'], /missing required argument 'roundId'/],
    [['explain', '-1'], /ROUND_ID is "-1"/],
    [['incidents', 'excuse', '1'], /required option '--reason <text>' not specified/],
    [['incidents', 'resolve', '1'], /give either a candidate or --release CAPTURE/],
    [['ledger', 'tail', '--lines', 'all'], /--lines is "all"/],
    [['ledger', 'verify', '--anchor', 'nonsense'], /"nonsense" is no head/],
    [['ledger', 'verify'], /there is no ledger yet/],
    [['incidents', 'list'], /there is no ledger yet/],
    [
      ['audit'],
      /SOURCE_DATABASE_URL is not set, and there is no data\/source\.sqlite in .*: run `roundwarden init`/,
    ],
    [['plan', '--all'], /SOURCE_DATABASE_URL is not set/],
    [['explain', '1'], /SOURCE_DATABASE_URL is not set/],
    [['report'], /SOURCE_DATABASE_URL is not set/],
    [['revert', '1'], /SOURCE_DATABASE_URL is not set/],
    [['start'], /SOURCE_DATABASE_URL is not set/],
    [['plan', '--expect', 'ab12'], /--expect is "ab12": expected a fingerprint, 64 hex digits/],
  ];
  for (const [args, message] of cases)
    test(`${args.join(' ')}`, async () => {
      await inEmptyDirectory(async (place) => {
        const { code, stdout, stderr } = await runCommand(place, args);
        assert.equal(code, 2, stderr);
        assert.equal(stdout, '');
        assert.match(stderr, message);
        assert.doesNotMatch(stderr, /\n {4}at /);
        assert.deepEqual(listing(place.directory), []);
      });
    });

  for (const args of [['--help'], ['audit', '--help'], ['incidents', 'resolve', '--help']])
    test(`but ${args.join(' ')} exits 0`, async () => {
      await inEmptyDirectory(async (place) => {
        const { code, stdout, stderr } = await runCommand(place, args);
        assert.deepEqual([code, stderr], [0, '']);
        assert.match(stdout, /^Usage: roundwarden/);
        assert.deepEqual(listing(place.directory), []);
      });
    });
});

test('--version exits 0 and is that of the package', async () => {
  const path = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  await inEmptyDirectory(async (place) => {
    for (const option of ['--version', '-V']) {
      const { code, stdout } = await runCommand(place, [option]);
      assert.deepEqual([code, stdout], [0, `${version}\n`]);
    }
  });
});

test('a revert while REPAIR is off exits 2, and changes nothing', async () => {
  await withScene({ source: 'sqlite' }, async (scene) => {
    await runAudit(scene);
    const { entries } = await readLedger(scene);
    const before = await dumpSource(scene.sourceUrl);
    const [done] = ofKind(entries, 'repair.done');
    const off = withSettings(scene, { REPAIR: 'off' });
    assertSaid(await runCommand(off, ['revert', String(done!.seq)]), 2, /REPAIR is off/);
    assert.deepEqual(await dumpSource(scene.sourceUrl), before);
    assert.equal((await readLedger(scene)).entries.length, entries.length);
  });
});

test('output that a full disk does not take exits 1 and says so in a line', {
  skip: !existsSync('/dev/full') && 'needs /dev/full',
}, async () => {
  await withScene({ source: 'sqlite' }, async (scene) => {
    const program = fileURLToPath(new URL('../../jobs/main.ts', import.meta.url));
    const loader = import.meta.resolve('tsx');
    const command = `exec "$0" --import '${loader}' '${program}' audit --all >/dev/full`;
    const line = ['sh', '-c', command, process.execPath];
    const { code, stderr } = await startLine(line, { environment: scene.environment, cwd: scene.directory })
      .ended;
    assert.equal(code, 1);
    assert.match(stderr, /^roundwarden: cannot write the output: no space is left; .*\n$/);
    assert.equal((await readLedger(scene)).runs[0]!.state, 'finished');
  });
});

test('what is not there exits 2', async (t) => {
  const cases: readonly [readonly string[], RegExp][] = [
    [['audit', '--round', '4711'], /there is no round 4711 in scene/],
    [['explain', '4711'], /there is no round 4711 in scene/],
    [['incidents', 'show', '4711'], /there is no incident 4711/],
    [['incidents', 'resolve', '1', 'capture:9'], /capture:9 names 0 of the candidates of incident 1/],
    [['incidents', 'resolve', '1', '--release', '1'], /capture 1 is not linked to round \d+/],
    [['revert', '4711'], /there is no entry 4711 in the ledger/],
    [['revert', '1'], /entry 1 is gap\.\w+, not a repair/],
  ];
  await withScene({ source: 'sqlite' }, async (scene) => {
    await runAudit(scene);
    const { length } = (await readLedger(scene)).entries;
    for (const [args, message] of cases)
      await t.test(`${args.join(' ')}`, async () => {
        assertSaid(await runCommand(scene, args), 2, message);
        const now = await readLedger(scene);
        assert.equal(now.entries.length, length);
        for (const { state, exitCode } of now.runs)
          if (state === 'failed') assert.equal(exitCode, 2, 'the record of runs says what the process said');
      });
  });
});

describe('a source that cannot be reached exits 1, is named without its password, and leaves no entry', () => {
  const garbage = (directory: string) => {
    const path = join(directory, 'garbage.sqlite');
    writeFileSync(path, 'this is no database, '.repeat(500));
    return `sqlite:${path}`;
  };
  const cases: readonly [string, (directory: string) => Promise<string> | string, RegExp][] = [
    [
      'a missing SQLite file',
      (directory) => `sqlite:${join(directory, 'absent.sqlite')}`,
      /cannot open database \S+absent\.sqlite: there is no such file/,
    ],
    ['a file that is no database', garbage, /garbage\.sqlite.*: .*file is not a database/],
    [
      'a directory',
      (directory) => {
        mkdirSync(join(directory, 'dir.sqlite'));
        return `sqlite:${join(directory, 'dir.sqlite')}`;
      },
      /cannot open database \S+dir\.sqlite: /,
    ],
    [
      'a PostgreSQL port that refuses',
      async () => `postgres://ann:hunter2@127.0.0.1:${await refusingPort()}/stats`,
      /cannot open database 127\.0\.0\.1\/\d+\/stats: .*ECONNREFUSED/,
    ],
  ];
  for (const [what, urlIn, message] of cases)
    test(`${what}`, async () => {
      await withScene({ source: 'sqlite' }, async (scene) => {
        const broken = withSettings(scene, { SOURCE_DATABASE_URL: await urlIn(scene.directory) });
        const before = listing(scene.directory);
        const read = await runCommand(broken, ['plan', '--all']);
        assertSaid(read, 1, message);
        assert.doesNotMatch(read.stderr, /hunter2/);
        assert.deepEqual(listing(scene.directory), before, 'reading makes nothing');

        const ended = await runCommand(broken, ['audit', '--all', '--json']);
        assertSaid(ended, 1, message, { document: true });
        assert.doesNotMatch(ended.stdout + ended.stderr, /hunter2/);
        const { entries, runs } = await readLedger(broken);
        assert.deepEqual(entries, []);
        assert.deepEqual(
          runs.map(({ state, exitCode }) => [state, exitCode]),
          [['failed', 1]],
        );
        assert.match(runs[0]!.error!, message);
        assert.doesNotMatch(JSON.stringify(runs), /hunter2/);
      });
    });

  test('a database that is not the audited system', async () => {
    await withScene({ source: 'sqlite' }, async (scene) => {
      const other = `sqlite:${join(scene.directory, 'other.sqlite')}`;
      await using(other, ({ knex }) => knex.raw('create table rounds (id integer primary key)'));
      const ended = await runCommand(withSettings(scene, { SOURCE_DATABASE_URL: other }), ['audit']);
      assertSaid(ended, 1, /is not the audited system.*it lacks rounds\.match_id, .*lua_round_teams\.id/);
    });
  });
});

describe('a ledger that cannot be reached exits 1 before anything is written', () => {
  const cases: readonly [string, (directory: string) => Promise<Environment> | Environment, RegExp][] = [
    [
      'a PostgreSQL port that refuses',
      async () => ({ LEDGER_DATABASE_URL: `postgres://ann:hunter2@127.0.0.1:${await refusingPort()}/l` }),
      /cannot open database 127\.0\.0\.1\/\d+\/l: .*ECONNREFUSED/,
    ],
    [
      'a path below a file',
      (directory) => {
        writeFileSync(join(directory, 'file'), '');
        return { LEDGER_DATABASE_URL: `sqlite:${join(directory, 'file', 'ledger.sqlite')}` };
      },
      /cannot open database \S+ledger\.sqlite: /,
    ],
    [
      'a file that is no database',
      (directory) => {
        writeFileSync(join(directory, 'file'), 'this is no database, '.repeat(500));
        return { LEDGER_DATABASE_URL: `sqlite:${join(directory, 'file')}` };
      },
      /file.*: .*file is not a database/,
    ],
  ];
  for (const [what, settingsIn, message] of cases)
    test(`${what}`, async () => {
      await withScene({ source: 'sqlite' }, async (scene) => {
        const broken = withSettings(scene, await settingsIn(scene.directory));
        for (const args of [
          ['audit', '--all'],
          ['plan', '--all'],
        ]) {
          const ended = await runCommand(broken, args);
          // Reading does without a ledger where none is there yet.
          if (args[0] !== 'audit' && ended.code !== 1) continue;
          assertSaid(ended, 1, message);
          assert.doesNotMatch(ended.stderr, /hunter2/);
        }
        const captures = await using(scene.sourceUrl, ({ knex }) =>
          knex('lua_round_teams').count({ n: '*' }),
        );
        assert.equal(captures[0]?.n, 8);
      });
    });
});

test('a ledger that was restored from a backup refuses with the mend, until a person accepts it', async () => {
  await withScene({ source: 'sqlite' }, async (scene) => {
    await runAudit(scene);
    const ledgerFile = scene.config.ledgerUrl.slice('sqlite:'.length);
    await using(scene.config.ledgerUrl, ({ knex }) => knex.raw(`vacuum into '${ledgerFile}.backup'`));
    const [first] = (await readLedger(scene)).entries;
    assert.equal((await runCommand(scene, ['incidents', 'note', String(first!.seq), 'seen'])).code, 0);
    for (const end of ['', '-wal', '-shm']) rmSync(`${ledgerFile}${end}`, { force: true });
    await using(`sqlite:${ledgerFile}.backup`, ({ knex }) => knex.raw(`vacuum into '${ledgerFile}'`));
    const restored = (await readLedger(scene)).entries.length;

    const refusal = /the ledger is behind what it once was.*ledger accept-restore --reason/;
    const commands = [
      ['audit', '--all'],
      ['incidents', 'ack', String(first!.seq)],
      ['revert', '1'],
    ];
    for (const args of commands) assertSaid(await runCommand(scene, args), 1, refusal);
    const verified = await runCommand(scene, ['ledger', 'verify']);
    assert.equal(verified.code, 1);
    assert.match(
      verified.stdout,
      /: 1 entry missing\n(.*\n)*.* as they were written; the newest ones are missing\.\n$/,
    );
    assert.equal((await readLedger(scene)).entries.length, restored);

    const accepted = await runCommand(scene, ['ledger', 'accept-restore', '--reason', 'disk died', '--json']);
    assert.equal(accepted.code, 0, accepted.stderr);
    const [entry] = ofKind((await readLedger(scene)).entries, 'ledger.restored');
    assert.equal((JSON.parse(accepted.stdout) as { seq: number }).seq, entry!.seq);
    assert.equal((await runCommand(scene, ['audit', '--all'])).code, 0);
    assert.equal((await runCommand(scene, ['ledger', 'verify'])).code, 0);
    assertSaid(
      await runCommand(scene, ['ledger', 'accept-restore', '--reason', 'again']),
      1,
      /there is no restore to accept/,
    );
  });
});

test('a PostgreSQL ledger that is only read is never made', async () => {
  const database = await openTestDatabase('postgres');
  try {
    await withScene(
      { source: 'sqlite', environment: { LEDGER_DATABASE_URL: database.url } },
      async (scene) => {
        assert.equal((await runCommand(scene, ['plan', '--all'])).code, 3);
        assertSaid(await runCommand(scene, ['ledger', 'verify']), 2, /there is no ledger yet/);
        const schemas = await using(database.url, ({ knex }) =>
          knex('information_schema.schemata').where({ schema_name: 'roundwarden' }).select('schema_name'),
        );
        assert.deepEqual(schemas, []);
      },
    );
  } finally {
    await database.close();
  }
});

test('a reader that goes away early is no defect', async () => {
  await withScene({ source: 'sqlite' }, async (scene) => {
    await runAudit(scene);
    const child = startCommand(scene, ['ledger', 'export']);
    child.hangUp();
    const { stderr } = await child.ended;
    assert.doesNotMatch(stderr, /\n {4}at /);
  });
});
