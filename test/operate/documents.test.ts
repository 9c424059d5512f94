import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { examples } from '../../jobs/examples.ts';
import { settingNames } from '../../src/config.ts';
import { commandTree, problemOfLine, root } from './tree.ts';

const textOf = (file: string) => readFileSync(join(root, file), 'utf8');
const manual = textOf('docs/operations.md');
const units = readdirSync(join(root, 'deploy/systemd'));
let tree: Awaited<ReturnType<typeof commandTree>>;
before(async () => {
  tree = await commandTree();
});

const sectionOf = (title: string) => manual.split(`\n## ${title}\n`)[1]!.split('\n## ')[0]!;
const firstCells = (text: string) => [...text.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell]) => cell!);

describe('docs/operations.md', () => {
  test('has a row for every setting, and for nothing else', () => {
    const rows = firstCells(sectionOf('Settings')).flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)]);
    assert.deepEqual(rows.map(([, name]) => name!).sort(), [...settingNames].sort());
  });

  test('says what to do about every check of doctor', () => {
    const files = readdirSync(join(root, 'jobs')).filter((name) => /^doctor-.*\.ts$/.test(name));
    const made =
      /\b(?:ok|note|problem|warning|unchecked|unseen\(asked\))\(\s*['`]([^'`$]+)['`],|\bname(?: =|:) '([^'$]+)'/g;
    const names = files.flatMap((file) =>
      [...textOf(`jobs/${file}`).matchAll(made)].map(([, one, other]) => (one ?? other)!),
    );
    assert.ok(names.length > 10);
    const section = sectionOf('When something is red');
    assert.deepEqual([...new Set(names)].filter((name) => !section.includes(name)).sort(), []);
  });

  test('says what each exit code means', () => {
    const codes = firstCells(sectionOf('When something is red')).filter((cell) => /^\d$/.test(cell));
    assert.deepEqual(codes, ['0', '1', '2', '3', '4']);
  });

  test('names no command and no option that is not there', () => {
    const blocks = [...manual.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.split('\n'));
    const inline = [...manual.matchAll(/`(roundwarden [^`]+)`/g)].map(([, line]) => line!);
    const calls = [...blocks, ...inline].flatMap((line) => {
      if (/docker run|--restart|useradd|^install |chown/.test(line)) return [];
      const [, call] = /.*(?:^|\s)(?:roundwarden|node dist\/jobs\/main\.js) ([a-z-][^#>]*)/.exec(line) ?? [];
      return call === undefined ? [] : [call];
    });
    assert.ok(calls.length > 20);
    assert.deepEqual(
      calls.map((call) => problemOfLine(call, tree.words)).filter((one) => one !== null),
      [],
    );
  });

  test('names no file of the repository that is not there', () => {
    const named = [
      ...manual.matchAll(/\/opt\/roundwarden\/(deploy\/[\w/.-]+)|`(deploy\/[\w/.-]+)`|\]\(([\w./-]+\.md)\)/g),
    ];
    const files = named.map(([, one, two, three]) => one ?? two ?? join('docs', three!));
    assert.ok(files.length > 5);
    assert.deepEqual(
      files.filter((file) => !existsSync(join(root, file))),
      [],
    );
    const unitsNamed = [...manual.matchAll(/roundwarden(?:-\w+)?\.(?:service|timer)/g)].map(([name]) => name);
    assert.deepEqual(
      unitsNamed.filter((name) => !units.includes(name)),
      [],
    );
  });
});

describe('the files for the host', () => {
  const commandsIn = (text: string) =>
    [...text.matchAll(/dist\/jobs\/main\.js ([a-z][a-z0-9 -]*)/g)].map(([, call]) =>
      call!.replace(/ 2$/, ''),
    );

  test('start commands that there are', () => {
    const files = ['deploy/crontab', ...units.map((unit) => `deploy/systemd/${unit}`)];
    const calls = files.flatMap((file) => commandsIn(textOf(file)));
    assert.ok(calls.length > 8);
    assert.deepEqual(
      calls.map((call) => problemOfLine(call, tree.words)).filter((one) => one !== null),
      [],
    );
  });

  test('give a stop more than the ten seconds that a run takes for it', () => {
    const { apps } = createRequire(import.meta.url)(join(root, 'ecosystem.config.cjs')) as {
      apps: Record<string, unknown>[];
    };
    for (const app of apps) {
      assert.ok((app.kill_timeout as number) > 10_000);
      assert.ok(!('cron_restart' in app));
      assert.deepEqual((app.env as Record<string, string>).TZ, 'UTC');
    }
    assert.deepEqual(
      apps.map(({ args }) => problemOfLine(String(args), tree.words)),
      [null, null],
    );
    for (const unit of units.filter((name) => name.endsWith('.service')))
      assert.match(textOf(`deploy/systemd/${unit}`), /^TimeoutStopSec=15$/m);
  });

  test('are hardened alike, and every timer has its service', () => {
    const services = units.filter((name) => name.endsWith('.service'));
    const hardening = services.map((name) =>
      textOf(`deploy/systemd/${name}`).split('# What it may not do.')[1]!.split('\n[')[0]!.trim(),
    );
    assert.equal(new Set(hardening).size, 1);
    assert.match(hardening[0]!, /NoNewPrivileges=yes[\s\S]*ProtectSystem=strict[\s\S]*SystemCallFilter=/);
    for (const timer of units.filter((name) => name.endsWith('.timer')))
      assert.ok(services.includes(timer.replace('.timer', '.service')));
  });

  const systemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  test('pass systemd-analyze verify', { skip: !systemd && 'systemd is not installed' }, () => {
    // The program need not be at /usr/bin here.
    const directory = mkdtempSync(join(tmpdir(), 'roundwarden-units-'));
    try {
      const paths = units.map((unit) => {
        const text = textOf(`deploy/systemd/${unit}`).replaceAll('/usr/bin/node', process.execPath);
        writeFileSync(join(directory, unit), text);
        return join(directory, unit);
      });
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], {
        encoding: 'utf8',
      });
      const ours = stderr.split('\n').filter((line) => line.includes('roundwarden'));
      assert.deepEqual([ours, status], [[], 0]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

test('the command of the host says what is missing where nothing is built', () => {
  const empty = mkdtempSync(join(tmpdir(), 'roundwarden-unbuilt-'));
  try {
    const env = { ...process.env, ROUNDWARDEN_HOME: empty };
    const { status, stderr } = spawnSync('sh', [join(root, 'deploy/roundwarden'), 'audit'], {
      env,
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.match(stderr, /has no dist\/jobs\/main\.js: run `npm ci` and `npm run build` there/);
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
});

describe('the help', () => {
  test('has examples that can be read, of commands that there are', () => {
    for (const [path, lines] of Object.entries(examples)) {
      assert.ok(tree.words.has(path), path);
      for (const [line] of lines) {
        assert.ok(line.startsWith(path), line);
        assert.equal(problemOfLine(line, tree.words), null);
      }
    }
  });
});

describe('completion', () => {
  /** What bash offers for the last of these words. */
  function offered(...typed: string[]): string[] {
    const words = ['roundwarden', ...typed].map((word) => `'${word}'`).join(' ');
    const asking = `COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _roundwarden 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, status, stderr } = spawnSync('bash', ['--norc', '-c', `${tree.script}\n${asking}`], {
      encoding: 'utf8',
      cwd: root,
    });
    assert.equal(status, 0, stderr);
    return stdout.split('\n').filter((line) => line !== '');
  }

  test('completes commands, options, choices and files in bash', () => {
    assert.deepEqual(offered('inc'), ['incidents']);
    assert.deepEqual(offered('incidents', 're'), ['reopen', 'resolve']);
    assert.deepEqual(offered('ledger', 'verify', '--a'), ['--anchor']);
    assert.deepEqual(offered('completion', ''), ['bash', 'zsh', 'fish', '--help']);
    assert.deepEqual(offered('backup', '--to', 'READ'), ['README.md']);
    assert.deepEqual(offered('audit', '--since', ''), []);
  });

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const isThere = spawnSync(shell, ['--version']).status === 0;
    test(`is a script that ${shell} reads`, { skip: !isThere && `${shell} is not installed` }, () => {
      const { stdout } = spawnSync(
        process.execPath,
        ['--import', import.meta.resolve('tsx'), join(root, 'jobs/main.ts'), 'completion', shell],
        { encoding: 'utf8' },
      );
      assert.ok(stdout.length > 1_000);
      const read = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
      assert.deepEqual([read.status, read.stderr], [0, '']);
    });
  }
});
