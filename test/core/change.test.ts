import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalJson, canonicalRoundId } from '../../src/core/canonical.ts';
import { buildChanges } from '../../src/core/change.ts';
import type { UsableArtifact } from '../../src/core/doubles.ts';
import { incidentKey } from '../../src/core/expected.ts';
import type { Capture, Json, Round } from '../../src/core/model.ts';
import { changedColumns, invert, type RowChange } from '../../src/core/row-change.ts';
import { timingColumns } from '../../src/core/rows.ts';
import { localStamp } from '../../src/core/time.ts';
import type { Want } from '../../src/core/verdict.ts';
import {
  aCapture,
  allColumns,
  anArtifact,
  aRound,
  captureTiming,
  changeFacts,
  endUnix,
  fileUnix,
  startUnix,
  storedSpawn,
  zone,
} from './builders.ts';

type More = Partial<Pick<Want, 'releases' | 'foreignTiming' | 'key'>>;

const base = (round: Round, more: More = {}) => ({
  round,
  key: incidentKey(round),
  foreignTiming: false,
  releases: [],
  deltaSeconds: 3,
  ...more,
});
const relink = (capture: Capture, round = aRound(), more?: More): Want => ({
  ...base(round, more),
  kind: 'relink',
  artifact: null,
  capture,
});
const backfill = (artifact = anArtifact({ startUnix }), round = aRound(), more?: More): Want => ({
  ...base(round, more),
  kind: 'backfill',
  artifact: artifact as UsableArtifact,
});
const complete = (
  capture: Capture,
  artifact: ReturnType<typeof anArtifact> | null,
  round = aRound(),
): Want => ({
  ...base(round),
  kind: 'complete',
  capture,
  artifact: artifact as UsableArtifact | null,
});

const matchId = localStamp(endUnix, zone);
const canonical = canonicalRoundId(startUnix, 'supply', 2);
const own = aCapture({ startUnix });
const loser = aRound({ id: 2, fileUnix: fileUnix - 1800 });
const holder = aCapture({ id: 200, endUnix: endUnix - 1800, roundId: 1 });

function changesOf(wants: Want[], facts: Parameters<typeof changeFacts>[0]): RowChange[] {
  const built = buildChanges(wants, changeFacts(facts));
  if ('refusal' in built) assert.fail(built.refusal.because);
  return built.changes;
}

/** Columns in the order in which they are told here: what names a row, its link, its timing as it is gained. */
const told = [
  ...['id', 'match_id', 'round_number', 'player_guid', 'round_id', 'round_canonical_id'],
  ...Object.values(timingColumns),
];
const asTold = (columns: readonly string[]) =>
  [...columns].sort((one, other) => told.indexOf(one) - told.indexOf(other));

/** `table key: column before -> after`, one line per changed column. */
function lines(changes: readonly RowChange[]): string[] {
  return changes.flatMap((change) => {
    const key = asTold(Object.keys(change.key)).map((column) => change.key[column]);
    const name = `${change.table} ${key.join(' ')}`;
    if (change.before === null) return [`${name}: inserted`];
    return asTold(changedColumns(change)).map(
      (column) => `${name}: ${column} ${change.before![column]} -> ${change.after![column]}`,
    );
  });
}

const filled = [
  'rounds 1: round_canonical_id null -> cbc1d1c5d2df0235',
  `rounds 1: round_start_unix null -> ${startUnix}`,
  `rounds 1: round_end_unix null -> ${endUnix}`,
  'rounds 1: actual_duration_seconds null -> 672',
  'rounds 1: end_reason null -> OBJECTIVE',
];

describe('buildChanges()', () => {
  test('of a backfill inserts the capture and its spawn rows, with the link, and fills the timing', () => {
    const changes = changesOf([backfill()], {});
    assert.deepEqual(lines(changes), [
      `lua_round_teams ${matchId} 2: inserted`,
      `lua_spawn_stats ${matchId} 2 A1: inserted`,
      `lua_spawn_stats ${matchId} 2 B1: inserted`,
      ...filled,
    ]);
    const [capture, spawn] = changes;
    assert.deepEqual(
      [capture!.after!.round_id, capture!.after!.time_limit_minutes, capture!.after!.map_name],
      [1, 12, 'supply'],
    );
    assert.ok(!('id' in capture!.after!) && !('captured_at' in capture!.after!));
    assert.deepEqual(
      [spawn!.after!.round_id, spawn!.after!.round_end_unix, spawn!.after!.spawn_count],
      [1, endUnix, 9],
    );
  });

  test('of a backfill is spelled in canonical order as it is: the ledger takes twice as long for any other', () => {
    const changes = changesOf([backfill()], {}) as unknown as Json;
    assert.equal(JSON.stringify(changes), canonicalJson(changes));
  });

  test('leaves out what this source does not have: the spawn table, the canonical id, columns of captures', () => {
    const columns = {
      rounds: new Set([...allColumns.rounds].filter((column) => column !== 'round_canonical_id')),
      captures: new Set(['id', 'match_id', 'round_number', 'round_id', 'captured_at']),
      spawns: null,
    };
    const changes = changesOf([backfill()], { columns });
    assert.deepEqual(lines(changes), [`lua_round_teams ${matchId} 2: inserted`, ...filled.slice(1)]);
    assert.deepEqual(changes[0]!.after, { match_id: matchId, round_number: 2, round_id: 1 });
  });

  test('of a relink changes nothing but the link of the capture and the timing of the round', () => {
    assert.deepEqual(lines(changesOf([relink(own)], { captures: [own] })), [
      `lua_round_teams ${matchId} 2: round_id null -> 1`,
      ...filled,
    ]);
  });

  test('of a relink moves the link of the spawn rows along, null, dangling or with the capture', () => {
    const moving = { ...own, roundId: 2 };
    const links = [null, 2, 4711, 1];
    const spawns = links.map((roundId, index) => storedSpawn(`G${index}`, { matchId, roundId }));
    const changes = changesOf([relink(moving)], { rounds: [aRound(), loser], captures: [moving], spawns });
    const moved = changes.filter(({ table }) => table === 'lua_spawn_stats');
    assert.deepEqual(lines(moved), [
      `lua_spawn_stats ${matchId} 2 G0: round_id null -> 1`,
      `lua_spawn_stats ${matchId} 2 G1: round_id 2 -> 1`,
      `lua_spawn_stats ${matchId} 2 G2: round_id 4711 -> 1`,
    ]);
  });

  test('leaves spawn rows of another map or number with the same match id alone', () => {
    const spawns = [
      storedSpawn('A1', { matchId, roundId: 5, map: 'goldrush' }),
      storedSpawn('A2', { matchId, roundId: 5, number: 1 }),
    ];
    const changes = changesOf([relink(own)], { captures: [own], spawns });
    assert.ok(changes.every(({ table }) => table !== 'lua_spawn_stats'));
  });

  test('clears the losing round of exactly what came with the capture, and frees its canonical id', () => {
    const moving = { ...own, roundId: 2 };
    const losing = { ...loser, timing: { ...own.timing, endReason: 'SURRENDER' } };
    const changes = changesOf([relink(moving)], {
      rounds: [aRound(), losing],
      captures: [moving],
      canonicalIds: { 2: canonicalRoundId(startUnix, 'supply', 2) },
    });
    assert.deepEqual(
      lines(changes).filter((line) => line.startsWith('rounds')),
      [
        ...filled,
        'rounds 2: round_canonical_id cbc1d1c5d2df0235 -> null',
        `rounds 2: round_start_unix ${startUnix} -> null`,
        `rounds 2: round_end_unix ${endUnix} -> null`,
        'rounds 2: actual_duration_seconds 672 -> null',
      ],
    );
  });

  test('leaves the losing round alone where its timing is its own', () => {
    const moving = { ...own, roundId: 2 };
    const losing = { ...loser, timing: captureTiming(endUnix - 1800) };
    const changes = changesOf([relink(moving)], { rounds: [aRound(), losing], captures: [moving] });
    assert.deepEqual(lines(changes), [`lua_round_teams ${matchId} 2: round_id 2 -> 1`, ...filled]);
  });

  test('leaves the canonical id null where another round has it', () => {
    const changes = changesOf([relink(own)], {
      rounds: [aRound(), loser],
      captures: [own],
      canonicalIds: { 2: canonical },
    });
    assert.deepEqual(lines(changes).slice(1), filled.slice(1));
  });

  test('keeps a canonical id that the round has', () => {
    const changes = changesOf([relink(own)], { captures: [own], canonicalIds: { 1: 'ffff000011112222' } });
    assert.deepEqual(lines(changes).slice(1), filled.slice(1));
  });

  test('replaces foreign timing whole, with the canonical id that was made of it', () => {
    const wrong = captureTiming(endUnix - 1800, { endReason: 'SURRENDER', pauseSeconds: 9, pauseCount: 1 });
    const round = aRound({ timing: wrong });
    const changes = changesOf([relink(own, round, { foreignTiming: true })], {
      rounds: [round],
      captures: [own],
      canonicalIds: { 1: canonicalRoundId(wrong.startUnix!, 'supply', 2) },
    });
    const { after } = changes.find(({ table }) => table === 'rounds')!;
    assert.deepEqual(after, {
      round_canonical_id: canonical,
      round_start_unix: startUnix,
      round_end_unix: endUnix,
      actual_duration_seconds: 672,
      end_reason: 'OBJECTIVE',
      total_pause_seconds: 0,
      pause_count: 0,
    });
  });

  test('judges foreign timing by the row as it is now, not as it was planned', () => {
    const planned = aRound({ timing: captureTiming(endUnix - 1800) });
    const now = aRound({ timing: { startUnix: startUnix + 1, endUnix } });
    const built = buildChanges(
      [relink(own, planned, { foreignTiming: true })],
      changeFacts({ rounds: [now], captures: [own] }),
    );
    assert.equal('refusal' in built && built.refusal.reason, 'timing_in_the_way');
  });

  test('of a group moves all links at once, the rows of the round in the middle once', () => {
    const [one, two] = [aRound(), loser];
    const changes = changesOf([relink(own, one), relink(holder, two)], {
      rounds: [one, two],
      captures: [own, holder],
    });
    assert.deepEqual(
      lines(changes).filter((line) => line.includes('round_id')),
      [
        `lua_round_teams ${holder.matchId} 2: round_id 1 -> 2`,
        `lua_round_teams ${matchId} 2: round_id null -> 1`,
      ],
    );
  });

  test('clears a released holder, its spawn rows and the timing that came with it', () => {
    const round = aRound({ timing: holder.timing });
    const spawns = [storedSpawn('A1', { matchId: holder.matchId, roundId: 1 })];
    const changes = changesOf([relink(own, round, { releases: [200] })], {
      rounds: [round],
      captures: [own, holder],
      spawns,
    });
    assert.deepEqual(lines(changes), [
      `lua_round_teams ${holder.matchId} 2: round_id 1 -> null`,
      `lua_round_teams ${matchId} 2: round_id null -> 1`,
      `lua_spawn_stats ${holder.matchId} 2 A1: round_id 1 -> null`,
      'rounds 1: round_canonical_id null -> cbc1d1c5d2df0235',
      `rounds 1: round_start_unix ${startUnix - 1800} -> ${startUnix}`,
      `rounds 1: round_end_unix ${endUnix - 1800} -> ${endUnix}`,
    ]);
  });

  test('of a completion fills timing and spawn rows, and touches no capture', () => {
    const linked = { ...own, roundId: 1 };
    const changes = changesOf([complete(linked, anArtifact({ startUnix }))], { captures: [linked] });
    assert.deepEqual(lines(changes), [
      `lua_spawn_stats ${matchId} 2 A1: inserted`,
      `lua_spawn_stats ${matchId} 2 B1: inserted`,
      ...filled,
    ]);
  });

  test('of a completion leaves foreign timing as it is', () => {
    const linked = { ...own, roundId: 1 };
    const round = aRound({ timing: captureTiming(endUnix - 1800) });
    const changes = changesOf([complete(linked, anArtifact({ startUnix }), round)], {
      rounds: [round],
      captures: [linked],
    });
    assert.ok(changes.every(({ table }) => table === 'lua_spawn_stats'));
  });

  test('gives the same changes for every order of repairs and rows', () => {
    const [one, two] = [aRound(), loser];
    const forward = changesOf([relink(own, one), relink(holder, two)], {
      rounds: [one, two],
      captures: [own, holder],
    });
    const backward = changesOf([relink(holder, two), relink(own, one)], {
      rounds: [two, one],
      captures: [holder, own],
    });
    assert.deepEqual(backward, forward);
  });
});

type Facts = Parameters<typeof changeFacts>[0];
const refusals: [what: string, want: Want, facts: Facts, reason: string][] = [
  ['the round is gone', relink(own), { rounds: [], captures: [own] }, 'round_gone'],
  [
    'the round was cancelled',
    relink(own),
    { rounds: [aRound({ status: 'cancelled' })], captures: [own] },
    'round_changed',
  ],
  [
    'the round was declared invalid',
    relink(own),
    { rounds: [aRound({ isValid: false })], captures: [own] },
    'round_changed',
  ],
  [
    'the round became one of bots',
    relink(own),
    { rounds: [aRound({ isBot: true })], captures: [own] },
    'round_changed',
  ],
  [
    'the id is another round’s by now',
    relink(own),
    { rounds: [aRound({ time: '220206' })], captures: [own] },
    'round_changed',
  ],
  [
    'the map was corrected',
    relink(own),
    { rounds: [aRound({ map: 'goldrush' })], captures: [own] },
    'round_changed',
  ],
  ['the capture is gone', relink(own), {}, 'capture_gone'],
  ['the capture has another key', relink(own), { captures: [{ ...own, matchId: 'x' }] }, 'capture_changed'],
  [
    'the capture has another start',
    relink(own),
    { captures: [aCapture({ startUnix: startUnix + 1 })] },
    'capture_changed',
  ],
  [
    'the capture is of another map',
    relink(own),
    { captures: [{ ...own, map: 'goldrush' }] },
    'capture_changed',
  ],
  [
    'the capture has another end',
    relink(own),
    { captures: [aCapture({ startUnix, timing: { endUnix: endUnix + 1 } })] },
    'capture_changed',
  ],
  [
    'the capture has another duration',
    relink(own),
    { captures: [aCapture({ startUnix, timing: { durationSeconds: 600 } })] },
    'capture_changed',
  ],
  ['the pipeline linked the capture', relink(own), { captures: [{ ...own, roundId: 9 }] }, 'link_changed'],
  ['the pipeline unlinked the capture', relink({ ...own, roundId: 2 }), { captures: [own] }, 'link_changed'],
  [
    'the pipeline linked another capture to the round',
    relink(own),
    { captures: [own, holder] },
    'slot_taken',
  ],
  ['the pipeline stored the capture', backfill(), { captures: [own] }, 'capture_exists'],
  [
    'a capture with the same key, of another map',
    backfill(),
    { captures: [aCapture({ map: 'goldrush', startUnix: 5 })] },
    'capture_exists',
  ],
  [
    'a capture with the same start and another end',
    backfill(),
    { captures: [aCapture({ startUnix, endUnix: endUnix + 2 })] },
    'capture_exists',
  ],
  [
    'a capture with the same end and another key',
    backfill(),
    { captures: [aCapture({ matchId: 'x', startUnix: 5 })] },
    'capture_exists',
  ],
  ['the slot of a backfill is taken', backfill(), { captures: [holder] }, 'slot_taken'],
  [
    'the spawn rows belong to another round that exists',
    backfill(),
    { rounds: [aRound(), loser], spawns: [storedSpawn('A1', { matchId, roundId: 2 })] },
    'spawn_link_taken',
  ],
  [
    'the key of a spawn row is another map’s',
    backfill(),
    { spawns: [storedSpawn('A1', { matchId, roundId: null, map: 'goldrush' })] },
    'spawn_key_taken',
  ],
  [
    'the round carries another end',
    backfill(),
    { rounds: [aRound({ timing: { endUnix: endUnix - 1 } })] },
    'timing_in_the_way',
  ],
  [
    'the linked capture of a completion was unlinked',
    complete({ ...own, roundId: 1 }, null),
    { captures: [own] },
    'link_changed',
  ],
];

describe('buildChanges() refuses', () => {
  for (const [what, want, facts, reason] of refusals)
    test(`${reason}: ${what}`, () => {
      const built = buildChanges([want], changeFacts(facts));
      assert.ok('refusal' in built, 'it was not refused');
      assert.equal(built.refusal.reason, reason);
      assert.ok(built.refusal.because.length > 10);
    });

  test('the whole group where one repair of it is refused', () => {
    const built = buildChanges(
      [relink(own), relink(holder, loser)],
      changeFacts({ rounds: [aRound()], captures: [own, holder] }),
    );
    assert.equal('refusal' in built && built.refusal.reason, 'round_gone');
  });
});

test('invert() swaps before and after, the last change first, and undoes itself', () => {
  const changes = changesOf([backfill()], {});
  const undone = invert(changes);
  assert.deepEqual(
    undone.map(({ table }) => table),
    changes.map(({ table }) => table).reverse(),
  );
  assert.equal(undone.at(-1)!.after, null);
  assert.deepEqual(invert(undone), changes);
});
