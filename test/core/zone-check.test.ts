import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileTime } from '../../src/core/expected.ts';
import { indexLinks } from '../../src/core/situation.ts';
import { linkedOf, zoneFault } from '../../src/core/zone-check.ts';
import { aCapture, aRound, zone as home } from './builders.ts';

const day = 86_400;
const firstUnix = Date.parse('2026-02-10T20:00:00Z') / 1000;

/** Rounds of days one after the other, each with its capture, two seconds before its file. */
function history(count: number, from = firstUnix) {
  const ends = Array.from({ length: count }, (_, at) => from + at * day);
  return {
    rounds: ends.map((endUnix, at) => aRound({ id: at + 1, fileUnix: endUnix + 2 })),
    captures: ends.map((endUnix, at) => aCapture({ id: at + 1, roundId: at + 1, endUnix })),
  };
}

function faultOf({ rounds, captures }: ReturnType<typeof history>, zone: string, fitting = 0): string | null {
  const linked = linkedOf(rounds, {
    playedOf: (one) => fileTime(one, zone),
    linkedTo: indexLinks(captures),
  });
  return zoneFault(linked, zone, fitting);
}

describe('zoneFault()', () => {
  it('finds none in the zone of the server, nor in one that has its time', () => {
    for (const zone of [home, 'Europe/Vienna', 'Africa/Lagos'])
      assert.equal(faultOf(history(30), zone), null);
  });

  const wrong: readonly [zone: string, words: RegExp][] = [
    ['Europe/London', /^30 of 30 linked captures .* was 1 h ahead of that of Europe\/London$/],
    ['Europe/Athens', /was 1 h behind that of Europe\/Athens$/],
    ['Asia/Kathmandu', /was 4 h 45 min behind that of Asia\/Kathmandu$/],
    ['America/Chicago', /was 7 h ahead/],
    ['Pacific/Kiritimati', /was 13 h behind/],
  ];
  for (const [zone, words] of wrong)
    it(`says by how much ${zone} is wrong`, () => assert.match(faultOf(history(30), zone)!, words));

  it('counts both offsets of a year where a zone has no summer time, and names the more frequent one', () => {
    const year = history(300, Date.parse('2025-03-01T20:00:00Z') / 1000);
    assert.match(faultOf(year, 'UTC')!, /^300 of 300 linked captures .* was 2 h ahead/);
  });

  it('finds none in few captures, nor where as many fit', () => {
    assert.equal(faultOf(history(4), 'UTC'), null);
    assert.notEqual(faultOf(history(5), 'UTC'), null);
    assert.equal(faultOf(history(5), 'UTC', 5), null);
    assert.notEqual(faultOf(history(6), 'UTC', 5), null);
  });

  it('takes a capture that lies anywhere else for a wrong link, which says nothing of the zone', () => {
    const { rounds, captures } = history(30);
    const moved = captures.map((one, at) => ({
      ...one,
      timing: { ...one.timing, endUnix: one.timing.endUnix! - 400 - 7 * at },
    }));
    assert.equal(faultOf({ rounds, captures: moved }, home), null);
  });

  it('does not ask captures of another map or number', () => {
    const { rounds, captures } = history(30);
    assert.equal(
      faultOf({ rounds, captures: captures.map((one) => ({ ...one, map: 'oasis' })) }, 'UTC'),
      null,
    );
    assert.equal(faultOf({ rounds, captures: captures.map((one) => ({ ...one, number: 1 })) }, 'UTC'), null);
  });
});
