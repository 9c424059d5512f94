import type { Row } from '../../src/core/model.ts';
import { randomOf } from '../random.ts';
import {
  captureRow,
  type Game,
  type GametimeFile,
  gametime,
  roundRow,
  spawnRow,
  timingOf,
  unix,
} from './games.ts';
import { type Asked, type Beginning, longAfter } from './setup.ts';

/** What chance decides, the same for the same seed. */
export interface Dice {
  chance(probability: number): boolean;
  whole(from: number, to: number): number;
  pick<T>(from: readonly T[]): T;
}

export function diceOf(seed: number): Dice {
  const random = randomOf(seed);
  const whole = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  return {
    chance: (probability) => random() < probability,
    whole,
    pick: (from) => from[whole(0, from.length - 1)]!,
  };
}

/** A played round with its row, to which fates are dealt. */
interface Dealt {
  id: number;
  of: Game;
  row: Row;
}

/** What a scenario is made of while it is dealt; keys that the schema keeps unique are given out once. */
interface Table {
  dice: Dice;
  all: readonly Dealt[];
  captures: Row[];
  spawns: Row[];
  artifacts: GametimeFile[];
  /** Where another capture sits on the round already, it stays without a link. True where it got one. */
  addCapture(of: Game, roundId: number | null): boolean;
}

type Fate = (table: Table, dealt: Dealt) => void;

const guids = ['A', 'B', 'C'].map((letter) => letter.repeat(32));

const copyTiming = (row: Row, of: Game) => void Object.assign(row, timingOf(of));

function somebodyElse({ dice, all }: Table, { id, of }: Dealt): Dealt | null {
  const others = all.filter((other) => other.id !== id && (dice.chance(0.2) || other.of.map === of.map));
  return others.length === 0 ? null : dice.pick(others);
}

/** What can have become of a round in the pipeline. */
const fates: Record<string, Fate> = {
  captured(table, { id, of, row }) {
    table.addCapture(of, id);
    copyTiming(row, of);
  },
  capturedWithoutTiming: (table, { id, of }) => void table.addCapture(of, id),
  unlinked: (table, { of }) => void table.addCapture(of, null),
  dangling: (table, { of }) => void table.addCapture(of, 7000 + of.number),
  linkedElsewhere(table, dealt) {
    const other = somebodyElse(table, dealt);
    table.addCapture(dealt.of, other?.id ?? null);
    if (other !== null && table.dice.chance(0.7)) copyTiming(other.row, dealt.of);
  },
  capturedTwice(table, { id, of }) {
    table.addCapture(of, table.dice.chance(0.5) ? id : null);
    table.addCapture({ ...of, end: of.end + table.dice.whole(1, 3) }, null);
  },
  twoCaptures(table, { of, row }) {
    const delta = table.dice.whole(0, 3);
    table.addCapture({ ...of, start: of.start - 7, end: of.end - delta }, null);
    table.addCapture({ ...of, end: of.end + 6 - delta }, table.dice.chance(0.3) ? (row.id as number) : null);
  },
  artifact({ artifacts, dice }, { of }) {
    artifacts.push(gametime(of, { spawns: guids.slice(0, dice.whole(0, 3)) }));
  },
  artifactTwice({ artifacts, dice }, { of }) {
    artifacts.push(gametime(of), gametime({ ...of, end: of.end + dice.whole(1, 2) }));
  },
  twoArtifacts({ artifacts, dice }, { of }) {
    artifacts.push(gametime(of), gametime({ ...of, start: of.start - 9, end: of.end + dice.whole(1, 6) }));
  },
  artifactAndOldSpawns({ artifacts, spawns, dice }, { of }) {
    artifacts.push(gametime(of, { spawns: guids }));
    spawns.push(spawnRow(of, guids[0]!, dice.pick([null, 7777, 1])));
  },
  capturedAndArtifact(table, { id, of, row }) {
    const linked = table.addCapture(of, id);
    if (table.dice.chance(0.5)) copyTiming(row, of);
    table.artifacts.push(gametime(of, { spawns: linked ? guids : [] }));
  },
  unlinkedAndArtifact(table, { of }) {
    table.addCapture(of, null);
    table.artifacts.push(gametime(of));
  },
  damagedArtifact({ artifacts, dice }, { of }) {
    const whole = gametime(of);
    artifacts.push({ ...whole, bytes: (whole.bytes as string).slice(0, dice.whole(0, 900)) });
  },
  unfinishedArtifact({ artifacts }, { of }) {
    const whole = gametime(of);
    artifacts.push({ ...whole, name: `${whole.name}.part` });
  },
  artifactOfAnotherEnd({ artifacts }, { of, row }) {
    row.round_end_unix = of.end + 1;
    artifacts.push(gametime(of));
  },
  strangerInTheSlot(table, { id, of }) {
    table.addCapture({ map: 'stranger', number: 1, start: of.start - 50_000, end: of.end - 49_000 }, id);
    if (table.dice.chance(0.5)) table.artifacts.push(gametime(of));
    else table.addCapture(of, null);
  },
  foreignTiming(table, dealt) {
    const other = somebodyElse(table, dealt);
    if (other !== null) copyTiming(dealt.row, other.of);
    if (table.dice.chance(0.5)) table.artifacts.push(gametime(dealt.of));
  },
  counterSurvived(table, { of, row }) {
    table.addCapture({ ...of, number: of.number === 1 ? 2 : 1 }, null);
    copyTiming(row, of);
  },
  nothing: () => undefined,
  exempt(table, dealt) {
    Object.assign(
      dealt.row,
      table.dice.pick([{ round_status: 'cancelled' }, { is_bot_round: true }, { is_valid: false }]),
    );
    if (table.dice.chance(0.5)) table.addCapture(dealt.of, table.dice.chance(0.5) ? dealt.id : null);
  },
  badTime(table, { of, row }) {
    Object.assign(
      row,
      table.dice.pick([{ round_time: '2561' }, { round_date: '2026-02-30' }, { round_date: null }]),
    );
    if (table.dice.chance(0.5)) table.addCapture(of, null);
  },
};

/** `crowded`: rounds of the same map and number may end within reach of one capture. */
function playedRounds(dice: Dice, crowded: boolean): Dealt[] {
  const dealt: Dealt[] = [];
  let clock = unix(dice.pick(['2026-03-01 20:00:00', '2026-02-20 22:45:00', '2026-03-29 00:40:00']));
  const maps = ['supply', 'te_escape2', 'te valhalla'].slice(0, dice.whole(1, 3));
  for (let id = 101; id <= 101 + dice.whole(3, 9); id++) {
    // A second server may end a round seconds after the round before.
    const soon = dice.chance(crowded ? 0.4 : 0.12);
    clock += soon ? dice.whole(2, 40) : dice.whole(200, 900);
    const end = clock;
    const map = soon && !crowded ? `server two ${id}` : dice.pick(maps);
    const of = { map, number: dice.whole(1, 2), start: end - dice.whole(90, 190), end };
    const row = roundRow(id, of, {
      delay: dice.chance(0.9) ? dice.whole(0, 3) : dice.whole(4, 29),
      match_id: `scenario ${id}`,
    });
    if (dice.chance(0.5)) row.created_at = `${row.round_date} 23:59:00`;
    if (dice.chance(0.2)) row.map_name = `^1${of.map.toUpperCase()} `;
    dealt.push({ id, of, row });
  }
  return dealt;
}

function tableOf(dice: Dice, all: readonly Dealt[], unique: boolean): Table {
  const captures: Row[] = [];
  const keys = new Set<string>();
  const slots = new Set<number>();
  return {
    dice,
    all,
    captures,
    spawns: [],
    artifacts: [],
    addCapture(of, roundId) {
      const free = roundId === null || !unique || !slots.has(roundId);
      const row = captureRow(500 + captures.length, of, free ? roundId : null);
      const key = `${row.match_id} ${row.round_number}`;
      if (keys.has(key)) row.match_id = `${row.match_id}-${captures.length}`;
      keys.add(`${row.match_id} ${row.round_number}`);
      if (free && roundId !== null) slots.add(roundId);
      captures.push(row);
      if (dice.chance(0.3))
        this.spawns.push(
          spawnRow(of, guids[captures.length % 3]!, row.round_id as number | null, {
            match_id: row.match_id!,
          }),
        );
      return row.round_id !== null;
    },
  };
}

export function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

/** An evening of the pipeline, dealt by a seed, and how it is audited. */
export function dealtScenario(
  seed: number,
  options: { crowded: boolean },
): {
  beginning: Beginning;
  asked: Asked;
  fates: Record<number, string>;
} {
  const dice = diceOf(seed);
  const version = dice.chance(0.75) ? 'august' : 'february';
  const all = playedRounds(dice, options.crowded);
  const table = tableOf(dice, all, version === 'august');
  const names = Object.keys(fates);
  const dealtFates: Record<number, string> = {};
  for (const dealt of all) {
    const name = dice.pick(names);
    dealtFates[dealt.id] = name;
    fates[name]!(table, dealt);
  }
  const last = all.at(-1)!.of;
  const summaries = all
    .filter(({ of }) => of.number === 2)
    .map(({ id, row }) => ({ ...row, id: id + 100, round_number: 0 }));
  const now = dice.chance(0.7) ? longAfter : new Date((last.end + dice.whole(60, 4000)) * 1000).toISOString();
  return {
    beginning: {
      version,
      rounds: [...all.map(({ row }) => row), ...summaries],
      captures: table.captures,
      spawns: uniqueBy(table.spawns, (row) => `${row.match_id} ${row.round_number} ${row.player_guid}`),
      artifacts: uniqueBy(
        [
          ...table.artifacts,
          gametime({ map: 'elsewhere', number: 1, start: last.start - 90_000, end: last.end - 89_000 }),
        ],
        ({ name }) => name,
      ),
    },
    asked: { now, settings: { REPAIR_COVERED: dice.chance(0.5) ? 'on' : 'off' } },
    fates: dealtFates,
  };
}
