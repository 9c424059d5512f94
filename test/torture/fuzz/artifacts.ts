import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listPlaces } from '../../../src/artifacts/places.ts';
import { readArtifact } from '../../../src/artifacts/read.ts';
import type { Artifact } from '../../../src/core/model.ts';
import type { Assessment } from '../../../src/core/verdict.ts';
import { toRound } from '../../../src/source/rows.ts';
import { judge } from '../../core/builders.ts';
import { roundRow } from '../../jobs/games.ts';
import { inWorld } from '../../jobs/setup.ts';
import { randomOf } from '../../random.ts';
import { type Entry, makeEntry, putEntry, removeEntry } from './entries.ts';
import { artifactSamples, type Sample } from './samples.ts';
import { assertSameAsStrict } from './strict.ts';

/** What became of the artifacts. */
export interface ArtifactTally {
  files: number;
  whole: number;
  damaged: number;
  unreadable: number;
  ignored: number;
  /** Names that are not a bit like an artifact's. */
  foreign: number;
  /** Of the whole ones, those that are JSON and were compared with it. */
  compared: number;
  verdicts: Record<string, number>;
  audited: number;
  written: number;
  slowestMs: number;
  slowest: string;
  heapGrewBytes: number;
}

const perBatch = 200;
const firstUnix = 1_772_000_000;
/** Rounds lie so far apart that each is alone; no multiple of it is an hour, which autumn repeats. */
const apart = 1_000;
/** Every so many batches, a real audit repairs what it can. */
const auditEvery = 10;
const mostMs = 1_000;
/** More than that is kept of something that is over. */
const mostHeapBytes = 32 * 1_048_576;

/** One of three: whole, damaged or unreadable, and with a reason where it is not whole. */
function stateOf({ path, content, damage, unreadable }: Artifact): 'whole' | 'damaged' | 'unreadable' {
  const said = [content, damage, unreadable].filter((one) => one !== null);
  assert.equal(said.length, 1, `${path} is ${said.length} things`);
  if (content !== null) return 'whole';
  const why = damage ?? unreadable!;
  assert.ok(why.length > 0 && why.length < 400 && why.isWellFormed(), `${path}: ${why}`);
  return damage === null ? 'unreadable' : 'damaged';
}

const roundsOf = (entries: readonly Entry[]) =>
  entries.map(({ sample }, at) => {
    const { map, number, endUnix: end } = sample;
    return roundRow(at + 1, { map, number, start: end - 400, end }, { delay: 2 });
  });

/** No round is repaired from what is not whole; and each has one verdict. */
function assertVerdicts(
  verdicts: ReadonlyMap<number, Assessment>,
  artifacts: readonly Artifact[],
  tally: ArtifactTally,
): void {
  const wholes = new Set(artifacts.flatMap(({ sha256, content }) => (content === null ? [] : [sha256])));
  for (const { verdict, candidate, want, because, round } of verdicts.values()) {
    assert.ok(verdict !== null && because !== '', `round ${round.id}`);
    tally.verdicts[verdict] = (tally.verdicts[verdict] ?? 0) + 1;
    if (verdict !== 'recoverable') assert.equal(want, null);
    else
      assert.ok(
        candidate?.sha256 && wholes.has(candidate.sha256),
        `round ${round.id} from what is not whole`,
      );
  }
}

/** Lists, reads, matches and judges a place, and counts everything that lies there. */
async function tryPlace(directory: string, entries: readonly Entry[], tally: ArtifactTally): Promise<void> {
  const names = readdirSync(directory, { encoding: 'buffer' });
  const { files, ignored, places } = await listPlaces([directory]);
  for (const { why } of ignored) assert.notEqual(why, '');
  const foreign = names.filter((name) => !name.toString('latin1').startsWith('gametime-'));
  const hidden = files.filter(({ path }) => path.startsWith(`${directory}/.`));
  assert.equal(names.length, files.length + ignored.length + foreign.length - hidden.length);
  for (const entry of entries) if (entry.kind === 'vanishes') removeEntry(directory, entry);
  const bytesOf = new Map(entries.map((entry) => [`${directory}/${entry.fileName.toString('utf8')}`, entry]));
  const artifacts: Artifact[] = [];
  for (const file of files) {
    const before = process.cpuUsage();
    const artifact = await readArtifact(file);
    const { user, system } = process.cpuUsage(before);
    const entry = bytesOf.get(file.path)!;
    const ms = (user + system) / 1_000;
    if (ms > tally.slowestMs) [tally.slowestMs, tally.slowest] = [ms, entry.ways.join(', ') || entry.kind];
    artifacts.push(artifact);
    const state = stateOf(artifact);
    tally[state] += 1;
    if (state === 'whole' && assertSameAsStrict(artifact.content!, entry.bytes)) tally.compared += 1;
    assert.ok(ms < mostMs, `${entry.ways.join(', ')}: ${ms} ms for ${entry.bytes.length} bytes`);
  }
  tally.files += names.length;
  tally.ignored += ignored.length;
  tally.foreign += foreign.length - hidden.length;
  const judged = roundsOf(entries).map((row) => toRound(row).round);
  const nowUnix = firstUnix + 400 * 86_400;
  assertVerdicts(judge({ judged, artifacts, places }, { nowUnix }), artifacts, tally);
}

/** A real audit of a place: what it writes is what whole artifacts say, each in its own round, and nothing else. */
async function audit(entries: readonly Entry[], tally: ArtifactTally): Promise<void> {
  await inWorld('sqlite', { rounds: roundsOf(entries), settings: { MAX_REPAIRS: '0' } }, async (world) => {
    for (const entry of entries) putEntry(world.gametimes, entry);
    const { files } = await listPlaces([world.gametimes]);
    const last = entries.at(-1)!.sample.endUnix;
    const now = new Date((last + 7_200) * 1_000).toISOString();
    const result = await world.audit({ now, settings: { SETTLE_HOURS: '8760' } });
    assert.equal(result.rowsRead, entries.length);
    const { lua_round_teams: captures, lua_spawn_stats: spawns } = await world.dump();
    const artifacts = await Promise.all(files.map(readArtifact));
    for (const capture of captures) {
      const { sample } = entries[Number(capture.round_id) - 1]!;
      const from = artifacts.filter(({ content }) => content?.timing.endUnix === capture.round_end_unix);
      const content = from[0]?.content;
      assert.ok(content, `capture of round ${capture.round_id} is of no whole artifact`);
      const own = spawns.filter(({ match_id }) => match_id === capture.match_id);
      assert.deepEqual(
        [capture.round_start_unix, capture.map_name, capture.winner_team, own.length, capture.axis_players],
        [
          content.timing.startUnix,
          content.map,
          content.winnerTeam,
          content.spawns.length,
          content.axisPlayers,
        ],
      );
      assert.ok(Math.abs(content.timing.endUnix - sample.endUnix) <= 30);
    }
    const done = result.verdicts.filter(({ action, outcome }) => action === 'backfill' && outcome === 'done');
    assert.equal(captures.length, done.length);
    tally.audited += entries.length;
    tally.written += captures.length;
  });
}

function entriesOf(
  samples: readonly Sample[],
  asked: { seed: number; batch: number; count: number },
): Entry[] {
  const { seed, batch, count } = asked;
  const own = randomOf(seed * 1_000_003 + batch);
  // Through all seasons, both changes of the clock among them.
  const begin = firstUnix + (batch % 180) * 2 * 86_400;
  const mayVanish = batch % auditEvery !== 0;
  const entries = Array.from({ length: count }, (_, at) =>
    makeEntry(samples, { random: own, endUnix: begin + at * apart, mayVanish }),
  );
  // Two entries of one name would be one file.
  const names = new Set<string>();
  return entries.filter(({ fileName }) => {
    const name = fileName.toString('latin1');
    if (names.has(name) || fileName.length > 255) return false;
    return names.add(name);
  });
}

const heap = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

/** Fuzzes so many artifacts; throws with the seed and the batch where something does not hold. */
export async function fuzzArtifacts(
  asked: { count: number; seed: number },
  say: (at: string) => void,
): Promise<ArtifactTally> {
  const tally: ArtifactTally = {
    ...{ files: 0, whole: 0, damaged: 0, unreadable: 0, ignored: 0, foreign: 0, compared: 0 },
    ...{ verdicts: {}, audited: 0, written: 0, slowestMs: 0, slowest: '', heapGrewBytes: 0 },
  };
  const samples = artifactSamples();
  let heapBefore = 0;
  for (let batch = 0; tally.files < asked.count; batch++) {
    if (batch % 5 === 0) say(`artifact ${tally.files} (seed ${asked.seed}, batch ${batch})`);
    // Not before a first batch, which loads what all need.
    if (batch > 0 && tally.files * 5 >= asked.count && heapBefore === 0) heapBefore = heap();
    const count = Math.min(perBatch, asked.count - tally.files);
    const entries = entriesOf(samples, { seed: asked.seed, batch, count });
    const directory = mkdtempSync(join(tmpdir(), 'roundwarden-fuzz-'));
    try {
      for (const entry of entries) putEntry(directory, entry);
      await tryPlace(directory, entries, tally);
      if (batch % auditEvery === 0) await audit(entries, tally);
    } catch (cause) {
      throw new Error(`artifacts, seed ${asked.seed}, batch ${batch}`, { cause });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  const { whole, damaged, unreadable, ignored, foreign, files } = tally;
  assert.equal(whole + damaged + unreadable + ignored + foreign, files);
  const heapGrewBytes = heapBefore === 0 ? 0 : heap() - heapBefore;
  assert.ok(heapGrewBytes < mostHeapBytes, `the heap grew by ${heapGrewBytes} bytes`);
  return { ...tally, heapGrewBytes };
}
