import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Config, parseConfig, readEnvironment } from '../src/config.ts';
import { messageOf, UsageError } from '../src/errors.ts';

const directory = mkdtempSync(join(tmpdir(), 'roundwarden-config-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const privateKey = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const verifiers = [
  'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
];

type Environment = Record<string, string | undefined>;

const defaults: Config = {
  sourceUrl: 'sqlite:data/source.sqlite',
  sourceName: 'data/source.sqlite',
  isNamed: false,
  sourceRevertUrl: 'sqlite:data/source.sqlite',
  sourceReadUrl: null,
  ledgerUrl: 'sqlite:data/ledger.sqlite',
  ledgerSchema: 'roundwarden',
  fleetUrl: null,
  zone: 'Europe/Ljubljana',
  gametimePaths: ['data/gametimes'],
  pendingPaths: [],
  sftp: null,
  captureSince: '2026-01-24',
  graceMinutes: 5,
  settleHours: 24,
  lookbackDays: 7,
  maxRepairs: 100,
  repair: true,
  repairCovered: false,
  dataDir: 'data',
  botLogPaths: [],
  consoleLogPaths: [],
  discordWebhookUrl: null,
  mail: null,
  alertWebhook: null,
  heartbeatUrl: null,
  doctorSsh: [],
  auditCron: '*/3 * * * *',
  reportAt: '07:10',
  reportKeepDays: 400,
  webListen: { host: '127.0.0.1', port: 8787 },
  webToken: null,
  checkpointKey: null,
  checkpointVerifiers: [],
  logLevel: 'info',
};

describe('parseConfig()', () => {
  test('needs no setting at all', () => {
    const { ...known } = parseConfig({});
    assert.deepEqual(
      Object.fromEntries(Object.keys(defaults).map((key) => [key, known[key as keyof Config]])),
      {
        ...defaults,
      },
    );
  });

  const postgres = 'postgres://ann:secret@db.example:5433/stats';
  const settings: readonly [string, Environment, Partial<Config>][] = [
    [
      'DATA_DIR moves everything that has no place of its own',
      { DATA_DIR: '/srv/rw' },
      {
        dataDir: '/srv/rw',
        sourceUrl: 'sqlite:/srv/rw/source.sqlite',
        ledgerUrl: 'sqlite:/srv/rw/ledger.sqlite',
        gametimePaths: ['/srv/rw/gametimes'],
      },
    ],
    [
      'logs may be paths and globs',
      { WEBHOOK_LOG: '/srv/bot/logs/webhook.log', CONSOLE_LOG: '/srv/*/etconsole.log, /old/{a,b}.log' },
      {
        botLogPaths: ['/srv/bot/logs/webhook.log'],
        consoleLogPaths: ['/srv/*/etconsole.log', '/old/{a,b}.log'],
      },
    ],
    [
      'people are told by every channel that is set',
      {
        DISCORD_WEBHOOK_URL: 'https://discord.com/api/webhooks/1/t',
        SMTP_URL: 'smtps://u:p@mail.example',
        MAIL_FROM: 'Roundwarden <rw@b.example>',
        MAIL_TO: 'ops@b.example',
        ALERT_WEBHOOK_URL: 'https://hook.example/x',
        ALERT_WEBHOOK_SECRET: 's',
      },
      {
        discordWebhookUrl: 'https://discord.com/api/webhooks/1/t',
        mail: {
          url: 'smtps://u:p@mail.example',
          ca: null,
          from: 'Roundwarden <rw@b.example>',
          to: 'ops@b.example',
        },
        alertWebhook: { url: 'https://hook.example/x', secret: 's' },
      },
    ],
    [
      'a PostgreSQL source is named by host, port and database, and never by user or password',
      { SOURCE_DATABASE_URL: postgres },
      { sourceUrl: postgres, sourceRevertUrl: postgres, sourceName: 'db.example/5433/stats' },
    ],
    [
      'the port and the host of a PostgreSQL source have defaults in its name',
      { SOURCE_DATABASE_URL: 'postgresql://db/stats' },
      { sourceName: 'db/5432/stats' },
    ],
    [
      'SOURCE_NAME wins over what the URL says',
      { SOURCE_NAME: 'production' },
      { sourceName: 'production', isNamed: true },
    ],
    [
      'SOURCE_REVERT_URL is used for reverts only',
      { SOURCE_DATABASE_URL: postgres, SOURCE_REVERT_URL: 'postgres://eve@db.example/stats' },
      { sourceUrl: postgres, sourceRevertUrl: 'postgres://eve@db.example/stats' },
    ],
    [
      'LEDGER_DATABASE_URL may be another database of the same server',
      { SOURCE_DATABASE_URL: postgres, LEDGER_DATABASE_URL: 'postgres://ann@db.example:5433/ledger' },
      { ledgerUrl: 'postgres://ann@db.example:5433/ledger' },
    ],
    ['GAMETIME_PATHS=none says that there are none', { GAMETIME_PATHS: ' none ' }, { gametimePaths: [] }],
    [
      'GAMETIME_PATHS is split at commas and trimmed',
      { GAMETIME_PATHS: '/a, /b/*/gametimes ,/c' },
      { gametimePaths: ['/a', '/b/*/gametimes', '/c'] },
    ],
    [
      'a comma inside braces belongs to its glob',
      { GAMETIME_PATHS: '/srv/{one,two}/gametimes,/x/{a,b,c}/*.json,/y' },
      { gametimePaths: ['/srv/{one,two}/gametimes', '/x/{a,b,c}/*.json', '/y'] },
    ],
    [
      'places may be on other hosts, under one spelling each, where a key and known hosts are given',
      {
        GAMETIME_PATHS: '/a,sftp://et@Game.Example:22/home/et/game%20times/',
        PENDING_PATHS: '/b,sftp://et@[::1]:2222/pending',
        SFTP_KEY: '/etc/rw/key',
        SFTP_KEY_PASSPHRASE: 'hunter2',
        SFTP_KNOWN_HOSTS: '/etc/rw/known_hosts',
      },
      {
        gametimePaths: ['/a', 'sftp://et@game.example/home/et/game%20times'],
        pendingPaths: ['/b', 'sftp://et@[::1]:2222/pending'],
        sftp: { keyPath: '/etc/rw/key', passphrase: 'hunter2', knownHostsPath: '/etc/rw/known_hosts' },
      },
    ],
    ['a key for other hosts is not asked for where no place is on one', { SFTP_KEY: '/k' }, { sftp: null }],
    [
      'HEARTBEAT_URL is an address of the web',
      { HEARTBEAT_URL: 'https://hc-ping.example/b6a7' },
      { heartbeatUrl: 'https://hc-ping.example/b6a7' },
    ],
    ['AUDIT_CRON may have seconds', { AUDIT_CRON: '*/20 * * * * *' }, { auditCron: '*/20 * * * * *' }],
    ['CAPTURE_SINCE is a day', { CAPTURE_SINCE: '2025-02-28' }, { captureSince: '2025-02-28' }],
    ['SERVER_TIMEZONE is a zone', { SERVER_TIMEZONE: 'America/Sao_Paulo' }, { zone: 'America/Sao_Paulo' }],
    ['GRACE_MINUTES may be 0', { GRACE_MINUTES: '0' }, { graceMinutes: 0 }],
    ['SETTLE_HOURS may be a year', { SETTLE_HOURS: '8760' }, { settleHours: 8760 }],
    ['LOOKBACK_DAYS begins at 1', { LOOKBACK_DAYS: '1' }, { lookbackDays: 1 }],
    ['MAX_REPAIRS=0 is no limit', { MAX_REPAIRS: '0' }, { maxRepairs: 0 }],
    ['REPAIR=off', { REPAIR: 'off' }, { repair: false }],
    ['REPAIR_COVERED=on', { REPAIR_COVERED: 'on' }, { repairCovered: true }],
    ['LOG_LEVEL', { LOG_LEVEL: 'silent' }, { logLevel: 'silent' }],
    ['CHECKPOINT_KEY is a private key', { CHECKPOINT_KEY: privateKey }, { checkpointKey: privateKey }],
    [
      'CHECKPOINT_VERIFIER may hold several keys',
      { CHECKPOINT_VERIFIER: ` ${verifiers[0]}\n${verifiers[1]} ` },
      { checkpointVerifiers: verifiers },
    ],
    [
      'an empty value counts as absent',
      { REPAIR: '', MAX_REPAIRS: '', SOURCE_DATABASE_URL: '', GAMETIME_PATHS: '', DATA_DIR: '' },
      { repair: true, maxRepairs: 100, sourceUrl: defaults.sourceUrl, gametimePaths: ['data/gametimes'] },
    ],
    ['a setting that nobody knows is left alone', { UNKNOWN_SETTING: '1', PATH: '/bin' }, {}],
  ];
  for (const [name, environment, expected] of settings)
    test(`${name}`, () => {
      const config = parseConfig(environment);
      for (const [key, value] of Object.entries(expected))
        assert.deepEqual(config[key as keyof Config], value, key);
    });

  const wholeNumbers: readonly [string, number, number][] = [
    ['GRACE_MINUTES', 0, 1440],
    ['SETTLE_HOURS', 0, 8760],
    ['LOOKBACK_DAYS', 1, 3660],
    ['MAX_REPAIRS', 0, 1_000_000],
  ];
  const databaseUrl = 'expected sqlite:PATH or postgres://USER@HOST/DATABASE';
  const problems: readonly [string, Environment, string][] = [
    ...wholeNumbers.flatMap(([name, from, to]) =>
      [String(from - 1), String(to + 1), '1.5', 'many', ' ', '1e2', '0x10', '99999999999999999999'].map(
        (value): [string, Environment, string] => [
          `${name}=${value}`,
          { [name]: value },
          `${name} is "${value}": expected a whole number from ${from} to ${to}`,
        ],
      ),
    ),
    ...['SOURCE_DATABASE_URL', 'SOURCE_REVERT_URL', 'LEDGER_DATABASE_URL'].flatMap((name) =>
      ['mysql://h/db', 'stats', 'sqlite:', 'postgres//h', 'http://user:secret@h/'].map(
        (value): [string, Environment, string] => [
          `${name}=${value}`,
          { [name]: value },
          `${name}: ${databaseUrl}`,
        ],
      ),
    ),
    [
      'an unknown zone',
      { SERVER_TIMEZONE: 'Europe/Atlantis' },
      'SERVER_TIMEZONE is "Europe/Atlantis": expected the name of a time zone, such as Europe/Ljubljana',
    ],
    ...['2026-02-30', '24.1.2026', '2026-1-24', 'yesterday'].map((day): [string, Environment, string] => [
      `CAPTURE_SINCE=${day}`,
      { CAPTURE_SINCE: day },
      `CAPTURE_SINCE is "${day}": expected a day, YYYY-MM-DD`,
    ]),
    ...['yes', 'true', 'ON', '1'].flatMap((value) =>
      ['REPAIR', 'REPAIR_COVERED'].map((name): [string, Environment, string] => [
        `${name}=${value}`,
        { [name]: value },
        `${name} is "${value}": expected on or off`,
      ]),
    ),
    [
      'a log level that does not exist',
      { LOG_LEVEL: 'loud' },
      'LOG_LEVEL is "loud": expected one of fatal, error, warn, info, debug, trace, silent',
    ],
    [
      'an empty entry among the places',
      { GAMETIME_PATHS: '/a,,/b' },
      'GAMETIME_PATHS has an empty entry; separate paths by single commas',
    ],
    [
      'a comma at the end of the places',
      { GAMETIME_PATHS: '/a,' },
      'GAMETIME_PATHS has an empty entry; separate paths by single commas',
    ],
    ...(
      [
        ['sftp://game.example/gt', 'expected sftp://USER@HOST/PATH, or sftp://USER@HOST:PORT/PATH'],
        ['sftp://...@game.example', 'expected sftp://USER@HOST/PATH, or sftp://USER@HOST:PORT/PATH'],
        ['sftp:/gt', 'expected sftp://USER@HOST/PATH, or sftp://USER@HOST:PORT/PATH'],
        ['sftp://...@game.example:0/gt', 'its port is not from 1 to 65535'],
        ['sftp://...@game.example/*/gt', 'a glob is not looked for on another host; name each directory'],
      ] as const
    ).map(([shown, problem]): [string, Environment, string] => [
      `${shown} as a place`,
      { GAMETIME_PATHS: shown.replace('...', 'et'), SFTP_KEY: '/k', SFTP_KNOWN_HOSTS: '/h' },
      `GAMETIME_PATHS has "${shown}": ${problem}`,
    ]),
    [
      'a password in a place, and does not show it',
      { GAMETIME_PATHS: 'sftp://et:hunter2@game.example/gt', SFTP_KEY: '/k', SFTP_KNOWN_HOSTS: '/h' },
      'GAMETIME_PATHS has "sftp://...@game.example/gt": it holds a password; SFTP_KEY is the only way in',
    ],
    [
      'a place on another host without a key',
      { PENDING_PATHS: 'sftp://et@game.example/p', SFTP_KNOWN_HOSTS: '/h' },
      'SFTP_KEY is not set: an sftp:// place needs the path of a private key',
    ],
    [
      'a place on another host whose key is nowhere pinned',
      { GAMETIME_PATHS: 'sftp://et@game.example/gt', SFTP_KEY: '/k' },
      'SFTP_KNOWN_HOSTS is not set: an sftp:// place needs the path of a known_hosts file that pins its host key',
    ],
    [
      'a directory that is a retry buffer and an artifact place',
      { GAMETIME_PATHS: '/a,/b', PENDING_PATHS: '/b' },
      'PENDING_PATHS and GAMETIME_PATHS both have "/b"; a directory is one or the other',
    ],
    [
      'a glob of retry buffers',
      { PENDING_PATHS: '/srv/*/pending' },
      'PENDING_PATHS has "/srv/*/pending": name each directory, without a glob',
    ],
    [
      'mail without its sender and receiver',
      { SMTP_URL: 'smtp://u:hunter2@h' },
      'mail needs SMTP_URL, MAIL_FROM, MAIL_TO together; MAIL_FROM and MAIL_TO not set',
    ],
    [
      'a secret that signs nothing',
      { ALERT_WEBHOOK_SECRET: 'hunter2' },
      'ALERT_WEBHOOK_SECRET signs what is sent to ALERT_WEBHOOK_URL, which is not set',
    ],
    [
      'an address that would add a header to a mail',
      { SMTP_URL: 'smtp://h', MAIL_FROM: 'a@b.example', MAIL_TO: 'a@b.example\r\nBcc: x@y.example' },
      'MAIL_TO is "a@b.example\r\nBcc: x@y.example": expected an address, such as ops@example.org',
    ],
    ...(
      [
        ['DISCORD_WEBHOOK_URL', 'https://discord.com/api/webhooks/ID/TOKEN'],
        ['ALERT_WEBHOOK_URL', 'https://HOST/PATH'],
        ['HEARTBEAT_URL', 'https://HOST/PATH'],
      ] as const
    ).map(([name, example]): [string, Environment, string] => [
      `${name} that is no web address`,
      { [name]: 'ftp://hunter2@h' },
      `${name}: expected ${example}`,
    ]),
    [
      'an option in the place of a host',
      { DOCTOR_SSH: '-oProxyCommand=x' },
      'DOCTOR_SSH is "-oProxyCommand=x": expected USER@HOST, or several by commas',
    ],
    [
      'an option behind a host',
      { DOCTOR_SSH: 'et@game.example.org,-oProxyCommand=x' },
      'DOCTOR_SSH is "et@game.example.org,-oProxyCommand=x": expected USER@HOST, or several by commas',
    ],
    [
      'a private key that was cut',
      { CHECKPOINT_KEY: privateKey.slice(0, -1) },
      'CHECKPOINT_KEY: it is no private key: expected PRIVATE+KEY+NAME+ID+BASE64, as `roundwarden ledger key` writes it',
    ],
    [
      'a private key in the place of a verifier key, which it does not show',
      { CHECKPOINT_VERIFIER: privateKey },
      'CHECKPOINT_VERIFIER: it is no verifier key: expected NAME+ID+BASE64',
    ],
    [
      'none beside places',
      { GAMETIME_PATHS: '/a,none' },
      'GAMETIME_PATHS says none and names places; keep one',
    ],
    [
      'the ledger in the source (PostgreSQL, under another user)',
      { SOURCE_DATABASE_URL: 'postgres://ann:x@h/db', LEDGER_DATABASE_URL: 'postgresql://bob:y@h:5432/db' },
      'LEDGER_DATABASE_URL is the source itself: a restored source would erase the audit; give the ledger a database of its own',
    ],
    [
      'the ledger in the source (SQLite, under another spelling)',
      { SOURCE_DATABASE_URL: 'sqlite:data/x.sqlite', LEDGER_DATABASE_URL: 'sqlite:./data/../data/x.sqlite' },
      'LEDGER_DATABASE_URL is the source itself: a restored source would erase the audit; give the ledger a database of its own',
    ],
    [
      'a setting that is given twice',
      { SOURCE_NAME: 'a', SOURCE_NAME_FILE: '/b' },
      'SOURCE_NAME and SOURCE_NAME_FILE are both set; keep one',
    ],
  ];
  for (const [name, environment, problem] of problems)
    test(`refuses ${name}`, () => {
      assert.throws(
        () => parseConfig(environment),
        (thrown) => {
          assert.ok(thrown instanceof UsageError);
          assert.equal(thrown.message, `the configuration has 1 problem(s):\n  - ${problem}`);
          return true;
        },
      );
    });

  test('refuses a name that is too long', () => {
    assert.throws(() => parseConfig({ SOURCE_NAME: 'x'.repeat(201) }), /SOURCE_NAME is "x+": /);
    assert.equal(parseConfig({ SOURCE_NAME: 'x'.repeat(200) }).sourceName.length, 200);
  });

  test('reports every problem at once, and quotes no URL', () => {
    const wrong = {
      SOURCE_DATABASE_URL: 'mysql://root:hunter2@h/db',
      LEDGER_DATABASE_URL_FILE: join(directory, 'absent'),
      GRACE_MINUTES: 'soon',
      REPAIR: 'maybe',
      GAMETIME_PATHS: '/a,,none',
      SERVER_TIMEZONE: 'nowhere',
    };
    assert.throws(
      () => parseConfig(wrong),
      (thrown) => {
        const message = messageOf(thrown);
        assert.match(message, /^the configuration has 7 problem\(s\):/);
        for (const name of Object.keys(wrong)) assert.match(message, new RegExp(`- ${name}\\b`));
        assert.doesNotMatch(message, /hunter2|root/);
        return true;
      },
    );
  });

  const awkward: readonly [string, string][] = [
    ['a percent sign that is no escape in the database name', 'postgres://ann:hunter2@h/%zz'],
    ['a percent sign that is no escape in the password', 'postgres://ann:hunter2%zz@h/db'],
    ['a port that is no number', 'postgres://ann:hunter2@h:port/db'],
    ['no host before the port', 'postgres://ann:hunter2@:5432/db'],
  ];
  for (const [name, url] of awkward)
    test(`answers to ${name} with a configuration or a UsageError, and shows no password`, () => {
      try {
        assert.doesNotMatch(parseConfig({ SOURCE_DATABASE_URL: url }).sourceName, /hunter2/);
      } catch (thrown) {
        assert.ok(thrown instanceof UsageError, `it threw ${thrown}`);
        assert.doesNotMatch(thrown.message, /hunter2/);
      }
    });
});

describe('a setting from a file', () => {
  const secret = join(directory, 'secret');
  writeFileSync(secret, '  postgres://ann:hunter2@h/db\n');

  test('is read and trimmed', () => {
    assert.equal(parseConfig({ SOURCE_DATABASE_URL_FILE: secret }).sourceUrl, 'postgres://ann:hunter2@h/db');
  });

  test('is refused where the file is empty, for the default would be another database', () => {
    const empty = join(directory, 'empty');
    writeFileSync(empty, '\n');
    assert.throws(
      () => parseConfig({ SOURCE_NAME_FILE: empty }),
      new UsageError(`the configuration has 1 problem(s):\n  - SOURCE_NAME_FILE is empty: ${empty}`),
    );
  });

  test('says which file cannot be read', () => {
    const absent = join(directory, 'absent');
    assert.throws(
      () => parseConfig({ LEDGER_DATABASE_URL_FILE: absent }),
      (thrown) => {
        assert.ok(thrown instanceof UsageError);
        assert.match(thrown.message, /LEDGER_DATABASE_URL_FILE cannot be read: ENOENT/);
        return true;
      },
    );
  });

  test('never shows what is in it', () => {
    const wrong = join(directory, 'wrong');
    writeFileSync(wrong, 'mysql://ann:hunter2@h/db');
    assert.throws(
      () => parseConfig({ SOURCE_REVERT_URL_FILE: wrong }),
      (thrown) => messageOf(thrown).includes('SOURCE_REVERT_URL') && !messageOf(thrown).includes('hunter2'),
    );
  });
});

describe('readEnvironment()', () => {
  const inDirectory = (text: string | null) => {
    const place = mkdtempSync(join(directory, 'env-'));
    if (text !== null) writeFileSync(join(place, '.env'), text);
    return place;
  };

  test('gives the environment where there is no .env', () => {
    assert.deepEqual(readEnvironment({ A: '1' }, inDirectory(null)), { A: '1' });
  });

  test('adds what .env says, and the real environment wins', () => {
    const place = inDirectory(
      '# settings\nSOURCE_NAME="from the file"\nREPAIR=off\nGAMETIME_PATHS=/a,/b # two\n',
    );
    const merged = readEnvironment({ REPAIR: 'on' }, place);
    assert.deepEqual({ ...merged }, { SOURCE_NAME: 'from the file', REPAIR: 'on', GAMETIME_PATHS: '/a,/b' });
  });

  test('says which .env cannot be read', {
    skip: process.getuid?.() === 0 && 'root reads everything',
  }, () => {
    const place = inDirectory('A=1');
    chmodSync(join(place, '.env'), 0);
    assert.throws(() => readEnvironment({}, place), UsageError);
  });
});
