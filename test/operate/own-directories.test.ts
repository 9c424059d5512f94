import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { type Scene, start, withScene, withSettings } from '../failure/scene.ts';

/** A command as a host starts it that leaves everything open to everybody. */
const openHanded = ['sh', '-c', 'umask 0; exec "$@"', 'sh'];

async function run(scene: Scene, ...args: string[]) {
  const { environment, directory: cwd } = scene;
  const ended = await start('jobs/main.ts', args, { environment, cwd, through: openHanded }).ended;
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  return ended;
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

/** Every directory from this one down. */
function directoriesFrom(path: string): string[] {
  const below = readdirSync(path, { withFileTypes: true }).filter((found) => found.isDirectory());
  return [path, ...below.flatMap(({ name }) => directoriesFrom(join(path, name)))];
}

/** Everything that makes a directory. */
async function useAll(scene: Scene): Promise<void> {
  await run(scene, 'ledger', 'key', '--out', join(scene.config.dataDir, 'keys', 'own.key'));
  const signing = withSettings(scene, { CHECKPOINT_KEY_FILE: join(scene.config.dataDir, 'keys', 'own.key') });
  await run(signing, 'audit', '--all');
  await run(signing, 'explain', '9856', '--packet');
  await run(signing, 'report', '--date', '2026-02-16');
  await run(signing, 'backup');
}

const inScene = (work: (scene: Scene) => Promise<void>) => withScene({ source: 'sqlite' }, work);

describe('the directories that hold names of players', () => {
  test('are for their owner alone where Roundwarden makes them, whatever the mask of the process', () =>
    inScene(async (scene) => {
      await useAll(scene);
      const made = directoriesFrom(scene.config.dataDir);
      const names = made.map((path) => path.slice(dirname(scene.config.dataDir).length + 1));
      const expected = ['data', 'artifacts', 'backups', 'checkpoints', 'keys', 'packets', 'reports'];
      for (const name of expected) assert.ok(names.includes(name === 'data' ? name : `data/${name}`), name);
      const open = made.filter((path) => modeOf(path) !== 0o700);
      assert.deepEqual(open, []);
    }));

  test('keep the mode that they have, and doctor warns where everybody may look into them', () =>
    inScene(async (scene) => {
      const { dataDir } = scene.config;
      mkdirSync(dataDir);
      mkdirSync(join(dataDir, 'reports'));
      const modes = [0o755, 0o751, 0o750] as const;
      for (const [nth, mode] of modes.entries()) {
        chmodSync(dataDir, mode);
        chmodSync(join(dataDir, 'reports'), mode);
        if (nth === 0) await useAll(scene);
        const { stdout } = await start('jobs/main.ts', ['doctor', '--json'], {
          environment: scene.environment,
          cwd: scene.directory,
        }).ended;
        const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string; what: string }[] };
        const check = checks.find(({ name }) => name === 'DATA_DIR')!;
        assert.equal(check.state, mode === 0o750 ? 'ok' : 'warning');
        if (mode !== 0o750) assert.match(check.what, new RegExp(`\\(mode 0${mode.toString(8)}\\)`));
        assert.deepEqual([modeOf(dataDir), modeOf(join(dataDir, 'reports'))], [mode, mode]);
        assert.equal(modeOf(join(dataDir, 'artifacts')), 0o700);
      }
    }));
});
