import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { botClock, botInstants, clockOfDays } from '../../src/core/bot-clock.ts';
import type { LogEvent } from '../../src/core/log-event.ts';
import { days, fileUnix, hours, zone } from './builders.ts';
import { trigger } from './log-events.ts';

const utcText = (unix: number) => new Date(unix * 1000).toISOString().slice(0, 19).replace('T', ' ');
/** A trigger line of a host whose clock shows UTC plus so many seconds. */
const seen = (file: number, offsetSeconds: number, lateSeconds = 2): LogEvent => ({
  ...trigger(file),
  at: utcText(file + lateSeconds + offsetSeconds),
});
const server = { kind: 'server' };
const fixed = (offsetSeconds: number) => ({ kind: 'fixed', offsetSeconds });
const summer = fileUnix + 150 * days;

describe('botClock()', () => {
  const table: readonly [string, readonly LogEvent[], object | null][] = [
    ['no trigger tells nothing', [], null],
    ['one trigger of the server’s own zone', [seen(fileUnix, hours)], server],
    ['winter and summer of the server’s own zone', [seen(fileUnix, hours), seen(summer, 2 * hours)], server],
    ['a host in UTC', [seen(fileUnix, 0), seen(fileUnix + 900, 0)], fixed(0)],
    ['a host in New York', [seen(fileUnix, -5 * hours), seen(fileUnix + 900, -5 * hours)], fixed(-5 * hours)],
    ['a host in India', [seen(fileUnix, 5.5 * hours), seen(fileUnix + 900, 5.5 * hours)], fixed(5.5 * hours)],
    [
      'an import of several files that came hours late is no clock',
      [seen(fileUnix - 240, hours, 21_600 + 240), seen(fileUnix, hours, 21_600)],
      null,
    ],
    ['one import that came hours late is no clock', [seen(fileUnix, hours, 8.5 * hours)], null],
    [
      'late imports do not outvote the server’s zone',
      [seen(fileUnix, hours), seen(fileUnix - 900, hours), seen(fileUnix - 9000, hours, 8.5 * hours)],
      server,
    ],
    [
      'two clocks that are equally likely',
      [seen(fileUnix, 0), seen(fileUnix, 0), seen(fileUnix, 7200), seen(fileUnix, 7200)],
      null,
    ],
    ['what is no stats file', [{ ...seen(fileUnix, hours), subject: 'x.txt' }], null],
    ['what is no time', [{ ...seen(fileUnix, hours), at: 'yesterday' }], null],
  ];
  for (const [what, triggers, expected] of table)
    test(what, () => assert.deepEqual(botClock(triggers, zone), expected));
});

describe('botInstants()', () => {
  test('gives back the instant of a line by either clock', () => {
    assert.deepEqual(botInstants('2026-02-11 22:02:05', { kind: 'server' }, zone), [fileUnix]);
    assert.deepEqual(botInstants('2026-02-11 21:02:05', { kind: 'fixed', offsetSeconds: 0 }, zone), [
      fileUnix,
    ]);
  });

  test('gives both instants of the hour that is repeated in autumn', () => {
    assert.equal(botInstants('2026-10-25 02:30:00', { kind: 'server' }, zone).length, 2);
  });
});

describe('clockOfDays()', () => {
  test('follows a host that moved from UTC to the server’s zone', () => {
    const later = fileUnix + 10 * days;
    const clock = clockOfDays(
      [seen(fileUnix, 0), seen(fileUnix + 900, 0), seen(later, hours), seen(later + 900, hours)],
      zone,
    );
    assert.deepEqual(clock('2026-02-11'), fixed(0));
    assert.deepEqual(clock('2026-02-21'), server);
    assert.deepEqual(clock('2026-02-13'), fixed(0), 'the nearest days tell');
    assert.equal(clock('2026-09-01'), null, 'too far away from any trigger');
  });
});

test('a line that begins with no day of the calendar has no clock, and stops nothing', () => {
  const clockOf = clockOfDays([seen(fileUnix, hours)], zone);
  for (const day of ['0000-00-00', '2026-02-30', '2026-13-01', '9999-12-31'])
    assert.equal(clockOf(day), null);
});
