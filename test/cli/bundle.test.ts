import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const directory = mkdtempSync(join(tmpdir(), 'roundwarden-built-'));
const built = join(directory, 'dist', 'jobs', 'main.js');

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
  execFileSync(process.execPath, [join(root, 'build/bundle.mjs'), out]);
});
after(() => rmSync(directory, { recursive: true, force: true }));

describe('the built program', () => {
  it('has parts, of which each command loads its own', () => {
    assert.ok(readdirSync(join(directory, 'dist/jobs')).some((name) => name.startsWith('part-')));
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

  it('writes a report, with what only reports need', () => {
    const made = run('built', ['report', '--date', '2026-02-16', '--json'], {
      DATA_DIR: 'data/demo',
      SOURCE_DATABASE_URL: 'sqlite:data/demo/source.sqlite',
      LEDGER_DATABASE_URL: 'sqlite:data/demo/ledger.sqlite',
    });
    assert.equal(made.status, 0, made.stderr);
    assert.ok(readdirSync(join(directory, 'built/data/demo/reports')).some((name) => name.endsWith('.html')));
  });
});
