import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Child, readLedger, type Scene, startLine, withScene } from '../failure/scene.ts';

const program = fileURLToPath(new URL('../../jobs/main.ts', import.meta.url));
const loader = import.meta.resolve('tsx');

/** A command line of Roundwarden with its standard error elsewhere. */
function redirected(scene: Scene, args: string, redirection: string): Child {
  const command = `exec "$0" --import '${loader}' '${program}' ${args} ${redirection}`;
  const { environment, directory: cwd } = scene;
  return startLine(['sh', '-c', command, process.execPath], { environment, cwd });
}

/** Resolves once so many more audits have finished than before; rejects where the daemon ends instead. */
async function moreAudits(scene: Scene, daemon: Child, count: number): Promise<void> {
  let end: object | null = null;
  void daemon.ended.then((ended) => {
    end = ended;
  });
  const finished = async () =>
    (await readLedger(scene)).runs.filter(({ command, state }) => command === 'audit' && state === 'finished')
      .length;
  const before = await finished();
  for (const began = Date.now(); (await finished()) < before + count; await sleep(50))
    if (end !== null || Date.now() - began > 120_000)
      throw new Error(`the daemon audits no more: ${JSON.stringify(end)}`);
}

async function endsWell(daemon: Child): Promise<void> {
  daemon.terminate();
  const { code, signal, stderr } = await daemon.ended;
  assert.deepEqual([code, signal], [0, null], stderr);
}

const environment = { AUDIT_CRON: '* * * * * *', LOG_LEVEL: 'info' };
const skip = !existsSync('/dev/full') && 'needs /dev/full';

describe('a log that cannot be written', () => {
  test('because the disk is full does not keep the daemon from its work', { skip }, () =>
    withScene({ source: 'sqlite', environment }, async (scene) => {
      const daemon = redirected(scene, 'start', '2>/dev/full');
      try {
        await moreAudits(scene, daemon, 3);
        await endsWell(daemon);
      } finally {
        daemon.kill();
      }
    }),
  );

  test('because its reader has gone does not either', () =>
    withScene({ source: 'sqlite', environment }, async (scene) => {
      const daemon = redirected(scene, 'start', '2>&1');
      try {
        await daemon.says('"audited"');
        daemon.hangUp();
        await moreAudits(scene, daemon, 3);
        await endsWell(daemon);
      } finally {
        daemon.kill();
      }
    }));

  test('leaves a command the exit code that it has', { skip }, () =>
    withScene({ source: 'sqlite', environment }, async (scene) => {
      const lost = { ...scene, environment: { ...environment, DATA_DIR: '/dev/null/below' } };
      for (const [of, args, code] of [
        [scene, 'explain nonsense', 2],
        [scene, 'ledger verify', 2],
        [lost, 'audit', 2],
        [scene, 'audit --all', 0],
      ] as const)
        assert.equal((await redirected(of, args, '2>/dev/full').ended).code, code, args);
    }),
  );
});
