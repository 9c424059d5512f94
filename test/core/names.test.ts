import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { candidateNumber, normaliseMap, parseArtifactName, safeMap } from '../../src/core/names.ts';

for (const [map, is] of [
  ['supply', 'supply'],
  ['  Supply ', 'supply'],
  ['^1Supply^7', 'supply'],
  ['^zsup^9ply', 'supply'],
  [' ^1 supply', 'supply'],
  ['te_valhalla b2.1', 'te_valhalla b2.1'],
  ['etl^', 'etl^'],
  ['a^^1b', 'a^b'],
  ['', ''],
  [null, ''],
] as const)
  test(`normaliseMap() compares ${JSON.stringify(map)} as "${is}"`, () => {
    assert.equal(normaliseMap(map), is);
  });

for (const [map, is] of [
  ['te_valhalla b2.1', 'te_valhalla_b2_1'],
  ['Etl-Ice_v2', 'etl-ice_v2'],
  ['žaga', '__aga'],
  ['map€', 'map___'],
  ['../../etc', '______etc'],
  ['^1supply', '_1supply'],
] as const)
  test(`safeMap() spells "${map}" byte by byte as "${is}"`, () => {
    assert.equal(safeMap(map), is);
  });

test('candidateNumber() takes 0 for 2, and knows no other numbers', () => {
  assert.deepEqual([0, 1, 2, 3, -1, 1.5, null].map(candidateNumber), [2, 1, 2, null, null, null, null]);
});

const good: [name: string, is: { safeMap: string; number: 1 | 2; endUnix: number; finished: boolean }][] = [
  [
    'gametime-supply-R2-1770843722.json',
    { safeMap: 'supply', number: 2, endUnix: 1770843722, finished: true },
  ],
  ['gametime-a-R1-b-R2-123.json', { safeMap: 'a-r1-b', number: 2, endUnix: 123, finished: true }],
  ['gametime-a-R1-2-R1-3.json', { safeMap: 'a-r1-2', number: 1, endUnix: 3, finished: true }],
  [
    'gametime-1944_beach-2-R1-1771448345.json',
    { safeMap: '1944_beach-2', number: 1, endUnix: 1771448345, finished: true },
  ],
  [
    'gametime-Supply-R0-1770843722.json',
    { safeMap: 'supply', number: 2, endUnix: 1770843722, finished: true },
  ],
  [
    'gametime-supply-R2-1770843722.json.part',
    { safeMap: 'supply', number: 2, endUnix: 1770843722, finished: false },
  ],
  [
    '.gametime-supply-R2-1770843722.json.XaY3b1',
    { safeMap: 'supply', number: 2, endUnix: 1770843722, finished: false },
  ],
];

for (const [name, is] of good)
  test(`parseArtifactName() reads ${name} from the right`, () => {
    assert.deepEqual(parseArtifactName(name), is);
  });

for (const name of [
  'gametime-supply-R3-1770843722.json',
  'gametime-supply-R12-1770843722.json',
  'gametime--R1-.json',
  'gametime-R1-1770843722.json',
  'gametime-supply-R1-17708x.json',
  'gametime-supply-R1-1234567890123.json',
  'gametime-supply-R1-1770843722.JSON',
  'gametime-supply-R1-1770843722.jsonl',
  'gametime-supply-R1-1770843722.txt',
  'gametime-supply-R1--1770843722.json',
  'gametime-supply-R1-1770843722.json/',
  'Gametime-supply-R1-1770843722.json',
  'xgametime-supply-R1-1770843722.json',
  '.gametime-supply-R1-1770843722.json',
  '2026-02-11-220205-supply-round-2.txt',
  '',
])
  test(`parseArtifactName() takes "${name}" for no artifact`, () => {
    assert.equal(parseArtifactName(name), null);
  });

test('parseArtifactName() undoes the name that the module makes, for every map', () => {
  const anyMap = fc.string({ minLength: 1, maxLength: 30, unit: 'binary' });
  fc.assert(
    fc.property(anyMap, fc.constantFrom(1, 2), fc.nat({ max: 2 ** 31 }), (map, number, end) => {
      const name = `gametime-${safeMap(map)}-R${number}-${end}.json`;
      assert.deepEqual(parseArtifactName(name), {
        safeMap: safeMap(map),
        number,
        endUnix: end,
        finished: true,
      });
    }),
    { numRuns: 1000 },
  );
});
