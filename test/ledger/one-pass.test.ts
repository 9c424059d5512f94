import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { incidentFold } from '../../src/context.ts';
import { foldedMembers } from '../../src/core/fold.ts';
import { entryKinds, type FoldEntry } from '../../src/core/incident.ts';
import type { Json } from '../../src/core/model.ts';
import { append } from '../../src/ledger/append.ts';
import { canonicalText } from '../../src/ledger/canonical.ts';
import { isSurelyCanonical } from '../../src/ledger/canonical-scan.ts';
import { type EntryDraft, emptyHead, inspectContent, linkEntries, withBody } from '../../src/ledger/chain.ts';
import type { Incident } from '../../src/ledger/ledger.ts';
import { bodyAsked, isSpellingOf, toBytes } from '../../src/ledger/members.ts';
import { emptyProjections, project } from '../../src/ledger/projections.ts';
import { verifyChain } from '../../src/ledger/verify.ts';
import { forEachDatabase } from '../databases.ts';
import { at, freshLedger } from './ledgers.ts';

const isSure = (text: string) => {
  const bytes = Buffer.from(text);
  // What follows is as in a document: it must not be taken for a part of the text.
  const document = Buffer.concat([Buffer.from('x'), bytes, Buffer.from(',"key":"a|1"}')]);
  return isSurelyCanonical(document, { from: 1, to: 1 + bytes.length, outline: [] });
};

/** As it was: parsed, spelled again, and compared. */
function isPlainlyCanonical(text: string): boolean {
  try {
    return canonicalText(JSON.parse(text) as Json) === text;
  } catch {
    return false;
  }
}

const usual = [
  'null',
  '[]',
  '{}',
  '0',
  '-1',
  '123456789012345',
  '9007199254740991',
  '1.5',
  '1e-7',
  '{"":{"a":[true,false,null,"x"]},"a":"ä📥","aa":1,"b":[{}]}',
  '"\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\u007f\u2028/"',
  '{"10":1,"9":2,"__proto__":{},"toJSON":1}',
];

const unusual = [
  '',
  ' 1',
  '1 ',
  '01',
  '-0',
  '-',
  '1.0',
  '1e2',
  '1E-7',
  '.5',
  '1.',
  '+1',
  'NaN',
  '9007199254740993',
  '1e400',
  '12345678901234567890',
  'nul',
  'nullx',
  'truefalse',
  '[',
  '[1',
  '[1,]',
  '[,1]',
  '[1 ,2]',
  '{',
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1,}',
  '{a:1}',
  '{"b":1,"a":2}',
  '{"a":1,"a":1}',
  '{"aa":1,"a":2}',
  '{"a": 1}',
  '"a',
  '"\t"',
  '"\\/"',
  '"\\u0041"',
  '"\\u000a"',
  '"\\u001F"',
  '"\\u00',
  '"\\ud800"',
  '"\\x"',
  '{"a":1}}',
  '1,"key":"a|1"',
];

test('one pass is sure of what is usual, and never of what is not canonical', () => {
  for (const text of usual) {
    assert.equal(isPlainlyCanonical(text), true, text);
    assert.equal(isSure(text), true, text);
  }
  for (const text of unusual) {
    assert.equal(isPlainlyCanonical(text), false, text);
    assert.equal(isSure(text), false, text);
  }
  assert.equal(isSure(`${'['.repeat(500)}${']'.repeat(500)}`), false, 'too deep to be sure of');
});

/** Texts that are nearly canonical: of a canonical one some characters are left out, doubled or replaced. */
const nearly = fc
  .tuple(
    fc.jsonValue({ maxDepth: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'{}[]",:\\u0123-.eE \n', '', 'ä', '\ud800')), {
      maxLength: 2,
    }),
  )
  .map(([value, edits]) => {
    let text = JSON.stringify(value, (_, item) =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
        : item,
    );
    for (const [place, put] of edits) {
      const from = place % (text.length + 1);
      text = text.slice(0, from) + put + text.slice(from + (place % 2));
    }
    return text;
  });

test('what one pass is sure of is canonical (property)', () => {
  let sure = 0;
  fc.assert(
    fc.property(nearly, (text) => {
      if (!text.isWellFormed() || !isSure(text)) return;
      sure += 1;
      assert.equal(isPlainlyCanonical(text), true, text);
    }),
    { numRuns: 20_000, verbose: true },
  );
  assert.ok(sure > 3_000, `it was sure of ${sure}`);
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('x', 'ä📥', '"', '\u0000'),
);
const odd = fc.oneof(fc.jsonValue({ maxDepth: 2 }), text) as fc.Arbitrary<Json>;
const found = fc.record({ path: text, sha256: text });
const incidents = fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 });
const members = {
  artifacts: fc.array(found, { maxLength: 2 }),
  because: odd,
  candidate: odd,
  cause: odd,
  changes: odd,
  reason: odd,
  round: odd,
  seen: fc.array(fc.record({ captureId: fc.option(fc.nat()), sha256: text, path: text }), { maxLength: 2 }),
  started: fc.integer({ min: 1, max: 9 }),
  verdict: fc.constantFrom('lost', 'recoverable'),
  toString: odd,
  ä: odd,
};
const body = fc.oneof(
  fc.record(members),
  fc.record({ ...members, incidents }, { requiredKeys: [] }),
) as fc.Arbitrary<Json>;
const draft = fc.record({
  kind: fc.oneof(
    fc.constantFrom('gap.found', 'gap.changed', 'gap.written_off', 'repair.done'),
    fc.constantFrom(...entryKinds),
  ),
  source: text,
  key: fc.constantFrom('a', 'b', 'ä'),
  body: fc.oneof({ weight: 20, arbitrary: body }, { weight: 1, arbitrary: odd }),
});

const orThrown = <T>(work: () => T): T | 'thrown' => {
  try {
    return work();
  } catch {
    return 'thrown';
  }
};

test('a story told of the members that it asks for is the story told of whole bodies (property)', () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(draft, { maxLength: 8 }), (drafts) => {
      const exact = drafts.filter((one) => orThrown(() => canonicalText(one.body)) !== 'thrown');
      const entries = linkEntries(emptyHead, exact, at);
      const [some, whole] = [emptyProjections(), emptyProjections()];
      for (const entry of entries) {
        const read = inspectContent(entry, foldedMembers(entry.kind));
        assert.equal(read.what, null);
        const told = (projections: typeof some, value: Json): Incident[] | 'thrown' =>
          orThrown(() => project(incidentFold, projections, withBody(entry, value) as FoldEntry));
        const [one, other] = [
          told(some, bodyAsked(read.asked!)),
          told(whole, JSON.parse(entry.body) as Json),
        ];
        if (one === 'thrown' || other === 'thrown') {
          assert.equal(one, other);
          continue;
        }
        const spelled = other.map(({ state }) => orThrown(() => toBytes(canonicalText(state))));
        for (const [at, { state }] of one.entries()) {
          const text = spelled[at]!;
          const isSpelled = orThrown(() => isSpellingOf(text, state));
          // What has no spelling is spelled by no text.
          if (text === 'thrown') {
            assert.notEqual(isSpelled, true);
            continue;
          }
          assert.equal(isSpelled, true);
          // Nothing else is its spelling: not less, not more, and not with any one character changed.
          const others = [text.slice(0, -1), `${text} `, '', ...changedSomewhere(text)];
          assert.deepEqual(
            others.filter((changed) => isSpellingOf(changed, state)),
            [],
          );
        }
        assert.deepEqual(
          one.map(({ state: _, ...rest }) => rest),
          other.map(({ state: _, ...rest }) => rest),
        );
        compared += spelled.filter((one) => one !== 'thrown').length;
      }
      assert.deepEqual(some.openRepairs, whole.openRepairs);
    }),
    { numRuns: 2_000, verbose: true },
  );
  assert.ok(compared > 300, `${compared} stories were compared`);
});

/** A text with one character changed, at some places. */
function changedSomewhere(text: string): string[] {
  const step = Math.max(1, Math.floor(text.length / 40));
  return [...text].flatMap((character, at) =>
    at % step === 0 ? [`${text.slice(0, at)}${character === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`] : [],
  );
}

const candidate = { captureId: null, sha256: 'ab', path: '/srv/ä' };
const seen = {
  round: { roundId: 1, map: 'sw_\u{1f4ca}', time: '220205' },
  verdict: 'recoverable',
  reason: 'artifact',
  because: 'whole and sane — alone',
  candidate,
  cause: { code: 'store_failed', evidence: [{ text: '\u{1f4ca} "STATS_READY"', line: 7 }] },
  artifacts: [{ path: '/srv/ä', sha256: 'ab' }],
  seen: [candidate],
};
const story = ['a', 'ä', 'c'].flatMap((key, night): EntryDraft[] => {
  const of = { source: 'stats', key };
  const changes = [{ table: 'rounds', before: null, after: { id: night, name: 'ä' } }];
  return [
    { ...of, kind: 'gap.found', body: seen },
    { ...of, kind: 'repair.started', body: { incidents: [key], changes } },
    { ...of, kind: 'repair.done', body: { incidents: [key], started: 3 * night + 2 } },
  ];
});

/** A member of a stored incident, and what somebody makes of it. */
const falsified: [string, Json][] = [
  ['because', 'whole and sane – alone'],
  ['candidate', { ...candidate, path: '/srv/a' }],
  ['cause', null],
  ['round', { ...seen.round, time: '220206' }],
  ['repairs', [3]],
  ['notes', 1],
  ['more', null],
];

forEachDatabase('verifyChain() over stories of incidents', (kind) => {
  test('finds them as they were folded, and each member that is not', async (t) => {
    const fresh = await freshLedger(t, kind);
    const ledger = { ...fresh.ledger, fold: incidentFold };
    await append(ledger, story, at);
    const problems = async () => {
      const { problems: found } = await verifyChain(ledger);
      // A thread tells what it was asked for as texts.
      assert.deepEqual((await verifyChain(ledger, { helped: { from: 0 } })).problems, found);
      return found;
    };
    assert.deepEqual(await problems(), []);
    const one = () => ledger.database.knex('incidents').where({ key: 'ä' });
    const { state } = await one().first();
    for (const [name, value] of falsified) {
      await one().update({ state: canonicalText({ ...JSON.parse(state), [name]: value }) });
      const what = 'the incident "ä" of stats differs from its entries in state';
      assert.deepEqual(await problems(), [{ seq: 4, what }], name);
    }
    await one().update({ state });
    assert.deepEqual(await problems(), []);
  });
});

test('isSpellingOf() knows the spelling of any value, whatever its names are, and no other text (property)', () => {
  const values = fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 }).filter((value) => {
    const text = orThrown(() => canonicalText(value as Json));
    return text !== 'thrown';
  });
  const named = fc.dictionary(
    fc.oneof(fc.constantFrom('ä', 'a"b', 'z', 'é\n', '😀', '10', '9'), fc.string()),
    values,
  );
  fc.assert(
    fc.property(fc.oneof(values, named), (value) => {
      const text = toBytes(canonicalText(value as Json));
      assert.equal(isSpellingOf(text, value), true);
      const others = [text.slice(0, -1), `${text} `, ...changedSomewhere(text)];
      assert.deepEqual(
        others.filter((changed) => isSpellingOf(changed, value)),
        [],
      );
    }),
    { numRuns: 1_000, verbose: 1 },
  );
});
