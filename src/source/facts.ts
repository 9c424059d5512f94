import { canonicalRoundId } from '../core/canonical.ts';
import { present } from '../core/expected.ts';
import type { Round } from '../core/model.ts';
import type { ChangeFacts, StoredCapture } from '../core/row-change.ts';
import { canonicalIdColumn } from '../core/rows.ts';
import { backfillKey, gainedTiming } from '../core/slots.ts';
import type { Want } from '../core/verdict.ts';
import type { Database } from '../database.ts';
import { rowsWhereIn } from './query.ts';
import { roundColumns, toRound, toStoredCapture, toStoredSpawn } from './rows.ts';
import type { SourceSchema } from './schema.ts';

type Asked = Map<string, (string | number)[]>;

/** By which columns the captures that bear on some repairs are found: themselves, slots, keys, starts and ends. */
function captureCriteria(wants: readonly Want[], zone: string): Asked {
  const asked: Asked = new Map([
    ['id', []],
    ['round_id', []],
    ['match_id', []],
    ['round_start_unix', []],
    ['round_end_unix', []],
  ]);
  for (const want of wants) {
    asked.get('round_id')!.push(want.round.id);
    if (want.kind !== 'backfill') {
      asked.get('id')!.push(want.capture.id);
      continue;
    }
    const { startUnix, endUnix } = want.artifact.content.timing;
    asked.get('match_id')!.push(backfillKey(want, zone).matchId);
    asked.get('round_start_unix')!.push(startUnix);
    asked.get('round_end_unix')!.push(endUnix);
  }
  return asked;
}

function criterionOf(column: string, capture: StoredCapture): string | number | null {
  if (column === 'id') return capture.id;
  if (column === 'round_id') return capture.roundId;
  if (column === 'match_id') return capture.matchId;
  return column === 'round_start_unix' ? capture.timing.startUnix : capture.timing.endUnix;
}

async function loadCaptures(
  database: Database,
  asked: Asked,
  options: { schema: SourceSchema; lock: boolean },
): Promise<Map<number, StoredCapture>> {
  const columns = [...options.schema.columns.captures];
  const captures = new Map<number, StoredCapture>();
  for (const [column, values] of asked) {
    const query = { table: 'lua_round_teams', columns, column, values, lock: options.lock };
    for (const raw of await rowsWhereIn(database, query)) {
      const capture = toStoredCapture(raw);
      captures.set(capture.id, capture);
    }
  }
  return captures;
}

/** The facts of many groups, read together and handed out group by group. */
export interface LoadedFacts {
  of(wants: readonly Want[]): ChangeFacts;
}

/**
 * Reads the rows that bear on some repairs. With `lock` (inside a transaction on PostgreSQL) the rounds,
 * captures and spawn rows are locked FOR UPDATE.
 */
export async function loadFacts(
  database: Database,
  wants: readonly Want[],
  options: {
    schema: SourceSchema;
    zone: string;
    lock: boolean;
    /** The captures with a start that an artifact has, where whoever asks knows all of them: the source may have no index. */
    captureIdsByStart?: (startUnix: number) => readonly number[];
  },
): Promise<LoadedFacts> {
  const { schema, zone, lock } = options;
  const losing = wants.flatMap((want) =>
    want.kind === 'relink' && want.capture.roundId !== null ? [want.capture.roundId] : [],
  );
  const roundRows = await rowsWhereIn(database, {
    table: 'rounds',
    columns: roundColumns.filter((column) => schema.columns.rounds.has(column)),
    column: 'id',
    values: [...wants.map((want) => want.round.id), ...losing],
    lock,
  });
  const rounds = new Map(roundRows.map((raw) => toRound(raw)).map((entry) => [entry.round.id, entry]));
  const asked = captureCriteria(wants, zone);
  const { captureIdsByStart } = options;
  if (captureIdsByStart !== undefined) {
    const starts = asked.get('round_start_unix') as number[];
    asked.get('id')!.push(...starts.flatMap(captureIdsByStart));
    asked.delete('round_start_unix');
  }
  const captures = await loadCaptures(database, asked, { schema, lock });

  const keys = [
    ...[...captures.values()].map((capture) => capture.matchId),
    ...wants.flatMap((want) => (want.kind === 'backfill' ? [backfillKey(want, zone).matchId] : [])),
  ];
  const spawnRows =
    schema.columns.spawns === null
      ? []
      : await rowsWhereIn(database, {
          table: 'lua_spawn_stats',
          columns: [...schema.columns.spawns],
          column: 'match_id',
          values: keys,
          lock,
        });
  const spawns = spawnRows.map(toStoredSpawn);

  const mentioned = [...captures.values(), ...spawns].flatMap(({ roundId }) =>
    roundId === null ? [] : [roundId],
  );
  const existing = await rowsWhereIn(database, {
    table: 'rounds',
    columns: ['id'],
    column: 'id',
    values: mentioned,
    lock: false,
  });
  const existingRounds = new Set(existing.map(({ id }) => Number(id)));
  const canonicalHolders = await loadCanonicalHolders(database, { wants, rounds, schema });
  return indexFacts({
    rounds,
    captures: [...captures.values()],
    spawns,
    existingRounds,
    canonicalHolders,
    columns: schema.columns,
    zone,
  });
}

async function loadCanonicalHolders(
  database: Database,
  of: { wants: readonly Want[]; rounds: ReadonlyMap<number, { round: Round }>; schema: SourceSchema },
): Promise<Map<string, number>> {
  if (!of.schema.columns.rounds.has(canonicalIdColumn)) return new Map();
  const wanted = of.wants.flatMap((want) => {
    const start = gainedTiming(want).startUnix;
    return present(start) ? [canonicalRoundId(start, want.round.map, want.round.number ?? 0)] : [];
  });
  const found = await rowsWhereIn(database, {
    table: 'rounds',
    columns: ['id', canonicalIdColumn],
    column: canonicalIdColumn,
    values: wanted,
    lock: false,
  });
  return new Map(found.map((raw) => [String(raw[canonicalIdColumn]), Number(raw.id)]));
}

type CaptureIndex = ReadonlyMap<string, readonly StoredCapture[]>;
type SpawnIndex = ReadonlyMap<string, ChangeFacts['spawns']>;

function indexCaptures(captures: readonly StoredCapture[]): CaptureIndex {
  const index = new Map<string, StoredCapture[]>();
  for (const capture of captures)
    for (const column of ['id', 'round_id', 'match_id', 'round_start_unix', 'round_end_unix'])
      addTo(index, `${column} ${criterionOf(column, capture)}`, capture);
  return index;
}

function addTo<T>(index: Map<string, T[]>, key: string, item: T): void {
  const known = index.get(key);
  if (known) known.push(item);
  else index.set(key, [item]);
}

/** The captures that bear on some repairs, by id. */
function capturesOf(wants: readonly Want[], zone: string, index: CaptureIndex): StoredCapture[] {
  if (index.size === 0) return [];
  const captures = new Set<StoredCapture>();
  for (const [column, values] of captureCriteria(wants, zone))
    for (const value of values)
      for (const capture of index.get(`${column} ${value}`) ?? []) captures.add(capture);
  return [...captures].sort((a, b) => a.id - b.id);
}

/** The spawn rows of some captures, and of those that backfills will make. */
function spawnsOf(
  wants: readonly Want[],
  of: { captures: readonly StoredCapture[]; zone: string; index: SpawnIndex },
): ChangeFacts['spawns'] {
  if (of.index.size === 0) return [];
  const matchIds = new Set(of.captures.map(({ matchId }) => matchId));
  for (const want of wants) if (want.kind === 'backfill') matchIds.add(backfillKey(want, of.zone).matchId);
  return [...matchIds].flatMap((matchId) => of.index.get(matchId) ?? []);
}

function roundsOf(
  wants: readonly Want[],
  captures: readonly StoredCapture[],
  all: ChangeFacts['rounds'],
): ChangeFacts['rounds'] {
  const rounds = new Map<number, { round: Round; canonicalId: string | null }>();
  for (const id of [...wants.map(({ round }) => round.id), ...captures.map(({ roundId }) => roundId)]) {
    const found = id === null ? undefined : all.get(id);
    if (found !== undefined) rounds.set(found.round.id, found);
  }
  return rounds;
}

/** Hands each group the captures and spawn rows that bear on it, without searching through all of them. */
function indexFacts(all: ChangeFacts): LoadedFacts {
  const { zone } = all;
  const byCriterion = indexCaptures(all.captures);
  const byMatch = new Map<string, ChangeFacts['spawns'][number][]>();
  for (const spawn of all.spawns) addTo(byMatch, spawn.matchId, spawn);
  return {
    of(wants) {
      const captures = capturesOf(wants, zone, byCriterion);
      const spawns = spawnsOf(wants, { captures, zone, index: byMatch });
      return { ...all, captures, spawns, rounds: roundsOf(wants, captures, all.rounds) };
    },
  };
}
