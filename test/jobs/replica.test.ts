import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { planAudit } from '../../jobs/audit.ts';
import { noProgress } from '../../jobs/progress.ts';
import { type Log, openLog } from '../../src/log.ts';
import { forEachDatabase, skipWithoutConnections } from '../databases.ts';
import {
  dumpSource,
  longAfterMs,
  readLedger,
  runAudit,
  type Scene,
  using,
  withScene,
  withSettings,
} from '../failure/scene.ts';

/** A log that keeps what it is told. */
function listening(): { log: Log; said: string[] } {
  const said: string[] = [];
  const keep = (_: unknown, text: string) => void said.push(text);
  return { said, log: Object.assign(Object.create(openLog('silent')), { info: keep, warn: keep }) as Log };
}

const reading = (scene: Scene, url: string) => withSettings(scene, { SOURCE_READ_URL: url });

/** What an audit writes: every row of the source, and the ledger without the runs. */
async function written(scene: Scene): Promise<unknown> {
  const { entries } = await readLedger(scene);
  return [await dumpSource(scene.sourceUrl), entries.map(({ seq, kind, key }) => [seq, kind, key])];
}

/** Lets a copy pass for one that is up to date: it gets the newest capture of the source, and no other. */
async function pretend(copyUrl: string, sourceUrl: string): Promise<void> {
  const newest = await using(sourceUrl, ({ knex }) =>
    knex('lua_round_teams').select('id', 'match_id', 'round_number').orderBy('id', 'desc').first(),
  );
  await using(copyUrl, async ({ knex }) => void (await knex('lua_round_teams').insert(newest)));
}

forEachDatabase('SOURCE_READ_URL', (kind) => {
  const skip = skipWithoutConnections(kind);
  /** A source, and what stands in for its replica: the same rows as they are before any repair. */
  const withReplica = (work: (scene: Scene, replica: Scene) => Promise<void>) =>
    withScene({ source: kind }, (scene) => withScene({ source: kind }, (replica) => work(scene, replica)));

  test('a replica that lags brings no write, no write-off and no word', { skip }, async () => {
    await withReplica(async (scene, replica) => {
      await runAudit(scene);
      const before = await written(scene);
      const behind = listening();
      const late = await runAudit(reading(scene, replica.sourceUrl), { log: behind.log });
      assert.deepEqual(behind.said, ['the replica is behind; the source itself is read']);
      assert.deepEqual([late.state, late.plan], ['clean', []]);
      await pretend(replica.sourceUrl, scene.sourceUrl);
      const misled = listening();
      const after = await runAudit(reading(scene, replica.sourceUrl), { log: misled.log });
      assert.deepEqual(misled.said, []);
      assert.deepEqual([after.counts, after.plan], [late.counts, []]);
      assert.deepEqual(await written(scene), before);
    });
  });

  test('a capture that the replica lacks is not written off', { skip }, async () => {
    await withReplica(async (scene, replica) => {
      for (const one of [scene, replica]) await runAudit(one);
      const before = await written(scene);
      await using(replica.sourceUrl, async ({ knex }) => {
        const oldest = await knex('lua_round_teams').select('id').orderBy('id').first();
        assert.equal(await knex('lua_round_teams').where('id', oldest.id).delete(), 1);
      });
      const alone = await planAudit({
        config: { ...scene.config, sourceUrl: replica.sourceUrl },
        log: openLog('silent'),
        scope: { kind: 'all' },
        nowMs: longAfterMs,
        progress: noProgress,
      });
      assert.notEqual(alone.verdicts.length, (await runAudit(scene)).verdicts.length);
      await runAudit(reading(scene, replica.sourceUrl));
      assert.deepEqual(await written(scene), before);
    });
  });

  test('where nothing is owed the replica is enough; what it does not show yet waits for it', {
    skip,
  }, async () => {
    await withReplica(async (scene, replica) => {
      for (const one of [scene, replica]) await runAudit(one);
      await using(scene.sourceUrl, async ({ knex }) => {
        const linked = await knex('lua_round_teams')
          .select('id')
          .whereNotNull('round_id')
          .orderBy('id')
          .first();
        await knex('lua_round_teams').where('id', linked.id).update({ round_id: null });
      });
      const before = await written(scene);
      const seen = await runAudit(reading(scene, replica.sourceUrl));
      assert.equal(seen.counts.relinkable, 0);
      assert.deepEqual(await written(scene), before);
      const own = await runAudit(scene);
      assert.equal(own.counts.relinkable, 1);
      assert.equal(own.after.relinkable, 0);
    });
  });

  test('a replica that has everything repairs what one without does', { skip }, async () => {
    await withReplica(async (scene, replica) => {
      const plan = (one: Scene) =>
        planAudit({
          config: one.config,
          log: openLog('silent'),
          scope: { kind: 'all' },
          nowMs: longAfterMs,
          progress: noProgress,
        });
      const { fingerprint } = await plan(scene);
      const reader = reading(scene, replica.sourceUrl);
      assert.equal((await plan(reader)).fingerprint, fingerprint);
      const result = await runAudit(reader);
      assert.equal(result.fingerprint, fingerprint);
      await withScene({ source: kind }, async (other) => {
        await runAudit(other);
        const [rows, entries] = (await written(other)) as unknown[];
        assert.deepEqual(await written(scene), [rows, entries]);
      });
    });
  });

  test('a replica that cannot be read is said, and the source is read', { skip }, async () => {
    await withScene({ source: kind }, async (scene) => {
      const { said, log } = listening();
      const missing = `sqlite:${join(scene.directory, 'gone.sqlite')}`;
      const result = await runAudit(reading(scene, missing), { log });
      assert.ok(said.includes('could not read the replica; the source itself is read'));
      assert.equal(result.after.recoverable, 0);
      assert.ok(result.plan.length > 0 && result.plan.every(({ outcome }) => outcome === 'done'));
    });
  });
});
