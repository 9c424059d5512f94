import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { skipWithoutConnections } from '../databases.ts';
import { roleSql } from '../role-sql.ts';
import { readLedger, runAudit, runCommand, type Scene, using, withScene, withSettings } from './scene.ts';

const insufficientPrivilege = '42501';

const execute = (url: string, sql: string) =>
  using(url, async ({ knex }) => {
    await knex.raw(sql);
  });

async function refusedBy(url: string, sql: string): Promise<string> {
  try {
    await execute(url, sql);
  } catch (thrown) {
    return String((thrown as { code?: string }).code);
  }
  return 'allowed';
}

/** A ledger that its owner made, and the installation as the role of every day uses it. */
async function withLedgerRole(work: (scene: Scene, owner: Scene) => Promise<void>): Promise<void> {
  const role = `rw_ledger_${randomBytes(4).toString('hex')}`;
  try {
    await withScene({ source: 'sqlite', ledger: 'postgres' }, async (owner) => {
      const { ledgerUrl } = owner.config;
      // The first command of the owner makes the tables.
      const made = await runCommand(owner, ['ledger', 'head']);
      assert.equal((await runCommand(owner, ['audit', '--round', '9856'])).code, 0, made.stderr);
      await execute(ledgerUrl, roleSql('ledger').replaceAll('roundwarden_ledger', role));
      const url = new URL(ledgerUrl);
      url.username = role;
      await work(withSettings(owner, { LEDGER_DATABASE_URL: url.href }), owner);
      await execute(ledgerUrl, `drop owned by ${role}`);
    });
  } finally {
    await execute(process.env.TEST_DATABASE_URL!, `drop role if exists ${role}`);
  }
}

describe('the ledger role that docs/security.md describes', {
  skip: skipWithoutConnections('postgres'),
}, () => {
  test('does everything that is done every day', async () => {
    await withLedgerRole(async (scene) => {
      const ended = await runCommand(scene, ['audit', '--all', '--json']);
      assert.equal(ended.code, 0, ended.stderr);
      assert.equal((JSON.parse(ended.stdout) as AuditResult).after.covered, 18);
      const [started] = (await readLedger(scene)).entries.filter(({ kind }) => kind === 'repair.done');
      for (const args of [
        ['ledger', 'verify'],
        ['report', '--date', '2026-02-16'],
        ['incidents', 'note', '1', 'seen'],
        ['revert', String(started!.seq)],
        ['notify'],
      ]) {
        const { code, stderr } = await runCommand(scene, args);
        assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
      }
    });
  });

  test('can neither change entries nor take their guards away', async () => {
    await withLedgerRole(async (scene, owner) => {
      const { ledgerUrl } = scene.config;
      for (const sql of [
        "update roundwarden.entries set body = '{}'",
        'delete from roundwarden.entries',
        'truncate roundwarden.entries',
        'drop table roundwarden.entries',
        'alter table roundwarden.entries disable trigger all',
        'drop trigger entries_stay on roundwarden.entries',
        "set session_replication_role = 'replica'",
        'drop schema roundwarden cascade',
        'create table roundwarden.entries_of_mine (seq bigint)',
        "insert into roundwarden.migrations (name, applied_at) values ('999', 'now')",
      ])
        assert.equal(await refusedBy(ledgerUrl, sql), insufficientPrivilege, sql);
      const said = async (asked: Scene) => {
        const { stdout } = await runCommand(asked, ['doctor', '--json']);
        const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string; what: string }[] };
        return checks.find(({ name }) => name === 'ledger role');
      };
      assert.equal((await said(scene))?.state, 'ok');
      const superuser = await said(owner);
      assert.equal(superuser?.state, 'warning');
      assert.match(superuser!.what, /superuser|owns them/);
      await runAudit(scene);
    });
  });
});
