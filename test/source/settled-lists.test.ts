import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { sortNearlySorted, wholeNumbers } from '../../src/source/settled-lists.ts';

const numbers = fc.array(fc.integer({ min: -50, max: 2_000_000_000 }), { maxLength: 60 });

describe('lists that SQL answers with', () => {
  test('are read as the numbers that they spell', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        assert.deepEqual([...wholeNumbers(list.length === 0 ? null : list.join(','), list.length)], list);
      }),
    );
    assert.deepEqual([...wholeNumbers('7,-8', 5)], [7, -8]);
    assert.deepEqual([...wholeNumbers(null, 3)], []);
  });

  test('are sorted, whatever is out of order', () => {
    const few = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 });
    // In order, but for one of ten or fewer: as rows are, some of which carry the start of another round.
    const nearly = fc
      .tuple(
        fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 20, maxLength: 80 }),
        fc.array(fc.nat(), { maxLength: 2 }),
      )
      .map(([list, moved]) => {
        const sorted = [...list].sort((a, b) => a - b);
        for (const at of moved) sorted.push(...sorted.splice(at % sorted.length, 1));
        return sorted;
      });
    fc.assert(
      fc.property(fc.oneof(numbers, few, nearly), (list) => {
        const sorted = [...list].sort((a, b) => a - b);
        assert.deepEqual([...sortNearlySorted(Float64Array.from(list))], sorted);
        assert.deepEqual([...sortNearlySorted(Float64Array.from(sorted))], sorted);
      }),
      { numRuns: 500 },
    );
  });
});
