import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import {
  addDays,
  clearSpans,
  createdAtInstants,
  dayStart,
  isDay,
  isZone,
  localDay,
  localStamp,
  localText,
  localToInstants,
  parseClock,
  uniformDays,
  utcText,
} from '../../src/core/time.ts';

const unix = (text: string) => Date.parse(text) / 1000;
const instants = (...texts: string[]) => texts.map(unix);

const localTimes: { what: string; zone: string; day: string; time: string; is: string[]; moved?: true }[] = [
  {
    what: 'winter',
    zone: 'Europe/Ljubljana',
    day: '2026-02-11',
    time: '220205',
    is: ['2026-02-11T21:02:05Z'],
  },
  {
    what: 'summer, old form',
    zone: 'Europe/Ljubljana',
    day: '2026-07-01',
    time: '22:02:05',
    is: ['2026-07-01T20:02:05Z'],
  },
  {
    what: 'midnight',
    zone: 'Europe/Ljubljana',
    day: '2026-02-21',
    time: '000000',
    is: ['2026-02-20T23:00:00Z'],
  },
  {
    what: 'the last second',
    zone: 'Europe/Ljubljana',
    day: '2026-02-20',
    time: '235959',
    is: ['2026-02-20T22:59:59Z'],
  },
  {
    what: 'the last second before the spring gap',
    zone: 'Europe/Ljubljana',
    day: '2026-03-29',
    time: '015959',
    is: ['2026-03-29T00:59:59Z'],
  },
  {
    what: 'the last hour of a day, repeated before midnight',
    zone: 'America/Santiago',
    day: '2026-04-04',
    time: '231500',
    is: ['2026-04-05T02:15:00Z', '2026-04-05T03:15:00Z'],
  },
  {
    what: 'the hour before it',
    zone: 'America/Santiago',
    day: '2026-04-04',
    time: '221500',
    is: ['2026-04-05T01:15:00Z'],
  },
  {
    what: 'a midnight that does not exist',
    zone: 'America/Santiago',
    day: '2026-09-06',
    time: '003000',
    is: ['2026-09-06T04:30:00Z'],
    moved: true,
  },
  {
    what: 'inside the spring gap',
    zone: 'Europe/Ljubljana',
    day: '2026-03-29',
    time: '023000',
    is: ['2026-03-29T01:30:00Z'],
    moved: true,
  },
  {
    what: 'the first second after the spring gap',
    zone: 'Europe/Ljubljana',
    day: '2026-03-29',
    time: '030000',
    is: ['2026-03-29T01:00:00Z'],
  },
  {
    what: 'the evening after the spring gap',
    zone: 'Europe/Ljubljana',
    day: '2026-03-29',
    time: '220000',
    is: ['2026-03-29T20:00:00Z'],
  },
  {
    what: 'the autumn hour, twice',
    zone: 'Europe/Ljubljana',
    day: '2026-10-25',
    time: '023000',
    is: ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
  },
  {
    what: 'the first second of the autumn hour',
    zone: 'Europe/Ljubljana',
    day: '2026-10-25',
    time: '02:00:00',
    is: ['2026-10-25T00:00:00Z', '2026-10-25T01:00:00Z'],
  },
  {
    what: 'the second after the autumn hour',
    zone: 'Europe/Ljubljana',
    day: '2026-10-25',
    time: '030000',
    is: ['2026-10-25T02:00:00Z'],
  },
  { what: 'UTC', zone: 'UTC', day: '2026-10-25', time: '023000', is: ['2026-10-25T02:30:00Z'] },
  {
    what: 'a zone west of Greenwich on its autumn day',
    zone: 'America/New_York',
    day: '2026-11-01',
    time: '013000',
    is: ['2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'],
  },
  {
    what: 'a gap at midnight',
    zone: 'America/Sao_Paulo',
    day: '2018-11-04',
    time: '003000',
    is: ['2018-11-04T03:30:00Z'],
    moved: true,
  },
  {
    what: 'the evening of a day that begins with a gap',
    zone: 'America/Sao_Paulo',
    day: '2018-11-04',
    time: '213000',
    is: ['2018-11-04T23:30:00Z'],
  },
  {
    what: 'an autumn repetition of half an hour',
    zone: 'Australia/Lord_Howe',
    day: '2026-04-05',
    time: '014500',
    is: ['2026-04-04T14:45:00Z', '2026-04-04T15:15:00Z'],
  },
  {
    what: 'a zone of quarter hours',
    zone: 'Asia/Kathmandu',
    day: '2026-02-11',
    time: '220205',
    is: ['2026-02-11T16:17:05Z'],
  },
];

for (const { what, zone, day, time, is, moved } of localTimes)
  test(`localToInstants() reads ${what} (${day} ${time}, ${zone})`, () => {
    assert.deepEqual(localToInstants(day, time, zone), { instants: instants(...is), moved: moved ?? false });
  });

for (const [day, time] of [
  ['2026-02-30', '220205'],
  ['2026-13-01', '220205'],
  ['2026-00-10', '220205'],
  ['2025-02-29', '220205'],
  ['26-02-11', '220205'],
  ['2026-2-11', '220205'],
  ['2026-02-11 ', '220205'],
  ['0026-02-11', '220205'],
  ['9999-02-11', '220205'],
  ['', '220205'],
  ['2026-02-11', ''],
  ['2026-02-11', '240000'],
  ['2026-02-11', '226005'],
  ['2026-02-11', '220260'],
  ['2026-02-11', '22:0205'],
  ['2026-02-11', '2202:05'],
  ['2026-02-11', '22:02'],
  ['2026-02-11', '22020'],
  ['2026-02-11', '2202055'],
  ['2026-02-11', '22-02-05'],
  ['2026-02-11', ' 220205'],
  ['2026-02-11', '٢٢٠٢٠٥'],
  ['2026-02-11', '-10205'],
] as const)
  test(`localToInstants() cannot read "${day}" "${time}"`, () => {
    assert.equal(localToInstants(day, time, 'Europe/Ljubljana'), null);
  });

test('parseClock() reads both forms as seconds of the day', () => {
  assert.equal(parseClock('220205'), 79_325);
  assert.equal(parseClock('22:02:05'), 79_325);
  assert.equal(parseClock('000000'), 0);
  assert.equal(parseClock('235959'), 86_399);
});

test('isDay() knows leap years', () => {
  assert.equal(isDay('2024-02-29'), true);
  assert.equal(isDay('2026-02-29'), false);
});

test('isZone() knows zones by name and refuses inventions', () => {
  assert.equal(isZone('Europe/Ljubljana'), true);
  assert.equal(isZone('UTC'), true);
  assert.equal(isZone('Europe/Atlantis'), false);
  assert.equal(isZone(''), false);
});

const zones = [
  'Europe/Ljubljana',
  'America/Sao_Paulo',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
];
const anyZone = fc.constantFrom(...zones);
const anyInstant = fc.integer({ min: unix('2015-01-01T00:00:00Z'), max: unix('2035-01-01T00:00:00Z') });

test('localStamp() is what Temporal says, in any zone and around every change of it', () => {
  const zones = [
    'Europe/Ljubljana',
    'America/Sao_Paulo',
    'Pacific/Apia',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  ];
  const said = (at: number, zone: string) => {
    const local = Temporal.Instant.fromEpochMilliseconds(at * 1000)
      .toZonedDateTimeISO(zone)
      .toPlainDateTime();
    const text = local.toString({ smallestUnit: 'second' });
    return `${text.slice(0, 10)}-${text.slice(11).replaceAll(':', '')}`;
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.oneof(
        fc.integer({ min: 0, max: 4_000_000_000 }),
        // The days on which Europe, Samoa (it left out a whole one) and Lord Howe change.
        ...[1_774_746_000, 1_792_890_000, 1_325_239_200, 1_775_314_800].map((at) =>
          fc.integer({ min: at - 200_000, max: at + 200_000 }),
        ),
      ),
      (zone, at) => assert.equal(localStamp(at, zone), said(at, zone)),
    ),
    { numRuns: 2_000 },
  );
});

test('localStamp() is undone by localToInstants() in five zones, on every hour of every year', () => {
  fc.assert(
    fc.property(anyInstant, anyZone, (at, zone) => {
      const stamp = localStamp(at, zone);
      assert.match(stamp, /^\d{4}-\d{2}-\d{2}-\d{6}$/);
      const read = localToInstants(stamp.slice(0, 10), stamp.slice(11), zone)!;
      assert.ok(read.instants.includes(at), `${stamp} in ${zone} is ${read.instants}, not ${at}`);
      assert.equal(read.moved, false);
    }),
    { numRuns: 3000 },
  );
});

test('localToInstants() gives one or two ascending instants that read the same, or one that was moved', () => {
  const anyDay = fc.integer({ min: 0, max: 7000 }).map((days) => addDays('2015-01-01', days));
  const anyClock = fc
    .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }), fc.nat({ max: 59 }))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(''));
  fc.assert(
    fc.property(anyDay, anyClock, anyZone, (day, clock, zone) => {
      const read = localToInstants(day, clock, zone)!;
      const stamps = read.instants.map((at) => localStamp(at, zone));
      if (read.moved) assert.ok(read.instants.length === 1 && stamps[0]! > `${day}-${clock}`);
      else assert.deepEqual([...new Set(stamps)], [`${day}-${clock}`]);
      assert.ok(read.instants.length <= 2);
      if (read.instants.length === 2) assert.ok(read.instants[0]! < read.instants[1]!);
    }),
    { numRuns: 3000 },
  );
});

const createdForms: [text: string, is: string[] | null][] = [
  ['2026-02-11 22:02:05', ['2026-02-11T21:02:05Z']],
  ['2026-02-11T22:02:05', ['2026-02-11T21:02:05Z']],
  ['2026-02-11 22:02:05.123456', ['2026-02-11T21:02:05Z']],
  ['  2026-02-11 22:02:05 ', ['2026-02-11T21:02:05Z']],
  ['2026-02-11T22:02:05Z', ['2026-02-11T22:02:05Z']],
  ['2026-02-11T22:02:05.5Z', ['2026-02-11T22:02:05Z']],
  ['2026-02-11 22:02:05+01', ['2026-02-11T21:02:05Z']],
  ['2026-02-11 22:02:05+0530', ['2026-02-11T16:32:05Z']],
  ['2026-02-11 22:02:05-03:00', ['2026-02-12T01:02:05Z']],
  ['2026-10-25 02:30:00', ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z']],
  ['2026-02-11', null],
  ['2026-02-11 22:02', null],
  ['2026-02-30 22:02:05', null],
  ['2026-02-11 25:02:05', null],
  ['2026-02-11 25:02:05Z', null],
  ['yesterday', null],
  ['', null],
];

for (const [text, is] of createdForms)
  test(`createdAtInstants() reads "${text}" as ${is === null ? 'nothing' : is.join(' or ')}`, () => {
    assert.deepEqual(createdAtInstants(text, 'Europe/Ljubljana'), is === null ? null : instants(...is));
  });

test('days, stamps and texts of one instant agree, across midnight too', () => {
  const at = unix('2026-02-20T23:04:05Z');
  assert.equal(localStamp(at, 'Europe/Ljubljana'), '2026-02-21-000405');
  assert.equal(localDay(at, 'Europe/Ljubljana'), '2026-02-21');
  assert.equal(localText(at, 'Europe/Ljubljana'), '2026-02-21 00:04:05');
  assert.equal(utcText(at), '2026-02-20T23:04:05Z');
});

test('dayStart() is the first instant of a day, also where midnight does not exist', () => {
  assert.equal(dayStart('2026-03-29', 'Europe/Ljubljana'), unix('2026-03-28T23:00:00Z'));
  assert.equal(dayStart('2018-11-04', 'America/Sao_Paulo'), unix('2018-11-04T03:00:00Z'));
});

test('addDays() crosses months, years and the days that change the clock', () => {
  assert.equal(addDays('2026-02-28', 1), '2026-03-01');
  assert.equal(addDays('2024-02-28', 1), '2024-02-29');
  assert.equal(addDays('2026-01-01', -1), '2025-12-31');
  assert.equal(addDays('2026-10-25', 1), '2026-10-26');
  assert.equal(addDays('2026-02-11', 0), '2026-02-11');
});

/** What the standard's own rules say of a local time, without anything remembered. */
function bySpecification(day: string, time: string, zone: string) {
  const clock = parseClock(time)!;
  const plain = Temporal.PlainDateTime.from(`${day}T00:00:00`).add({ seconds: clock });
  const pick = (disambiguation: 'earlier' | 'later') => plain.toZonedDateTime(zone, { disambiguation });
  const [earlier, later] = [pick('earlier'), pick('later')];
  const exists = earlier.toPlainDateTime().equals(plain);
  const both = [...new Set([earlier, later].map(({ epochMilliseconds }) => epochMilliseconds / 1000))];
  return exists ? { instants: both, moved: false } : { instants: both.slice(-1), moved: true };
}

test('localToInstants() says what the standard says, above all on days on which a clock changes', () => {
  let changes = 0;
  for (const zone of zones) {
    let at = Temporal.Instant.from('2015-01-01T00:00:00Z').toZonedDateTimeISO(zone);
    for (let turn = 0; turn < 24; turn++) {
      const next = at.getTimeZoneTransition('next');
      if (next === null || next.year > 2030) break;
      at = next;
      changes++;
      for (let back = -1; back <= 1; back++) {
        const day = addDays(next.toPlainDate().toString(), back);
        for (let seconds = 0; seconds < 86_400; seconds += 1_733) {
          const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60];
          const time = parts.map((part) => String(Math.floor(part)).padStart(2, '0')).join('');
          const expected = bySpecification(day, time, zone);
          assert.deepEqual(localToInstants(day, time, zone), expected, `${day} ${time} ${zone}`);
        }
      }
    }
  }
  assert.ok(changes > 50, `${changes} changes`);
});

test('uniformDays() are the days that begin and end with one offset, each as long as a day', () => {
  for (const zone of zones) {
    const expected: { day: string; startUnix: number }[] = [];
    for (let day = '2021-12-20'; day <= '2026-12-05'; day = addDays(day, 1)) {
      const first = Temporal.PlainDate.from(day).toZonedDateTime(zone);
      const next = Temporal.PlainDate.from(addDays(day, 1)).toZonedDateTime(zone);
      const plain = Temporal.PlainDateTime.from(`${day}T00:00:00`).toZonedDateTime(zone);
      const isUniform =
        plain.offsetNanoseconds === next.offsetNanoseconds &&
        next.epochMilliseconds - first.epochMilliseconds === 86_400_000;
      if (isUniform) expected.push({ day, startUnix: first.epochMilliseconds / 1000 });
    }
    assert.deepEqual(uniformDays('2021-12-20', '2026-12-05', zone), expected, zone);
  }
});

test('clearSpans() hold every second of the other days at which the clock stands once, and no other', () => {
  const [since, until] = ['2021-12-20', '2026-12-05'];
  let found = 0;
  for (const zone of zones) {
    const uniform = new Set(uniformDays(since, until, zone).map(({ day }) => day));
    const spans = clearSpans(since, until, zone);
    assert.ok(spans.every(({ day }) => !uniform.has(day)));
    for (const day of new Set(spans.map((span) => span.day)))
      for (let second = 0; second < 86_400; second += 30) {
        const clock = new Date(second * 1000).toISOString().slice(11, 19);
        const { instants, moved } = localToInstants(day, clock, zone)!;
        const said = spans
          .filter((span) => span.day === day && second >= span.fromSecond && second < span.toSecond)
          .map(({ startUnix }) => startUnix + second);
        assert.deepEqual(said, moved || instants.length > 1 ? [] : instants, `${zone} ${day} ${clock}`);
      }
    found += spans.length;
  }
  // Three of the zones change twice a year.
  assert.ok(found >= 50, `${found} spans`);
});
