import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { groupsOf } from '../../reports/groups.ts';
import { inCommon } from '../../reports/in-common.ts';
import type { ReportException } from '../../reports/model.ts';

type Given = Partial<Omit<ReportException, 'cause'>> & {
  cause?: Partial<NonNullable<ReportException['cause']>>;
};

const crashed = "the game server's module crashed after the round's end: bad argument #9 to 'format'";

/** A lost round of one evening, unless the test says otherwise. */
function anException({ cause, ...given }: Given = {}): ReportException {
  return {
    ...{ roundId: 1, matchId: '2026-02-16-212030', map: 'supply', number: 2, session: 89 },
    ...{ played: '2026-02-16 21:24:29', verdict: 'lost', reason: 'nothing_fits' },
    because: 'no capture and no artifact fits; the artifact place was read, and 24 h have passed',
    cause: { code: 'module_crashed', also: [], because: crashed, evidence: [], ...cause },
    ...{ incident: 1, packet: null, setAside: null },
    ...given,
  };
}

const many = (count: number, given: (at: number) => Given) =>
  Array.from({ length: count }, (_, at) => anException({ roundId: at, ...given(at) }));

describe('inCommon()', () => {
  const cases: { what: string; sentences: string[]; shared: string | null; own: string[] }[] = [
    { what: 'one sentence is said whole', sentences: ['a; b, c'], shared: 'a; b, c', own: [''] },
    { what: 'the same sentences are said once', sentences: ['a, b', 'a, b'], shared: 'a, b', own: ['', ''] },
    {
      what: 'a clause that differs stands with its round',
      sentences: [
        'nothing fits; 500 min old, written off after 24 h',
        'nothing fits; 7 min old, written off after 24 h',
      ],
      shared: 'nothing fits; written off after 24 h',
      own: ['500 min old', '7 min old'],
    },
    {
      what: 'a last clause that differs leaves no mark and no "and" behind',
      sentences: [
        'nothing fits; it was read, and 24 h have passed',
        'nothing fits; it was read, and it was before',
      ],
      shared: 'nothing fits; it was read',
      own: ['24 h have passed', 'it was before'],
    },
    {
      what: 'what only one says more stands with it alone',
      sentences: [
        'nothing fits, it was read',
        'nothing fits, it was read; the console names /a.json: fetch it',
      ],
      shared: 'nothing fits, it was read',
      own: ['', 'the console names /a.json: fetch it'],
    },
    {
      what: 'sentences about different things stand whole',
      sentences: [
        'its capture 1 is there, and is linked to no round',
        'its capture 2 is there, and is linked to no round',
      ],
      shared: null,
      own: [
        'its capture 1 is there, and is linked to no round',
        'its capture 2 is there, and is linked to no round',
      ],
    },
  ];
  for (const { what, sentences, ...expected } of cases)
    it(what, () => {
      assert.deepEqual(inCommon(sentences), expected);
    });
});

describe('groupsOf()', () => {
  const spoken = (exceptions: readonly ReportException[]) =>
    groupsOf(exceptions).map(({ verdict, cause, rounds }) => [verdict, cause?.code, rounds.length]);

  it('makes one group of thirty lost rounds of one cause, and says its explanation once', () => {
    const [group, ...others] = groupsOf(many(30, (at) => ({ session: at < 20 ? 89 : 90 })));
    assert.deepEqual(others, []);
    assert.deepEqual([group!.cause?.because, group!.session, group!.day], [crashed, null, '2026-02-16']);
    assert.ok(group!.rounds.every(({ own }) => own.length === 0));
  });

  it('keeps missing rounds together, each with its own age', () => {
    const because = (age: number) =>
      `no capture and no artifact fits; ${age} min old, written off after 24 h`;
    const [group, ...others] = groupsOf(many(3, (at) => ({ verdict: 'missing', because: because(at) })));
    assert.deepEqual(others, []);
    assert.deepEqual(
      group!.rounds.map(({ own }) => own),
      [['0 min old'], ['1 min old'], ['2 min old']],
    );
  });

  it('keeps rounds together whose captures are named, and parts what several rounds explain in another way', () => {
    const unlinked = (at: number): Given => ({
      verdict: 'relinkable',
      cause: { code: 'stored_unlinked', because: `its capture ${at} is there, and is linked to no round` },
    });
    const other = { cause: { because: `${crashed} and more` } };
    assert.deepEqual(spoken([...many(4, unlinked), ...many(3, () => ({})), ...many(2, () => other)]), [
      ['relinkable', 'stored_unlinked', 4],
      ['lost', 'module_crashed', 3],
      ['lost', 'module_crashed', 2],
    ]);
  });

  const parting: [what: string, given: Given][] = [
    ['verdict', { verdict: 'missing' }],
    ['reason', { reason: 'several_artifacts' }],
    ['cause', { cause: { code: 'not_sent', because: crashed } }],
    ['further cause', { cause: { also: ['never_received'] } }],
    ['decision of a person', { setAside: 'excused' }],
  ];
  for (const [what, given] of parting)
    it(`parts rounds of another ${what}`, () => {
      assert.equal(groupsOf([...many(2, () => ({})), ...many(2, () => given)]).length, 2);
    });

  it('says the whole time of each round where they were not played on one day that can be read', () => {
    const days = (...played: string[]) => groupsOf(played.map((one) => anException({ played: one })))[0]!.day;
    assert.equal(days('2026-02-16 23:58:00', '2026-02-17 00:12:00'), null);
    assert.equal(days('2026-02-16 noon', '2026-02-16 23:58:00'), null);
    assert.equal(days('? ?'), null);
  });

  it('has each round in exactly one group, in its order, with all that is said of it', () => {
    const clause = fc.constantFrom('a', 'b', 'c', 'and d', '');
    const sentence = fc
      .array(fc.tuple(clause, fc.constantFrom('; ', ', ')), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.flat().slice(0, -1).join(''));
    const exception = fc
      .record({ verdict: fc.constantFrom('lost', 'missing'), because: sentence, why: sentence })
      .map(({ verdict, because, why }) =>
        anException({ verdict: verdict as 'lost', because, cause: { because: why } }),
      );
    const words = (text: string) => text.split(/[;,] (?:and )?/).map((one) => one.replace(/^and /, ''));
    fc.assert(
      fc.property(fc.array(exception, { maxLength: 8 }), (given) => {
        const exceptions = given.map((one, at) => ({ ...one, roundId: at }));
        const groups = groupsOf(exceptions);
        const ids = groups.flatMap(({ rounds }) => rounds.map((round) => round.exception.roundId));
        assert.deepEqual(
          ids.toSorted((a, b) => a - b),
          [...exceptions.keys()],
        );
        for (const { rounds, because, cause } of groups) {
          const inOrder = rounds.map((round) => round.exception.roundId);
          assert.deepEqual(
            inOrder,
            inOrder.toSorted((a, b) => a - b),
          );
          for (const { exception, own } of rounds) {
            const said = new Set([because ?? '', cause?.because ?? '', ...own].flatMap(words));
            const asked = [...words(exception.because), ...words(exception.cause!.because)];
            assert.deepEqual(
              asked.filter((one) => one !== '' && !said.has(one)),
              [],
            );
          }
        }
      }),
    );
  });
});
