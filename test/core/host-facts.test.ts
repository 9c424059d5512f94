import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  botProcesses,
  hiddenProcesses,
  logMonitors,
  parseProcesses,
  serviceState,
} from '../../src/core/host-facts.ts';

const pids = (found: readonly { pid: number }[]) => found.map(({ pid }) => pid);
const list = (...lines: string[]) => parseProcesses(['    PID    PPID COMMAND', ...lines, ''].join('\n'));

describe('log_monitor.sh is counted', () => {
  const cases: readonly [string, string[], number[]][] = [
    ['as a shell runs it', ['10 1 /bin/bash /home/et/scripts/log_monitor.sh'], [10]],
    ['by a relative name, with options', ['10 1 sh -e ./log_monitor.sh --quiet'], [10]],
    ['where its name stands alone', ['10 1 /home/et/log_monitor.sh'], [10]],
    [
      'twice where two run',
      ['10 1 /bin/bash /home/et/scripts/log_monitor.sh', '20 1 bash /home/et/scripts/log_monitor.sh'],
      [10, 20],
    ],
    [
      'once where it has subshells, which show its name',
      ['10 1 bash log_monitor.sh', '11 10 tail -F etconsole.log', '12 10 bash log_monitor.sh'],
      [10],
    ],
    [
      'not where it is only spoken of',
      [
        '10 1 grep log_monitor.sh',
        '11 1 vim /home/et/scripts/log_monitor.sh',
        '12 1 tail -f log_monitor.sh.log',
        '13 1 sh -c pgrep -fc log_monitor.sh',
        '14 1 bash /opt/old_log_monitor.sh',
        '15 1 bash watch.sh log_monitor.sh',
        '16 1 [log_monitor.sh] <defunct>',
        '17 1 SCREEN -dmS monitor bash log_monitor.sh',
        '18 1 node doctor log_monitor.sh',
      ],
      [],
    ],
  ];
  for (const [name, lines, expected] of cases)
    test(name, () => assert.deepEqual(pids(logMonitors(list(...lines))), expected));
});

describe('a list of processes', () => {
  const first = '1 0 /sbin/init';
  const cases: readonly [string, string[], string, RegExp | null][] = [
    ['is whole on a host', [first, '10 1 sshd'], 'pid:[4026531836]\n', null],
    ['is whole where no namespace is told', [first], '', null],
    ['holds those of a container alone', ['1 0 node main.js start'], 'pid:[4026532999]\n', /of a container/],
    ['lacks those of others', ['10 1 bash'], 'pid:[4026531836]\n', /other users are hidden/],
  ];
  for (const [name, lines, namespace, expected] of cases)
    test(name, () => {
      const why = hiddenProcesses(list(...lines), namespace);
      if (expected === null) assert.equal(why, null);
      else assert.match(why!, expected);
    });
});

describe('the bot is counted', () => {
  const cases: readonly [string, string[], number[]][] = [
    ['as a module', ['10 1 /opt/slomix/venv/bin/python3 -m bot.ultimate_bot'], [10]],
    ['as a script', ['10 1 /opt/venv/bin/python3.11 -u bot/ultimate_bot.py --quiet'], [10]],
    ['as the package', ['10 1 python -W ignore -m bot'], [10]],
    ['once with its forks', ['10 1 python3 bot/ultimate_bot.py', '11 10 python3 bot/ultimate_bot.py'], [10]],
    [
      'twice where two run',
      ['10 1 python3 bot/ultimate_bot.py', '11 1 python3 -m bot.ultimate_bot'],
      [10, 11],
    ],
    [
      'not where something else runs',
      [
        '10 1 bash -c cd /opt && python3 -m bot.ultimate_bot',
        '11 1 python3 -m bot.tools',
        '12 1 python3 -c import bot.ultimate_bot',
        '13 1 nano bot/ultimate_bot.py',
        '14 1 python3 website/backend/main.py bot/ultimate_bot.py',
        '15 1 python3 -m pytest ultimate_bot.py',
      ],
      [],
    ],
  ];
  for (const [name, lines, expected] of cases)
    test(name, () => assert.deepEqual(pids(botProcesses(list(...lines))), expected));
});

test('a list of processes without the column of parents is read too', () => {
  assert.deepEqual(parseProcesses('PID COMMAND\n 7 /sbin/init splash\n'), [
    { pid: 7, parent: 0, args: '/sbin/init splash' },
  ]);
});

describe('the old service is', () => {
  const noUnit = 'Failed to get unit file state for et-stats-webhook.service: No such file or directory\n';
  const noBus = 'Failed to connect to bus: No such file or directory\n';
  const cases: readonly [string, [string, string], [string, string], boolean | null][] = [
    ['off where it is disabled and inactive', ['disabled\n', ''], ['inactive\n', ''], true],
    ['off where it is masked', ['masked\n', ''], ['inactive\n', ''], true],
    ['off where it failed and is disabled', ['disabled\n', ''], ['failed\n', ''], true],
    ['off where it is not installed', ['', noUnit], ['inactive\n', ''], true],
    ['off where it is not installed, as newer systemd says', ['not-found\n', ''], ['inactive\n', ''], true],
    ['on where it runs although disabled', ['disabled\n', ''], ['active\n', ''], false],
    ['on where it comes back at boot', ['enabled\n', ''], ['inactive\n', ''], false],
    ['on where it is being started', ['enabled-runtime\n', ''], ['activating\n', ''], false],
    ['on where it runs without a unit file', ['', noUnit], ['active\n', ''], false],
    ['unknown where systemd cannot be reached', ['', noBus], ['', noBus], null],
  ];
  for (const [name, enabled, active, off] of cases)
    test(name, () => {
      const printed = ([stdout, stderr]: [string, string]) => ({ stdout, stderr });
      const state = serviceState(printed(enabled), printed(active));
      assert.equal(state.off, off);
      assert.notEqual(state.what, '');
    });
});
