import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Cause, withCauses } from '../../src/core/cause.ts';
import { classify } from '../../src/core/classify.ts';
import type { LogEvent } from '../../src/core/log-event.ts';
import { readLogLines } from '../../src/core/log-lines.ts';
import { localStamp } from '../../src/core/time.ts';
import { aCapture, anArtifact, aRound, endUnix, fileUnix, minutes, situationOf, zone } from './builders.ts';
import { announced, botLine, consoleLine, statsFile, trigger } from './log-events.ts';

type Given = NonNullable<Parameters<typeof situationOf>[0]>;

/** The cause of the first judged round. */
function causeOf(events: readonly LogEvent[], given: Given = {}): Cause | null {
  const situation = situationOf(given);
  return withCauses(situation, classify(situation), readLogLines(events, zone))[0]!.cause;
}

const codes = (cause: Cause | null) => (cause === null ? [] : [cause.code, ...cause.also]);
const own = trigger(fileUnix);
const failed = () => botLine('store_failed', endUnix + 2);
const ended = consoleLine('ended');
const crashed = consoleLine('crashed', endUnix, { text: "x:804: bad argument #9 to 'format' (no integer)" });
const around = [consoleLine('ended', endUnix - 20 * minutes), consoleLine('ended', endUnix + 20 * minutes)];
const sent = [ended, consoleLine('sending'), consoleLine('send_started'), consoleLine('notified')];
const matchId = localStamp(endUnix, zone);
const name = `gametime-supply-R2-${endUnix}.json`;
const other = aRound({ id: 2, map: 'te_escape2', fileUnix: fileUnix + 30 });

/** What happened, the lines that tell of it, and the codes that they prove, the first one first. */
const table: readonly [string, readonly LogEvent[], readonly string[], Given?][] = [
  ['no log covers the time', [], ['unknown']],
  ['the module crashed after the end', [ended, crashed], ['module_crashed']],
  [
    'a crash comes before what the bot did not receive',
    [ended, crashed, own],
    ['module_crashed', 'never_received'],
  ],
  ['an error during play is not a crash after the end', [consoleLine('crashed', null), ...sent], ['unknown']],
  [
    'an error after another round is not this one',
    [consoleLine('crashed', endUnix - 900), ...sent],
    ['unknown'],
  ],
  [
    'the console shows the end, and nothing was sent',
    [ended, consoleLine('skipped'), consoleLine('shutdown')],
    ['not_sent'],
  ],
  ['the console simply stops after the end', [ended, consoleLine('skipped')], ['unknown']],
  ['the console goes on with another round', [ended, consoleLine('ended', endUnix + 900)], ['not_sent']],
  [
    'only the file of the round is known, and no end',
    [consoleLine('written'), consoleLine('shutdown')],
    ['unknown'],
  ],
  [
    'another server’s round ended in the same second, on a map that is told later',
    [
      consoleLine('ended', endUnix, { map: null }),
      consoleLine('sending', endUnix, { map: 'goldrush' }),
      consoleLine('shutdown', endUnix, { map: null }),
    ],
    ['unknown'],
  ],
  [
    'sending failed',
    [ended, consoleLine('sending'), consoleLine('send_failed'), consoleLine('shutdown')],
    ['not_sent'],
  ],
  ['the console shows rounds before and after, not this one', around, ['module_not_loaded']],
  ['the console ends before the round', around.slice(0, 1), ['unknown']],
  [
    'rounds before and after stand in two files, and nobody knows what was between',
    [around[0]!, consoleLine('ended', endUnix + 20 * minutes, { lineage: 'another' })],
    ['unknown'],
  ],
  [
    'one of two consoles does not cover the time',
    [...around, consoleLine('ended', endUnix - 3000, { file: 'second.log' })],
    ['unknown'],
  ],
  [
    'the bot took it for a ghost',
    [own, botLine('rejected', endUnix + 1, { map: 'supply', number: 2, subject: 'ghost' })],
    ['rejected'],
  ],
  [
    'a refusal without a name, and no other round near',
    [own, botLine('rejected', endUnix + 1, { subject: 'rate_limit' })],
    ['rejected'],
  ],
  [
    'a refusal without a name, and another round near: nobody is named',
    [own, botLine('rejected', endUnix + 1, { subject: 'rate_limit' })],
    ['never_received'],
    { judged: [aRound(), other] },
  ],
  [
    'a refusal that names nobody, when the message was received all the same',
    [own, announced(), failed(), botLine('rejected', endUnix + 30, { subject: 'rate_limit' })],
    ['store_failed'],
  ],
  [
    'a refusal that names nobody, minutes later',
    [own, botLine('rejected', endUnix + 240, { subject: 'rate_limit' })],
    ['never_received'],
  ],
  [
    'somebody else was kept out',
    [own, botLine('rejected', endUnix + 1, { subject: 'unauthorized' })],
    ['never_received'],
  ],
  [
    'a ghost of the same map minutes later is another round’s',
    [own, botLine('rejected', endUnix + 200, { map: 'supply', number: 2, subject: 'ghost' })],
    ['unknown'],
  ],
  ['the file was imported nine hours late', [trigger(fileUnix, { lateSeconds: 32_400 })], ['unknown']],
  ['received, and an error while storing', [announced(), failed(), own], ['store_failed']],
  [
    'an error while storing another round',
    [announced(endUnix, { map: 'te_escape2' }), failed(), own],
    ['never_received'],
  ],
  [
    'an error while two rounds were being handled is nobody’s',
    [announced(), announced(endUnix + 1, { map: 'te_escape2' }), failed(), own],
    ['received_not_stored'],
  ],
  [
    'an error a quarter of an hour later',
    [announced(), botLine('store_failed', endUnix + 900), own],
    ['received_not_stored'],
  ],
  [
    'stored at the second try',
    [own, announced(), failed(), botLine('stored', endUnix + 3, { number: 2, subject: matchId })],
    ['unknown'],
  ],
  ['received, and nothing after', [announced(), own], ['received_not_stored']],
  [
    'number 0 is read as 2 by the parser, and an R1 is another round',
    [announced(endUnix, { number: 1 }), own],
    ['never_received'],
  ],
  ['the file came, and no message', [own], ['never_received']],
  ['the file of another playing proves nothing', [trigger(fileUnix + 900)], ['unknown']],
  [
    'a message of the next playing is not this one’s',
    [own, announced(endUnix + 900)],
    ['never_received'],
    { judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix + 900 })] },
  ],
  [
    'a message that came hours later is of nobody who is known, so nothing is proved',
    [own, announced(endUnix + 7200)],
    ['unknown'],
  ],
  [
    'a message hours later that is another playing’s',
    [own, announced(endUnix + 7200)],
    ['never_received'],
    { judged: [aRound(), aRound({ id: 2, fileUnix: fileUnix + 7200 })] },
  ],
  [
    'no trigger: the bot was not listening, or the file came by polling',
    [trigger(fileUnix - 3000)],
    ['unknown'],
  ],
  [
    'the download was refused',
    [own, botLine('download_failed', endUnix + 9, { subject: name })],
    ['never_received', 'download_failed', 'artifact_unread'],
    { artifacts: [anArtifact()] },
  ],
  [
    'an artifact is there that the bot did not read',
    [own],
    ['never_received', 'artifact_unread'],
    { artifacts: [anArtifact()] },
  ],
  [
    'an artifact was read',
    [own, botLine('artifact_read', endUnix + 9, { map: 'supply', number: 2 })],
    ['never_received'],
    { artifacts: [anArtifact()] },
  ],
  [
    'the artifact of another round was refused',
    [own, botLine('download_failed', endUnix + 9, { subject: `gametime-supply-R2-${endUnix + 900}.json` })],
    ['never_received'],
  ],
  ['its capture is linked to nothing', [own], ['stored_unlinked'], { captures: [aCapture()] }],
  [
    'its capture is linked to a round that does not exist',
    [],
    ['stored_elsewhere'],
    { captures: [aCapture({ roundId: 77 })] },
  ],
  [
    'its capture is linked to a round that it does not fit',
    [],
    ['stored_elsewhere'],
    {
      captures: [aCapture({ roundId: 9 })],
      rivals: [aRound({ id: 9, fileUnix: fileUnix - 3000 })],
    },
  ],
  [
    'a crash of the module comes before a stored capture',
    [ended, crashed],
    ['module_crashed', 'stored_unlinked'],
    { captures: [aCapture()] },
  ],
];

describe('withCauses()', () => {
  for (const [what, events, expected, given] of table)
    test(`${what}: ${expected.join(', ')}`, () => {
      assert.deepEqual(codes(causeOf(events, given)), expected);
      assert.deepEqual(codes(causeOf([...events].reverse(), given)), expected, 'in any order');
    });

  test('quotes the lines that prove it first, each once, at most 40', () => {
    const many = Array.from({ length: 60 }, () => consoleLine('crashed'));
    const cause = causeOf([own, ended, ...many])!;
    assert.equal(cause.evidence.length, 40);
    assert.deepEqual(cause.evidence[0], ended.quote);
    assert.deepEqual(cause.evidence[1], many[0]!.quote);
    assert.equal(new Set(cause.evidence.map(({ line }) => line)).size, 40);
  });

  test('says what crashed in the words of the module', () => {
    assert.match(causeOf([ended, crashed])!.because, /bad argument #9 to 'format' \(no integer\)/);
  });

  test('says which file to fetch where the module wrote one that no place holds', () => {
    const path = '/home/et/gametimes/gametime-supply-R2-1770843722.json';
    const lines = [...sent, consoleLine('written', endUnix, { subject: path })];
    const becauseOf = (given: Given) => {
      const situation = situationOf(given);
      return withCauses(situation, classify(situation), readLogLines(lines, zone))[0]!.because;
    };
    assert.match(becauseOf({}), /wrote \/home\/et\/.*-1770843722\.json, which no place holds: fetch it$/);
    assert.doesNotMatch(becauseOf({ artifacts: [anArtifact()] }), /fetch/);
  });

  test('asks no cause of covered, pending and exempt rounds', () => {
    assert.equal(causeOf([own], { captures: [aCapture({ roundId: 1 })] }), null);
    assert.equal(causeOf([own], { judged: [aRound({ status: 'cancelled' })] }), null);
    const situation = situationOf({}, { nowUnix: fileUnix + 60 });
    assert.equal(withCauses(situation, classify(situation), readLogLines([own], zone))[0]!.cause, null);
  });

  test('reads a bot log that was written in UTC by the times of its own triggers', () => {
    const inUtc = (event: LogEvent, unix: number) => ({
      ...event,
      at: new Date(unix * 1000).toISOString().slice(0, 19).replace('T', ' '),
    });
    const others = [3000, 6000].map((ago) => inUtc(trigger(fileUnix - ago), fileUnix - ago + 2));
    const lines = [inUtc(announced(), endUnix + 1), inUtc(failed(), endUnix + 2), inUtc(own, fileUnix + 2)];
    assert.deepEqual(codes(causeOf([...others, ...lines])), ['store_failed']);
  });

  test('finds the stats file of a map whose name the file system cannot hold', () => {
    const round = aRound({ map: 'te_valhalla b2.1' });
    const line = botLine('trigger', fileUnix + 2, { subject: statsFile(fileUnix, 'te_valhalla b2.1') });
    assert.deepEqual(codes(causeOf([line], { judged: [round] })), ['never_received']);
  });
});
