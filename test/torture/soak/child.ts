import '../../../jobs/utc.ts';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from '../../../jobs/audit.ts';
import { decide, listAll } from '../../../jobs/incidents.ts';
import { verifyLedger } from '../../../jobs/ledger.ts';
import { notify } from '../../../jobs/notify.ts';
import { noProgress } from '../../../jobs/progress.ts';
import { sendReports } from '../../../jobs/report.ts';
import { type Config, parseConfig } from '../../../src/config.ts';
import { foldEntry, withLedgerToRead } from '../../../src/context.ts';
import { lastOwedDay } from '../../../src/core/owed.ts';
import { addDays, localDay } from '../../../src/core/time.ts';
import { closeDatabase, type Database, openDatabase } from '../../../src/database.ts';
import { eachEntry } from '../../../src/ledger/entries.ts';
import { openLog } from '../../../src/log.ts';
import { createSource, fillSource } from '../../../src/source/create.ts';
import { type GametimeFile, game, gametime, zone } from '../../jobs/games.ts';
import { asChild } from '../child.ts';
import { type Held, held, more, rise } from './measure.ts';
import { Model } from './model.ts';
import { artifactOf, captureOf, type Played, playedRounds, rowOf, weather } from './world.ts';

/** What the soak is told. */
export interface SoakAsked {
  cycles: number;
  seed: number;
  directory: string;
  sourceUrl: string;
  ledgerUrl: string;
  hookUrl: string;
  smtpPort: number;
}

/** What it came to. */
export interface SoakTally {
  days: number;
  rounds: number;
  entries: Record<string, number>;
  outbox: Record<string, number>;
  packets: number;
  reports: number;
  runs: number;
  cpuMsPerCycle: { second: number; fourth: number; last: number };
  first: Held;
  last: Held;
  heapRiseBytes: number;
  rssRiseBytes: number;
  handlesMore: number;
  resourcesMore: number;
  listenersMore: number;
}

const fromUnix = Date.parse('2026-03-20T10:00:00Z') / 1_000;
const shortestStep = 180;
/** The shortest soak is long enough for rounds to be written off. */
const shortestSeconds = 3 * 86_400;
const log = openLog('silent');

async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(url, { create: true });
  try {
    return await work(database);
  } finally {
    await closeDatabase(database);
  }
}

/** The source and the artifact place, as the game server, the bot and the disk change them. */
class World {
  readonly place: string;
  readonly #away: string;
  readonly #asked: SoakAsked;
  readonly #played: readonly Played[];
  #isAway = false;
  #until = 0;

  constructor(asked: SoakAsked, played: readonly Played[]) {
    this.#asked = asked;
    this.#played = played;
    this.place = join(asked.directory, 'gametimes');
    this.#away = join(asked.directory, 'gametimes-away');
  }

  async begin(): Promise<void> {
    mkdirSync(this.place);
    // Of an evening long before; a place without an artifact would count as unreadable.
    this.#put(gametime(game('long_ago', 1, '2026-02-01 20:00:00')), this.place);
    await withDatabase(this.#asked.sourceUrl, (database) => createSource(database));
  }

  #put({ name, bytes, modifiedUnix }: GametimeFile, directory: string): void {
    const path = join(directory, name);
    writeFileSync(path, bytes);
    utimesSync(path, modifiedUnix, modifiedUnix);
  }

  /** Everything that happens up to a moment. */
  async live(unix: number, away: boolean): Promise<void> {
    const isNew = (at: number | null) => at !== null && at > this.#until && at <= unix;
    const rounds = this.#played.filter(({ fileUnix }) => isNew(fileUnix)).map(rowOf);
    const captures = this.#played.filter(({ captureUnix }) => isNew(captureUnix)).map(captureOf);
    if (rounds.length + captures.length > 0)
      await withDatabase(this.#asked.sourceUrl, (database) => fillSource(database, { rounds, captures }));
    if (away !== this.#isAway) renameSync(away ? this.place : this.#away, away ? this.#away : this.place);
    this.#isAway = away;
    for (const played of this.#played)
      if (isNew(played.artifactUnix)) this.#put(artifactOf(played), away ? this.#away : this.place);
    this.#until = unix;
  }
}

function configOf(asked: SoakAsked, place: string, answer: 'up' | 'down' | 'refuse'): Config {
  return parseConfig({
    ...{ SOURCE_DATABASE_URL: asked.sourceUrl, LEDGER_DATABASE_URL: asked.ledgerUrl, SOURCE_NAME: 'soak' },
    ...{ DATA_DIR: join(asked.directory, 'data'), GAMETIME_PATHS: place, SERVER_TIMEZONE: zone },
    ...{ ALERT_WEBHOOK_URL: `${asked.hookUrl}/${answer}`, SMTP_URL: `smtp://127.0.0.1:${asked.smtpPort}` },
    ...{ MAIL_FROM: 'soak@example.org', MAIL_TO: 'ops@example.org' },
  });
}

async function decideAll(model: Model, of: { config: Config; unix: number }): Promise<void> {
  const decisions = model.decisions(of.unix);
  if (decisions.length === 0) return;
  const incidents = await listAll(of.config, 'all');
  for (const { id: roundId, kind } of decisions) {
    const { id } = incidents.find(({ round }) => round?.roundId === roundId)!;
    const said = { by: 'soak', reason: 'as the world has it', nowMs: of.unix * 1_000 };
    await decide(of.config, { id, deciding: { kind }, ...said });
  }
}

async function entriesByKind(config: Config): Promise<Record<string, number>> {
  return withLedgerToRead(config, async (ledger) => {
    const counts: Record<string, number> = {};
    for await (const entry of eachEntry(ledger!)) {
      const { kind } = foldEntry(entry);
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  });
}

/** How many rows of a table of the ledger's database have the same values. */
async function countBy(
  config: Config,
  table: string,
  columns: readonly string[],
): Promise<Record<string, number>> {
  return withLedgerToRead(config, async (ledger) => {
    const { knex } = ledger!.database;
    const rows: Record<string, unknown>[] = await knex(table)
      .select([...columns])
      .count({ count: '*' })
      .groupBy([...columns]);
    return Object.fromEntries(
      rows.map((row) => [columns.map((column) => row[column]).join(' '), Number(row.count)]),
    );
  });
}

/** What is stored at the end is exactly what the world did. */
async function assertStored(
  asked: SoakAsked,
  of: { config: Config; model: Model; unix: number; reports: number },
): Promise<Pick<SoakTally, 'entries' | 'outbox' | 'packets' | 'runs'>> {
  const { model, config } = of;
  const entries = await entriesByKind(config);
  assert.deepEqual(entries, model.entries);
  const outbox = await countBy(config, 'outbox', ['channel', 'state']);
  const { webhook, webhookRefused, mail } = model.messages;
  const due = { 'mail sent': mail, 'webhook sent': webhook - webhookRefused, 'webhook dead': webhookRefused };
  assert.deepEqual(outbox, Object.fromEntries(Object.entries(due).filter(([, count]) => count > 0)));
  const runs = await countBy(config, 'runs', ['command', 'state']);
  assert.deepEqual(runs, {
    'audit finished': asked.cycles,
    ...(of.reports === 0 ? {} : { 'report finished': of.reports }),
  });
  const linked = await withDatabase(asked.sourceUrl, (database) =>
    database.knex('lua_round_teams').whereNotNull('round_id').count({ count: '*' }),
  );
  assert.equal(Number(linked[0]!.count), model.coveredAmong(of.unix));
  const packetFolders = join(config.dataDir, 'packets');
  const packets = existsSync(packetFolders) ? readdirSync(packetFolders).length : 0;
  assert.equal(packets, model.packets);
  const check = await verifyLedger(config, { anchors: [], rows: true });
  assert.deepEqual(check.chain.problems, []);
  return { entries, outbox, packets, runs: Object.values(runs).reduce((sum, count) => sum + count, 0) };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);

async function soak(asked: SoakAsked, say: (at: string) => void): Promise<SoakTally> {
  const step = Math.max(shortestStep, Math.ceil(shortestSeconds / asked.cycles));
  const days = Math.ceil((asked.cycles * step) / 86_400);
  const played = playedRounds({ fromUnix, days, seed: asked.seed });
  const [world, model] = [new World(asked, played), new Model(played)];
  const points: Held[] = [];
  const cpu: number[] = [];
  const every = Math.max(1, Math.floor(asked.cycles / 100));
  let reported: string | null = null;
  let reports = 0;
  let unix = fromUnix;
  await world.begin();
  for (let cycle = 0; cycle < asked.cycles; cycle++) {
    unix = fromUnix + cycle * step;
    const at = weather(unix, fromUnix);
    const where = `cycle ${cycle} (seed ${asked.seed}, ${new Date(unix * 1_000).toISOString()})`;
    if (cycle % 10 === 0) say(where);
    const answer = at.channelDown ? 'down' : at.channelRefuses ? 'refuse' : 'up';
    const config = configOf(asked, world.place, answer);
    await world.live(unix, at.placeAway);
    const before = process.cpuUsage();
    const until = localDay(unix, zone);
    const scope = { kind: 'lookback', since: addDays(until, -config.lookbackDays), until } as const;
    const result = await audit({ config, log, scope, nowMs: unix * 1_000, progress: noProgress });
    const { user, system } = process.cpuUsage(before);
    cpu.push((user + system) / 1_000);
    model.audit({ unix, away: at.placeAway, refuses: at.channelRefuses });
    assert.equal(result.ledger?.seq ?? 0, model.total, `${where}: entries`);
    const owed = lastOwedDay({ nowUnix: unix, zone, reportAt: config.reportAt });
    if (reported === null || owed > reported) {
      const { made } = await sendReports({ config, nowMs: unix * 1_000 });
      reports += 1;
      for (const { report } of made) assert.deepEqual(report.discrepancies, [], where);
      for (let times = 0; times < made.length; times++) model.report();
      reported = owed;
    }
    await decideAll(model, { config, unix });
    if (cycle % every === 0) points.push(held(cycle));
  }
  const config = configOf(asked, world.place, 'up');
  await notify({ config, nowMs: (unix + 3 * 3_600) * 1_000, retryDead: false, test: false });
  const stored = await assertStored(asked, { config, model, unix, reports });
  const tenth = Math.max(1, Math.floor(asked.cycles / 10));
  const inTenth = (at: number) => mean(cpu.slice((at - 1) * tenth, at * tenth));
  return {
    ...{ ...stored, days, reports },
    rounds: played.filter(({ fileUnix }) => fileUnix <= unix).length,
    cpuMsPerCycle: { second: inTenth(2), fourth: inTenth(4), last: mean(cpu.slice(-tenth)) },
    ...{ first: points[0]!, last: points.at(-1)! },
    heapRiseBytes: rise(points, 'heapBytes'),
    rssRiseBytes: rise(points, 'rssBytes'),
    handlesMore: more(points, 'handles'),
    resourcesMore: more(points, 'resources'),
    listenersMore: more(points, 'listeners'),
  };
}

await asChild(soak);
