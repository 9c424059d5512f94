import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ageSeconds,
  exemptReason,
  exemptReasons,
  fileTime,
  incidentKey,
  startTrust,
} from '../../src/core/expected.ts';
import type { Round } from '../../src/core/model.ts';
import { localText } from '../../src/core/time.ts';
import { aRound, days, endUnix, fileUnix, hours, minutes, startUnix, zone } from './builders.ts';

const playedIn = (one: Round) => fileTime(one, zone);

const since = '2026-01-24';

/** A row that every reason exempts; each case mends the first ones. */
const hopeless: Partial<Round> = {
  number: 0,
  isValid: false,
  status: 'cancelled',
  isBot: true,
  date: '2026-01-23',
};

const mended: [Partial<Round>, (typeof exemptReasons)[number] | null][] = [
  [{}, 'summary'],
  [{ number: 1 }, 'invalid'],
  [{ number: 1, isValid: true }, 'status'],
  [{ number: 1, isValid: true, status: 'completed' }, 'bots'],
  [{ number: 1, isValid: true, status: 'completed', isBot: false }, 'before_capture'],
  [{ number: 1, isValid: true, status: 'completed', isBot: false, date: '2026-01-24' }, null],
];

test('exemptReason() answers with the first reason that holds, in the order of the design', () => {
  const answers = mended.map(([given]) => exemptReason(aRound({ ...hopeless, ...given }), since));
  assert.deepEqual(
    answers,
    mended.map(([, reason]) => reason),
  );
  assert.deepEqual(answers.slice(0, -1), [...exemptReasons]);
});

for (const [what, given, is] of [
  ['a completed round', {}, null],
  ['a substitution', { status: 'substitution' }, null],
  ['a round without a status', { status: null }, null],
  ['a cancelled round', { status: 'cancelled' }, 'status'],
  ['a warm-up', { status: 'warmup' }, 'status'],
  ['an orphan R2', { status: 'orphan_r2' }, 'status'],
  ['a source without is_valid', { isValid: null }, null],
  ['a source without is_bot_round', { isBot: null }, null],
  ['a source with none of the later columns', { isValid: null, isBot: null, status: null }, null],
  ['a summary', { number: 0 }, 'summary'],
  ['a row without a number', { number: null }, 'summary'],
  ['a third round', { number: 3 }, 'summary'],
  ['the day before captures', { date: '2026-01-23', time: '235959' }, 'before_capture'],
  ['the first second of captures', { date: '2026-01-24', time: '000000' }, null],
  ['no date', { date: null }, null],
  ['an unreadable date', { date: 'unknown' }, null],
  ['a date that the calendar does not know', { date: '2025-13-41' }, null],
  ['a date of the year 26', { date: '0026-02-11' }, null],
  ['an old date with an unreadable time', { date: '2025-12-01', time: '9:5' }, null],
  ['an old date without a time', { date: '2025-12-01', time: null }, null],
] as [string, Partial<Round>, string | null][])
  test(`exemptReason() of ${what} is ${is ?? 'none'}`, () => {
    assert.equal(exemptReason(aRound(given), since), is);
  });

test('incidentKey() is the same for both spellings of a time, for colour codes and for case', () => {
  const key = incidentKey(aRound());
  assert.equal(key, 'supply|2|2026-02-11 220205');
  for (const given of [{ time: '22:02:05' }, { map: '^1SUPPLY^7' }, { map: ' Supply ', time: '22:02:05' }])
    assert.equal(incidentKey(aRound(given)), key);
});

test('incidentKey() does not depend on ids and match ids', () => {
  assert.equal(incidentKey(aRound({ id: 77, matchId: 'other', session: 9 })), incidentKey(aRound()));
});

test('incidentKey() differs by map, number, date and time', () => {
  const others = [{ map: 'goldrush' }, { number: 1 }, { date: '2026-02-12' }, { time: '220206' }];
  const keys = new Set([{}, ...others].map((given) => incidentKey(aRound(given))));
  assert.equal(keys.size, 5);
});

test('incidentKey() keeps a time that cannot be read as it stands', () => {
  assert.equal(incidentKey(aRound({ time: '9:5' })), 'supply|2|2026-02-11 9:5');
  assert.equal(incidentKey(aRound({ date: null, time: null, number: null, map: null })), '|| ');
});

const now = fileUnix + 12 * hours;
for (const [what, createdAt, age] of [
  ['no created_at', null, 12 * hours],
  ['a created_at before the file time', localText(fileUnix - 1, zone), 12 * hours],
  ['a created_at at the file time', localText(fileUnix, zone), 12 * hours],
  ['an import one minute later', localText(fileUnix + minutes, zone), 12 * hours - minutes],
  ['an import nine hours later', localText(fileUnix + 9 * hours, zone), 3 * hours],
  ['a created_at of now', localText(now, zone), 0],
  ['a created_at after now', localText(now + 1, zone), 12 * hours],
  ['a created_at that cannot be read', 'soon', 12 * hours],
] as [string, string | null, number][])
  test(`ageSeconds() with ${what} is ${age} s`, () => {
    const round = aRound({ createdAt });
    assert.equal(ageSeconds(round, fileTime(round, zone)!, { zone, nowUnix: now }), age);
  });

test('ageSeconds() takes the later of two file times on the repeated hour', () => {
  const round = aRound({ date: '2026-10-25', time: '023000' });
  const later = Date.parse('2026-10-25T01:30:00Z') / 1000;
  assert.equal(ageSeconds(round, fileTime(round, zone)!, { zone, nowUnix: later + 60 }), 60);
});

test('fileTime() is null where the date or the time is absent or unreadable', () => {
  for (const given of [{ date: null }, { time: null }, { date: '2026-02-30' }, { time: 'x' }])
    assert.equal(fileTime(aRound(given), zone), null);
});

const other = (given: Parameters<typeof aRound>[0]) => aRound({ id: 2, fileUnix: fileUnix + 900, ...given });
const trustCases: [what: string, rounds: Round[], trust: string][] = [
  ['a row without timing', [aRound()], 'absent'],
  ['zeros for timing', [aRound({ timing: { startUnix: 0, endUnix: 0 } })], 'absent'],
  ['a start and an end that fit', [aRound({ timing: { startUnix, endUnix } })], 'trusted'],
  ['a start without an end', [aRound({ timing: { startUnix } })], 'trusted'],
  ['a start at the file time', [aRound({ timing: { startUnix: fileUnix } })], 'trusted'],
  ['a start after the file time', [aRound({ timing: { startUnix: fileUnix + 1 } })], 'foreign'],
  ['an end 30 s before the file', [aRound({ timing: { startUnix, endUnix: fileUnix - 30 } })], 'trusted'],
  ['an end 31 s before the file', [aRound({ timing: { startUnix, endUnix: fileUnix - 31 } })], 'foreign'],
  ['an end 5 s after the file', [aRound({ timing: { startUnix, endUnix: fileUnix + 5 } })], 'trusted'],
  ['an end 6 s after the file', [aRound({ timing: { startUnix, endUnix: fileUnix + 6 } })], 'foreign'],
  ['an end alone that fits', [aRound({ timing: { endUnix } })], 'absent'],
  ['an end alone that does not fit', [aRound({ timing: { endUnix: endUnix - 900 } })], 'foreign'],
  [
    'another plausible row with the same start',
    [aRound({ timing: { startUnix } }), other({ timing: { startUnix } })],
    'shared',
  ],
  [
    'another row with the same start that is proven foreign there',
    [aRound({ timing: { startUnix, endUnix } }), other({ timing: { startUnix, endUnix } })],
    'trusted',
  ],
  [
    'the same start on another map',
    [aRound({ timing: { startUnix } }), other({ map: 'goldrush', timing: { startUnix } })],
    'trusted',
  ],
  [
    'the same start on the other number',
    [aRound({ timing: { startUnix } }), other({ number: 1, timing: { startUnix } })],
    'trusted',
  ],
  [
    'the same start on a map that differs in spelling only',
    [aRound({ timing: { startUnix } }), other({ map: '^1SUPPLY', timing: { startUnix } })],
    'shared',
  ],
  ['a file time that cannot be read', [aRound({ time: 'x', timing: { startUnix, endUnix } })], 'absent'],
];

for (const [what, rounds, trust] of trustCases)
  test(`startTrust() of ${what} is ${trust}`, () => {
    assert.equal(startTrust(rounds, playedIn).get(1), trust);
    assert.equal(startTrust([...rounds].reverse(), playedIn).get(1), trust);
  });

test('startTrust() on the repeated hour accepts what fits either file time', () => {
  const second = Date.parse('2026-10-25T01:30:00Z') / 1000;
  const round = (end: number) =>
    aRound({ date: '2026-10-25', time: '023000', timing: { startUnix: end - 600, endUnix: end } });
  assert.equal(startTrust([round(second - 3)], playedIn).get(1), 'trusted');
  assert.equal(startTrust([round(second - 3 - hours)], playedIn).get(1), 'trusted');
  assert.equal(startTrust([round(second - 3 - days)], playedIn).get(1), 'foreign');
});
