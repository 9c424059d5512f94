import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Timing } from '../../src/core/model.ts';
import { captureFaults, durationDiffers, judgeArtifact } from '../../src/core/sane.ts';
import { aCapture, anArtifact, captureTiming, endUnix, fileUnix } from './builders.ts';

const now = fileUnix + 3600;
const year2020 = 1_577_836_800;

/** Every limit at its edge and one beyond (DESIGN, Matching 9). */
const limits: [what: string, timing: Partial<Timing>, fault: RegExp | null][] = [
  ['an ordinary round', {}, null],
  ['a start one second into 2020', { startUnix: year2020 + 1, endUnix: year2020 + 601 }, null],
  ['a start at 2020', { startUnix: year2020, endUnix: year2020 + 600 }, /before 2020/],
  ['a start of 0', { startUnix: 0 }, /before 2020/],
  ['a start at its end', { startUnix: endUnix, endUnix, durationSeconds: 1 }, null],
  ['a start after its end', { startUnix: endUnix + 1, endUnix }, /after its end/],
  ['an end 60 s from now', { startUnix: now - 600, endUnix: now + 60 }, null],
  ['an end 61 s from now', { startUnix: now - 600, endUnix: now + 61 }, /future/],
  ['a span of 14,400 s', { startUnix: endUnix - 14_400, durationSeconds: 7_200 }, null],
  ['a span of 14,401 s', { startUnix: endUnix - 14_401, durationSeconds: 7_200 }, /spans 14401 s/],
  ['a duration of 1 s', { durationSeconds: 1 }, null],
  ['a duration of 0 s', { durationSeconds: 0 }, /duration is 0 s/],
  ['a negative duration', { durationSeconds: -5 }, /duration is -5 s/],
  ['a duration of 7,200 s', { durationSeconds: 7_200 }, null],
  ['a duration of 7,201 s', { durationSeconds: 7_201 }, /duration is 7201 s/],
  ['1.77 thousand million seconds', { durationSeconds: 1_770_843_722 }, /duration is 1770843722 s/],
  ['no pauses', { pauseSeconds: 0 }, null],
  ['pauses all the time', { pauseSeconds: 672 }, null],
  ['pauses longer than the round', { pauseSeconds: 673 }, /pauses are 673 s/],
  ['negative pauses', { pauseSeconds: -1 }, /pauses are -1 s/],
];

for (const [what, timing, fault] of limits) {
  test(`a capture with ${what} is ${fault === null ? 'sane' : 'not sane'}`, () => {
    const faults = captureFaults(aCapture({ timing }), now).join('; ');
    if (fault === null) assert.equal(faults, '');
    else assert.match(faults, fault);
  });
  test(`an artifact with ${what} is ${fault === null ? 'usable' : 'damaged'}`, () => {
    const end = timing.endUnix ?? endUnix;
    const judged = judgeArtifact(anArtifact({ endUnix: end, content: { timing } }), now);
    if (fault === null) assert.equal(judged.state, 'usable');
    else assert.match(judged.state === 'damaged' ? judged.why : judged.state, fault);
  });
}

for (const [seconds, sane] of [
  [0, true],
  [7_200, true],
  [-1, false],
  [7_201, false],
] as const)
  test(`a warm-up of ${seconds} s is ${sane ? 'sane' : 'not sane'}`, () => {
    assert.equal(captureFaults(aCapture({ warmupSeconds: seconds }), now).length === 0, sane);
    const artifact = anArtifact({ content: { warmupSeconds: seconds } });
    assert.equal(judgeArtifact(artifact, now).state === 'usable', sane);
  });

test('a capture without a start or an end is not sane; without a duration or a warm-up it may be', () => {
  assert.deepEqual(captureFaults(aCapture({ startUnix: null }), now), ['has no start or no end']);
  assert.deepEqual(captureFaults(aCapture({ endUnix: null }), now), ['has no start or no end']);
  const bare = { durationSeconds: null, pauseSeconds: null };
  assert.deepEqual(captureFaults(aCapture({ warmupSeconds: null, timing: bare }), now), []);
});

for (const [seconds, winnerTeam, state] of [
  [59, 0, 'damaged'],
  [60, 0, 'usable'],
  [59, 1, 'usable'],
  [7, 0, 'damaged'],
] as const)
  test(`an artifact of ${seconds} s with winner ${winnerTeam} is ${state}`, () => {
    const timing = { startUnix: endUnix - seconds, durationSeconds: seconds };
    assert.equal(judgeArtifact(anArtifact({ content: { winnerTeam, timing } }), now).state, state);
  });

for (const [what, given, why] of [
  ['another map', { content: { map: 'goldrush' } }, /name says map supply, not goldrush/],
  ['the other number', { content: { number: 1 as const } }, /name says R2, not R1/],
  [
    'another end',
    { content: { timing: captureTiming(endUnix - 1) } },
    /name says end 1770843722, not 1770843721/,
  ],
] as const)
  test(`an artifact whose content says ${what} than its name is damaged`, () => {
    const judged = judgeArtifact(anArtifact(given), now);
    assert.match(judged.state === 'damaged' ? judged.why : judged.state, why);
  });

test('a map that the file name cannot hold agrees with it all the same', () => {
  assert.equal(judgeArtifact(anArtifact({ map: 'te_valhalla b2.1' }), now).state, 'usable');
  assert.equal(judgeArtifact(anArtifact({ map: 'Supply' }), now).state, 'usable');
});

for (const [what, given, age, state] of [
  ['a whole one of this second', {}, 0, 'usable'],
  ['one that is not whole, 119 s old', { content: null }, 119, 'unreadable'],
  ['one that is not whole, 120 s old', { content: null }, 120, 'damaged'],
  ['a .json.part of 119 s', { finished: false }, 119, 'unreadable'],
  ['a .json.part of 120 s', { finished: false }, 120, 'damaged'],
  ['a .json.part without content', { finished: false, content: null }, 86_400, 'damaged'],
  ['one that could not be read', { unreadable: 'permission denied' }, 86_400, 'unreadable'],
  ['one that could not be read and is unfinished', { unreadable: 'x', finished: false }, 0, 'unreadable'],
  ['one that contradicts its name, of this second', { content: { map: 'goldrush' } }, 0, 'damaged'],
] as [string, Parameters<typeof anArtifact>[0], number, string][])
  test(`judgeArtifact() calls ${what} ${state}`, () => {
    assert.equal(judgeArtifact(anArtifact({ modifiedUnix: now - age, ...given }), now).state, state);
  });

const day = 86_400;

/** A file is in the making if it was touched within two minutes of now, and its round ended within a day. */
for (const [what, ended, touched, state] of [
  ['touched a second ago, of a round that ended long ago', 30 * day, 1, 'damaged'],
  ['touched this second, of a round that ended a day ago', day, 0, 'damaged'],
  ['touched this second, of a round that ended a second less than a day ago', day - 1, 0, 'unreadable'],
  ['touched a second ago, of a round that ended an hour ago', 3600, 1, 'unreadable'],
  ['touched two minutes ago, of a round that ended an hour ago', 3600, 120, 'damaged'],
  ['dated 119 s into the future, of a round that ended an hour ago', 3600, -119, 'unreadable'],
  ['dated 120 s into the future, of a round that ended an hour ago', 3600, -120, 'damaged'],
  ['dated next year, of a round that ended an hour ago', 3600, -365 * day, 'damaged'],
] as const)
  for (const [kind, given] of [
    ['that is not whole', { content: null }],
    ['with an unfinished name', { finished: false }],
  ] as const)
    test(`judgeArtifact() calls an artifact ${kind}, ${what}, ${state}`, () => {
      const artifact = anArtifact({ endUnix: now - ended, modifiedUnix: now - touched, ...given });
      assert.equal(judgeArtifact(artifact, now).state, state);
    });

for (const [off, differs] of [
  [-3, true],
  [-2, false],
  [0, false],
  [2, false],
  [3, true],
] as const)
  test(`a duration ${off} s off is ${differs ? 'remarked upon' : 'let pass'}, pauses taken off`, () => {
    const timing = captureTiming(endUnix, {
      durationSeconds: 672 - 12 + off,
      pauseSeconds: 12,
      pauseCount: 1,
    });
    assert.equal(durationDiffers(timing), differs);
    assert.deepEqual(captureFaults(aCapture({ timing }), now), []);
  });

test('durationDiffers() says nothing where a value is absent', () => {
  for (const field of ['startUnix', 'endUnix', 'durationSeconds'] as const)
    assert.equal(
      durationDiffers({ ...captureTiming(endUnix, { durationSeconds: 5 }), [field]: null }),
      false,
    );
});
