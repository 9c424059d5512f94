import assert from 'node:assert/strict';
import { it } from 'node:test';
import { UsageError } from '../../src/errors.ts';
import { forEachDatabase } from '../databases.ts';
import { dumpSource, readLedger, runAudit, runCommand, withScene, withSettings } from './scene.ts';

forEachDatabase('A wrong SERVER_TIMEZONE', (source) => {
  it('is refused before a round is judged, and the doctor says so; the right one goes on', () =>
    withScene({ source }, async (scene) => {
      const before = await dumpSource(scene.sourceUrl);
      for (const zone of ['Europe/London', 'UTC', 'America/Chicago']) {
        const wrong = withSettings(scene, { SERVER_TIMEZONE: zone });
        await assert.rejects(runAudit(wrong), (thrown) => {
          assert.ok(thrown instanceof UsageError);
          assert.match(thrown.message, /^8 of 8 linked captures lie hours .*; correct SERVER_TIMEZONE/);
          return true;
        });
      }
      const { code, stderr } = await runCommand(withSettings(scene, { SERVER_TIMEZONE: 'UTC' }), [
        'audit',
        '--all',
      ]);
      assert.equal(code, 2);
      assert.match(stderr, /was 1 h ahead of that of UTC/);
      const doctor = await runCommand(withSettings(scene, { SERVER_TIMEZONE: 'UTC' }), ['doctor', '--json']);
      const { checks } = JSON.parse(doctor.stdout) as { checks: { name: string; state: string }[] };
      assert.equal(checks.find(({ name }) => name === 'SERVER_TIMEZONE')!.state, 'problem');

      const { entries, runs } = await readLedger(scene);
      assert.deepEqual(entries, []);
      assert.ok(runs.length > 0 && runs.every(({ state }) => state === 'failed'));
      assert.deepEqual(await dumpSource(scene.sourceUrl), before);
      const { after } = await runAudit(scene);
      assert.equal(after.covered! > 8, true);
    }));
});
