import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Reason } from '../../src/core/verdict.ts';
import {
  aCapture,
  anArtifact,
  aPlace,
  aRound,
  captureTiming,
  days,
  endUnix,
  fileUnix,
  hours,
  judge,
  minutes,
  spoken,
  startUnix,
} from './builders.ts';

type Given = NonNullable<Parameters<typeof judge>[0]>;
type Rules = NonNullable<Parameters<typeof judge>[1]>;

interface WholeSituation {
  what: string;
  given: Given;
  rules?: Rules;
  /** Verdict and reason of each judged row, by id. */
  is: Record<number, string>;
}

const at = (age: number): Rules => ({ nowUnix: fileUnix + age });
/** The same map and number, half an hour earlier: the previous playing. */
const previous = (given: Parameters<typeof aRound>[0] = {}) =>
  aRound({ id: 2, fileUnix: fileUnix - 1800, ...given });
const previousCapture = (given: Parameters<typeof aCapture>[0] = {}) =>
  aCapture({ id: 200, endUnix: endUnix - 1800, ...given });
const closedPlace = aPlace({ name: '/mnt/share', unreadable: 'it lists no artifact', count: 0 });
const wholly = { startUnix, endUnix };

const covered: WholeSituation[] = [
  {
    what: 'its linked capture fits',
    given: { captures: [aCapture({ roundId: 1 })] },
    is: { 1: 'covered (linked)' },
  },
  {
    what: 'its linked capture fits, in the first minute',
    given: { captures: [aCapture({ roundId: 1 })] },
    rules: at(30),
    is: { 1: 'covered (linked)' },
  },
  {
    what: 'the later double is the linked one',
    given: {
      captures: [aCapture({ startUnix }), aCapture({ id: 101, startUnix, endUnix: endUnix + 2, roundId: 1 })],
    },
    is: { 1: 'covered (linked)' },
  },
  {
    what: 'one double is linked to it and the earlier one to another round',
    given: {
      judged: [aRound()],
      rivals: [previous()],
      captures: [
        aCapture({ startUnix, roundId: 2 }),
        aCapture({ id: 101, startUnix, endUnix: endUnix + 2, roundId: 1 }),
      ],
    },
    is: { 1: 'covered (linked)' },
  },
  {
    what: 'another capture, which does not fit, is linked to it too',
    given: { captures: [aCapture({ roundId: 1 }), previousCapture({ roundId: 1 })] },
    is: { 1: 'covered (linked)' },
  },
  {
    what: 'the link decides between two captures that are equally near',
    given: { captures: [aCapture({ roundId: 1 }), aCapture({ id: 101, startUnix: startUnix + 1 })] },
    is: { 1: 'covered (linked)' },
  },
  {
    what: 'the link decides between two rounds that are equally near',
    given: {
      judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix - 6 })],
      captures: [aCapture({ roundId: 1 })],
    },
    is: { 1: 'covered (linked)', 2: 'ambiguous (capture_fits_several)' },
  },
  {
    what: 'the link does not decide where the other capture is nearer',
    given: {
      captures: [
        aCapture({ roundId: 1 }),
        aCapture({ id: 101, endUnix: fileUnix - 1, startUnix: startUnix + 1 }),
      ],
    },
    is: { 1: 'conflict (slot_taken)' },
  },
  {
    what: 'the link does not decide where both captures are linked',
    given: {
      captures: [aCapture({ roundId: 1 }), aCapture({ id: 101, startUnix: startUnix + 1, roundId: 1 })],
    },
    is: { 1: 'ambiguous (several_captures)' },
  },
  {
    what: 'the linked capture is not sane, which is not asked of what is linked',
    given: { captures: [aCapture({ roundId: 1, timing: { durationSeconds: 0 } })] },
    is: { 1: 'covered (linked)' },
  },
  ...[startUnix - 10, 0].map((end) => ({
    what: `a double with the same start and the end ${end === 0 ? 0 : 'before it'} is stored too`,
    given: {
      captures: [aCapture({ startUnix, roundId: 1 }), aCapture({ id: 101, startUnix, endUnix: end })],
    },
    is: { 1: 'covered (linked)' },
  })),
  {
    what: 'a person chose the linked capture, which is not the nearest, and the nearest fits another round as well',
    given: {
      judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix - 6 })],
      captures: [
        aCapture(),
        aCapture({ id: 101, endUnix: fileUnix + 5, startUnix: startUnix + 1, roundId: 1 }),
      ],
      decided: { 1: { resolution: { kind: 'capture', captureId: 101 } } },
    },
    is: { 1: 'covered (linked)', 2: 'ambiguous (capture_fits_several)' },
  },
];

const exempt: WholeSituation[] = [
  {
    what: 'rows that are not expected',
    given: {
      judged: [
        aRound({ number: 0 }),
        aRound({ id: 2, isValid: false }),
        aRound({ id: 3, status: 'cancelled' }),
        aRound({ id: 4, isBot: true }),
        aRound({ id: 5, date: '2026-01-23' }),
      ],
    },
    is: {
      1: 'exempt (summary)',
      2: 'exempt (invalid)',
      3: 'exempt (status)',
      4: 'exempt (bots)',
      5: 'exempt (before_capture)',
    },
  },
  {
    what: 'an exempt row claims a candidate, and nothing is written for it',
    given: {
      judged: [aRound({ fileUnix: fileUnix + 20 }), aRound({ id: 2, status: 'cancelled' })],
      captures: [aCapture()],
    },
    is: { 1: 'ambiguous (capture_fits_several)', 2: 'exempt (status)' },
  },
  {
    what: 'an exempt row claims an artifact by its start, and the neighbour has none',
    given: {
      judged: [
        aRound({ fileUnix: fileUnix + 20 }),
        aRound({ id: 2, isValid: false, timing: { startUnix, endUnix } }),
      ],
      artifacts: [anArtifact({ startUnix })],
    },
    is: { 1: 'lost (nothing_fits)', 2: 'exempt (invalid)' },
  },
  {
    what: 'a time that cannot be read, whatever lies around',
    given: {
      judged: [aRound({ time: '25:00:00' })],
      captures: [aCapture({ roundId: 1 })],
      artifacts: [anArtifact()],
    },
    is: { 1: 'unchecked (bad_time)' },
  },
];

const order: WholeSituation[] = [
  {
    what: 'pending before relinkable',
    given: { captures: [aCapture()] },
    rules: at(299),
    is: { 1: 'pending (within_grace)' },
  },
  {
    what: 'relinkable at exactly the grace time',
    given: { captures: [aCapture()] },
    rules: at(300),
    is: { 1: 'relinkable (unlinked)' },
  },
  {
    what: 'pending before ambiguous',
    given: { captures: [aCapture(), aCapture({ id: 101, startUnix: startUnix + 1 })] },
    rules: at(0),
    is: { 1: 'pending (within_grace)' },
  },
  {
    what: 'pending before an unreadable place',
    given: { places: [closedPlace] },
    rules: at(10),
    is: { 1: 'pending (within_grace)' },
  },
  {
    what: 'pending while its import is fresh, however old the file',
    given: { judged: [aRound({ createdAt: '2026-02-12 06:00:00' })], captures: [aCapture()] },
    rules: { nowUnix: Date.parse('2026-02-12T05:04:59Z') / 1000 },
    is: { 1: 'pending (within_grace)' },
  },
  {
    what: 'captures before artifacts',
    given: { captures: [aCapture({ startUnix })], artifacts: [anArtifact({ startUnix })] },
    is: { 1: 'relinkable (unlinked)' },
  },
  {
    what: 'ambiguous captures before a certain artifact',
    given: {
      captures: [aCapture({ startUnix: null }), aCapture({ id: 101, startUnix: null })],
      artifacts: [anArtifact()],
    },
    is: { 1: 'ambiguous (several_captures)' },
  },
  {
    what: 'recoverable before damaged',
    given: { artifacts: [anArtifact({ content: null, path: '/a/part.json' }), anArtifact()] },
    is: { 1: 'recoverable (artifact)' },
  },
  {
    what: 'recoverable before an unreadable place',
    given: { artifacts: [anArtifact()], places: [aPlace(), closedPlace] },
    is: { 1: 'recoverable (artifact)' },
  },
  {
    what: 'damaged before unchecked',
    given: { artifacts: [anArtifact({ content: null })], places: [closedPlace] },
    is: { 1: 'damaged (not_whole)' },
  },
  {
    what: 'an unreadable artifact before an unreadable place',
    given: { artifacts: [anArtifact({ content: null, unreadable: 'EIO' })], places: [closedPlace] },
    is: { 1: 'unchecked (artifact_unreadable)' },
  },
  {
    what: 'unchecked before missing',
    given: { places: [aPlace(), closedPlace] },
    rules: at(hours),
    is: { 1: 'unchecked (place_unreadable)' },
  },
  {
    what: 'unchecked before lost: an unreadable place never gives lost, however old',
    given: { places: [aPlace(), closedPlace] },
    rules: at(400 * days),
    is: { 1: 'unchecked (place_unreadable)' },
  },
  {
    what: 'an unreadable place beside a written-off round',
    given: { places: [closedPlace], decided: { 1: { writtenOff: true } } },
    is: { 1: 'unchecked (place_unreadable)' },
  },
  {
    what: 'missing one second before the settle time',
    given: {},
    rules: at(24 * hours - 1),
    is: { 1: 'missing (nothing_fits_yet)' },
  },
  { what: 'lost at the settle time', given: {}, rules: at(24 * hours), is: { 1: 'lost (nothing_fits)' } },
  { what: 'lost where there are no places', given: { places: [] }, is: { 1: 'lost (nothing_fits)' } },
  {
    what: 'a late import puts off the loss',
    given: { judged: [aRound({ createdAt: '2026-02-12 07:00:00' })] },
    rules: at(24 * hours),
    is: { 1: 'missing (nothing_fits_yet)' },
  },
  {
    what: 'a late import does not reopen what was written off',
    given: { judged: [aRound({ createdAt: '2026-02-12 07:00:00' })], decided: { 1: { writtenOff: true } } },
    rules: at(24 * hours),
    is: { 1: 'lost (nothing_fits)' },
  },
  {
    what: 'a found artifact turns a written-off round recoverable',
    given: { artifacts: [anArtifact()], decided: { 1: { writtenOff: true } } },
    is: { 1: 'recoverable (artifact)' },
  },
];

const links: WholeSituation[] = [
  { what: 'a capture without a link', given: { captures: [aCapture()] }, is: { 1: 'relinkable (unlinked)' } },
  {
    what: 'a capture linked to a round that is gone',
    given: { captures: [aCapture({ roundId: 999 })] },
    is: { 1: 'relinkable (dangling)' },
  },
  {
    what: 'a capture linked to the previous playing, which has none of its own',
    given: { judged: [aRound(), previous()], captures: [aCapture({ roundId: 2 })] },
    is: { 1: 'relinkable (misplaced)', 2: 'lost (nothing_fits)' },
  },
  {
    what: 'a capture linked to the summary row',
    given: { rivals: [aRound({ id: 2, number: 0 })], captures: [aCapture({ roundId: 2 })] },
    is: { 1: 'relinkable (misplaced)' },
  },
  {
    what: 'a capture linked to a round whose time cannot be read',
    given: { rivals: [aRound({ id: 2, time: 'x' })], captures: [aCapture({ roundId: 2 })] },
    is: { 1: 'ambiguous (link_unprovable)' },
  },
  {
    what: 'a capture linked to a round of another map whose time cannot be read',
    given: { rivals: [aRound({ id: 2, time: 'x', map: 'goldrush' })], captures: [aCapture({ roundId: 2 })] },
    is: { 1: 'relinkable (misplaced)' },
  },
  {
    what: 'a capture linked to a neighbour that it fits too, though less well',
    given: {
      judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix + 20 })],
      captures: [aCapture({ roundId: 2 })],
    },
    is: { 1: 'ambiguous (capture_fits_several)', 2: 'ambiguous (capture_fits_several)' },
  },
  {
    what: 'two captures that are equally near',
    given: { captures: [aCapture(), aCapture({ id: 101, startUnix: startUnix + 1 })] },
    is: { 1: 'ambiguous (several_captures)' },
  },
  {
    what: 'a capture that is not sane',
    given: { captures: [aCapture({ timing: { durationSeconds: 0 } })] },
    is: { 1: 'conflict (capture_not_sane)' },
  },
  {
    what: 'a capture that fits nothing, linked to a round without its own',
    given: { captures: [previousCapture({ roundId: 1 })] },
    is: { 1: 'lost (nothing_fits)' },
  },
];

const artifacts: WholeSituation[] = [
  { what: 'a whole artifact', given: { artifacts: [anArtifact()] }, is: { 1: 'recoverable (artifact)' } },
  {
    what: 'an artifact in two places, the same bytes',
    given: { artifacts: [anArtifact(), anArtifact({ path: '/copies/gametime.json' })] },
    is: { 1: 'recoverable (artifact)' },
  },
  {
    what: 'a double fire: the first counts',
    given: { artifacts: [anArtifact({ startUnix }), anArtifact({ startUnix, endUnix: endUnix + 2 })] },
    is: { 1: 'recoverable (artifact)' },
  },
  {
    what: 'two with the same start and end that say different things',
    given: {
      artifacts: [
        anArtifact(),
        anArtifact({ path: '/copies/gametime.json', sha256: 'other', content: { axisScore: 7 } }),
      ],
    },
    is: { 1: 'ambiguous (doubles_differ)' },
  },
  {
    what: 'two with different starts, equally near',
    given: {
      artifacts: [
        anArtifact({ startUnix }),
        anArtifact({ startUnix: startUnix + 1, endUnix: fileUnix + 3, path: '/b' }),
      ],
    },
    is: { 1: 'ambiguous (several_artifacts)' },
  },
  {
    what: 'one that fits two rounds, nearer to the other',
    given: { judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix - 2 })], artifacts: [anArtifact()] },
    is: { 1: 'ambiguous (artifact_fits_several)', 2: 'recoverable (artifact)' },
  },
  {
    what: 'an unfinished name',
    given: { artifacts: [anArtifact({ finished: false, path: '/gametimes/x.json.part' })] },
    is: { 1: 'damaged (not_whole)' },
  },
  {
    what: 'one that is still being written',
    given: { artifacts: [anArtifact({ content: null, modifiedUnix: fileUnix + hours - 119 })] },
    rules: at(hours),
    is: { 1: 'unchecked (artifact_unreadable)' },
  },
  {
    what: 'one that is not whole after two minutes',
    given: { artifacts: [anArtifact({ content: null, modifiedUnix: fileUnix + hours - 120 })] },
    rules: at(hours),
    is: { 1: 'damaged (not_whole)' },
  },
  {
    what: 'one that is whole but not sane',
    given: { artifacts: [anArtifact({ content: { timing: { durationSeconds: 0 } } })] },
    is: { 1: 'damaged (not_whole)' },
  },
  {
    what: 'one whose name and content disagree, for both rounds that it might be of',
    given: {
      judged: [aRound(), aRound({ id: 2, map: 'goldrush' }), aRound({ id: 3, map: 'erdenberg_t2' })],
      artifacts: [anArtifact({ content: { map: 'goldrush' } })],
    },
    is: { 1: 'damaged (not_whole)', 2: 'damaged (not_whole)', 3: 'lost (nothing_fits)' },
  },
  {
    what: 'one whose end and name disagree, for both playings',
    given: {
      judged: [aRound(), previous()],
      artifacts: [anArtifact({ content: { timing: captureTiming(endUnix - 1800) } })],
    },
    is: { 1: 'damaged (not_whole)', 2: 'damaged (not_whole)' },
  },
  {
    what: 'the artifact of a covered neighbour is not the gap’s',
    given: {
      judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix + 25 })],
      captures: [aCapture({ startUnix, roundId: 1 })],
      artifacts: [anArtifact({ startUnix })],
    },
    is: { 1: 'covered (linked)', 2: 'ambiguous (capture_fits_several)' },
  },
];

const conflicts: WholeSituation[] = [
  {
    what: 'slot_taken: the holder has no other round to go to',
    given: { captures: [aCapture(), previousCapture({ roundId: 1 })] },
    is: { 1: 'conflict (slot_taken)' },
  },
  {
    what: 'slot_taken, by an artifact too',
    given: { captures: [previousCapture({ roundId: 1 })], artifacts: [anArtifact()] },
    is: { 1: 'conflict (slot_taken)' },
  },
  {
    what: 'a released holder gives the slot',
    given: {
      captures: [previousCapture({ roundId: 1 })],
      artifacts: [anArtifact()],
      decided: { 1: { releases: [200] } },
    },
    is: { 1: 'recoverable (artifact)' },
  },
  {
    what: 'a release of another capture does not give the slot',
    given: {
      captures: [aCapture(), previousCapture({ roundId: 1 })],
      decided: { 1: { releases: [201] } },
    },
    is: { 1: 'conflict (slot_taken)' },
  },
  {
    what: 'a chain: the holder moves on to its own round',
    given: {
      judged: [aRound(), previous()],
      captures: [aCapture(), previousCapture({ roundId: 1 })],
    },
    is: { 1: 'relinkable (unlinked)', 2: 'relinkable (misplaced)' },
  },
  {
    what: 'a cascade: the end of the chain is stuck, and so is all of it',
    given: {
      judged: [aRound(), previous(), aRound({ id: 3, fileUnix: fileUnix - 3600 })],
      captures: [
        aCapture(),
        previousCapture({ roundId: 1 }),
        aCapture({ id: 300, endUnix: endUnix - 3600, roundId: 2 }),
        aCapture({ id: 400, endUnix: endUnix - 5400, roundId: 3 }),
      ],
    },
    is: { 1: 'conflict (slot_taken)', 2: 'conflict (slot_taken)', 3: 'conflict (slot_taken)' },
  },
  {
    what: 'a cycle of three, each holding the next one’s slot',
    given: {
      judged: [aRound(), previous(), aRound({ id: 3, fileUnix: fileUnix - 3600 })],
      captures: [
        aCapture({ roundId: 2 }),
        previousCapture({ roundId: 3 }),
        aCapture({ id: 300, endUnix: endUnix - 3600, roundId: 1 }),
      ],
    },
    is: { 1: 'relinkable (misplaced)', 2: 'relinkable (misplaced)', 3: 'relinkable (misplaced)' },
  },
  {
    what: 'a holder whose own incident is held does not move',
    given: {
      judged: [aRound(), previous()],
      captures: [aCapture(), previousCapture({ roundId: 1 })],
      decided: { 2: { held: true } },
    },
    is: { 1: 'conflict (slot_taken)', 2: 'relinkable (misplaced)' },
  },
  {
    what: 'key_taken: another map ended in the same second',
    given: { captures: [aCapture({ map: 'goldrush' })], artifacts: [anArtifact()] },
    is: { 1: 'conflict (key_taken)' },
  },
  {
    what: 'key_taken: a capture with the same start and an end out of reach',
    given: {
      captures: [aCapture({ startUnix, endUnix: endUnix - 60 })],
      artifacts: [anArtifact({ startUnix })],
    },
    is: { 1: 'conflict (key_taken)' },
  },
  {
    what: 'timing_in_the_way: another end, which nothing proves wrong',
    given: {
      judged: [aRound({ timing: { startUnix, endUnix: endUnix - 1 } })],
      captures: [aCapture({ startUnix })],
    },
    is: { 1: 'conflict (timing_in_the_way)' },
  },
  {
    what: 'timing_in_the_way, by an artifact too',
    given: { judged: [aRound({ timing: { endUnix: endUnix - 1 } })], artifacts: [anArtifact()] },
    is: { 1: 'conflict (timing_in_the_way)' },
  },
  {
    what: 'timing that is proven foreign is not in the way',
    given: { judged: [aRound({ timing: captureTiming(endUnix - 1800) })], captures: [aCapture()] },
    is: { 1: 'relinkable (unlinked)' },
  },
  {
    what: 'timing that came with the holder leaves with it',
    given: {
      judged: [
        aRound({ timing: { startUnix: startUnix - 1800 } }),
        previous({ timing: { startUnix: startUnix - 1800 } }),
      ],
      captures: [aCapture(), previousCapture({ startUnix: startUnix - 1800, roundId: 1 })],
    },
    is: { 1: 'relinkable (unlinked)', 2: 'relinkable (misplaced)' },
  },
];

const tied = [aCapture(), aCapture({ id: 101, startUnix: startUnix + 1 })];
const tiedArtifacts = [
  anArtifact({ startUnix, sha256: 'one' }),
  anArtifact({ startUnix: startUnix + 1, endUnix: fileUnix + 3, sha256: 'two' }),
];
const people: WholeSituation[] = [
  {
    what: 'a person chose one of two captures',
    given: { captures: tied, decided: { 1: { resolution: { kind: 'capture', captureId: 101 } } } },
    is: { 1: 'relinkable (unlinked)' },
  },
  {
    what: 'a person chose a capture that is not in reach any more',
    given: { captures: tied, decided: { 1: { resolution: { kind: 'capture', captureId: 555 } } } },
    is: { 1: 'ambiguous (several_captures)' },
  },
  {
    what: 'a person chose a capture that certainly is another round’s',
    given: {
      judged: [aRound({ fileUnix: fileUnix + 20 }), aRound({ id: 2 })],
      captures: [aCapture()],
      decided: { 1: { resolution: { kind: 'capture', captureId: 100 } } },
    },
    is: { 1: 'ambiguous (capture_fits_several)', 2: 'relinkable (unlinked)' },
  },
  {
    what: 'a person chose a capture that is not sane',
    given: {
      captures: [aCapture({ timing: { durationSeconds: 0 } }), tied[1]!],
      decided: { 1: { resolution: { kind: 'capture', captureId: 100 } } },
    },
    is: { 1: 'conflict (capture_not_sane)' },
  },
  {
    what: 'a person chose a capture, and the slot is taken',
    given: {
      captures: [...tied, previousCapture({ roundId: 1 })],
      decided: { 1: { resolution: { kind: 'capture', captureId: 101 } } },
    },
    is: { 1: 'conflict (slot_taken)' },
  },
  {
    what: 'a person chose a capture whose link nothing proves wrong',
    given: {
      rivals: [aRound({ id: 2, time: 'x' })],
      captures: [aCapture({ roundId: 2 })],
      decided: { 1: { resolution: { kind: 'capture', captureId: 100 } } },
    },
    is: { 1: 'relinkable (misplaced)' },
  },
  {
    what: 'a person chose one of two artifacts',
    given: { artifacts: tiedArtifacts, decided: { 1: { resolution: { kind: 'artifact', sha256: 'two' } } } },
    is: { 1: 'recoverable (artifact)' },
  },
  {
    what: 'a person chose between doubles that differ',
    given: {
      artifacts: [
        anArtifact({ sha256: 'one' }),
        anArtifact({ sha256: 'two', path: '/b', content: { axisScore: 7 } }),
      ],
      decided: { 1: { resolution: { kind: 'artifact', sha256: 'two' } } },
    },
    is: { 1: 'recoverable (artifact)' },
  },
  {
    what: 'a person chose an artifact that is damaged by now',
    given: {
      artifacts: [anArtifact({ sha256: 'one', content: null })],
      decided: { 1: { resolution: { kind: 'artifact', sha256: 'one' } } },
    },
    is: { 1: 'damaged (not_whole)' },
  },
  {
    what: 'a person chose an artifact that is gone, and a capture fits',
    given: { captures: [aCapture()], decided: { 1: { resolution: { kind: 'artifact', sha256: 'gone' } } } },
    is: { 1: 'relinkable (unlinked)' },
  },
  {
    what: 'a person chose an artifact that is gone, and captures are ambiguous',
    given: { captures: tied, decided: { 1: { resolution: { kind: 'artifact', sha256: 'gone' } } } },
    is: { 1: 'ambiguous (several_captures)' },
  },
  {
    what: 'a held round keeps its verdict',
    given: { artifacts: [anArtifact()], decided: { 1: { held: true } } },
    is: { 1: 'recoverable (artifact)' },
  },
];

const groups = { covered, exempt, 'the order of the verdicts': order, links, artifacts, conflicts, people };
for (const [name, situations] of Object.entries(groups))
  describe(`classify(), ${name}`, () => {
    for (const { what, given, rules, is } of situations)
      test(`${what}: ${Object.values(is).join(', ')}`, () => {
        const judged = judge(given, rules);
        const said = Object.fromEntries([...judged].map(([id, assessment]) => [id, spoken(assessment)]));
        assert.deepEqual(said, is);
      });
  });

test('the tables of classify() show every reason that there is', () => {
  const every: Record<Reason, true> = {
    bad_time: true,
    linked: true,
    within_grace: true,
    several_captures: true,
    capture_fits_several: true,
    link_unprovable: true,
    unlinked: true,
    dangling: true,
    misplaced: true,
    slot_taken: true,
    key_taken: true,
    timing_in_the_way: true,
    capture_not_sane: true,
    several_artifacts: true,
    artifact_fits_several: true,
    doubles_differ: true,
    artifact: true,
    not_whole: true,
    place_unreadable: true,
    artifact_unreadable: true,
    nothing_fits_yet: true,
    nothing_fits: true,
  };
  const shown = Object.values(groups)
    .flat()
    .flatMap(({ is }) => Object.values(is))
    .map((text) => /\((.*)\)/.exec(text)![1]!);
  for (const reason of Object.keys(every)) assert.ok(shown.includes(reason), reason);
});

test('every verdict says why in a sentence, and what it rests on', () => {
  for (const { given, rules } of Object.values(groups).flat())
    for (const assessment of judge(given, rules).values()) {
      assert.ok(assessment.because.length > 10);
      const written = assessment.want !== null && assessment.verdict !== 'covered';
      assert.equal(written, ['relinkable', 'recoverable'].includes(String(assessment.verdict)));
      if (written) assert.ok(assessment.candidate !== null);
    }
});

test('a want names the capture that the person chose, with what they released', () => {
  const { want } = judge({
    captures: [...tied, previousCapture({ roundId: 1 })],
    decided: { 1: { resolution: { kind: 'capture', captureId: 101 }, releases: [200] } },
  }).get(1)!;
  assert.equal(want?.kind === 'relink' && want.capture.id, 101);
  assert.deepEqual(want?.releases, [200]);
});

test('a double fire wants the first artifact, and lists the other', () => {
  const first = anArtifact({ startUnix });
  const second = anArtifact({ startUnix, endUnix: endUnix + 2 });
  const { want, candidate } = judge({ artifacts: [second, first] }).get(1)!;
  assert.equal(want?.kind === 'backfill' && want.artifact.path, first.path);
  assert.match(candidate!.note, new RegExp(second.path));
});

test('with REPAIR_COVERED=on a covered round wants its timing and its spawn rows, otherwise nothing', () => {
  const capture = aCapture({ startUnix, roundId: 1 });
  const artifact = anArtifact({ startUnix });
  const incomplete = { captures: [capture], artifacts: [artifact], spawnKeys: new Set<string>() };
  assert.equal(judge(incomplete).get(1)!.want, null);
  const { want, verdict } = judge(incomplete, { repairCovered: true }).get(1)!;
  assert.equal(verdict, 'covered');
  assert.ok(want?.kind === 'complete' && want.capture === capture && want.artifact === artifact);
  const complete = { judged: [aRound({ timing: wholly })], captures: [capture], artifacts: [artifact] };
  assert.equal(judge(complete, { repairCovered: true }).get(1)!.want, null);
});

test('a lost round tells how many places were read, a missing one when it will be written off', () => {
  assert.match(
    judge({ places: [aPlace(), aPlace({ name: '/b' })] }).get(1)!.because,
    /all 2 artifact places/,
  );
  assert.match(judge({ places: [] }).get(1)!.because, /no artifact places/);
  assert.match(judge({}, at(90 * minutes)).get(1)!.because, /90 min old, written off after 24 h/);
});

test('no capture is wanted by two rounds, even where two people chose the same one', () => {
  const chosen = { resolution: { kind: 'capture' as const, captureId: 100 } };
  const judged = judge({
    judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix - 6 })],
    captures: [aCapture()],
    decided: { 1: chosen, 2: chosen },
  });
  const wanted = [...judged.values()].filter(({ want }) => want !== null);
  assert.ok(wanted.length <= 1, 'one capture, one round');
});

test('no artifact is wanted by two rounds, even where two people chose the same one', () => {
  const chosen = { resolution: { kind: 'artifact' as const, sha256: 'one' } };
  const judged = judge({
    judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix - 6 })],
    artifacts: [anArtifact({ sha256: 'one' })],
    decided: { 1: chosen, 2: chosen },
  });
  const wanted = [...judged.values()].filter(({ want }) => want !== null);
  assert.ok(wanted.length <= 1, 'one artifact, one round');
});

/** Crowded evenings: one map, both numbers, seconds apart, with links that may be wrong. */
const anyEvening = fc
  .record({
    rounds: fc.array(
      fc.record({
        number: fc.constantFrom(0, 1, 2),
        fileUnix: fc.integer({ min: fileUnix - 40, max: fileUnix + 40 }),
        timing: fc.constantFrom({}, wholly, captureTiming(endUnix - 1800)),
        status: fc.constantFrom('completed', 'cancelled'),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    captures: fc.array(
      fc.record({
        number: fc.constantFrom(0, 1, 2),
        endUnix: fc.integer({ min: endUnix - 20, max: endUnix + 20 }),
        startUnix: fc.constantFrom(startUnix, startUnix + 1, null),
        roundId: fc.constantFrom(null, 1, 2, 3, 999),
      }),
      { maxLength: 6 },
    ),
    artifacts: fc.array(
      fc.record({
        endUnix: fc.integer({ min: endUnix - 20, max: endUnix + 20 }),
        startUnix: fc.constantFrom(startUnix, startUnix + 1),
        whole: fc.boolean(),
      }),
      { maxLength: 5 },
    ),
    places: fc.constantFrom([aPlace()], [aPlace(), closedPlace]),
  })
  .map((evening) => ({
    judged: evening.rounds.map((round, index) => aRound({ ...round, id: index + 1 })),
    captures: evening.captures.map((capture, index) => aCapture({ ...capture, id: 100 + index })),
    artifacts: evening.artifacts.map(({ whole, ...artifact }, index) =>
      anArtifact({
        ...artifact,
        path: `/g/${index}`,
        sha256: `s${index}`,
        ...(whole ? {} : { content: null }),
      }),
    ),
    places: evening.places,
  }));

test('classify() gives the same verdicts, sentences and wants for every order of its inputs', () => {
  const all = <T>(items: T[]) => fc.shuffledSubarray(items, { minLength: items.length });
  const shuffled = anyEvening.chain((evening) =>
    fc.record({
      evening: fc.constant(evening),
      other: fc.record({
        judged: all(evening.judged),
        captures: all(evening.captures),
        artifacts: all(evening.artifacts),
        places: fc.constant(evening.places),
      }),
    }),
  );
  const sorted = (given: Given) =>
    [...judge(given).values()]
      .sort((a, b) => a.round.id - b.round.id)
      .map(({ round, verdict, reason, because, flags, candidate, seen, want }) => ({
        id: round.id,
        verdict,
        reason,
        because,
        flags,
        candidate,
        seen,
        want,
      }));
  fc.assert(
    fc.property(shuffled, ({ evening, other }) => {
      assert.deepEqual(sorted(other), sorted(evening));
    }),
    { numRuns: 1500 },
  );
});

test('classify() wants no capture and no artifact twice, and writes nothing for exempt rows', () => {
  fc.assert(
    fc.property(anyEvening, (evening) => {
      const wants = [...judge(evening).values()].flatMap(({ want, exempt: why }) => {
        if (why !== null) assert.equal(want, null);
        return want === null ? [] : [want];
      });
      const used = wants.map((want) => (want.kind === 'backfill' ? want.artifact.path : want.capture.id));
      assert.equal(new Set(used).size, used.length);
    }),
    { numRuns: 1500 },
  );
});

test('classify() never calls a round lost while a place is unreadable or something is in reach', () => {
  fc.assert(
    fc.property(anyEvening, (evening) => {
      for (const { verdict, seen } of judge(evening).values())
        if (verdict === 'lost' || verdict === 'missing') {
          assert.equal(evening.places.length, 1);
          assert.ok(seen.every(({ deltaSeconds }) => deltaSeconds === null));
        }
    }),
    { numRuns: 1500 },
  );
});
