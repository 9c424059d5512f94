import type { Row } from '../../../src/core/model.ts';
import { localText } from '../../../src/core/time.ts';
import { captureRow, type Game, type GametimeFile, gametime, roundRow, zone } from '../../jobs/games.ts';
import { randomOf } from '../../random.ts';

/** What becomes of a round's capture and artifact. */
export const fates = {
  /** The pipeline stores it at once. */
  captured: 60,
  'captured 40 min late': 6,
  'captured 30 h late': 3,
  'captured without a link': 5,
  'artifact at once': 8,
  'artifact 3 h late': 5,
  'artifact 30 h late': 3,
  /** A person holds it after an hour, and lets it go after five. */
  'held, artifact 3 h late': 3,
  'damaged artifact': 2,
  nothing: 3,
  /** A person excuses it after an hour. */
  'nothing, excused': 2,
} as const;
export type Fate = keyof typeof fates;

export interface Played {
  id: number;
  game: Game;
  session: number;
  fate: Fate;
  /** When the row is there: its file time. */
  fileUnix: number;
  captureUnix: number | null;
  artifactUnix: number | null;
}

const hour = 3_600;
const captureAfter: Partial<Record<Fate, number>> = {
  captured: 1,
  'captured 40 min late': 40 * 60,
  'captured 30 h late': 30 * hour,
  'captured without a link': 1,
};
const artifactAfter: Partial<Record<Fate, number>> = {
  'artifact at once': 1,
  'artifact 3 h late': 3 * hour,
  'artifact 30 h late': 30 * hour,
  'held, artifact 3 h late': 3 * hour,
  'damaged artifact': 1,
};

function fateOf(chance: number): Fate {
  let sum = 0;
  for (const [fate, share] of Object.entries(fates)) {
    sum += share;
    if (chance * 100 < sum) return fate as Fate;
  }
  return 'captured';
}

const perEvening = 14;
const apart = 15 * 60;

/** Evenings of two rounds on each map; what becomes of each follows from the seed. */
export function playedRounds(of: { fromUnix: number; days: number; seed: number }): Played[] {
  const next = randomOf(of.seed);
  return Array.from({ length: of.days * perEvening }, (_, at): Played => {
    const [day, place] = [Math.floor(at / perEvening), at % perEvening];
    const end = of.fromUnix + day * 24 * hour + 8 * hour + place * apart;
    const game = {
      map: `map_${day}_${Math.floor(place / 2)}`,
      number: 1 + (place % 2),
      start: end - 400,
      end,
    };
    const fate = fateOf(next());
    const after = (seconds: number | undefined) => (seconds === undefined ? null : end + seconds);
    return {
      ...{ id: at + 1, game, session: day + 1, fate, fileUnix: end + 2 },
      captureUnix: after(captureAfter[fate]),
      artifactUnix: after(artifactAfter[fate]),
    };
  });
}

/** The row of a round, as the pipeline imports it. */
export function rowOf({ id, game, session, fileUnix }: Played): Row {
  const created_at = localText(fileUnix, zone);
  return roundRow(id, game, { delay: 2, gaming_session_id: session, created_at });
}

/** Its capture, without an id: the database gives one, as it does to what a repair writes. */
export function captureOf({ id: roundId, game, fate }: Played): Row {
  const { id: _, ...row } = captureRow(0, game, fate === 'captured without a link' ? null : roundId);
  return row;
}

export function artifactOf({ game, fate }: Played): GametimeFile {
  const file = gametime(game);
  return fate === 'damaged artifact' ? { ...file, bytes: file.bytes.slice(0, -300) as string } : file;
}

/** Hours of each day in which the artifact place is away, and the alert channel does not answer or refuses. */
export function weather(unix: number, fromUnix: number) {
  const [day, at] = [Math.floor((unix - fromUnix) / (24 * hour)), ((unix - fromUnix) % (24 * hour)) / hour];
  return {
    placeAway: day % 3 === 1 && at >= 9 && at < 11,
    channelDown: day % 4 === 0 && at >= 8 && at < 10,
    channelRefuses: day % 4 === 2 && at >= 9 && at < 11,
  };
}

export const heldFor = { fromSeconds: hour, untilSeconds: 5 * hour };
export const excusedAfterSeconds: Partial<Record<Fate, number>> = {
  'nothing, excused': hour,
  'damaged artifact': 20 * hour,
};
