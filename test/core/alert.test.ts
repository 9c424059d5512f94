import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AlertDecision, type AlertGroup, decideAlerts } from '../../src/core/alert.ts';
import { alertMessage, durationText } from '../../src/core/alert-text.ts';
import { foldIncident } from '../../src/core/fold.ts';
import type { EntryKind, Incident } from '../../src/core/incident.ts';
import type { Json } from '../../src/core/model.ts';
import { gapEntries } from '../../src/core/record.ts';
import {
  aCapture,
  anArtifact,
  aRound,
  days,
  endUnix,
  fileUnix,
  hours,
  judge,
  minutes,
  zone,
} from './builders.ts';

type Given = NonNullable<Parameters<typeof judge>[0]>;

/** A ledger and its alert groups in miniature, and the runs of an audit one after the other. */
function aWatch() {
  const incidents = new Map<string, Incident>();
  let groups: AlertGroup[] = [];
  let seq = 0;
  const say = (kind: EntryKind, key: string, body: Json, nowUnix: number) => {
    const at = new Date(nowUnix * 1000).toISOString();
    const entry = { kind, source: 'test', key, body, seq: ++seq, at };
    incidents.set(key, foldIncident(incidents.get(key) ?? null, entry, key));
  };
  const run = (given: Given, nowUnix: number): AlertDecision => {
    const assessments = [...judge(given, { nowUnix }).values()];
    const recording = { source: 'test', run: 'r', places: [], looksForVanished: true, packets: new Map() };
    for (const { kind, key, body } of gapEntries({ ...recording, assessments, incidents }))
      say(kind, key, body, nowUnix);
    const decision = decideAlerts({ assessments, incidents, groups, zone, nowUnix, settleHours: 24 });
    const changed = new Map(decision.changed.map((group) => [group.key, group]));
    groups = [
      ...groups.filter(({ key }) => !changed.has(key) && !decision.closed.includes(key)),
      ...changed.values(),
    ];
    return decision;
  };
  /** The levels of what a run tells. */
  const told = (given: Given, nowUnix: number) => run(given, nowUnix).news.map(({ level }) => level);
  const decide = (kind: EntryKind, nowUnix: number) => {
    for (const key of [...incidents.keys()]) say(kind, key, { by: 'ann', reason: 'known' }, nowUnix);
  };
  return { run, told, decide, incidents, groups: () => groups };
}

const at = (minutesAfter: number) => fileUnix + minutesAfter * minutes;
const gap: Given = { judged: [aRound()] };
const covered: Given = { judged: [aRound()], captures: [aCapture({ roundId: 1 })] };
const second = aRound({ id: 2, map: 'te_escape2', number: 2, fileUnix: at(12) });
const firstOfNext = aRound({ id: 3, map: 'te_escape2', number: 1, fileUnix: at(12) });

describe('decideAlerts()', () => {
  test('notes a young gap from two minutes on, alerts once after the grace time, and is urgent once', () => {
    const watch = aWatch();
    const notes = (minute: number) => watch.run(gap, at(minute)).notes.length;
    assert.deepEqual([notes(1), notes(2), notes(4)], [0, 1, 1]);
    assert.deepEqual(watch.told(gap, at(6)), ['alert']);
    assert.deepEqual(watch.told(gap, at(9)), []);
    assert.deepEqual(watch.told(gap, at(31)), ['urgent']);
    for (let minute = 34; minute < 20 * 60; minute += 3) assert.deepEqual(watch.told(gap, at(minute)), []);
    assert.deepEqual(watch.told(covered, at(20 * 60)), ['recovery']);
    assert.deepEqual(watch.told(covered, at(20 * 60 + 3)), []);
  });

  test('tells only the loudest of what is due at once', () => {
    assert.deepEqual(aWatch().told(gap, at(45)), ['urgent']);
  });

  test('is urgent at two second rounds in a row, and not at a first and a second one', () => {
    const two = aWatch();
    assert.deepEqual(two.told(gap, at(6)), ['alert']);
    assert.deepEqual(two.told({ judged: [aRound(), second] }, at(18)), ['urgent']);
    const mixed = aWatch();
    assert.deepEqual(mixed.told(gap, at(6)), ['alert']);
    assert.deepEqual(mixed.told({ judged: [aRound(), firstOfNext] }, at(18)), []);
  });

  test('does not count second rounds as in a row when a covered one lies between', () => {
    const third = aRound({ id: 4, map: 'etl_ice', number: 2, fileUnix: at(24) });
    const capture = aCapture({ id: 101, map: 'te_escape2', endUnix: endUnix + 12 * minutes, roundId: 2 });
    const watch = aWatch();
    watch.told(gap, at(6));
    assert.deepEqual(watch.told({ judged: [aRound(), second, third], captures: [capture] }, at(29.5)), []);
  });

  test('keeps one group for a session, and for a day and map where there is none', () => {
    const watch = aWatch();
    watch.told({ judged: [aRound(), firstOfNext] }, at(18));
    assert.deepEqual(
      watch.groups().map(({ key, gaps }) => [key, gaps.length]),
      [['session 88', 2]],
    );
    const loose = [aRound({ session: null }), aRound({ ...firstOfNext, fileUnix: at(12), session: null })];
    const other = aWatch();
    other.told({ judged: loose }, at(18));
    assert.deepEqual(
      other.groups().map(({ key }) => key),
      ['day 2026-02-11, supply', 'day 2026-02-11, te_escape2'],
    );
  });

  test('keeps its group when a gap is given a session later', () => {
    const watch = aWatch();
    assert.deepEqual(watch.told({ judged: [aRound({ session: null })] }, at(6)), ['alert']);
    assert.deepEqual(watch.told(gap, at(9)), []);
    assert.equal(watch.groups().length, 1);
  });

  test('says nothing of a gap that was repaired in the run that found it', () => {
    assert.deepEqual(aWatch().told(covered, at(6)), []);
  });

  test('says how each gap ended: late, written off, not expected, vanished', () => {
    const endings = (then: Given, minute: number) => {
      const watch = aWatch();
      watch.told(gap, at(6));
      const [news] = watch.run(then, at(minute)).news;
      return news?.level === 'recovery' ? news.endings.map(({ ending }) => ending) : news?.level;
    };
    assert.deepEqual(endings(covered, 20), ['arrived late']);
    assert.deepEqual(endings(gap, 25 * 60), ['written off']);
    assert.deepEqual(endings({ judged: [aRound({ status: 'cancelled' })] }, 20), ['not expected any more']);
    assert.deepEqual(endings({ judged: [] }, 20), ['vanished']);
  });

  test('says one line when the last gap of several is gone, with the time since the first', () => {
    const watch = aWatch();
    watch.told({ judged: [aRound(), firstOfNext] }, at(18));
    const capture = aCapture({ roundId: 1 });
    assert.deepEqual(watch.told({ judged: [aRound(), firstOfNext], captures: [capture] }, at(24)), []);
    const both = [
      capture,
      aCapture({ id: 101, map: 'te_escape2', number: 1, endUnix: endUnix + 12 * minutes, roundId: 3 }),
    ];
    const [news] = watch.run({ judged: [aRound(), firstOfNext], captures: both }, at(27)).news;
    assert.equal(news?.level === 'recovery' && news.seconds, 27 * minutes);
    assert.equal(news?.level === 'recovery' && news.endings.length, 2);
  });

  for (const kind of ['incident.acknowledged', 'incident.excused', 'incident.held'] as const)
    test(`is silent about what somebody decided (${kind}), also when it ends so`, () => {
      const watch = aWatch();
      assert.deepEqual(watch.told(gap, at(6)), ['alert']);
      watch.decide(kind, at(7));
      assert.deepEqual(watch.told(gap, at(9)), []);
      assert.deepEqual(watch.told(gap, at(60)), []);
      assert.deepEqual(watch.groups(), []);
    });

  test('speaks up again when the verdict of an acknowledged gap changes', () => {
    const watch = aWatch();
    watch.told(gap, at(6));
    watch.decide('incident.acknowledged', at(7));
    assert.deepEqual(watch.told(gap, at(9)), []);
    assert.deepEqual(watch.told({ ...gap, artifacts: [anArtifact({ content: null })] }, at(12)), ['alert']);
  });

  test('tells of a second episode of the same session under another key', () => {
    const watch = aWatch();
    const key = (given: Given, minute: number) =>
      watch.run(given, at(minute)).news.map((news) => alertMessage(news, paper, []).key)[0];
    const [first, recovery, again] = [key(gap, 6), key(covered, 9), key(gap, 12)];
    assert.equal(new Set([first, recovery, again]).size, 3);
    assert.notEqual(again, undefined);
  });

  test('is silent about history: gaps that are found when their settle time has passed', () => {
    const damaged: Given = { ...gap, artifacts: [anArtifact({ content: null })] };
    assert.deepEqual(aWatch().told(damaged, fileUnix + 3 * days), []);
    assert.deepEqual(aWatch().told(damaged, fileUnix + 23 * hours), ['urgent']);
  });

  test('neither ends nor repeats an alert when the round is imported anew under another id', () => {
    const anew = { judged: [aRound({ id: 9, createdAt: '2026-02-11 23:02:30' })] };
    const watch = aWatch();
    assert.deepEqual(watch.told(gap, at(6)), ['alert']);
    assert.deepEqual(watch.told(gap, at(31)), ['urgent']);
    for (const minute of [62, 66, 92]) assert.deepEqual(watch.told(anew, at(minute)), []);
    assert.deepEqual(watch.told({ ...anew, captures: [aCapture({ roundId: 9 })] }, at(95)), ['recovery']);
  });

  test('counts one gap where the old row still stands beside the new one', () => {
    const both = { judged: [aRound(), aRound({ id: 9 })] };
    const watch = aWatch();
    assert.deepEqual(watch.told(both, at(6)), ['alert']);
    assert.deepEqual(watch.told(both, at(9)), []);
  });

  test('counts the age of a late import from the import', () => {
    const imported = { judged: [aRound({ createdAt: '2026-02-12 07:00:00' })] };
    const import7 = fileUnix + 9 * hours - 125;
    assert.deepEqual(aWatch().told(imported, import7 + 4 * minutes), []);
    assert.deepEqual(aWatch().told(imported, import7 + 6 * minutes), ['alert']);
  });
});

const paper = {
  source: 'production',
  at: '2026-02-11T21:10:00.000Z',
  ledger: { seq: 7, hash: 'a'.repeat(64) },
};

describe('alertMessage()', () => {
  test('names map, round, ids, session, verdict, cause, the command and the head', () => {
    const [news] = aWatch().run(gap, at(6)).news;
    const message = alertMessage(news!, paper, [{ file: 'webhook.log', line: 3, text: 'x' }]);
    assert.equal(message.title, '[production] 1 round without a capture in session 88: supply R2');
    assert.equal(message.command, 'roundwarden explain 1');
    assert.deepEqual(message.ledger, paper.ledger);
    assert.equal(message.logLines.length, 1);
    const { roundId, matchId, map, number, session, played, verdict, because } = message.gaps[0]!;
    assert.deepEqual(
      [roundId, matchId, map, number, session, played, verdict],
      [1, '2026-02-11-220205', 'supply', 2, 88, '2026-02-11 22:02:05', 'missing'],
    );
    assert.match(because, /no capture and no artifact fits/);
  });

  test('is the same text for the same news', () => {
    const made = () => alertMessage(aWatch().run(gap, at(6)).news[0]!, paper, []);
    assert.deepEqual(made(), made());
  });
});

describe('durationText()', () => {
  for (const [seconds, text] of [
    [0, '0 min'],
    [89, '1 min'],
    [27 * 60, '27 min'],
    [3600, '1 h'],
    [7500, '2 h 5 min'],
    [76 * 3600, '3 d 4 h'],
  ] as const)
    test(`${seconds} s is ${text}`, () => assert.equal(durationText(seconds), text));
});
