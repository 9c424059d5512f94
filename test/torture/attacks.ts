import assert from 'node:assert/strict';
import { type DatabaseKind, hasRealPostgres } from '../databases.ts';
import { randomOf } from '../random.ts';
import { type Honest, tampering, withHonest } from './attacks/honest.ts';
import { commandsSay, judge, type Shown } from './attacks/judge.ts';
import { type Attack, attacks } from './attacks/kinds.ts';
import type { Effort, Figure, Suite } from './suite.ts';

/** What became of one way to attack. */
interface Row {
  times: number;
  shown: Record<'chain' | 'headFile' | 'anchor' | 'checkpoint', number>;
  /** What the commands said, and on which databases. */
  commands: Map<string, DatabaseKind[]>;
}

const emptyRow = (): Row => ({
  times: 0,
  shown: { chain: 0, headFile: 0, anchor: 0, checkpoint: 0 },
  commands: new Map(),
});

/** Which of them show an attack: the weakest that must, and everything stronger. */
function assertShown(attack: Attack, shown: Shown, from: number | null, older: number): void {
  const { shows } = attack;
  const what = JSON.stringify({ from, older, shown });
  const onEntries = from !== null;
  if (shows === 'the ledger alone') assert.ok(shown.chain, `the ledger alone shows it: ${what}`);
  if (shows === 'head.json') assert.ok(shown.headFile, `head.json shows it: ${what}`);
  if (shows === 'nothing')
    assert.ok(
      !shown.chain && !shown.headFile && !shown.anchor && !shown.checkpoint,
      `nothing shows it: ${what}`,
    );
  if (!onEntries) return;
  // Plain changes of a column leave the hash as it was: the chain itself shows those.
  if (shows !== 'the ledger alone') {
    assert.ok(shown.anchor && shown.checkpoint, `the last head from outside shows it: ${what}`);
    const reaches = older >= from;
    assert.deepEqual(
      shown.older,
      { anchor: reaches, checkpoint: reaches },
      `an earlier head from outside: ${what}`,
    );
  }
}

/** With the triggers in place nobody changes an entry, whatever it is. */
async function assertGuarded(honest: Honest, chance: () => number): Promise<number> {
  const seq = 1 + Math.floor(chance() * honest.head.seq);
  const statements = [
    `update entries set body = '{}' where seq = ${seq}`,
    `delete from entries where seq = ${seq}`,
    honest.kind === 'postgres'
      ? 'truncate entries'
      : `insert or replace into entries select seq, at, kind, source, key, '{}', prev_hash, hash from entries where seq = ${seq}`,
  ];
  await honest.restore();
  await tampering(honest.scene, async ({ knex }) => {
    for (const statement of statements)
      await assert.rejects(async () => knex.raw(statement), /the ledger only grows/, statement);
  });
  return statements.length;
}

async function onKind(
  kind: DatabaseKind,
  of: { count: number; first: number; commands: number; table: Map<Attack, Row>; effort: Effort },
): Promise<number> {
  const { count, first, commands, table, effort } = of;
  const seed = effort.seed * 2 + (kind === 'postgres' ? 1 : 0);
  return withHonest(kind, async (honest) => {
    let guarded = 0;
    for (let at = 0; at < Math.max(1, Math.ceil(count / 100)); at++)
      guarded += await assertGuarded(honest, randomOf(seed * 1_000_003 - 1 - at));
    for (let time = 0; time < count; time++) {
      const attack = attacks[(first + time) % attacks.length]!;
      const chance = randomOf(seed * 1_000_003 + time);
      const row = table.get(attack) ?? emptyRow();
      table.set(attack, row);
      effort.progress(`${kind}: ${time} of ${count}`);
      try {
        await honest.restore();
        const from = await attack.make(honest, chance);
        const older = 1 + Math.floor(chance() * honest.head.seq);
        const shown = await judge(honest, older);
        assertShown(attack, shown, from, older);
        row.times += 1;
        for (const by of ['chain', 'headFile', 'anchor', 'checkpoint'] as const)
          row.shown[by] += shown[by] ? 1 : 0;
      } catch (cause) {
        throw new Error(`${attack.name} on ${kind}, attack ${time} of seed ${effort.seed}`, { cause });
      }
    }
    await commandsOn(honest, { commands, table, seed: effort.seed });
    return guarded;
  });
}

/** What a person sees of the attacks, as many of them as wanted, spread over all. */
async function commandsOn(
  honest: Honest,
  of: { commands: number; table: Map<Attack, Row>; seed: number },
): Promise<void> {
  const wanted = Math.min(of.commands, attacks.length);
  for (let at = 0; at < wanted; at++) {
    const attack = attacks[Math.floor((at * attacks.length) / wanted)]!;
    await honest.restore();
    await attack.make(honest, randomOf(of.seed));
    const all = await commandsSay(honest);
    const row = of.table.get(attack) ?? emptyRow();
    of.table.set(attack, row);
    for (const { command, said } of all) {
      const line = `${command}: ${said}`;
      row.commands.set(line, [...(row.commands.get(line) ?? []), honest.kind]);
    }
    assertCommands(
      attack,
      all.map(({ said }) => Number(/^exit (\d+)/.exec(said)?.[1])),
    );
  }
}

/** Verifying exits with 1 where it shows something, or 2 where there is no ledger; and an audit refuses with 1. */
function assertCommands({ name, shows }: Attack, [verify, anchor, checkpoint, audit]: number[]): void {
  const where = `${name}: ${JSON.stringify([verify, anchor, checkpoint, audit])}`;
  if (shows === 'the ledger alone' || shows === 'head.json') assert.notEqual(verify, 0, where);
  if (shows === 'head.json') assert.equal(audit, 1, where);
  if (shows === 'the head from outside') {
    // Where the forged entries say other things of the repairs than the source does, verifying says so with 3.
    assert.ok(verify === 0 || verify === 3, where);
    assert.deepEqual([anchor, checkpoint], [1, 1], where);
  }
  if (shows === 'nothing') assert.deepEqual([verify, anchor, checkpoint], [0, 0, 0], where);
}

function figuresOf(table: ReadonlyMap<Attack, Row>): Figure[] {
  return [...table].flatMap(([{ name }, { times, shown, commands }]) => {
    const { chain, headFile, anchor, checkpoint } = shown;
    const value = `${times}: ${chain} alone, ${headFile} head.json, ${anchor} head, ${checkpoint} checkpoint`;
    const counted = times === 0 ? [] : [{ what: name, value }];
    const lines = [...commands].map(([line, kinds]) => ({
      what: `  on ${kinds.join(' and ')}`,
      value: line,
    }));
    return [...counted, ...lines];
  });
}

const legend =
  'times; shown by re-hashing and folding the ledger alone, by head.json (then the next run refuses to write), by the last head from outside, by the last checkpoint from outside; each asked without the others';

/** The ledger in the hands of somebody who has its database, and its directory. */
export const ledgerAttacks: Suite = {
  name: 'attacks',
  about: 'the ledger is changed by somebody who has its database: what shows it, and what does not',
  counts: {
    attacks: { full: 2_000, fast: attacks.length },
    'attack-commands': { full: 2 * attacks.length, fast: 1 },
  },
  async run(effort) {
    const { attacks: count = 0, 'attack-commands': commands = 0 } = effort.counts;
    const table = new Map<Attack, Row>();
    const half = Math.ceil(count / 2);
    const onServer = hasRealPostgres ? Math.floor(commands / 2) : 0;
    const both = { table, effort };
    const guarded =
      (await onKind('sqlite', { ...both, count: half, first: 0, commands: commands - onServer })) +
      (await onKind('postgres', { ...both, count: count - half, first: half, commands: onServer }));
    return [
      { what: 'attacks', value: `${half} on SQLite, ${count - half} on PostgreSQL` },
      { what: 'changes of entries that the triggers refused', value: `${guarded} of ${guarded}` },
      { what: 'what an attack is followed by', value: legend },
      ...figuresOf(table),
    ];
  },
};
