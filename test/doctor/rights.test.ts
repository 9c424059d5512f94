import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createSource, type SchemaVersion } from '../../src/source/create.ts';
import { databaseClock, missingKeys } from '../../src/source/look.ts';
import { inspectRights, type Purpose, type Rights, rightText } from '../../src/source/rights.ts';
import { inspectSource } from '../../src/source/schema.ts';
import { forEachDatabase, openTestDatabase, skipWithoutConnections } from '../databases.ts';
import { using } from '../failure/scene.ts';
import { roleSql } from '../role-sql.ts';
import { checkOf, doctor, namesOf } from './hosts.ts';
import { inInstallation } from './installation.ts';

const skip = skipWithoutConnections('postgres');

const execute = (url: string, sql: string) => using(url, ({ knex }) => knex.raw(sql));

function asRole(url: string, role: string, password = ''): string {
  const changed = new URL(url);
  changed.username = role;
  changed.password = password;
  return changed.href;
}

/** The two roles of docs/security.md for a source, under names of their own; they go afterwards. */
async function withRoles(url: string, work: (role: string) => Promise<void>, version?: SchemaVersion) {
  const role = `rw_doctor_${randomBytes(4).toString('hex')}`;
  const block = roleSql('least privilege').replaceAll(/\broundwarden/g, role);
  try {
    await execute(url, version === 'february' ? block.replace(/,\s*round_canonical_id/, '') : block);
    await work(role);
  } finally {
    for (const name of [`${role}_revert`, role]) {
      await execute(url, `drop owned by ${name}`).catch(() => undefined);
      await execute(process.env.TEST_DATABASE_URL!, `drop role if exists ${name}`);
    }
  }
}

const rightsOf = (url: string, purpose: Purpose): Promise<Rights> =>
  using(url, async (database) => inspectRights(database, await inspectSource(database), purpose));

async function inSource(
  version: SchemaVersion,
  work: (url: string, role: string) => Promise<void>,
): Promise<void> {
  const source = await openTestDatabase('postgres');
  try {
    await using(source.url, (database) => createSource(database, version));
    await withRoles(source.url, (role) => work(source.url, role), version);
  } finally {
    await source.close();
  }
}

const texts = ({ lacking }: Rights) => lacking.map(rightText).sort();

describe('the rights of a role', { skip }, () => {
  for (const version of ['february', 'august'] as const)
    test(`are exactly those that docs/security.md grants (${version})`, async () => {
      await inSource(version, async (url, role) => {
        for (const [name, purpose] of [
          [role, 'write'],
          [`${role}_revert`, 'revert'],
        ] as const)
          assert.deepEqual(await rightsOf(asRole(url, name), purpose), {
            role: name,
            lacking: [],
            beyond: [],
          });
      });
    });

  test('lack what was not granted, each by its name', async () => {
    await inSource('august', async (url, role) => {
      await execute(
        url,
        `revoke insert on lua_spawn_stats from ${role};
         revoke usage on sequence lua_round_teams_id_seq from ${role};
         revoke update (end_reason, pause_count) on rounds from ${role}`,
      );
      assert.deepEqual(texts(await rightsOf(asRole(url, role), 'write')), [
        'INSERT ON lua_spawn_stats',
        'UPDATE (pause_count, end_reason) ON rounds',
        'USAGE ON SEQUENCE lua_round_teams_id_seq',
      ]);
      assert.deepEqual(texts(await rightsOf(asRole(url, role), 'read')), []);
      assert.deepEqual(
        texts(await rightsOf(asRole(url, role), 'revert')).filter((text) => text.startsWith('DELETE')),
        ['DELETE ON lua_round_teams', 'DELETE ON lua_spawn_stats'],
      );
    });
  });

  test('go beyond what is needed where more was granted', async () => {
    await inSource('august', async (url, role) => {
      const beyond = async (sql: string, undo: string) => {
        await execute(url, sql);
        const found = (await rightsOf(asRole(url, role), 'write')).beyond;
        await execute(url, undo);
        return found;
      };
      const cases: readonly [string, string, string][] = [
        ['delete on lua_round_teams', 'DELETE on lua_round_teams', ''],
        ['truncate on lua_spawn_stats', 'TRUNCATE on lua_spawn_stats', ''],
        ['insert on rounds', 'INSERT on rounds', ''],
        ['update (winner_team, map_name) on rounds', 'UPDATE (map_name, winner_team) on rounds', ''],
      ];
      for (const [right, said] of cases)
        assert.deepEqual(await beyond(`grant ${right} to ${role}`, `revoke ${right} from ${role}`), [said]);
      // The right on columns goes with the one on the table.
      const filled = roleSql('least privilege').match(/GRANT UPDATE \([^)]*\)/)![0];
      assert.deepEqual(
        await beyond(
          `grant update on rounds to ${role}`,
          `revoke update on rounds from ${role}; ${filled} on rounds to ${role}`,
        ),
        ['UPDATE on every column of rounds'],
      );
      assert.deepEqual((await rightsOf(asRole(url, role), 'write')).beyond, []);
      const superuser = await rightsOf(url, 'write');
      assert.deepEqual(superuser.beyond, ['everything: it is a superuser']);
      await execute(url, `alter table lua_spawn_stats owner to ${role}`);
      assert.deepEqual((await rightsOf(asRole(url, role), 'write')).beyond, [
        'everything on lua_spawn_stats: it owns them',
      ]);
      await execute(url, `alter table lua_spawn_stats owner to current_user`);
    });
  });

  test('to revert include looking into the tables that refer to captures', async () => {
    await inSource('august', async (url, role) => {
      await execute(url, 'create table round_correlations (lua_id integer references lua_round_teams (id))');
      assert.deepEqual(texts(await rightsOf(asRole(url, `${role}_revert`), 'revert')), [
        'SELECT ON round_correlations',
      ]);
      assert.deepEqual(texts(await rightsOf(asRole(url, role), 'write')), []);
    });
  });
});

test('doctor spells out the grants that a role lacks, for both roles', { skip }, async () => {
  await inInstallation(
    async ({ scene, set }) => {
      await withRoles(scene.sourceUrl, async (role) => {
        const roles = {
          SOURCE_DATABASE_URL: asRole(scene.sourceUrl, role, 'hunter2'),
          SOURCE_REVERT_URL: asRole(scene.sourceUrl, `${role}_revert`),
        };
        const well = await doctor(set(roles));
        assert.equal(well.code, 0, well.said);
        assert.deepEqual(namesOf(well, 'problem', 'warning', 'unchecked'), []);
        assert.equal(checkOf(well, 'clock of the database').state, 'ok');

        await execute(
          scene.sourceUrl,
          `revoke update (end_reason) on rounds from ${role}; revoke delete on lua_spawn_stats from ${role}_revert`,
        );
        const seen = await doctor(set(roles));
        assert.deepEqual(namesOf(seen, 'problem'), ['rights', 'rights for revert']);
        assert.equal(checkOf(seen, 'rights').mend, `GRANT UPDATE (end_reason) ON rounds TO ${role};`);
        assert.equal(
          checkOf(seen, 'rights for revert').mend,
          `GRANT DELETE ON lua_spawn_stats TO ${role}_revert; GRANT UPDATE (end_reason) ON rounds TO ${role}_revert;`,
        );
        const reading = await doctor(set({ ...roles, REPAIR: 'off' }));
        assert.equal(checkOf(reading, 'rights').state, 'ok');

        const alone = await doctor(set({ SOURCE_DATABASE_URL: roles.SOURCE_DATABASE_URL, REPAIR: 'on' }));
        assert.equal(checkOf(alone, 'rights for revert').state, 'warning');
        const master = await doctor(scene);
        assert.equal(master.code, 0, 'a warning is not red');
        assert.match(checkOf(master, 'rights').what, /it is a superuser/);
        const gone = await doctor(
          set({ ...roles, SOURCE_REVERT_URL: asRole(scene.sourceUrl, 'nobody_such') }),
        );
        assert.ok(namesOf(gone, 'problem').includes('SOURCE_REVERT_URL'));
        for (const { said } of [well, seen, alone, gone]) assert.doesNotMatch(said, /hunter2/);
      });
    },
    { source: 'postgres' },
  );
});

test('a role that may not read rounds takes no other check with it', { skip }, async () => {
  await inInstallation(
    async ({ scene, set }) => {
      await withRoles(scene.sourceUrl, async (role) => {
        const url = asRole(scene.sourceUrl, role);
        const before = await doctor(set({ SOURCE_DATABASE_URL: url, SOURCE_READ_URL: scene.sourceUrl }));
        await execute(scene.sourceUrl, `revoke select on rounds from ${role}`);
        const seen = await doctor(set({ SOURCE_DATABASE_URL: url, SOURCE_READ_URL: scene.sourceUrl }));
        assert.equal(seen.code, 3);
        assert.deepEqual(
          seen.checks.map(({ name }) => name),
          before.checks.map(({ name }) => name),
        );
        const blind = ['R2 coverage', 'SERVER_TIMEZONE', 'SOURCE_READ_URL', 'rounds'];
        assert.deepEqual(namesOf(seen, 'unchecked'), blind);
        for (const name of blind)
          assert.match(checkOf(seen, name).what, /permission denied for table rounds/);
        assert.deepEqual(namesOf(seen, 'problem'), ['rights']);
        assert.match(checkOf(seen, 'rights').mend!, /^GRANT SELECT ON rounds TO /);
        assert.equal(checkOf(seen, 'clock of the database').state, 'ok');
        assert.equal(checkOf(seen, 'process').state, 'ok');
      });
    },
    { source: 'postgres' },
  );
});

forEachDatabase('the unique keys of the pipeline', (kind) => {
  test('are there, and are missed where they are not', async () => {
    const source = await openTestDatabase(kind);
    try {
      await using(source.url, async (database) => {
        await createSource(database);
        const schema = await inspectSource(database);
        assert.deepEqual(await missingKeys(database, schema), []);
        await database.knex.raw('alter table lua_round_teams rename to with_key');
        await database.knex.raw('create table lua_round_teams as select * from with_key');
        assert.deepEqual(await missingKeys(database, schema), ['lua_round_teams (match_id, round_number)']);
        const clock = await databaseClock(database);
        assert.equal(clock === null, kind === 'sqlite');
        if (clock !== null) assert.ok(Math.abs(clock - Date.now()) < 5_000);
      });
    } finally {
      await source.close();
    }
  });
});
