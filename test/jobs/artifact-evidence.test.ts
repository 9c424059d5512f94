import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { filesWithoutIndex } from '../../jobs/artifact-reading.ts';
import { sha256Of } from '../../src/artifacts/read.ts';
import { withLedger } from '../../src/context.ts';
import { forEachDatabase } from '../databases.ts';
import { captureRow, type Game, gametime, roundRow, unix } from './games.ts';
import { type Beginning, inWorld, lineOf, verdictsOf, type World } from './setup.ts';

/* What an audit says of a gap, and what it writes, rests on bytes that it has read itself, whatever the index says. */

const [alice, mallory] = ['A', 'F'].map((letter) => letter.repeat(32)) as [string, string];

/** More rounds than are read without an index, each with its capture and its artifact; the last three have no capture. */
const first = unix('2026-02-10 12:00:00');
const games: Game[] = Array.from({ length: filesWithoutIndex + 10 }, (_, index) => {
  const end = first + 900 * index;
  return { map: 'supply', number: 1 + (index % 2), start: end - 420, end };
});
const gaps = games.slice(-3);
const idOf = (of: Game) => 1 + games.indexOf(of);

const beginning: Beginning = {
  rounds: games.map((of) => roundRow(idOf(of), of)),
  captures: games.flatMap((of) => (gaps.includes(of) ? [] : [captureRow(idOf(of), of, idOf(of))])),
  artifacts: games.map((of) => gametime(of, { spawns: [alice] })),
};
const nameOf = (of: Game) => gametime(of).name;

/** Longer than the time in which a changed file is not remembered. */
const settle = () => sleep(3_500);

interface Indexed {
  name: string;
  artifact: string;
}

const inIndex = <T>(
  world: World,
  work: (rows: Indexed[], change: (row: Indexed) => Promise<void>) => Promise<T>,
) =>
  withLedger(world.config(), async ({ database: { knex } }) => {
    const rows: Indexed[] = await knex('artifact_index').select('name', 'artifact').orderBy('name');
    return work(rows, async ({ name, artifact }) => {
      await knex('artifact_index').where({ name }).update({ artifact });
    });
  });

/** Looks without repairing, so that there is an index, and gaps. */
const lookFirst = (world: World) => world.audit({ settings: { REPAIR: 'off' } });

forEachDatabase('An audit with an index of artifacts', (kind) => {
  it('plans and says what one without says, and only audits fill the index', () =>
    inWorld(kind, beginning, async (world) => {
      await settle();
      const before = await world.plan();
      const looked = await lookFirst(world);
      assert.equal(await inIndex(world, async (rows) => rows.length), games.length);
      assert.equal(looked.fingerprint, before.fingerprint);
      await inIndex(world, (rows, change) => change({ ...rows[0]!, artifact: 'x' }));
      const after = await world.plan();
      assert.equal(after.fingerprint, before.fingerprint);
      assert.deepEqual(verdictsOf(after), verdictsOf(before));
      assert.deepEqual(after.counts, before.counts);
      assert.equal((await inIndex(world, async ([row]) => row!)).artifact, 'x', 'a plan writes no index');
    }));

  it('backfills what stands in the files, where the index says otherwise', () =>
    inWorld(kind, beginning, async (world) => {
      await settle();
      await lookFirst(world);
      await inIndex(world, async (rows, change) => {
        for (const row of rows)
          await change({
            ...row,
            artifact: row.artifact.replaceAll(alice, mallory).replaceAll('vid', 'mallory'),
          });
      });
      const result = await world.audit();
      assert.equal(result.after.covered, games.length);
      const dump = await world.dump();
      const filled = dump.lua_round_teams.filter(({ id }) => Number(id) > games.length - gaps.length);
      assert.equal(filled.length, gaps.length);
      assert.doesNotMatch(JSON.stringify([dump.lua_round_teams, dump.lua_spawn_stats]), /mallory|FFFF/);
      for (const of of gaps) {
        const bytes = readFileSync(join(world.gametimes, nameOf(of)));
        assert.equal(lineOf(result, idOf(of)).candidate?.sha256, sha256Of(bytes));
      }
    }));

  it('backfills a gap whose artifact is damaged by the index alone, and none whose file is', () =>
    inWorld(kind, beginning, async (world) => {
      const [one, other] = gaps as [Game, Game];
      const torn = gametime(other);
      world.putArtifact({ ...torn, bytes: Buffer.from(torn.bytes).subarray(0, 700) });
      await settle();
      await lookFirst(world);
      await inIndex(world, async (rows, change) => {
        const whole = rows.find(({ name }) => name === nameOf(one))!;
        const packed = JSON.parse(whole.artifact) as unknown[];
        await change({
          ...whole,
          artifact: JSON.stringify([...packed.slice(0, 3), 'it is torn', null, null]),
        });
      });
      const result = await world.audit();
      assert.equal(lineOf(result, idOf(one)).outcome, 'done');
      assert.equal(lineOf(result, idOf(other)).verdict, 'damaged');
    }));
});
