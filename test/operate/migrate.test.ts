import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Migrated } from '../../jobs/migrate.ts';
import { migrations } from '../../src/ledger/migrations.ts';
import { databaseKinds, openTestDatabase, skipWithoutConnections } from '../databases.ts';
import { runCommand, using } from '../failure/scene.ts';
import { inDirectory } from './tree.ts';

const all = migrations.map(({ name }) => name);
const isSorted = (names: readonly string[]) => assert.deepEqual([...names].sort(), names);

for (const kind of databaseKinds)
  describe(`migrate (${kind})`, () => {
    async function withLedgerUrl(
      work: (place: Parameters<typeof runCommand>[0], url: string) => Promise<void>,
    ) {
      const database = await openTestDatabase(kind);
      try {
        await inDirectory((place) => work(place, database.url), { LEDGER_DATABASE_URL: database.url });
      } finally {
        await database.close();
      }
    }
    const migrated = async (place: Parameters<typeof runCommand>[0], ...args: string[]) => {
      const { code, stdout, stderr } = await runCommand(place, ['migrate', '--json', ...args]);
      assert.equal(stderr, '');
      return { code, ...(JSON.parse(stdout) as Migrated) };
    };

    test('shows what is pending without making anything, applies it, and then finds nothing', async () => {
      await withLedgerUrl(async (place) => {
        const { code, pending, applied } = await migrated(place, '--dry-run');
        assert.deepEqual({ code, pending, applied }, { code: 3, pending: all, applied: [] });
        assert.deepEqual(readdirSync(place.directory), []);
        const first = await migrated(place);
        assert.deepEqual([first.code, first.applied, first.pending], [0, all, []]);
        const { stdout, code: again } = await runCommand(place, ['migrate', '--dry-run']);
        assert.equal(again, 0);
        assert.match(stdout, /has the newest schema; nothing was to be done/);
      });
    });

    test('two at once apply each migration once', { skip: skipWithoutConnections(kind) }, async () => {
      await withLedgerUrl(async (place) => {
        const both = await Promise.all([migrated(place), migrated(place)]);
        assert.deepEqual(
          both.map(({ code, pending }) => [code, pending]),
          [
            [0, []],
            [0, []],
          ],
        );
        assert.deepEqual(both.flatMap(({ applied }) => applied).sort(), [...all].sort());
        isSorted(all);
      });
    });

    test('refuses a ledger that a newer version made', async () => {
      await withLedgerUrl(async (place, url) => {
        await migrated(place);
        const schema = kind === 'postgres' ? 'roundwarden.' : '';
        await using(url, ({ knex }) =>
          knex.raw(`insert into ${schema}migrations (name, applied_at) values ('999-later', '')`),
        );
        for (const args of [['migrate'], ['migrate', '--dry-run']]) {
          const { code, stderr } = await runCommand(place, args);
          assert.equal(code, 1);
          assert.match(stderr, /made by a newer Roundwarden \(it has 999-later\)/);
        }
      });
    });
  });
