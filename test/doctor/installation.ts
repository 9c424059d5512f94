import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../../src/core/model.ts';
import { localStamp, localText } from '../../src/core/time.ts';
import type { DatabaseKind } from '../databases.ts';
import { type Environment, runCommand, type Scene, withScene, withSettings } from '../failure/scene.ts';
import { captureRow, type Game, gametime, roundRow, timingOf, zone } from '../jobs/games.ts';
import { hostWith } from './hosts.ts';

/** Seconds since 1970, when the tests of this process began. */
export const nowUnix = Math.floor(Date.now() / 1000);
const day = 86_400;

/** A round that ended so many days ago. */
function gameAgo(days: number, number: number, map = 'supply'): Game {
  const end = nowUnix - Math.round(days * day);
  return { map, number, start: end - 420, end };
}

/** What was played: all covered, but for one second round of three weeks ago that nothing is left of. */
export const lostId = 101;
const games: readonly (readonly [number, Game])[] = [
  [100, gameAgo(20.1, 1)],
  [lostId, gameAgo(20, 2)],
  [102, gameAgo(19.9, 2, 'etl_adlernest')],
  [103, gameAgo(2.1, 1)],
  [104, gameAgo(2, 2)],
];
const covered = games.filter(([id]) => id !== lostId);

function sourceRows(): { rounds: Row[]; captures: Row[] } {
  return {
    rounds: games.map(([id, game]) => roundRow(id, game, id === lostId ? {} : timingOf(game))),
    captures: covered.map(([id, game]) => captureRow(id, game, id)),
  };
}

/** A line of the bot's log at an instant, in the zone of the game server. */
export function logLine(unix: number, message: string): string {
  return `${localText(unix, zone)} | INFO     | bot.webhook               | ${message}\n`;
}

/** What the bot says of a round that came in as it should. */
export function botLines({ map, number, end }: Game): string {
  const stats = `${localStamp(end + 3, zone)}-${map}-round-${number}.txt`;
  return [
    logLine(end + 4, `📥 Webhook trigger validated: ${stats}`),
    logLine(end + 5, `📊 STATS_READY: ${map} R${number} (winner=2, playtime=420s, warmup=30s, pauses=0)`),
    logLine(end + 6, `💾 Stored Lua round data: ${localStamp(end, zone)} R${number} (Axis: 3, Allies: 3)`),
  ].join('');
}

export const consoleLines = `setl lua_modules "luascripts/team-lock.lua luascripts/stats_discord_webhook.lua"
[stats_discord_webhook] v1.7.2 loaded successfully!
[stats_discord_webhook] Round started at ${nowUnix - 2 * day - 420}
[stats_discord_webhook] Round ended at ${nowUnix - 2 * day} (duration: 420 sec)
`;

/** The paths of an installation, for tests that break it. */
export interface Installation {
  scene: Scene;
  gametimes: string;
  botLog: string;
  consoleLog: string;
  /** The same with other settings. */
  set(settings: Environment): Scene;
}

const lastGame = covered.at(-1)![1];

/** A log as if its last line had been written at once. */
export function writeLog(path: string, text: string, writtenUnix: number): void {
  writeFileSync(path, text);
  utimesSync(path, writtenUnix, writtenUnix);
}

/** An installation where everything is well, and one audit was run. */
export async function inInstallation<T>(
  work: (installation: Installation) => Promise<T>,
  kinds: { source: DatabaseKind; ledger?: DatabaseKind } = { source: 'sqlite' },
): Promise<T> {
  return withScene({ ...kinds, rows: sourceRows() }, async (bare) => {
    const { directory } = bare;
    const [gametimes, logs] = [join(directory, 'gametimes'), join(directory, 'logs')];
    for (const path of [gametimes, logs]) mkdirSync(path);
    const artifact = gametime(lastGame);
    writeFileSync(join(gametimes, artifact.name), artifact.bytes);
    const [botLog, consoleLog] = [join(logs, 'webhook.log'), join(logs, 'etconsole.log')];
    writeLog(botLog, covered.map(([, game]) => botLines(game)).join(''), lastGame.end + 6);
    writeLog(consoleLog, consoleLines, lastGame.end + 2);
    const settings = {
      GAMETIME_PATHS: gametimes,
      WEBHOOK_LOG: botLog,
      CONSOLE_LOG: consoleLog,
      CAPTURE_SINCE: localStamp(nowUnix - 60 * day, zone).slice(0, 10),
      // Nobody listens there, and nothing is sent.
      ALERT_WEBHOOK_URL: 'http://127.0.0.1:9/alerts',
      ...hostWith(directory),
    };
    const scene = withSettings(bare, settings);
    const audited = await runCommand(scene, ['audit', '--all']);
    if (audited.code !== 0) throw new Error(audited.stdout + audited.stderr);
    const set = (more: Environment) => withSettings(scene, more);
    return work({ scene, gametimes, botLog, consoleLog, set });
  });
}
