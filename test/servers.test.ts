import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { worstExitCode } from '../jobs/each-server.ts';
import { type Environment, parseConfig, settingNames } from '../src/config.ts';
import { messageOf, UsageError } from '../src/errors.ts';
import { readServers } from '../src/servers.ts';
import { createSource } from '../src/source/create.ts';
import { runCommand, using } from './failure/scene.ts';

const directory = mkdtempSync(join(tmpdir(), 'roundwarden-servers-'));
after(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function fileOf(content: unknown): string {
  const path = join(directory, `servers-${++files}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const read = (servers: unknown, environment: Environment = {}) =>
  readServers({ ...environment, SERVERS: fileOf({ servers }) })!;

function problemsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (thrown) {
    assert.ok(thrown instanceof UsageError);
    return messageOf(thrown)
      .split(/\n {2}- /)
      .slice(1);
  }
  throw new assert.AssertionError({ message: 'it was taken' });
}

describe('readServers()', () => {
  test('answers null where SERVERS is not set', () => {
    assert.equal(readServers({ SOURCE_NAME: 'one' }), null);
    assert.equal(readServers({ SERVERS: '' }), null);
  });

  test('gives each server the configuration that it would have as a single installation', () => {
    const password = fileOf('postgres://rw:hidden@db/alpha');
    const shared = { SERVER_TIMEZONE: 'Europe/Berlin', DATA_DIR: '/srv/rw', GRACE_MINUTES: '9' };
    const [alpha, beta] = read(
      [
        { name: 'alpha', SOURCE_DATABASE_URL_FILE: password, GRACE_MINUTES: 7, REPAIR: 'off' },
        {
          name: 'beta-2',
          SOURCE_DATABASE_URL: 'postgres://rw@db/beta',
          SOURCE_NAME: 'production',
          SERVER_TIMEZONE: 'America/Santiago',
          GAMETIME_PATHS: '/srv/beta/gametimes',
          LEDGER_DATABASE_URL: 'sqlite:/srv/beta/ledger.sqlite',
          DISCORD_WEBHOOK_URL: '',
        },
      ],
      { ...shared, DISCORD_WEBHOOK_URL: 'https://discord.example/x', LEDGER_DATABASE_URL: 'postgres://l/rw' },
    );
    assert.deepEqual(
      alpha!.config,
      parseConfig({
        ...shared,
        DATA_DIR: '/srv/rw/alpha',
        SOURCE_NAME: 'alpha',
        SOURCE_DATABASE_URL: 'postgres://rw:hidden@db/alpha',
        GRACE_MINUTES: '7',
        REPAIR: 'off',
        DISCORD_WEBHOOK_URL: 'https://discord.example/x',
        LEDGER_DATABASE_URL: 'postgres://l/rw',
        LEDGER_SCHEMA: 'roundwarden_alpha',
      }),
    );
    assert.deepEqual(
      beta!.config,
      parseConfig({
        ...shared,
        DATA_DIR: '/srv/rw/beta-2',
        SOURCE_NAME: 'production',
        SOURCE_DATABASE_URL: 'postgres://rw@db/beta',
        SERVER_TIMEZONE: 'America/Santiago',
        GAMETIME_PATHS: '/srv/beta/gametimes',
        LEDGER_DATABASE_URL: 'sqlite:/srv/beta/ledger.sqlite',
        LEDGER_SCHEMA: 'roundwarden_beta_2',
      }),
    );
  });

  test('lets a value replace the file of the environment, and a file its value', () => {
    const token = fileOf('0123456789abcdef');
    const [one, two] = read(
      [
        { name: 'one', WEB_TOKEN: 'fedcba9876543210', SOURCE_NAME_FILE: fileOf('eins') },
        { name: 'two', SMTP_URL_FILE: fileOf('smtps://mail.example'), MAIL_FROM: 'a@b.example' },
      ],
      { WEB_TOKEN_FILE: token, SMTP_URL: 'smtps://old.example', MAIL_TO: 'c@d.example', MAIL_FROM: 'x@y.z' },
    );
    assert.equal(one!.config.webToken, 'fedcba9876543210');
    assert.equal(one!.config.sourceName, 'eins');
    assert.equal(two!.config.webToken, '0123456789abcdef');
    assert.equal(two!.config.mail?.url, 'smtps://mail.example');
  });

  test('reports every problem of every server at once, with its name and field, and no secret', () => {
    const secret = 'postgres://rw:hidden%zz@db/a';
    const problems = problemsOf(() =>
      read(
        [
          { name: 'alpha', SOURCE_DATABASE_URL: secret, SERVER_TIMEZONE: 'Mars/North', MAPS: 'x' },
          { name: 'Beta', LOG_LEVEL: 'debug', SETTLE_HOURS: 'many' },
          { SOURCE_DATABASE_URL: 'sqlite:c', REPAIR: ['on'] },
          { name: 'delta', LEDGER_SCHEMA: 'pg_mine', CAPTURE_SINCE: '2026-02-30' },
        ],
        { GRACE_MINUTES: 'soon', GAMETIME_PATHS: '/srv/gametimes' },
      ),
    );
    const expected = [
      /^GAMETIME_PATHS is set in the environment/,
      /^server alpha: MAPS: there is no such setting$/,
      /^server Beta: name: expected small letters/,
      /^server Beta: LOG_LEVEL: all servers share it/,
      /^server number 3: name: expected a name$/,
      /^server number 3: REPAIR: expected a text or a number$/,
      /^GRACE_MINUTES is "soon": expected a whole number/,
      /^server alpha: SOURCE_DATABASE_URL: expected sqlite:PATH or postgres:/,
      /^server alpha: SERVER_TIMEZONE is "Mars\/North": expected the name of a time zone/,
      /^server Beta: SETTLE_HOURS is "many": expected a whole number/,
      /^server delta: LEDGER_SCHEMA is "pg_mine": expected a schema that nobody else uses$/,
      /^server delta: CAPTURE_SINCE is "2026-02-30": expected a day/,
    ];
    for (const pattern of expected)
      assert.equal(problems.filter((one) => pattern.test(one)).length, 1, `${pattern} in ${problems}`);
    assert.equal(problems.length, expected.length, problems.join('\n'));
    assert.doesNotMatch(problems.join(), /hidden/);
  });

  test('refuses two servers that would share a source, a ledger, a directory or a name', () => {
    const one = { name: 'one', SOURCE_DATABASE_URL: 'postgres://db/stats' };
    const same = (more: object) => problemsOf(() => read([one, { name: 'two', ...more }]));
    const own = { SOURCE_DATABASE_URL: 'postgres://db/other' };
    const about = (what: string) => [`server two: ${what}: server one has the same`];
    assert.deepEqual(
      same({ SOURCE_DATABASE_URL: 'postgres://rw@db:5432/stats' }),
      about('SOURCE_DATABASE_URL'),
    );
    assert.deepEqual(same({ ...own, SOURCE_NAME: 'one' }), about('SOURCE_NAME'));
    const ledger = { LEDGER_DATABASE_URL: 'sqlite:data/two.sqlite' };
    assert.deepEqual(same({ ...own, ...ledger, DATA_DIR: 'data/one' }), about('DATA_DIR'));
    assert.deepEqual(
      same({ ...own, LEDGER_DATABASE_URL: 'sqlite:data/one/ledger.sqlite' }),
      about('LEDGER_DATABASE_URL and LEDGER_SCHEMA'),
    );
    assert.deepEqual(same({ ...own, LEDGER_DATABASE_URL: 'postgres://db/stats' }), [
      'server two: LEDGER_DATABASE_URL: it is the source of server one',
    ]);
    assert.ok(same({ name: 'one', ...own, SOURCE_NAME: 'x', DATA_DIR: 'x' })[0]!.includes('name'));
  });

  test('says what is wrong with the file without quoting it', () => {
    const broken = fileOf('{"servers": [{"name": "a", "WEB_TOKEN": "hidden"');
    const [problem, ...more] = problemsOf(() => readServers({ SERVERS: broken }));
    assert.match(problem!, /servers-\d+\.json: it is not JSON/);
    assert.doesNotMatch(problem!, /hidden/);
    assert.deepEqual(more, []);
    assert.match(problemsOf(() => readServers({ SERVERS: join(directory, 'no') }))[0]!, /cannot be read/);
    assert.match(problemsOf(() => read([]))[0]!, /servers: expected at least one server/);
    assert.match(problemsOf(() => readServers({ SERVERS: fileOf([]) }))[0]!, /SERVERS .*expected/i);
  });

  test('knows every setting: an entry takes it, or all servers share it', () => {
    for (const name of settingNames) {
      const found = problemsOf(() => read([{ name: 'a', [name]: '\u0000' }, { name: 'A' }]));
      assert.ok(!found.some((one) => one.includes('no such setting')), name);
    }
  });
});

test('of several exit codes the worst counts: 1, 2, 3, 4, 0', () => {
  assert.equal(worstExitCode([0, 0]), 0);
  assert.equal(worstExitCode([0, 4]), 4);
  assert.equal(worstExitCode([4, 3, 0]), 3);
  assert.equal(worstExitCode([3, 2]), 2);
  assert.equal(worstExitCode([4, 2, 1, 3]), 1);
});

describe('commands with SERVERS', () => {
  const servers = ['alpha', 'beta', 'gamma'].map((name) => ({
    name,
    SOURCE_DATABASE_URL: `sqlite:${join(directory, `${name}.sqlite`)}`,
    GAMETIME_PATHS: 'none',
  }));
  const place = {
    directory,
    environment: {
      SERVERS: fileOf({ servers }),
      DATA_DIR: join(directory, 'data'),
      LOG_LEVEL: 'silent',
    },
  };

  test('audit: one that fails keeps no other from its turn, and the worst exit code is that of all', async () => {
    for (const name of ['alpha', 'gamma'])
      await using(`sqlite:${join(directory, `${name}.sqlite`)}`, createSource);
    const { code, stdout, stderr } = await runCommand(place, ['audit', '--json']);
    const document = JSON.parse(stdout);
    assert.deepEqual(
      document.servers.map((one: Record<string, unknown>) => [one.name, one.exitCode]),
      [
        ['alpha', 0],
        ['beta', 1],
        ['gamma', 0],
      ],
    );
    assert.equal(code, 1);
    assert.equal(document.servers[0].result.source, 'alpha');
    assert.match(document.servers[1].error, /there is no such file/);
    assert.match(stderr, /^roundwarden: beta: cannot open database/m);
  });

  test('audit: for people each stands under its name; --server asks for one', async () => {
    const all = await runCommand(place, ['plan']);
    assert.deepEqual(
      [...all.stdout.matchAll(/^== (\w+)$/gm)].map(([, name]) => name),
      ['alpha', 'beta', 'gamma'],
    );
    const one = await runCommand(place, ['audit', '--server', 'gamma', '--json']);
    assert.deepEqual([one.code, JSON.parse(one.stdout).source], [0, 'gamma']);
    const none = await runCommand(place, ['audit', '--server', 'delta']);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /there is no server delta: SERVERS lists alpha, beta, gamma/);
  });

  test('what is about one server says which there are', async () => {
    for (const line of [['explain', '7'], ['incidents', 'list'], ['backup'], ['audit', '--round', '7']]) {
      const { code, stderr } = await runCommand(place, line);
      assert.equal(code, 2, line.join(' '));
      assert.match(stderr, /choose it by --server, from alpha, beta, gamma/);
    }
    const listed = await runCommand(place, ['incidents', 'list', '--server', 'alpha', '--json']);
    assert.deepEqual([listed.code, JSON.parse(listed.stdout)], [0, []]);
  });

  test('doctor says what is wrong in the file, line by line', async () => {
    const environment = { ...place.environment, SERVERS: fileOf({ servers: [servers[0], servers[0]] }) };
    const { code, stdout } = await runCommand({ directory, environment }, ['doctor', '--json']);
    const { configured, checks } = JSON.parse(stdout);
    assert.deepEqual([code, configured], [2, false]);
    assert.ok(checks.some(({ what }: { what: string }) => /server alpha: name: server alpha/.test(what)));
  });

  test('--server without SERVERS is refused', async () => {
    const { code, stderr } = await runCommand({ directory, environment: {} }, ['plan', '--server', 'x']);
    assert.equal(code, 2);
    assert.match(stderr, /SERVERS is not set/);
  });
});
