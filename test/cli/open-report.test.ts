import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, runCommand, type Scene, withScene } from '../failure/scene.ts';

const program = process.platform === 'darwin' ? 'open' : 'xdg-open';

/** A scene whose PATH has the system's programs for the opener only, and no opener but the given one. */
function withOpener(script: string | null, work: (scene: Scene, bin: string) => Promise<void>) {
  return withScene({ source: 'sqlite' }, async (scene) => {
    const bin = join(scene.directory, 'bin');
    mkdirSync(bin);
    const text = `#!/bin/sh\nPATH=/usr/bin:/bin\ncd "${bin}"\n${script}\n`;
    if (script !== null) writeFileSync(join(bin, program), text, { mode: 0o755 });
    await work({ ...scene, environment: { ...scene.environment, PATH: bin } }, bin);
  });
}

const openReport = (scene: Scene, ...more: string[]) =>
  runCommand(scene, ['report', '--date', '2026-02-16', '--open', ...more]);

const pageOf = (scene: Scene) => join(scene.directory, 'data/reports/scene/2026-02-16.html');

/** The report is made and told as without `--open`, and one line says what could not be opened, by what and why. */
function assertUnopened(scene: Scene, { code, stdout, stderr }: Ended, why: string): void {
  const page = pageOf(scene);
  assert.equal(code, 0);
  assert.ok(existsSync(page) && stdout.includes(page), stdout);
  assert.equal(
    stderr,
    `roundwarden: ${program} could not open ${page}: ${why}; open it in a browser yourself\n`,
  );
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !condition(); tries++) await sleep(25);
  assert.ok(condition());
}

describe('report --open', () => {
  test('says so where the opener fails, and makes the report all the same', () =>
    withOpener('exit 3', async (scene) => {
      assertUnopened(scene, await openReport(scene), 'it ended with exit code 3');
      const { code, stdout, stderr } = await openReport(scene, '--json');
      assert.deepEqual([code, JSON.parse(stdout).window.day], [0, '2026-02-16']);
      assert.match(stderr, /^roundwarden: .* could not open .*\n$/);
    }));

  test('says so where a signal ends the opener', () =>
    withOpener('kill -TERM $$', async (scene) => {
      assertUnopened(scene, await openReport(scene), 'it was ended by SIGTERM');
    }));

  test('says so where there is no opener', () =>
    withOpener(null, async (scene) => {
      assertUnopened(scene, await openReport(scene), 'it does not exist');
    }));

  test('hands over the page, or the index where no page was asked for', () =>
    withOpener('printf "%s\\n" "$@" >> opened', async (scene, bin) => {
      for (const more of [[], ['--format', 'csv']]) {
        const { code, stderr } = await openReport(scene, ...more);
        assert.deepEqual([code, stderr], [0, '']);
      }
      const index = join(scene.directory, 'data/reports/index.html');
      assert.equal(readFileSync(join(bin, 'opened'), 'utf8'), `${pageOf(scene)}\n${index}\n`);
    }));

  test('does not wait for an opener that stays, and leaves it alone', () => {
    const stays = 'n=0; while [ ! -e close ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n+1)); done; touch closed';
    return withOpener(stays, async (scene, bin) => {
      const { code, stderr } = await openReport(scene);
      assert.deepEqual([code, stderr, existsSync(join(bin, 'closed'))], [0, '', false]);
      writeFileSync(join(bin, 'close'), '');
      await until(() => existsSync(join(bin, 'closed')));
    });
  });
});
