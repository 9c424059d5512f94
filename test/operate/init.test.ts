import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { parse } from 'dotenv';
import fc from 'fast-check';
import { changeEnvText } from '../../jobs/env-file.ts';
import { type Initialised, initialiseAsking } from '../../jobs/init.ts';
import { parseConfig } from '../../src/config.ts';
import { type Environment, fixture, longAfterMs, runCommand, withScene } from '../failure/scene.ts';
import { inDirectory } from './tree.ts';

const envOf = (directory: string) => join(directory, '.env');
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('init without a terminal', () => {
  test('writes .env for its owner alone, offers doctor, and finds nothing to change the second time', async () => {
    await inDirectory(async (place) => {
      const args = ['init', '--yes', '--json', '--set', 'SOURCE_NAME=a name'];
      const first = await runCommand(place, args);
      assert.deepEqual([first.code, first.stderr], [0, '']);
      const { path, changed, doctor } = JSON.parse(first.stdout) as Initialised & {
        doctor: { exitCode: number };
      };
      assert.equal(path, envOf(place.directory));
      assert.equal(doctor.exitCode, 3, 'there is no source yet');
      const text = readFileSync(path, 'utf8');
      const written = parse(text);
      assert.deepEqual(Object.keys(written).sort(), [...changed].sort());
      assert.deepEqual([written.SOURCE_NAME, written.REPAIR], ['a name', 'off']);
      assert.ok(parseConfig(written).webToken!.length >= 16);
      assert.equal(modeOf(path), 0o600);
      const second = await runCommand(place, [...args, '--no-doctor']);
      assert.deepEqual((JSON.parse(second.stdout) as Initialised).changed, []);
      assert.equal(readFileSync(path, 'utf8'), text);
    });
  });

  test('takes settings from the environment, keeps the rest of .env, and changes what is there only when told to', async () => {
    const environment = {
      DISCORD_WEBHOOK_URL: 'https://discord.com/api/webhooks/1/planted',
      PATH: process.env.PATH!,
    };
    await inDirectory(async (place) => {
      const before = '# ours\nSOURCE_NAME=old # kept\nLOOKBACK_DAYS=9\n';
      writeFileSync(envOf(place.directory), before, { mode: 0o644 });
      const args = ['init', '--yes', '--no-doctor', '--set', 'SOURCE_NAME=new'];
      const refused = await runCommand(place, args);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /sets SOURCE_NAME otherwise; add --overwrite/);
      assert.equal(readFileSync(envOf(place.directory), 'utf8'), before);
      const done = await runCommand(place, [...args, '--overwrite']);
      assert.equal(done.code, 0, done.stderr);
      assert.doesNotMatch(done.stdout, /planted/);
      const text = readFileSync(envOf(place.directory), 'utf8');
      assert.match(text, /^# ours\nSOURCE_NAME=new\nLOOKBACK_DAYS=9\n/);
      assert.equal(parse(text).DISCORD_WEBHOOK_URL, environment.DISCORD_WEBHOOK_URL);
      assert.equal(modeOf(envOf(place.directory)), 0o600);
    }, environment);
  });

  test('says what it sees of the zone and the logs, and writes what it was told', async () => {
    await withScene({ source: 'sqlite' }, async ({ directory, sourceUrl }) => {
      const set = [
        `SOURCE_DATABASE_URL=${sourceUrl}`,
        'SERVER_TIMEZONE=Europe/London',
        'WEBHOOK_LOG=absent.log',
      ];
      const args = ['init', '--yes', '--no-doctor', '--set', ...set];
      const place = { directory, environment: {} };
      const { code, stdout, stderr } = await runCommand(place, args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(
        stdout,
        /^\S+\.env: written\nSERVER_TIMEZONE\n {2}\d+ of \d+ linked captures lie hours from/,
      );
      assert.match(stdout, /\nWEBHOOK_LOG\n {2}absent\.log: it does not exist\n {2}-> correct the path/);
      assert.equal(parse(readFileSync(envOf(directory), 'utf8')).SERVER_TIMEZONE, 'Europe/London');
      const again = JSON.parse((await runCommand(place, [...args, '--json'])).stdout) as Initialised;
      assert.deepEqual(
        again.seen.map(({ name, state }) => [name, state]),
        [
          ['SERVER_TIMEZONE', 'problem'],
          ['WEBHOOK_LOG', 'problem'],
        ],
      );
    });
  });

  test('refuses what is no setting, what is wrong, and to ask where nobody is; nothing is written', async () => {
    const cases: readonly [string[], RegExp][] = [
      [['init'], /this is no terminal.*--yes/],
      [['init', '--yes', '--set', 'SOURCE_NAM=x'], /SOURCE_NAM: there is no such setting/],
      [['init', '--yes', '--set', 'REPAIR=maybe'], /REPAIR is "maybe": expected on or off/],
    ];
    await inDirectory(async (place) => {
      for (const [args, message] of cases) {
        const { code, stdout, stderr } = await runCommand(place, args);
        assert.deepEqual([code, stdout], [2, '']);
        assert.match(stderr, message);
        assert.deepEqual(readdirSync(place.directory), []);
      }
    });
  });
});

/** Somebody at a terminal, who answers each prompt when it stands there. `undefined` is Enter. */
function talk(answers: Readonly<Record<string, string | readonly string[]>>, columns?: number) {
  const [input, output] = [new PassThrough(), Object.assign(new PassThrough(), { columns })];
  const left = new Map(Object.entries(answers).map(([name, given]) => [name, [given].flat()]));
  let shown = '';
  let answered = 0;
  let prompts = 0;
  output.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    // A prompt is a last line that ends in ": " or in "] "; cursor movements of the terminal may follow it.
    const rest = stripVTControlCharacters(shown.slice(answered));
    const line = rest.split('\n').at(-1)!;
    if (!/(: |\[[yYnN/]+\] )$/.test(line)) return;
    answered = shown.length;
    prompts += 1;
    // Asked for ever: hang up, and what was shown says why.
    if (prompts > 50) return void input.end();
    const [name] = /^(password|Keep|Write|Change|[A-Z_]+)/.exec(line.trimStart()) ?? [''];
    const next = left.get(name.trim())?.shift() ?? '';
    setImmediate(() => input.write(next === '\u0003' ? next : `${next}\r`));
  });
  return { terminal: { input, output }, shown: () => shown };
}

async function asked(
  directory: string,
  answers: Parameters<typeof talk>[0],
  {
    environment = {},
    hostZone = null,
    columns,
  }: { environment?: Environment; hostZone?: string | null; columns?: number } = {},
) {
  const { terminal, shown } = talk(answers, columns);
  const request = { directory, environment, given: [], hostZone, nowMs: longAfterMs };
  const end = await initialiseAsking(request, terminal).catch((thrown: unknown) => thrown);
  return { end, shown: shown() };
}

describe('init at a terminal', () => {
  test('explains, asks again where an answer is wrong, tries the source, and hides secrets', async () => {
    await withScene({ source: 'sqlite' }, async ({ directory, sourceUrl, environment }) => {
      const { end, shown } = await asked(directory, {
        SOURCE_DATABASE_URL: ['mysql://x', `sqlite:${directory}/absent.sqlite`, sourceUrl],
        Keep: 'n',
        SERVER_TIMEZONE: ['Nowhere', 'Europe/Berlin'],
        GAMETIME_PATHS: environment.GAMETIME_PATHS!,
        LEDGER_DATABASE_URL: [sourceUrl, ''],
        DISCORD_WEBHOOK_URL: 'https://discord.com/api/webhooks/1/planted-discord',
        SMTP_URL: 'smtp://ann:planted-mail@127.0.0.1:587',
        MAIL_FROM: ['nobody', 'ann@example.org'],
        MAIL_TO: 'ops@example.org',
      });
      assert.ok(!(end instanceof Error), String(end));
      for (const text of [
        /expected sqlite:PATH or postgres/,
        /there is no such file/,
        /expected the name of a time zone/,
        /LEDGER_DATABASE_URL is the source itself/,
        /expected an address/,
        /\d+ artifacts/,
      ])
        assert.match(shown, text);
      assert.doesNotMatch(shown, /planted/);
      const config = parseConfig(parse(readFileSync(envOf(directory), 'utf8')));
      assert.deepEqual(
        [config.sourceUrl, config.zone, config.repair, config.mail?.to],
        [sourceUrl, 'Europe/Berlin', false, 'ops@example.org'],
      );
      assert.ok(!shown.includes(config.webToken!));
      assert.equal(modeOf(envOf(directory)), 0o600);

      const again = await asked(directory, { SERVER_TIMEZONE: 'Europe/Vienna', DISCORD_WEBHOOK_URL: '-' });
      assert.deepEqual((again.end as Initialised).changed.sort(), ['DISCORD_WEBHOOK_URL', 'SERVER_TIMEZONE']);
      assert.match(again.shown, /SERVER_TIMEZONE \[Europe\/Berlin\]/);
      assert.match(again.shown, /Change SERVER_TIMEZONE, DISCORD_WEBHOOK_URL in/);
      assert.doesNotMatch(again.shown, /planted/);
      const now = parse(readFileSync(envOf(directory), 'utf8'));
      assert.deepEqual([now.SERVER_TIMEZONE, now.DISCORD_WEBHOOK_URL], ['Europe/Vienna', undefined]);
    });
  });

  test('says at once that a zone is impossible, and offers that of this host where the source bears it out', async () => {
    await withScene({ source: 'sqlite' }, async ({ directory, sourceUrl }) => {
      const answers = {
        SOURCE_DATABASE_URL: sourceUrl,
        SERVER_TIMEZONE: ['Europe/London', 'Asia/Kathmandu', ''],
        Keep: ['', ''],
      };
      const { end, shown } = await asked(directory, answers, { hostZone: 'Europe/Vienna' });
      assert.ok(!(end instanceof Error), String(end));
      assert.match(shown, /SERVER_TIMEZONE \[Europe\/Vienna\]/);
      assert.match(shown, /the game server's clock was 1 h ahead of that of Europe\/London\n/);
      assert.match(shown, /the game server's clock was 4 h 45 min behind that of Asia\/Kathmandu\n/);
      assert.match(shown, /-> take the zone whose clock shows what the game server showed then\n/);
      assert.match(
        shown,
        /\d+ of \d+ linked captures lie where Europe\/Vienna says; it is 2026-03-01 13:00:00/,
      );
      assert.equal(parse(readFileSync(envOf(directory), 'utf8')).SERVER_TIMEZONE, 'Europe/Vienna');
      rmSync(envOf(directory));
      const wrong = await asked(directory, { SOURCE_DATABASE_URL: sourceUrl }, { hostZone: 'Etc/UTC' });
      assert.match(wrong.shown, /SERVER_TIMEZONE \[Europe\/Ljubljana\]/);
    });
  });

  test('breaks what it says between words, and keeps indents', async () => {
    await withScene({ source: 'sqlite' }, async ({ directory, sourceUrl }) => {
      const answers = { SOURCE_DATABASE_URL: sourceUrl, SERVER_TIMEZONE: 'Europe/London', Keep: 'y' };
      const { shown } = await asked(directory, answers, { columns: 60 });
      const lines = stripVTControlCharacters(shown).split('\n');
      assert.match(
        shown,
        /\n {2}8 of 8 linked captures lie hours from the times of their\n {2}rounds: .*\n[\s\S]*\n {2}-> take the zone/,
      );
      const prompts = /^(The settings of|[A-Z_]+[ :]|Write|Change| {2}sqlite| {2}Keep)/;
      assert.deepEqual(
        lines.filter((line) => line.length > 60 && line.includes(' ') && !prompts.test(line)),
        [],
      );
    });
  });

  test('offers the usual zone where nothing is linked, and says that nothing tells', async () => {
    await withScene({ source: 'sqlite', rows: { rounds: [] } }, async ({ directory, sourceUrl }) => {
      const { shown } = await asked(
        directory,
        { SOURCE_DATABASE_URL: sourceUrl },
        { hostZone: 'Europe/Vienna' },
      );
      assert.match(shown, /SERVER_TIMEZONE \[Europe\/Ljubljana\]/);
      assert.match(shown, /too few linked captures tell whether it is Europe\/Ljubljana/);
    });
  });

  test('looks into the logs that are named', async () => {
    await withScene({ source: 'sqlite' }, async ({ directory, sourceUrl }) => {
      const path = (name: string) => join(directory, name);
      writeFileSync(path('notes.txt'), 'milk\neggs\n');
      writeFileSync(path('other.log'), '2026-02-16 21:00:00 | INFO | other | nothing of a round\n');
      writeFileSync(path('empty.log'), '');
      const { shown } = await asked(directory, {
        SOURCE_DATABASE_URL: sourceUrl,
        WEBHOOK_LOG: [
          path('absent.log'),
          path('notes.txt'),
          path('*.none'),
          `${join(fixture, 'logs', 'webhook.log')},${path('absent.log')}`,
          join(fixture, 'logs', 'webhook.log'),
        ],
        CONSOLE_LOG: [path('other.log'), ''],
        Keep: ['n', 'n', 'n', 'n'],
      });
      for (const text of [
        /absent\.log: it does not exist\n {2}-> correct the path, or give/,
        /of its last 2 lines none is one of the bot's\n {2}-> name the bot's webhook\.log: DATE TIME \|/,
        /\*\.none: nothing matches it/,
        /1 file; \d+ of its last \d+ lines tell of rounds; the newest line is of 2026-02-\d\d \d\d:/,
        /of its last 1 line none tells of a round; last written .*\n {2}-> name the game server's etconsole\.log/,
      ])
        assert.match(shown, text);
      assert.equal(shown.match(/Keep it all the same/g)?.length, 4);
      const again = await asked(directory, { CONSOLE_LOG: path('empty.log') });
      assert.match(again.shown, /it is empty, last written /);
      const full = await asked(directory, { CONSOLE_LOG: join(fixture, 'etconsole.log') });
      assert.match(full.shown, /1 file; \d+ of its last \d+ lines tell of rounds; last written /);
    });
  });

  test('asks for the password of a PostgreSQL role apart, and shows no part of it', async () => {
    await inDirectory(async ({ directory }) => {
      const { shown } = await asked(directory, {
        SOURCE_DATABASE_URL: 'postgres://ann@127.0.0.1:1/stats',
        password: 'planted p@ss',
        Keep: 'y',
      });
      assert.doesNotMatch(shown, /planted/);
      const url = new URL(parse(readFileSync(envOf(directory), 'utf8')).SOURCE_DATABASE_URL!);
      assert.equal(decodeURIComponent(url.password), 'planted p@ss');
      const again = await asked(directory, { Keep: 'y' });
      assert.match(again.shown, /SOURCE_DATABASE_URL \[postgres:\/\/ann:\*\*\*@127\.0\.0\.1:1\/stats\]/);
      assert.doesNotMatch(again.shown, /planted/);
    });
  });

  for (const [when, answers] of [
    ['at the first question', { SOURCE_DATABASE_URL: '\u0003' }],
    ['at the last one', { SOURCE_DATABASE_URL: 'sqlite:x.sqlite', Keep: 'y', Write: '\u0003' }],
  ] as const)
    test(`Ctrl-C ${when} leaves nothing`, async () => {
      await inDirectory(async ({ directory }) => {
        const { end } = await asked(directory, answers);
        assert.match(String(end), /stopped by you; nothing was written/);
        assert.deepEqual(readdirSync(directory), []);
      });
    });

  test('a no to the last question writes nothing', async () => {
    await inDirectory(async ({ directory }) => {
      const { end } = await asked(directory, {
        SOURCE_DATABASE_URL: 'sqlite:x.sqlite',
        Keep: 'y',
        Write: 'n',
      });
      assert.equal(end, null);
      assert.deepEqual(readdirSync(directory), []);
    });
  });

  const hasScript = spawnSync('script', ['--version']).status === 0;
  test('on a real terminal Ctrl-C exits 1', { skip: !hasScript && 'script is not installed' }, async () => {
    await inDirectory(async ({ directory }) => {
      const main = fileURLToPath(new URL('../../jobs/main.ts', import.meta.url));
      const command = `${process.execPath} --import ${import.meta.resolve('tsx')} ${main} init`;
      const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
        cwd: directory,
        env: { PATH: process.env.PATH ?? '', TERM: 'xterm' },
      });
      let shown = '';
      let isAsked = false;
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
        if (isAsked || !shown.includes('SOURCE_DATABASE_URL: ')) return;
        isAsked = true;
        child.stdin.write('\u0003');
      });
      const code = await new Promise((ended) => child.on('close', ended));
      assert.equal(code, 1, shown);
      assert.match(shown, /stopped by you; nothing was written/);
      assert.equal(existsSync(envOf(directory)), false);
    });
  });
});

describe('the text of .env', () => {
  const name = fc.constantFrom('A_ONE', 'B_TWO', 'C_THREE');
  const value = fc.string({ minLength: 1, unit: 'grapheme-ascii' }).filter((text) => text.trim() === text);

  test('reads back as it was meant, and only what is changed changes', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), fc.dictionary(name, fc.option(value)), (before, changes) => {
        let text: string;
        let changed: string;
        try {
          text = changeEnvText('# a comment\nOTHER="as it is" # so\n', new Map(Object.entries(before)));
          changed = changeEnvText(text, new Map(Object.entries(changes)));
        } catch (refused) {
          // Some values have no spelling: they are refused, and never written otherwise.
          assert.match(String(refused), /cannot stand in a \.env file|cannot be changed safely/);
          return;
        }
        const expected = Object.entries({ OTHER: 'as it is', ...before, ...changes }).filter(
          ([, set]) => set !== null,
        );
        assert.deepEqual(parse(changed), Object.fromEntries(expected));
        assert.ok(changed.startsWith('# a comment\nOTHER="as it is" # so\n'));
      }),
    );
  });

  test('spells values with quotes so that no other line is read into them', () => {
    const changes = new Map([
      ['A_ONE', '"$'],
      ['B_TWO', '"'],
      ['C_THREE', "'"],
    ]);
    assert.deepEqual(parse(changeEnvText('', changes)), Object.fromEntries(changes));
  });

  test('refuses a file whose lines are not what they seem', () => {
    assert.throws(
      () => changeEnvText('NOTE="first\nREPAIR=on\nlast"\n', new Map([['REPAIR', 'off']])),
      /cannot be changed safely/,
    );
  });
});
