import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseArtifact } from '../../src/artifacts/parse.ts';
import type { ArtifactContent } from '../../src/core/model.ts';
import { everySample, sampleBytes } from './samples.ts';

const seed = Number(process.env.FUZZ_SEED ?? 20_260_211);
console.log(`# fuzz seed ${seed}`);

const samples = everySample()
  .map(sampleBytes)
  .filter((bytes) => bytes.length > 0 && bytes.length < 5000);

/** Bytes that mean something to the formats involved. */
const telling = fc.constantFrom(
  ...Buffer.from('"\\{}[],:0-9eu\0\x01\n\r\t \x80\xa4\xc3\xed\xf4\xff', 'latin1'),
);
const change = fc.record({
  at: fc.nat(),
  drop: fc.nat({ max: 40 }),
  put: fc.oneof(
    fc.array(telling, { maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
    fc.uint8Array({ maxLength: 6 }),
    fc
      .constantFrom('", "inline": true},\n', '},"payload":{', '{"meta":', '\\u0000', '\\ud800', '1e999', '}}')
      .map((text) => Buffer.from(text)),
  ),
});

function apply(bytes: Buffer, changes: { at: number; drop: number; put: Uint8Array }[]): Buffer {
  return changes.reduce((changed, { at, drop, put }) => {
    const start = at % (changed.length + 1);
    return Buffer.concat([changed.subarray(0, start), put, changed.subarray(start + drop)]);
  }, bytes);
}

function assertText(text: string, length: number) {
  assert.equal(typeof text, 'string');
  assert.ok(text.isWellFormed() && !text.includes('\0') && [...text].length <= length, JSON.stringify(text));
}

function assertSane(content: ArtifactContent) {
  const { timing, spawns, axisPlayers, alliesPlayers, map, number, ...rest } = content;
  for (const unix of [timing.startUnix, timing.endUnix, rest.warmupStartUnix])
    assert.ok(Number.isSafeInteger(unix));
  const integers = [timing.durationSeconds, timing.pauseSeconds, timing.pauseCount, rest.timeLimitMinutes];
  integers.push(rest.winnerTeam, rest.defenderTeam, rest.surrenderTeam, rest.warmupSeconds);
  integers.push(rest.axisScore, rest.alliesScore);
  for (const spawn of spawns) {
    integers.push(spawn.spawnCount, spawn.deathCount, spawn.deadSeconds);
    integers.push(spawn.avgRespawnSeconds, spawn.maxRespawnSeconds);
  }
  for (const integer of integers) assert.equal(integer, integer! | 0);
  assert.ok(number === 1 || number === 2);
  assertText(map, 64);
  assert.notEqual(map, '');
  assertText(rest.luaVersion, 16);
  for (const { guid, name } of [...spawns, ...axisPlayers, ...alliesPlayers]) {
    assertText(guid, 32);
    assertText(name, 64);
  }
  assert.equal(new Set(spawns.map(({ guid }) => guid)).size, spawns.length);
  assertText(JSON.stringify(rest.pauseEvents), Number.POSITIVE_INFINITY);
  assert.ok(!JSON.stringify(rest.pauseEvents).includes('\\u0000'));
}

test('parseArtifact() never throws, and whatever it returns fits the database', () => {
  let whole = 0;
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.array(change, { maxLength: 3 }), (bytes, changes) => {
      const parsed = parseArtifact(apply(bytes, changes));
      if ('damage' in parsed) {
        assert.ok(parsed.damage.length > 0 && parsed.damage.length < 300, parsed.damage);
        return;
      }
      whole += 1;
      assertSane(parsed.content);
    }),
    { seed, numRuns: 3000 },
  );
  assert.ok(whole > 100, `only ${whole} were whole: the changes are too coarse to prove anything`);
});

test('parseArtifact() never throws on bytes of any kind', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => 'damage' in parseArtifact(bytes)),
    { seed, numRuns: 1000 },
  );
});
