import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { sameJson } from '../../src/core/canonical.ts';
import type { Json } from '../../src/core/model.ts';
import {
  isValue,
  readInteger,
  readText,
  readTruth,
  toCapture,
  toRound,
  toRow,
} from '../../src/source/rows.ts';

/** The same readers as schemas: slow, and plain to see. */
const integer = z
  .union([
    z.number(),
    z.bigint().transform(Number),
    z
      .string()
      .regex(/^-?\d{1,16}$/)
      .transform(Number),
  ])
  .transform((value) => (Number.isSafeInteger(value) ? value : null))
  .nullable()
  .catch(null);
const text = z
  .union([z.string(), z.number().transform(String), z.date().transform((date) => date.toISOString())])
  .nullable()
  .catch(null);
const truth = z
  .union([
    z.boolean(),
    z.number().transform((value) => value !== 0),
    z.enum(['t', 'f', 'true', 'false']).transform((value) => value.startsWith('t')),
  ])
  .nullable()
  .catch(null);

/** Whatever a driver may give, and what none ever gave yet. */
const anyValue = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }),
  fc.integer(),
  fc.maxSafeInteger().map(String),
  fc.bigInt(),
  fc.bigInt().map(String),
  fc.double(),
  fc.constantFrom('t', 'f', 'true', 'false', '0', '1', '', ' 1', '1e3', '9007199254740993', '-0', '+1', '١'),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(null, undefined, true, false, Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53),
);

const pairs = [
  ['readInteger()', readInteger, integer],
  ['readText()', readText, text],
  ['readTruth()', readTruth, truth],
] as const;

describe('The readers of single values', () => {
  for (const [name, read, schema] of pairs)
    it(`${name} reads what the schema reads`, () => {
      fc.assert(
        fc.property(anyValue, (value) => {
          assert.deepStrictEqual(read(value), schema.parse(value) ?? null);
        }),
        { numRuns: 5_000, verbose: 1 },
      );
    });
});

describe('A row', () => {
  it('of which a column is absent has null there', () => {
    const { round, canonicalId } = toRound({ id: '7', match_id: 'm' });
    assert.deepEqual(
      [round.id, round.matchId, round.number, round.isValid, canonicalId],
      [7, 'm', null, null, null],
    );
    assert.deepEqual(new Set(Object.values(round.timing)), new Set([null]));
    assert.deepEqual(toCapture({ id: 1 }).number, -1);
  });

  for (const id of [null, undefined, 1.5, '9007199254740993', 'x', 2 ** 53])
    it(`is an error where its id is ${String(id)} (${typeof id})`, () => {
      assert.throws(() => toRound({ id }), /rounds has a row whose id is no exact integer/);
      assert.throws(() => toCapture({ id }), /lua_round_teams has a row whose id is no exact integer/);
    });
});

/** What a column may hold, as a driver gives it. */
const stored = fc.oneof(
  fc.jsonValue(),
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.bigInt(),
  fc.double(),
  fc.uint8Array({ maxLength: 4 }),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(null, 1, '1', 0, -0, true, 2 ** 53, '9007199254740992', '\ud800', '"a"', 'a', '[]'),
);

/** Lists of whatever JSON may not hold exactly, and of what looks like it. */
const list = fc.array(
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger().map((number) => number * 4),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\ud800', '\\ud800', '1234567890123456', 2 ** 53, 1e21, null, true),
    fc.record({
      name: fc.string({ unit: fc.constantFrom('\udc00', 'a', '"') }),
      guid: fc.bigInt().map(String),
    }),
  ),
);

describe('isValue()', () => {
  it('says what the canonical row says (property)', () => {
    const column = fc.constantFrom('map_name', 'axis_players', 'pause_count');
    const pair = fc.oneof(
      fc.tuple(column, stored, stored as fc.Arbitrary<unknown>),
      fc.tuple(column, stored).map(([of, value]) => [of, value, value] as const),
      fc.tuple(column, stored).map(([of, value]) => [of, value, toRow({ [of]: value })[of]] as const),
      fc.tuple(column, list).map(([of, value]) => [of, JSON.stringify(value), value] as const),
    );
    let same = 0;
    fc.assert(
      fc.property(pair, ([of, value, expected]) => {
        const says = isValue(of, value, expected as Json);
        assert.equal(says, sameJson(toRow({ [of]: value })[of]!, expected as Json));
        if (says) same++;
      }),
      { numRuns: 5_000 },
    );
    assert.ok(same > 1_000, `only ${same} were the same`);
  });
});
