import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { checkPlaces, lookAtPlaces } from '../../jobs/doctor-places.ts';
import { explain } from '../../jobs/explain.ts';
import { verifyLedger } from '../../jobs/ledger.ts';
import { forEachDatabase } from '../databases.ts';
import { type Sshd, skipWithoutSshd, startSshd } from '../sshd.ts';
import { captureRow, game, gametime, roundRow, spawnRow, timingOf } from './games.ts';
import { comparable, fixture, inWorld, lineOf, longAfter, verdictsOf, type World } from './setup.ts';

const nowMs = Date.parse(longAfter);

/** A message as the module buffers it: an artifact's payload alone. */
function messageOf(artifact: string | Uint8Array): string {
  const text = String(artifact);
  return text.slice(text.indexOf('},"payload":') + '},"payload":'.length, -1);
}

describe('Artifacts on another host', { skip: skipWithoutSshd }, () => {
  let sshd: Sshd;
  before(async () => {
    sshd = await startSshd();
  });
  after(() => sshd.close());

  /** The settings by which a world's artifacts are read over SFTP. */
  const over = (world: World, more: Record<string, string> = {}) => ({
    GAMETIME_PATHS: sshd.at(world.gametimes),
    SFTP_KEY: sshd.keyPath,
    SFTP_KNOWN_HOSTS: sshd.knownHostsPath,
    ...more,
  });
  const placesOf = async (world: World) =>
    (await world.entries('place.unreadable', 'place.readable')).map(({ kind }) => kind);

  async function restarted<T>(
    options: Parameters<Sshd['start']>[0] | null,
    work: () => Promise<T>,
  ): Promise<T> {
    await sshd.stop();
    if (options !== null) await sshd.start(options);
    try {
      return await work();
    } finally {
      await sshd.stop();
      await sshd.start();
    }
  }

  const incident = fixture('incident-2026-02');
  const beginning = { ...incident, settings: incident.settings };

  test('the incident of February 2026 is repaired over SFTP exactly as from a directory of this host, by one connection for a run', async () => {
    const local = await inWorld('sqlite', beginning, async (world) => ({
      result: await world.audit(),
      dump: comparable(await world.dump()),
    }));
    await inWorld('sqlite', beginning, async (world) => {
      const settings = over(world);
      const planned = await world.plan({ settings });
      assert.equal(planned.fingerprint, local.result.fingerprint);
      assert.ok(!existsSync(world.dataDir), 'a plan writes nothing');

      const logins = sshd.logins();
      const result = await world.audit({ settings });
      assert.equal(sshd.logins(), logins + 1);
      assert.deepEqual(verdictsOf(result), verdictsOf(local.result));
      assert.deepEqual(result.after, local.result.after);
      assert.deepEqual(comparable(await world.dump()), local.dump);
      const { chain, rows } = await verifyLedger(world.config(), { anchors: [], rows: true });
      assert.deepEqual(chain.problems, []);
      assert.ok(rows!.every(({ state }) => state === 'intact'));

      const entries = await world.entries();
      const second = await world.audit({ settings });
      assert.deepEqual(second.plan, []);
      assert.deepEqual(await world.entries(), entries);
    });
  });

  const [first, second, third] = [
    game('supply', 1, '2026-02-11 21:00:00'),
    game('supply', 2, '2026-02-11 21:20:00'),
    game('te_escape2', 1, '2026-02-11 21:40:00'),
  ] as const;
  /** A gap with an artifact, a gap with none, and a covered round with an artifact. */
  const evening = {
    rounds: [roundRow(1, first), roundRow(2, second), roundRow(3, third, timingOf(third))],
    captures: [captureRow(30, third, 3)],
    artifacts: [gametime(first, { spawns: ['A'.repeat(32)] }), gametime(third)],
  };
  const found = { 1: 'recoverable', 2: 'lost' };
  const unchecked = { 1: 'unchecked', 2: 'unchecked' };

  /** A run that finds the place closed calls nothing lost, and the next good one does what is owed. */
  async function closedThenOpen(
    world: World,
    run: () => ReturnType<World['audit']>,
    why: RegExp,
  ): Promise<void> {
    const before = await world.dump();
    for (const _ of ['once', 'and again']) {
      const closed = await run();
      assert.deepEqual(verdictsOf(closed), unchecked);
      assert.equal(closed.open, true);
      assert.match(closed.places[0]!.unreadable!, why);
      assert.match(lineOf(closed, 2).because, why);
      assert.ok(lineOf(closed, 2).because.includes(sshd.at(world.gametimes)));
    }
    assert.deepEqual(await world.dump(), before);
    assert.deepEqual(await world.entries('gap.written_off'), []);
    assert.deepEqual(await placesOf(world), ['place.unreadable'], 'said once');

    const open = await world.audit({ settings: over(world) });
    assert.deepEqual(verdictsOf(open), found);
    assert.equal(open.after.covered, 2);
    assert.deepEqual(await placesOf(world), ['place.unreadable', 'place.readable']);
  }

  const faults: readonly [string, Parameters<Sshd['start']>[0] | null, RegExp][] = [
    ['the server is down', null, /refuses the connection; start its SSH server/],
    [
      'the directory may not be listed',
      { denied: ['opendir'] },
      /permission denied; give the user the right/,
    ],
    ['its listing is begun and refused', { denied: ['readdir'] }, /permission denied; /],
  ];
  for (const [what, options, why] of faults)
    test(`nothing is lost while ${what}, and all is found again`, () =>
      inWorld('sqlite', evening, (world) => {
        const run = () => restarted(options, () => world.audit({ settings: over(world) }));
        return closedThenOpen(world, run, why);
      }));

  test('nothing is lost while the server shows another host key, and all is found again', () =>
    inWorld('sqlite', evening, (world) => {
      const hostKey = sshd.makeKey(`impostor-${process.hrtime.bigint()}`);
      const run = () => restarted({ hostKey }, () => world.audit({ settings: over(world) }));
      return closedThenOpen(
        world,
        run,
        /^(could not read .*)?.*WRONG HOST KEY: 127\.0\.0\.1 port \d+ shows ssh-ed25519 SHA256:/,
      );
    }));

  test('nothing is lost while the directory is gone, and all is found again', () =>
    inWorld('sqlite', evening, (world) => {
      const run = async () => {
        const settings = over(world, { GAMETIME_PATHS: sshd.at(world.gametimes) });
        rmSync(world.gametimes, { recursive: true });
        const result = await world.audit({ settings });
        mkdirSync(world.gametimes);
        for (const file of evening.artifacts) world.putArtifact(file);
        return result;
      };
      return closedThenOpen(
        world,
        run,
        /it does not exist on the server, or is no directory; correct its path/,
      );
    }));

  test('a file that may not be read leaves its own round unchecked, and no other', () =>
    inWorld('sqlite', evening, async (world) => {
      const settings = over(world);
      const closed = await restarted({ denied: ['open'] }, () => world.audit({ settings }));
      assert.deepEqual(verdictsOf(closed), { 1: 'unchecked', 2: 'lost' });
      assert.match(lineOf(closed, 1).because, /^sftp:.*: permission denied$/);
      assert.equal((await world.audit({ settings })).after.covered, 2);
    }));

  test('what the server has cleaned up is found in the copies, of a covered round too', () =>
    inWorld('sqlite', evening, async (world) => {
      const settings = over(world);
      await world.audit({ settings: { ...settings, REPAIR: 'off' } });
      for (const { name } of evening.artifacts) world.removeArtifact(name);
      world.putArtifact(gametime(game('supply', 1, '2026-02-12 21:00:00')));
      await world.inSource(({ knex }) => knex('lua_round_teams').delete());
      const result = await world.audit({ settings });
      assert.deepEqual(verdictsOf(result), { 1: 'recoverable', 2: 'lost', 3: 'recoverable' });
      assert.equal(result.after.covered, 2);
      const told = await explain({ config: world.config(settings), roundId: 1, nowMs });
      const copy = told.candidates.find(({ kind }) => kind === 'artifact')!;
      assert.equal(copy.path, `${sshd.at(world.gametimes)}/${evening.artifacts[0]!.name}`);
      assert.match(copy.note, /read from the copy that was kept: its place does not list it$/);
    }));

  test('while the server is away its copies repair what they hold, and nothing is lost', () =>
    inWorld('sqlite', evening, async (world) => {
      const settings = over(world);
      await world.audit({ settings: { ...settings, REPAIR: 'off', SETTLE_HOURS: '8760' } });
      const away = await restarted(null, () => world.audit({ settings }));
      assert.deepEqual(verdictsOf(away), { 1: 'recoverable', 2: 'unchecked' });
      assert.equal(away.after.covered, 2);
    }));

  test('explain shows the place and the candidate, and its packet holds a copy', () =>
    inWorld('sqlite', evening, async (world) => {
      const config = world.config(over(world));
      const told = await explain({ config, roundId: 1, nowMs, packet: true });
      assert.equal(told.candidates[0]!.path, `${sshd.at(world.gametimes)}/${evening.artifacts[0]!.name}`);
      assert.equal(told.places[0]!.name, sshd.at(world.gametimes));
      const sums = readFileSync(join(told.packet!.path, 'SHA256SUMS'), 'utf8');
      assert.match(sums, /artifacts\/[0-9a-f]{12}-gametime-supply-R1-/);
      assert.match(
        readFileSync(join(told.packet!.path, 'places.txt'), 'utf8'),
        /gametime-supply-R1-\d+\.json {2}\d+ bytes/,
      );
    }));

  test('no key and no passphrase stands in what is written', () =>
    inWorld('sqlite', evening, async (world) => {
      const keyPath = sshd.makeKey(`locked-${process.hrtime.bigint()}`, { passphrase: 'hunter22' });
      const refused = await world.audit({
        settings: over(world, { SFTP_KEY: keyPath, SFTP_KEY_PASSPHRASE: 'hunter22' }),
      });
      assert.match(refused.places[0]!.unreadable!, /lets the user \S+ not in with SFTP_KEY/);
      const written = JSON.stringify([refused, await world.entries()]);
      assert.doesNotMatch(written, /hunter22|OPENSSH PRIVATE KEY/);
    }));

  test('the doctor says of each place, key and host key whether it is well, and what mends it', () =>
    inWorld('sqlite', evening, async (world) => {
      const examine = async (settings: Record<string, string>) => {
        const config = world.config(settings);
        const checks = await checkPlaces(config, await lookAtPlaces(config, nowMs));
        return checks.filter(({ name }) => name !== 'DATA_DIR');
      };
      const buffer = join(world.dataDir, '..', 'pending');
      mkdirSync(buffer);
      const good = await examine(over(world, { PENDING_PATHS: sshd.at(buffer) }));
      assert.deepEqual(
        good.map(({ state, mend }) => [state, mend]),
        Array.from({ length: 4 }, () => ['ok', null]),
      );
      assert.match(good[0]!.what, /^2 artifacts, the newest of 2026-02-11 21:40:00$/);
      assert.equal(good[1]!.what, '0 undelivered messages');
      assert.match(good[3]!.what, /^pinned: ssh-ed25519 SHA256:/);
      assert.ok(!existsSync(world.dataDir), 'nothing was fetched');

      const key = sshd.makeKey(`open-${process.hrtime.bigint()}`);
      chmodSync(key, 0o644);
      const unknown = join(sshd.directory, 'nobody');
      writeFileSync(unknown, '');
      const bad = await examine(over(world, { SFTP_KEY: key, SFTP_KNOWN_HOSTS: unknown }));
      assert.deepEqual(
        bad.map(({ state }) => state),
        ['problem', 'problem', 'problem'],
      );
      assert.match(bad[0]!.what, /^no host key of .* is pinned/);
      assert.match(bad[0]!.mend!, /take it out of GAMETIME_PATHS; until then nothing is called lost$/);
      assert.deepEqual(
        [bad[1]!.what, bad[1]!.mend],
        [`${key} may be read by others (mode 0644)`, `chmod 600 ${key}`],
      );
      assert.match(bad[2]!.mend!, /^compare `ssh-keyscan -p \d+ 127\.0\.0\.1` with the fingerprint/);
    }));

  test('a retry buffer on another host is read too, and what was delivered since is found in the copies', () =>
    inWorld('sqlite', { rounds: [roundRow(1, first)] }, async (world) => {
      const buffer = join(world.dataDir, '..', 'pending');
      mkdirSync(buffer);
      writeFileSync(join(buffer, '472000-1.json'), messageOf(gametime(first).bytes));
      const settings = over(world, { GAMETIME_PATHS: 'none', PENDING_PATHS: sshd.at(buffer) });
      assert.deepEqual(verdictsOf(await world.audit({ settings: { ...settings, REPAIR: 'off' } })), {
        1: 'recoverable',
      });
      rmSync(join(buffer, '472000-1.json'));
      const result = await world.audit({ settings });
      assert.deepEqual(verdictsOf(result), { 1: 'recoverable' });
      assert.equal(result.after.covered, 1);
    }));
});

describe('Bare messages of the retry buffer', () => {
  const played = game('supply', 2, '2026-04-30 21:20:00');
  const guid = 'A'.repeat(32);
  const artifact = gametime(played, { spawns: [guid] });
  const rounds = [roundRow(1, played)];

  async function withBuffer(
    given: Parameters<typeof inWorld>[1],
    messages: Record<string, string>,
    work: (world: World, settings: Record<string, string>, buffer: string) => Promise<void>,
  ): Promise<void> {
    await inWorld('sqlite', given, async (world) => {
      const buffer = join(world.dataDir, '..', 'pending');
      mkdirSync(buffer);
      for (const [name, text] of Object.entries(messages)) writeFileSync(join(buffer, name), text);
      await work(world, { PENDING_PATHS: buffer }, buffer);
    });
  }
  const message = messageOf(artifact.bytes);

  forEachDatabase('a gap of which only the message is left', (kind) => {
    it('gets its capture and its timing as from an artifact, and no spawn rows', async () => {
      const whole = await inWorld(kind, { rounds, artifacts: [artifact] }, async (world) => {
        await world.audit();
        return comparable(await world.dump());
      });
      assert.equal(whole.lua_spawn_stats.length, 1);
      await inWorld(kind, { rounds }, async (world) => {
        const buffer = join(world.dataDir, '..', 'pending');
        mkdirSync(buffer);
        writeFileSync(join(buffer, '472000-1.json'), message);
        const settings = { PENDING_PATHS: buffer };
        const planned = lineOf(await world.plan({ settings }), 1);
        assert.deepEqual([planned.verdict, planned.flags], ['recoverable', ['bare_message']]);
        assert.match(
          planned.because,
          /472000-1\.json is whole \(a bare message: no spawn rows\), sane and fits it alone/,
        );
        const told = await explain({ config: world.config(settings), roundId: 1, nowMs });
        assert.match(told.candidates[0]!.note, /a bare message of the retry buffer: no spawn rows/);

        await world.audit({ settings });
        assert.deepEqual(comparable(await world.dump()), { ...whole, lua_spawn_stats: [] });
        assert.deepEqual((await world.audit({ settings })).plan, []);
      });
    });
  });

  test('an artifact of the same round goes before the message', () =>
    withBuffer({ rounds, artifacts: [artifact] }, { '1-1.json': message }, async (world, settings) => {
      const result = await world.audit({ settings });
      const line = lineOf(result, 1);
      assert.ok(line.candidate!.path!.endsWith(artifact.name));
      assert.deepEqual(line.flags, []);
      const told = await explain({ config: world.config(settings), roundId: 1, nowMs });
      const seen = told.candidates.find(({ kind }) => kind === 'artifact')!;
      assert.match(seen.note, /^whole and sane, written again as .*1-1\.json$/);
      assert.equal((await world.dump()).lua_spawn_stats.length, 1);
    }));

  test('an artifact that comes later brings the spawn rows where covered rounds may be completed', () =>
    withBuffer({ rounds }, { '1-1.json': message }, async (world, settings) => {
      await world.audit({ settings });
      world.putArtifact(artifact);
      await world.audit({ settings: { ...settings, REPAIR_COVERED: 'on' } });
      assert.equal((await world.dump()).lua_spawn_stats.length, 1);
    }));

  test('spawn rows that are there already get their link, and keep their values', () =>
    withBuffer(
      { rounds, spawns: [spawnRow(played, guid, null)] },
      { '1-1.json': message },
      async (world, settings) => {
        await world.audit({ settings });
        const [row] = (await world.dump()).lua_spawn_stats;
        assert.deepEqual([row!.round_id, row!.spawn_count], [1, 11]);
      },
    ));

  test('a message that says something else than the artifact is for a person to decide', () =>
    withBuffer(
      { rounds, artifacts: [artifact] },
      { '1-1.json': messageOf(gametime(played, { winner: 1 }).bytes) },
      async (world, settings) => {
        const line = lineOf(await world.audit({ settings }), 1);
        assert.deepEqual([line.verdict, line.reason], ['ambiguous', 'doubles_differ']);
      },
    ));

  test('two messages of two rounds are never swapped', () => {
    const other = game('supply', 2, '2026-04-30 21:40:00');
    return withBuffer(
      { rounds: [...rounds, roundRow(2, other)] },
      { 'b.json': message, 'a.json': messageOf(gametime(other).bytes) },
      async (world, settings) => {
        await world.audit({ settings });
        const links = (await world.dump()).lua_round_teams.map(({ round_id, round_end_unix }) => [
          round_id,
          round_end_unix,
        ]);
        assert.deepEqual(new Set(links.map(String)), new Set([`1,${played.end}`, `2,${other.end}`]));
      },
    );
  });

  test('a message that is cut off leaves its round damaged, and is never written', () =>
    withBuffer({ rounds }, { '1-1.json': message.slice(0, -30) }, async (world, settings) => {
      const before = await world.dump();
      assert.deepEqual(verdictsOf(await world.audit({ settings })), { 1: 'damaged' });
      assert.deepEqual(await world.dump(), before);
    }));

  test('an empty buffer is well: a round that is nowhere is lost', () =>
    withBuffer({ rounds }, {}, async (world, settings) => {
      assert.deepEqual(verdictsOf(await world.audit({ settings })), { 1: 'lost' });
    }));

  test('a buffer that is not there leaves every gap unchecked', () =>
    withBuffer({ rounds }, {}, async (world, _settings, buffer) => {
      const result = await world.audit({ settings: { PENDING_PATHS: `${buffer}/absent` } });
      assert.deepEqual(verdictsOf(result), { 1: 'unchecked' });
    }));

  test('a message that was delivered since is still its round’s candidate', () =>
    withBuffer({ rounds }, { '1-1.json': message }, async (world, settings, buffer) => {
      await world.audit({ settings: { ...settings, REPAIR: 'off' } });
      rmSync(join(buffer, '1-1.json'));
      const result = await world.audit({ settings });
      assert.deepEqual(verdictsOf(result), { 1: 'recoverable' });
      assert.equal(result.after.covered, 1);
    }));
});
