import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Moment } from '../../../jobs/repairing.ts';
import { runCommand, type Scene, withScene, withSettings } from '../../failure/scene.ts';
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

const sizeKiB = 16_384;
const ballast = 'ballast';

function mount(at: string): boolean {
  mkdirSync(at, { recursive: true });
  const args = ['-t', 'tmpfs', '-o', `size=${sizeKiB}k`, 'roundwarden', at];
  return spawnSync('mount', args).status === 0;
}

function mayMount(): boolean {
  const at = mkdtempSync(join(tmpdir(), 'roundwarden-disk-'));
  try {
    return mount(at) && spawnSync('umount', [at]).status === 0;
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

/** Fills a disk until only so much is left. */
function fill(disk: string, leaveKiB: number): void {
  const { bavail, bsize } = statfsSync(disk);
  const descriptor = openSync(join(disk, ballast), 'a');
  try {
    for (let left = bavail * bsize - leaveKiB * 1024; left > 0; left -= 4096)
      writeSync(descriptor, Buffer.alloc(Math.min(left, 4096)));
  } finally {
    closeSync(descriptor);
  }
}

const free = (disk: string) => rmSync(join(disk, ballast), { force: true });

/** A scene beside a small disk, on which DATA_DIR is, or the source. */
async function withDisk<T>(
  what: 'DATA_DIR' | 'source',
  work: (scene: Scene, disk: string) => Promise<T>,
): Promise<T> {
  return withScene({ source: 'sqlite' }, async (first) => {
    const disk = join(first.directory, 'disk');
    assert.ok(mount(disk), 'the disk can be mounted');
    try {
      if (what === 'DATA_DIR') return await work(withSettings(first, { DATA_DIR: join(disk, 'data') }), disk);
      const moved = join(disk, 'source.sqlite');
      copyFileSync(first.sourceUrl.slice('sqlite:'.length), moved);
      const sourceUrl = `sqlite:${moved}`;
      return await work({ ...withSettings(first, { SOURCE_DATABASE_URL: sourceUrl }), sourceUrl }, disk);
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });
}

const full = /the disk is full .*; free some space; the next run goes on|ENOSPC/;

function fullBefore(baseline: Baseline): Fault {
  return {
    name: 'disk of DATA_DIR full before the first run',
    run: () =>
      withDisk('DATA_DIR', async (scene, disk) => {
        fill(disk, 0);
        const ended = await runCommand(scene, ['audit', '--all']);
        assertSays(ended, { code: 1, says: full });
        assert.equal(await wholeRepairs(scene, baseline), 0);
        free(disk);
        return outcomeOf(ended, await nextRun(scene, baseline));
      }),
  };
}

function fullAt(
  baseline: Baseline,
  of: { what: 'DATA_DIR' | 'source'; moment: Moment; when: string },
): Fault {
  const { what, moment, when } = of;
  return {
    name: `disk of ${what} full ${when}`,
    fast: moment === 'committed',
    run: () =>
      withDisk(what, async (scene, disk) => {
        const ended = await auditHeldAt(scene, { moment, nth: 3, inject: () => fill(disk, 0) });
        assertSays(ended, { code: 1, says: full });
        await wholeRepairs(scene, baseline);
        free(disk);
        await assertIntact(scene);
        return outcomeOf(ended, await nextRun(scene, baseline));
      }),
  };
}

/** Whatever the write is that finds no room: the ledger, its log, head.json, a copy, a packet. */
function roomFor(baseline: Baseline, kiB: number): Fault {
  return {
    name: `disk of DATA_DIR with ${kiB} KiB left`,
    run: () =>
      withDisk('DATA_DIR', async (scene, disk) => {
        fill(disk, kiB);
        const ended = await runCommand(scene, ['audit', '--all']);
        assertSays(ended, {
          code: [0, 1],
          says: /^$|"why":|the disk is full|cannot be read or written|ENOSPC|no space/,
        });
        const whole = await wholeRepairs(scene, baseline);
        free(disk);
        if (ended.code === 0) assert.equal(whole, baseline.groups.length);
        const next = await nextRun(scene, baseline);
        await assertIntact(scene);
        return outcomeOf(ended, next);
      }),
  };
}

export const diskGroup = (steps: number): FaultGroup => ({
  name: 'full disk',
  unavailable: () => (mayMount() ? null : 'needs to mount a small disk, which root may'),
  work: async (each) => {
    const baseline = await withScene({ source: 'sqlite' }, baselineOf);
    await each([
      fullBefore(baseline),
      fullAt(baseline, { what: 'DATA_DIR', moment: 'planned', when: 'before a repair is recorded' }),
      fullAt(baseline, { what: 'DATA_DIR', moment: 'written', when: 'before the source commits' }),
      fullAt(baseline, { what: 'DATA_DIR', moment: 'committed', when: 'after the source has committed' }),
      fullAt(baseline, { what: 'source', moment: 'started', when: 'before a repair is written' }),
      ...Array.from({ length: steps }, (_, step) => roomFor(baseline, 16 + step * 64)),
    ]);
  },
});
