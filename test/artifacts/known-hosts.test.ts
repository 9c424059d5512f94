import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findHostKeys, fingerprintOf } from '../../src/artifacts/known-hosts.ts';
import { skipWithoutSshd } from '../sshd.ts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbMQXoIfX0QF6xHnuIPQVTpMdAbwFvW8YgCMBzxNhXe';
const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

const count = (text: string, host = 'game.example', port = 22) => {
  const { pinned, revoked } = findHostKeys(text, { host, port });
  return [pinned.length, revoked.length];
};

const cases: readonly [string, string, [number, number]][] = [
  ['the name of the host', `game.example ${key}`, [1, 0]],
  ['one of several names, with a comment', `10.0.0.1,Game.Example ${key} root@game`, [1, 0]],
  ['a pattern', `*.example ${key}`, [1, 0]],
  ['a pattern of one character', `g?me.exampl? ${key}`, [1, 0]],
  ['a pattern that is not allowed for it', `*.example,!game.example ${key}`, [0, 0]],
  ['another name', `game.example.org ${key}`, [0, 0]],
  ['its name with another port', `[game.example]:2222 ${key}`, [0, 0]],
  ['two keys', `game.example ${key}\ngame.example ${other}\n`, [2, 0]],
  ['a revoked key', `@revoked * ${key}\ngame.example ${other}`, [1, 1]],
  ['an authority, which pins no key', `@cert-authority *.example ${key}`, [0, 0]],
  ['a comment', `# game.example ${key}`, [0, 0]],
  ['a key that is none', 'game.example ssh-ed25519 AAAA', [0, 0]],
  ['a key of another kind than it says', `game.example ssh-rsa ${key.split(' ')[1]}`, [0, 0]],
  ['nothing', '', [0, 0]],
];
for (const [what, text, expected] of cases)
  test(`findHostKeys() finds what is pinned by ${what}`, () => assert.deepEqual(count(text), expected));

test('findHostKeys() asks for the port where it is not 22', () => {
  assert.deepEqual(count(`[game.example]:2222 ${key}`, 'game.example', 2222), [1, 0]);
  assert.deepEqual(count(`game.example ${key}`, 'game.example', 2222), [0, 0]);
});

test('findHostKeys() is not kept busy by a pattern that is all stars', () => {
  assert.deepEqual(count(`${'*a'.repeat(2_000)} ${key}`, 'a'.repeat(1_999)), [0, 0]);
});

test('findHostKeys() reads what ssh-keygen has hashed, and the fingerprint is the one that it prints', {
  skip: skipWithoutSshd,
}, () => {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-known-'));
  try {
    const path = join(directory, 'known_hosts');
    writeFileSync(path, `game.example ${key}\n[game.example]:2222 ${other}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', path], { stdio: 'ignore' });
    const hashed = readFileSync(path, 'utf8');
    assert.ok(!hashed.includes('game.example'));
    assert.deepEqual(count(hashed), [1, 0]);
    assert.deepEqual(count(hashed, 'game.example', 2222), [1, 0]);
    assert.deepEqual(count(hashed, 'other.example'), [0, 0]);
    const printed = execFileSync('ssh-keygen', ['-l', '-f', '-'], { input: `${key}\n`, encoding: 'utf8' });
    const { pinned } = findHostKeys(hashed, { host: 'game.example', port: 22 });
    assert.ok(printed.includes(` ${fingerprintOf(pinned[0]!.blob)} `));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
