import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  makeCheckpoint,
  makeKey,
  ownVerifier,
  proveEntry,
  proveGrowth,
  verifiersFrom,
} from '../../jobs/checkpoint.ts';
import { checkProof } from '../../jobs/checkpoint-check.ts';
import { decide } from '../../jobs/incidents.ts';
import { acceptRestored, exportLedger, verifyExitCode, verifyLedger } from '../../jobs/ledger.ts';
import { makeReport, readReport, renderReport } from '../../jobs/report.ts';
import { textReport } from '../../reports/markdown.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { foldEntry, incidentFold, withLedger } from '../../src/context.ts';
import type { Json } from '../../src/core/model.ts';
import { parseVerifierKey } from '../../src/core/signed-note.ts';
import { closeDatabase, openDatabase } from '../../src/database.ts';
import { UsageError } from '../../src/errors.ts';
import { type Entry, emptyHead, linkEntries } from '../../src/ledger/chain.ts';
import { readCheckpoints } from '../../src/ledger/checkpoint-files.ts';
import { newKey } from '../../src/ledger/checkpoint-key.ts';
import { eachEntry, entryToRow } from '../../src/ledger/entries.ts';
import { writeHead } from '../../src/ledger/head.ts';
import { storeProjections } from '../../src/ledger/projections.ts';
import { type Ended, runAudit, runCommand, withScene, withSettings } from '../failure/scene.ts';
import { incidentBeginning, theMorningAfter } from '../reports/world.ts';
import { zone } from './games.ts';
import { inWorld } from './setup.ts';

const key = newKey('log.example/stats');
const settings = { CHECKPOINT_KEY: key.privateText };
const nowMs = Date.parse(theMorningAfter);
const day = '2026-02-16';

/** An installation after its first audit: its own source and ledger, and the key that signs for it. */
interface Audited {
  dataDir: string;
  config(settings?: Record<string, string>): Config;
  /** Adds one entry to the ledger. */
  note(): Promise<unknown>;
}

/** Audited once: each test has a copy. */
const template = mkdtempSync(join(tmpdir(), 'roundwarden-audited-'));

before(() =>
  inWorld('sqlite', incidentBeginning, async (world) => {
    await world.audit({ now: theMorningAfter });
    cpSync(world.dataDir, join(template, 'data'), { recursive: true });
    cpSync(world.config().sourceUrl.slice('sqlite:'.length), join(template, 'data/source.sqlite'));
  }),
);

after(() => rmSync(template, { recursive: true, force: true }));

/** Lives in a copy, with what was signed of its ledger right after the audit. */
async function inAudited(work: (world: Audited, old: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'roundwarden-audited-'));
  try {
    cpSync(template, directory, { recursive: true });
    const dataDir = join(directory, 'data');
    const own = { DATA_DIR: dataDir, SOURCE_NAME: 'test', GAMETIME_PATHS: 'none', SERVER_TIMEZONE: zone };
    const config = (more: Record<string, string> = {}) => parseConfig({ ...own, ...settings, ...more });
    const noted = { deciding: { kind: 'incident.noted' }, by: 'tester', reason: 'a test', nowMs } as const;
    const note = () => decide(config(), { id: 1, ...noted });
    await work({ dataDir, config, note }, (await makeCheckpoint(config(), nowMs)).file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const check = (world: Audited, paths: readonly string[], keys = [key.key]) =>
  verifyLedger(world.config(), {
    anchors: [],
    rows: false,
    checkpoints: { files: readCheckpoints(paths), keys },
  });

const entriesOf = (world: Audited) =>
  withLedger(world.config(), async (ledger) => {
    const found: Entry[] = [];
    for await (const entry of eachEntry(ledger)) found.push(entry);
    return found;
  });

/**
 * What somebody does who owns the ledger's database and its directory: the entries from `from` on are others, every
 * hash fits, the incidents are folded anew, and the head file says the new end.
 */
async function rewrite(world: Audited, make: (entries: readonly Entry[]) => readonly Entry[]): Promise<void> {
  const entries = make(await entriesOf(world));
  const { ledgerUrl, dataDir } = world.config();
  const database = await openDatabase(ledgerUrl);
  try {
    for (const name of ['stay_equal', 'stay', 'are_new'])
      await database.knex.raw(`drop trigger if exists entries_${name}`);
    for (const name of ['open_repairs', 'incidents', 'entries']) await database.knex(name).delete();
    for (const entry of entries) {
      await database.knex('entries').insert(entryToRow(entry));
      await storeProjections({ database, headFile: null, fold: incidentFold }, [foldEntry(entry)]);
    }
  } finally {
    await closeDatabase(database);
  }
  const { seq, hash, at } = entries.at(-1)!;
  writeHead(join(dataDir, 'head.json'), { seq, hash, count: seq, at });
}

/** The same entries with another reason in the first that is forged, and every hash after it made to fit. */
function forgedFrom(entries: readonly Entry[], from: number): Entry[] {
  const chain = entries.slice(0, from - 1);
  for (const { seq, kind, source, key: about, at, body } of entries.slice(from - 1)) {
    const said = JSON.parse(body) as { [name: string]: Json };
    const draft = { kind, source, key: about, body: seq === from ? { ...said, because: 'forged' } : said };
    chain.push(...linkEntries(chain.at(-1) ?? emptyHead, [draft], at));
  }
  return chain;
}

const text = (report: Awaited<ReturnType<typeof readReport>>) => renderReport(report, 'md');

describe('A ledger and what was signed of it', () => {
  it('agree, also when it has grown since', () =>
    inAudited(async (world, old) => {
      const before = await check(world, [old]);
      assert.deepEqual([verifyExitCode(before), before.checkpointedThrough], [0, before.chain.head.seq]);
      await world.note();
      const after = await check(world, [old, join(world.dataDir, 'checkpoints')]);
      assert.equal(verifyExitCode(after), 0);
      assert.equal(after.checkpoints.length, 2);
      assert.equal(after.checkpointedThrough, before.chain.head.seq);
      assert.equal(after.chain.head.seq, before.chain.head.seq + 1);
    }));

  it('disagree where it was rewritten with hashes that fit, which nothing else shows', () =>
    inAudited(async (world, old) => {
      await world.note();
      const from = (await entriesOf(world)).findLast(({ kind }) => kind === 'gap.found');
      await rewrite(world, (entries) => forgedFrom(entries, from!.seq));
      const blind = await verifyLedger(world.config(), { anchors: [], rows: false });
      assert.deepEqual([blind.chain.problems, verifyExitCode(blind)], [[], 0]);
      const seen = await check(world, [old]);
      assert.equal(verifyExitCode(seen), 1);
      assert.match(
        seen.checkpoints[0]!.why!,
        /^the first \d+ entries are not those that it vouches for: one of/,
      );
      assert.equal(seen.checkpointedThrough, null);
    }));

  it('disagree where its end was cut off, which nothing else shows', () =>
    inAudited(async (world, old) => {
      await rewrite(world, (entries) => entries.slice(0, -3));
      const blind = await verifyLedger(world.config(), { anchors: [], rows: false });
      assert.deepEqual([blind.chain.problems, verifyExitCode(blind)], [[], 0]);
      const [checked] = (await check(world, [old])).checkpoints;
      assert.match(checked!.why!, /^it vouches for \d+ entries, and the ledger has \d+: its end was cut off/);
    }));

  it('say between which two checkpoints it was rewritten', () =>
    inAudited(async (world, old) => {
      const { size } = (await check(world, [old])).checkpoints[0]!;
      for (let count = 0; count < 3; count += 1) await world.note();
      const later = await makeCheckpoint(world.config(), nowMs + 1);
      await rewrite(world, (entries) => forgedFrom(entries, size + 2));
      const seen = await check(world, [later.file, old]);
      assert.deepEqual(
        seen.checkpoints.map(({ ok }) => ok),
        [false, true],
      );
      assert.match(
        seen.checkpoints[0]!.why!,
        new RegExp(`one of the entries ${size + 1} to ${size + 3} was changed`),
      );
      assert.equal(seen.checkpointedThrough, size);
    }));

  it('are not compared where the key is another', () =>
    inAudited(async (world, old) => {
      const seen = await check(world, [old], [newKey('log.example/stats').key]);
      assert.equal(verifyExitCode(seen), 1);
      const [checked] = seen.checkpoints;
      assert.deepEqual([checked!.counts, checked!.ok, checked!.signedBy], [false, false, []]);
    }));
});

describe('Signing', () => {
  it('is refused over a history that is not the one that was signed before', () =>
    inAudited(async (world) => {
      await rewrite(world, (entries) => entries.slice(0, -3));
      await assert.rejects(
        makeCheckpoint(world.config(), nowMs + 1),
        /no checkpoint was signed, because the ledger is not the one of .*its end was cut off/,
      );
      const report = await readReport({ config: world.config(), asked: { day }, nowMs });
      assert.equal(report.checkpoint?.note, null);
      assert.match(report.checkpoint?.problem ?? '', /its end was cut off/);
      assert.match(await text(report), /\*\*The ledger was not signed: no checkpoint was signed/);
      assert.match(await renderReport(report, 'html'), /class="alarm">The ledger was not signed: /);
      assert.equal(readdirSync(join(world.dataDir, 'checkpoints')).length, 1);
    }));

  it('goes on after a restore that a person accepted, and the older checkpoint still says what was lost', () =>
    inAudited(async (world, old) => {
      const seen = readFileSync(join(world.dataDir, 'head.json'));
      await rewrite(world, (entries) => entries.slice(0, -3));
      writeFileSync(join(world.dataDir, 'head.json'), seen);
      const entry = await acceptRestored(world.config(), { by: 'ann', reason: 'a test', nowMs });
      const made = await makeCheckpoint(world.config(), nowMs + 1);
      assert.equal(made.said.size, entry.seq);
      const checked = await check(world, [old, made.file]);
      assert.deepEqual(
        checked.checkpoints.map(({ ok }) => ok),
        [false, true],
      );
      assert.match(
        checked.checkpoints[0]!.why!,
        new RegExp(`entry ${entry.seq} records that a restore was accepted`),
      );
    }));

  it('needs a key, and one that is whole', () =>
    inAudited(async (world) => {
      const keyless = world.config({ CHECKPOINT_KEY: '' });
      await assert.rejects(makeCheckpoint(keyless, nowMs), UsageError);
      assert.throws(() => verifiersFrom(keyless, []), /no key is known by which to verify/);
      const other = newKey('log.example/stats');
      const mixed = key.privateText.replace(key.key.id, other.key.id);
      await assert.rejects(
        makeCheckpoint(world.config({ CHECKPOINT_KEY: mixed }), nowMs),
        (thrown) =>
          thrown instanceof UsageError &&
          /CHECKPOINT_KEY cannot be used/.test(thrown.message) &&
          !thrown.message.includes(mixed.slice(-20)),
      );
    }));
});

describe('A report', () => {
  it('carries the checkpoint in each format, and leaves it behind', () =>
    inAudited(async (world, old) => {
      const note = readFileSync(old, 'utf8');
      const made = await makeReport({ config: world.config(), asked: { day }, formats: ['md'], nowMs });
      assert.deepEqual(made.report.checkpoint, { note, problem: null });
      const [page, plain] = [await renderReport(made.report, 'html'), textReport(made.report)];
      assert.ok(plain.includes(note));
      assert.ok(page.includes(`<pre>${note}</pre>`));
      assert.ok((await renderReport(made.report, 'md')).includes(`\`\`\`\n${note}\`\`\`\n`));
      assert.deepEqual(readdirSync(join(world.dataDir, 'checkpoints')).length, 1);
      await world.note();
      await makeReport({
        config: world.config(),
        asked: { day },
        formats: ['md'],
        nowMs: nowMs + 86_400_000,
      });
      assert.deepEqual(readdirSync(join(world.dataDir, 'checkpoints')).length, 2);
    }));

  it('says nothing of it where no key is set', () =>
    inAudited(async (world) => {
      const config = world.config({ CHECKPOINT_KEY: '' });
      const report = await readReport({ config, asked: { day }, nowMs });
      assert.equal(report.checkpoint, null);
      assert.doesNotMatch(await text(report), /signed/i);
    }));
});

describe('A proof', () => {
  /** Below the data directory, so that it goes with it. */
  const write = (world: Audited, name: string, content: string) => {
    writeFileSync(join(world.dataDir, name), content);
    return join(world.dataDir, name);
  };

  it('shows somebody without a ledger that an entry is in it, and nothing that was changed', () =>
    inAudited(async (world, old) => {
      const entry = (await entriesOf(world)).find(({ kind }) => kind === 'repair.started');
      const made = await proveEntry(world.config(), { seq: entry!.seq, checkpoint: old, nowMs });
      const proof = write(world, 'one.tlog-proof', made.proof);
      const asked = { proof, entry: null, old: null, keys: [key.key] };
      const checked = await checkProof(asked);
      assert.deepEqual([checked.ok, checked.why, checked.origin], [true, null, 'log.example/stats']);
      assert.deepEqual(checked.entry, entry);
      const other = await checkProof({ ...asked, keys: [newKey('log.example/stats').key] });
      assert.deepEqual([other.ok, other.signedBy], [false, []]);

      const lines: string[] = [];
      await exportLedger(world.config(), async (line) => void lines.push(line));
      const bare = write(world, 'bare.tlog-proof', made.proof.replace(/^extra .*\n/m, ''));
      await assert.rejects(
        checkProof({ ...asked, proof: bare }),
        /holds no entry: give what `ledger export` printed/,
      );
      const whole = write(world, 'export.ndjson', lines.join('\n'));
      assert.equal((await checkProof({ ...asked, proof: bare, entry: whole })).ok, true);
      const line = lines[entry!.seq - 1]!;
      const array = write(world, 'tail.json', JSON.stringify([JSON.parse(line)], null, 2));
      assert.equal((await checkProof({ ...asked, proof: bare, entry: array })).ok, true);

      const changed = write(
        world,
        'changed.ndjson',
        line.replace('"kind":"repair.started"', '"kind":"repair.done"'),
      );
      const lie = await checkProof({ ...asked, proof: bare, entry: changed });
      assert.match(lie.why!, /^the entry was changed: its hash would be/);
      const { hash } = JSON.parse(lines[entry!.seq]!) as Entry;
      const swapped = write(world, 'swapped.ndjson', line.replace(checked.entry!.hash, hash));
      assert.equal((await checkProof({ ...asked, proof: bare, entry: swapped })).ok, false);
      const moved = write(world, 'moved', made.proof.replace(/^index .*$/m, `index ${entry!.seq}`));
      await assert.rejects(
        checkProof({ ...asked, proof: moved }),
        /holds no entry \d+, although it is about that one/,
      );
      const cut = write(world, 'cut', made.proof.replace(/(^index .*\n).*\n/m, '$1'));
      assert.match((await checkProof({ ...asked, proof: cut })).why!, /^the hashes do not lead/);
      await assert.rejects(checkProof({ ...asked, proof: bare, entry: bare }), /entry \d+ is not in .*bare/);
    }));

  it('is made of every entry that a checkpoint vouches for, and of none after it', () =>
    inAudited(async (world, old) => {
      await world.note();
      const all = await entriesOf(world);
      for (const seq of [1, 2, all.length - 2, all.length - 1]) {
        const made = await proveEntry(world.config(), { seq, checkpoint: old, nowMs });
        assert.equal(
          (
            await checkProof({
              proof: write(world, 'p', made.proof),
              entry: null,
              old: null,
              keys: [key.key],
            })
          ).ok,
          true,
        );
      }
      const last = { seq: all.length, checkpoint: old, nowMs };
      await assert.rejects(
        proveEntry(world.config(), last),
        /vouches for \d+ entries only: entry \d+ came later/,
      );
      const fresh = await proveEntry(world.config(), { ...last, checkpoint: null, nowMs: nowMs + 1 });
      assert.equal(fresh.size, all.length);
      await assert.rejects(proveEntry(world.config(), { ...last, seq: all.length + 1 }), /there is no entry/);
      await assert.rejects(proveEntry(world.config(), { ...last, seq: 0 }), /there is no entry 0/);
    }));

  it('shows a witness that a newer checkpoint contains the older one', () =>
    inAudited(async (world, old) => {
      await world.note();
      const made = await proveGrowth(world.config(), { since: old, nowMs: nowMs + 1 });
      const proof = write(world, 'growth', made.proof);
      const asked = { proof, entry: null, old, keys: [key.key] };
      assert.equal((await checkProof(asked)).ok, true);
      await assert.rejects(checkProof({ ...asked, old: null }), /name its file with --checkpoint/);
      const [, newer] = readdirSync(join(world.dataDir, 'checkpoints')).sort();
      const wrong = await checkProof({ ...asked, old: join(world.dataDir, 'checkpoints', newer!) });
      assert.match(wrong.why!, /^it begins at \d+ entries, and .* vouches for \d+/);
      await rewrite(world, (entries) => forgedFrom(entries, 2));
      await assert.rejects(
        proveEntry(world.config(), { seq: 3, checkpoint: old, nowMs }),
        /the ledger is not the one of/,
      );
    }));
});

describe('The commands', () => {
  const good = (ended: Ended, code = 0) => {
    assert.equal(ended.code, code, ended.stderr);
    return ended.stdout;
  };

  it('make a key, sign, prove, and verify without a ledger', () =>
    withScene({ source: 'sqlite' }, async (scene) => {
      const file = join(scene.directory, 'checkpoint.key');
      await runAudit(scene);
      const made = JSON.parse(good(await runCommand(scene, ['ledger', 'key', '--out', file, '--json'])));
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal(parseVerifierKey(made.verifier).name, 'roundwarden/scene');
      const signing = withSettings(scene, { CHECKPOINT_KEY_FILE: file });
      const old = join(scene.directory, 'old.checkpoint');
      const note = good(await runCommand(signing, ['ledger', 'checkpoint', '--out', old]));
      assert.equal(readFileSync(old, 'utf8'), note);
      assert.match(
        note,
        /^roundwarden\/scene\n\d+\n[A-Za-z0-9+/]{43}=\n\n— roundwarden\/scene [A-Za-z0-9+/]+=*\n$/,
      );
      const proof = join(scene.directory, 'one.tlog-proof');
      good(await runCommand(signing, ['ledger', 'prove', '1', '--checkpoint', old, '--out', proof]));
      const elsewhere = withSettings(scene, {
        DATA_DIR: join(scene.directory, 'nowhere'),
        LEDGER_DATABASE_URL: '',
      });
      const offline = ['ledger', 'verify', '--proof', proof, '--key', made.verifier];
      assert.match(
        good(await runCommand(elsewhere, offline)),
        /^entry 1 is in the ledger roundwarden\/scene/,
      );
      const verify = ['ledger', 'verify', '--no-rows', '--checkpoint', old];
      assert.match(good(await runCommand(signing, verify)), /signed for through entry (\d+) of \1/);
      writeFileSync(old, note.replace('scene\n', 'other\n'));
      const forged = await runCommand(signing, [...verify, '--json']);
      assert.equal(JSON.parse(good(forged, 1)).checkpoints[0].counts, false);
    }));

  it('keep a key to themselves, whatever the mask of the process', (t) => {
    const mask = process.umask(0);
    t.after(() => process.umask(mask));
    return withScene({ source: 'sqlite' }, async ({ directory }) => {
      const out = join(directory, 'below', 'a.key');
      const { verifier } = makeKey({ name: 'log.example', out });
      assert.equal(statSync(out).mode & 0o777, 0o600);
      chmodSync(out, 0o400);
      assert.throws(() => makeKey({ name: 'log.example', out }), UsageError);
      assert.equal(ownVerifier(parseConfig({ CHECKPOINT_KEY_FILE: out })), verifier);
    });
  });
});
