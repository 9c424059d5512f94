import assert from 'node:assert/strict';
import { it } from 'node:test';
import { UsageError } from '../../src/errors.ts';
import { forEachDatabase } from '../databases.ts';
import { readLedger, runAudit, runCommand, type Scene, withScene, withSettings } from './scene.ts';

/** The check of the doctor on the name, or undefined. */
async function nameCheck(scene: Scene): Promise<string | undefined> {
  const { stdout } = await runCommand(scene, ['doctor', '--json']);
  const { checks } = JSON.parse(stdout) as { checks: { area: string; name: string; state: string }[] };
  return checks.find(({ area, name }) => area === 'ledger' && name === 'SOURCE_NAME')?.state;
}

/** The scene as it is where nobody has set the name. */
function unnamed(scene: Scene): Scene {
  const { SOURCE_NAME: _, ...environment } = scene.environment;
  return withSettings({ ...scene, environment }, {});
}

forEachDatabase('A source without SOURCE_NAME', (source) => {
  it('is not begun anew in the ledger of another one, and the doctor says so', () =>
    withScene({ source }, async (scene) => {
      await runAudit(scene);
      const before = (await readLedger(scene)).entries.length;
      const forgotten = unnamed(scene);
      await assert.rejects(runAudit(forgotten), (thrown) => {
        assert.ok(thrown instanceof UsageError);
        assert.match(
          thrown.message,
          /^SOURCE_NAME is not set, .* the history of "scene" .*: set SOURCE_NAME=scene/,
        );
        return true;
      });
      const plan = await runCommand(forgotten, ['plan', '--all']);
      assert.equal(plan.code, 2);
      assert.match(plan.stderr, /SOURCE_NAME is not set/);
      assert.equal(await nameCheck(forgotten), 'problem');
      assert.equal((await readLedger(scene)).entries.length, before);

      // Whoever sets a name means it.
      const named = withSettings(scene, { SOURCE_NAME: 'second' });
      assert.equal(await nameCheck(named), 'warning');
      await runAudit(named);
      assert.equal(await nameCheck(named), undefined);
      assert.equal(await nameCheck(scene), undefined);
    }));

  it('is audited in a ledger that has no history, and in its own', () =>
    withScene({ source }, async (scene) => {
      const alone = unnamed(scene);
      for (const _ of ['first', 'second']) assert.ok((await runAudit(alone)).after.covered! > 0);
    }));
});
