import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostZone } from '../../jobs/host-zone.ts';

test('the zone of a host is what its clock is linked to, then what it has written down, if that is a zone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-zone-'));
  try {
    const path = (name: string) => join(directory, name);
    symlinkSync('../usr/share/zoneinfo/Europe/Berlin', path('linked'));
    symlinkSync('/usr/share/zoneinfo/posix/Nowhere', path('odd'));
    writeFileSync(path('copied'), 'TZif2');
    writeFileSync(path('timezone'), 'Asia/Tokyo\n');
    writeFileSync(path('empty'), '\n');
    const cases: readonly [localtime: string, timezone: string, zone: string | null][] = [
      ['linked', 'timezone', 'Europe/Berlin'],
      ['linked', 'absent', 'Europe/Berlin'],
      ['odd', 'timezone', 'Asia/Tokyo'],
      ['copied', 'timezone', 'Asia/Tokyo'],
      ['copied', 'empty', null],
      ['absent', 'absent', null],
    ];
    for (const [localtime, timezone, zone] of cases)
      assert.equal(hostZone(path(localtime), path(timezone)), zone);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
