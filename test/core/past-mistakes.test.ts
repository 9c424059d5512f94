import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalRoundId } from '../../src/core/canonical.ts';
import type { Round } from '../../src/core/model.ts';
import { localStamp, localToInstants } from '../../src/core/time.ts';
import { lacksTiming } from '../../src/core/timing.ts';
import {
  aCapture,
  anArtifact,
  aRound,
  captureTiming,
  judge,
  planOf,
  spoken,
  storedSpawn,
  zone,
} from './builders.ts';

/** The facts and past mistakes of DOMAIN, section 4, with their real numbers. */

const unixOf = (day: string, clock: string) => localToInstants(day, clock, zone)!.instants[0]!;
const round = (id: number, map: string, number: 1 | 2, day: string, clock: string, more = {}): Round =>
  aRound({ id, map, number, date: day, time: clock, matchId: `${day}-${clock}`, ...more });
const verdictOf = (given: Parameters<typeof judge>[0], id = 1) => spoken(judge(given).get(id));

const truePairs: [map: string, number: 1 | 2, day: string, clock: string, end: number][] = [
  ['supply', 2, '2026-02-11', '220205', 1770843722],
  ['sw_goldrush_te', 2, '2026-02-11', '234733', 1770850050],
  ['erdenberg_t2', 1, '2026-02-20', '235813', 1771628290],
  ['te_escape2', 1, '2026-02-24', '224947', 1771969784],
];

describe('true pairs', () => {
  for (const [map, number, day, clock, end] of truePairs) {
    test(`${map} R${number} ${day} ${clock} and the end ${end} belong together, as capture and as artifact`, () => {
      const judged = [round(1, map, number, day, clock)];
      assert.equal(
        verdictOf({ judged, captures: [aCapture({ map, number, endUnix: end })] }),
        'relinkable (unlinked)',
      );
      assert.equal(
        verdictOf({ judged, captures: [aCapture({ map, number, endUnix: end, roundId: 1 })] }),
        'covered (linked)',
      );
      assert.equal(
        verdictOf({ judged, artifacts: [anArtifact({ map, number, endUnix: end })] }),
        'recoverable (artifact)',
      );
    });
    test(`${map} R${number} ${day} ${clock} is 3 s after its end, no weak distance`, () => {
      assert.equal(unixOf(day, clock) - end, 3);
      const judged = [round(1, map, number, day, clock)];
      const { flags } = judge({ judged, captures: [aCapture({ map, number, endUnix: end })] }).get(1)!;
      assert.deepEqual(flags, []);
    });
  }

  test('a pair at midnight: R1 before it, and R2 dated the next day with the match id of R1', () => {
    const [endOne, endTwo] = [1771628290, 1771628290 + 900];
    const stamp = localStamp(endTwo + 3, zone);
    const judged = [
      round(1, 'erdenberg_t2', 1, '2026-02-20', '235813'),
      round(2, 'erdenberg_t2', 2, stamp.slice(0, 10), stamp.slice(11), { matchId: '2026-02-20-235813' }),
    ];
    assert.equal(judged[1]!.date, '2026-02-21');
    const captures = [
      aCapture({ id: 10, map: 'erdenberg_t2', number: 1, endUnix: endOne }),
      aCapture({ id: 20, map: 'erdenberg_t2', number: 2, endUnix: endTwo }),
    ];
    const judgedBoth = judge({ judged, captures });
    assert.equal(judgedBoth.get(1)!.candidate!.captureId, 10);
    assert.equal(judgedBoth.get(2)!.candidate!.captureId, 20);
  });

  test('an end on one side of midnight and its file on the other belong together', () => {
    const file = unixOf('2026-02-21', '000001');
    const judged = [aRound({ fileUnix: file })];
    assert.equal(verdictOf({ judged, captures: [aCapture({ endUnix: file - 2 })] }), 'relinkable (unlinked)');
  });
});

describe('te_escape2, six rounds of 2026-02-26, four captures linked to the previous playing', () => {
  const day = '2026-02-26';
  const played = [
    { id: 9982, number: 1, file: '222726', end: '222723', linkedTo: null },
    { id: 9983, number: 2, file: '223318', end: '223315', linkedTo: null },
    { id: 9985, number: 1, file: '224019', end: '224017', linkedTo: 9982 },
    { id: 9986, number: 2, file: '224449', end: '224446', linkedTo: 9983 },
    { id: 9988, number: 1, file: '225059', end: '225056', linkedTo: 9985 },
    { id: 9989, number: 2, file: '225644', end: '225641', linkedTo: 9986 },
  ] as const;
  const captures = played.map(({ id, number, end, linkedTo }) =>
    aCapture({
      id: id * 10,
      map: 'te_escape2',
      number,
      endUnix: unixOf(day, end),
      startUnix: unixOf(day, end) - 240,
      roundId: linkedTo,
    }),
  );
  // The bot copied the timing of each linked capture, so four rounds carry that of a later playing.
  const judged = played.map(({ id, number, file }) => {
    const wrong = captures.find(({ roundId }) => roundId === id);
    return round(id, 'te_escape2', number, day, file, { timing: wrong?.timing ?? {} });
  });
  const ownCapture = (id: number) => captures.find((capture) => capture.id === id * 10)!;

  test('each is relinked to its own', () => {
    for (const [id, assessment] of judge({ judged, captures })) {
      const reason = ownCapture(id).roundId === null ? 'unlinked' : 'misplaced';
      assert.equal(spoken(assessment), `relinkable (${reason})`);
      assert.equal(assessment.candidate!.captureId, id * 10);
    }
  });

  test('the relinks are two chains, one of the first and one of the second rounds', () => {
    const groups = planOf({ judged, captures }).planned.map(({ group }) =>
      group.wants.map((want) => want.round.id),
    );
    assert.deepEqual(groups, [
      [9982, 9985, 9988],
      [9983, 9986, 9989],
    ]);
  });

  test('every round ends with the start and end of its own capture, and its canonical id', () => {
    const canonicalIds = Object.fromEntries(
      judged
        .filter(({ timing }) => !lacksTiming(timing))
        .map((row) => [row.id, canonicalRoundId(row.timing.startUnix!, row.map, row.number!)]),
    );
    const { planned } = planOf({ judged, captures }, { canonicalIds });
    const changes = planned.flatMap((group) => group.changes);
    for (const { id } of played) {
      const { timing } = ownCapture(id);
      const row = changes.find((change) => change.table === 'rounds' && change.key.id === id)!.after!;
      assert.deepEqual([row.round_start_unix, row.round_end_unix], [timing.startUnix, timing.endUnix]);
      assert.equal(
        row.round_canonical_id,
        canonicalRoundId(timing.startUnix!, 'te_escape2', ownCapture(id).number),
      );
      const link = changes.find(
        (change) => change.table === 'lua_round_teams' && change.key.match_id === ownCapture(id).matchId,
      )!;
      assert.equal(link.after!.round_id, id);
    }
  });

  test('spawn rows move along with their captures', () => {
    const spawns = captures.map((capture) =>
      storedSpawn('A1', {
        matchId: capture.matchId,
        number: capture.number,
        map: 'te_escape2',
        roundId: capture.roundId,
      }),
    );
    const changes = planOf({ judged, captures }, { spawns }).planned.flatMap((group) => group.changes);
    const moved = changes.filter((change) => change.table === 'lua_spawn_stats');
    assert.equal(moved.length, 6);
    for (const { key, after } of moved)
      assert.equal(after!.round_id, captures.find(({ matchId }) => matchId === key.match_id)!.id / 10);
  });

  test('after the repair all six are covered and nothing is planned', () => {
    const healed = {
      judged: judged.map((row) => ({ ...row, timing: ownCapture(row.id).timing })),
      captures: captures.map((capture) => ({ ...capture, roundId: capture.id / 10 })),
    };
    for (const assessment of judge(healed).values()) assert.equal(spoken(assessment), 'covered (linked)');
    assert.deepEqual(planOf(healed).planned, []);
  });
});

describe('the contaminated pair 9955 and 9958', () => {
  const timing = { startUnix: 1771969065, endUnix: 1771969784 };
  const judged = [
    round(9955, 'te_escape2', 1, '2026-02-24', '223229', { timing: captureTiming(timing.endUnix, timing) }),
    round(9958, 'te_escape2', 1, '2026-02-24', '224947', { timing: captureTiming(timing.endUnix, timing) }),
  ];
  const capture = (roundId: number | null) => aCapture({ map: 'te_escape2', number: 1, ...timing, roundId });

  for (const [linkedTo, ofOwner] of [
    [9955, 'relinkable (misplaced)'],
    [null, 'relinkable (unlinked)'],
    [9958, 'covered (linked)'],
  ] as const)
    test(`with the capture linked to ${linkedTo ?? 'nothing'}, the later round is its owner: ${ofOwner}`, () => {
      const found = judge({ judged, captures: [capture(linkedTo)] });
      assert.equal(spoken(found.get(9958)), ofOwner);
      assert.equal(spoken(found.get(9955)), 'lost (nothing_fits)');
      assert.deepEqual(found.get(9955)!.flags, ['foreign_timing']);
    });

  test('the relink clears the timing of the losing round and gives the canonical id to the owner', () => {
    const canonical = canonicalRoundId(timing.startUnix, 'te_escape2', 1);
    assert.equal(canonical, 'e39142451aed3430');
    const { planned } = planOf({ judged, captures: [capture(9955)] }, { canonicalIds: { 9955: canonical } });
    const rounds = planned[0]!.changes.filter(({ table }) => table === 'rounds');
    const after = new Map(rounds.map((change) => [change.key.id, change.after!]));
    assert.equal(after.get(9955)!.round_start_unix, null);
    assert.equal(after.get(9955)!.round_end_unix, null);
    assert.equal(after.get(9955)!.round_canonical_id, null);
    assert.equal(after.get(9958)!.round_canonical_id, canonical);
  });

  test('the artifact of the later playing is not the earlier round’s, although it carries its start', () => {
    const artifact = anArtifact({ map: 'te_escape2', number: 1, ...timing });
    assert.equal(verdictOf({ judged, artifacts: [artifact] }, 9955), 'lost (nothing_fits)');
    assert.equal(verdictOf({ judged, artifacts: [artifact] }, 9958), 'recoverable (artifact)');
  });

  test('foreign timing of an earlier playing is seen as foreign too', () => {
    const earlier = captureTiming(unixOf('2026-02-24', '223226'));
    const row = round(9958, 'te_escape2', 1, '2026-02-24', '224947', { timing: earlier });
    assert.deepEqual(judge({ judged: [row] }).get(9958)!.flags, ['foreign_timing']);
  });
});

describe('what failed in production is never done', () => {
  const file = unixOf('2026-02-11', '220205');

  test('31 s away is never matched, linked or not', () => {
    assert.equal(verdictOf({ captures: [aCapture({ endUnix: file - 30 })] }), 'relinkable (unlinked)');
    for (const roundId of [null, 1])
      assert.equal(
        verdictOf({ captures: [aCapture({ endUnix: file - 31, roundId })] }),
        'lost (nothing_fits)',
      );
    assert.equal(verdictOf({ artifacts: [anArtifact({ endUnix: file - 31 })] }), 'lost (nothing_fits)');
  });

  for (const minutes of [1, 5, 12, 45, 60, 120])
    test(`the only capture of the evening, a replay ${minutes} min away, is nobody's`, () => {
      for (const sign of [-1, 1])
        assert.equal(
          verdictOf({ captures: [aCapture({ endUnix: file + sign * minutes * 60 })] }),
          'lost (nothing_fits)',
        );
    });

  test('three playings of one map in an evening each keep their own', () => {
    const files = [file - 2700, file, file + 1500];
    const judged = files.map((at, index) => aRound({ id: index + 1, fileUnix: at }));
    const captures = files.map((at, index) => aCapture({ id: (index + 1) * 10, endUnix: at - index }));
    for (const [id, { candidate }] of judge({ judged, captures }))
      assert.equal(candidate!.captureId, id * 10);
  });

  test('match_id never matches across the two tables', () => {
    const own = aRound();
    const elsewhere = aCapture({ matchId: own.matchId!, endUnix: file - 600 });
    assert.equal(verdictOf({ judged: [own], captures: [elsewhere] }), 'lost (nothing_fits)');
    const otherMap = aCapture({ matchId: own.matchId!, map: 'goldrush' });
    assert.equal(verdictOf({ judged: [own], captures: [otherMap] }), 'lost (nothing_fits)');
    const differing = aCapture({ matchId: 'something else' });
    assert.equal(verdictOf({ judged: [own], captures: [differing] }), 'relinkable (unlinked)');
  });

  test('linked does not mean healthy', () => {
    const wrong = aCapture({ endUnix: file - 1800, roundId: 1 });
    assert.equal(verdictOf({ captures: [wrong] }), 'lost (nothing_fits)');
    assert.equal(verdictOf({ captures: [wrong, aCapture({ id: 101 })] }), 'conflict (slot_taken)');
  });

  test('the first of equals is not taken', () => {
    const captures = [aCapture({ startUnix: null }), aCapture({ id: 101, startUnix: null })];
    assert.equal(verdictOf({ captures }), 'ambiguous (several_captures)');
  });

  test('created_at never matches', () => {
    const imported = aRound({ createdAt: '2026-02-12 06:30:00' });
    const near = aCapture({ endUnix: unixOf('2026-02-12', '062957') });
    assert.equal(verdictOf({ judged: [imported], captures: [near] }), 'lost (nothing_fits)');
  });

  test('local times are the server’s, not the host’s: another zone finds nothing', () => {
    const captures = [aCapture()];
    assert.equal(spoken(judge({ captures }).get(1)), 'relinkable (unlinked)');
    assert.equal(spoken(judge({ captures }, { zone: 'UTC' }).get(1)), 'lost (nothing_fits)');
  });

  test('the round counter that survives a map load: an equal, unique start outweighs the number', () => {
    const timing = { startUnix: 1770843050, endUnix: 1770843722 };
    const judged = [aRound({ number: 1, timing })];
    const found = judge({ judged, captures: [aCapture({ number: 2, ...timing, roundId: 1 })] }).get(1)!;
    assert.equal(spoken(found), 'covered (linked)');
    assert.deepEqual(found.flags, ['number_differs']);
    const without = [aRound({ number: 1 })];
    assert.equal(
      verdictOf({ judged: without, captures: [aCapture({ number: 2, ...timing })] }),
      'lost (nothing_fits)',
    );
  });

  test('a taken round_id is a conflict before anything is written', () => {
    const holder = aCapture({ id: 7, endUnix: file - 1800, roundId: 1 });
    assert.equal(verdictOf({ captures: [holder], artifacts: [anArtifact()] }), 'conflict (slot_taken)');
    assert.deepEqual(planOf({ captures: [holder], artifacts: [anArtifact()] }).planned, []);
  });

  test('two captures of one round, written twice, are doubles, not rivals', () => {
    const start = 1770843050;
    const captures = [
      aCapture({ id: 1, startUnix: start }),
      aCapture({ id: 2, startUnix: start, endUnix: 1770843724 }),
    ];
    const found = judge({ captures }).get(1)!;
    assert.equal(spoken(found), 'relinkable (unlinked)');
    assert.equal(found.candidate!.captureId, 1);
    assert.match(found.candidate!.note, /written again as 2/);
  });

  test('spawn rows without a capture, from 2026-02-11, keep their values and only get the link', () => {
    const artifact = anArtifact();
    const matchId = localStamp(1770843722, zone);
    const spawns = [
      storedSpawn('A1', { matchId, roundId: null }),
      storedSpawn('Z9', { matchId, roundId: 4711 }),
    ];
    const { changes } = planOf({ artifacts: [artifact] }, { spawns }).planned[0]!;
    const rows = changes.filter(({ table }) => table === 'lua_spawn_stats');
    const byGuid = new Map(rows.map((change) => [change.key.player_guid, change]));
    assert.deepEqual([...byGuid.keys()].sort(), ['A1', 'B1', 'Z9']);
    for (const guid of ['A1', 'Z9']) {
      const { before, after } = byGuid.get(guid)!;
      assert.deepEqual(after, { ...before, round_id: 1 });
      assert.equal(before!.spawn_count, 77);
    }
    assert.equal(byGuid.get('B1')!.before, null);
  });
});
