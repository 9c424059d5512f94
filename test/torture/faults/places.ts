import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditResult } from '../../../jobs/audit-result.ts';
import { type Ended, fixture, type Scene, start, withScene, withSettings } from '../../failure/scene.ts';
import {
  assertIntact,
  assertSays,
  auditHeldAt,
  type Baseline,
  baselineOf,
  type Fault,
  type FaultGroup,
  nextRun,
  outcomeOf,
  wholeRepairs,
} from './bench.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const asNobody = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'] : [];

/** A user without rights has to be able to read the program itself. */
function nobodyCannot(): string | null {
  if (!isRoot) return null;
  const main = fileURLToPath(new URL('../../../jobs/main.ts', import.meta.url));
  const tried = spawnSync(asNobody[0]!, [
    ...asNobody.slice(1),
    process.execPath,
    '-e',
    `require('fs').readFileSync(${JSON.stringify(main)})`,
  ]);
  return tried.status === 0 ? null : 'a user without rights cannot read this checkout';
}

function giveAway(path: string): void {
  if (!isRoot) return;
  chownSync(path, nobody, nobody);
  for (const found of readdirSync(path, { withFileTypes: true })) {
    const inside = join(path, found.name);
    if (found.isDirectory()) giveAway(inside);
    else chownSync(inside, nobody, nobody);
  }
}

/** A scene that belongs to a user without rights, whose artifacts are a directory of its own. */
async function withPlace<T>(work: (scene: Scene, place: string) => Promise<T>): Promise<T> {
  return withScene({ source: 'sqlite' }, async (first) => {
    const place = join(first.directory, 'place');
    cpSync(join(fixture, 'gametimes'), place, { recursive: true, preserveTimestamps: true });
    const source = join(first.directory, 'source');
    cpSync(join(first.sourceUrl.slice('sqlite:'.length), '..'), source, { recursive: true });
    const sourceUrl = `sqlite:${join(source, 'test.sqlite')}`;
    const scene = withSettings(first, {
      GAMETIME_PATHS: place,
      SOURCE_DATABASE_URL: sourceUrl,
      HOME: first.directory,
    });
    giveAway(first.directory);
    return await work({ ...scene, sourceUrl }, place);
  });
}

function auditAsNobody({ environment, directory }: Scene): Promise<Ended> {
  const args = ['audit', '--all', '--json'];
  return start('jobs/main.ts', args, { environment, cwd: directory, through: asNobody }).ended;
}

/** A place that cannot be looked into: every round is `unchecked`, and none is called lost. */
function placeFault(
  baseline: Baseline,
  of: { name: string; fast?: boolean; break: (place: string) => void; mend: (place: string) => void },
): Fault {
  return {
    name: of.name,
    fast: of.fast,
    run: () =>
      withPlace(async (scene, place) => {
        of.break(place);
        const ended = await auditAsNobody(scene);
        of.mend(place);
        assertSays(ended, { code: 3, says: /^$/ });
        const { after, verdicts } = JSON.parse(ended.stdout) as AuditResult;
        assert.deepEqual([after.lost, after.missing], [0, 0]);
        assert.equal(await wholeRepairs(scene, baseline), 0);
        const why = new Set(
          verdicts.filter(({ verdict }) => verdict === 'unchecked').map(({ because }) => because),
        );
        giveAway(scene.directory);
        const { exit } = outcomeOf(ended, '');
        return {
          exit,
          said: `${after.unchecked} rounds unchecked: ${[...why][0]}`,
          next: await nextRun(scene, baseline),
        };
      }),
  };
}

function vanishing(baseline: Baseline): Fault {
  return {
    name: 'GAMETIME_PATHS removed in mid-run',
    run: () =>
      withPlace(async (scene, place) => {
        const aside = join(scene.directory, 'aside');
        const inject = () => renameSync(place, aside);
        const ended = await auditHeldAt(scene, { moment: 'started', nth: 3, inject });
        renameSync(aside, place);
        assertSays(ended, { code: 3, says: /^$/ });
        assert.equal(
          await wholeRepairs(scene, baseline),
          baseline.groups.length,
          'what was read is repaired',
        );
        await assertIntact(scene);
        return outcomeOf(ended, await nextRun(scene, baseline));
      }),
  };
}

/** DATA_DIR may not be written, or the ledger in it. */
function rightsFault(
  baseline: Baseline,
  of: { name: string; fast?: boolean; mode: number; path: (scene: Scene) => string },
): Fault {
  return {
    name: of.name,
    fast: of.fast,
    run: () =>
      withPlace(async (scene) => {
        const { environment, directory } = scene;
        const round = ['audit', '--round', '9822'];
        const began = await start('jobs/main.ts', round, { environment, cwd: directory, through: asNobody })
          .ended;
        assert.equal(began.code, 0, began.stderr);
        chmodSync(of.path(scene), of.mode);
        const ended = await auditAsNobody(scene);
        chmodSync(of.path(scene), 0o700);
        assertSays(ended, {
          code: 1,
          says: /only be read|cannot be (read|written)|permission denied|EACCES/,
        });
        assert.equal(await wholeRepairs(scene, baseline), 1);
        await assertIntact(scene);
        return outcomeOf(ended, await nextRun(scene, baseline));
      }),
  };
}

const lock = (place: string) => chmodSync(place, 0);
const unlock = (place: string) => chmodSync(place, 0o700);
const away = (place: string) => renameSync(place, `${place}.away`);
const back = (place: string) => {
  rmSync(place, { force: true });
  renameSync(`${place}.away`, place);
};

export const placesGroup: FaultGroup = {
  name: 'directories and rights',
  unavailable: nobodyCannot,
  work: async (each) => {
    const baseline = await withScene({ source: 'sqlite' }, baselineOf);
    await each([
      placeFault(baseline, { name: 'GAMETIME_PATHS removed before a run', break: away, mend: back }),
      placeFault(baseline, {
        name: 'GAMETIME_PATHS replaced by a file',
        break(place) {
          away(place);
          writeFileSync(place, '');
        },
        mend: back,
      }),
      placeFault(baseline, {
        name: 'no permission on GAMETIME_PATHS',
        fast: true,
        break: lock,
        mend: unlock,
      }),
      vanishing(baseline),
      rightsFault(baseline, {
        name: 'ledger file read-only',
        mode: 0o400,
        path: ({ config }) => join(config.dataDir, 'ledger.sqlite'),
      }),
      rightsFault(baseline, {
        name: 'ledger file without any right',
        mode: 0,
        path: ({ config }) => join(config.dataDir, 'ledger.sqlite'),
      }),
      rightsFault(baseline, {
        name: 'DATA_DIR read-only',
        mode: 0o500,
        path: ({ config }) => config.dataDir,
      }),
      rightsFault(baseline, {
        name: 'DATA_DIR without any right',
        mode: 0,
        path: ({ config }) => config.dataDir,
      }),
      rightsFault(baseline, {
        name: 'head.json without any right',
        mode: 0,
        path: ({ config }) => join(config.dataDir, 'head.json'),
      }),
    ]);
  },
};
