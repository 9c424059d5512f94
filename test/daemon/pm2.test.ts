import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ticksBetween } from '../../jobs/audit-ticks.ts';
import { verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import { watch } from '../../src/core/watch.ts';
import type { Run } from '../../src/ledger/runs.ts';
import { readLedger, type Scene, withScene } from '../failure/scene.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const loader = import.meta.resolve('tsx');
const pattern = '*/4 * * * * *';

/** Runs a program to its end; what it printed where it went well, else null. */
function run(
  program: string,
  args: readonly string[],
  of: { cwd: string; env: NodeJS.ProcessEnv },
): string | null {
  const done = spawnSync(program, args, { ...of, encoding: 'utf8', timeout: 180_000 });
  return done.status === 0 ? done.stdout : null;
}

/** pm2 of its own: its home, its programs and its daemon are in a directory that goes away. */
type Pm2 = (...args: string[]) => string;

/** Installs pm2 in a directory; null where it cannot be fetched. */
function installPm2(directory: string): Pm2 | null {
  const prefix = join(directory, 'pm2');
  mkdirSync(prefix);
  const options = ['--no-audit', '--no-fund', '--fetch-retries=0', '--fetch-timeout=30000'];
  // As this machine's npm is set up: there may be a registry of its own.
  const asHere = { cwd: directory, env: process.env };
  if (run('npm', ['install', '--prefix', prefix, ...options, 'pm2@7'], asHere) === null) return null;
  const env = { PATH: process.env.PATH ?? '', HOME: directory, PM2_HOME: join(directory, 'pm2-home') };
  return (...args) => {
    const said = run(join(prefix, 'node_modules/.bin/pm2'), args, { cwd: directory, env });
    assert.notEqual(said, null, `pm2 ${args.join(' ')}`);
    return said!;
  };
}

/** The file that pm2 is given: the repository's, with the program from source and in the scene's directory. */
function ecosystemFor(scene: Scene): string {
  const file = join(scene.directory, 'ecosystem.config.cjs');
  const own = {
    script: join(root, 'jobs/main.ts'),
    interpreter_args: ['--import', loader],
    cwd: scene.directory,
    out_file: join(scene.directory, 'daemon.log'),
    error_file: join(scene.directory, 'daemon.log'),
  };
  writeFileSync(
    file,
    `const { apps } = require(${JSON.stringify(join(root, 'ecosystem.config.cjs'))});
const own = ${JSON.stringify(own)};
const app = apps.find(({ name }) => name === 'roundwarden');
module.exports = { apps: [{ ...app, ...own, env: { ...app.env, ...${JSON.stringify(scene.environment)} } }] };
`,
  );
  return file;
}

const auditsOf = async (scene: Scene): Promise<Run[]> =>
  (await readLedger(scene)).runs.filter(({ command }) => command === 'audit').reverse();

/** Waits until a process that was not there before has finished two audits; its process id. */
async function nextProcess(scene: Scene, before: readonly number[]): Promise<number> {
  for (const began = Date.now(); Date.now() - began < 120_000; await sleep(200)) {
    const finished = (await auditsOf(scene)).filter(({ state }) => state === 'finished');
    const pid = finished.at(-1)?.pid;
    if (pid !== undefined && !before.includes(pid) && finished.filter((one) => one.pid === pid).length > 1)
      return pid;
  }
  throw new Error('no new process has finished two audits');
}

const unix = (at: string) => Math.floor(Date.parse(at) / 1000);

/** For how long nobody looked, from the first audit of a process on until its last has begun. */
function blindSeconds(runs: readonly Run[]): number {
  const [fromUnix, untilUnix] = [unix(runs[0]!.startedAt), unix(runs.at(-1)!.startedAt) + 1];
  const finished = runs.filter(({ state }) => state === 'finished');
  return watch({
    ticks: ticksBetween(pattern, { fromUnix, toUnix: untilUnix }),
    untilUnix,
    runs: finished.map(({ startedAt, finishedAt }) => ({
      fromUnix: unix(startedAt),
      toUnix: unix(finishedAt!),
    })),
  }).blindSeconds;
}

const timesOf = (runs: readonly Run[]) =>
  runs.map(({ pid, startedAt, finishedAt }) => `${pid}: ${startedAt} to ${finishedAt}`).join('\n');

test('under pm2 the daemon survives a kill and a restart, and no audit is missed but while it was dead', (t) =>
  withScene({ source: 'sqlite', environment: { AUDIT_CRON: pattern, LOG_LEVEL: 'info' } }, async (scene) => {
    const pm2 = installPm2(scene.directory);
    if (pm2 === null) return t.skip('pm2 could not be fetched');
    try {
      pm2('start', ecosystemFor(scene));
      const first = await nextProcess(scene, []);
      process.kill(first, 'SIGKILL');
      const second = await nextProcess(scene, [first]);
      pm2('restart', 'roundwarden');
      const third = await nextProcess(scene, [first, second]);
      pm2('stop', 'roundwarden');

      const runs = await auditsOf(scene);
      assert.deepEqual([...new Set(runs.map(({ pid }) => pid))], [first, second, third]);
      for (const pid of [first, second, third])
        assert.equal(blindSeconds(runs.filter((one) => one.pid === pid)), 0, timesOf(runs));
      // The kill may have hit a run; a restart, and a stop, let one end.
      for (const { pid, state, error } of runs.filter(({ state }) => state !== 'finished'))
        if (pid === first) assert.match(error ?? '', /^the process ended without finishing$/);
        else assert.match(error ?? '', /^stopped by SIGINT/, state);
      const apps = JSON.parse(pm2('jlist')) as { pm2_env: { restart_time: number; status: string } }[];
      assert.deepEqual(
        apps.map(({ pm2_env }) => [pm2_env.restart_time, pm2_env.status]),
        [[2, 'stopped']],
      );
      assert.equal(verifyExitCode(await verifyLedger(scene.config, { anchors: [], rows: true })), 0);
    } finally {
      pm2('kill');
    }
  }));
