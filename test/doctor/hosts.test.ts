import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  botLine,
  checkOf,
  doctor,
  type HostCommands,
  hostWith,
  monitorLine,
  namesOf,
  psOf,
  realPs,
  serviceOff,
  serviceOn,
  sshTo,
  withProcesses,
} from './hosts.ts';
import { type Installation, inInstallation } from './installation.ts';

const gameServer = 'et@game.example.org';

/** The bot's host with a game server behind ssh. */
function twoHosts({ scene, set }: Installation, here: HostCommands, there: HostCommands) {
  const ssh = sshTo(scene.directory, there);
  return set({ DOCTOR_SSH: gameServer, ...hostWith(scene.directory, { ssh, ...here }) });
}

test('through ssh the game server is asked, and each thing counts once for both hosts', async () => {
  await inInstallation(async (installation) => {
    const there = { systemctl: serviceOff, ps: psOf(monitorLine) };
    const scene = twoHosts(installation, { ps: psOf(botLine) }, there);
    const seen = await doctor(scene, '--acceptance');
    assert.equal(seen.code, 0, seen.said);
    assert.match(checkOf(seen, 'log_monitor.sh process').what, /^one process: 812 on et@game\.example\.org$/);
    assert.match(checkOf(seen, 'bot process').what, /^one process: 431 on this host$/);
    const calls = readFileSync(join(scene.directory, 'ssh.calls'), 'utf8').split('\n');
    assert.equal(
      calls[0],
      `-o BatchMode=yes -o ConnectTimeout=10 -- ${gameServer} true`.replace('-- ', '-- '),
    );

    const twice = await doctor(
      twoHosts(installation, { ps: psOf(botLine, monitorLine) }, { ...there, systemctl: serviceOn }),
    );
    assert.deepEqual(namesOf(twice, 'problem'), [
      `et-stats-webhook.service on ${gameServer}`,
      'log_monitor.sh process',
    ]);
    assert.match(
      checkOf(twice, 'log_monitor.sh process').what,
      /^2 processes: 812 on this host, 812 on et@game/,
    );
  });
});

test('a game server that cannot be reached is one line, and what is here is still checked', async () => {
  await inInstallation(async ({ scene, set }) => {
    const ssh = 'echo "et@game.example.org: Permission denied (publickey)." >&2; exit 255';
    const ps = psOf(monitorLine, botLine, '  432       1 python3 bot/ultimate_bot.py');
    const seen = await doctor(set({ DOCTOR_SSH: gameServer, ...hostWith(scene.directory, { ssh, ps }) }));
    assert.equal(seen.code, 3);
    assert.deepEqual(namesOf(seen, 'unchecked'), ['game server']);
    assert.deepEqual(namesOf(seen, 'problem'), ['bot process']);
    const { what, mend } = checkOf(seen, 'game server');
    assert.match(what, /Permission denied \(publickey\)/);
    assert.match(mend!, /^make `ssh et@game\.example\.org true` work without a password/);
  });
});

test('a game server without systemd says so', async () => {
  await inInstallation(async (installation) => {
    const none = { systemctl: null };
    const scene = twoHosts(installation, { ...none, ps: psOf(botLine) }, { ps: psOf(monitorLine), ...none });
    const seen = await doctor({ ...scene, environment: { ...scene.environment } });
    const line = checkOf(seen, 'et-stats-webhook.service on this host');
    assert.equal(line.state, 'unchecked');
    assert.match(line.what, /there is no systemctl on this host/);
  });
});

test('without systemctl and ps the host could not be checked, and the reason stands there', async () => {
  await inInstallation(async ({ scene, set }) => {
    const seen = await doctor(set(hostWith(scene.directory, { systemctl: null, ps: null })));
    assert.equal(seen.code, 3);
    assert.deepEqual(namesOf(seen, 'problem', 'warning'), []);
    assert.deepEqual(namesOf(seen, 'unchecked'), [
      'bot process',
      'et-stats-webhook.service on this host',
      'log_monitor.sh process',
    ]);
    assert.match(checkOf(seen, 'bot process').what, /there is no ps on this host/);
  });
});

test('the acceptance says how to ask a game server that nobody named', async () => {
  await inInstallation(async ({ scene, set }) => {
    const seen = await doctor(set(hostWith(scene.directory, { ps: psOf(botLine) })), '--acceptance');
    assert.equal(seen.code, 3);
    assert.deepEqual(namesOf(seen, 'unchecked'), ['game server', 'log_monitor.sh process']);
    assert.equal(checkOf(seen, 'game server').mend, 'set DOCTOR_SSH=user@host');
  });
});

test('one log_monitor.sh with its subshells is one', {
  skip: realPs === null && 'this host has no ps',
}, async () => {
  await inInstallation(async ({ scene, set }) => {
    await withProcesses({ logMonitors: 1, bots: 1 }, async ({ ps, pids }) => {
      const seen = await doctor(set(hostWith(scene.directory, { ps })), '--acceptance');
      assert.equal(seen.code, 0, seen.said);
      assert.match(checkOf(seen, 'log_monitor.sh process').what, new RegExp(`^one process: ${pids[0]} `));
    });
  });
});

test('processes are found among all that run on a host', {
  skip: realPs === null && 'this host has no ps',
}, async () => {
  await inInstallation(async ({ scene, set }) => {
    await withProcesses({ logMonitors: 2, bots: 2 }, async ({ pids }) => {
      const seen = await doctor(
        set(hostWith(scene.directory, { ps: `exec ${realPs} "$@"` })),
        '--acceptance',
      );
      assert.equal(seen.code, 3);
      const said = ['log_monitor.sh process', 'bot process'].map((name) => checkOf(seen, name).what);
      for (const [at, pid] of pids.entries())
        assert.match(said[Math.floor(at / 2)]!, new RegExp(`\\b${pid} on this host`));
    });
  });
});
