import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HeldLine, heldTexts } from '../../jobs/held.ts';

const heldAs = (incident: number, reason: string, by = 'ann'): HeldLine => ({
  incident,
  roundId: 100 + incident,
  map: 'supply',
  round: 2,
  date: '2026-02-11',
  time: '220205',
  verdict: 'recoverable',
  by,
  at: '2026-02-12T08:00:00.000Z',
  reason,
});

describe('what is held, in words', () => {
  it('is nothing where nobody holds anything', () => assert.deepEqual(heldTexts([]), []));

  it('is one line for each person and reason', () => {
    const held = [heldAs(1, 'a doubt'), heldAs(2, ''), heldAs(3, 'a doubt'), heldAs(4, 'a doubt', 'bob')];
    assert.deepEqual(
      heldTexts(held).map((text) => text.split(';')[0]),
      [
        '2 rounds held, not repaired, by ann: a doubt: round 101 (incident 1), round 103 (incident 3)',
        '1 round held, not repaired, by ann: no reason was given: round 102 (incident 2)',
        '1 round held, not repaired, by bob: a doubt: round 104 (incident 4)',
      ],
    );
  });

  it('promises a repair only where one may wait', () => {
    const lost: HeldLine = { ...heldAs(8, 'a doubt'), verdict: 'lost' };
    const reverted: HeldLine = { ...heldAs(9, 'a doubt'), verdict: null };
    assert.deepEqual(heldTexts([lost, reverted]), [
      '1 round held, lost, by ann: a doubt: round 108 (incident 8); `roundwarden incidents reopen 8` has the next audit judge it anew',
      '1 round held, not repaired, by ann: a doubt: round 109 (incident 9); `roundwarden incidents reopen 9` has the next audit repair it',
    ]);
  });

  it('names five, and where the others are listed', () => {
    const [text] = heldTexts([1, 2, 3, 4, 5, 6, 7].map((id) => heldAs(id, 'x\u001b[31m')));
    assert.match(
      text!,
      /^7 rounds held, not repaired, by ann: x·\[31m: round 101 .*, round 105 \(incident 5\)/,
    );
    assert.match(
      text!,
      /\(incident 5\) and 2 more \(`roundwarden incidents list`\); `roundwarden incidents reopen INCIDENT`/,
    );
  });
});
