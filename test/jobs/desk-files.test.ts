import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { openDesk } from '../../jobs/desk.ts';
import { sourceFolder } from '../../jobs/report-files.ts';
import { parseConfig } from '../../src/config.ts';
import type { Desk } from '../../src/web/desk.ts';
import { longAfter } from './setup.ts';

interface Place {
  desk: Desk;
  dataDir: string;
  put(path: string, text?: string): void;
}

/** A data directory with nothing in it, beside a secret. */
async function inDataDir(work: (place: Place) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-files-'));
  const dataDir = join(directory, 'data');
  const put = (path: string, text = path) => {
    mkdirSync(dirname(join(dataDir, path)), { recursive: true });
    writeFileSync(join(dataDir, path), text);
  };
  try {
    put('../secret.json', 'secret');
    put('head.json', 'secret');
    const config = parseConfig({ DATA_DIR: dataDir, SOURCE_NAME: 'db.example:5432/Stats' });
    await work({ desk: openDesk(config, { nowMs: () => Date.parse(longAfter) }), dataDir, put });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const textOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

describe('A file of a packet', () => {
  it('is given by its name, also below a folder, and where its folder has a time behind an @', () =>
    inDataDir(async ({ desk, put }) => {
      const later = 'test-2026-02-16-212429-supply-R2-9856@20260801T120000Z';
      put(`packets/${later}/README.md`);
      put('packets/one/rows/rounds.json');
      put('packets/one/artifacts/0123-gametime-te_escape2-R1-1771969784.json.part');
      for (const [folder, file] of [
        [later, 'README.md'],
        ['one', 'rows/rounds.json'],
        ['one', 'artifacts/0123-gametime-te_escape2-R1-1771969784.json.part'],
      ] as const)
        assert.equal(textOf(await desk.packetFile(folder, file)), `packets/${folder}/${file}`);
    }));

  it('is not given by a name that leads elsewhere, or to no file', () =>
    inDataDir(async ({ desk, dataDir, put }) => {
      put('packets/one/README.md');
      mkdirSync(join(dataDir, 'packets/one/rows'));
      symlinkSync(join(dataDir, 'head.json'), join(dataDir, 'packets/one/out.json'));
      symlinkSync(dataDir, join(dataDir, 'packets/out'));
      symlinkSync('round', join(dataDir, 'packets/round'));
      execFileSync('mkfifo', [join(dataDir, 'packets/one/pipe')]);
      const asked = [
        ['..', 'head.json'],
        ['.', 'one/README.md'],
        ['one', '../../head.json'],
        ['one', '../../../secret.json'],
        ['one', './README.md'],
        ['one', '../one/README.md'],
        ['one', `${dataDir}/head.json`],
        ['one', '/README.md'],
        ['one', 'README.md/'],
        ['one', 'README.md/x'],
        ['one', ''],
        ['', 'one/README.md'],
        ['', ''],
        ['one/rows', '../README.md'],
        ['..%2f..', 'secret.json'],
        ['one', '%2e%2e/%2e%2e/head.json'],
        ['one', '..\\..\\head.json'],
        ['one', 'README.md\0.txt'],
        ['one', 'README.md\n'],
        ['one', 'ŘEADME.md'],
        ['one', 'a'.repeat(5_000)],
        ['one', 'rows'],
        ['one', 'absent.md'],
        ['absent', 'README.md'],
        ['one', 'out.json'],
        ['out', 'head.json'],
        ['round', 'README.md'],
        ['one', 'pipe'],
      ] as const;
      for (const [folder, file] of asked)
        assert.equal(await desk.packetFile(folder, file), null, JSON.stringify([folder, file]));
      assert.equal(textOf(await desk.packetFile('one', 'README.md')), 'packets/one/README.md');
    }));

  it('is given where the folder of all packets is itself a link, and where a link stays inside', () =>
    inDataDir(async ({ desk, dataDir, put }) => {
      put('packets/one/README.md', 'text');
      symlinkSync('README.md', join(dataDir, 'packets/one/LIESMICH.md'));
      renameSync(join(dataDir, 'packets'), join(dataDir, '../elsewhere'));
      symlinkSync('../elsewhere', join(dataDir, 'packets'));
      assert.equal(textOf(await desk.packetFile('one', 'README.md')), 'text');
      assert.equal(textOf(await desk.packetFile('one', 'LIESMICH.md')), 'text');
      // A folder that only begins like it.
      mkdirSync(join(dataDir, '../elsewhere2'));
      writeFileSync(join(dataDir, '../elsewhere2/secret'), 'secret');
      symlinkSync('../elsewhere2', join(dataDir, '../elsewhere/two'));
      assert.equal(await desk.packetFile('two', 'secret'), null);
    }));
});

const folder = sourceFolder('db.example:5432/Stats');

describe('Reports', () => {
  const report = (title: string, state = 'covered') => JSON.stringify({ title, state, more: [1] });

  it('are listed with the newest day first, and with the formats that are there', () =>
    inDataDir(async ({ desk, put }) => {
      put(`reports/${folder}/2026-02-15.json`, report('15'));
      put(`reports/${folder}/2026-02-16.json`, report('16', 'gaps'));
      put(`reports/${folder}/2026-02-16.html`);
      put(`reports/${folder}/2026-02-16.md`);
      put(`reports/${folder}/2026-02-16.json.0a1b.tmp`);
      put(`reports/${folder}/2026-02-17.html`);
      put(`reports/${folder}/session-9.json`, report('9'));
      put(`reports/${folder}/session-89.json`, report('89'));
      put('reports/other/2026-02-18.json', report('of another source'));
      assert.deepEqual(await desk.reports(), [
        { name: `${folder}/2026-02-16`, title: '16', state: 'gaps', formats: ['html', 'md', 'json'] },
        { name: `${folder}/2026-02-15`, title: '15', state: 'covered', formats: ['json'] },
        { name: `${folder}/session-89`, title: '89', state: 'covered', formats: ['json'] },
        { name: `${folder}/session-9`, title: '9', state: 'covered', formats: ['json'] },
      ]);
    }));

  it('that cannot be read are listed so', () =>
    inDataDir(async ({ desk, dataDir, put }) => {
      put(`reports/${folder}/2026-02-15.json`, '{"title":"cut');
      put(`reports/${folder}/2026-02-16.json`, '{"title":1}');
      mkdirSync(join(dataDir, `reports/${folder}/2026-02-17.json`));
      const unread = { title: 'cannot be read', state: 'unreadable', formats: ['json'] };
      assert.deepEqual(await desk.reports(), [
        { name: `${folder}/2026-02-16`, ...unread },
        { name: `${folder}/2026-02-15`, ...unread },
      ]);
    }));

  it('are listed up to the newest four hundred', () =>
    inDataDir(async ({ desk, put }) => {
      const days = Array.from({ length: 405 }, (_, day) =>
        new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10),
      );
      for (const day of days) put(`reports/${folder}/${day}.json`, report(day));
      put(`reports/${folder}/session-89.json`, report('89'));
      const listed = await desk.reports();
      assert.deepEqual(
        listed.map(({ title }) => title),
        [...[...days].reverse().slice(0, 399), '89'],
      );
    }));

  it('are given by name and format, and nothing else is', () =>
    inDataDir(async ({ desk, dataDir, put }) => {
      put(`reports/${folder}/2026-02-16.html`, 'page');
      symlinkSync(join(dataDir, 'head.json'), join(dataDir, `reports/${folder}/out.json`));
      symlinkSync('..', join(dataDir, 'reports/up'));
      mkdirSync(join(dataDir, `reports/${folder}/folder.json`));
      assert.equal(textOf(await desk.reportFile(`${folder}/2026-02-16`, 'html')), 'page');
      for (const [name, format] of [
        [`${folder}/2026-02-16`, 'md'],
        [`${folder}/2026-02-16`, ''],
        [`${folder}/2026-02-16`, 'html/'],
        [folder, '/../../head.json'],
        [`${folder}/2026-02-16`, 'html\0'],
        ['../head', 'json'],
        ['../../secret', 'json'],
        [`${folder}/../../head`, 'json'],
        [`./${folder}/2026-02-16`, 'html'],
        [`/${folder}/2026-02-16`, 'html'],
        [`${dataDir}/head`, 'json'],
        [`${folder}/out`, 'json'],
        ['up/head', 'json'],
        [`${folder}/folder`, 'json'],
        [folder, 'json'],
        ['', 'json'],
      ] as const)
        assert.equal(await desk.reportFile(name, format), null, JSON.stringify([name, format]));
    }));
});
