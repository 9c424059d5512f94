import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import pg from 'pg';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { skipWithoutConnections } from '../databases.ts';
import { roleSql } from '../role-sql.ts';
import {
  bodyOf,
  dumpSource,
  incidentRows,
  ofKind,
  readLedger,
  runAudit,
  runCommand,
  type Scene,
  withScene,
  withSettings,
} from './scene.ts';

const block = roleSql('least privilege');
const skip = skipWithoutConnections('postgres');

/** Roles belong to the whole server, so those of a test have names of their own and go with it. */
interface Roles {
  audit: string;
  revert: string;
  reader: string;
}

const asRole = (url: string, role: string) => {
  const changed = new URL(url);
  changed.username = role;
  return changed.href;
};

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function withRoles(
  options: { rows?: ReturnType<typeof incidentRows> },
  work: (scene: Scene, roles: Roles) => Promise<void>,
): Promise<void> {
  const name = `rw_role_${randomBytes(4).toString('hex')}`;
  const roles = { audit: name, revert: `${name}_revert`, reader: `${name}_reader` };
  try {
    await withScene({ source: 'postgres', rows: options.rows }, async (scene) => {
      await execute(scene.sourceUrl, block.replaceAll(/\broundwarden/g, name));
      await execute(
        scene.sourceUrl,
        `create role ${roles.reader} login;
         grant select on rounds, lua_round_teams, lua_spawn_stats to ${roles.reader}`,
      );
      const settings = {
        SOURCE_DATABASE_URL: asRole(scene.sourceUrl, roles.audit),
        SOURCE_REVERT_URL: asRole(scene.sourceUrl, roles.revert),
      };
      await work(withSettings(scene, settings), roles);
    });
  } finally {
    for (const role of [roles.reader, roles.revert, roles.audit])
      await execute(process.env.TEST_DATABASE_URL!, `drop role if exists ${role}`);
  }
}

async function refusedBy(url: string, sql: string): Promise<string> {
  try {
    await execute(url, sql);
  } catch (thrown) {
    return String((thrown as { code?: string }).code);
  }
  return 'allowed';
}

const insufficientPrivilege = '42501';

describe('the role that docs/security.md describes', { skip }, () => {
  test('audits and repairs the incident', async () => {
    await withRoles({}, async (scene) => {
      const ended = await runCommand(scene, ['audit', '--all', '--json']);
      assert.equal(ended.code, 0, ended.stderr);
      const result = JSON.parse(ended.stdout) as AuditResult;
      assert.equal(result.after.covered, 18);
      assert.equal(result.verdicts.filter(({ outcome }) => outcome?.startsWith('refused')).length, 0);
      assert.equal((await runCommand(scene, ['ledger', 'verify'])).code, 0);
    });
  });

  test('relinks what is on the wrong round, and fills what covered rounds lack', async () => {
    const rows = incidentRows();
    const links: Record<number, number> = { 2: 424_242, 6: 9867, 7: 9864 };
    for (const capture of rows.captures) capture.round_id = links[capture.id as number] ?? capture.round_id!;
    await withRoles({ rows }, async (scene) => {
      const result = await runAudit(withSettings(scene, { REPAIR_COVERED: 'on' }));
      assert.equal(result.after.covered, 18);
      assert.deepEqual(new Set(result.plan.map(({ outcome }) => outcome)), new Set(['done']));
      assert.ok(result.plan.some(({ repairs }) => repairs.length === 2));
    });
  });

  test('may do nothing else', async () => {
    await withRoles({}, async (scene, roles) => {
      await runAudit(scene);
      const url = scene.config.sourceUrl;
      const forbidden = [
        'delete from lua_round_teams',
        'delete from lua_spawn_stats',
        'delete from rounds',
        'truncate lua_spawn_stats',
        'insert into rounds (match_id, round_number) values ($$x$$, 1)',
        'update rounds set winner_team = 1',
        'update rounds set map_name = $$x$$',
        'update rounds set round_status = $$cancelled$$',
        'update rounds set match_id = $$x$$',
        'drop table lua_spawn_stats',
        'alter table rounds add column x int',
      ];
      const deletes = ['delete from lua_round_teams where false', 'delete from lua_spawn_stats where false'];
      for (const sql of forbidden) assert.equal(await refusedBy(url, sql), insufficientPrivilege, sql);
      for (const sql of deletes) assert.equal(await refusedBy(scene.config.sourceRevertUrl, sql), 'allowed');
      const beyond = forbidden.filter((sql) => !/^delete from lua_/.test(sql));
      for (const sql of beyond)
        assert.equal(await refusedBy(scene.config.sourceRevertUrl, sql), insufficientPrivilege, sql);
      assert.equal(await refusedBy(url, 'update rounds set end_reason = end_reason'), 'allowed');
      assert.equal(
        await refusedBy(url, `select 1 from pg_roles where rolname = '${roles.audit}'`),
        'allowed',
      );
    });
  });

  test('cannot revert, and says so; the role for reverts can', async () => {
    await withRoles({}, async (scene) => {
      const before = await dumpSource(scene.config.sourceUrl);
      await runAudit(scene);
      const repaired = await dumpSource(scene.config.sourceUrl);
      const repairs = ofKind((await readLedger(scene)).entries, 'repair.started');
      const weak = withSettings(scene, { SOURCE_REVERT_URL: scene.config.sourceUrl });
      const refused = await runCommand(weak, ['revert', String(repairs[0]!.seq)]);
      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        /^roundwarden: repair \d+ cannot be reverted, nothing was changed: .*permission denied for table lua_/,
      );
      assert.deepEqual(await dumpSource(scene.config.sourceUrl), repaired);
      const { entries } = await readLedger(scene);
      assert.deepEqual(
        ofKind(entries, 'revert.not_done').map((entry) => bodyOf(entry).reason),
        ['rejected'],
      );

      for (const { seq } of repairs) {
        const ended = await runCommand(scene, ['revert', String(seq)]);
        assert.equal(ended.code, 0, ended.stderr);
      }
      assert.deepEqual(await dumpSource(scene.config.sourceUrl), before);
    });
  });
});

describe('a role that may only read', { skip }, () => {
  test('plans the same repairs, explains, and verifies', async () => {
    await withRoles({}, async (scene, roles) => {
      const reading = withSettings(scene, {
        SOURCE_DATABASE_URL: asRole(scene.config.sourceUrl, roles.reader),
        REPAIR: 'off',
      });
      const plan = async (of: Scene) => {
        const ended = await runCommand(of, ['plan', '--all', '--json']);
        assert.equal(ended.code, 3, ended.stderr);
        return JSON.parse(ended.stdout) as AuditResult;
      };
      const [one, other] = [await plan(reading), await plan(scene)];
      assert.equal(one.fingerprint, other.fingerprint);
      assert.equal(one.plan.length, 10);
      assert.equal((await runCommand(reading, ['explain', '9822'])).code, 0);
      assert.equal((await runCommand(reading, ['audit', '--all'])).code, 3, 'with REPAIR=off it audits');
      assert.equal((await runCommand(reading, ['ledger', 'verify'])).code, 0);
    });
  });

  test('is refused every repair, one by one, where repairs are on', async () => {
    await withRoles({}, async (scene, roles) => {
      const url = asRole(scene.config.sourceUrl, roles.reader);
      const ended = await runCommand(withSettings(scene, { SOURCE_DATABASE_URL: url }), [
        'audit',
        '--all',
        '--json',
      ]);
      assert.equal(ended.code, 3, ended.stderr);
      const { plan, after } = JSON.parse(ended.stdout) as AuditResult;
      assert.deepEqual([...new Set(plan.map(({ outcome }) => outcome))], ['refused (rejected)']);
      assert.deepEqual([after.recoverable, after.covered], [10, 8]);
    });
  });

  test('that may not even read is told what it lacks', async () => {
    await withRoles({}, async (scene, roles) => {
      const admin = new URL(scene.config.sourceUrl);
      admin.username = new URL(process.env.TEST_DATABASE_URL!).username;
      await execute(admin.href, `revoke select on rounds from ${roles.reader}`);
      const url = asRole(scene.config.sourceUrl, roles.reader);
      const ended = await runCommand(withSettings(scene, { SOURCE_DATABASE_URL: url }), ['audit', '--all']);
      assert.equal(ended.code, 1);
      assert.match(
        ended.stderr,
        /this role may not do that \(permission denied for table rounds\); grant it: `roundwarden doctor`/,
      );
      const doctor = await runCommand(withSettings(scene, { SOURCE_DATABASE_URL: url }), [
        'doctor',
        '--json',
      ]);
      const { checks } = JSON.parse(doctor.stdout) as { checks: { name: string; mend: string | null }[] };
      assert.match(checks.find(({ name }) => name === 'rights')!.mend!, /grant select on rounds/i);
    });
  });
});
