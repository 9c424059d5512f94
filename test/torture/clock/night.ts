import assert from 'node:assert/strict';
import type { AuditResult, VerdictLine } from '../../../jobs/audit-result.ts';
import type { Row } from '../../../src/core/model.ts';
import { owedDays } from '../../../src/core/owed.ts';
import { addDays, localDay, localStamp, localText } from '../../../src/core/time.ts';
import { captureRow, type Game, gametime, roundRow } from '../../jobs/games.ts';
import { inWorld, type World } from '../../jobs/setup.ts';

/** Zones whose clocks change in different ways: by half an hour, against the season, on another weekday. */
export const zones = [
  'Europe/Ljubljana',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'America/Santiago',
] as const;

const hour = 3_600;
/** So long after a round's end its file is written. */
const filed = 3;
const minute = 60;

/** What becomes of a game's capture. */
type Fate = 'covered' | 'late' | 'artifact' | 'nothing';
const fates: readonly Fate[] = ['covered', 'artifact', 'late', 'nothing', 'artifact', 'covered'];

interface Played {
  id: number;
  game: Game;
  fate: Fate;
  /** Its file time; of the two that a repeated local time can mean the later, so that nothing is called lost early. */
  filedAt: number;
}

/** Seconds east of UTC. */
const offsetOf = (unix: number, zone: string) =>
  Date.parse(`${localText(unix, zone).replace(' ', 'T')}Z`) / 1000 - unix;

/** The moments of a year at which the clock of a zone changes; unix seconds. */
export function changesOf(zone: string, year: number): number[] {
  const found: number[] = [];
  const end = Date.UTC(year + 1, 0, 1) / 1000;
  for (let at = Date.UTC(year, 0, 1) / 1000; at < end; at += hour / 2)
    if (offsetOf(at, zone) !== offsetOf(at - hour / 2, zone)) found.push(at);
  return found;
}

/**
 * A game every ten minutes from three hours before a change to three hours after it. Each hour has the same maps at the
 * same minutes, 40 s later than the hour before, so that a repeated hour holds rounds that look nearly the same.
 */
function gamesAround(change: number, zone: string): Played[] {
  const shift = offsetOf(change - 1, zone) - offsetOf(change, zone);
  const games: Played[] = [];
  for (let at = -18; at < 18; at++) {
    const inHour = ((at % 6) + 6) % 6;
    const end = change + at * 10 * minute + 5 * minute + Math.floor(at / 6) * 40;
    const fate = fates[(inHour + Math.floor(at / 6) + 6) % 6]!;
    const id = at + 19;
    const game = { map: `map_${inHour}`, number: 1 + (inHour % 2), start: end - 420, end };
    const isRepeated = localText(end + filed, zone) === localText(end + filed + shift, zone);
    games.push({ id, fate, game, filedAt: end + filed + (isRepeated ? shift : 0) });
  }
  return games;
}

const lateSeconds = 4 * minute;
const graceSeconds = 5 * minute;
const settleSeconds = 24 * hour;

async function insert(world: World, table: string, row: object): Promise<void> {
  const flat = Object.entries(row).map(([column, value]) => [
    column,
    typeof value === 'object' && value !== null
      ? JSON.stringify(value)
      : typeof value === 'boolean'
        ? Number(value)
        : value,
  ]);
  await world.inSource(({ knex }) => knex(table).insert(Object.fromEntries(flat)));
}

/** What the pipeline stores of a game between two moments. */
async function live(world: World, played: readonly Played[], of: { from: number; to: number; zone: string }) {
  const { from, to, zone } = of;
  const within = (at: number) => at > from && at <= to;
  for (const { id, game, fate } of played) {
    if (within(game.end + filed)) {
      const stamp = localStamp(game.end + filed, zone);
      const name = { match_id: stamp, round_date: stamp.slice(0, 10), round_time: stamp.slice(11) };
      // Half of the rows say when they were made, as the pipeline does, in the server's own time.
      const created: Row = id % 2 === 0 ? { created_at: localText(game.end + filed + 1, zone) } : {};
      await insert(world, 'rounds', roundRow(id, game, { ...name, ...created }));
      if (fate === 'artifact') world.putArtifact(gametime(game));
    }
    const arrives = game.end + filed + (fate === 'late' ? lateSeconds : 0);
    if ((fate === 'covered' || fate === 'late') && within(arrives)) {
      const { id: _, ...capture } = captureRow(0, game, id, { match_id: localStamp(game.end, zone) });
      await insert(world, 'lua_round_teams', capture);
    }
  }
}

/** Counted over a night. */
export interface Night {
  audits: number;
  rounds: number;
  repaired: number;
  lost: number;
}

/** The rounds whose repair, and whose write-off, was seen. */
interface Seen {
  repaired: Set<number>;
  lost: Set<number>;
}

/** What is right of a round at a moment: its verdict, or null where it is covered and not spoken of. */
function rightVerdict({ fate, filedAt, game }: Played, now: number): string | null {
  const [age, sinceFiled] = [now - filedAt, now - (game.end + filed)];
  if (fate === 'covered' || (fate === 'late' && sinceFiled >= lateSeconds)) return null;
  if (age < graceSeconds) return 'pending';
  if (fate === 'artifact') return 'recoverable';
  return age < settleSeconds ? 'missing' : 'lost';
}

/** Holds one round at one moment against what is right. */
function judge(played: Played, line: VerdictLine | undefined, of: { now: number; seen: Seen }): void {
  const { now, seen } = of;
  const { id, fate, game, filedAt } = played;
  const what = `round ${id} (${fate}) at age ${now - filedAt} s: ${line?.because ?? 'covered'}`;
  // What was repaired is covered from the next run on.
  const verdict = seen.repaired.has(id) ? null : rightVerdict(played, now);
  assert.equal(line?.verdict ?? null, verdict, what);
  if (verdict === 'lost') seen.lost.add(id);
  if (verdict !== 'recoverable' || line === undefined) return;
  assert.deepEqual([line.action, line.outcome], ['backfill', 'done'], what);
  assert.ok(line.candidate?.path?.endsWith(`-${game.end}.json`), what);
  seen.repaired.add(id);
}

/** Audits through the night of a change, every so many minutes, and through the hours in which rounds are written off. */
export async function throughChange(of: {
  zone: string;
  change: number;
  everyMinutes: number;
}): Promise<Night> {
  const { zone, change, everyMinutes } = of;
  const played = gamesAround(change, zone);
  const first = played[0]!;
  const settings = { SERVER_TIMEZONE: zone };
  const artifacts = [gametime({ ...first.game, end: first.game.end - 30 * 24 * hour, map: 'earlier' })];
  return inWorld('sqlite', { settings, artifacts }, async (world) => {
    const seen: Seen = { repaired: new Set(), lost: new Set() };
    let [before, audits] = [change - 4 * hour, 0];
    const look = async (now: number) => {
      await live(world, played, { from: before, to: now, zone });
      before = now;
      const until = localDay(now, zone);
      const scope = { kind: 'lookback', since: addDays(until, -7), until } as const;
      const result: AuditResult = await world.audit({ now: new Date(now * 1000).toISOString(), scope });
      audits += 1;
      const lines = new Map(result.verdicts.map((line) => [line.roundId, line]));
      for (const one of played) if (one.game.end + filed <= now) judge(one, lines.get(one.id), { now, seen });
    };
    for (let now = change - 3 * hour; now <= change + 4 * hour; now += everyMinutes * minute) await look(now);
    const nothing = played.filter(({ fate }) => fate === 'nothing');
    const edges = nothing.flatMap(({ filedAt }) => [-1, 1].map((aside) => filedAt + settleSeconds + aside));
    for (const now of edges.sort((one, other) => one - other)) await look(now);
    const artifactsOf = played.filter(({ fate }) => fate === 'artifact');
    assert.equal(seen.repaired.size, artifactsOf.length);
    assert.equal((await world.entries('repair.done')).length, artifactsOf.length, 'each repair is made once');
    assert.equal(seen.lost.size, nothing.length);
    const links = (await world.dump()).lua_round_teams.filter(({ round_id }) => round_id !== null);
    for (const { round_id, round_end_unix } of links)
      assert.equal(
        played.find(({ id }) => id === round_id)?.game.end,
        round_end_unix,
        'no round is linked wrong',
      );
    assert.equal(links.length, played.length - nothing.length);
    return { audits, rounds: played.length, repaired: artifactsOf.length, lost: nothing.length };
  });
}

/** Asks at every minute of two days around a change which reports are owed: each day is, once, in order. */
export function reportsAround(of: { zone: string; change: number; reportAt: string }): number {
  const { zone, change, reportAt } = of;
  const from = change - 26 * hour;
  let lastDay: string | null = addDays(localDay(from, zone), -2);
  const made: string[] = [];
  for (let nowUnix = from; nowUnix <= change + 26 * hour; nowUnix += minute)
    for (const day of owedDays({ nowUnix, zone, reportAt, lastDay })) {
      made.push(day);
      lastDay = day;
    }
  for (const [at, day] of made.entries())
    assert.equal(day, addDays(made[0]!, at), `${zone}, REPORT_AT ${reportAt}: each day once, in order`);
  assert.ok(made.length >= 2);
  return made.length;
}
