import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { runAudit, runCommand, type Scene, start, using, withScene } from '../../failure/scene.ts';
import { randomOf } from '../../random.ts';
import {
  assertSays,
  type Baseline,
  baselineOf,
  type Fault,
  type FaultGroup,
  nextRun,
  outcomeOf,
  wholeRepairs,
} from './bench.ts';

/** One round of the incident: what is audited before the ledger breaks. */
const firstRound = 9822;

const ledgerOf = ({ config }: Scene) => join(config.dataDir, 'ledger.sqlite');

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** What there is of the ledger; null where there is nothing. */
const fingerprint = (scene: Scene) => (existsSync(ledgerOf(scene)) ? sha256(ledgerOf(scene)) : null);

/** Something that is wrong with the ledger's files, and stays so until somebody mends it. */
interface Broken {
  name: string;
  fast?: boolean;
  break: (scene: Scene) => void;
  /** What `audit`, and where it reads at all `ledger verify`, says. */
  says: RegExp;
  /** The setting that doctor puts its finger on. */
  doctor: RegExp;
  /** SQLite finds nothing wrong with it. */
  readable?: true;
}

/** Overwrites a part of a file with noise; the same seed, the same noise. */
function noise(path: string, from: number, length: number): void {
  const content = readFileSync(path);
  const next = randomOf(from + length);
  for (let at = from; at < Math.min(content.length, from + length); at++)
    content[at] = Math.floor(next() * 256);
  writeFileSync(path, content);
}

const sizeOf = (path: string) => readFileSync(path).length;
const damaged =
  /(the file|or) is damaged .*; .*keep (it|the file) as it is .* put the last backup in its place$/;

const gone =
  /^there is no ledger in \S+, although head.json of \S+ says that it had entry \d+: put the last backup in its place/;

const broken: readonly Broken[] = [
  {
    name: 'noise in the middle of its pages',
    fast: true,
    break: (scene) => noise(ledgerOf(scene), 4096, sizeOf(ledgerOf(scene))),
    says: damaged,
    doctor: /damaged/,
  },
  {
    name: 'cut to half its size',
    break: (scene) => truncateSync(ledgerOf(scene), sizeOf(ledgerOf(scene)) / 2),
    says: damaged,
    doctor: /damaged/,
  },
  {
    name: 'header damaged',
    break: (scene) => noise(ledgerOf(scene), 0, 100),
    says: damaged,
    doctor: /damaged/,
  },
  {
    name: 'of zero length',
    fast: true,
    break: (scene) => truncateSync(ledgerOf(scene), 0),
    says: gone,
    doctor: /there is no ledger in/,
  },
  {
    name: 'gone',
    break: (scene) => rmSync(ledgerOf(scene)),
    says: gone,
    doctor: /there is no ledger in/,
  },
  {
    name: 'replaced by an older copy',
    break: (scene) => copyFileSync(join(scene.directory, 'older.sqlite'), ledgerOf(scene)),
    says: /is behind what it once was: head.json .* accept-restore/,
    doctor: /is behind/,
    readable: true,
  },
  {
    name: 'head.json garbage',
    break: ({ config }) => writeFileSync(join(config.dataDir, 'head.json'), '{"seq": 1'),
    says: /head.json: the file is damaged; look at it, then run `roundwarden ledger accept-restore/,
    doctor: /head.json/,
    readable: true,
  },
  {
    name: 'head.json a directory',
    break({ config }) {
      rmSync(join(config.dataDir, 'head.json'));
      mkdirSync(join(config.dataDir, 'head.json'));
    },
    says: /cannot read \S+head.json/,
    doctor: /head.json/,
    readable: true,
  },
  {
    name: 'DATA_DIR replaced by a file',
    break({ config }) {
      rmSync(config.dataDir, { recursive: true });
      writeFileSync(config.dataDir, '');
    },
    says: /cannot (open|read)/,
    doctor: /DATA_DIR|is not a directory/,
  },
];

/** A scene in which one round has been audited already, so that there is a ledger with a head. */
async function withLedgerBegun<T>(work: (scene: Scene, aside: string) => Promise<T>): Promise<T> {
  return withScene({ source: 'sqlite' }, async (scene) => {
    await runAudit(scene, { scope: { kind: 'round', roundId: 9856 }, nowMs: Date.now() });
    copyFileSync(ledgerOf(scene), join(scene.directory, 'older.sqlite'));
    await runAudit(scene, { scope: { kind: 'round', roundId: firstRound }, nowMs: Date.now() });
    const aside = join(scene.directory, 'aside');
    mkdirSync(aside);
    for (const name of ['ledger.sqlite', 'head.json'])
      copyFileSync(join(scene.config.dataDir, name), join(aside, name));
    return await work(scene, aside);
  });
}

function restore({ config }: Scene, aside: string): void {
  rmSync(config.dataDir, { recursive: true, force: true });
  mkdirSync(config.dataDir);
  for (const name of readdirSync(aside)) copyFileSync(join(aside, name), join(config.dataDir, name));
}

function brokenFault(
  baseline: Baseline,
  { name, fast, break: spoil, says, doctor, readable }: Broken,
): Fault {
  return {
    name: `ledger file: ${name}`,
    fast,
    run: () =>
      withLedgerBegun(async (scene, aside) => {
        spoil(scene);
        const before = fingerprint(scene);
        const ended = await runCommand(scene, ['audit', '--all']);
        assertSays(ended, { code: 1, says });
        assert.equal(await wholeRepairs(scene, baseline), 1, 'nothing is repaired without a ledger');
        const verified = await runCommand(scene, ['ledger', 'verify']);
        assert.notEqual(verified.code, 0, verified.stdout);
        assert.doesNotMatch(verified.stderr, /\n {4}at /);
        const examined = await runCommand(scene, ['doctor']);
        assert.notEqual(examined.code, 0);
        assert.match(examined.stdout, doctor);
        // One that can be read keeps a record of the run that failed; its entries are held against the hashes below.
        if (!readable) assert.equal(fingerprint(scene), before, 'it is not made worse');
        restore(scene, aside);
        return outcomeOf(ended, `with the backup in its place: ${await nextRun(scene, baseline)}`);
      }),
  };
}

/** A run is killed, so that entries are in the write-ahead log alone, and that is damaged. */
function walFault(baseline: Baseline): Fault {
  return {
    name: 'ledger file: write-ahead log damaged after a kill',
    run: () =>
      withScene({ source: 'sqlite' }, async (scene) => {
        const { environment, directory } = scene;
        const held = start('test/torture/faults/audit-child.ts', ['started', '3'], {
          environment,
          cwd: directory,
        });
        await held.says('ready');
        held.kill();
        await held.ended;
        const wal = `${ledgerOf(scene)}-wal`;
        const aside = join(directory, 'wal');
        copyFileSync(wal, aside);
        noise(wal, Math.floor(sizeOf(wal) / 2), sizeOf(wal));
        copyFileSync(ledgerOf(scene), join(directory, 'ledger'));
        const ended = await runCommand(scene, ['audit', '--all']);
        assertSays(ended, {
          code: 1,
          says: /is behind what it once was|there is no ledger in|the file is damaged/,
        });
        await wholeRepairs(scene, baseline);
        for (const end of ['-wal', '-shm']) rmSync(`${ledgerOf(scene)}${end}`, { force: true });
        renameSync(join(directory, 'ledger'), ledgerOf(scene));
        renameSync(aside, wal);
        return outcomeOf(ended, `with the files in their places again: ${await nextRun(scene, baseline)}`);
      }),
  };
}

/** One byte of an entry is another: SQLite sees nothing wrong, and only the hashes tell. */
function byteFault(baseline: Baseline): Fault {
  return {
    name: 'ledger file: one letter of an entry changed, which SQLite does not notice',
    run: () =>
      withLedgerBegun(async (scene, aside) => {
        const content = readFileSync(ledgerOf(scene));
        const at = content.indexOf(Buffer.from('"incidents":['));
        assert.ok(at > 0);
        content[at + 1] = 'j'.charCodeAt(0);
        writeFileSync(ledgerOf(scene), content);
        const ended = await runCommand(scene, ['ledger', 'verify']);
        assert.equal(ended.code, 1);
        const line = ended.stdout.split('\n').find((text) => /^entry \d+: /.test(text)) ?? '';
        assert.match(line, /hash/);
        assert.notEqual((await runCommand(scene, ['doctor'])).code, 0);
        restore(scene, aside);
        const next = await nextRun(scene, baseline);
        return {
          exit: ended.code,
          said: `ledger verify: ${line}`,
          next: `with the backup in its place: ${next}`,
        };
      }),
  };
}

function lockedFault(baseline: Baseline): Fault {
  return {
    name: 'ledger file: locked by another process for longer than a run waits',
    run: () =>
      withLedgerBegun(async (scene) => {
        const ended = await using(scene.config.ledgerUrl, async ({ knex }) => {
          await knex.raw('begin immediate');
          const run = await runCommand(scene, ['audit', '--all']);
          await knex.raw('rollback');
          return run;
        });
        assertSays(ended, { code: 1, says: /locked/ });
        assert.equal(await wholeRepairs(scene, baseline), 1);
        return outcomeOf(ended, await nextRun(scene, baseline));
      }),
  };
}

export const ledgerFileGroup: FaultGroup = {
  name: 'SQLite ledger',
  unavailable: () => null,
  work: async (each) => {
    const baseline = await withScene({ source: 'sqlite' }, baselineOf);
    await each([
      ...broken.map((one) => brokenFault(baseline, one)),
      byteFault(baseline),
      walFault(baseline),
      lockedFault(baseline),
    ]);
  },
};
