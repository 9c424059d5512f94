import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lastTick, nextTick, ticksBetween } from '../../jobs/audit-ticks.ts';
import { nextReport, owedDays } from '../../src/core/owed.ts';
import { lookbackDaysOf, type OwedAuditFacts, owedAudit } from '../../src/core/owed-audit.ts';
import { addDays, dayStart, localDay, localText } from '../../src/core/time.ts';
import { type Stretch, watch } from '../../src/core/watch.ts';
import { hours, minutes, zone } from './builders.ts';

const unix = (utc: string) => Date.parse(`${utc}Z`) / 1000;
const at = (time: string) => unix(`2026-02-12T${time}`);
const ran = (from: string, to = from): Stretch => ({ fromUnix: at(from), toUnix: at(to) });

describe('owedAudit()', () => {
  const noon: OwedAuditFacts = {
    nowUnix: at('12:00:01'),
    zone,
    lookbackDays: 7,
    tickUnix: at('12:00:00'),
    last: ran('11:57:00', '11:57:20'),
    lastFullUnix: at('00:00:10'),
    lastFailed: false,
  };
  const cycle = { kind: 'lookback', since: '2026-02-05', until: '2026-02-12' } as const;
  const cases: readonly [string, Partial<OwedAuditFacts>, ReturnType<typeof owedAudit>][] = [
    ['is a cycle where none has finished since the last tick', {}, cycle],
    ['is none where one began at the tick', { last: ran('12:00:00') }, null],
    ['is none where one was at work at the tick', { last: ran('11:59:00', '12:00:00') }, null],
    ['is a cycle where one ended a second before the tick', { last: ran('11:59:00', '11:59:59') }, cycle],
    ['is one cycle however many ticks were missed', { last: ran('02:00:00', '02:00:09') }, cycle],
    [
      'is of the whole history where there never was one',
      { last: null, lastFullUnix: null },
      { kind: 'all' },
    ],
    [
      'is of the whole history where there never was one, also before the first tick ever',
      { last: null, lastFullUnix: null, tickUnix: null },
      { kind: 'all' },
    ],
    ['is none where there is no tick yet and one has finished', { tickUnix: null }, null],
    [
      'is of the whole history where the day has had none yet',
      { lastFullUnix: unix('2026-02-11T22:59:59') },
      { kind: 'all' },
    ],
    [
      'is a cycle from local midnight on, where the day has had one',
      { lastFullUnix: unix('2026-02-11T23:00:00') },
      cycle,
    ],
    [
      'is a cycle after one that failed, so that a history that cannot be audited does not stop it',
      { lastFullUnix: null, lastFailed: true },
      cycle,
    ],
    ['is a cycle where the one before it failed', { lastFailed: true }, cycle],
    [
      'looks at all days that nobody looked at, and at the one before them',
      {
        last: { fromUnix: unix('2026-01-20T12:00:00'), toUnix: unix('2026-01-20T12:00:10') },
        lastFailed: true,
      },
      { kind: 'lookback', since: '2026-01-19', until: '2026-02-12' },
    ],
    [
      'does not believe an end in the future: the clock was set back since',
      { last: { fromUnix: at('11:57:00'), toUnix: at('13:00:00') } },
      cycle,
    ],
  ];
  for (const [name, facts, expected] of cases)
    test(name, () => assert.deepEqual(owedAudit({ ...noon, ...facts }), expected));
});

describe('lookbackDaysOf() gives', () => {
  const nowUnix = at('12:00:00');
  const cases: readonly [string, lastUnix: number | null, since: string][] = [
    ['the days that are set where there never was an audit', null, '2026-02-05'],
    ['the days that are set where one finished lately', at('11:57:00'), '2026-02-05'],
    ['no fewer days where a clock ran ahead', unix('2027-01-01T00:00:00'), '2026-02-05'],
    ['more days after a longer pause', unix('2026-02-05T12:00:00'), '2026-02-04'],
  ];
  for (const [name, lastUnix, since] of cases)
    test(name, () =>
      assert.deepEqual(lookbackDaysOf({ nowUnix, zone, lookbackDays: 7, lastUnix }), {
        since,
        until: '2026-02-12',
      }),
    );
});

describe('AUDIT_CRON is asked for', () => {
  const every3 = '*/3 * * * *';
  test('its last time, up to and including now', () => {
    assert.equal(lastTick(every3, at('12:02:59')), at('12:00:00'));
    assert.equal(lastTick(every3, at('12:03:00')), at('12:03:00'));
    assert.equal(lastTick('*/20 * * * * *', at('12:03:39')), at('12:03:20'));
  });
  test('its next time, after now', () => {
    assert.equal(nextTick(every3, at('12:03:00')), at('12:06:00'));
    assert.equal(nextTick(every3, at('12:02:59')), at('12:03:00'));
  });
  test('all its times in a stretch, without its end', () => {
    const stretch = { fromUnix: at('12:00:00'), toUnix: at('12:06:00') };
    assert.deepEqual(ticksBetween(every3, stretch), [at('12:00:00'), at('12:03:00')]);
  });
});

/** Both changes of the clock, and a day that one zone left out. */
const changes: Record<string, readonly string[]> = {
  'Europe/Ljubljana': ['2026-03-29', '2026-10-25'],
  'America/New_York': ['2026-03-08', '2026-11-01'],
  'America/Sao_Paulo': ['2018-02-18', '2018-11-04'],
  'Australia/Lord_Howe': ['2026-04-05', '2026-10-04'],
  'Pacific/Apia': ['2011-04-02', '2011-12-30'],
};

/** What a process that ticks each minute does: what it is told is owed, remembered as the ledger does. */
function simulate(of: { from: number; to: number; where: string; pattern: string; tookSeconds: number }) {
  const { where, pattern } = of;
  const audits: (Stretch & { kind: string })[] = [];
  const reports: { day: string; clock: string }[] = [];
  let lastDay: string | null = null;
  let busyUntil = 0;
  const ticks = ticksBetween(pattern, { fromUnix: of.from - 2 * hours, toUnix: of.to });
  let tick = 0;
  for (let nowUnix = of.from; nowUnix < of.to; nowUnix += minutes) {
    if (nowUnix < busyUntil) continue;
    while (ticks[tick + 1]! <= nowUnix) tick++;
    const owed = owedAudit({
      ...{ nowUnix, zone: where, lookbackDays: 7, tickUnix: ticks[tick]! },
      last: audits.at(-1) ?? null,
      lastFullUnix: audits.findLast(({ kind }) => kind === 'all')?.fromUnix ?? null,
      lastFailed: false,
    });
    if (owed !== null) {
      busyUntil = nowUnix + of.tookSeconds;
      audits.push({ kind: owed.kind, fromUnix: nowUnix, toUnix: busyUntil });
    }
    for (const day of owedDays({ nowUnix, zone: where, reportAt: '02:30', lastDay })) {
      reports.push({ day, clock: localText(nowUnix, where).slice(0, 16) });
      lastDay = day;
    }
  }
  return { audits, reports };
}

describe('ticking each minute through a change of the clock', () => {
  for (const [where, days] of Object.entries(changes))
    for (const day of days)
      for (const [pattern, tookSeconds] of [
        ['*/3 * * * *', 20],
        ['30 * * * *', 400],
      ] as const)
        test(`of ${day} in ${where}, by ${pattern}, when an audit takes ${tookSeconds} s`, () => {
          const from = dayStart(day, where) - 4 * hours;
          const to = dayStart(addDays(day, 1), where) + 4 * hours;
          const { audits, reports } = simulate({ from, to, where, pattern, tookSeconds });
          const ticks = ticksBetween(pattern, { fromUnix: from, toUnix: to });
          assert.ok(ticks.length >= 8, String(ticks.length));
          assert.equal(watch({ ticks, untilUnix: to, runs: audits }).blindSeconds, 0);
          // No more audits than were expected, but for the first one ever, which waits for no tick.
          assert.ok(audits.length <= ticks.length + 1, `${audits.length} audits, ${ticks.length} ticks`);
          const fullDays = audits
            .filter(({ kind }) => kind === 'all')
            .map((one) => localDay(one.fromUnix, where));
          const everyDay = [...new Set(ticks.map((tick) => localDay(tick, where)))];
          assert.deepEqual(fullDays, everyDay);
          // Each day once, on the morning after it. The last one before the stretch is owed at its beginning.
          const reported = reports.map((one) => one.day);
          assert.deepEqual(reported, [...new Set(reported)].sort());
          for (const { day: of, clock } of reports.slice(1))
            assert.ok(clock >= `${addDays(of, 1)} 02:30`, `${of} was reported at ${clock}`);
          assert.ok(reported.length >= 2, String(reported));
        });
});

describe('a process that was off, or whose clock jumps,', () => {
  const where = 'Europe/Ljubljana';
  const pattern = '*/3 * * * *';
  const facts = { zone: where, lookbackDays: 7, lastFailed: false };
  test('makes one audit of the whole history after nine days, not one for each tick', () => {
    const from = unix('2026-10-20T12:00:00');
    const last = { fromUnix: from, toUnix: from + 20 };
    const first = from + 9 * 24 * hours;
    const owed = owedAudit({
      ...facts,
      nowUnix: first,
      tickUnix: lastTick(pattern, first),
      last,
      lastFullUnix: from,
    });
    assert.deepEqual(owed, { kind: 'all' });
    const done = { fromUnix: first, toUnix: first + 20 };
    const next = first + minutes;
    const then = owedAudit({
      ...facts,
      nowUnix: next,
      tickUnix: lastTick(pattern, next),
      last: done,
      lastFullUnix: first,
    });
    assert.equal(then, null);
  });

  test('audits on where the clock was set back by an hour, and was a year ahead', () => {
    // What was recorded with a clock that was ahead is not read: the last audit is the one before that.
    const last = { fromUnix: at('11:00:00'), toUnix: at('11:00:20') };
    for (const nowUnix of [at('11:03:00'), at('12:00:00')]) {
      const tickUnix = lastTick(pattern, nowUnix);
      assert.notEqual(owedAudit({ ...facts, nowUnix, tickUnix, last, lastFullUnix: at('00:00:00') }), null);
    }
  });
});

describe('the next report is owed', () => {
  const cases: readonly [now: string, zone: string, reportAt: string, next: string][] = [
    ['2026-02-12T06:09:59', 'Europe/Ljubljana', '07:10', '2026-02-12T06:10:00'],
    ['2026-02-12T06:10:00', 'Europe/Ljubljana', '07:10', '2026-02-13T06:10:00'],
    ['2026-03-28T23:30:00', 'Europe/Ljubljana', '02:30', '2026-03-29T01:00:00'],
    ['2026-10-24T23:30:00', 'Europe/Ljubljana', '02:30', '2026-10-25T00:30:00'],
  ];
  for (const [now, where, reportAt, next] of cases)
    test(`at ${next} UTC, when it is ${now} UTC and REPORT_AT is ${reportAt}`, () =>
      assert.equal(nextReport({ nowUnix: unix(now), zone: where, reportAt }), unix(next)));
});
