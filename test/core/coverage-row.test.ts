import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addsUp, coverageOf, stateOf } from '../../src/core/coverage.ts';
import { localText } from '../../src/core/time.ts';
import {
  aCapture,
  anArtifact,
  aPlace,
  aRound,
  days,
  endUnix,
  fileUnix,
  hours,
  minutes,
  startUnix,
} from './builders.ts';
import { aStory } from './coverage-builders.ts';

type Story = ReturnType<typeof aStory>;
type Given = Parameters<Story['report']>[0];

const nothing: Given = {};
const covered: Given = { captures: [aCapture({ startUnix, roundId: 1 })] };
const unlinked: Given = { captures: [aCapture({ startUnix })] };
const dangling: Given = { captures: [aCapture({ startUnix, roundId: 999 })] };
const artifact: Given = { artifacts: [anArtifact({ startUnix })] };
const unreadable: Given = { places: [aPlace({ unreadable: 'it lists no artifact', count: 0 })] };
const cancelled: Given = { judged: [aRound({ status: 'cancelled' })] };
/** The round is incomplete, but covered: what REPAIR_COVERED=on fills. */
const incomplete = { repairCovered: true };

interface Case {
  what: string;
  /** What happened before. */
  before?: (story: Story) => void;
  /** What the source holds when the report is made. */
  now: Given;
  after?: number;
  is: string;
}

/** State, verdict, who covered it or who set it aside. */
function spoken(story: Story, given: Given, after?: number): string {
  const [row] = story.report(given, after === undefined ? {} : { after });
  return [stateOf(row!), row!.verdict, row!.by, row!.setAside].filter(Boolean).join(' ');
}

const live: Case[] = [
  { what: 'covered from the beginning', now: covered, is: 'live covered pipeline' },
  {
    what: 'covered within the first minute',
    now: covered,
    after: 30,
    is: 'live covered pipeline',
  },
  {
    what: 'a gap that the pipeline closed itself',
    before: (story) => {
      story.audit(nothing, { after: hours });
      story.audit(covered, { after: 2 * hours });
    },
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'a late capture that no audit has seen yet',
    before: (story) => story.audit(nothing, { after: hours }),
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'a late capture after the round was written off',
    before: (story) => {
      story.audit(nothing);
      story.audit(covered, { after: 3 * days });
    },
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'a late capture after the write-off, before any audit has seen it',
    before: (story) => story.audit(nothing),
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'a covered round whose timing was filled',
    before: (story) => assert.deepEqual(story.repair(covered, incomplete), ['complete']),
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'a gap that the pipeline closed, and whose timing was filled afterwards',
    before: (story) => {
      story.audit(nothing, { after: hours });
      story.audit(covered, { after: 2 * hours });
      story.repair(covered, incomplete);
    },
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'filled timing that was taken back',
    before: (story) => {
      story.repair(covered, incomplete);
      story.revert();
    },
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'a repair that was reverted before the pipeline covered it',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
      story.revert();
      story.audit(covered, { after: 3 * days });
    },
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'a repair that was reverted, and a capture of the pipeline that no audit has seen yet',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
      story.revert();
    },
    now: covered,
    is: 'live covered pipeline',
  },
  {
    what: 'a held gap that the pipeline covered',
    before: (story) => {
      story.audit(nothing);
      story.say('incident.held');
    },
    now: covered,
    is: 'live covered pipeline',
  },
];

const repaired: Case[] = [
  {
    what: 'backfilled',
    before: (story) => {
      story.audit(artifact);
      assert.deepEqual(story.repair(artifact), ['backfill']);
      story.audit(covered, { after: 3 * days });
    },
    now: covered,
    is: 'repaired covered repair',
  },
  {
    what: 'relinked',
    before: (story) => {
      story.audit(unlinked);
      assert.deepEqual(story.repair(unlinked), ['relink']);
    },
    now: covered,
    is: 'repaired covered repair',
  },
  {
    what: 'backfilled although it was written off before',
    before: (story) => {
      story.audit(nothing);
      story.audit(artifact);
      story.repair(artifact);
    },
    now: covered,
    is: 'repaired covered repair',
  },
  {
    what: 'backfilled, and what it lacked was filled afterwards',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
      story.repair(covered, incomplete);
    },
    now: covered,
    is: 'repaired covered repair',
  },
  {
    what: 'backfilled, and imported again under another id, before any audit has seen that',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
    },
    now: { judged: [aRound({ id: 51 })], captures: [aCapture({ startUnix, roundId: 51 })] },
    is: 'repaired covered repair',
  },
  {
    what: 'backfilled, imported again so that its link dangled, and relinked',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
      story.audit(dangling);
      assert.deepEqual(story.repair(dangling), ['relink']);
    },
    now: covered,
    is: 'repaired covered repair',
  },
  {
    what: 'repaired, reverted, and repaired again',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
      story.revert();
      story.say('incident.reopened');
      story.audit(artifact);
      story.repair(artifact);
    },
    now: covered,
    is: 'repaired covered repair',
  },
];

const uncovered: Case[] = [
  { what: 'a gap at which no audit has looked', now: nothing, is: 'open unchecked' },
  {
    what: 'a gap of years ago at which no audit has looked',
    now: nothing,
    after: 900 * days,
    is: 'open unchecked',
  },
  { what: 'a capture that would fit, at which no audit has looked', now: unlinked, is: 'open unchecked' },
  {
    what: 'an audit saw it missing, and the settle time is over since',
    before: (story) => story.audit(nothing, { after: hours }),
    now: nothing,
    is: 'open missing',
  },
  {
    what: 'an audit could not read a place',
    before: (story) => story.audit(unreadable),
    now: nothing,
    is: 'open unchecked',
  },
  {
    what: 'an audit saw an artifact that was not repaired',
    before: (story) => story.audit(artifact),
    now: nothing,
    is: 'open recoverable',
  },
  {
    what: 'the ledger wrote it off',
    before: (story) => story.audit(nothing),
    now: nothing,
    is: 'lost lost',
  },
  {
    what: 'the ledger wrote it off, and a capture would fit by now',
    before: (story) => story.audit(nothing),
    now: unlinked,
    is: 'lost lost',
  },
  {
    what: 'it was written off and reopened, and no audit has judged it anew',
    before: (story) => {
      story.audit(nothing);
      story.say('incident.reopened');
    },
    now: nothing,
    is: 'open unchecked',
  },
  {
    what: 'it was written off, reopened, and written off anew',
    before: (story) => {
      story.audit(nothing);
      story.say('incident.reopened');
      story.audit(nothing, { after: 3 * days });
    },
    now: nothing,
    is: 'lost lost',
  },
  {
    what: 'it was covered, and its capture is gone, before any audit has seen that',
    before: (story) => {
      story.audit(nothing, { after: hours });
      story.audit(covered);
    },
    now: nothing,
    is: 'open unchecked',
  },
  {
    what: 'it was repaired, and a restored source has lost the repair, before any audit has seen that',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
    },
    now: nothing,
    is: 'open unchecked',
  },
  {
    what: 'it was repaired, and its link dangles since it was imported again',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
      story.audit(dangling);
    },
    now: dangling,
    is: 'open relinkable',
  },
  {
    what: 'it was exempt, and is expected again',
    before: (story) => {
      story.audit(nothing, { after: hours });
      story.audit(cancelled);
    },
    now: nothing,
    is: 'open unchecked',
  },
  { what: 'it is younger than the grace time', now: nothing, after: 2 * minutes, is: 'pending pending' },
  { what: 'the grace time has just passed', now: nothing, after: 5 * minutes, is: 'open unchecked' },
];

const decided: Case[] = [
  {
    what: 'held',
    before: (story) => {
      story.audit(artifact);
      story.say('incident.held');
    },
    now: nothing,
    is: 'setAside recoverable held',
  },
  {
    what: 'excused',
    before: (story) => {
      story.audit(nothing, { after: hours });
      story.say('incident.excused');
    },
    now: nothing,
    is: 'setAside missing excused',
  },
  {
    what: 'excused and held',
    before: (story) => {
      story.audit(artifact);
      story.say('incident.excused');
      story.say('incident.held');
    },
    now: nothing,
    is: 'setAside recoverable held',
  },
  {
    what: 'acknowledged, which sets nothing aside',
    before: (story) => {
      story.audit(artifact);
      story.say('incident.acknowledged');
    },
    now: nothing,
    is: 'open recoverable',
  },
  {
    what: 'excused and written off',
    before: (story) => {
      story.audit(nothing);
      story.say('incident.excused');
    },
    now: nothing,
    is: 'lost lost excused',
  },
  {
    what: 'excused and reopened',
    before: (story) => {
      story.audit(artifact);
      story.say('incident.excused');
      story.say('incident.reopened');
    },
    now: nothing,
    is: 'open recoverable',
  },
  {
    what: 'excused, and repaired by later evidence',
    before: (story) => {
      story.audit(nothing);
      story.say('incident.excused');
      story.audit(artifact);
      story.repair(artifact);
    },
    now: covered,
    is: 'repaired covered repair',
  },
  {
    what: 'repaired and reverted, which holds it',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
      story.revert();
    },
    now: nothing,
    is: 'setAside unchecked held',
  },
  {
    what: 'repaired, reverted, and looked at again',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
      story.revert();
      story.audit(artifact, { after: 3 * days });
    },
    now: nothing,
    is: 'setAside recoverable held',
  },
];

const others: Case[] = [
  { what: 'an exempt row', now: cancelled, is: 'exempt' },
  { what: 'an exempt row with a capture', now: { ...cancelled, ...covered }, is: 'exempt' },
  {
    what: 'an exempt row that was written off and held while it was expected',
    before: (story) => {
      story.audit(nothing);
      story.say('incident.held');
    },
    now: cancelled,
    is: 'exempt',
  },
  {
    what: 'an exempt row that was repaired while it was expected',
    before: (story) => {
      story.audit(artifact);
      story.repair(artifact);
    },
    now: { ...cancelled, ...covered },
    is: 'exempt',
  },
  {
    what: 'a time that cannot be read',
    now: { judged: [aRound({ time: '25:00:00' })] },
    is: 'open unchecked',
  },
  {
    what: 'a time that cannot be read, excused',
    before: (story) => {
      story.audit({ judged: [aRound({ time: 'x' })] });
      story.say('incident.excused');
    },
    now: { judged: [aRound({ time: 'x' })] },
    is: 'setAside unchecked excused',
  },
];

const groups = { live, repaired, uncovered, decided, others };
for (const [name, cases] of Object.entries(groups))
  describe(`coverageRows(), ${name}`, () => {
    for (const { what, before, now, after, is } of cases)
      test(`${what}: ${is}`, () => {
        const story = aStory();
        before?.(story);
        assert.equal(spoken(story, now, after), is);
      });
  });

test('a row was excused, whatever became of it since, until somebody reopens it', () => {
  const story = aStory();
  const wasExcused = (now: Given) => story.report(now)[0]!.wasExcused;
  story.audit(nothing);
  assert.equal(wasExcused(nothing), false);
  story.say('incident.excused');
  assert.equal(wasExcused(nothing), true);
  story.audit(artifact);
  story.repair(artifact);
  assert.equal(wasExcused(covered), true);
  story.say('incident.reopened');
  assert.equal(wasExcused(covered), false);
});

test('a row is named, dated and remarked on as the core says', () => {
  const [row] = aStory().report(covered);
  assert.deepEqual(
    [row!.round.id, row!.key, row!.playedUnix, row!.flags],
    [1, 'supply|2|2026-02-11 220205', fileUnix, ['timing_not_propagated']],
  );
  const [unread] = aStory().report({ judged: [aRound({ time: null })] });
  assert.deepEqual([unread!.playedUnix, unread!.moduleVersion, unread!.detectedUnix], [null, null, null]);
});

test('a row waits for its capture from its file time, or from its import where that was later', () => {
  const waitsOf = (of: Parameters<typeof aRound>[0], rules: { after: number; graceMinutes?: number }) => {
    const waits = aStory().report({ judged: [aRound(of)] }, rules)[0]!.waits;
    return waits === null ? null : [waits.fromUnix - fileUnix, waits.untilUnix - fileUnix];
  };
  const imported = { createdAt: localText(fileUnix + hours, 'Europe/Ljubljana') };
  assert.deepEqual(waitsOf({}, { after: days }), [0, 5 * minutes]);
  assert.deepEqual(waitsOf({}, { after: days, graceMinutes: 10 }), [0, 10 * minutes]);
  assert.deepEqual(waitsOf(imported, { after: days }), [hours, hours + 5 * minutes]);
  assert.deepEqual(waitsOf(imported, { after: minutes }), [0, 5 * minutes]);
  assert.equal(waitsOf({ time: 'x' }, { after: days }), null);
});

describe('the times of a row', () => {
  const timesOf = (story: Story, now: Given) => {
    const [row] = story.report(now);
    return [row!.detectedUnix, row!.repairedUnix].map((at) => (at === null ? null : at - fileUnix));
  };

  test('are none where there was no gap', () => {
    assert.deepEqual(timesOf(aStory(), covered), [null, null]);
    assert.deepEqual(timesOf(aStory(), cancelled), [null, null]);
  });

  test('are none where a covered round was completed', () => {
    const story = aStory();
    story.repair(covered, incomplete);
    assert.deepEqual(timesOf(story, covered), [null, null]);
  });

  test('are those of the first entry and of the repair, in whole seconds', () => {
    const story = aStory();
    story.audit(nothing, { after: 600 });
    story.audit(artifact, { after: 900 });
    assert.deepEqual(timesOf(story, nothing), [600, null]);
    story.repair(artifact, { after: 1_000 });
    assert.deepEqual(timesOf(story, covered), [600, 1_000]);
  });

  test('say of a gap that the pipeline closed when it was found, and of no repair', () => {
    const story = aStory();
    story.audit(nothing, { after: 600 });
    story.audit(covered, { after: 1_200 });
    assert.deepEqual(timesOf(story, covered), [600, null]);
  });

  test('say of a repair that was reverted nothing', () => {
    const story = aStory();
    story.audit(artifact, { after: 600 });
    story.repair(artifact, { after: 700 });
    story.revert({ after: 800 });
    assert.deepEqual(timesOf(story, nothing), [600, null]);
  });

  test('say nothing of the repair of a row that is exempt by now', () => {
    const story = aStory();
    story.audit(artifact, { after: 600 });
    story.repair(artifact, { after: 700 });
    assert.equal(timesOf(story, cancelled)[1], null);
  });
});

describe('the cause of a row', () => {
  const because = { code: 'module_crashed', also: [], because: 'it crashed', evidence: [] };
  const aGapWithCause = () => {
    const story = aStory();
    story.audit(artifact);
    for (const [key, incident] of story.incidents) story.incidents.set(key, { ...incident, cause: because });
    return story;
  };

  test('stays when the gap is repaired', () => {
    const story = aGapWithCause();
    assert.equal(story.report(nothing)[0]!.cause, 'module_crashed');
    story.repair(artifact);
    assert.equal(story.report(covered)[0]!.cause, 'module_crashed');
  });

  test('is none of a round that was no gap, or of which nothing is proved', () => {
    assert.equal(aStory().report(covered)[0]!.cause, null);
    const story = aStory();
    story.audit(nothing);
    assert.equal(story.report(nothing)[0]!.cause, null);
  });
});

describe('the module version of a row is', () => {
  const near = (seconds: number, luaVersion: string | null, id: number) =>
    aCapture({ id, map: 'adlernest', endUnix: fileUnix + seconds, luaVersion });
  const own = (given: Parameters<typeof aCapture>[0]) =>
    aCapture({ startUnix, luaVersion: '1.7.0', ...given });
  const around = [near(-900, '1.6.1', 200), near(900, '1.6.1', 201)];
  const cases: readonly [string, Given, string | null][] = [
    ['that of its own capture, whatever others say', { captures: [own({ roundId: 1 }), ...around] }, '1.7.0'],
    ['that of a capture that fits and is unlinked', { captures: [own({}), ...around] }, '1.7.0'],
    [
      'that of the capture that covers it, not of another one that is linked to it too',
      {
        captures: [
          own({ roundId: 1 }),
          aCapture({ id: 7, endUnix: endUnix - 1_800, roundId: 1, luaVersion: '1.6.1' }),
        ],
      },
      '1.7.0',
    ],
    [
      'that of the linked one of two doubles',
      {
        captures: [
          own({ id: 7, luaVersion: '1.6.4' }),
          own({ id: 8, endUnix: endUnix + 2, roundId: 1, luaVersion: '1.7.2' }),
        ],
      },
      '1.7.2',
    ],
    [
      'that of the captures around it where its own has none',
      { captures: [own({ roundId: 1, luaVersion: null }), ...around] },
      '1.6.1',
    ],
    ['that of the captures before and after it, where they agree', { captures: around }, '1.6.1'],
    ['none where they disagree', { captures: [near(-900, '1.6.1', 200), near(900, '1.6.2', 201)] }, null],
    [
      'that of the nearest on each side',
      { captures: [near(-9_000, '1.6.0', 199), ...around, near(9_000, '1.6.2', 202)] },
      '1.6.1',
    ],
    ['that of the one side on which there is one', { captures: [near(-900, '1.6.1', 200)] }, '1.6.1'],
    ['that of the other side too', { captures: [near(900, '1.6.2', 200)] }, '1.6.2'],
    ['that of a capture of the same second', { captures: [near(0, '1.6.2', 200)] }, '1.6.2'],
    ['that of a capture half a day away', { captures: [near(-12 * hours, '1.6.1', 200)] }, '1.6.1'],
    ['none where the next one is further away', { captures: [near(-12 * hours - 1, '1.6.1', 200)] }, null],
    [
      'that of the near one where the other is far away and disagrees',
      { captures: [near(-900, '1.6.1', 200), near(2 * days, '1.6.2', 201)] },
      '1.6.1',
    ],
    ['none where there is no capture', {}, null],
    [
      'none where the captures around have none',
      { captures: [near(-900, null, 200), near(900, null, 201)] },
      null,
    ],
    [
      'that beyond a capture that has none',
      { captures: [near(-1_800, '1.6.1', 199), near(-900, null, 200)] },
      '1.6.1',
    ],
    [
      'that of the captures with an end, where another has none',
      { captures: [aCapture({ id: 7, map: 'adlernest', endUnix: null, luaVersion: '1.6.0' }), ...around] },
      '1.6.1',
    ],
    [
      'none of an exempt row',
      { judged: [aRound({ isBot: true })], captures: [own({ roundId: 1 }), ...around] },
      null,
    ],
    ['none of a row whose time cannot be read', { judged: [aRound({ date: 'x' })], captures: around }, null],
  ];
  for (const [what, given, version] of cases)
    test(`${what}: ${version}`, () => assert.equal(aStory().report(given)[0]!.moduleVersion, version));

  test('that of the candidate that a person chose of two that fit equally', () => {
    const tied = [
      own({ id: 7, luaVersion: '1.6.4' }),
      own({ id: 8, startUnix: startUnix + 1, luaVersion: '1.7.2' }),
    ];
    const story = aStory();
    story.audit({ captures: tied });
    assert.equal(story.report({ captures: tied })[0]!.verdict, 'ambiguous');
    for (const [key, incident] of story.incidents)
      story.incidents.set(key, { ...incident, resolution: { kind: 'capture', captureId: 8 } });
    assert.equal(story.report({ captures: tied })[0]!.moduleVersion, '1.7.2');
  });
});

/** Evenings of one map: gaps, late captures, cancelled rows, unreadable times. */
const anyEvening = fc
  .array(
    fc.record({
      kind: fc.constantFrom('covered', 'gap', 'unlinked', 'artifact', 'cancelled', 'bad time', 'young'),
      later: fc.constantFrom('same', 'covered', 'gone'),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((rounds) => {
    const at = (index: number, kind: string) => fileUnix + (kind === 'young' ? 3 * days : index * 1_800);
    const judged = rounds.map(({ kind }, index) => ({
      ...aRound({ id: index + 1, fileUnix: at(index, kind) + index }),
      ...(kind === 'cancelled' ? { status: 'cancelled' } : {}),
      ...(kind === 'bad time' ? { time: `bad ${index}` } : {}),
    }));
    const capture = (index: number, kind: string, roundId: number | null) =>
      aCapture({ id: 100 + index, endUnix: at(index, kind) + index - 2, roundId });
    const before = rounds.flatMap(({ kind }, index) =>
      kind === 'covered' || kind === 'unlinked'
        ? [capture(index, kind, kind === 'covered' ? index + 1 : null)]
        : [],
    );
    const after = rounds.flatMap(({ kind, later }, index) => {
      const was = before.filter(({ id }) => id === 100 + index);
      return later === 'same' ? was : later === 'covered' ? [capture(index, kind, index + 1)] : [];
    });
    const artifacts = rounds.flatMap(({ kind }, index) =>
      kind === 'artifact' ? [anArtifact({ endUnix: at(index, kind) + index - 2 })] : [],
    );
    return { before: { judged, captures: before, artifacts }, after: { judged, captures: after } };
  });

test('whatever was audited, every row is in one state, and none is lost that the ledger has not written off', () => {
  const shown = new Set<string>();
  fc.assert(
    fc.property(anyEvening, fc.boolean(), fc.boolean(), ({ before, after }, audited, repairs) => {
      const story = aStory();
      const when = { after: 3 * days + 60 };
      if (audited) story.audit(before, when);
      if (repairs) story.repair(before, when);
      const rows = story.report(after, when);
      assert.equal(addsUp(coverageOf(rows)), true);
      assert.equal(rows.length, after.judged.length);
      for (const row of rows) {
        const incident = story.incidents.get(row.key);
        shown.add(`${stateOf(row)}`);
        if (row.verdict === 'lost') assert.equal(incident?.status, 'written_off');
        if (incident === undefined && row.exempt === null)
          assert.ok(['covered', 'pending', 'unchecked'].includes(row.verdict!), row.verdict!);
        assert.equal(row.by !== null, row.verdict === 'covered');
        assert.equal(row.repairedUnix !== null, row.by === 'repair');
        if (row.by === 'repair') assert.ok(incident!.repairs.length > 0);
      }
    }),
    { numRuns: 500 },
  );
  for (const state of ['exempt', 'live', 'repaired', 'pending', 'open', 'lost'])
    assert.ok(shown.has(state), state);
});
