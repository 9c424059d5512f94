import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { revert } from '../../../jobs/revert.ts';
import { incidentFold } from '../../../src/context.ts';
import { walkPrefixes } from '../../../src/core/merkle.ts';
import { checkpointText } from '../../../src/core/signed-note.ts';
import {
  chunks,
  closeDatabase,
  type Database,
  describeUrl,
  openDatabase,
  transact,
} from '../../../src/database.ts';
import type { Entry, Head } from '../../../src/ledger/chain.ts';
import { leafOfEntry } from '../../../src/ledger/checkpoint.ts';
import { type FiledCheckpoint, readCheckpoint } from '../../../src/ledger/checkpoint-files.ts';
import { newKey, type Signer, signerOf, signNote } from '../../../src/ledger/checkpoint-key.ts';
import { eachEntry } from '../../../src/ledger/entries.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { ledgerSchema, migrate } from '../../../src/ledger/migrations.ts';
import type { DatabaseKind } from '../../databases.ts';
import { ofKind, readLedger, runAudit, type Scene, withScene, withSettings } from '../../failure/scene.ts';

/** An honest ledger, what is known of it outside, and the way back to it after each attack. */
export interface Honest {
  kind: DatabaseKind;
  scene: Scene;
  /** `DATA_DIR/head.json`. */
  headFile: string;
  entries: readonly Entry[];
  head: Head;
  signer: Signer;
  /** What a key that only the honest have has signed over the first entries. */
  checkpointOf(size: number): FiledCheckpoint;
  restore(): Promise<void>;
}

/** Every table of a ledger but that of its migrations. */
const tables: readonly string[] = [
  ...['entries', 'incidents', 'open_repairs', 'runs', 'leases'],
  ...['alert_groups', 'outbox', 'log_files', 'log_events', 'artifact_index'],
];

/** The ledger's tables, as somebody has them who has the role that the program uses, and no program. */
export async function tampering<T>(scene: Scene, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(scene.config.ledgerUrl, { schema: ledgerSchema, create: true });
  try {
    // Nothing here has to survive a crash of the server.
    if (database.dialect === 'postgres') await database.knex.raw('set synchronous_commit = off');
    return await work(database);
  } finally {
    await closeDatabase(database);
  }
}

/** What the owner of the tables can do, and the role of the program where nobody gave it a lesser one. */
export async function dropGuards({ knex, dialect }: Database): Promise<void> {
  const statements =
    dialect === 'postgres'
      ? ['alter table entries disable trigger user']
      : ['stay_equal', 'stay', 'are_new'].map((name) => `drop trigger if exists entries_${name}`);
  for (const statement of statements) await knex.raw(statement);
}

/** On SQLite its file; on PostgreSQL its rows, with the guards as they were. */
async function waysBack(scene: Scene, kind: DatabaseKind): Promise<() => Promise<void>> {
  const { path } = describeUrl(scene.config.ledgerUrl);
  if (kind === 'sqlite') {
    copyFileSync(path!, `${path}.honest`);
    return async () => {
      for (const ending of ['-wal', '-shm']) rmSync(path! + ending, { force: true });
      copyFileSync(`${path}.honest`, path!);
    };
  }
  const kept = await tampering(scene, async ({ knex }) => {
    const all: [string, Record<string, unknown>[]][] = [];
    for (const table of tables) all.push([table, await knex(table).select('*')]);
    return all;
  });
  return () =>
    tampering(scene, async (opened) => {
      await migrate(opened);
      await transact(opened, async ({ knex }) => {
        await knex.raw('alter table entries disable trigger user');
        for (const table of tables) await knex(table).delete();
        await knex.raw('alter table entries enable trigger user');
        for (const [table, rows] of kept) for (const chunk of chunks(rows)) await knex(table).insert(chunk);
      });
    });
}

/** An incident's story of several runs: found, repaired, one repair reverted by a person, looked at again. */
async function tell(scene: Scene): Promise<void> {
  const beganMs = Date.parse('2026-02-17T00:00:00.000Z');
  await runAudit(scene, { nowMs: beganMs });
  const [first] = ofKind((await readLedger(scene)).entries, 'repair.started');
  const said = { by: 'ann', reason: 'looked at it', force: false };
  await revert({ config: scene.config, seq: first!.seq, ...said, nowMs: beganMs + 60_000 });
  for (const hours of [1, 30]) await runAudit(scene, { nowMs: beganMs + hours * 3_600_000 });
}

async function entriesOf(scene: Scene): Promise<Entry[]> {
  return tampering(scene, async (database) => {
    const ledger: Ledger = { database, headFile: null, fold: incidentFold };
    const entries: Entry[] = [];
    for await (const entry of eachEntry(ledger)) entries.push(entry);
    return entries;
  });
}

/** Makes an honest ledger, lets `work` attack it, and removes it. */
export async function withHonest<T>(kind: DatabaseKind, work: (honest: Honest) => Promise<T>): Promise<T> {
  const alerts = {
    ALERT_WEBHOOK_URL: 'http://127.0.0.1:1/',
    CAPTURE_SINCE: '2026-02-11',
    LOG_LEVEL: 'error',
  };
  return withScene({ source: 'sqlite', ledger: kind, environment: alerts }, async (bare) => {
    const { privateText } = newKey('roundwarden/scene');
    const scene = withSettings(bare, { CHECKPOINT_KEY: privateText });
    await tell(scene);
    const entries = await entriesOf(scene);
    const { seq, hash } = entries.at(-1)!;
    const signer = signerOf(privateText);
    const headFile = join(scene.config.dataDir, 'head.json');
    const headText = readFileSync(headFile);
    const walk = walkPrefixes(entries.map((entry) => entry.seq));
    for (const entry of entries) walk.add(leafOfEntry(entry.hash));
    const back = await waysBack(scene, kind);
    const outside = join(scene.directory, 'outside');
    mkdirSync(outside);
    return work({
      ...{ kind, scene, headFile, entries, signer },
      head: { seq, hash },
      checkpointOf(size) {
        const said = { origin: signer.key.name, size, root: walk.rootAt(size)!, extensions: [] };
        const file = join(outside, `${size}.checkpoint`);
        writeFileSync(file, signNote(checkpointText(said), signer));
        return readCheckpoint(file);
      },
      async restore() {
        await back();
        mkdirSync(dirname(headFile), { recursive: true });
        writeFileSync(headFile, headText);
      },
    });
  });
}
