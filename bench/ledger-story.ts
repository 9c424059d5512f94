import { createHash } from 'node:crypto';
import type { Json } from '../src/core/model.ts';
import type { EntryDraft } from '../src/ledger/chain.ts';

/** What stands in entries, as a ledger of the incident of February 2026 holds it, in sizes from 0.4 to 4 kB. */
export const storySource = 'production';
/** When all of it is written. */
export const storyAt = '2026-02-14T20:00:00.000Z';

const maps = ['supply', 'etl_adlernest', 'te_escape2', 'sw_goldrush_te', 'erdenberg_t2', 'te_valhalla b2.1'];
const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const pad = (value: number) => String(value).padStart(2, '0');

/** One round of the story. Every round has another time, so another key. */
function roundOf(at: number) {
  const played = new Date(Date.UTC(2026, 0, 24) + at * 431_000);
  const date = played.toISOString().slice(0, 10);
  const time = `${pad(played.getUTCHours())}${pad(played.getUTCMinutes())}${pad(played.getUTCSeconds())}`;
  const map = maps[at % maps.length]!;
  const number = (at % 2) + 1;
  const endUnix = played.getTime() / 1000 - 3;
  const path = `/srv/et/gametimes/gametime-${map}-R${number}-${endUnix}.json`;
  const round = {
    roundId: 1000 + at,
    matchId: `${date}-${time}`,
    map,
    number,
    date,
    time,
    playedAt: `${played.toISOString().slice(0, 19)}Z`,
    session: at >> 5,
  };
  return { round, path, sha256: sha(path), endUnix, key: `${map}|${number}|${date} ${time}` };
}

type Story = ReturnType<typeof roundOf>;
const draft = (kind: string, { key }: Story, body: Json): EntryDraft => ({
  kind,
  source: storySource,
  key,
  body,
});
const run = (at: number) => `2026${pad(1 + ((at >> 8) % 12))}14T200000Z-${at >> 8}`;

function evidence({ round, endUnix, path }: Story, count: number): Json {
  const texts = [
    `📊 STATS_READY: ${round.map} R${round.number} (winner=2, playtime=431s, warmup=40s, pauses=0, score=0-1)`,
    '⚠️ Could not store Lua team data: the server expects 24 arguments for this query, 3 were passed',
    `[stats_discord_webhook] Round ended at ${endUnix} (duration: 431 sec)`,
    `[stats_discord_webhook] Gametime file written: ${path}`,
    '[stats_discord_webhook] Webhook send started: curl started',
  ];
  return texts
    .slice(0, count)
    .map((text, line) => ({ file: '/var/log/bot/webhook.log', line: endUnix + line, text }));
}

/** What an audit says of a gap: half of the lines are of the console, and plain ASCII. */
function seenBody(story: Story, of: { at: number; recoverable: boolean; previous?: number }): Json {
  const { path, sha256 } = story;
  const candidate = {
    captureId: null,
    deltaSeconds: 3,
    kind: 'artifact',
    note: 'whole and sane',
    path,
    sha256,
  };
  const cause = of.recoverable ? 'store_failed' : 'never_received';
  return {
    run: run(of.at),
    round: story.round,
    verdict: of.recoverable ? 'recoverable' : 'lost',
    reason: of.recoverable ? 'artifact' : 'nothing_fits',
    because: `${path} is whole, sane and fits it alone, 3 s before the file`,
    flags: [],
    candidate: of.recoverable ? candidate : null,
    seen: of.recoverable ? [candidate] : [],
    artifacts: of.recoverable ? [{ path, sha256 }] : [],
    cause: {
      code: cause,
      also: ['artifact_unread'],
      because: 'the bot received the message and could not store it',
      evidence: evidence(story, of.recoverable ? 5 : 1),
    },
    previous: of.previous ?? null,
    from: of.previous === undefined ? null : 'missing',
    ...(of.recoverable
      ? {}
      : { places: [], packet: { path: `data/packets/${story.round.roundId}`, sha256 } }),
  };
}

const players = ['vid', 'squaze', 'bronze.', '.wajs', 'SuperBoyy', '.olz'];

function rowChanges({ round, endUnix }: Story, at: number): Json {
  const names = players
    .slice(0, 2 + (at % 5))
    .map((name) => ({ guid: sha(name).slice(0, 32).toUpperCase(), name }));
  const of = { match_id: round.matchId, round_number: round.number };
  const spawns = names.map(({ guid, name }) => ({
    table: 'lua_spawn_stats',
    key: { ...of, player_guid: guid },
    before: null,
    after: {
      ...of,
      map_name: round.map,
      player_guid: guid,
      player_name: name,
      round_end_unix: endUnix,
      spawn_count: 3,
      death_count: 2,
      dead_seconds: 22,
      avg_respawn_seconds: 11,
      max_respawn_seconds: 11,
      round_id: round.roundId,
    },
  }));
  const timing = {
    round_start_unix: endUnix - 431,
    round_end_unix: endUnix,
    actual_duration_seconds: 431,
    total_pause_seconds: 0,
    pause_count: 0,
  };
  const capture = {
    ...of,
    ...timing,
    map_name: round.map,
    axis_players: names.slice(1),
    allies_players: names.slice(0, 1),
    winner_team: 2,
    defender_team: 1,
    end_reason: 'OBJECTIVE',
    time_limit_minutes: 12,
    lua_version: '1.6.0',
    round_id: round.roundId,
  };
  return [
    { table: 'lua_round_teams', key: of, before: null, after: capture },
    ...spawns,
    {
      table: 'rounds',
      key: { id: round.roundId },
      before: { round_start_unix: null, round_end_unix: null },
      after: timing,
    },
  ];
}

function repairBody(story: Story, at: number): { [name: string]: Json } {
  const { path, sha256, key, round } = story;
  const repair = {
    kind: 'backfill',
    incident: key,
    roundId: round.roundId,
    matchId: round.matchId,
    captureId: null,
    path,
    sha256,
    deltaSeconds: 3,
    releases: [],
  };
  return { run: run(at), incidents: [key], repairs: [repair] };
}

/** Rounds of one batch: their gaps are found, most are repaired, the others written off; some are noted on. */
const roundsAtOnce = 500;

/**
 * The entries of a ledger in the batches in which runs append them, without end, from seq 1 on. Every night of 500
 * rounds: what was found (400 recoverable, 100 lost), 400 repairs begun, 400 done, and 100 entries on other rounds:
 * people's notes on that night's, and changes of rounds that were found 20 nights ago.
 */
export function* storyBatches(): Generator<EntryDraft[]> {
  for (let first = 0, seq = 0; ; first += roundsAtOnce) {
    const stories = Array.from({ length: roundsAtOnce }, (_, at) => roundOf(first + at));
    const repaired = stories.filter((_, at) => at % 5 !== 0);
    const lost = stories.filter((_, at) => at % 5 === 0);
    yield stories.map((story, at) =>
      at % 5 === 0
        ? draft('gap.written_off', story, seenBody(story, { at: first, recoverable: false }))
        : draft('gap.found', story, seenBody(story, { at: first, recoverable: true })),
    );
    seq += stories.length;
    const started = seq + 1;
    yield repaired.map((story, at) =>
      draft('repair.started', story, {
        ...repairBody(story, first),
        fingerprint: sha(`${first}`),
        hash: sha(`${first} ${at}`),
        changes: rowChanges(story, at),
      }),
    );
    yield repaired.map((story, at) =>
      draft('repair.done', story, { ...repairBody(story, first), certain: true, started: started + at }),
    );
    seq += 2 * repaired.length;
    yield lost.map((story, at) => lateEntry(story, { at, first, seq }));
    seq += lost.length;
  }
}

function lateEntry(story: Story, of: { at: number; first: number; seq: number }): EntryDraft {
  const long = of.first - 20 * roundsAtOnce + of.at * 5;
  if (of.at % 2 === 0 || long < 0)
    return draft('incident.noted', story, {
      by: 'ann',
      reason: `asked the host for its backup of ${story.path}`,
    });
  const old = roundOf(long);
  return draft(
    'gap.changed',
    old,
    seenBody(old, { at: of.first, recoverable: true, previous: of.seq - 1000 }),
  );
}
