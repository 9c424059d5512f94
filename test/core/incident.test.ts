import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { affectedIncidents, foldIncident, repairStep } from '../../src/core/fold.ts';
import {
  decisionOfIncident,
  type EntryKind,
  type FoldEntry,
  type Incident,
  isOpenIncident,
} from '../../src/core/incident.ts';
import type { Json } from '../../src/core/model.ts';
import { mayTryAgain } from '../../src/core/retry.ts';

type Step = [kind: EntryKind, body?: Record<string, Json>];

const key = 'supply|2|2026-02-11 220205';
const round = {
  roundId: 1,
  matchId: 'm',
  map: 'supply',
  number: 2,
  date: null,
  time: null,
  playedAt: null,
  session: 88,
};
const gap = (verdict: string, more: Record<string, Json> = {}) => ({
  verdict,
  reason: `because ${verdict}`,
  because: `it is ${verdict}`,
  round,
  candidate: null,
  cause: null,
  artifacts: [],
  ...more,
});
const found: Step = ['gap.found', gap('missing')];
const writtenOff: Step = ['gap.written_off', gap('lost')];
const by = { by: 'ana', reason: 'known' };

function entryOf([kind, body = {}]: Step, seq: number): FoldEntry {
  return {
    seq,
    at: `2026-02-12T00:00:${String(seq).padStart(2, '0')}.000Z`,
    kind,
    source: 'test',
    key,
    body,
  };
}

/** The story that these entries tell. */
function tell(...steps: Step[]): Incident {
  return steps.reduce<Incident | null>(
    (incident, step, index) => foldIncident(incident, entryOf(step, index + 1), key),
    null,
  )!;
}

/** What is asserted of a story: the fields that the case is about. */
const stories: [what: string, steps: Step[], is: Record<string, unknown>][] = [
  [
    'a gap is found',
    [found],
    { status: 'open', verdict: 'missing', closed: null, id: 1, openedAt: '2026-02-12T00:00:01.000Z' },
  ],
  [
    'a verdict changes',
    [found, ['gap.changed', gap('damaged')]],
    { status: 'open', verdict: 'damaged', id: 1, openedAt: '2026-02-12T00:00:01.000Z' },
  ],
  ['a gap is written off', [found, writtenOff], { status: 'written_off', verdict: 'lost' }],
  [
    'a found artifact reopens what was written off',
    [writtenOff, ['gap.changed', gap('recoverable')]],
    { status: 'open', verdict: 'recoverable' },
  ],
  [
    'the pipeline covers it',
    [found, ['gap.closed', { as: 'covered' }]],
    { status: 'closed', closed: { at: '2026-02-12T00:00:02.000Z', as: 'covered', by: 'pipeline' } },
  ],
  [
    'its row vanished',
    [found, ['gap.closed', { as: 'vanished' }]],
    { status: 'closed', closed: { at: '2026-02-12T00:00:02.000Z', as: 'vanished', by: null } },
  ],
  [
    'it opens again after it was closed',
    [found, ['gap.closed', { as: 'exempt' }], found],
    { status: 'open', closed: null, id: 1, openedAt: '2026-02-12T00:00:03.000Z' },
  ],
  [
    'a repair heals it',
    [found, ['repair.started'], ['repair.done', { started: 2 }]],
    {
      status: 'closed',
      verdict: 'covered',
      repairs: [2],
      round,
      closed: { at: '2026-02-12T00:00:03.000Z', as: 'covered', by: 'repair' },
    },
  ],
  [
    'a repair that began changes nothing',
    [found, ['repair.started']],
    { status: 'open', verdict: 'missing', repairs: [] },
  ],
  [
    'a repair that was refused is remembered with its reason, and changes nothing else',
    [found, ['repair.refused', { reason: 'rejected', hash: 'h' }]],
    {
      status: 'open',
      verdict: 'missing',
      repairs: [],
      refusal: { reason: 'rejected', hash: 'h', at: '2026-02-12T00:00:02.000Z', times: 1 },
    },
  ],
  [
    'the same refusal again is counted, another one begins anew',
    [
      found,
      ['repair.refused', { reason: 'rejected', hash: 'h' }],
      ['repair.refused', { reason: 'rejected', hash: 'h' }],
      ['repair.refused', { reason: 'rejected', hash: 'i' }],
      ['repair.refused', { reason: 'rejected', hash: 'i' }],
    ],
    { refusal: { reason: 'rejected', hash: 'i', at: '2026-02-12T00:00:05.000Z', times: 2 } },
  ],
  [
    'a repair that was not done changes nothing',
    [found, ['repair.not_done']],
    { status: 'open', repairs: [] },
  ],
  [
    'a repair that was superseded changes nothing',
    [found, ['repair.superseded']],
    { status: 'open', repairs: [] },
  ],
  [
    'a reverted repair leaves it open and held, by whoever reverted it',
    [found, ['repair.done', { started: 2 }], ['revert.done', by]],
    { status: 'open', verdict: null, closed: null, held: { ...by, at: '2026-02-12T00:00:03.000Z' } },
  ],
  [
    'a reverted repair is held with a reason, also where none was given',
    [found, ['repair.done', { started: 2 }], ['revert.done', { by: 'ana' }]],
    { held: { by: 'ana', at: '2026-02-12T00:00:03.000Z', reason: 'its repair was reverted' } },
  ],
  [
    'a revert that was not done changes nothing',
    [found, ['repair.done', { started: 2 }], ['revert.not_done']],
    { status: 'closed', held: null },
  ],
  [
    'a hold stays while the verdict changes',
    [found, ['incident.held', by], ['gap.changed', gap('damaged')]],
    { held: { ...by, at: '2026-02-12T00:00:02.000Z' } },
  ],
  [
    'a hold ends when the pipeline covers it',
    [found, ['incident.held', by], ['gap.closed', { as: 'covered' }]],
    { held: null },
  ],
  [
    'a hold outlives a row that vanishes and returns',
    [found, ['incident.held', by], ['gap.closed', { as: 'vanished' }], found],
    { held: { ...by, at: '2026-02-12T00:00:02.000Z' }, status: 'open' },
  ],
  [
    'an excuse outlives a row that vanishes and returns',
    [found, ['incident.excused', by], ['gap.closed', { as: 'vanished' }], found],
    { excused: { ...by, at: '2026-02-12T00:00:02.000Z' } },
  ],
  [
    'an excuse stays while the verdict changes',
    [found, ['incident.excused', by], ['gap.changed', gap('damaged')]],
    { excused: { ...by, at: '2026-02-12T00:00:02.000Z' } },
  ],
  [
    'an acknowledgement stays while only the reason changes',
    [found, ['incident.acknowledged', by], ['gap.changed', gap('missing', { reason: 'other' })]],
    { acknowledged: { ...by, at: '2026-02-12T00:00:02.000Z' }, reason: 'other' },
  ],
  [
    'an acknowledgement ends when the verdict changes',
    [found, ['incident.acknowledged', by], ['gap.changed', gap('damaged')]],
    { acknowledged: null },
  ],
  [
    'an acknowledgement ends when it is written off',
    [found, ['incident.acknowledged', by], writtenOff],
    { acknowledged: null },
  ],
  [
    'an acknowledgement ends when it closes',
    [found, ['incident.acknowledged', by], ['gap.closed', { as: 'exempt' }], found],
    { acknowledged: null },
  ],
  [
    'reopening takes back hold, excuse, acknowledgement, choice and releases',
    [
      found,
      ['incident.held', by],
      ['incident.excused', by],
      ['incident.acknowledged', by],
      ['incident.resolved', { resolution: { kind: 'capture', captureId: 5 } }],
      ['incident.released', { captureId: 6 }],
      ['incident.reopened', by],
    ],
    { held: null, excused: null, acknowledged: null, resolution: null, releases: [], status: 'open' },
  ],
  [
    'reopening what was written off opens it',
    [writtenOff, ['incident.reopened', by]],
    { status: 'open', verdict: 'lost' },
  ],
  [
    'reopening what is closed leaves it closed',
    [found, ['gap.closed', { as: 'covered' }], ['incident.reopened', by]],
    { status: 'closed' },
  ],
  [
    'a choice stays until the round is covered',
    [
      found,
      ['incident.resolved', { resolution: { kind: 'artifact', sha256: 'x' } }],
      ['gap.changed', gap('conflict')],
    ],
    { resolution: { kind: 'artifact', sha256: 'x' } },
  ],
  [
    'releases add up, each once, and end with the repair',
    [
      found,
      ['incident.released', { captureId: 6 }],
      ['incident.released', { captureId: 7 }],
      ['incident.released', { captureId: 6 }],
    ],
    { releases: [6, 7] },
  ],
  [
    'releases end with the repair',
    [found, ['incident.released', { captureId: 6 }], ['repair.done', { started: 2 }]],
    { releases: [] },
  ],
  [
    'notes are counted and change nothing else',
    [found, ['incident.noted', by], ['incident.noted', by]],
    { notes: 2, verdict: 'missing', status: 'open', lastSeq: 3 },
  ],
  [
    'kept artifacts add up, each once',
    [
      ['gap.found', gap('damaged', { artifacts: [{ path: '/a', sha256: 'x' }] })],
      [
        'gap.changed',
        gap('recoverable', {
          artifacts: [
            { path: '/b', sha256: 'x' },
            { path: '/c', sha256: 'y' },
          ],
        }),
      ],
      ['gap.changed', gap('missing')],
    ],
    {
      artifacts: [
        { path: '/a', sha256: 'x' },
        { path: '/c', sha256: 'y' },
      ],
    },
  ],
  [
    'an entry of a kind that a later version adds',
    [found, ['gap.dreamt' as EntryKind]],
    { status: 'open', verdict: 'missing', lastSeq: 2 },
  ],
];

describe('foldIncident()', () => {
  for (const [what, steps, is] of stories)
    test(what, () => {
      const incident = tell(...steps);
      const asked = Object.fromEntries(
        Object.keys(is).map((field) => [field, incident[field as keyof Incident]]),
      );
      assert.deepEqual(asked, is);
      assert.equal(incident.lastSeq, steps.length);
    });

  test('changes neither the incident before nor the entry', () => {
    const before = Object.freeze(tell(found));
    const entry = Object.freeze(entryOf(['incident.released', { captureId: 6 }], 2));
    assert.deepEqual(foldIncident(before, entry, key).releases, [6]);
    assert.deepEqual(before.releases, []);
  });
});

for (const [what, steps, open] of [
  ['a found gap', [found], true],
  ['an acknowledged one', [found, ['incident.acknowledged', by]], true],
  ['an excused one', [found, ['incident.excused', by]], false],
  ['a held one', [found, ['incident.held', by]], false],
  ['a written-off one', [writtenOff], false],
  ['a closed one', [found, ['gap.closed', { as: 'covered' }]], false],
  ['a reverted one', [found, ['repair.done', { started: 2 }], ['revert.done', by]], false],
  ['a reopened one', [found, ['incident.held', by], ['incident.reopened', by]], true],
] as [string, Step[], boolean][])
  test(`isOpenIncident(): ${what} is ${open ? 'open' : 'not open'}`, () => {
    assert.equal(isOpenIncident(tell(...steps)), open);
  });

test('decisionOfIncident() hands hold, choice, releases and write-off to the next audit', () => {
  const resolution = { kind: 'capture', captureId: 5 };
  assert.deepEqual(
    decisionOfIncident(
      tell(
        writtenOff,
        ['incident.held', by],
        ['incident.resolved', { resolution }],
        ['incident.released', { captureId: 6 }],
      ),
    ),
    { held: true, resolution, releases: [6], writtenOff: true },
  );
  assert.deepEqual(decisionOfIncident(tell(found)), {
    held: false,
    resolution: null,
    releases: [],
    writtenOff: false,
  });
});

test('affectedIncidents() are those that the body lists, else the key of an entry that tells a story', () => {
  assert.deepEqual(affectedIncidents(entryOf(['repair.done', { incidents: ['a', 'b'] }], 1)), ['a', 'b']);
  assert.deepEqual(affectedIncidents(entryOf(found, 1)), [key]);
  assert.deepEqual(affectedIncidents(entryOf(['place.unreadable'], 1)), []);
  assert.deepEqual(affectedIncidents(entryOf(['plan.stopped'], 1)), []);
});

test('repairStep() opens with a start, and every end closes the start that it names', () => {
  for (const kind of ['repair.started', 'revert.started'] as const)
    assert.deepEqual(repairStep(entryOf([kind], 9)), { opens: 9 });
  for (const kind of [
    'repair.done',
    'repair.refused',
    'repair.not_done',
    'repair.superseded',
    'revert.done',
    'revert.not_done',
  ] as const)
    assert.deepEqual(repairStep(entryOf([kind, { started: 4 }], 9)), { closes: 4 });
  assert.deepEqual(repairStep(entryOf(found, 9)), {});
});

test('mayTryAgain() waits longer each time, and not at all where the rows changed or a lock was in the way', () => {
  const at = '2026-02-12T00:00:00.000Z';
  const after = (minutes: number) => Date.parse(at) + minutes * 60_000;
  const refusal = (times: number, reason = 'rejected') => ({ reason, hash: 'h', at, times });
  const cases: [ReturnType<typeof refusal> | null, string, number, boolean][] = [
    [null, 'h', 0, true],
    [refusal(1), 'other', 0, true],
    [refusal(9, 'busy'), 'h', 0, true],
    [refusal(1), 'h', 14, false],
    [refusal(1), 'h', 15, true],
    [refusal(3), 'h', 59, false],
    [refusal(3), 'h', 60, true],
    [refusal(40), 'h', 24 * 60 - 1, false],
    [refusal(40), 'h', 24 * 60, true],
  ];
  for (const [given, hash, minutes, may] of cases)
    assert.equal(mayTryAgain(given, hash, after(minutes)), may, JSON.stringify([given, hash, minutes]));
});
