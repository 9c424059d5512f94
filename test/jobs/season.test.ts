import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AuditResult } from '../../jobs/audit-result.ts';
import { parseArtifact } from '../../src/artifacts/parse.ts';
import { canonicalRoundId } from '../../src/core/canonical.ts';
import type { ArtifactContent, Json, Row } from '../../src/core/model.ts';
import { localStamp, localToInstants } from '../../src/core/time.ts';
import type { SchemaVersion } from '../../src/source/create.ts';
import { forEachDatabase } from '../databases.ts';
import { zone } from './games.ts';
import { causesOf, type Dump, fixture, inWorld, rowOf, verdictsOf, type World } from './setup.ts';

const { rounds, captures, artifacts, expected, settings } = fixture('season-2026');

const contentByName = new Map(
  artifacts.flatMap(({ name, bytes }): [string, ArtifactContent][] => {
    const parsed = parseArtifact(Buffer.from(bytes as Uint8Array));
    return 'content' in parsed ? [[name, parsed.content]] : [];
  }),
);

const withVerdict = (...verdicts: string[]) =>
  expected.filter(({ verdict }) => verdicts.includes(String(verdict)));

function assertOwnRound(dump: Dump): void {
  const endOf = new Map(expected.map((row) => [row.round_id, row.round_end_unix]));
  for (const { id, round_id, round_end_unix } of dump.lua_round_teams) {
    if (round_id === null) continue;
    assert.equal(round_end_unix, endOf.get(round_id!), `capture ${id} is on round ${round_id}`);
    const { round_date, round_time } = rowOf(dump.rounds, round_id as number);
    const file = localToInstants(String(round_date), String(round_time), zone)!.instants[0]!;
    const delta = file - Number(round_end_unix);
    assert.equal(delta >= 0 && delta <= 3, true, `capture ${id} ends ${delta} s before its file`);
  }
}

/** What an artifact says, as the columns of its capture. */
function captureOf(content: ArtifactContent, roundId: number): Row {
  const { timing } = content;
  return {
    match_id: localStamp(timing.endUnix, zone),
    round_number: content.number,
    axis_players: content.axisPlayers as unknown as Json,
    allies_players: content.alliesPlayers as unknown as Json,
    round_start_unix: timing.startUnix,
    round_end_unix: timing.endUnix,
    actual_duration_seconds: timing.durationSeconds,
    total_pause_seconds: timing.pauseSeconds,
    pause_count: timing.pauseCount,
    end_reason: timing.endReason,
    winner_team: content.winnerTeam,
    defender_team: content.defenderTeam,
    map_name: content.map,
    time_limit_minutes: content.timeLimitMinutes,
    lua_version: content.luaVersion,
    lua_warmup_seconds: content.warmupSeconds,
    lua_warmup_start_unix: content.warmupStartUnix,
    lua_pause_events: content.pauseEvents,
    surrender_caller_guid: content.surrenderCallerGuid,
    surrender_caller_name: content.surrenderCallerName,
    surrender_team: content.surrenderTeam,
    axis_score: content.axisScore,
    allies_score: content.alliesScore,
    round_id: roundId,
  };
}

const byGuid = <T extends { guid: string }>(stats: readonly T[]) =>
  [...stats].sort((one, other) => (one.guid < other.guid ? -1 : 1));

function assertBackfilled(dump: Dump, of: Row, version: SchemaVersion): void {
  const roundId = of.round_id as number;
  const content = contentByName.get(String(of.artifact))!;
  const { id: _, captured_at, ...capture } = dump.lua_round_teams.find((row) => row.round_id === roundId)!;
  assert.deepEqual(capture, captureOf(content, roundId), `the capture of round ${roundId}`);
  assert.equal(captured_at, '2026-08-01T12:00:00.000Z');

  const spawns = byGuid(
    dump.lua_spawn_stats.flatMap((row) =>
      row.round_id === roundId ? [{ ...row, guid: String(row.player_guid) }] : [],
    ),
  ) as Row[];
  assert.deepEqual(
    spawns.map((row) => [
      row.match_id,
      row.player_guid,
      row.player_name,
      row.spawn_count,
      row.death_count,
      row.dead_seconds,
      row.avg_respawn_seconds,
      row.max_respawn_seconds,
    ]),
    byGuid(content.spawns).map((stat) => [
      capture.match_id,
      stat.guid,
      stat.name,
      stat.spawnCount,
      stat.deathCount,
      stat.deadSeconds,
      stat.avgRespawnSeconds,
      stat.maxRespawnSeconds,
    ]),
    `the spawn rows of round ${roundId}`,
  );
  assertTiming(dump, roundId, { version, map: content.map });
}

/** The round carries the start and end of its capture, and the id made of them. */
function assertTiming(dump: Dump, roundId: number, of: { version: SchemaVersion; map: string }): void {
  const round = rowOf(dump.rounds, roundId);
  const capture = dump.lua_round_teams.find((row) => row.round_id === roundId)!;
  for (const column of ['round_start_unix', 'round_end_unix'])
    assert.equal(round[column], capture[column], `${column} of round ${roundId}`);
  assert.notEqual(round.actual_duration_seconds, null);
  assert.notEqual(round.end_reason, null);
  if (of.version === 'february') return;
  const canonical = canonicalRoundId(Number(capture.round_start_unix), of.map, Number(round.round_number));
  assert.equal(round.round_canonical_id, canonical, `the canonical id of round ${roundId}`);
}

async function assertSettled(world: World, dump: Dump): Promise<void> {
  const entries = await world.entries();
  const second = await world.audit();
  assert.deepEqual(second.plan, []);
  assert.deepEqual(second.counts, second.after);
  assert.deepEqual(await world.dump(), dump);
  assert.deepEqual(await world.entries(), entries);
}

/** The schema of February cannot tell that a round is not valid. */
const invalid = new Set(rounds.filter((row) => row.is_valid === false).map(({ id }) => id));

function assertVerdicts(result: AuditResult, version: SchemaVersion): void {
  const february = version === 'february';
  const known = expected.filter(({ round_id }) => !february || !invalid.has(round_id!));
  const gaps = known.filter(({ verdict }) => verdict !== 'covered' && verdict !== 'exempt');
  const found = Object.entries(verdictsOf(result)).filter(([id]) => !february || !invalid.has(Number(id)));
  assert.deepEqual(
    Object.fromEntries(found),
    Object.fromEntries(gaps.map(({ round_id, verdict }) => [round_id, verdict])),
  );
  const causes = Object.entries(causesOf(result)).filter(([id]) => !february || !invalid.has(Number(id)));
  assert.deepEqual(
    Object.fromEntries(causes),
    Object.fromEntries(gaps.map(({ round_id, cause }) => [round_id, cause])),
  );
  assert.equal(result.rowsRead, rounds.length);
  if (february) return;
  const exempt = Object.values(result.counts.exempt).reduce((sum, count) => sum + count);
  assert.equal(exempt, withVerdict('exempt').length);
  assert.equal(result.counts.covered, withVerdict('covered').length);
}

/** The capture of round 9157 lay on round 9154, with its timing. */
function assertRobbed(dump: Dump): void {
  const round = rowOf(dump.rounds, 9154);
  assert.deepEqual(
    [round.round_start_unix, round.round_end_unix, round.actual_duration_seconds],
    [null, null, null],
  );
}

forEachDatabase('The season of 2026', (kind) => {
  for (const version of ['february', 'august'] as const) {
    it(`is judged, repaired and left alone as expected, on the schema of ${version}`, () =>
      inWorld(kind, { rounds, captures, artifacts, version, settings }, async (world) => {
        const result = await world.audit();
        assertVerdicts(result, version);
        const dump = await world.dump();
        assertOwnRound(dump);
        for (const row of withVerdict('recoverable')) assertBackfilled(dump, row, version);
        for (const { round_id, map_name } of withVerdict('relinkable'))
          assertTiming(dump, round_id as number, { version, map: String(map_name) });
        assertRobbed(dump);
        await assertSettled(world, dump);
      }));
  }
});
