import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  botLine,
  checkOf,
  doctor,
  doctorForPeople,
  type HostCommands,
  hostWith,
  monitorLine,
  namesOf,
  psOf,
  psOfOwn,
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
    assert.deepEqual(namesOf(seen, 'unchecked'), ['DOCTOR_SSH']);
    assert.deepEqual(namesOf(seen, 'problem'), ['bot process']);
    const { what, mend } = checkOf(seen, 'DOCTOR_SSH');
    assert.match(what, /Permission denied \(publickey\)/);
    assert.match(mend!, /^make `ssh et@game\.example\.org true` work without a password/);
  });
});

test('a bot that nothing places here is noted where it is not seen, and is a problem where its log is named', async () => {
  await inInstallation(async ({ scene, set }) => {
    const alone = { ...hostWith(scene.directory, { ps: psOf() }), CONSOLE_LOG: '', WEBHOOK_LOG: '' };
    const seen = await doctor(set(alone));
    assert.deepEqual(namesOf(seen, 'note'), ['bot process', 'log_monitor.sh process']);
    assert.deepEqual(namesOf(seen, 'problem', 'unchecked'), []);
    assert.equal(seen.code, 0);
    const { what, mend } = checkOf(seen, 'bot process');
    assert.equal(what, 'none on this host; whether it runs on another host cannot be seen from here');
    assert.match(
      mend!,
      /^if it should run here, start the bot.*DOCTOR_SSH=user@host, and it is looked for there$/,
    );
    assert.match(await doctorForPeople(set(alone)), /, 2 notes, .*, 0 problems, 0 could not be checked\n$/);
    assert.deepEqual(namesOf(await doctor(set(alone), '--acceptance'), 'unchecked'), [
      'bot process',
      'duplicate ingestion',
      'game server',
      'log_monitor.sh process',
      'lua_modules',
    ]);

    const { WEBHOOK_LOG: _, CONSOLE_LOG: __, ...named } = alone;
    const here = await doctor(set(named));
    assert.equal(here.code, 3);
    assert.deepEqual(namesOf(here, 'problem'), ['bot process']);
    assert.equal(
      checkOf(here, 'bot process').what,
      'none on this host, where WEBHOOK_LOG says that its log is',
    );
  });
});

test('a bot on none of the hosts that were named is a problem', async () => {
  await inInstallation(async (installation) => {
    const scene = twoHosts(installation, { ps: psOf() }, { systemctl: serviceOff, ps: psOf(monitorLine) });
    const seen = await doctor({ ...scene, environment: { ...scene.environment, WEBHOOK_LOG: '' } });
    assert.equal(seen.code, 3);
    assert.deepEqual(namesOf(seen, 'problem'), ['bot process']);
    const { what, mend } = checkOf(seen, 'bot process');
    assert.equal(what, `none on this host and ${gameServer}`);
    assert.match(mend!, /add it to DOCTOR_SSH$/);
  });
});

test('several hosts can be named, and each is asked', async () => {
  await inInstallation(async ({ scene, set }) => {
    const there = { systemctl: serviceOff, ps: psOf(monitorLine, botLine) };
    const ssh = `[ "$6" = bot@bot.example.org ] && exit 255; ${sshTo(scene.directory, there)}`;
    const named = { DOCTOR_SSH: `${gameServer}, bot@bot.example.org` };
    const seen = await doctor(set({ ...named, ...hostWith(scene.directory, { ssh, ps: psOf() }) }));
    assert.deepEqual(namesOf(seen, 'unchecked'), ['DOCTOR_SSH']);
    assert.match(checkOf(seen, 'DOCTOR_SSH').what, /^bot@bot\.example\.org: /);
    assert.equal(checkOf(seen, `et-stats-webhook.service on ${gameServer}`).state, 'ok');
    const both = hostWith(scene.directory, { ssh: sshTo(scene.directory, there), ps: psOf() });
    const asked = await doctor(set({ ...named, ...both }));
    assert.deepEqual(namesOf(asked, 'problem'), ['bot process', 'log_monitor.sh process']);
    assert.equal(
      checkOf(asked, 'bot process').what,
      `2 processes: 431 on ${gameServer}, 431 on bot@bot.example.org`,
    );
  });
});

for (const [where, commands, why] of [
  [
    'from inside a container',
    { ps: psOf(), readlink: 'echo "pid:[4026532999]"', systemctl: null },
    /^it cannot be seen from here: on this host only the processes of a container are listed$/,
  ],
  [
    'where /proc hides the processes of others',
    { ps: psOfOwn(), readlink: 'echo "pid:[4026531836]"' },
    /^it cannot be seen from here: on this host the processes of other users are hidden/,
  ],
] as const)
  test(`${where} it is noted that the bot cannot be seen, and not said to be missing`, async () => {
    await inInstallation(async ({ scene, set }) => {
      const hidden = set(hostWith(scene.directory, commands));
      const seen = await doctor(hidden);
      assert.equal(seen.code, 0, seen.said);
      const services = 'systemctl' in commands ? ['et-stats-webhook.service on this host'] : [];
      const names = ['bot process', ...services, 'log_monitor.sh process'];
      assert.deepEqual(namesOf(seen, 'note'), names);
      assert.match(checkOf(seen, 'bot process').what, why);
      assert.match(checkOf(seen, 'bot process').mend!, /^run `ps -ef` as root on the host itself/);
      assert.deepEqual(namesOf(await doctor(hidden, '--acceptance'), 'unchecked'), [
        'bot process',
        ...services,
        'game server',
        'log_monitor.sh process',
      ]);
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
