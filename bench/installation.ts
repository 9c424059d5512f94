import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localText } from '../src/core/time.ts';
import { closeDatabase, type Dialect, openDatabase } from '../src/database.ts';
import { createSource, fillSource } from '../src/source/create.ts';
import { freshDatabase } from './databases.ts';
import { type Played, rowsOf, writeArtifacts, zone } from './evenings.ts';

/** Settings of an installation, by the names of their variables. */
export type Settings = Record<string, string>;

/** What the bot writes of a round that came through. */
function botLines(of: Played): string {
  const line = (unix: number, words: string) =>
    `${localText(unix, zone)} | INFO     | bot.webhook               | ${words}\n`;
  const end = of.endUnix;
  return [
    line(end + 1, 'Received STATS_READY webhook with metadata'),
    line(end + 1, `STATS_READY: ${of.map} R${of.number} (winner=2, playtime=300s)`),
    line(end + 2, `Webhook trigger validated: ${localText(end + 2, zone).slice(0, 10)}-${of.map}.txt`),
  ].join('');
}

/** What the module writes of a round. */
function consoleLines(of: Played): string {
  return [
    `Round started at ${of.startUnix}`,
    `Round ended at ${of.endUnix} (duration: ${of.endUnix - of.startUnix} sec)`,
    `Gametime file written: /srv/gametimes/gametime-${of.map}-R${of.number}-${of.endUnix}.json`,
  ]
    .map((words) => `[stats_discord_webhook] ${words}\n`)
    .join('');
}

/** A new installation in a directory of its own: source, artifacts, logs; its ledger is not there yet. */
export async function installation(
  dialect: Dialect,
  of: {
    directory: string;
    name: string;
    played: readonly Played[];
    /** Whose artifacts are there still; of all where nothing is said. */
    artifacts?: readonly Played[];
    /** Whether there are spawn rows too: three times as many as all others. */
    spawns?: boolean;
    more?: Settings;
  },
): Promise<Settings> {
  const { directory, name, played, artifacts = played, spawns = true, more = {} } = of;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'logs'), { recursive: true });
  writeArtifacts(join(directory, 'gametimes'), artifacts);
  writeFileSync(join(directory, 'logs', 'webhook.log'), played.map(botLines).join(''));
  writeFileSync(join(directory, 'logs', 'etconsole.log'), played.map(consoleLines).join(''));
  const source = await freshDatabase(dialect, { directory, name: `${name}_source` });
  const ledger = await freshDatabase(dialect, { directory, name: `${name}_ledger` });
  const database = await openDatabase(source, { create: true });
  try {
    await createSource(database);
    const rows = rowsOf(played);
    await fillSource(database, spawns ? rows : { ...rows, spawns: [] });
    if (dialect === 'postgres') await database.knex.raw('analyze');
  } finally {
    await closeDatabase(database);
  }
  return {
    ...{ SOURCE_DATABASE_URL: source, SOURCE_NAME: 'bench', LEDGER_DATABASE_URL: ledger },
    ...{ DATA_DIR: join(directory, 'data'), GAMETIME_PATHS: join(directory, 'gametimes') },
    ...{ SERVER_TIMEZONE: zone, WEBHOOK_LOG: join(directory, 'logs', 'webhook.log') },
    CONSOLE_LOG: join(directory, 'logs', 'etconsole.log'),
    ...more,
  };
}
