import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeDatabase, openDatabase } from '../../src/database.ts';
import { ledgerSchema } from '../../src/ledger/migrations.ts';
import { forEachDatabase } from '../databases.ts';
import { dumpSource, longAfterMs, readLedger, runAudit, withScene } from '../failure/scene.ts';

forEachDatabase('settleInterrupted()', (kind) => {
  test('names an entry that is stored as an open repair and is none, and writes nothing', async () => {
    await withScene({ source: 'sqlite', ledger: kind }, async (scene) => {
      await runAudit(scene);
      const before = [await dumpSource(scene.sourceUrl), (await readLedger(scene)).entries];
      const ledger = await openDatabase(scene.config.ledgerUrl, { schema: ledgerSchema });
      await ledger.knex('open_repairs').insert({ seq: 1, source: 'scene' });
      await closeDatabase(ledger);

      const again = runAudit(scene, { nowMs: longAfterMs + 180_000 });
      await assert.rejects(again, /entry 1 is none \(gap\.\w+\).*`roundwarden ledger verify`/);
      assert.deepEqual([await dumpSource(scene.sourceUrl), (await readLedger(scene)).entries], before);
    });
  });

  test('does not close a second time what was closed', async () => {
    await withScene({ source: 'sqlite', ledger: kind }, async (scene) => {
      await runAudit(scene);
      const { entries } = await readLedger(scene);
      const done = entries.find((entry) => entry.kind === 'repair.done')!;
      const { started } = done.body as { started: number };
      const ledger = await openDatabase(scene.config.ledgerUrl, { schema: ledgerSchema });
      await ledger.knex('open_repairs').insert({ seq: started, source: 'scene' });
      await closeDatabase(ledger);

      const again = runAudit(scene, { nowMs: longAfterMs + 180_000 });
      await assert.rejects(again, new RegExp(`entry ${done.seq} closed it \\(repair.done\\)`));
      assert.deepEqual((await readLedger(scene)).entries, entries);
    });
  });
});
