import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { foldIncident } from '../../src/core/fold.ts';
import type { Incident } from '../../src/core/incident.ts';
import type { Json, Place } from '../../src/core/model.ts';
import { type EntryDraft, gapEntries, placeEntries } from '../../src/core/record.ts';
import {
  aCapture,
  anArtifact,
  aPlace,
  aRound,
  endUnix,
  fileUnix,
  hours,
  judge,
  startUnix,
} from './builders.ts';

type Given = NonNullable<Parameters<typeof judge>[0]>;

const unreadable = aPlace({ name: '/mnt/share', unreadable: 'it lists no artifact', count: 0 });
const missing = { nowUnix: fileUnix + hours };

/** A ledger in miniature: what one audit after the other writes, and the stories it tells. */
function aLedger() {
  const incidents = new Map<string, Incident>();
  let seq = 0;
  const write = (drafts: readonly EntryDraft[]) => {
    for (const draft of drafts) {
      seq += 1;
      const entry = { ...draft, seq, at: `2026-02-12T00:00:0${seq % 10}.000Z` };
      incidents.set(draft.key, foldIncident(incidents.get(draft.key) ?? null, entry, draft.key));
    }
  };
  return {
    incidents,
    say: (kind: EntryDraft['kind'], body: Json = {}) => {
      for (const key of [...incidents.keys()]) write([{ kind, source: 'test', key, body }]);
    },
    /** The kinds of entries that an audit of these facts owes, and writes. */
    audit: (given: Given, rules: Parameters<typeof judge>[1] = {}, looksForVanished = true): EntryDraft[] => {
      const drafts = gapEntries({
        source: 'test',
        run: 'r1',
        assessments: [...judge(given, rules).values()],
        incidents,
        places: given.places ?? [aPlace()],
        looksForVanished,
        packets: new Map(),
      });
      write(drafts);
      return drafts;
    },
  };
}

const kinds = (drafts: readonly EntryDraft[]) => drafts.map(({ kind }) => kind);
const bodyOf = (draft: EntryDraft | undefined) => draft!.body as Record<string, Json>;

/** What a story looks like: the facts of each audit, and the entries that it owes. */
interface Story {
  what: string;
  audits: { given: Given; rules?: Parameters<typeof judge>[1]; owes: string[] }[];
}

const covered: Given = { captures: [aCapture({ roundId: 1 })] };
const recoverable: Given = { artifacts: [anArtifact()] };
const damaged: Given = { artifacts: [anArtifact({ content: null })] };
const cancelled: Given = { judged: [aRound({ status: 'cancelled' })] };
const closedPlace: Given = { places: [aPlace(), unreadable] };

const stories: Story[] = [
  { what: 'a covered round is no story', audits: [{ given: covered, owes: [] }] },
  { what: 'an exempt row is no story', audits: [{ given: cancelled, owes: [] }] },
  {
    what: 'a pending round is not written down, new or known',
    audits: [
      { given: {}, rules: { nowUnix: fileUnix + 10 }, owes: [] },
      { given: {}, rules: missing, owes: ['gap.found'] },
      {
        given: { judged: [aRound({ createdAt: '2026-02-11 23:00:00' })] },
        rules: { nowUnix: fileUnix + hours },
        owes: [],
      },
    ],
  },
  {
    what: 'a gap is found once',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      { given: {}, rules: { nowUnix: fileUnix + 2 * hours }, owes: [] },
      { given: {}, rules: { nowUnix: fileUnix + 3 * hours }, owes: [] },
    ],
  },
  {
    what: 'a missing round is written off once',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      { given: {}, owes: ['gap.written_off'] },
      { given: {}, owes: [] },
    ],
  },
  {
    what: 'a gap that is lost when it is first seen is written off',
    audits: [{ given: {}, owes: ['gap.written_off'] }],
  },
  {
    what: 'a verdict changes and changes back',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      { given: damaged, rules: missing, owes: ['gap.changed'] },
      { given: {}, rules: missing, owes: ['gap.changed'] },
    ],
  },
  {
    what: 'the same verdict rests on another candidate',
    audits: [
      { given: recoverable, owes: ['gap.found'] },
      { given: recoverable, owes: [] },
      { given: { artifacts: [anArtifact({ sha256: 'other' })] }, owes: ['gap.changed'] },
    ],
  },
  {
    what: 'the live pipeline covers a gap',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      { given: covered, owes: ['gap.closed'] },
      { given: covered, owes: [] },
    ],
  },
  {
    what: 'a late capture covers a written-off round',
    audits: [
      { given: {}, owes: ['gap.written_off'] },
      { given: covered, owes: ['gap.closed'] },
    ],
  },
  {
    what: 'an artifact is found for a written-off round',
    audits: [
      { given: {}, owes: ['gap.written_off'] },
      { given: recoverable, owes: ['gap.changed'] },
      { given: {}, owes: ['gap.written_off'] },
    ],
  },
  {
    what: 'a gap becomes exempt, and expected again',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      { given: cancelled, owes: ['gap.closed'] },
      { given: cancelled, owes: [] },
      { given: {}, rules: missing, owes: ['gap.found'] },
    ],
  },
  {
    what: 'the row of an open gap is gone, and returns',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      { given: { judged: [] }, owes: ['gap.closed'] },
      { given: { judged: [] }, owes: [] },
      { given: {}, rules: missing, owes: ['gap.found'] },
    ],
  },
  {
    what: 'the row of a written-off round is gone: it stays written off',
    audits: [
      { given: {}, owes: ['gap.written_off'] },
      { given: { judged: [] }, owes: [] },
    ],
  },
  {
    what: 'the row returns under another id and match id: the same story',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      { given: { judged: [aRound({ id: 77, matchId: 'x', time: '22:02:05' })] }, rules: missing, owes: [] },
    ],
  },
  {
    what: 'an unreadable place writes nothing for a round that is known',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      { given: closedPlace, rules: missing, owes: [] },
      { given: closedPlace, owes: [] },
      { given: {}, owes: ['gap.written_off'] },
      { given: closedPlace, owes: [] },
      { given: {}, owes: [] },
    ],
  },
  {
    what: 'an artifact that is still being written writes nothing for a round that is known',
    audits: [
      { given: {}, rules: missing, owes: ['gap.found'] },
      {
        given: { artifacts: [anArtifact({ content: null, modifiedUnix: fileUnix + hours - 5 })] },
        rules: missing,
        owes: [],
      },
    ],
  },
  {
    what: 'a new gap is found even while a place is unreadable',
    audits: [
      { given: closedPlace, owes: ['gap.found'] },
      { given: closedPlace, owes: [] },
      { given: {}, owes: ['gap.written_off'] },
    ],
  },
  {
    what: 'a round whose time cannot be read is found, and keeps its story by the text',
    audits: [
      { given: { judged: [aRound({ time: '9:5' })] }, owes: ['gap.found'] },
      { given: { judged: [aRound({ time: '9:5' })] }, owes: [] },
    ],
  },
];

describe('gapEntries()', () => {
  for (const { what, audits } of stories)
    test(what, () => {
      const ledger = aLedger();
      for (const { given, rules, owes } of audits) assert.deepEqual(kinds(ledger.audit(given, rules)), owes);
    });

  test('says what was found, on what it rests, and which entry it follows', () => {
    const ledger = aLedger();
    const found = bodyOf(ledger.audit(recoverable)[0]);
    assert.deepEqual(
      [found.verdict, found.reason, found.previous, found.from],
      ['recoverable', 'artifact', null, null],
    );
    assert.deepEqual(found.artifacts, [
      { path: anArtifact().path, sha256: 'sha-gametime-supply-R2-1770843722.json' },
    ]);
    assert.ok(!('places' in found));
    const changed = bodyOf(ledger.audit(damaged)[0]);
    assert.deepEqual([changed.verdict, changed.previous, changed.from], ['damaged', 1, 'recoverable']);
    const closed = bodyOf(ledger.audit(covered)[0]);
    assert.deepEqual([closed.as, closed.previous, closed.from], ['covered', 2, 'damaged']);
  });

  test('lists every place with its count, oldest and newest artifact when a round is written off', () => {
    const places = [
      aPlace({ count: 2, oldestUnix: 1770843722, newestUnix: 1770850050 }),
      aPlace({ name: '/b' }),
    ];
    const body = bodyOf(aLedger().audit({ places })[0]);
    assert.deepEqual((body.places as Json[])[0], {
      name: '/gametimes',
      count: 2,
      oldest: '2026-02-11T21:02:02Z',
      newest: '2026-02-11T22:47:30Z',
      unreadable: null,
    });
    assert.equal((body.places as Json[]).length, 2);
  });

  test('closes as covered, exempt or vanished', () => {
    for (const [given, as] of [
      [covered, 'covered'],
      [cancelled, 'exempt'],
      [{ judged: [] }, 'vanished'],
    ] as const) {
      const ledger = aLedger();
      ledger.audit({}, missing);
      assert.equal(bodyOf(ledger.audit(given)[0]).as, as);
    }
  });

  test('does not call a row vanished that this run did not look for', () => {
    const ledger = aLedger();
    ledger.audit({}, missing);
    assert.deepEqual(ledger.audit({ judged: [] }, {}, false), []);
  });

  test('keeps the pre-image of two rows with one identity: the gap speaks, in any order', () => {
    const rows = [aRound(), aRound({ id: 2, status: 'cancelled' })];
    for (const judged of [rows, [...rows].reverse()]) {
      const ledger = aLedger();
      assert.deepEqual(kinds(ledger.audit({ judged })), ['gap.written_off']);
      assert.deepEqual(ledger.audit({ judged }), []);
    }
  });

  test('writes in the order of keys, whatever the order of rows', () => {
    const judged = [aRound({ map: 'b' }), aRound({ id: 2, map: 'a' }), aRound({ id: 3, map: 'c' })];
    const keys = aLedger()
      .audit({ judged })
      .map(({ key }) => key[0]);
    assert.deepEqual(keys, ['a', 'b', 'c']);
  });

  test('a reopened written-off round is written off anew', () => {
    const ledger = aLedger();
    ledger.audit({});
    ledger.say('incident.reopened', { by: 'ana', reason: 'look again' });
    assert.deepEqual(kinds(ledger.audit({})), ['gap.written_off']);
    assert.deepEqual(ledger.audit({}), []);
  });

  test('a repaired round that the audit then sees covered owes nothing', () => {
    const ledger = aLedger();
    ledger.audit(recoverable);
    ledger.say('repair.done', { started: 2 });
    assert.deepEqual(ledger.audit({ captures: [aCapture({ startUnix, roundId: 1 })] }), []);
  });

  test('a reverted repair is judged anew, and stays held', () => {
    const ledger = aLedger();
    ledger.audit(recoverable);
    ledger.say('repair.done', { started: 2 });
    ledger.say('revert.done', { by: 'ana', reason: 'wrong player list' });
    assert.deepEqual(kinds(ledger.audit(recoverable)), ['gap.changed']);
    const [incident] = ledger.incidents.values();
    assert.deepEqual([incident!.verdict, incident!.held?.by], ['recoverable', 'ana']);
    assert.deepEqual(ledger.audit(recoverable), []);
  });

  test('acknowledged and excused gaps are recorded like all others', () => {
    for (const kind of ['incident.acknowledged', 'incident.excused', 'incident.held'] as const) {
      const ledger = aLedger();
      ledger.audit({}, missing);
      ledger.say(kind, { by: 'ana', reason: 'known' });
      assert.deepEqual(ledger.audit({}, missing), []);
      assert.deepEqual(kinds(ledger.audit(damaged)), ['gap.changed']);
    }
  });
});

describe('placeEntries()', () => {
  const of = { source: 'test', run: 'r1' };
  const open = aPlace({ name: '/mnt/share', count: endUnix % 7 });
  const cases: [what: string, place: Place, was: 'readable' | 'unreadable' | null, kinds: string[]][] = [
    ['a place that fails', unreadable, 'readable', ['place.unreadable']],
    ['a place that fails at first sight', unreadable, null, ['place.unreadable']],
    ['a place that still fails', unreadable, 'unreadable', []],
    ['a place that returns', open, 'unreadable', ['place.readable']],
    ['a place that works', open, 'readable', []],
    ['a new place that works', open, null, []],
  ];
  for (const [what, place, was, owes] of cases)
    test(`${what} owes ${owes.join() || 'nothing'}`, () => {
      const known = new Map(was === null ? [] : [[place.name, was] as const]);
      const drafts = placeEntries([place], known, of);
      assert.deepEqual(kinds(drafts), owes);
      for (const { key, body } of drafts) {
        assert.equal(key, 'place:/mnt/share');
        assert.equal((body as Record<string, Json>).why, place.unreadable);
      }
    });
});
