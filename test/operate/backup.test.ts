import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import Sqlite from 'better-sqlite3';
import { exitCodeOf as auditExitCode } from '../../jobs/audit-result.ts';
import { type Backup, type BackupMade, backup, backupExitCode } from '../../jobs/backup.ts';
import { decide } from '../../jobs/incidents.ts';
import { acceptRestored, verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import { noProgress } from '../../jobs/progress.ts';
import { messageOf, OperationError } from '../../src/errors.ts';
import { append } from '../../src/ledger/append.ts';
import { checkCopy, copySqlite } from '../../src/ledger/backup.ts';
import { readHead } from '../../src/ledger/head.ts';
import { hasRealPostgres, openTestDatabase } from '../databases.ts';
import {
  ofKind,
  readLedger,
  runAudit,
  runCommand,
  type Scene,
  using,
  withScene,
  withSettings,
} from '../failure/scene.ts';
import { at, draft, freshLedger, testFold } from '../ledger/ledgers.ts';

const pathOf = (url: string) => url.slice('sqlite:'.length);
const backupsIn = (directory: string) =>
  readdirSync(directory).filter((name) => /^ledger-.*(sqlite|dump)$/.test(name));
const unfinishedIn = (directory: string) => readdirSync(directory).filter((name) => name.includes('.tmp'));

let clockMs = Date.parse('2026-03-02T03:17:00.000Z');

/** One backup in this process, each a minute after the one before. */
async function backedUp(scene: Scene, to: string, keep: number | null = null) {
  clockMs += 60_000;
  const made = await backup({ config: scene.config, to, keep, nowMs: clockMs, progress: noProgress });
  return { ...made, code: backupExitCode(made) };
}

const isWell = async (scene: Scene, anchor: { seq: number; hash: string } | null = null) =>
  verifyExitCode(
    await verifyLedger(scene.config, { anchors: anchor === null ? [] : [anchor], rows: true }),
  ) === 0;

/** A scene that was audited: repairs, artifacts, a ledger. */
async function withAudited(work: (scene: Scene, to: string) => Promise<void>): Promise<void> {
  await withScene({ source: 'sqlite' }, async (scene) => {
    await runAudit(scene);
    await work(scene, join(scene.directory, 'backups'));
  });
}

/** A person who says something: one more entry. */
async function addEntry(scene: Scene): Promise<void> {
  const [first] = (await readLedger(scene)).entries;
  const deciding = { kind: 'incident.noted' } as const;
  await decide(scene.config, { id: first!.seq, deciding, by: 'ann', reason: 'seen', nowMs: clockMs });
}

test('a copy is the ledger of one moment, although others write between its pages', async (t) => {
  const { ledger, place } = await freshLedger(t, 'sqlite');
  const text = 'x'.repeat(8_000);
  await append(
    ledger,
    Array.from({ length: 600 }, () => draft('found', 'goldrush', { text })),
    at,
  );
  const to = join(place.dataDir, 'copy.sqlite');
  const writer = new Sqlite(pathOf(place.url));
  const insert = writer.prepare(
    `insert into runs (id, command, host, pid, started_at, state) values (?, 'audit', 'h', 1, '', 'running')`,
  );
  const seen = readHead(ledger.headFile!);
  const steps: number[] = [];
  await copySqlite(pathOf(place.url), to, (done) => {
    steps.push(done);
    insert.run(`run ${steps.length}`);
  });
  writer.close();
  assert.ok(steps.length > 2, `it took ${steps.length} steps`);
  assert.deepEqual(
    steps,
    [...steps].sort((one, other) => one - other),
    'it never began anew',
  );
  const copy = await checkCopy(to, { fold: testFold, seen });
  assert.deepEqual([copy.count, copy.head.hash], [600, seen!.hash]);
  const runs = await using(`sqlite:${to}`, ({ knex }) => knex('runs').count({ n: '*' }));
  assert.equal(runs[0]?.n, 0, 'what was written after it began is not in it');
  assert.deepEqual(
    readdirSync(place.dataDir).filter((name) => name.startsWith('copy')),
    ['copy.sqlite'],
  );
  assert.equal(statSync(to).mode & 0o777, 0o600);
});

test('a backup holds ledger and evidence, verified; the next one adds what is new, and the oldest go', async () => {
  await withAudited(async (scene, to) => {
    const { code: firstCode, stdout, stderr } = await runCommand(scene, ['backup', '--json', '--to', to]);
    assert.deepEqual([firstCode, stderr], [0, '']);
    const first = JSON.parse(stdout) as BackupMade;
    clockMs = Date.now();
    assert.deepEqual(first.artifacts, { total: 10, copied: 10, failed: [] });
    assert.equal(first.packets!.total, first.packets!.copied);
    const manifest = JSON.parse(readFileSync(`${first.path}.json`, 'utf8')) as Backup;
    const live = readHead(join(scene.config.dataDir, 'head.json'))!;
    assert.deepEqual(manifest.head, { seq: live.seq, hash: live.hash, count: live.count });
    assert.deepEqual([manifest.bytes, manifest.sha256], [statSync(first.path).size, first.sha256]);
    await addEntry(scene);
    const { code, head, artifacts, removed } = await backedUp(scene, to, 1);
    assert.deepEqual([code, head.seq, artifacts?.copied, removed], [0, live.seq + 1, 0, [first.file]]);
    assert.equal(backupsIn(to).length, 1);
    assert.equal(existsSync(`${first.path}.json`), false);
    assert.deepEqual(unfinishedIn(to), []);
  });
});

test('a backup holds the lists of places and the checkpoints as they are now', async () => {
  await withAudited(async (scene, to) => {
    const place = (directory: string) => join(directory, 'places', 'one.json');
    for (const name of ['places', 'checkpoints']) mkdirSync(join(scene.config.dataDir, name));
    writeFileSync(place(scene.config.dataDir), 'first');
    writeFileSync(join(scene.config.dataDir, 'checkpoints', 'a.checkpoint'), 'signed');
    const first = await backedUp(scene, to);
    assert.deepEqual(first.lists, { total: 1, copied: 1, failed: [] });
    assert.deepEqual(first.checkpoints, { total: 1, copied: 1, failed: [] });
    writeFileSync(place(scene.config.dataDir), 'second');
    const second = await backedUp(scene, to);
    assert.deepEqual([second.lists?.copied, second.checkpoints?.copied], [1, 0]);
    assert.equal(readFileSync(place(to), 'utf8'), 'second');
    rmSync(scene.config.dataDir, { recursive: true });
    mkdirSync(scene.config.dataDir);
    restore(scene, second.path);
    assert.equal(readFileSync(place(scene.config.dataDir), 'utf8'), 'second');
  });
});

test('a backup into a file holds the ledger alone, and replaces nothing', async () => {
  await withAudited(async (scene) => {
    const file = join(scene.directory, 'one.sqlite');
    const { code, path, artifacts } = await backedUp(scene, file);
    assert.deepEqual([code, path, artifacts], [0, file, null]);
    const before = readFileSync(file);
    for (const [to, keep, message] of [
      [file, null, /is there already/],
      [join(scene.directory, 'two.sqlite'), 2, /--keep counts the backups of a directory/],
      [join(scene.directory, 'two.dump'), null, /ends in \.sqlite/],
    ] as const)
      await assert.rejects(backedUp(scene, to, keep), { name: 'UsageError', message });
    assert.deepEqual(readFileSync(file), before);
  });
});

describe('nothing is removed, and no copy is left,', () => {
  const cases: readonly [string, (scene: Scene) => Promise<void>, RegExp][] = [
    [
      'where the ledger was changed from outside',
      ({ config }) =>
        using(config.ledgerUrl, async ({ knex }) => {
          await knex.raw('drop trigger entries_stay_equal');
          await knex.raw(`update entries set body = '{}' where seq = 3`);
        }),
      /its chain is not whole: entry 3 was changed/,
    ],
    [
      'where the ledger is behind its head',
      async ({ config }) => {
        const file = join(config.dataDir, 'head.json');
        const head = readHead(file)!;
        writeFileSync(file, JSON.stringify({ ...head, seq: head.seq + 1, count: head.count + 1 }));
      },
      /it does not hold the head of head\.json: entry \d+ is gone/,
    ],
    [
      'where pages of the ledger are damaged',
      async ({ config }) => {
        const path = pathOf(config.ledgerUrl);
        await using(config.ledgerUrl, ({ knex }) => knex.raw('pragma wal_checkpoint(truncate)'));
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0xa5, 8_192, bytes.length - 4_096));
      },
      /cannot back up the ledger/,
    ],
  ];
  for (const [what, damage, message] of cases)
    test(what, async () => {
      await withAudited(async (scene, to) => {
        const { file } = await backedUp(scene, to);
        await damage(scene);
        const refused = await backedUp(scene, to, 1).catch((thrown: unknown) => thrown);
        assert.ok(refused instanceof OperationError);
        assert.match(messageOf(refused), message);
        assert.match(messageOf(refused), /older backups are untouched/);
        assert.deepEqual(backupsIn(to), [file]);
        assert.deepEqual(unfinishedIn(to), []);
      });
    });
});

test('a spoiled artifact is named and exits 3; the sound copy and the older backups stay', async () => {
  await withAudited(async (scene, to) => {
    const first = await backedUp(scene, to);
    const kept = join(scene.config.dataDir, 'artifacts');
    const [name, other] = readdirSync(kept);
    writeFileSync(join(kept, name!), 'spoiled');
    rmSync(join(to, 'artifacts', other!));
    writeFileSync(join(kept, other!), 'spoiled too');
    const { code, artifacts, removed } = await backedUp(scene, to, 1);
    assert.deepEqual([code, artifacts!.total, removed], [3, 9, []]);
    assert.equal(artifacts!.failed.length, 1);
    assert.match(artifacts!.failed[0]!, new RegExp(other!));
    assert.notEqual(readFileSync(join(to, 'artifacts', name!), 'utf8'), 'spoiled');
    assert.ok(backupsIn(to).includes(first.file));
  });
});

const accept = (scene: Scene) =>
  acceptRestored(scene.config, { by: 'ann', reason: 'disk died', nowMs: clockMs });

/** The next audit is clean, the chain is whole, and it holds the head that the backup was named by. */
async function goesOn(scene: Scene, head: { seq: number; hash: string }): Promise<void> {
  assert.equal(auditExitCode(await runAudit(scene)), 0);
  assert.ok(await isWell(scene, head));
}

/** docs/operations.md, "Restore". */
function restore(scene: Scene, backup: string): void {
  const live = pathOf(scene.config.ledgerUrl);
  for (const end of ['', '-wal', '-shm']) rmSync(`${live}${end}`, { force: true });
  cpSync(backup, live);
  for (const evidence of ['artifacts', 'packets', 'places', 'checkpoints'])
    if (existsSync(join(dirname(backup), evidence)))
      cpSync(join(dirname(backup), evidence), join(scene.config.dataDir, evidence), {
        recursive: true,
        force: false,
      });
}

test('a restored backup goes on, once a person has accepted what is lost', async () => {
  await withAudited(async (scene, to) => {
    const { path, head } = await backedUp(scene, to);
    await addEntry(scene);
    const lost = readHead(join(scene.config.dataDir, 'head.json'))!;
    const evidence = readdirSync(join(scene.config.dataDir, 'artifacts')).sort();
    rmSync(join(scene.config.dataDir, 'artifacts'), { recursive: true });
    restore(scene, path);

    await assert.rejects(runAudit(scene), /the ledger is behind what it once was/);
    await accept(scene);
    const [entry] = ofKind((await readLedger(scene)).entries, 'ledger.restored');
    assert.equal((entry!.body as { headBefore: { seq: number } }).headBefore.seq, lost.seq);
    await goesOn(scene, head);
    assert.deepEqual(readdirSync(join(scene.config.dataDir, 'artifacts')).sort(), evidence);
    assert.equal((await backedUp(scene, to)).code, 0);
  });
});

test('where the head file is lost too, a head from a report in its place says what is lost', async () => {
  await withAudited(async (scene, to) => {
    const { path, head } = await backedUp(scene, to);
    await addEntry(scene);
    const { seq, hash } = readHead(join(scene.config.dataDir, 'head.json'))!;
    rmSync(scene.config.dataDir, { recursive: true });
    cpSync(join(to, 'artifacts'), join(scene.config.dataDir, 'artifacts'), { recursive: true });
    restore(scene, path);
    const line = JSON.stringify({ seq, hash, count: seq, at: 'report of Tuesday' });
    writeFileSync(join(scene.config.dataDir, 'head.json'), line);
    await assert.rejects(runAudit(scene), /the ledger is behind what it once was/);
    await accept(scene);
    await goesOn(scene, head);
  });
});

describe('a ledger in PostgreSQL', () => {
  const hasClient =
    spawnSync('pg_dump', ['--version']).status === 0 && spawnSync('pg_restore', ['--version']).status === 0;
  const reason = hasRealPostgres
    ? !hasClient && 'pg_dump is not installed'
    : 'needs a server: set TEST_DATABASE_URL';

  test('is dumped, read back, and restores into an empty database', { skip: reason }, async () => {
    await withScene({ source: 'sqlite', ledger: 'postgres' }, async (scene) => {
      await runAudit(scene);
      const to = join(scene.directory, 'backups');
      const { code, path, head, kind } = await backedUp(scene, to);
      assert.deepEqual([code, kind, unfinishedIn(to)], [0, 'postgres', []]);
      const other = await openTestDatabase('postgres');
      try {
        const restored = spawnSync('pg_restore', [
          '--exit-on-error',
          '--no-owner',
          `--dbname=${other.url}`,
          path,
        ]);
        assert.equal(restored.status, 0, String(restored.stderr));
        const moved = withSettings(scene, { LEDGER_DATABASE_URL: other.url });
        await goesOn(moved, head);
      } finally {
        await other.close();
      }
    });
  });

  test('says what to install where pg_dump is missing, and leaves nothing', async () => {
    await withScene({ source: 'sqlite', ledger: 'postgres' }, async (scene) => {
      await runAudit(scene);
      const to = join(scene.directory, 'backups');
      const bare = withSettings(scene, { PATH: scene.directory });
      const { code, stderr } = await runCommand(bare, ['backup', '--to', to]);
      assert.equal(code, 2);
      assert.match(stderr, /pg_dump is not installed.*postgresql-client/);
      assert.deepEqual(readdirSync(to), []);
    });
  });
});
